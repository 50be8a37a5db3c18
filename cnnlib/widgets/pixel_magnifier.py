"""A lens over a photograph: the numbers that its pixels are made of, channel by channel."""

import base64
from typing import Any

import numpy as np
import traitlets

from cnnlib.widgets.widget import Array, Widget

LARGEST = 200  # rows or columns: 3 channels of 96 x 128 are 49 kB in the page
LENS = 5
PLANES = {1: ("gray",), 3: ("red", "green", "blue")}


class Photograph(Array):
    """A trait that holds bytes, (C, H, W), and crosses to the browser as base64.

    Not as a picture: a browser that guards its reader against tracking gives a picture's pixels
    back slightly changed.
    """

    def __init__(self) -> None:
        super().__init__({2: (None,), 3: ()}, "(rows, columns) or (channels, rows, columns)")
        self.tag(to_json=lambda array, _: as_json(array))

    def validate(self, obj: traitlets.HasTraits, value: Any) -> np.ndarray:
        """Return the numbers 0 to 255, or raise a TraitError that says why not."""
        array = super().validate(obj, value)
        owner = f"{type(obj).__name__}: {self.name}"
        if len(array) not in PLANES:
            raise traitlets.TraitError(
                f"{owner} has shape {array.shape}; expected 1 or 3 channels, which come first"
            )
        if not LENS <= min(array.shape[1:]) <= max(array.shape[1:]) <= LARGEST:
            raise traitlets.TraitError(
                f"{owner} has shape {array.shape}; expected {LENS} to {LARGEST} rows and columns"
            )
        white = 1 if array.dtype.kind == "f" else 255
        if array.min() < 0 or array.max() > white:
            raise traitlets.TraitError(
                f"{owner} holds numbers from {array.min()} to {array.max()}; "
                "expected whole numbers from 0 to 255, or fractions from 0 to 1"
            )
        array = np.round(array * (255 / white)).astype(np.uint8)
        array.flags.writeable = False
        return array


def as_json(array: np.ndarray) -> dict[str, Any]:
    """Return the shape and, in base64, the bytes."""
    return {"shape": array.shape, "bytes": base64.b64encode(array.tobytes()).decode()}


class PixelMagnifier(Widget):
    """A lens over a photograph.

    Parameters
    ----------
    image : array of shape (H, W), (1, H, W) or (3, H, W)
        Whole numbers from 0 to 255, or fractions from 0 to 1; 5 to 200 rows and columns. It is
        kept as bytes, (C, H, W).
    row, column : int
        The pixel in the middle of the lens, counted from 0.
    plane : str
        What the photograph shows: "all", or one of "red", "green", "blue".
    scaled : bool
        Show the numbers divided by 255.

    All of them are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Photograph().tag(link=False)
    row = traitlets.Int(0, min=0).tag(sync=True)
    column = traitlets.Int(0, min=0).tag(sync=True)
    plane = traitlets.Enum(("all", "red", "green", "blue"), "all").tag(sync=True)
    scaled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, image: Any, **kwargs: Any) -> None:
        super().__init__(image=image, **kwargs)

    @property
    def pixel(self) -> np.ndarray:
        """The numbers of the pixel in the middle of the lens, one for each channel."""
        return self.image[:, self.row, self.column]

    @traitlets.validate("image", "row", "column")
    def _exists(self, proposal: Any) -> Any:
        values = {name: getattr(self, name) for name in ("image", "row", "column")}
        values[proposal.trait.name] = proposal.value
        for name, size in zip(("row", "column"), values["image"].shape[1:], strict=True):
            if values[name] >= size:
                raise traitlets.TraitError(
                    f"PixelMagnifier: {name} is {values[name]}; expected at most {size - 1}"
                )
        return proposal.value

    def __repr__(self) -> str:
        """State the data, so that a notebook's stored text can be compared."""
        return (
            f"PixelMagnifier: image {'x'.join(map(str, self.image.shape))}, "
            f"image[:, {self.row}, {self.column}] = {self.pixel.tolist()}"
        )
