"""Exercises of the chapter "Stride, padding, dilation"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_chain(rng: np.random.Generator) -> Any:
    """The size after two convolutions, each with a pooling behind it."""
    from cnnlib.widgets import Question

    size, kernel = int(rng.integers(24, 65)), int(rng.choice([3, 5, 7]))
    stack = [(kernel, 1), (2, 2)] * 2
    sizes = [size]
    for k, s in stack:
        sizes.append(cnnlib.conv_output_size(sizes[-1], k, s))
    up = size
    for k, s in stack:
        up = -(-(up - k) // s) + 1
    slips = [
        (size // 4, f"Each kernel of {kernel} costs {kernel - 1} rows as well."),
        (((size - kernel) // 2 - kernel) // 2, "A kernel finds n − k + 1 places, not n − k."),
        (sizes[-2], "The last window of 2 is missing."),
        (up, "Round down: a window that does not fit is skipped."),
    ]
    return Question(
        f"{size} rows pass a kernel of {kernel} with stride 1 and no padding, then a window of 2 "
        "with stride 2, then both once more. How many rows are left?",
        sizes[-1],
        [slip for slip in slips if slip[0] != sizes[-1]],
        steps=[
            f"The kernel leaves {size} − {kernel} + 1 = {sizes[1]} rows, the window half of them, "
            f"rounded down: {sizes[2]}.",
            f"Then {sizes[2]} − {kernel} + 1 = {sizes[3]}, and the half, rounded down, is "
            f"{sizes[4]}.",
        ],
    )


def draw_strides(rng: np.random.Generator) -> Any:
    """The largest stride below n − k at which nothing is left over."""
    from cnnlib.widgets import Question

    n, k = int(rng.integers(12, 40)), int(rng.integers(2, 6))
    fit = [s for s in range(1, n - k + 1) if (n - k) % s == 0]
    slips = [
        (sum(n % s == 0 for s in range(1, n + 1)), "The first window stands already: take n − k."),
        (
            sum((n - k + 1) % s == 0 for s in range(1, n - k + 2)),
            "That many divide the number of windows, n − k + 1. Take n − k.",
        ),
        (len(fit) - 1, "Stride 1 and the stride n − k count, too."),
        (len(fit) - 2, "Stride 1 and the stride n − k count, too."),
    ]
    return Question(
        f"{n} pixels, a kernel of {k}, no padding. At how many strides, from 1 to {n - k}, is no "
        "pixel left over?",
        len(fit),
        [slip for slip in slips if slip[0] != len(fit)],
        steps=[
            f"The first window can be pushed by {n} − {k} = {n - k}. Nothing is left over when the "
            "stride divides that.",
            f"The strides {', '.join(map(str, fit))} do: {len(fit)}.",
        ],
    )


def size_tries(rng: np.random.Generator) -> list[Try]:
    """Sizes with and without a rest."""
    return [(6, 3, 1, 0, 1), (7, 3, 2, 1, 1), (10, 3, 4, 0, 2), (8, 3, 5, 2, 3), (9, 2, 3, 1, 2)]


def full(x: np.ndarray, weight: np.ndarray, dilation: int = 1) -> np.ndarray:
    """The maps with so many zeros that each weight meets each pixel."""
    padding = tuple(dilation * (size - 1) for size in weight.shape[2:])
    return cnnlib.conv2d(x, weight, padding=padding, dilation=dilation)


def padded(x: np.ndarray, weight: np.ndarray, dilation: int, *padding: int) -> np.ndarray:
    """The maps with this padding of rows and columns."""
    return cnnlib.conv2d(x, weight, padding=padding, dilation=dilation)


def full_tries(rng: np.random.Generator) -> list[Try]:
    """Images and kernels, with dilation 1, 2 and 3."""
    shapes = [((1, 1, 4, 5), (1, 1, 2, 3), 1), ((2, 3, 6, 7), (4, 3, 3, 2), 2)]
    shapes += [((1, 2, 3, 8), (3, 2, 2, 4), 3)]
    return [(rng.normal(size=x), rng.normal(size=weight), d) for x, weight, d in shapes]


EXERCISES = {
    "shapes-chain": Drawn(draw_chain),
    "shapes-strides": Drawn(draw_strides),
    "shapes-own": Exercise(
        "my_output_size",
        cnnlib.conv_output_size,
        size_tries,
        [
            (
                lambda n, k, stride, padding, dilation: (
                    (n + 2 * padding - dilation * (k - 1) - 1) // stride
                ),
                "One is missing: a window stands there before the first step. Add 1 at the end.",
            ),
            (
                lambda n, k, stride, padding, dilation: (
                    (n + 2 * padding - dilation * (k - 1) - 1) / stride + 1
                ),
                "A part of a window is no window. `//` divides and rounds down.",
            ),
            (
                lambda n, k, stride, padding, dilation: (
                    -(-(n + 2 * padding - dilation * (k - 1) - 1) // stride) + 1
                ),
                "You rounded up. A window that does not fit is skipped: round down.",
            ),
            (
                lambda n, k, stride, padding, dilation: (
                    (n + padding - dilation * (k - 1) - 1) // stride + 1
                ),
                "The padding stands on both sides: add it twice.",
            ),
            (
                lambda n, k, stride, padding, dilation: (n + 2 * padding - k) // stride + 1,
                "The dilation is missing: the kernel spans dilation·(k − 1) + 1 pixels.",
            ),
            (
                lambda n, k, stride, padding, dilation: (
                    (n + 2 * padding - dilation * k) // stride + 1
                ),
                "The kernel spans dilation·(k − 1) + 1 pixels, not dilation·k: between k weights "
                "there are k − 1 steps.",
            ),
        ],
        [
            "How many pixels has the row with its zeros, and how many does the kernel span?",
            "The difference of the two is how far the first window can be pushed. How many whole "
            "strides are in it?",
            "One window stands there before the first stride: add 1.",
        ],
    ),
    "shapes-full": Exercise(
        "full_conv2d",
        full,
        full_tries,
        [
            (
                lambda x, weight, dilation: padded(
                    x, weight, dilation, *(size - 1 for size in weight.shape[2:])
                ),
                "The padding does not know the dilation. The kernel spans dilation·(k − 1) + 1 "
                "pixels, and all but one of them may stand outside.",
            ),
            (
                lambda x, weight, dilation: padded(
                    x, weight, dilation, *(dilation * size for size in weight.shape[2:])
                ),
                "The outermost windows see nothing but zeros: one row of padding less on each "
                "side is enough.",
            ),
            (
                lambda x, weight, dilation: padded(
                    x, weight, dilation, *(dilation * (size - 1) for size in weight.shape[:1:-1])
                ),
                "Rows and columns of the padding are exchanged.",
            ),
            (
                lambda x, weight, dilation: padded(
                    x, weight, dilation, *[dilation * (weight.shape[2] - 1)] * 2
                ),
                "Rows and columns have the same padding. The kernel is not square: count each for "
                "itself.",
            ),
            (
                lambda x, weight, dilation: padded(
                    x, weight, dilation, *(dilation * (size // 2) for size in weight.shape[2:])
                ),
                "Half a kernel of zeros keeps the size. For “full”, all of the kernel but one row "
                "stands outside.",
            ),
        ],
        [
            "The first window has a single pixel of the image in it. How many rows of it stand "
            "outside?",
            "A kernel of k rows spans dilation·(k − 1) + 1 of them. Give `cnnlib.conv2d` the "
            "padding (rows, columns), and the dilation.",
        ],
    ),
}
