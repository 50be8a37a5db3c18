"""Exercises of the chapter "The noise of a batch"."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def how_far_off(rng: np.random.Generator) -> Any:
    """A question: the mean square distance of batches of two from the whole gradient."""
    from cnnlib.widgets import Question

    off = rng.permutation([[3, -3, 1, -1], [5, -5, 3, -3], [4, -4, 2, -2]][rng.integers(3)])
    whole, size = int(rng.integers(2, 7)), 2
    square = float(np.mean(off**2))
    right = square / size * (4 - size) / 3
    return Question(
        f"Four images have the gradients `{(whole + off).tolist()}` for one weight. What is the "
        "mean square distance of the six batches of two from the whole gradient? (two decimals)",
        right,
        [
            (
                square / 2,
                "That is for images that may be drawn twice. Multiply by (N − n)/(N − 1).",
            ),
            (square, "That is the mean square distance of single images."),
            (right**0.5, "The square was asked for, not its root."),
            (square / 4 * 2 / 3, "A batch of two divides the mean square by 2, not by 4."),
        ],
        steps=[
            f"The whole gradient is {whole}, and the four are off by `{off.tolist()}`: the mean "
            f"square is {square:g}.",
            f"{square:g}/2·(4 − 2)/(4 − 1) = {right:.2f}.",
        ],
    )


def noise_scale(
    noise: Callable = lambda off: (off**2).sum(axis=1).mean(),
    signal: Callable = lambda whole: whole @ whole,
    turned: bool = False,
) -> Callable:
    """A noise scale, with what a mistake changes.

    noise: of the images' distances from the whole, (N, weights). signal: of the whole gradient.
    turned: whether the signal is divided by the noise.
    """

    def scale(each: np.ndarray) -> float:
        whole = each.mean(axis=0)
        parts = noise(each - whole), signal(whole)
        return float(parts[1] / parts[0] if turned else parts[0] / parts[1])

    return scale


def gradients(rng: np.random.Generator) -> list[Try]:
    """Gradients of images, a row each."""
    return [(rng.normal(1, 2, (images, weights)),) for images, weights in ((3, 2), (5, 7))]


def in_portions(
    shared: bool = True, rest: bool = True, last: bool = False, mean: bool = True
) -> Callable:
    """A gradient that is added up in portions, with what a mistake changes.

    shared: whether each portion counts by its images. rest: whether a shorter last one is used.
    last: whether it is all that is left in the end. mean: whether it is a mean, not a sum.
    """

    def accumulate(gradient: Callable, x: np.ndarray, y: np.ndarray, size: int) -> Any:
        stop = len(x) if rest else len(x) // size * size
        starts = range(0, stop, size)
        total = np.zeros_like(gradient(x[:1], y[:1]))
        for start in starts:
            few = slice(start, start + size)
            part = gradient(x[few], y[few])
            weight = len(x[few]) / len(x) if shared else 1 / len(starts)
            total = part if last else total + (weight if mean else 1) * part
        return total

    return accumulate


def of_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient for w = 0 of the mean of (x @ w - y)^2 / 2."""
    return -(x * y[:, None]).mean(axis=0)


def applied(written: Callable, x: np.ndarray, y: np.ndarray, size: int) -> Any:
    """The gradient that is added up, for a small loss."""
    return written(of_squares, x, y, size)


def portions(rng: np.random.Generator) -> list[Try]:
    """Images, targets and the size of a portion; the last portion is shorter."""
    return [
        (rng.normal(size=(images, 3)), rng.normal(size=images), size)
        for images, size in ((5, 2), (11, 4))
    ]


EXERCISES = {
    "gradient-noise-spread": Drawn(how_far_off),
    "gradient-noise-scale": Exercise(
        "noise_scale",
        noise_scale(),
        gradients,
        [
            (
                noise_scale(lambda off: (off**2).mean()),
                "You took the mean over images and weights. Sum over the weights first: it is the "
                "square of a length.",
            ),
            (
                noise_scale(lambda off: (off**2).sum()),
                "You summed over the images. Take their mean: the scale does not grow with them.",
            ),
            (
                noise_scale(signal=lambda whole: np.sqrt(whole @ whole)),
                "You divided by the length of the whole gradient. Divide by its square.",
            ),
            (
                noise_scale(lambda off: np.sqrt((off**2).sum(axis=1)).mean()),
                "That is the mean distance. Take the mean of its square.",
            ),
            (
                noise_scale(turned=True),
                "That is signal by noise. Divide the noise by the signal.",
            ),
        ],
        [
            "The whole gradient is `each.mean(axis=0)`, and `each - whole` says how far each image "
            "is off.",
            "The square of a length is the sum of squares over the weights: "
            "`((each - whole) ** 2).sum(axis=1)`.",
            "Take the mean of that over the images, and divide by `whole @ whole`.",
        ],
    ),
    "gradient-noise-accumulate": Exercise(
        "accumulate",
        in_portions(),
        portions,
        [
            (
                in_portions(shared=False),
                "The last portion is shorter and counts too much. Each portion counts by its share "
                "of the images.",
            ),
            (
                in_portions(mean=False),
                "You added means. Multiply each by its share of the images, or the sum is too "
                "large.",
            ),
            (
                in_portions(rest=False),
                "The images of the shorter last portion are missing.",
            ),
            (
                in_portions(last=True),
                "Only the last portion is left. Add the portions up.",
            ),
        ],
        [
            "`gradient(x, y)` gives the mean over the images that it is given.",
            "Go through the images with `range(0, len(x), size)`; `x[start : start + size]` is "
            "shorter at the end by itself.",
            "Each portion counts by `len(few) / len(x)`; the sum of these is the whole mean.",
        ],
        applied,
    ),
}
