"""How many windows fit into a row: every position drawn, with the formula in numbers."""

from typing import Any

import traitlets

from cnnlib import checks
from cnnlib.shapes import Windows, effective_kernel_size
from cnnlib.widgets.widget import Predicting, Widget

GEOMETRY = ("size", "kernel_size", "stride", "padding", "dilation", "ceil_mode")
LONGEST = 64  # cells, padding included, that can still be told apart on a phone
CELLS = {"type": "integer", "minimum": 1, "maximum": LONGEST}
PADDING = {"anyOf": [CELLS | {"minimum": 0}, {"enum": ["valid", "same"]}]}


class OutputSize(Predicting, Widget):
    """One row of cells and all windows on it: the size of a layer's output along one axis.

    Parameters
    ----------
    size, kernel_size, stride, dilation : int
        As in `cnnlib.conv2d`, along one axis. With its padding the row has at most 64 cells.
    padding : int, "valid" or "same"
        Zeros on each side, as in `cnnlib.conv2d`.
    ceil_mode : bool
        As in `cnnlib.max_pool2d`; a convolution has no such argument.
    position : int
        The window that is marked, counted from 0.
    predict : bool
        Hide the windows and ask how many fit.
    score : (int, int)
        Questions answered right at the first try, and questions asked.

    All of them are synced: what the reader changes in the page is the value in Python, and an
    assignment redraws the page.

    Raises
    ------
    TraitError
        When no window fits or a value is not possible: it names the argument.

    """

    size = traitlets.TraitType(7).tag(sync=True, link=CELLS)
    kernel_size = traitlets.TraitType(3).tag(sync=True, link=CELLS)
    stride = traitlets.TraitType(1).tag(sync=True, link=CELLS)
    padding = traitlets.TraitType(0).tag(sync=True, link=PADDING)
    dilation = traitlets.TraitType(1).tag(sync=True, link=CELLS)
    ceil_mode = traitlets.Bool(False).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    @property
    def output_size(self) -> int:
        """The number of windows, as `cnnlib` counts them."""
        return self._windows({}).output_size[0]

    @property
    def left_over(self) -> int:
        """Cells after the last window."""
        windows = self._windows({})
        last = (self.output_size - 1) * self.stride
        return (
            windows.padded_size[0] - last - effective_kernel_size(self.kernel_size, self.dilation)
        )

    def _windows(self, changes: dict[str, Any]) -> Windows:
        traits = {name: getattr(self, name) for name in GEOMETRY} | changes
        for name in ("size", "kernel_size", "stride", "dilation"):
            checks.integer("OutputSize", name, traits[name], 1)
        if not isinstance(traits["padding"], str):
            checks.integer("OutputSize", "padding", traits["padding"], 0)
        size = traits.pop("size")
        windows = Windows("OutputSize", (size, size), **traits)
        if windows.padded_size[0] > LONGEST:
            raise ValueError(
                f"OutputSize: the padded row has {windows.padded_size[0]} cells; "
                f"expected at most {LONGEST}"
            )
        return windows

    @traitlets.validate(*GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        try:
            self._windows({proposal.trait.name: proposal.value})
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(str(error)) from None
        return proposal.value

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int:
        if proposal.value >= self.output_size:
            raise traitlets.TraitError(
                f"OutputSize: position is {proposal.value}; expected at most {self.output_size - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the geometry and what comes out, so that stored outputs can be compared."""
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in GEOMETRY)
        return f"OutputSize: {settings}\n{self.output_size} windows, {self.left_over} left over"
