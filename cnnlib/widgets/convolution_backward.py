"""A convolution and its backward pass side by side, every gradient traceable to its products."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.convolution import conv2d, conv2d_backward
from cnnlib.widgets.sliding_kernel import Pair
from cnnlib.widgets.widget import Array, Predicting, Widget

ARRAYS = ("image", "weight", "bias", "grad_output")
GEOMETRY = ("stride", "padding", "dilation", "groups")
LARGEST = 10  # rows or columns of an image that has its gradient beside it


class ConvolutionBackward(Predicting, Widget):
    """Image, kernel and feature map, each with its gradient beside it, and the sum behind each.

    Parameters
    ----------
    image : array of shape (H, W) or (C, H, W)
        At most 10 x 10 pixels. By default the numbers 1 to 9 in a 3x3 square.
    weight : array of shape (kh, kw) or (out, C / groups, kh, kw)
        By default [[1, 0], [2, -1]].
    bias : number or array of shape (out,)
        0 by default. It changes the feature map and none of the gradients.
    grad_output : array of shape (rows, columns) or (out, rows, columns)
        The gradient of the loss for the feature map. By default 1, 2, 3, ... row by row.
    stride, padding, dilation, groups
        As in `cnnlib.conv2d`.
    walk : "outputs", "weights", "pixels" or "biases"
        What is stepped through: the numbers of `grad_output`, whose contributions add up, or the
        results one by one.
    position : int
        The step, counted from 0.
    predict : bool
        Hide the gradients and ask for each first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced with the page. Assign several at once inside
    `with widget.hold_trait_notifications():`, for instance a stride and the smaller `grad_output`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: (None,), 3: ()}, "(rows, columns) or (channels, rows, columns)", side=LARGEST)
    weight = Array(
        {2: (None, None), 4: ()}, "(rows, columns) or (out, in, rows, columns)", side=LARGEST
    )
    bias = Array({0: (None,), 1: ()}, "one number, or one per filter", side=LARGEST)
    grad_output = Array(
        {2: (None,), 3: ()}, "(rows, columns) or (out, rows, columns)", side=LARGEST
    )
    stride = Pair(1, least=1)
    padding = Pair(0, least=0, words=("valid", "same"))
    dilation = Pair(1, least=1)
    groups = traitlets.Int(1, min=1).tag(sync=True)
    walk = traitlets.Enum(("outputs", "weights", "pixels", "biases"), "outputs").tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(
        self,
        image: Any = None,
        weight: Any = None,
        bias: Any = None,
        grad_output: Any = None,
        **kwargs: Any,
    ) -> None:
        if weight is None:
            weight = [[1, 0], [2, -1]]
        if bias is None:
            bias = np.zeros(np.shape(weight)[0] if np.ndim(weight) == 4 else 1, int)
        if grad_output is not None:
            kwargs["grad_output"] = grad_output
        image = np.arange(1, 10).reshape(3, 3) if image is None else image
        super().__init__(image=image, weight=weight, bias=bias, **kwargs)

    @traitlets.default("grad_output")
    def _counted(self) -> np.ndarray:
        output = self.output
        return np.arange(1, output.size + 1).reshape(output.shape)

    @property
    def output(self) -> np.ndarray:
        """The feature maps, shape (out, rows, columns), computed by `cnnlib.conv2d`."""
        return self._convolve({})

    @property
    def gradients(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The gradients for image, weight and bias, computed by `cnnlib.conv2d_backward`."""
        grad, x, weight = (a.astype(float) for a in (self.grad_output, self.image, self.weight))
        options = {name: getattr(self, name) for name in GEOMETRY}
        return conv2d_backward(grad, x, weight, **options)

    def _convolve(self, changes: dict[str, Any]) -> np.ndarray:
        traits = {name: getattr(self, name) for name in ARRAYS[:3] + GEOMETRY} | changes
        x, weight, bias = (traits.pop(name).astype(float) for name in ARRAYS[:3])
        return conv2d(x, weight, bias, **traits)

    @traitlets.validate(*ARRAYS, *GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name == "image" and max(value.shape[1:]) > LARGEST:
            raise traitlets.TraitError(
                f"ConvolutionBackward: image has shape {value.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        changes = {} if name == "grad_output" else {name: value}
        try:
            expected = self._convolve(changes).shape
        except ValueError as error:
            raise traitlets.TraitError(
                f"ConvolutionBackward: {name} does not fit. {error}"
            ) from None
        got = (value if name == "grad_output" else self.grad_output).shape
        if got != expected:
            raise traitlets.TraitError(
                f"ConvolutionBackward: grad_output has shape {got}; expected {expected}"
            )
        return value

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int:
        walked = dict(zip(("pixels", "weights", "biases", "outputs"), ARRAYS, strict=True))
        count = getattr(self, walked[self.walk]).size
        if proposal.value >= count:
            raise traitlets.TraitError(
                f"ConvolutionBackward: position is {proposal.value}; expected at most {count - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and the gradients, so that a notebook's stored text can be compared."""
        image, weight = ("x".join(map(str, array.shape)) for array in (self.image, self.weight))
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in GEOMETRY)
        dx, dk, db = ((gradient.round(4) + 0).tolist() for gradient in self.gradients)
        return (
            f"ConvolutionBackward: image {image}, weight {weight}, "
            f"grad_output {self.grad_output.tolist()}, {settings}\n"
            f"dX {dx}\ndK {dk}\ndb {db}"
        )
