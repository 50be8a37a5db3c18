"""Exercises of the chapter "Backward, in general"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def used_twice(rng: np.random.Generator) -> Any:
    """A question: both gradients of a·b + a."""
    from cnnlib.widgets import Question

    a, b = rng.choice([-4, -3, -2, 2, 3, 4, 5, 6], 2, replace=False)
    g = int(rng.choice([2, 3, 5]))
    right = np.array([[g * (b + 1), g * a]])
    return Question(
        f"c = a·b + a, where a is {a} and b is {b}. The gradient of c is {g}. What are the "
        "gradients of a and b?",
        right,
        [
            (np.array([[g * b, g * a]]), "a is used twice. Its two gradients add up."),
            (np.array([[g, g * a]]), "a is used twice, and the product sends it a gradient, too."),
            (right[:, ::-1], "First that of a, then that of b."),
            (right / g, f"That is how fast c moves. The loss moves {g} times as fast as c."),
            (
                np.array([[g * (a + 1), g * b]]),
                "A product sends each factor the other factor times its gradient.",
            ),
        ],
        steps=[
            "A sum copies its gradient, a product swaps its factors, and a number that is used "
            "twice adds up what comes back.",
            f"a: {g}·({b}) + {g} = {right[0, 0]}, and b: {g}·({a}) = {right[0, 1]}.",
        ],
    )


def matrix_of(kernel: np.ndarray, rows: int, columns: int, stride: int) -> np.ndarray:
    """The matrix of a convolution, (map, pixels): a column for the map of each pixel alone."""
    pixels = np.eye(rows * columns).reshape(-1, 1, rows, columns)
    maps = cnnlib.conv2d(pixels, kernel[None, None], stride=stride)
    return maps.reshape(rows * columns, -1).T


def down_the_columns(kernel: np.ndarray, rows: int, columns: int, stride: int) -> np.ndarray:
    """The matrix with the pixels counted column by column."""
    right = matrix_of(kernel, rows, columns, stride)
    return right.reshape(-1, rows, columns).swapaxes(1, 2).reshape(right.shape)


def shapes_of_matrices(rng: np.random.Generator) -> list[Try]:
    """Kernels, the sizes of images, and strides."""
    return [
        (rng.integers(-9, 10, kernel) / 2, rows, columns, stride)
        for kernel, rows, columns, stride in [
            ((2, 2), 3, 4, 1),
            ((2, 3), 4, 6, 2),
            ((3, 2), 7, 5, 3),
        ]
    ]


def scaled(of_x: Callable, of_scale: Callable) -> Callable:
    """A scale_columns whose way back gives of_x(grad, x, scale) and of_scale(grad, x, scale)."""

    def scale_columns(x: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, Callable]:
        return x * scale, lambda grad: (of_x(grad, x, scale), of_scale(grad, x, scale))

    return scale_columns


def there_and_back(
    written: Callable, x: np.ndarray, scale: np.ndarray, grad: np.ndarray
) -> tuple[np.ndarray, ...] | None:
    """The output, and the two gradients; None where one of the two functions gives nothing."""
    pair = written(x, scale)
    gradients = None if pair is None else pair[1](grad)
    return None if gradients is None else (pair[0], *gradients)


def columns_and_scales(rng: np.random.Generator) -> list[Try]:
    """Arrays, a factor for each column, and gradients."""
    return [
        (
            rng.integers(-9, 10, (n, m)) / 2,
            rng.integers(-9, 10, m) / 2,
            rng.integers(-9, 10, (n, m)),
        )
        for n, m in [(2, 3), (4, 2)]
    ]


def dual(product: Callable, total: Callable = lambda a, b: a + b) -> type:
    """A class of numbers with slopes: product(a, b, da, db) and total(da, db) give the slopes."""

    class Dual:
        def __init__(self, value: float, slope: float) -> None:
            self.value, self.slope = value, slope

        def __add__(self, other: "Dual") -> "Dual":
            return Dual(self.value + other.value, total(self.slope, other.slope))

        def __mul__(self, other: "Dual") -> "Dual":
            slope = product(self.value, other.value, self.slope, other.slope)
            return Dual(self.value * other.value, slope)

    return Dual


def along(written: Callable, a: float, b: float) -> list[float] | None:
    """The value of a·a + b, then of (a·a + b)·a, with the slopes when a moves and when b moves.

    None where a method gives nothing.
    """
    results = []
    for first, second in ((1.0, 0.0), (0.0, 1.0)):
        x, y = written(a, first), written(b, second)
        square = x * x
        total = None if square is None else square + y
        if total is None:
            return None
        for result in (total, total * x):
            results += [result.value, result.slope]
    return results


EXERCISES = {
    "autograd-hand": Drawn(used_twice),
    "autograd-matrix": Exercise(
        "strided_matrix",
        matrix_of,
        shapes_of_matrices,
        [
            (
                lambda kernel, rows, columns, stride: matrix_of(kernel, rows, columns, 1),
                "The windows move by one pixel. They are to move by `stride`.",
            ),
            (
                lambda kernel, rows, columns, stride: matrix_of(
                    kernel[::-1, ::-1], rows, columns, stride
                ),
                "The kernel is turned. A network's convolution lays it down as it is.",
            ),
            (
                lambda kernel, rows, columns, stride: matrix_of(kernel, rows, columns, stride).T,
                "That is the transpose. A row belongs to a number of the map, a column to a pixel.",
            ),
            (
                down_the_columns,
                "The pixels are counted column by column. Count them row by row.",
            ),
            (
                lambda kernel, rows, columns, stride: (
                    matrix_of(kernel, rows, columns, stride) != 0
                ).astype(float),
                "The places are right. There the kernel's numbers are to stand, not ones.",
            ),
        ],
        [
            "Number the pixels: `np.arange(rows * columns).reshape(rows, columns)`. A window of "
            "this array says in which columns of the matrix the kernel goes.",
            "The map has `(rows - h) // stride + 1` rows. The window of its number (i, j) begins "
            "at the pixel `i * stride`, `j * stride`.",
            "`matrix[row, window.ravel()] = kernel.ravel()` fills one row.",
        ],
    ),
    "autograd-scale": Exercise(
        "scale_columns",
        scaled(lambda grad, x, scale: grad * scale, lambda grad, x, scale: (grad * x).sum(axis=0)),
        columns_and_scales,
        [
            (
                scaled(lambda grad, x, scale: grad * scale, lambda grad, x, scale: grad * x),
                "The gradient of `scale` has a row for each row of x. Each factor was copied into "
                "all rows, so its gradients add up.",
            ),
            (
                scaled(
                    lambda grad, x, scale: grad * scale,
                    lambda grad, x, scale: (grad * x).mean(axis=0),
                ),
                "You take the mean of what comes back to a factor. A copy's way back is the sum.",
            ),
            (
                scaled(lambda grad, x, scale: grad, lambda grad, x, scale: grad.sum(axis=0)),
                "That is the way back of a sum. A product sends each factor the other factor times "
                "the gradient.",
            ),
            (
                scaled(
                    lambda grad, x, scale: grad * scale, lambda grad, x, scale: grad.sum(axis=0)
                ),
                "The gradient of `scale` does not know x yet. A factor's gradient is multiplied by "
                "the other factor.",
            ),
            (
                scaled(
                    lambda grad, x, scale: grad * x,
                    lambda grad, x, scale: (grad * scale).sum(axis=0),
                ),
                "The factors are not swapped: x hears of `scale`, and `scale` of x.",
            ),
        ],
        [
            "Begin with the product: what does each factor get?",
            "`scale` is broadcast: each of its numbers is used in all rows. What is the way back "
            "of a copy?",
            "`grad * scale` for x, and `(grad * x).sum(axis=0)` for `scale`.",
        ],
        there_and_back,
    ),
    "autograd-dual": Exercise(
        "Dual",
        dual(lambda a, b, da, db: a * db + b * da),
        lambda rng: [(2.0, 3.0), (-1.5, 0.5)],
        [
            (
                dual(lambda a, b, da, db: da * db),
                "The slope of a product is not the product of the slopes. One factor moves while "
                "the other stays, and then the other way round.",
            ),
            (
                dual(lambda a, b, da, db: b * da),
                "Your product moves with its first factor alone. Add what the second one brings.",
            ),
            (
                dual(lambda a, b, da, db: a * da + b * db),
                "The factors are not swapped: the slope of the first is multiplied by the second.",
            ),
            (
                dual(lambda a, b, da, db: a * db + b * da, lambda da, db: da),
                "Your sum moves with its first number alone. Both slopes add up.",
            ),
        ],
        [
            "A sum moves by what its two numbers move.",
            "a·b moves by b times the slope of a, and by a times the slope of b.",
            "The slope of the product: `self.value * other.slope + other.value * self.slope`.",
        ],
        along,
    ),
}
