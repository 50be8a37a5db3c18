"""What every layer keeps and offers: parameters, state, and the two passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from cnnlib import checks
from cnnlib.initialization import torch_default


class Parameter:
    """An array that training changes (`data`) and the loss's gradient for it (`grad`, or None)."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        self.grad: np.ndarray | None = None

    def accumulate(self, grad: np.ndarray) -> None:
        """Add `grad`, of the shape of `data`: a parameter used twice has the sum of both uses."""
        grad = grad.astype(self.data.dtype, copy=False)
        self.grad = grad if self.grad is None else self.grad + grad

    def __repr__(self) -> str:
        return f"Parameter(shape={self.data.shape}, dtype={self.data.dtype})"


class Layer:
    """The contract: `forward(x)` keeps what `backward(grad_output)` needs.

    `backward` takes the loss's gradient for the layer's output, adds the gradients of the
    parameters to their `grad`, and returns the gradient for the input. A layer's parameters,
    buffers and children are found among its attributes, and named after them as in torch.nn.
    """

    buffers: tuple[str, ...] = ()  # attributes that are saved and not trained
    training = True
    needs_input_gradient = True  # False lets a first layer leave out the gradient for the images
    saved: tuple | None = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The layer's output for `x`; calling the layer does the same."""
        raise NotImplementedError

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for the input of the last `forward`, given that for its output."""
        raise NotImplementedError

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        return self.forward(*inputs)

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Products of a weight and a number, for an output of this shape; 0 without weights."""
        return 0

    def recall(self) -> tuple:
        """What `forward` has saved; raises RuntimeError when it was never called."""
        if self.saved is None:
            raise RuntimeError(f"{type(self).__name__}.backward: call forward first")
        return self.saved

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
        """All parameters, with keys such as "0.weight" or "features.0.weight"."""
        return {key: value for key, value in self._kept() if isinstance(value, Parameter)}

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of their layers; one that is shared comes once."""
        return list(dict.fromkeys(self.named_parameters().values()))

    def zero_grad(self) -> None:
        """Forget all gradients: the next `backward` begins anew."""
        for parameter in self.parameters():
            parameter.grad = None

    def _arrays(self) -> dict[str, np.ndarray]:
        return {k: v.data if isinstance(v, Parameter) else v for k, v in self._kept()}

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers, with torch's keys and shapes."""
        return {key: np.array(array, order="C") for key, array in self._arrays().items()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Copy the arrays of `state`, this layer's or torch's (as NumPy arrays), into place.

        Raises ValueError when a key is missing or unknown or a shape differs, and changes nothing.
        """
        own = self._arrays()
        for key, array in own.items():
            found = f"load_state_dict: {key}"
            checks.require(key in state, f"{found} is missing; expected {', '.join(own)}")
            found += f" has shape {np.shape(state[key])}; expected {array.shape}"
            checks.require(np.shape(state[key]) == array.shape, found)
        for key in state:
            checks.require(key in own, f"load_state_dict: {key} is unknown")
        for key, array in own.items():
            array[...] = state[key]

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
        """A `with` block in evaluation mode; afterwards each layer is in the mode it was in."""
        modes = [(layer, layer.training) for _, layer in self.layers()]
        self.eval()
        try:
            yield
        finally:
            for layer, mode in modes:
                layer.training = mode

    def generators(self) -> list[np.random.Generator]:
        """The random generators of all layers that draw while training."""
        return [layer.rng for _, layer in self.layers() if hasattr(layer, "rng")]


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
        rng: np.random.Generator | None, dtype: type,
    ) -> None:  # fmt: skip
        """Draw `weight`, and `bias` if there is one, as torch does; axis 0 is not summed over."""
        name, fan_in = type(self).__name__, math.prod(shape[1:])
        rng, bias = checks.generator(name, rng), checks.flag(name, "bias", bias)
        self.weight = Parameter(torch_default(shape, fan_in, rng, dtype))
        self.bias = Parameter(torch_default((outputs,), fan_in, rng, dtype)) if bias else None

    def forward(self, x: np.ndarray) -> np.ndarray:
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

    def multiply_adds(self, output_shape: tuple[int, ...]) -> int:
        """Each output is a sum over its weights, those of one output or filter."""
        return math.prod(output_shape) * self.weight.data[0].size
