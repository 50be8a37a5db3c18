"""A convolution as one matrix, and its way back as the transpose."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.convolution import conv2d
from cnnlib.widgets.widget import Array, Widget

LARGEST = 36  # rows or columns of a matrix that a reader can still look over
SIDE = 12  # of an image that stands beside its kernel and its map


class ConvolutionMatrix(Widget):
    """The matrix of a convolution, whose entries are traced to pixel, kernel and map.

    Parameters
    ----------
    image : array of shape (H, W)
        At most 36 pixels, in at most 12 rows and columns. The worked example's by default.
    kernel : array of shape (kh, kw)
        The worked example's by default. Stride 1, no padding.
    grad_output : array of shape (rows, columns)
        The gradient of the loss for the map. By default 1, 2, 3, ... row by row.
    transposed : bool
        Show the transpose, which brings the gradient back to the pixels.
    output, pixel : int
        The entry that is chosen: the number of the map and the pixel, counted from 0 row by row.

    All of them are synced with the page. Assign several at once inside
    `with widget.hold_trait_notifications():`, for instance an image and its `grad_output`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: ()}, "(rows, columns)")
    kernel = Array({2: ()}, "(rows, columns)")
    grad_output = Array({2: ()}, "(rows, columns)")
    transposed = traitlets.Bool(False).tag(sync=True)
    output = traitlets.Int(0, min=0).tag(sync=True)
    pixel = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(
        self, image: Any = None, kernel: Any = None, grad_output: Any = None, **kwargs: Any
    ) -> None:
        if grad_output is not None:
            kwargs["grad_output"] = grad_output
        super().__init__(
            image=worked_example.image if image is None else image,
            kernel=worked_example.kernel if kernel is None else kernel,
            **kwargs,
        )

    @traitlets.default("grad_output")
    def _counted(self) -> np.ndarray:
        shape = self._convolve({}).shape
        return np.arange(1, np.prod(shape) + 1).reshape(shape)

    @property
    def matrix(self) -> np.ndarray:
        """The matrix that is drawn: (map, pixels), or (pixels, map) when `transposed`."""
        pixels = np.eye(self.image.size).reshape(-1, 1, *self.image.shape)
        maps = conv2d(pixels, self.kernel[None, None].astype(float))
        matrix = maps.reshape(self.image.size, -1)
        return matrix if self.transposed else matrix.T

    @property
    def product(self) -> np.ndarray:
        """The matrix times the pixels, or its transpose times `grad_output`, in rows again."""
        vector, result = self.image, self.grad_output
        if self.transposed:
            vector, result = result, vector
        return (self.matrix @ vector.ravel()).reshape(result.shape)

    def _convolve(self, changes: dict[str, Any]) -> np.ndarray:
        arrays = {name: getattr(self, name) for name in ("image", "kernel")} | changes
        x, weight = (array.astype(float) for array in arrays.values())
        return conv2d(x[None], weight[None, None])[0]

    @traitlets.validate("image", "kernel", "grad_output")
    def _fits(self, proposal: Any) -> np.ndarray:
        name, value = proposal.trait.name, proposal.value
        if name == "image" and (value.size > LARGEST or max(value.shape) > SIDE):
            raise traitlets.TraitError(
                f"ConvolutionMatrix: image has shape {value.shape}; expected at most {LARGEST} "
                f"pixels, and at most {SIDE} rows and columns"
            )
        try:
            expected = self._convolve({} if name == "grad_output" else {name: value}).shape
        except ValueError as error:
            raise traitlets.TraitError(f"ConvolutionMatrix: {name} does not fit. {error}") from None
        got = (value if name == "grad_output" else self.grad_output).shape
        if got != expected:
            raise traitlets.TraitError(
                f"ConvolutionMatrix: grad_output has shape {got}; expected {expected}"
            )
        return value

    @traitlets.validate("output", "pixel")
    def _exists(self, proposal: Any) -> int:
        name, value = proposal.trait.name, proposal.value
        count = {"output": self.grad_output.size, "pixel": self.image.size}[name]
        if value >= count:
            raise traitlets.TraitError(
                f"ConvolutionMatrix: {name} is {value}; expected at most {count - 1}"
            )
        return value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        image = "x".join(map(str, self.image.shape))
        rows, columns = self.matrix.shape
        name, of = ("transpose", "dX") if self.transposed else ("matrix", "Y")
        return (
            f"ConvolutionMatrix: image {image}, kernel {self.kernel.tolist()}, "
            f"{name} {rows}x{columns}\n{of} {(self.product.round(4) + 0).tolist()}"
        )
