"""Exercises of the chapter "Normalization"."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try

NAMES = {
    "batch": "BatchNorm2d",
    "layer": "LayerNorm of whole images",
    "group": "GroupNorm",
    "instance": "InstanceNorm2d",
}


def counted_means(rng: np.random.Generator) -> Any:
    """A question: over how many numbers a mean is taken, or how many means there are."""
    from cnnlib.widgets import Question

    n, side = (int(one) for one in rng.choice([2, 3, 4, 5, 7, 8], 2, replace=False))
    groups, of_each = (int(one) for one in rng.choice([2, 3, 4, 5], 2, replace=False))
    channels, kind = groups * of_each, str(rng.choice(list(NAMES)))
    means = {"batch": channels, "layer": n, "group": n * groups, "instance": n * channels}
    size = n * channels * side**2
    over = bool(rng.integers(0, 2))
    asked = {name: size // count if over else count for name, count in means.items()}
    in_groups = f" in {groups} groups" if kind == "group" else ""
    question = "Over how many numbers is each mean taken" if over else "How many means are there"
    other = means[kind] if over else size // means[kind]
    return Question(
        f"{NAMES[kind]}{in_groups}, on an array of shape ({n}, {channels}, {side}, {side}). "
        f"{question}?",
        asked[kind],
        [
            *[
                (asked[name], f"That is so for {NAMES[name]}.")
                for name in NAMES
                if name != kind and asked[name] != asked[kind]
            ],
            *(
                [(other, "You have taken the number of means for the numbers in each.")]
                if over
                else [(other, "You have taken the numbers in each mean for how many there are.")]
            ),
        ],
        steps=[
            f"There are {means[kind]} means: the array has {size:,} numbers in all.",
            f"{size:,}/{means[kind]} = {size // means[kind]:,} numbers are in each.",
        ],
    )


def grouped(
    neighbors: bool = True, root: bool = True, eps: float = 1e-5, ddof: int = 0,
    scale: bool = True,
) -> Callable:  # fmt: skip
    """Group normalization, with what a mistake changes.

    neighbors: whether a group's channels lie side by side. root: whether it divides by the
    deviation. ddof: what the sum of the squares is divided by, less than there are numbers. scale:
    whether there are a scale and a shift.
    """

    def group_norm(
        x: np.ndarray, num_groups: int, weight: np.ndarray, bias: np.ndarray
    ) -> np.ndarray:
        channels = x.shape[1]
        order = np.arange(channels)
        if not neighbors:
            order = order.reshape(-1, num_groups).T.ravel()
        rows = x[:, order].reshape(len(x), num_groups, -1)
        variance = rows.var(2, keepdims=True, ddof=ddof) + eps
        rows = (rows - rows.mean(2, keepdims=True)) / (np.sqrt(variance) if root else variance)
        y = rows.reshape(x.shape)[:, np.argsort(order)]
        column = (channels,) + (1,) * (x.ndim - 2)
        return y * weight.reshape(column) + bias.reshape(column) if scale else y

    return group_norm


def over_the_batch(
    x: np.ndarray, num_groups: int, weight: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """The same with the numbers of all images in one mean."""
    parts = x.swapaxes(0, 1).reshape(1, x.shape[1], len(x), *x.shape[2:])
    y = grouped()(parts, num_groups, weight, bias)
    return y[0].swapaxes(0, 1)


def arrays(rng: np.random.Generator) -> list[Try]:
    """Arrays (N, C, ...), groups, a scale and a shift."""
    return [
        (rng.normal(2, 3, (n, c, *sides)), groups, *rng.normal(size=(2, c)))
        for n, c, groups, sides in [(2, 4, 2, (1, 3)), (3, 6, 2, (2, 3)), (2, 6, 3, (5,))]
    ]


EXERCISES = {
    "normalization-means": Drawn(counted_means),
    "normalization-group": Exercise(
        "group_norm",
        grouped(),
        arrays,
        [
            (
                over_the_batch,
                "Your mean is taken over all images. A group is a part of one image.",
            ),
            (
                grouped(neighbors=False),
                "Your groups take every second or third channel. The channels of a group are "
                "neighbors.",
            ),
            (grouped(root=False), "You divide by the variance. Take its root first."),
            (
                grouped(ddof=1),
                "Your variance is divided by one less than there are numbers. Here it is divided "
                "by all.",
            ),
            (grouped(eps=0), "The root is taken of the variance plus 0.00001."),
            (grouped(scale=False), "The scale and the shift of each channel are still missing."),
            (
                lambda x, num_groups, weight, bias: grouped()(x, 1, weight, bias),
                "You have normalized each image as a whole: the groups are missing.",
            ),
        ],
        [
            "Bring x into the shape (N, num_groups, -1): then a group is a row.",
            "Normalize over the last axis, with keepdims=True, and bring the result back into the "
            "shape of x.",
            "weight and bias meet the channels in the shape (C, 1, 1), with a 1 for each axis "
            "behind the channels.",
        ],
    ),
}
