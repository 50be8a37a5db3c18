"""Exercises of the chapter "Draw a digit"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Exercise, Try


def lead(logits: np.ndarray, k: int) -> np.ndarray:
    """By how much the logit k is above the largest of the others, for each image."""
    return logits[:, k] - np.delete(logits, k, axis=1).max(axis=1)


def occlusion(
    measure: Callable = lead, first: int = -2, fill: float = 0.0, side: int = 6, rise: bool = False,
    one: bool = True,
) -> Callable:  # fmt: skip
    """The map of an image, with what a mistake changes.

    measure(logits, k): what shrinks. first: where the first square begins. fill: what it is
    covered with. side: of the square. rise: whether the sign is turned. one: whether each square
    is taken away again.
    """

    def drops(network: Callable, image: np.ndarray) -> np.ndarray:
        rows, columns = (range(first, size + first, 2) for size in image.shape)
        covered, copy = [], image.copy()
        for row in rows:
            for column in columns:
                copy = image.copy() if one else copy.copy()
                copy[max(0, row) : row + side, max(0, column) : column + side] = fill
                covered.append(copy[None])
        whole = network(image[None, None])
        k = int(whole.argmax())
        drop = measure(whole, k) - measure(network(np.array(covered)), k)
        return (-drop if rise else drop).reshape(len(rows), len(columns))

    return drops


def own_answer(logits: np.ndarray, k: int) -> np.ndarray:
    """The lead of each image's own answer."""
    best = np.sort(logits, axis=1)
    return best[:, -1] - best[:, -2]


def looked_at(written: Callable, image: np.ndarray, weight: np.ndarray) -> Any:
    """The map of an image, for a network that is one dense layer with this weight."""
    return written(lambda x: x.reshape(len(x), -1) @ weight.T, image)


def pictures(rng: np.random.Generator) -> list[Try]:
    """Images (H, W) and the weights of a dense layer."""
    sizes = [(8, 10, 3), (12, 8, 5)]
    return [(rng.random((h, w)), rng.normal(size=(k, h * w))) for h, w, k in sizes]


def center_box(drawing: np.ndarray, axes: tuple = (0, 1), extra: int = 0) -> np.ndarray:
    """The digit with the middle of its box in the middle.

    axes: those along which it is moved. extra: added to the free room before it is halved.
    """
    image = cnnlib.center_digit(drawing)
    for axis in axes:
        ink = np.flatnonzero(image.any(axis=1 - axis))
        free = 28 - (ink[-1] - ink[0] + 1)
        image = np.roll(image, (free + extra) // 2 - ink[0], axis=axis)
    return image


def in_the_corner(drawing: np.ndarray) -> np.ndarray:
    """The digit with its box in the upper left corner."""
    image = cnnlib.center_digit(drawing)
    ink = [np.flatnonzero(image.any(axis=axis))[0] for axis in (1, 0)]
    return np.roll(image, [-int(start) for start in ink], axis=(0, 1))


def unscaled(drawing: np.ndarray) -> np.ndarray:
    """The box of the drawing as it is, in the middle of 28x28."""
    image = np.zeros((28, 28))
    rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
    box = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, left = ((28 - side) // 2 for side in box.shape)
    image[top : top + len(box), left : left + len(box[0])] = box
    return image


def drawings(rng: np.random.Generator) -> list[Try]:
    """Drawings with more ink at one end, of several sizes."""
    tries: list[Try] = []
    for rows, columns, box in [(20, 25, (2, 10, 4, 15)), (26, 18, (5, 23, 2, 7))]:
        drawing = np.zeros((rows, columns))
        top, bottom, left, right = box
        drawing[top:bottom, left:right] = rng.uniform(0.2, 1, (bottom - top, right - left))
        drawing[top : top + 3, left : left + 2] = 3
        tries.append((drawing,))
    return tries


EXERCISES = {
    "draw-a-digit-occlusion": Exercise(
        "occlusion",
        occlusion(),
        pictures,
        [
            (
                occlusion(lambda logits, k: logits[:, k]),
                "You look at the logit alone. The lead is the logit minus the largest of the "
                "others.",
            ),
            (
                occlusion(own_answer),
                "Each covered image has the lead of its own best answer. Follow the answer to the "
                "whole image.",
            ),
            (
                occlusion(lambda logits, k: cnnlib.softmax(logits)[:, k]),
                "Those are probabilities. The lead is a difference of logits.",
            ),
            (
                occlusion(first=0),
                "The first square begins in the corner. It begins two pixels outside.",
            ),
            (
                occlusion(fill=1.0),
                "You cover with white. No ink is 0.",
            ),
            (
                occlusion(side=4),
                "The squares at the left and at the top are the only smaller ones: a square has "
                "6×6 pixels, of which those outside do not count.",
            ),
            (
                occlusion(rise=True),
                "The sign is turned round: a drop is the lead before, less the lead after.",
            ),
            (
                occlusion(one=False),
                "The squares stay. Cover a new copy of the image each time.",
            ),
        ],
        [
            "`copy = image.copy()`, then set a slice of it to 0. A slice must not begin below 0: "
            "`max(0, row)`.",
            "`np.delete(logits, k, axis=1).max(axis=1)` is the largest of the other logits.",
            "All covered copies, (places, 1, H, W), can go through the network at once; "
            "`reshape` the drops to the places.",
        ],
        looked_at,
    ),
    "draw-a-digit-mass": Exercise(
        "center_box",
        center_box,
        drawings,
        [
            (
                cnnlib.center_digit,
                "That is the center of mass, as `center_digit` has placed it. Move the ink's box "
                "to the middle.",
            ),
            (
                lambda drawing: center_box(drawing, (0,)),
                "The rows are in the middle, the columns are not yet. Move along both axes.",
            ),
            (
                lambda drawing: center_box(drawing, (1,)),
                "The columns are in the middle, the rows are not yet. Move along both axes.",
            ),
            (
                lambda drawing: center_box(drawing, extra=1),
                "Where the free rows or columns are odd in number, the box lies a pixel too far "
                "down or right. The smaller half comes first.",
            ),
            (
                in_the_corner,
                "The box lies in the corner. Half of the free rows and columns come before it.",
            ),
            (
                unscaled,
                "The drawing is not scaled. `cnnlib.center_digit` brings its box to 20 pixels.",
            ),
        ],
        [
            "`image = cnnlib.center_digit(drawing)` has scaled the box: it only has to be moved.",
            "`image.any(axis=1)` says which rows have ink. The first and the last of them are the "
            "box's edges.",
            "Of the `28 - height` free rows, `// 2` belong above: `np.roll(image, by, axis=0)` "
            "moves it.",
        ],
    ),
}
