"""Exercises of the chapter "Checking gradients"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try, both_ways, layer


def by_hand(rng: np.random.Generator) -> Any:
    """A question: the central difference of a power."""
    from cnnlib.widgets import Question

    power, sign = int(rng.integers(2, 4)), "²³"
    at, step = int(rng.integers(2, 8)), int(rng.integers(1, 3))
    up, down, here = ((at + by) ** power for by in (step, -step, 0))
    right = (up - down) / (2 * step)
    return Question(
        f"What is the central difference of f(x) = x{sign[power - 2]} at x = {at}, with a step of "
        f"{step}?",
        right,
        [
            ((up - here) / step, "That is the forward difference. Step to both sides."),
            ((here - down) / step, "That is the backward difference. Step to both sides."),
            (up - down, "Divide by the distance of the two places."),
            (2 * right, "The two places are two steps apart."),
            *([(power * at ** (power - 1), "That is the slope itself.")] if power == 3 else []),
        ],
        steps=[
            f"f({at + step}) = {up} and f({at - step}) = {down}; the places are {2 * step} apart.",
            f"({up} − {down}) / {2 * step} = {right:g}.",
        ],
    )


def cubic(x: np.ndarray) -> float:
    """A function that bends, of all numbers of an array."""
    return float((x**3 + x * np.arange(x.size).reshape(x.shape)).sum())


def of_cubic(written: Callable, x: np.ndarray, direction: np.ndarray, step: float) -> Any:
    """The slope of the sum of all x³ + n·x, where n counts the numbers from 0."""
    return written(cubic, x, direction, step)


def along(f: Callable, x: np.ndarray, direction: np.ndarray, step: float = 1e-5) -> float:
    """The central difference of f along a direction."""
    return (f(x + step * direction) - f(x - step * direction)) / (2 * step)


def directions(rng: np.random.Generator) -> list[Try]:
    """Arrays, directions in them and steps that are not small."""
    return [
        (rng.integers(-5, 6, s) / 2, rng.integers(-5, 6, s) / 2 + 0.25, step)
        for s, step in [((2,), 0.5), ((2, 3), 0.25), ((4, 1, 2), 0.125)]
    ]


def overflowing(x: np.ndarray) -> np.ndarray:
    """Softplus as it is written down."""
    with np.errstate(over="ignore"):
        return np.log(1 + np.exp(x))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + eˣ), for large numbers too."""
    return np.logaddexp(0, x)


def numbers(rng: np.random.Generator) -> list[Try]:
    """Numbers, some of them large, and what comes back."""
    tries = [(rng.normal(0, 2, s), rng.normal(size=s)) for s in [(3,), (2, 4), (2, 3, 1, 4)]]
    tries[1][0][0] = -800, 900, -3, 5
    return [(x, grad) for x, grad in tries]


EXERCISES = {
    "gradient-check-square": Drawn(by_hand),
    "gradient-check-own": Exercise(
        "along",
        along,
        directions,
        [
            (
                lambda f, x, direction, step: (f(x + step * direction) - f(x)) / step,
                "That is a forward difference. Push to both sides: it errs far less.",
            ),
            (
                lambda f, x, direction, step: (
                    (f(x + step * direction) - f(x - step * direction)) / step
                ),
                "The two places are two steps apart: divide by `2 * step`.",
            ),
            (
                lambda f, x, direction, step: f(x + step * direction) - f(x - step * direction),
                "That is a difference. The slope is the difference divided by `2 * step`.",
            ),
            (
                lambda f, x, direction, step: along(
                    f, x, direction / np.sqrt((direction**2).sum()), step
                ),
                "You made the direction one unit long. The slope is asked for along the direction "
                "as it is.",
            ),
            (
                lambda f, x, direction, step: along(f, x, np.ones_like(x), step),
                "You push all numbers by the same amount. Each moves by its number of the "
                "direction.",
            ),
            (
                lambda f, x, direction, step: along(f, x, direction, 1e-5),
                "You use a step of your own. It is an argument: use `step`.",
            ),
        ],
        [
            "All numbers move at once: `x + step * direction` is an array of x's shape.",
            "Take f there, and at `x - step * direction`. Their difference belongs to two steps.",
        ],
        of_cubic,
    ),
    "gradient-check-extend": Exercise(
        "Softplus",
        layer(softplus, lambda grad, x: grad * cnnlib.sigmoid(x)),
        numbers,
        [
            (
                layer(overflowing, lambda grad, x: grad * cnnlib.sigmoid(x)),
                "For large numbers `np.exp` overflows. `np.logaddexp(0, x)` is the same without.",
            ),
            (
                layer(softplus, lambda grad, x: cnnlib.sigmoid(x)),
                "`backward` gives the slope alone. Multiply it by `grad_output`.",
            ),
            (
                layer(softplus, lambda grad, x: grad * (x > 0)),
                "That is the slope of ReLU. Softplus has no kink: its slope is the sigmoid.",
            ),
            (
                layer(softplus, lambda grad, x: grad * cnnlib.sigmoid(-x)),
                "The slope is turned round: for large numbers softplus climbs like x, with a slope "
                "near 1.",
            ),
            (
                layer(softplus, cnnlib.sigmoid_backward),
                "That is the slope of the sigmoid. The sigmoid itself is the slope of softplus.",
            ),
        ],
        [
            "The slope of log(1 + eˣ) is eˣ / (1 + eˣ). You know this function.",
            "`np.logaddexp(0, x)` is log(e⁰ + eˣ), and `cnnlib.sigmoid` is the slope.",
        ],
        both_ways,
    ),
}
