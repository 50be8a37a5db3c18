"""Exercises of the chapter "Color photographs"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.classifiers import COLORS
from cnnlib.exercises.checking import Drawn, Exercise, Try


def residual(rng: np.random.Generator) -> Any:
    """A question: a residual block and the ReLU behind it."""
    from cnnlib.widgets import Question

    body, around = (int(n) / 10 for n in rng.integers(3, 30, 2))
    body = body if rng.integers(0, 2) else -body
    total = round(body + around, 1)
    right = max(total, 0)
    mistakes = [
        (total, "That is the sum. The ReLU behind the block makes 0 of what is negative."),
        (max(body, 0), "That is without the way around: what came in is added."),
        (round(max(body, 0) + around, 1), "ReLU comes after the sum, not before it."),
        (round(body * around, 2), "The two are added, not multiplied."),
    ]
    return Question(
        f"At one place the layers of a residual block give {body:g}, and {around:g} came in. What "
        "stands there behind the block and the ReLU that follows it?",
        right,
        [(value, why) for value, why in mistakes if value != right],
        decimals=1,
        steps=[
            "What the layers give is added to what came in; then ReLU keeps it or makes it 0.",
            f"{body:g} + {around:g} = {total:g}, of which ReLU makes {right:g}.",
        ],
    )


def prepared(
    axes: tuple[int, ...] = (2, 0, 1), white: float = 255, mean: float = COLORS[0],
    deviation: float = COLORS[1],
) -> Callable:  # fmt: skip
    """The photograph as a batch, with what a mistake changes."""
    return lambda picture: ((picture / white - mean) / deviation).transpose(axes)[None]


def reshaped(picture: np.ndarray) -> np.ndarray:
    """The numbers in the right shape, and in the wrong places."""
    return prepared((0, 1, 2))(picture).reshape(1, 3, *picture.shape[:2])


def pictures(rng: np.random.Generator) -> list[Try]:
    """Photographs (H, W, 3) of bytes."""
    return [(rng.integers(0, 256, (h, w, 3), np.uint8),) for h, w in [(2, 4), (5, 3)]]


def both(
    turn: tuple = (..., slice(None, None, -1)), share: float = 0.5, logits: bool = False,
) -> Callable:  # fmt: skip
    """The mean of two views, with what a mistake changes."""

    def two_views(network: Callable, x: np.ndarray) -> np.ndarray:
        views = network(x), network(x[turn])
        if logits:
            return cnnlib.softmax((views[0] + views[1]) / 2)
        return share * (cnnlib.softmax(views[0]) + cnnlib.softmax(views[1]))

    return two_views


def second(network: Callable, x: np.ndarray) -> np.ndarray:
    """The mirrored view alone."""
    return cnnlib.softmax(network(x[..., ::-1]))


def seen(written: Callable, x: np.ndarray, weight: np.ndarray) -> Any:
    """The two views of images, for a network that is one dense layer with this weight."""
    return written(lambda images: images.reshape(len(images), -1) @ weight.T, x)


def views(rng: np.random.Generator) -> list[Try]:
    """Images (N, C, H, W) and the weights of a dense layer."""
    sizes = [(2, 3, 2, 4, 3), (4, 3, 5, 3, 4)]
    return [
        (rng.normal(size=(n, c, h, w)), rng.normal(size=(k, c * h * w))) for n, c, h, w, k in sizes
    ]


BACK = slice(None, None, -1)
EXERCISES = {
    "color-residual": Drawn(residual),
    "color-prepare": Exercise(
        "prepare",
        prepared(),
        pictures,
        [
            (
                reshaped,
                "The shape is right, but the numbers are in other places: `reshape` does not move "
                "an axis. `transpose(2, 0, 1)` does.",
            ),
            (
                prepared((2, 1, 0)),
                "Rows and columns are exchanged. The order is channel, row, column: "
                "`transpose(2, 0, 1)`.",
            ),
            (
                lambda picture: prepared()(picture)[0],
                "The axis of the batch is missing: `x[None]` makes (1, 3, H, W) of (3, H, W).",
            ),
            (
                prepared((0, 1, 2)),
                "The channels are still the last axis. The network takes (1, channel, row, "
                "column).",
            ),
            (
                prepared(white=1),
                "Those are bytes, minus a mean of fractions. Divide by 255 first.",
            ),
            (
                prepared(white=256),
                "White is 255, not 256: divide by 255.",
            ),
            (
                prepared(mean=0, deviation=1),
                "The fractions are right. The mean and the deviation are missing.",
            ),
            (
                prepared(mean=0),
                "You divide by the deviation, but the mean was not subtracted.",
            ),
            (
                prepared(deviation=1),
                "The mean is subtracted. Now divide by the deviation.",
            ),
            (
                lambda picture: prepared()(picture)[:, ::-1],
                "Red and blue are exchanged. The order of the channels stays as it is.",
            ),
        ],
        [
            "`picture / 255` makes fractions of all numbers at once; so do minus the mean and "
            "divided by the deviation.",
            "`x.transpose(2, 0, 1)` puts the last axis first, and `[None]` adds one in front.",
        ],
    ),
    "color-mirror": Exercise(
        "two_views",
        both(),
        views,
        [
            (
                both(turn=(slice(None), slice(None), BACK)),
                "You turn the rows: the images stand on their heads. Columns are the last axis.",
            ),
            (
                both(turn=(slice(None), BACK)),
                "You turn the channels: red becomes blue. Columns are the last axis.",
            ),
            (
                both(turn=(BACK,)),
                "You turn the batch: each image is added to another one. Columns are the last "
                "axis.",
            ),
            (
                both(share=1),
                "That is the sum of both. Probabilities add up to 1: divide by 2.",
            ),
            (
                both(logits=True),
                "You take the mean of the logits. Take softmax of each view first, then the mean.",
            ),
            (
                second,
                "That is the mirrored view alone. The images as they are count, too.",
            ),
            (
                both(turn=(...,)),
                "Both views are the same. `x[..., ::-1]` turns the columns round.",
            ),
        ],
        [
            "`cnnlib.softmax(network(x))` are the probabilities of one view.",
            "`x[..., ::-1]` has the columns from last to first.",
        ],
        seen,
    ),
}
