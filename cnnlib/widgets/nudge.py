"""The worked network's loss as a function of one of its numbers: nudge it, and step downhill."""

import re
from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import ReLU
from cnnlib.convolution import Conv2d
from cnnlib.dense import Flatten, Linear
from cnnlib.loss import CrossEntropyLoss
from cnnlib.network import Sequential
from cnnlib.pooling import MaxPool2d
from cnnlib.widgets import links
from cnnlib.widgets.network_trace import WORKED
from cnnlib.widgets.widget import Widget

# Where the worked network's arrays stand in `Nudge._network`.
KEYS = {"kernel": "0.weight", "bias": "0.bias", "weight_1": "4.weight", "bias_1": "4.bias"}
KEYS |= {"weight_2": "6.weight", "bias_2": "6.bias"}


class Nudge(Widget):
    """The loss against one weight, bias or pixel: its secant, its tangent, and steps downhill.

    Parameters
    ----------
    selected : str
        The number that moves, by its array, row and column: "weight_2[2,1]". The arrays are image,
        kernel, bias, weight_1, bias_1, weight_2 and bias_2; a vector is a column. All other
        numbers stay as they are in the worked network.
    value : float
        Where the number is now; by default where the worked network has it.
    h : float
        The nudge, above 0.
    lr : float
        The learning rate of a step, above 0.
    target : int
        The right class: 0, 1 or 2.
    steps : list of float
        The values that steps have left behind.

    All of them are synced.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    given = traitlets.Dict({k: v.tolist() for k, v in WORKED.items()}, read_only=True)
    given.tag(sync=True, link=None)
    classes = traitlets.List(list(worked_example.classes), read_only=True).tag(sync=True, link=None)
    selected = traitlets.Unicode("weight_2[2,1]").tag(sync=True, link=links.PLACE)
    value = traitlets.Float().tag(sync=True)
    h = traitlets.Float(0.1).tag(sync=True, link={"exclusiveMinimum": 0})
    lr = traitlets.Float(0.01).tag(sync=True, link={"exclusiveMinimum": 0})
    target = traitlets.Int(worked_example.target, min=0, max=2).tag(sync=True)
    steps = traitlets.List(traitlets.Float()).tag(
        sync=True, link={"maxItems": links.COUNT}, left="the steps so far"
    )

    def __init__(
        self, selected: str = "weight_2[2,1]", value: float | None = None, **kwargs: Any
    ) -> None:
        name, place = self._place(selected)
        value = WORKED[name][place] if value is None else value
        super().__init__(selected=selected, value=value, **kwargs)

    def loss(self, value: float) -> float:
        """The loss when the chosen number has this value, computed by `cnnlib`."""
        return self._forward(value)[0]

    @property
    def secant(self) -> float:
        """The slope between the two points that are `h` away on either side."""
        return (self.loss(self.value + self.h) - self.loss(self.value - self.h)) / (2 * self.h)

    @property
    def slope(self) -> float:
        """The loss's exact slope, by `cnnlib`'s backward pass."""
        _, network, cross_entropy = self._forward(self.value)
        grad_x = network.backward(cross_entropy.backward())
        gradients = {name: parameter.grad for name, parameter in network.named_parameters().items()}
        name, place = self._place(self.selected)
        gradient = grad_x if name == "image" else gradients[KEYS[name]]
        return float(gradient.reshape(WORKED[name].shape)[place])

    def _forward(self, value: float) -> tuple[float, Sequential, CrossEntropyLoss]:
        """The loss, and the network and the loss's layer that have just computed it."""
        double = {"dtype": np.float64}
        network = Sequential(
            Conv2d(1, 1, 3, **double), ReLU(), MaxPool2d(2), Flatten(),
            Linear(4, 3, **double), ReLU(), Linear(3, 3, **double),
        )  # fmt: skip
        arrays = {name: array.copy() for name, array in WORKED.items()}
        name, place = self._place(self.selected)
        arrays[name][place] = value
        arrays["kernel"] = arrays["kernel"][None, None]
        network.load_state_dict({key: arrays[name] for name, key in KEYS.items()})
        cross_entropy = CrossEntropyLoss()
        output = network.forward(arrays["image"][None, None])
        return float(cross_entropy(output, np.array([self.target]))), network, cross_entropy

    @staticmethod
    def _place(selected: Any) -> tuple[str, tuple[int, ...]]:
        """The array and the index of a number such as "weight_2[2,1]"."""
        match = re.fullmatch(r"(\w+)\[(\d+),(\d+)\]", str(selected))
        name, place = (match[1], (int(match[2]), int(match[3]))) if match else ("", (0, 0))
        shape = (*WORKED[name].shape, 1)[:2] if name in WORKED else (0, 0)
        if place[0] >= shape[0] or place[1] >= shape[1]:
            raise traitlets.TraitError(
                f"Nudge: selected is {selected!r}; expected a given array with row and column, "
                "such as 'kernel[0,0]'"
            )
        return name, place[: WORKED[name].ndim]

    @traitlets.validate("selected")
    def _exists(self, proposal: Any) -> str:
        self._place(proposal.value)
        return proposal.value

    @traitlets.validate("value")
    def _is_finite(self, proposal: Any) -> float:
        if not np.isfinite(proposal.value):
            raise traitlets.TraitError(
                f"Nudge: value is {proposal.value}; expected a finite number"
            )
        return proposal.value

    @traitlets.validate("h", "lr")
    def _is_positive(self, proposal: Any) -> float:
        name, value = proposal.trait.name, proposal.value
        if not 0 < value < np.inf:
            raise traitlets.TraitError(f"Nudge: {name} is {value}; expected a number above 0")
        return value

    def __repr__(self) -> str:
        """State the number, its loss and both slopes, so that stored text can be compared."""
        return (
            f"Nudge: {self.selected} = {self.value:.6g}, target {self.classes[self.target]}, "
            f"loss {self.loss(self.value):.4f}, h {self.h:g}: secant {self.secant:.4f}, "
            f"slope {self.slope:.4f}"
        )
