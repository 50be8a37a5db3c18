"""One fixed permutation of the pixels: a dense neuron does not care, a convolution does."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.convolution import conv2d
from cnnlib.widgets.widget import Array, Number, Predicting, Widget

LARGEST = 8  # rows or columns, so that two images fit beside each other on a phone


class PixelShuffle(Predicting, Widget):
    """An image and the same image shuffled, each read by a dense neuron and by a convolution.

    Parameters
    ----------
    image : array of shape (H, W)
        At most 8 x 8 pixels. The worked example's image by default.
    weight : array of shape (H, W)
        The dense neuron's weights, one for each pixel. By default 1 on the left half and -1 on
        the right half.
    kernel : array of shape (kh, kw)
        The convolution's weights, by default the worked example's kernel.
    bias : number
        Added to every number of the map.
    order : sequence of H * W int
        The permutation: pixel k of the shuffled image is pixel order[k] of the image, both
        counted row by row from 0.
    shuffle_weights : bool
        Shuffle the dense neuron's weights by the same permutation.
    side, position : int
        The number whose sum is written out: of the image (0) or of the shuffled one (1), the
        dense neuron's (-1) or one of the map's, counted row by row from 0.
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
    weight = Array({2: ()}, "(rows, columns)", side=LARGEST)
    kernel = Array({2: ()}, "(rows, columns)", side=LARGEST)
    bias = Number(0.0).tag(sync=True)
    order = traitlets.List(traitlets.Int(min=0)).tag(sync=True, link={"maxItems": LARGEST**2})
    shuffle_weights = traitlets.Bool(True).tag(sync=True)
    side = traitlets.Int(0, min=0, max=1).tag(sync=True)
    position = traitlets.Int(-1, min=-1).tag(sync=True)

    def __init__(
        self,
        image: Any = None,
        weight: Any = None,
        kernel: Any = None,
        bias: float | None = None,
        order: Any = None,
        **kwargs: Any,
    ) -> None:
        image = worked_example.image if image is None else image
        rows, columns = np.shape(image) if np.ndim(image) == 2 else (1, 1)
        if weight is None:
            weight = np.where(np.arange(columns) < columns / 2, 1, -1) * np.ones((rows, 1), int)
        if bias is None:
            bias = worked_example.bias if kernel is None else 0
        if order is None:
            order = np.random.default_rng(0).permutation(rows * columns)
        super().__init__(
            image=image,
            weight=weight,
            kernel=worked_example.kernel if kernel is None else kernel,
            bias=bias,
            order=np.asarray(order).tolist(),
            **kwargs,
        )

    def shuffled(self, plane: np.ndarray) -> np.ndarray:
        """Return a plane of shape (H, W) in the order of the permutation."""
        return plane.ravel()[self.order].reshape(plane.shape)

    @property
    def dense(self) -> tuple[float, float]:
        """The dense neuron's two numbers: for the image, and for the shuffled one."""
        weight = self.shuffled(self.weight) if self.shuffle_weights else self.weight
        sums = (self.image * self.weight).sum(), (self.shuffled(self.image) * weight).sum()
        return tuple(float(total) for total in sums)

    @property
    def maps(self) -> np.ndarray:
        """The feature maps of the image and of the shuffled one, (2, rows, columns)."""
        pair = np.stack([self.image, self.shuffled(self.image)])[:, None].astype(float)
        kernel = self.kernel[None, None].astype(float)
        return conv2d(pair, kernel, np.array([self.bias]))[:, 0]

    @traitlets.validate("image", "weight", "kernel", "order", "position")
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        traits = ("image", "weight", "kernel", "order", "position")
        values = {trait: getattr(self, trait) for trait in traits} | {name: value}
        rows, columns = values["image"].shape
        kernel = values["kernel"].shape
        places = (rows - kernel[0] + 1, columns - kernel[1] + 1)
        expected = {
            "image": max(rows, columns) <= LARGEST or f"at most {LARGEST} rows and columns",
            "weight": values["weight"].shape == (rows, columns) or f"shape {(rows, columns)}",
            "kernel": min(places) >= 1 or f"at most {rows} rows and {columns} columns",
            "order": sorted(values["order"]) == list(range(rows * columns))
            or f"each of 0 to {rows * columns - 1} once",
            "position": values["position"] < places[0] * places[1]
            or f"at most {places[0] * places[1] - 1}",
        }
        for trait, answer in expected.items():
            if answer is not True:
                came = values[trait]
                came = f"has shape {came.shape}" if hasattr(came, "shape") else f"is {came}"
                raise traitlets.TraitError(f"PixelShuffle: {trait} {came}; expected {answer}")
        return value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        size = "x".join(map(str, self.image.shape))
        ordered, shuffled = (f"{number:g}" for number in self.dense)
        return (
            f"PixelShuffle: image {size}, order {self.order}\n"
            f"dense neuron {ordered}, shuffled {shuffled}; maps\n"
            f"{self.maps.round(4) + 0}"
        )
