"""Exercises of the chapter "Convolution"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try, products


def draw_place(rng: np.random.Generator) -> Any:
    """One number of a feature map."""
    from cnnlib.widgets import Question

    image, kernel = rng.integers(0, 10, (4, 5)), rng.integers(-2, 3, (2, 3))
    bias = int(rng.integers(1, 5))
    i, j = (int(n) for n in rng.permutation(3)[:2])
    sums = right(image, kernel).astype(int)
    window, total = image[i : i + 2, j : j + 3], int(sums[i, j])
    return Question(
        f"Image `{image.tolist()}`, kernel `{kernel.tolist()}`, bias {bias}. Which number stands "
        f"in row {i}, column {j} of the feature map? (Both are counted from 0.)",
        total + bias,
        [
            (total, "That is the sum of the products. The bias is missing."),
            (int(sums[j, i]) + bias, "That is another place: the row comes first."),
            (
                int((window * kernel[::-1, ::-1]).sum()) + bias,
                "You turned the kernel by 180°.",
            ),
            (int(window.sum()) + bias, "Multiply each pixel by its weight first."),
        ],
        steps=[
            f"The window begins in row {i}, column {j} of the image: `{window.tolist()}`.",
            f"{products(window, kernel)} + {bias} = {total + bias}.",
        ],
    )


def draw_move(rng: np.random.Generator) -> Any:
    """The kernel that moves a picture by one pixel."""
    from cnnlib.widgets import Question

    down, across = [(i, j) for i, j in np.ndindex(3, 3) if (i, j) != (1, 1)][rng.integers(8)]
    words = [["up", "", "down"][down], ["to the left", "", "to the right"][across]]
    kernel = np.zeros((3, 3), int)
    kernel[2 - down, 2 - across] = 1
    mistakes = [
        (kernel[::-1, ::-1], "That moves the picture the other way."),
        (np.eye(3, dtype=int)[1] * np.eye(3, dtype=int)[1][:, None], "That moves nothing."),
    ]
    if down != across:
        mistakes.append((kernel.T, "Rows and columns are exchanged."))
    where = [["upper", "middle", "lower"][2 - down], ["left", "middle", "right"][2 - across]]
    return Question(
        f"Which 3×3 kernel moves a picture one pixel {' and '.join(filter(None, words))}?",
        kernel,
        mistakes,
        steps=[
            "Each new pixel is one old pixel, so one weight is 1 and all others are 0.",
            "The old pixel lies on the side that the picture comes from. From the center of the "
            f"window, it is in the {where[0]} row and the {where[1]} column.",
        ],
    )


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
    "convolution-corner": Drawn(draw_place),
    "convolution-shift": Drawn(draw_move, 6),
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
