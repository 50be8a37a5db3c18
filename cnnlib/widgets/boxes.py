"""Boxes on a grid: the cells of two of them counted, and suppression of all of them in steps."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.boxes import box_iou, nms
from cnnlib.widgets.widget import Array, Number, Widget

MOST = 6  # boxes, each with a letter
SIDE = 14  # cells of a side: with more of them no number could be read on a phone


class Boxes(Widget):
    """Boxes to be moved on a grid of cells, with intersection over union counted in sight.

    Without scores there are two boxes. With scores, non-maximum suppression of all boxes is played
    step by step.

    Parameters
    ----------
    boxes : array of shape (N, 4)
        x1, y1, x2, y2 of each box, in whole cells, 2 to 6 boxes.
    scores : list of float
        How sure each box is; left out, the two boxes are compared.
    iou_threshold : float
        Above this overlap the less sure of two boxes is dropped, from 0 to 1.
    shape : pair of int
        Rows and columns of the grid, at most 14.
    position : int
        The step of suppression that is shown, from 0.

    All of them are synced.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    boxes = Array({2: ()}, "(N, 4)")
    scores = traitlets.List(traitlets.Float()).tag(sync=True)
    iou_threshold = Number(0.5).tag(sync=True)
    shape = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(10, 10)).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, boxes: Any = ((1, 2, 6, 8), (4, 1, 9, 5)), **kwargs: Any) -> None:
        super().__init__(boxes=boxes, **kwargs)

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union of each box with each other, (N, N)."""
        return box_iou(self._floats, self._floats)

    @property
    def kept(self) -> list[int]:
        """The boxes that suppression keeps, the surest first; all of them without scores."""
        if not self.scores:
            return list(range(len(self.boxes)))
        return nms(self._floats, np.array(self.scores), self.iou_threshold).tolist()

    @property
    def _floats(self) -> np.ndarray:
        return self.boxes.astype(float)

    @traitlets.validate("boxes", "scores", "shape")
    def _is_drawable(self, proposal: Any) -> Any:
        now = {"boxes": self.boxes, "scores": self.scores, "shape": self.shape}
        self._judge(**now | {proposal.trait.name: proposal.value})
        return proposal.value

    @traitlets.validate("iou_threshold")
    def _is_a_share(self, proposal: Any) -> float:
        if not 0 <= proposal.value <= 1:
            self._refuse(f"iou_threshold is {proposal.value:g}", "a number from 0 to 1")
        return proposal.value

    def _judge(self, boxes: np.ndarray, scores: list[float], shape: tuple[int, int]) -> None:
        if boxes.shape[1] != 4 or not 2 <= len(boxes) <= MOST:
            self._refuse(f"boxes has shape {boxes.shape}", f"2 to {MOST} rows of 4")
        for box in boxes.tolist():
            x1, y1, x2, y2 = box
            if any(edge != int(edge) for edge in box) or not (0 <= x1 < x2 and 0 <= y1 < y2):
                self._refuse(f"boxes has {box}", "whole numbers, 0 <= x1 < x2 and 0 <= y1 < y2")
        for score in scores:
            if not 0 <= score <= 1:
                self._refuse(f"scores has {score:g}", "numbers from 0 to 1")
        if not all(2 <= side <= SIDE for side in shape):
            self._refuse(f"shape is {shape}", f"2 to {SIDE} rows and columns")
        rows, columns = shape
        right, lower = boxes[:, 2:].max(axis=0)
        if right > columns or lower > rows:
            self._refuse(f"boxes reach to {right:g} and {lower:g}", f"at most {columns} and {rows}")
        if not scores and len(boxes) != 2:
            self._refuse(f"boxes has {len(boxes)} rows", "2 where there are no scores")
        if scores and len(scores) != len(boxes):
            self._refuse(f"scores has {len(scores)} numbers", f"{len(boxes)}, one for each box")

    def _refuse(self, found: str, expected: str) -> None:
        raise traitlets.TraitError(f"Boxes: {found}; expected {expected}")

    def __repr__(self) -> str:
        """State the boxes and what comes out, so that a notebook's stored text can be compared."""
        rows, columns = self.shape
        text = f"Boxes on {rows}x{columns} cells: {self.boxes.astype(int).tolist()}\n"
        if not self.scores:
            return text + f"IoU {self.iou[0, 1]:.4f}"
        letters = ", ".join("ABCDEF"[index] for index in self.kept)
        return text + f"scores {self.scores}, iou_threshold={self.iou_threshold:g}, kept {letters}"
