"""Exercises of the chapter "Where is it? Boxes"."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_overlap(rng: np.random.Generator) -> Any:
    """The IoU of two boxes that overlap."""
    from cnnlib.widgets import Question

    x, y, w, h = (int(one) for one in rng.integers([0, 0, 4, 4], [4, 4, 8, 8]))
    across, down = int(rng.integers(1, w)), int(rng.integers(1, h))
    wide, high = (int(one) for one in rng.integers(4, 8, 2))
    one = x, y, x + w, y + h
    other = x + across, y + down, x + across + wide, y + down + high
    width, height = min(w - across, wide), min(h - down, high)
    both, first, second = width * height, w * h, wide * high
    union = first + second - both
    slips = [
        (both / (first + second), "The common cells were counted twice: take them away once."),
        (both / first, "Divide by the union of both boxes, not by the first."),
        (both / second, "Divide by the union of both boxes, not by the second."),
        (
            (width + 1) * (height + 1) / (union + both - (width + 1) * (height + 1)),
            "From 3 to 7 are 4 cells, not 5: the right edge is where the box ends.",
        ),
    ]
    return Question(
        f"Box A is {one}, box B is {other}. What is their IoU? (Three decimals.)",
        both / union,
        [slip for slip in slips if abs(slip[0] - both / union) > 0.0006],
        decimals=3,
        steps=[
            f"In common: {width} wide and {height} high, {both}.",
            f"The union: {w}·{h} + {wide}·{high} − {both} = {union}. The IoU: {both}/{union} = "
            f"{both / union:.3f}.",
        ],
    )


def iou(
    a: np.ndarray, b: np.ndarray, clipped: bool = True, border: float = 0.0, once: bool = True
) -> float:
    """Intersection over union, with what a mistake leaves out or adds.

    clipped: whether negative sides are 0. border: what each side has too much. once: whether the
    union counts the common part once.
    """
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + border
    both = (sides.clip(min=0) if clipped else sides).prod()
    areas = (a[2:] - a[:2] + border).prod() + (b[2:] - b[:2] + border).prod()
    return float(both / (areas - both if once else areas))


def pairs(rng: np.random.Generator) -> list[Try]:
    """Boxes that overlap, that are apart both ways, that lie inside each other."""
    boxes = [
        ([1, 0, 4, 6], [2, 3, 8, 7]),
        ([0, 1, 2, 3], [5, 7, 9, 8]),
        ([2, 2, 3, 5], [0, 1, 6, 9]),
        ([0, 0, 4, 4], [4, 1, 6, 3]),
    ]
    return [tuple(np.array(one, float) for one in pair) for pair in boxes]


def loops(
    boxes: np.ndarray, scores: np.ndarray, threshold: float,
    order: Callable = lambda scores: np.argsort(-scores),
    drops: Callable = lambda kept, all, threshold: (kept > threshold).any(),
) -> list[int]:  # fmt: skip
    """NMS with the order and the rule of a mistake: drops(overlaps with the kept, and with all)."""
    overlap = cnnlib.box_iou(boxes, boxes)
    kept: list[int] = []
    seen: list[int] = []
    for n in order(scores):
        gone = drops(overlap[n][kept], overlap[n][seen], threshold)
        seen.append(int(n))
        if not gone:
            kept.append(int(n))
    return kept


def lists(rng: np.random.Generator) -> list[Try]:
    """Boxes around two or three things, in any order, and a row of which each overlaps the next."""
    row = np.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4], [6, 0, 10, 4]])
    tries: list[Try] = [(row, np.array([0.6, 0.8, 0.7, 0.5]), 0.3)]
    for things, copies, threshold in [(2, 3, 0.5), (3, 4, 0.4)]:
        corners = rng.integers(0, 4, (things * copies, 2)) + np.repeat(
            9 * np.arange(things), copies
        ).reshape(-1, 1)
        sizes = rng.integers(6, 9, (things * copies, 2))
        boxes = np.concatenate([corners, corners + sizes], axis=1).astype(float)
        tries.append((boxes, rng.permutation(np.linspace(0.2, 0.95, len(boxes))), threshold))
    return tries


def indices(written: Callable, boxes: np.ndarray, scores: np.ndarray, threshold: float) -> Any:
    """What is kept, as a list of whole numbers, whether it is an array or a list."""
    kept = written(boxes, scores, threshold)
    return np.array(kept) if isinstance(kept, Sequence) else kept


EXERCISES = {
    "detection-hand": Drawn(draw_overlap),
    "detection-iou": Exercise(
        "my_iou",
        iou,
        pairs,
        [
            (
                lambda a, b: iou(a, b, clipped=False),
                "Boxes that are apart have a negative width or height: take 0 for it.",
            ),
            (
                lambda a, b: iou(a, b, once=False),
                "The common part is in both areas: take it away once for the union.",
            ),
            (
                lambda a, b: iou(a, b, border=1.0),
                "A side is x2 − x1. With 1 more each box would be larger than it is.",
            ),
            (
                lambda a, b: 1 - iou(a, b),
                "That is the part they do not share.",
            ),
        ],
        [
            "The common part goes from the larger of the two left edges to the smaller of the two "
            "right ones.",
            "Its width is `max(0, min(a[2], b[2]) - max(a[0], b[0]))`; the height likewise.",
            "The union is the sum of both areas minus the common part.",
        ],
    ),
    "detection-nms": Exercise(
        "my_nms",
        loops,
        lists,
        [
            (
                lambda boxes, scores, threshold: loops(boxes, scores, threshold, np.argsort),
                "You begin with the least sure box. Begin with the surest: `np.argsort(-scores)`.",
            ),
            (
                lambda boxes, scores, threshold: loops(
                    boxes, scores, threshold, lambda scores: range(len(scores))
                ),
                "You go through the boxes as they come. Sort them by their scores first.",
            ),
            (
                lambda boxes, scores, threshold: loops(
                    boxes, scores, threshold, drops=lambda kept, all, t: (all > t).any()
                ),
                "A box that was dropped must not drop others. Compare with those that are kept.",
            ),
            (
                lambda boxes, scores, threshold: loops(
                    boxes, scores, threshold, drops=lambda kept, all, t: (kept[-1:] > t).any()
                ),
                "You compare with the last box that is kept. Compare with all of them.",
            ),
            (
                lambda boxes, scores, threshold: sorted(loops(boxes, scores, threshold)),
                "The right boxes, in the wrong order: the surest comes first.",
            ),
            (
                lambda boxes, scores, threshold: boxes[loops(boxes, scores, threshold)],
                "Those are the boxes. Give their indices.",
            ),
        ],
        [
            "Go through `np.argsort(-scores)`, and keep a list of those that stay.",
            "`cnnlib.box_iou(boxes, boxes)[n, kept]` has the overlaps of box n with those kept.",
            "A box stays when all of these are at most the threshold.",
        ],
        use=indices,
    ),
}
