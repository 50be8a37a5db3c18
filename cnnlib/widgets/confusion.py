"""A confusion matrix whose cells can be opened: counts, shares, and pictures of the mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from cnnlib.widgets.widget import Array, Widget

LARGEST = 12  # classes that still fit beside each other on a phone


class Confusion(Widget):
    """What images of each class were called; choosing a cell shows the mistakes in it.

    Parameters
    ----------
    counts : array of shape (classes, classes)
        `counts[i, j]` images of class i were called j; at most 12 classes.
    classes : list of str
        Their names; "0", "1" and so on by default.
    mistakes : list of (int, int, int)
        For each image whose picture is shown: its index, its class, what it was called.
    pictures : list of str
        For each mistake, 28x28 bytes in base64, 0 black and 255 white.
    sheet : dict
        In place of `pictures`, one picture with all of them, as `cnnlib.records.cifar10_sheet`
        makes it.
    first : int
        The place of the first mistake's picture in the sheet.
    cell : (int, int)
        The cell that is open; by default the largest off the diagonal.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    counts = Array({2: ()}, "(classes, classes)").tag(link=False)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True, link=False)
    mistakes = traitlets.List(traitlets.Tuple(*[traitlets.Int()] * 3)).tag(sync=True, link=False)
    pictures = traitlets.List(traitlets.Unicode()).tag(sync=True, link=False)
    sheet = traitlets.Dict().tag(sync=True)
    first = traitlets.Int(0, min=0).tag(sync=True, link=False)
    cell = traitlets.Tuple(traitlets.Int(min=0), traitlets.Int(min=0), default_value=(0, 0)).tag(
        sync=True
    )

    def __init__(
        self, counts: Any, classes: Sequence[str] | None = None,
        mistakes: Sequence[Sequence[int]] = (), pictures: Sequence[str] = (), **kwargs: Any,
    ) -> None:  # fmt: skip
        names = [str(i) for i in range(len(counts))] if classes is None else list(classes)
        rows = [tuple(row) for row in mistakes]
        super().__init__(
            counts=counts, classes=names, mistakes=rows, pictures=list(pictures), **kwargs
        )
        if len(names) != len(self.counts):
            self._refuse(f"classes has {len(names)} names", f"{len(self.counts)}")
        if not self.sheet and len(self.pictures) != len(self.mistakes):
            self._refuse(f"pictures has {len(self.pictures)} items", f"{len(self.mistakes)}")
        if "cell" not in kwargs:
            wrong = self.counts * (1 - np.eye(len(self.counts), dtype=int))
            self.cell = divmod(int(wrong.argmax()), len(self.counts))

    @traitlets.validate("counts")
    def _is_square(self, proposal: Any) -> Any:
        counts = proposal.value
        rows, columns = counts.shape
        if rows != columns or rows > LARGEST:
            self._refuse(f"counts has shape {counts.shape}", f"a square of at most {LARGEST}")
        if counts.dtype.kind == "f" or counts.min() < 0:
            self._refuse("counts holds other numbers", "whole numbers from 0 on")
        return counts

    @traitlets.validate("cell")
    def _exists(self, proposal: Any) -> tuple[int, int]:
        if max(proposal.value) >= len(self.counts):
            self._refuse(f"cell is {proposal.value}", f"at most {len(self.counts) - 1}")
        return proposal.value

    def _refuse(self, found: str, expected: str) -> None:
        raise traitlets.TraitError(f"Confusion: {found}; expected {expected}")

    def __repr__(self) -> str:
        """State the data, so that a notebook's stored text can be compared."""
        total, right = int(self.counts.sum()), int(self.counts.trace())
        row, column = self.cell
        return (
            f"Confusion: {right} of {total} right, {len(self.mistakes)} pictures; "
            f"cell {self.cell}: {self.counts[row, column]}"
        )
