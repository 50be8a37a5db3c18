"""Exercises of the chapter "Pooling"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_windows(rng: np.random.Generator) -> Any:
    """A map of 4×4, pooled by windows of 3 that overlap."""
    from cnnlib.widgets import Question

    numbers = rng.integers(-9, 10, (4, 4)).astype(float)
    answer = cnnlib.max_pool2d(numbers[None], 3, stride=1)[0]
    first = numbers[:3, :3]
    slips = [
        (cnnlib.max_pool2d(numbers[None], 2)[0], "Those are windows of 2 with stride 2."),
        (-cnnlib.max_pool2d(-numbers[None], 3, stride=1)[0], "Those are the smallest."),
        (cnnlib.max_pool2d(np.abs(numbers)[None], 3, stride=1)[0], "Minus signs were lost."),
        (answer.T, "Rows and columns are exchanged."),
        (np.full((2, 2), numbers.max()), "That is the largest number of the whole map."),
    ]
    return Question(
        f"Max pooling with a window of 3 and a stride of 1 of `{numbers.astype(int).tolist()}`?",
        answer,
        [slip for slip in slips if not np.array_equal(slip[0], answer)],
        steps=[
            "There are 2·2 = 4 windows, which begin in rows 0 and 1 and in columns 0 and 1.",
            f"The first holds {', '.join(f'{n:g}' for n in first.flat)}: {answer[0, 0]:g}.",
        ],
    )


def halved(x: np.ndarray) -> np.ndarray:
    """The largest of each window of 2×2: (N, C, H, W) to (N, C, H // 2, W // 2)."""
    return cnnlib.max_pool2d(x, 2)


def batches(rng: np.random.Generator) -> list[Try]:
    """Batches with and without a row or column left over; some maps are all negative."""
    shapes = [(1, 1, 2, 4), (2, 3, 4, 6), (3, 2, 5, 7)]
    return [(rng.integers(-40, 20, shape) / 2 - 9,) for shape in shapes]


def no_smaller_than_zero(x: np.ndarray) -> np.ndarray:
    """The largest of each window and 0, at which an array of zeros begins."""
    return np.maximum(halved(x), 0)


def pooled(x: np.ndarray, k: int) -> np.ndarray:
    """The largest of each window of k×k of a map (H, W)."""
    return cnnlib.max_pool2d(x[None], k)[0]


def smallest(x: np.ndarray, k: int) -> np.ndarray:
    """The smallest of each window of k×k of a map (H, W)."""
    return -pooled(-x, k)


def mixed_axes(x: np.ndarray, k: int) -> np.ndarray:
    """The maximum over k of the groups in place of the numbers in a group."""
    rows, columns = x.shape
    return x.reshape(k, rows // k, k, columns // k).max(axis=(0, 2))


def single(rng: np.random.Generator) -> list[Try]:
    """Maps whose sides are multiples of the window."""
    shapes = [((2, 4), 2), ((6, 9), 3), ((4, 12), 4), ((6, 4), 2)]
    return [(rng.integers(-40, 20, shape) / 2 - 5, k) for shape, k in shapes]


BLUR = np.outer([1.0, 2, 1], [1, 2, 1]) / 16


def blurred(maps: np.ndarray, blur: np.ndarray = BLUR, **options: int) -> np.ndarray:
    """The maps (N, 1, H, W): largest of each 2×2 at stride 1, blurred, every second kept."""
    options = {"stride": 2, "padding": 1} | options
    return cnnlib.conv2d(cnnlib.max_pool2d(maps, 2, stride=1), blur[None, None], **options)


def gray_maps(rng: np.random.Generator) -> list[Try]:
    """Batches of one channel."""
    return [(rng.integers(-9, 10, shape) / 2,) for shape in [(1, 1, 4, 5), (2, 1, 7, 8)]]


EXERCISES = {
    "pooling-hand": Drawn(draw_windows),
    "pooling-own": Exercise(
        "my_max_pool",
        halved,
        batches,
        [
            (
                no_smaller_than_zero,
                "Windows of negative numbers give 0, because the array began with zeros. Write the "
                "maximum into it, and do not compare with what was there.",
            ),
            (
                lambda x: cnnlib.avg_pool2d(x, 2),
                "Those are the means. The largest number of each window is asked for.",
            ),
            (
                lambda x: -cnnlib.max_pool2d(-x, 2),
                "Those are the smallest numbers. The largest ones are asked for.",
            ),
            (
                lambda x: cnnlib.max_pool2d(x, 2, stride=1),
                "The windows overlap. Window i begins in row 2·i.",
            ),
            (
                lambda x: cnnlib.max_pool2d(x, 2, ceil_mode=True),
                "Half windows at the edge count, too. Leave a row or column that is left over out.",
            ),
            (
                lambda x: halved(x).max(axis=1, keepdims=True),
                "The largest of all channels was taken. Each channel is pooled for itself.",
            ),
            (
                lambda x: x[:, :, : x.shape[2] // 2 * 2 : 2, : x.shape[3] // 2 * 2 : 2],
                "You kept the first number of each window, not the largest.",
            ),
        ],
        [
            "The output has the shape (N, C, H // 2, W // 2). Its number at (i, j) comes from the "
            "rows 2·i and 2·i + 1, and the columns 2·j and 2·j + 1.",
            "`x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]` is this window, in all images and "
            "channels at once.",
            "`window.max(axis=(2, 3))` is its largest number, for each image and channel.",
        ],
    ),
    "pooling-reshape": Exercise(
        "my_max_pool2d",
        pooled,
        single,
        [
            (
                mixed_axes,
                "Your axes are in the wrong order: the number of windows comes first, and then k, "
                "for rows and for columns.",
            ),
            (
                lambda x, k: x.reshape(len(x) // k, k, -1, k).max(axis=(0, 2)),
                "The maximum runs over the windows. Take it over the two axes inside them, 1 "
                "and 3.",
            ),
            (
                lambda x, k: x.reshape(len(x) // k, k, -1, k).mean(axis=(1, 3)),
                "Those are the means. Max pooling takes the largest number.",
            ),
            (
                lambda x, k: x.reshape(-1, k, k).max(axis=(1, 2)).reshape(len(x) // k, -1),
                "Your windows are pieces of rows. Cut rows and columns each into two axes.",
            ),
        ],
        [
            "A map of 6×9 with k = 3 has 2 windows from top to bottom and 3 from left to right.",
            "The four axes are: window from top to bottom, row in it, window from left to right, "
            "column in it.",
            "`x.reshape(H // k, k, W // k, k)`, then `max` over the axes 1 and 3.",
        ],
    ),
    "pooling-min": Exercise(
        "min_pool",
        smallest,
        single,
        [
            (
                pooled,
                "Those are the largest numbers.",
            ),
            (
                lambda x, k: -pooled(x, k),
                "That is minus the largest. Turn the signs before the pooling as well.",
            ),
            (
                lambda x, k: pooled(-x, k),
                "You pooled the negatives. Now turn the sign back.",
            ),
        ],
        [
            "Which number of a window is the largest, when all its signs are turned?",
            "Turn the signs of x, pool, and turn the signs back.",
        ],
    ),
    "pooling-blur": Exercise(
        "blur_pool",
        blurred,
        gray_maps,
        [
            (
                lambda maps: blurred(maps, stride=1),
                "Every number was kept. Take every second one, with a stride of 2 in the blur.",
            ),
            (
                lambda maps: blurred(maps, padding=0),
                "The blur lost the rim. Give it a padding of 1.",
            ),
            (
                lambda maps: blurred(maps, 16 * BLUR),
                "The blur makes all numbers larger. Divide its weights by their sum, 16.",
            ),
            (
                lambda maps: blurred(maps, np.full((3, 3), 1 / 9)),
                "Your blur weighs all nine alike. Its weights are 1, 2, 1 in both directions: "
                "`np.outer([1, 2, 1], [1, 2, 1])`.",
            ),
            (
                lambda maps: cnnlib.conv2d(cnnlib.max_pool2d(maps, 2), BLUR[None, None], padding=1),
                "The pooling had a stride of 2. It takes the maximum at every place, with a stride "
                "of 1; the blur is the one that skips.",
            ),
            (
                lambda maps: cnnlib.max_pool2d(maps, 2, stride=1)[:, :, ::2, ::2],
                "There is no blur between the maximum and the skipping.",
            ),
        ],
        [
            "`cnnlib.max_pool2d(maps, 2, stride=1)` is the first step.",
            "The blur is `cnnlib.conv2d` with a 3×3 kernel, the outer product of 1, 2, 1 with "
            "itself, divided by 16.",
            "A stride of 2 in this convolution takes every second number. A padding of 1 keeps "
            "the rim.",
        ],
    ),
}
