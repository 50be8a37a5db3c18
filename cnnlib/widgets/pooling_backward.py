"""Pooling's backward pass: a maximum hands its gradient on, a mean divides it."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from cnnlib.widgets.sliding_kernel import Pair
from cnnlib.widgets.widget import Array, Predicting, Widget

GEOMETRY = ("kernel_size", "stride", "padding")
LARGEST = 10  # rows or columns of an image that has its gradient beside it
POOLS = {"max": (max_pool2d, max_pool2d_backward), "average": (avg_pool2d, avg_pool2d_backward)}
# The worked example's feature map after ReLU.
FEATURE_MAP = [[2, 12, 7, 0], [0, 15, 8, 0], [0, 20, 5, 0], [0, 14, 4, 0]]


class PoolingBackward(Predicting, Widget):
    """One map, its pooled map, and the gradients of both: who receives how much of what.

    Parameters
    ----------
    image : array of shape (H, W)
        At most 10 x 10 numbers. By default the worked example's feature map after ReLU.
    grad_output : array of shape (rows, columns)
        The gradient of the loss for the pooled map. By default 1, 2, 3, ... row by row.
    mode : "max" or "average"
        Of equal numbers the first, row by row, is the maximum, as in torch.
    kernel_size, stride, padding
        As in `cnnlib.max_pool2d`; the stride is the kernel's size by default.
    walk : "outputs" or "pixels"
        What is stepped through: the numbers of `grad_output`, whose shares add up, or the pixels.
    position, predict, score
        As in `ConvolutionBackward`.

    All of them are synced with the page. Assign several at once inside
    `with widget.hold_trait_notifications():`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: ()}, "(rows, columns)")
    grad_output = Array({2: ()}, "(rows, columns)")
    mode = traitlets.Enum(tuple(POOLS), "max").tag(sync=True)
    kernel_size = Pair(2, least=1)
    stride = Pair(2, least=1)
    padding = Pair(0, least=0)
    walk = traitlets.Enum(("outputs", "pixels"), "outputs").tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, image: Any = None, grad_output: Any = None, **kwargs: Any) -> None:
        if grad_output is not None:
            kwargs["grad_output"] = grad_output
        if "kernel_size" in kwargs:
            kwargs = {"stride": kwargs["kernel_size"]} | kwargs
        super().__init__(image=FEATURE_MAP if image is None else image, **kwargs)

    @traitlets.default("grad_output")
    def _counted(self) -> np.ndarray:
        output = self.output
        return np.arange(1, output.size + 1).reshape(output.shape)

    @property
    def output(self) -> np.ndarray:
        """The pooled map, computed by `cnnlib.max_pool2d` or `avg_pool2d`."""
        return self._pool({})

    @property
    def gradient(self) -> np.ndarray:
        """The gradient for the image, computed by the pooling's backward in `cnnlib`."""
        grad, x = (array.astype(float)[None] for array in (self.grad_output, self.image))
        options = {name: getattr(self, name) for name in GEOMETRY}
        return POOLS[self.mode][1](grad, x, **options)[0]

    def _pool(self, changes: dict[str, Any]) -> np.ndarray:
        traits = {name: getattr(self, name) for name in ("image", *GEOMETRY)} | changes
        return POOLS[self.mode][0](traits.pop("image").astype(float)[None], **traits)[0]

    @traitlets.validate("image", "grad_output", *GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name == "image" and max(value.shape) > LARGEST:
            raise traitlets.TraitError(
                f"PoolingBackward: image has shape {value.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        changes = {} if name == "grad_output" else {name: value}
        try:
            expected = self._pool(changes).shape
        except ValueError as error:
            raise traitlets.TraitError(f"PoolingBackward: {name} does not fit. {error}") from None
        got = (value if name == "grad_output" else self.grad_output).shape
        if got != expected:
            raise traitlets.TraitError(
                f"PoolingBackward: grad_output has shape {got}; expected {expected}"
            )
        return value

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int:
        count = (self.grad_output if self.walk == "outputs" else self.image).size
        if proposal.value >= count:
            raise traitlets.TraitError(
                f"PoolingBackward: position is {proposal.value}; expected at most {count - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and the gradient, so that a notebook's stored text can be compared."""
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in ("mode", *GEOMETRY))
        return (
            f"PoolingBackward: image {self.image.tolist()}, "
            f"grad_output {self.grad_output.tolist()}, {settings}\n"
            f"dX {(self.gradient.round(4) + 0).tolist()}"
        )
