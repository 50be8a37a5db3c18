"""Exercises of the chapter "Convolution"."""

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Exercise, Try


def right(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The map (H - h + 1, W - w + 1) of an image (H, W) and a kernel (h, w)."""
    return cnnlib.conv2d(image[None].astype(float), kernel[None, None].astype(float))[0]


def sums(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The map with all weights 1."""
    return right(image, np.ones_like(kernel))


def padded(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The map of the image with zeros around it."""
    return right(np.pad(image, [(size // 2, size // 2) for size in kernel.shape]), kernel)


def tries(rng: np.random.Generator) -> list[Try]:
    """Images and kernels, none of them square."""
    shapes = [((3, 4), (2, 3)), ((5, 7), (2, 4)), ((9, 6), (4, 3))]
    return [
        (rng.integers(-9, 10, image) / 2, rng.integers(-9, 10, kernel) / 2)
        for image, kernel in shapes
    ]


EXERCISES = {
    "convolution-by-hand": Exercise(
        "my_conv2d",
        right,
        tries,
        [
            (
                lambda image, kernel: right(image, kernel[::-1, ::-1]),
                "You turned the kernel by 180°. That is the convolution of mathematics; networks "
                "do not turn it.",
            ),
            (
                lambda image, kernel: right(image, kernel)[:-1, :-1],
                "The last row and the last column are missing: there are n − k + 1 places, not "
                "n − k.",
            ),
            (padded, "You put zeros around the image. Only windows that lie in it are asked for."),
            (
                lambda image, kernel: right(image, kernel) / kernel.size,
                "You took the mean of the products. A convolution takes their sum.",
            ),
            (sums, "You added up the pixels of the window. Multiply each by its weight first."),
            (
                lambda image, kernel: np.trunc(right(image, kernel)),
                "Your sums are cut to whole numbers: the array they are written to is one of "
                "integers.",
            ),
            (
                lambda image, kernel: right(image, kernel).T,
                "Rows and columns of your map are exchanged.",
            ),
        ],
        [
            "A kernel of h rows finds H − h + 1 places from top to bottom. Count the columns for "
            "themselves.",
            "`np.ndindex(rows, columns)` goes through all places (i, j).",
            "The window at (i, j) is `image[i : i + h, j : j + w]`. Multiply it by the kernel, and "
            "add up.",
        ],
    ),
}
