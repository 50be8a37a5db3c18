"""Windows laid down as columns, so that a convolution becomes one matrix product."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.convolution import im2col
from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Predicting, Widget

DATA = ("image", "weight", "stride", "padding", "dilation")
LARGEST = 36  # rows or columns of a matrix that a reader can still look over


class Im2col(Predicting, Widget):
    """An image, its windows as columns, the filters as rows, and the product of both matrices.

    Parameters
    ----------
    image : array of shape (H, W) or (C, H, W)
        The worked example's image by default.
    weight : array of shape (kh, kw) or (out, C, kh, kw)
        The worked example's three kernels by default.
    stride, padding, dilation : int
        As in `cnnlib.im2col`.
    position : int
        The window, the column and the entry that are marked, counted from 0.
    filter : int
        The row of the product that is marked.
    predict : bool
        Hide the product and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: (None,), 3: ()}, "(rows, columns) or (channels, rows, columns)")
    weight = Array({2: (None, None), 4: ()}, "(rows, columns) or (out, in, rows, columns)")
    stride = traitlets.Int(1, min=1).tag(sync=True)
    padding = traitlets.Int(0, min=0).tag(sync=True, link={"maximum": links.SIDE})
    dilation = traitlets.Int(1, min=1).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)
    filter = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, image: Any = None, weight: Any = None, **kwargs: Any) -> None:
        super().__init__(
            image=worked_example.image if image is None else image,
            weight=worked_example.kernels[:, None] if weight is None else weight,
            **kwargs,
        )

    @property
    def columns(self) -> np.ndarray:
        """The windows as columns, computed by `cnnlib.im2col`."""
        return self._columns({})

    @property
    def product(self) -> np.ndarray:
        """The filters as rows, times the columns: a row for each feature map."""
        return self.weight.reshape(len(self.weight), -1) @ self.columns

    def _columns(self, changes: dict[str, Any]) -> np.ndarray:
        traits = {name: getattr(self, name) for name in DATA} | changes
        x, weight = (traits.pop(name).astype(float) for name in ("image", "weight"))
        if weight.shape[1] != len(x):
            raise ValueError(f"weight expects {weight.shape[1]} channels, image has {len(x)}")
        columns = im2col(x[None], weight.shape[2:], **traits)
        if max(columns.shape) > LARGEST:
            raise ValueError(
                f"the columns have shape {columns.shape}; expected at most {LARGEST} of each"
            )
        return columns

    @traitlets.validate(*DATA)
    def _fits(self, proposal: Any) -> Any:
        try:
            self._columns({proposal.trait.name: proposal.value})
        except ValueError as error:
            raise traitlets.TraitError(
                f"Im2col: {proposal.trait.name} does not fit. {error}"
            ) from None
        return proposal.value

    @traitlets.validate("position", "filter")
    def _exists(self, proposal: Any) -> int:
        name, value = proposal.trait.name, proposal.value
        count = {"position": self.columns.shape[1], "filter": len(self.weight)}[name]
        if value >= count:
            raise traitlets.TraitError(f"Im2col: {name} is {value}; expected at most {count - 1}")
        return value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        image, weight = ("x".join(map(str, array.shape)) for array in (self.image, self.weight))
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in DATA[2:])
        product = (self.product.round(4) + 0).tolist()
        return (
            f"Im2col: image {image}, weight {weight}, {settings}, "
            f"columns {'x'.join(map(str, self.columns.shape))}\n{product}"
        )
