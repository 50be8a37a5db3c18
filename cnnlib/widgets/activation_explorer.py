"""An activation's curve and slope, and what it makes of each number of a map."""

import math
from typing import Any

import numpy as np
import traitlets

from cnnlib import activations, worked_example
from cnnlib.convolution import conv2d
from cnnlib.widgets.sliding_kernel import LARGEST
from cnnlib.widgets.widget import Array, Predicting, Widget

FUNCTIONS = ["relu", "leaky_relu", "tanh", "hardtanh", "sigmoid", "identity"]


class ActivationExplorer(Predicting, Widget):
    """An activation, drawn: its curve, its slope, and a map before and after it.

    Parameters
    ----------
    x : array of shape (rows, columns)
        At most 16 x 16 numbers. The worked example's feature map, before ReLU, by default.
    function : str
        "relu", "leaky_relu", "tanh", "hardtanh", "sigmoid" or "identity", as in `cnnlib`.
    negative_slope : float from 0 to 1
        What leaky ReLU multiplies negative numbers by.
    position : int or None
        The number of the map that is followed, counted row by row from 0; None to follow `point`.
    point : float
        The input that the reader has dragged the point to.
    predict : bool
        Hide the map that comes out and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    x = Array({2: ()}, "(rows, columns)")
    function = traitlets.Enum(FUNCTIONS, "relu").tag(sync=True)
    negative_slope = traitlets.Float(0.01).tag(sync=True, link={"minimum": 0, "maximum": 1})
    position = traitlets.Int(0, min=0, allow_none=True).tag(sync=True)
    point = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, x: Any = None, **kwargs: Any) -> None:
        if x is None:
            image, weight = worked_example.image[None], worked_example.kernel[None, None]
            x = conv2d(image, weight, np.array([worked_example.bias]))[0]
        super().__init__(x=x, **kwargs)

    @property
    def output(self) -> np.ndarray:
        """The map after the activation, computed by `cnnlib`."""
        return getattr(activations, self.function)(self.x.astype(float), *self._options)

    @property
    def slope(self) -> np.ndarray:
        """The slope at each number of the map: what a gradient of 1 becomes on its way back."""
        backward = getattr(activations, f"{self.function}_backward")
        return backward(np.ones(self.x.shape), self.x.astype(float), *self._options)

    @property
    def _options(self) -> tuple[float, ...]:
        return (self.negative_slope,) if self.function == "leaky_relu" else ()

    @traitlets.validate("x")
    def _is_readable(self, proposal: Any) -> np.ndarray:
        if max(proposal.value.shape) > LARGEST:
            raise traitlets.TraitError(
                f"ActivationExplorer: x has shape {proposal.value.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        return proposal.value

    @traitlets.validate("negative_slope", "point")
    def _is_in_range(self, proposal: Any) -> float:
        name, value = proposal.trait.name, proposal.value
        inside = math.isfinite(value) if name == "point" else 0 <= value <= 1
        if not inside:
            expected = {"point": "a finite number", "negative_slope": "a number from 0 to 1"}
            raise traitlets.TraitError(
                f"ActivationExplorer: {name} is {value}; expected {expected[name]}"
            )
        return value

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int | None:
        if proposal.value is not None and proposal.value >= self.x.size:
            raise traitlets.TraitError(
                f"ActivationExplorer: position is {proposal.value}; "
                f"expected at most {self.x.size - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        leak = f", negative_slope={self.negative_slope}" if self.function == "leaky_relu" else ""
        size = "x".join(map(str, self.x.shape))
        return (
            f"ActivationExplorer: {self.function} of {size}{leak}\n{self.output.round(4) + 0}\n"
            f"slope\n{self.slope.round(4) + 0}"
        )
