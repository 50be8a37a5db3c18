"""Move an image: the feature map moves along, a dense neuron's number jumps."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.convolution import conv2d
from cnnlib.widgets.widget import Array, Number, Predicting, Widget

LARGEST = 12  # rows or columns whose numbers can still be read on a phone


class ShiftExplorer(Predicting, Widget):
    """An image that can be moved, its feature map, and a dense neuron that reads the same pixels.

    Parameters
    ----------
    image : array of shape (H, W)
        At most 12 x 12 pixels. What comes in when it moves is 0.
    kernel : array of shape (kh, kw)
        The convolution's weights.
    weight : array of shape (H, W), optional
        The dense neuron's weights, one for each pixel. By default the image itself: the neuron
        that answers most to the image where it stands.
    bias : number
        Added to every number of the map.
    padding : int
        Zeros around the image, as in `cnnlib.conv2d`.
    shift : (int, int)
        How far the image has moved, down and to the right.
    position : int
        The number of the map whose sum is written out, counted row by row from 0, or -1 for the
        dense neuron's.
    predict : bool
        Hide the results and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: ()}, "(rows, columns)", side=LARGEST)
    kernel = Array({2: ()}, "(rows, columns)", side=LARGEST)
    weight = Array({2: ()}, "(rows, columns)", side=LARGEST)
    bias = Number(0.0).tag(sync=True)
    padding = traitlets.Int(1, min=0, max=2).tag(sync=True)
    shift = traitlets.Tuple(traitlets.Int(0), traitlets.Int(0), default_value=(0, 0)).tag(sync=True)
    position = traitlets.Int(0, min=-1).tag(sync=True)

    def __init__(self, image: Any, kernel: Any, weight: Any = None, **kwargs: Any) -> None:
        weight = image if weight is None else weight
        super().__init__(image=image, kernel=kernel, weight=weight, **kwargs)

    @property
    def shifted(self) -> np.ndarray:
        """The image as it stands after the move, (H, W)."""
        rows, columns = self.image.shape
        down, right = self.shift
        moved = np.zeros_like(self.image)
        moved[max(down, 0) : rows + down, max(right, 0) : columns + right] = self.image[
            max(-down, 0) : rows - down, max(-right, 0) : columns - right
        ]
        return moved

    @property
    def dense(self) -> float:
        """The dense neuron's number for the image as it stands."""
        return float((self.shifted * self.weight).sum())

    @property
    def output(self) -> np.ndarray:
        """The feature map of the image as it stands, (rows, columns)."""
        image, kernel = self.shifted[None].astype(float), self.kernel[None, None].astype(float)
        return conv2d(image, kernel, np.array([self.bias]), padding=self.padding)[0]

    @traitlets.validate("image", "kernel", "weight", "padding", "shift", "position")
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        traits = ("image", "kernel", "weight", "padding", "shift", "position")
        values = {trait: getattr(self, trait) for trait in traits} | {name: value}
        size = values["image"].shape
        room = [n + 2 * values["padding"] for n in size]
        places = [n - k + 1 for n, k in zip(room, values["kernel"].shape, strict=True)]
        expected = {
            "image": max(size) <= LARGEST or f"at most {LARGEST} rows and columns",
            "kernel": min(places) >= 1 or f"at most {room[0]} rows and {room[1]} columns",
            "weight": values["weight"].shape == size or f"shape {size}",
            "shift": all(abs(step) < n for step, n in zip(values["shift"], size, strict=True))
            or f"less than {size[0]} down and {size[1]} to the right, in either direction",
            "position": values["position"] < places[0] * places[1]
            or f"at most {places[0] * places[1] - 1}",
        }
        for trait, answer in expected.items():
            if answer is not True:
                came = values[trait]
                came = f"has shape {came.shape}" if hasattr(came, "shape") else f"is {came}"
                raise traitlets.TraitError(f"ShiftExplorer: {trait} {came}; expected {answer}")
        return value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        image, kernel = ("x".join(map(str, a.shape)) for a in (self.image, self.kernel))
        return (
            f"ShiftExplorer: image {image}, kernel {kernel}, bias {self.bias:g}, "
            f"padding={self.padding}, shift={self.shift}\n"
            f"dense neuron {self.dense:g}, map\n{self.output.round(4) + 0}"
        )
