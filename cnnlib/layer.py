"""What every layer keeps and offers: parameters, state, and the two passes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from cnnlib import checks
from cnnlib.initialization import torch_default


class Parameter:
    """An array that training changes (`data`) and the loss's gradient for it (`grad`, or None).

    With requires_grad=False it is frozen: no backward gives it a gradient, no optimizer moves it.
    """

    def __init__(self, data: np.ndarray, requires_grad: bool = True) -> None:
        self.data = data
        self.requires_grad = checks.flag("Parameter", "requires_grad", requires_grad)
        self.grad: np.ndarray | None = None

    def accumulate(self, grad: np.ndarray) -> None:
        """Add `grad`, of the shape of `data`: a parameter used twice has the sum of both uses."""
        if not self.requires_grad:
            return
        grad = grad.astype(self.data.dtype, copy=False)
        self.grad = grad if self.grad is None else self.grad + grad

    def __repr__(self) -> str:
        frozen = "" if self.requires_grad else ", requires_grad=False"
        return f"Parameter(shape={self.data.shape}, dtype={self.data.dtype}{frozen})"


class Layer:
    """The contract: `forward(x)` keeps in `saved` what `backward(grad_output)` needs.

    `backward` takes the loss's gradient for the layer's output, adds the gradients of the
    parameters to their `grad`, and returns the gradient for the input. It uses up what is saved:
    each backward needs a forward of its own. One layer may stand at several places of a network;
    `Sequential` and `Residual` take its `saved` away after each forward, and put it back before
    the backward that belongs to it.

    A layer's parameters, buffers and children are found among its attributes, and named after
    them as in torch.nn.
    """

    buffers: tuple[str, ...] = ()  # attributes that are saved and not trained
    training = True
    keeps = True  # False inside `inference()`
    saved: Any = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The layer's output for `x`; calling the layer does the same."""
        raise NotImplementedError

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for the input of the last `forward`, given that for its output."""
        raise NotImplementedError

    def backward_parameters(self, grad_output: np.ndarray) -> None:
        """`backward` without the gradient for x, which nobody needs where x are the images."""
        self.backward(grad_output)

    def __call__(self, *inputs: Any) -> np.ndarray:
        output = self.forward(*inputs)
        if not self.keeps:
            self.saved = None
        return output

    def extra_repr(self) -> str:
        """The arguments that the layer was made with, as far as they differ from the defaults.

        They are found among the attributes, under their names.
        """
        arguments, words = inspect.signature(type(self)).parameters, []
        options = zip(arguments, getattr(self, "options", ()), strict=False)
        known = dict(options) | vars(self)
        for name, argument in arguments.items():
            value, default = known.get(name, argument.default), argument.default
            if isinstance(default, bool):  # as bias, which is a parameter or None
                value = bool(value)
            shown = isinstance(value, bool | int | float | str | tuple)
            if shown and value not in (default, (default, default)):
                words.append(repr(value) if default is argument.empty else f"{name}={value!r}")
        return ", ".join(words)

    def __repr__(self) -> str:
        """The layer and, indented, those inside it, as torch prints them."""
        lines = [f"({name}): {child!r}" for name, child in self.children().items()]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        inside = "\n".join(filter(None, [self.extra_repr(), *lines])).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {inside}\n)"

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """Products of a weight and a number on the way from input to output."""
        return 0

    def recall(self) -> Any:
        """What the last `forward` has saved, once; raises RuntimeError when there is nothing."""
        saved, self.saved = self.saved, None
        if saved is None:
            where = "" if self.keeps else ", outside of inference()"
            found = f"{type(self).__name__}.backward: call forward first"
            raise RuntimeError(f"{found}, once for each backward{where}")
        return saved

    def children(self) -> dict[str, Layer]:
        """The layers directly inside this one, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Layer)}

    def layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """This layer and all inside it, each with the prefix that its keys begin with."""
        yield prefix, self
        for name, child in self.children().items():
            yield from child.layers(f"{prefix}{name}.")

    def _kept(self) -> Iterator[tuple[str, Parameter | np.ndarray]]:
        for prefix, layer in self.layers():
            for name, value in vars(layer).items():
                if isinstance(value, Parameter) or name in layer.buffers:
                    yield prefix + name, value

    def named_parameters(self) -> dict[str, Parameter]:
        """All parameters, with keys such as "0.weight"; one that is shared has its first key."""
        keys: dict[Parameter, str] = {}
        for key, value in self._kept():
            if isinstance(value, Parameter):
                keys.setdefault(value, key)
        return {key: parameter for parameter, key in keys.items()}

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of their layers; one that is shared comes once."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Forget all gradients: the next `backward` begins anew."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Layer:
        """Freeze all parameters with False, or let them learn again."""
        requires_grad = checks.flag("requires_grad_", "requires_grad", requires_grad)
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def _arrays(self) -> dict[str, np.ndarray]:
        return {k: v.data if isinstance(v, Parameter) else v for k, v in self._kept()}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers, with torch's keys; a shared one under each key."""
        return {key: np.array(array, order="C") for key, array in self._arrays().items()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Copy the arrays of `state`, this layer's or torch's (as NumPy arrays), into place.

        Raises TypeError for what holds no numbers, ValueError when a key is missing or unknown, a
        shape differs, or a number is not finite or does not fit, and then changes nothing.
        """
        checks.instance("load_state_dict", "state", state, Mapping)
        own = self._arrays()
        missing = [key for key in own if key not in state]
        expected = f"expected {', '.join(own)}"
        checks.require(not missing, f"load_state_dict: {', '.join(missing)} is missing; {expected}")
        for key in state:
            checks.require(key in own, f"load_state_dict: {key} is unknown; {expected}")
        copies = {key: fitting(key, state[key], array) for key, array in own.items()}
        for key, array in own.items():
            array[...] = copies[key]

    def train(self, mode: bool = True) -> Layer:
        """Switch this layer and all inside it to training, or with False to evaluation."""
        mode = checks.flag("train", "mode", mode)
        for _, layer in self.layers():
            layer.training = mode
        return self

    def eval(self) -> Layer:
        """Switch to evaluation: dropout lets all pass, batch norm uses its running values."""
        return self.train(False)

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """A `with` block in evaluation mode; afterwards modes and `saved` are what they were."""
        before = [(layer, layer.training, layer.saved) for _, layer in self.layers()]
        self.eval()
        try:
            yield
        finally:
            for layer, *kept in before:
                layer.training, layer.saved = kept

    @contextmanager
    def inference(self) -> Iterator[None]:
        """`evaluation` that keeps nothing for a backward, and so needs the memory of one layer.

        A layer forgets when it is called: `layer(x)`, not `layer.forward(x)`.
        """
        with self.evaluation():
            before = [(layer, layer.keeps) for _, layer in self.layers()]
            for layer, _ in before:
                layer.keeps = False
            try:
                yield
            finally:
                for layer, keeps in before:
                    layer.keeps = keeps

    def generators(self) -> list[np.random.Generator]:
        """The random generators of all layers that draw while training."""
        return [layer.rng for _, layer in self.layers() if hasattr(layer, "rng")]


def fitting(key: str, value: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A copy of `value` in the dtype of `own`, once it is known that nothing of it is lost."""
    found = f"load_state_dict: {key}"
    if not isinstance(value, np.ndarray | np.generic):
        raise TypeError(f"{found} is a {type(value).__name__}; expected a NumPy array")
    kinds = "iu" if own.dtype.kind in "iu" else "iuf"
    if value.dtype.kind not in kinds:
        kind = "whole numbers" if kinds == "iu" else "real numbers"
        raise TypeError(f"{found} is {value.dtype}; expected {kind} that fit {own.dtype}")
    checks.require(
        value.shape == own.shape, f"{found} has shape {value.shape}; expected {own.shape}"
    )
    checks.require(own.flags.writeable, f"{found} of this layer is read-only")
    with np.errstate(over="ignore"):
        copy = value.astype(own.dtype)
    kept = (copy == value).all() if kinds == "iu" else np.isfinite(copy).all()
    checks.require(kept, f"{found} has a number that is not finite or does not fit {own.dtype}")
    return copy


class FunctionLayer(Layer):
    """A function as a layer: `function(x, *options)`, and `derivative` on the way back."""

    function: Callable
    derivative: Callable
    options: tuple = ()

    def forward(self, *inputs: np.ndarray) -> np.ndarray:
        self.saved = None  # frees the memory of the last call for this one
        output = type(self).function(*inputs, *self.options)
        self.saved = inputs
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        return type(self).derivative(grad_output, *self.recall(), *self.options)


class WeightedLayer(FunctionLayer):
    """A layer whose function takes a weight and a bias (or None) after x, before the options."""

    def draw(
        self, shape: tuple[int, ...], outputs: int, bias: bool,
        rng: np.random.Generator | None, dtype: DTypeLike,
    ) -> None:  # fmt: skip
        """Draw `weight`, and `bias` if there is one, as torch does; axis 0 is not summed over."""
        name, fan_in = type(self).__name__, math.prod(shape[1:])
        rng, bias = checks.generator(name, rng), checks.flag(name, "bias", bias)
        kind = checks.floating(name, dtype)
        self.weight = Parameter(torch_default(shape, fan_in, rng, kind))
        self.bias = Parameter(torch_default((outputs,), fan_in, rng, kind)) if bias else None

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.saved = None
        bias = self.bias.data if self.bias else None
        output = type(self).function(x, self.weight.data, bias, *self.options)
        self.saved = (x,)
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        inputs = (*self.recall(), self.weight.data)
        grad_x, *gradients = type(self).derivative(grad_output, *inputs, *self.options)
        self.learn(*gradients)
        return grad_x

    def learn(self, grad_weight: np.ndarray, grad_bias: np.ndarray) -> None:
        """Add to the gradients of weight and bias."""
        self.weight.accumulate(grad_weight)
        if self.bias:
            self.bias.accumulate(grad_bias)

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """Each output is a sum over its weights, those of one output or filter."""
        return math.prod(output_shape) * self.weight.data[0].size
