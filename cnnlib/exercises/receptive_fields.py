"""Exercises of the chapter "What a number really sees"."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_slopes(rng: np.random.Generator) -> Any:
    """The slopes of a number behind two kernels of three weights."""
    from cnnlib.widgets import Question

    first, second = (rng.integers(1, 5, 3) * rng.choice([-1, 1], 3) for _ in range(2))
    answer = np.convolve(first, second)
    a, b, c = (int(n) for n in first)
    d, e, f = (int(n) for n in second)
    slips = [
        (np.convolve(np.abs(first), np.abs(second)), "Minus signs were lost."),
        (answer[::-1], "The order is turned around: begin with the leftmost pixel."),
        (np.array([1, 2, 3, 2, 1]), "Those are the ways. Multiply the weights along each of them."),
        (
            np.array([a * d, 0, b * e, 0, c * f]),
            "Every number of the first map reads three pixels: most pixels are reached in several "
            "ways.",
        ),
    ]
    return Question(
        f"The first kernel is `{first.tolist()}`, the second `{second.tolist()}`. What are the "
        "slopes of a number behind both for its five pixels, from left to right?",
        [answer.tolist()],
        [([slip.tolist()], words) for slip, words in slips if not np.array_equal(slip, answer)],
        steps=[
            f"The leftmost pixel is reached in one way, by both first weights: {d}·({a}) = "
            f"{d * a}. The next one in two ways: {d}·({b}) + {e}·({a}) = {d * b + e * a}.",
            f"The middle one in three: {d}·({c}) + {e}·({b}) + {f}·({a}) = "
            f"{d * c + e * b + f * a}. All five: {', '.join(map(str, answer.tolist()))}.",
        ],
    )


def ways(kernel_sizes: Sequence[int]) -> np.ndarray:
    """The number of ways to each pixel of a row, through kernels of these sizes."""
    row = np.ones(1, int)
    for size in kernel_sizes:
        row = np.convolve(row, np.ones(size, int))
    return row


def stacks(rng: np.random.Generator) -> list[Try]:
    """Kernels of several sizes, some of them even."""
    return [([3, 3],), ([5, 3],), ([2, 3, 4],), (rng.integers(2, 6, 4).tolist(),)]


def shortcuts(blocks: int, block: Sequence[int] = (1, 2, 1)) -> np.ndarray:
    """The number of ways through blocks that add what comes in to what a kernel of 3 makes of it.

    block: the ways through a single one.
    """
    row = np.ones(1, int)
    for _ in range(blocks):
        row = np.convolve(row, block)
    return row


EXERCISES = {
    "receptive-fields-hand": Drawn(draw_slopes),
    "receptive-fields-ways": Exercise(
        "ways",
        ways,
        stacks,
        [
            (
                lambda sizes: ways([3] * len(sizes)),
                "All kernels were taken to have three weights. Their sizes are in `kernel_sizes`.",
            ),
            (
                lambda sizes: np.ones(len(ways(sizes)), int),
                "Your row is as long as it should be, but the ways are not counted: several lead "
                "to the middle.",
            ),
            (
                lambda sizes: ways(sizes) / ways(sizes).sum(),
                "Those are shares of all ways. Leave the counts as they are.",
            ),
            (
                lambda sizes: np.convolve(ways(sizes[:-1]), np.ones(sizes[-1]), "same"),
                "The row lost its ends: with every layer it grows by the kernel's size less one. "
                "`np.convolve` without `same` keeps them.",
            ),
            (
                lambda sizes: len(ways(sizes)),
                "That is how many pixels there are. Count the ways to each.",
            ),
        ],
        [
            "Begin with a row of a single 1: the number itself.",
            "Each layer replaces the row by sums of neighbors, as many as its kernel has weights.",
            "`np.convolve(row, np.ones(size, int))` is one layer.",
        ],
    ),
    "receptive-fields-shortcuts": Exercise(
        "shortcut_ways",
        shortcuts,
        lambda rng: [(1,), (2,), (3,), (int(rng.integers(4, 7)),)],
        [
            (
                lambda blocks: shortcuts(blocks, (1, 1, 1)),
                "Those are the ways without shortcuts. Each block can also be left out: one way "
                "more, to the same place.",
            ),
            (
                lambda blocks: 2 * shortcuts(blocks, (1, 1, 1)),
                "The shortcut does not double every way. It adds one, and that one moves nowhere.",
            ),
            (
                lambda blocks: shortcuts(blocks, (0, 2, 0)),
                "Your ways stay where they are. Inside the block they also go to the neighbors.",
            ),
            (
                lambda blocks: shortcuts(blocks, (2, 1, 2)),
                "The way around a block leads to the same place, not to the neighbors.",
            ),
            (
                lambda blocks: shortcuts(blocks, (1, 1, 1)) + np.eye(1, 2 * blocks + 1, blocks)[0],
                "You added one way around all blocks. Each block has a way around of its own.",
            ),
        ],
        [
            "Through one block: how many ways lead to the left, to the same place, to the right?",
            "Inside the block there is one each, and around it one more to the same place.",
            "So a block is `np.convolve(row, [1, 2, 1])`.",
        ],
    ),
}
