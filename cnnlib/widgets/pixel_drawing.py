"""Draw on a small image, and watch its array and its shape."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Widget

LARGEST = 16  # rows or columns whose numbers can still be read on a phone


class PixelDrawing(Widget):
    """A small image to draw on, and the array that it is.

    Parameters
    ----------
    image : array of shape (H, W)
        Numbers from 0, black, to 9, white; at most 16 x 16. By default 8 x 8 zeros.
    axes : int
        How the array is written: 2 for (H, W), 3 for (C, H, W), 4 for (N, C, H, W).
    ink : int
        The number that drawing writes, 0 to 9.

    All of them are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: ()}, "(rows, columns)", links.between(0, 9))
    axes = traitlets.Int(4, min=2, max=4).tag(sync=True)
    ink = traitlets.Int(9, min=0, max=9).tag(sync=True)

    def __init__(self, image: Any = None, **kwargs: Any) -> None:
        super().__init__(image=np.zeros((8, 8), int) if image is None else image, **kwargs)

    @property
    def array(self) -> np.ndarray:
        """The image with the axes that the page shows: (H, W), (1, H, W) or (1, 1, H, W)."""
        return self.image.reshape((1,) * (self.axes - 2) + self.image.shape)

    @traitlets.validate("image")
    def _fits(self, proposal: Any) -> np.ndarray:
        image = proposal.value
        if max(image.shape) > LARGEST:
            raise traitlets.TraitError(
                f"PixelDrawing: image has shape {image.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        if image.min() < 0 or image.max() > 9:
            raise traitlets.TraitError(
                f"PixelDrawing: image holds numbers from {image.min()} to {image.max()}; "
                "expected 0 to 9"
            )
        return image

    def __repr__(self) -> str:
        """State the array, so that a notebook's stored text can be compared."""
        return f"PixelDrawing: shape {self.array.shape}\n{self.array}"
