"""Exercises of the chapter "Why convolution"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_place(rng: np.random.Generator) -> Any:
    """Where a pixel stands in the flattened image."""
    from cnnlib.widgets import Question

    rows, columns = (int(n) for n in rng.choice(range(4, 12), 2, replace=False))
    i = int(rng.integers(1, rows))
    j = int(rng.choice([n for n in range(columns) if n != i]))
    place = i * columns + j
    slips = [
        (j * rows + i, "That counts column by column. An image is flattened row by row."),
        (i * rows + j, "A full row has as many pixels as there are columns."),
        (place + 1, "Places are counted from 0."),
        ((i - 1) * columns + j, f"Rows are counted from 0: {i} full rows come before row {i}."),
    ]
    return Question(
        f"An image of {rows} rows and {columns} columns is flattened. At which place of the list "
        f"stands the pixel in row {i}, column {j}? (Everything is counted from 0.)",
        place,
        [slip for slip in slips if slip[0] != place],
        steps=[
            f"Before row {i} there are {i} full rows of {columns} pixels.",
            f"{i}·{columns} + {j} = {place}.",
        ],
    )


def draw_ratio(rng: np.random.Generator) -> Any:
    """The parameters of a dense layer that could do what a convolution does."""
    from cnnlib.widgets import Question

    size, maps, kernel = (int(rng.choice(n)) for n in ([8, 10, 12, 16], [2, 4, 5, 8], [3, 5]))
    inputs, side = size * size, size - kernel + 1
    outputs = maps * side * side
    return Question(
        f"A layer turns a gray image of {size}×{size} into {maps} maps of {side}×{side}. How many "
        "parameters has a dense layer that does it, with its biases?",
        outputs * (inputs + 1),
        [
            (outputs * inputs, "The biases are missing: one for each output."),
            (
                maps * (kernel * kernel + 1),
                f"That is a convolution with {kernel}×{kernel} filters. A dense layer has a weight "
                "for each pixel and each output.",
            ),
            (side * side * (inputs + 1), f"That is one map. There are {maps}."),
            (maps * (inputs + 1), "A map has many outputs, and each has weights of its own."),
        ],
        steps=[
            f"There are {size}·{size} = {inputs} inputs and {maps}·{side}·{side} = {outputs} "
            "outputs.",
            f"Each output has {inputs} weights and a bias: {outputs}·{inputs} + {outputs} = "
            f"{outputs * (inputs + 1)}.",
        ],
    )


def circular(x: np.ndarray, weight: np.ndarray, **how: Any) -> np.ndarray:
    """The maps of x, padded by wrapping round."""
    sizes = how.pop("sizes", weight.shape[2:])
    sides = [(0, 0), (0, 0), *((size // 2, size // 2) for size in sizes)]
    return cnnlib.conv2d(np.pad(x, sides, **({"mode": "wrap"} | how)), weight)


def wrapped_behind(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """All of the padding on the far side."""
    sides = [(0, 0), (0, 0), *((0, size - 1) for size in weight.shape[2:])]
    return cnnlib.conv2d(np.pad(x, sides, mode="wrap"), weight)


def tries(rng: np.random.Generator) -> list[Try]:
    """Images and odd kernels, neither square."""
    shapes = [
        ((1, 1, 3, 4), (1, 1, 1, 3)),
        ((2, 3, 7, 5), (4, 3, 3, 5)),
        ((1, 2, 6, 8), (3, 2, 5, 3)),
    ]
    return [(rng.normal(size=x), rng.normal(size=weight)) for x, weight in shapes]


EXERCISES = {
    "why-index": Drawn(draw_place),
    "why-count": Drawn(draw_ratio),
    "why-wrap": Exercise(
        "circular_conv2d",
        circular,
        tries,
        [
            (
                lambda x, weight: cnnlib.conv2d(x, weight, padding="same"),
                "Zeros were put around the image. Put its other side there.",
            ),
            (
                lambda x, weight: circular(x, weight, mode="edge"),
                "The edge was repeated. Wrapping round puts the other side of the image there.",
            ),
            (
                lambda x, weight: circular(x, weight, mode="reflect"),
                "The image was mirrored at its edge. Wrapping round puts its other side there.",
            ),
            (
                cnnlib.conv2d,
                "Nothing was padded: the map is smaller than the image.",
            ),
            (
                wrapped_behind,
                "All of the padding stands below and to the right. Put half of k − 1 on each side.",
            ),
            (
                lambda x, weight: circular(x, weight, sizes=[weight.shape[3]] * 2)[
                    :, :, : x.shape[2], : x.shape[3]
                ],
                "Rows and columns have the same padding. The kernel is not square: count each for "
                "itself.",
            ),
        ],
        [
            "How many rows must stand above and below, so that the map keeps its size? It is half "
            "of k − 1.",
            '`np.pad(x, sides, mode="wrap")` takes a pair (before, after) for each of the four '
            "axes.",
            "The first two axes get (0, 0). Then `cnnlib.conv2d` does the rest.",
        ],
    ),
}
