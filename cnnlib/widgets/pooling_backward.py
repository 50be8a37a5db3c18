"""Pooling's backward pass: a maximum hands its gradient on, a mean divides it."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.pooling import avg_pool2d_backward, max_pool2d_backward
from cnnlib.widgets.pooled import GEOMETRY, Pooled
from cnnlib.widgets.widget import Array, Widget


class PoolingBackward(Pooled, Widget):
    """One map, its pooled map, and the gradients of both: who receives how much of what.

    Parameters
    ----------
    image : array of shape (H, W)
        At most 10 x 10 numbers. By default the worked example's feature map after ReLU.
    grad_output : array of shape (rows, columns)
        The gradient of the loss for the pooled map. By default 1, 2, 3, ... row by row.
    mode : "max" or "average"
        Of equal numbers the first, row by row, is the maximum, as in torch.
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
        As in `PoolingExplorer`; the stride is the kernel's size by default.
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

    LARGEST = 10  # the image has its gradient beside it

    grad_output = Array({2: ()}, "(rows, columns)", side=LARGEST)
    walk = traitlets.Enum(("outputs", "pixels"), "outputs").tag(sync=True)

    def __init__(self, image: Any = None, grad_output: Any = None, **kwargs: Any) -> None:
        if grad_output is not None:
            kwargs["grad_output"] = grad_output
        super().__init__(image, **kwargs)

    @traitlets.default("grad_output")
    def _counted(self) -> np.ndarray:
        output = self.output
        return np.arange(1, output.size + 1).reshape(output.shape)

    @property
    def gradient(self) -> np.ndarray:
        """The gradient for the image, computed by the pooling's backward in `cnnlib`."""
        functions = {"max": max_pool2d_backward, "average": avg_pool2d_backward}
        return self._call(functions, {}, self.grad_output)

    @property
    def walked(self) -> np.ndarray:
        """The array whose numbers `position` counts."""
        return self.grad_output if self.walk == "outputs" else self.image

    @traitlets.validate("image", "mode", "grad_output", *GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name == "grad_output":
            got, expected = value.shape, self._shape(name, {})
        else:
            super()._fits(proposal)
            got, expected = self.grad_output.shape, self._shape(name, {name: value})
        if got != expected:
            raise traitlets.TraitError(
                f"PoolingBackward: grad_output has shape {got}; expected {expected}"
            )
        return value

    def __repr__(self) -> str:
        """State the data and the gradient, so that a notebook's stored text can be compared."""
        return (
            f"PoolingBackward: image {self.image.tolist()}, "
            f"grad_output {self.grad_output.tolist()}, mode={self.mode}, {self.settings}\n"
            f"dX {(self.gradient.round(4) + 0).tolist()}"
        )
