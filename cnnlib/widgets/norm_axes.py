"""Which numbers of a batch are normalized together: four kinds of normalization on one array."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.layer import Layer
from cnnlib.normalization import BatchNorm2d, GroupNorm, LayerNorm
from cnnlib.widgets.widget import Array, Predicting, Widget

KINDS = ("batch", "layer", "group", "instance")
LARGEST = 999  # what still fits a cell
EXAMPLE = (
    (((5, 9),), ((2, 4),), ((3, 9),), ((10, 6),)),
    (((12, 8),), ((6, 10),), ((14, 6),), ((8, 0),)),
    (((3, 7),), ((1, 11),), ((14, 8),), ((4, 2),)),
)


class NormAxes(Predicting, Widget):
    """A batch of maps, and for a chosen number all numbers that it is normalized with.

    Parameters
    ----------
    x : array of shape (N, C, H, W)
        At most 4 images whose channels side by side have at most 12 columns, with at most 4 rows,
        and 2 or more numbers of each channel; from -999 to 999.
    kind : str
        "batch", "layer", which takes all numbers of an image, "group" or "instance".
    num_groups : int
        The groups of channels of the kind "group".
    chosen : (int, int, int, int)
        Image, channel, row and column of the chosen number, from 0.
    predict : bool
        Hide what becomes of the chosen number and ask for it first.
    score : (int, int)
        Outputs predicted right at the first try, and outputs asked.

    All of them are synced.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    x = Array({4: ()}, "(N, C, H, W)")
    kind = traitlets.Enum(KINDS, "batch").tag(sync=True)
    num_groups = traitlets.Int(2, min=1).tag(sync=True)
    chosen = traitlets.Tuple(*[traitlets.Int(min=0)] * 4, default_value=(0, 0, 0, 0)).tag(sync=True)

    def __init__(self, x: Any = EXAMPLE, **kwargs: Any) -> None:
        if x is EXAMPLE:
            kwargs = {"chosen": (1, 2, 0, 0)} | kwargs
        super().__init__(x=x, **kwargs)

    def output(self) -> np.ndarray:
        """Return what cnnlib's layer of this kind makes of x, in training: (N, C, H, W)."""
        channels, float64 = self.x.shape[1], {"dtype": np.float64}
        layers: dict[str, Layer] = {
            "batch": BatchNorm2d(channels, **float64),
            "layer": LayerNorm(self.x.shape[1:], **float64),
            "group": GroupNorm(self.num_groups, channels, **float64),
            "instance": GroupNorm(channels, channels, **float64),
        }
        return layers[self.kind](self.x.astype(float))

    @traitlets.validate("x")
    def _can_be_drawn(self, proposal: Any) -> np.ndarray:
        x = proposal.value
        images, channels, rows, columns = x.shape
        small = images <= 4 and rows <= 4 and channels * columns <= 12
        if not small or images * rows * columns < 2 or np.abs(x).max() > LARGEST:
            raise traitlets.TraitError(
                f"NormAxes: x has shape {x.shape} and numbers from {x.min():g} to {x.max():g}; "
                "expected at most 4 images, 4 rows and 12 columns of all channels, 2 or more "
                f"numbers of each channel, from {-LARGEST} to {LARGEST}"
            )
        self._divides(self.num_groups, channels)
        self._has(self.chosen, x.shape)
        return x

    @traitlets.validate("num_groups")
    def _divides_the_channels(self, proposal: Any) -> int:
        self._divides(proposal.value, self.x.shape[1])
        return proposal.value

    @traitlets.validate("chosen")
    def _is_one_of_them(self, proposal: Any) -> tuple[int, ...]:
        self._has(proposal.value, self.x.shape)
        return proposal.value

    @staticmethod
    def _divides(groups: int, channels: int) -> None:
        if channels % groups:
            raise traitlets.TraitError(
                f"NormAxes: num_groups is {groups}; expected a divisor of the {channels} channels"
            )

    @staticmethod
    def _has(chosen: tuple[int, ...], shape: tuple[int, ...]) -> None:
        if any(place >= size for place, size in zip(chosen, shape, strict=True)):
            raise traitlets.TraitError(
                f"NormAxes: chosen is {chosen}; expected a place in x, whose shape is {shape}"
            )

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        groups = f", num_groups {self.num_groups}" if self.kind == "group" else ""
        output = (self.output().round(3) + 0).tolist()
        lines = [f"  {image}" for image in output]
        return "\n".join([f"NormAxes: {self.x.tolist()}, kind {self.kind}{groups}", *lines])
