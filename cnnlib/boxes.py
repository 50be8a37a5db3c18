"""Boxes around what is seen: how far two of them overlap, and which of many are kept.

A box is (x1, y1, x2, y2): its left, upper, right and lower edge. Boxes are (N, 4).
"""

import numpy as np

from cnnlib import checks


def box_iou(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """Intersection over union of each box with each other: torchvision.ops.box_iou.

    boxes1: (N, 4). boxes2: (M, 4). Returns (N, M), from 0, apart, to 1, the same box. The area of
    the union is that of both boxes minus that of their intersection, which was counted twice.
    """
    for name, boxes in ("boxes1", boxes1), ("boxes2", boxes2):
        _check("box_iou", name, boxes)
    one, other = boxes1[:, None], boxes2[None]
    upper_left = np.maximum(one[..., :2], other[..., :2])
    lower_right = np.minimum(one[..., 2:], other[..., 2:])
    both = (lower_right - upper_left).clip(min=0).prod(axis=2)
    return both / (_area(one) + _area(other) - both)


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> np.ndarray:
    """Non-maximum suppression, torchvision.ops.nms: the indices of the boxes that are kept.

    boxes: (N, 4). scores: (N,). The box of the highest score is kept, and all others whose IoU
    with it is larger than `iou_threshold` are dropped; the same again with what is left, until
    nothing is. The indices are in the order of falling scores, of equal ones the first first.
    """
    _check("nms", "boxes", boxes)
    _check_floats("nms", "scores", scores)
    found = f"nms: scores has shape {scores.shape}"
    checks.require(scores.shape == boxes.shape[:1], f"{found}; expected {boxes.shape[:1]}")
    checks.require(not np.isnan(scores).any(), "nms: scores holds nan; expected numbers")
    checks.number("nms", "iou_threshold", iou_threshold, 0, 1)
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(best[0])
        left = left[box_iou(boxes[best], boxes[left])[0] <= iou_threshold]
    return np.array(kept, int)


def average_precision(right: np.ndarray, total: int) -> float:
    """The area under the curve of precision over recall, for answers in order of falling scores.

    right: whether each answer is right, (N,), True or False, the surest first. total: how many
    things there are to be found. Each right answer adds 1/total of recall; it counts with the best
    precision that is reached there or later, as in the challenge PASCAL VOC since 2010: Everingham
    and others, "The PASCAL visual object classes challenge: a retrospective" (2015).
    """
    right = np.asarray(right)
    if right.dtype != bool or right.ndim != 1:
        found = f"average_precision: right is {right.dtype}, shape {right.shape}"
        raise TypeError(f"{found}; expected True or False for each answer")
    checks.integer("average_precision", "total", total, 1)
    hits = int(right.sum())
    found = f"average_precision: total is {total}"
    checks.require(hits <= total, f"{found}; expected at least the {hits} that are right")
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(best[right].sum() / total)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)


def _check_floats(function: str, name: str, value: np.ndarray) -> None:
    """An array of floats, which may be empty: nothing is found in many a picture."""
    if not isinstance(value, np.ndarray) or value.dtype not in checks.FLOATS:
        found = value.dtype if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        raise TypeError(f"{function}: {name} is {found}; expected a NumPy array of floats")


def _check(function: str, name: str, boxes: np.ndarray) -> None:
    _check_floats(function, name, boxes)
    found = f"{function}: {name} has shape {boxes.shape}"
    checks.require(boxes.ndim == 2 and boxes.shape[1] == 4, f"{found}; expected (N, 4)")
    for box in boxes[~(boxes[:, :2] < boxes[:, 2:]).all(axis=1)]:
        raise ValueError(f"{function}: {name} has {box.tolist()}; expected x1 < x2 and y1 < y2")
