"""A window slides over a map, and one number of each window is kept: the largest, or the mean."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import relu
from cnnlib.convolution import conv2d
from cnnlib.pooling import avg_pool2d, max_pool2d
from cnnlib.widgets.sliding_kernel import LARGEST, Pair
from cnnlib.widgets.widget import Array, Predicting, Widget

GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


def worked_map() -> np.ndarray:
    """Return the worked example's map after ReLU, shape (4, 4)."""
    x, weight = worked_example.image[None], worked_example.kernel[None, None]
    return relu(conv2d(x, weight, np.array([worked_example.bias])))[0]


class PoolingExplorer(Predicting, Widget):
    """Pooling, drawn: a map, a window, the pooled map, and how each of its numbers was made.

    Parameters
    ----------
    image : array of shape (H, W)
        One map of at most 16 x 16 numbers. The worked example's after ReLU by default.
    mode : "max" or "average"
        The largest value of each window, or the mean.
    kernel_size : int or (int, int)
        Rows and columns of the window.
    stride : int or (int, int)
        The window's size if None.
    padding, dilation, ceil_mode : as in `cnnlib.max_pool2d`
        An average has no dilation, as in torch.
    count_include_pad : bool
        Whether the padding's zeros count in an average.
    position : int
        The place in the pooled map, counted row by row from 0.
    predict : bool
        Hide the pooled map and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced with the page. To change several at once, assign inside
    `with widget.hold_trait_notifications():`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: ()}, "(rows, columns)")
    mode = traitlets.Enum(["max", "average"], "max").tag(sync=True)
    kernel_size = Pair(2, least=1)
    stride = Pair(2, least=1)
    padding = Pair(0, least=0)
    dilation = Pair(1, least=1)
    ceil_mode = traitlets.Bool(False).tag(sync=True)
    count_include_pad = traitlets.Bool(True).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(
        self, image: Any = None, kernel_size: Any = 2, stride: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(
            image=worked_map() if image is None else image,
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            **kwargs,
        )

    @property
    def output(self) -> np.ndarray:
        """The pooled map, computed by `cnnlib.max_pool2d` or `cnnlib.avg_pool2d`."""
        return self._pool({})

    def _pool(self, changes: dict[str, Any]) -> np.ndarray:
        names = ("image", "mode", "count_include_pad", *GEOMETRY)
        traits = {name: getattr(self, name) for name in names} | changes
        x, mode = traits.pop("image").astype(float)[None], traits.pop("mode")
        include = traits.pop("count_include_pad")
        if mode == "max":
            return max_pool2d(x, **traits)[0]
        dilation = traits.pop("dilation")
        if dilation not in (1, (1, 1)):
            raise ValueError(f"An average has no dilation; expected 1, dilation is {dilation}")
        return avg_pool2d(x, **traits, count_include_pad=include)[0]

    @traitlets.validate("image", "mode", *GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name == "image" and max(value.shape) > LARGEST:
            raise traitlets.TraitError(
                f"PoolingExplorer: image has shape {value.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        try:
            self._pool({name: value})
        except ValueError as error:
            raise traitlets.TraitError(f"PoolingExplorer: {name} does not fit. {error}") from None
        return value

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int:
        if proposal.value >= self.output.size:
            raise traitlets.TraitError(
                f"PoolingExplorer: position is {proposal.value}; "
                f"expected at most {self.output.size - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        names = GEOMETRY if self.mode == "max" else (*GEOMETRY, "count_include_pad")
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in names)
        size = "x".join(map(str, self.image.shape))
        return f"PoolingExplorer: {self.mode} of {size}, {settings}\n{self.output.round(4) + 0}"
