"""Exercises of the chapter "Activations"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_row(rng: np.random.Generator) -> Any:
    """What two activations make of a row."""
    from cnnlib.widgets import Question

    low, high, small = rng.integers(2, 9, 3)
    row = rng.permutation(np.array([-low, high, -small / 10, 0.4]))
    leaky, hard = np.where(row > 0, row, 0.1 * row), np.clip(row, -1, 1)
    answer = np.round([leaky, hard], 2)
    slopes = np.round([np.where(row > 0, 1, 0.1), np.abs(row) < 1], 2)
    shown = ", ".join(f"{n:g}" for n in row)
    return Question(
        f"A row of a map is `[{shown}]`. Write below each other what leaky ReLU, with slope 0.1, "
        "and hard tanh make of it.",
        answer,
        [
            (np.round([np.maximum(row, 0), hard], 2), "The first row is that of plain ReLU."),
            (answer[::-1], "The two rows are exchanged: leaky ReLU comes first."),
            (
                np.round([leaky, np.clip(row, 0, 1)], 2),
                "Hard tanh goes down to −1, not to 0.",
            ),
            (np.round([leaky, np.tanh(row)], 2), "The second row is that of tanh. Hard tanh cuts."),
            (slopes, "Those are the slopes. The values are asked for."),
        ],
        steps=[
            "Leaky ReLU multiplies what is below 0 by 0.1 and leaves the rest.",
            "Hard tanh leaves what is between −1 and 1. What is lower becomes −1, what is higher "
            "becomes 1.",
        ],
    )


def maps(rng: np.random.Generator) -> list[Try]:
    """Arrays of one to four axes."""
    return [
        (np.array([-2.0, 0, 3, -0.5, 0.25]),),
        (rng.normal(size=(2, 3)) * 3,),
        (rng.normal(size=(2, 3, 4, 5)) * 3,),
    ]


def large(rng: np.random.Generator) -> list[Try]:
    """Numbers from very small to very large."""
    return [
        (np.array([-3.0, 0, 0.5]),),
        (rng.normal(size=(2, 3)),),
        (np.array([-2000.0, 20, 800]),),
    ]


def softplus(x: np.ndarray) -> np.ndarray:
    """The logarithm of 1 + e to the x."""
    return np.logaddexp(0, x)


def overflowing(x: np.ndarray) -> np.ndarray:
    """The softplus as its formula is written."""
    with np.errstate(over="ignore"):
        return np.log(1 + np.exp(x))


EXERCISES = {
    "activations-hand": Drawn(draw_row),
    "activations-own": Exercise(
        "my_relu",
        cnnlib.relu,
        maps,
        [
            (
                np.abs,
                "You took away the signs. What is below 0 becomes 0.",
            ),
            (
                lambda x: np.minimum(x, 0),
                "You kept the negative numbers. It is the positive ones that stay.",
            ),
            (
                lambda x: (x > 0) * 1.0,
                "Those are the slopes, 0 and 1. Positive numbers stay as they are.",
            ),
            (
                lambda x: np.clip(x, 0, 1),
                "Nothing goes above 1. ReLU has no upper limit.",
            ),
            (
                cnnlib.leaky_relu,
                "That is leaky ReLU. What is below 0 becomes 0.",
            ),
            (
                lambda x: x[x > 0],
                "The negative numbers are left out. They become 0, and the shape stays.",
            ),
            (
                lambda x: x.max(),
                "`max` gives the largest number of all. `np.maximum(x, 0)` compares each with 0.",
            ),
        ],
        [
            "It takes an array of any shape, and gives one of the same shape.",
            "`np.maximum(a, b)` compares number by number, and b may be a single number.",
        ],
    ),
    "activations-two-relus": Exercise(
        "my_hardtanh",
        cnnlib.hardtanh,
        maps,
        [
            (
                lambda x: np.clip(x, 0, 1),
                "It lies between 0 and 1. The line begins to rise at −1, not at 0.",
            ),
            (
                lambda x: np.clip(x, -1, 1) + 1,
                "It lies between 0 and 2. Lower all of it by 1.",
            ),
            (
                lambda x: np.maximum(x + 1, 0) - 1,
                "Above 1 it goes on rising. Take away a second ReLU, which begins at 1.",
            ),
            (
                lambda x: np.maximum(x + 1, 0) + np.maximum(x - 1, 0) - 1,
                "Above 1 it rises twice as fast. Take the second ReLU away, instead of adding it.",
            ),
            (
                np.tanh,
                "That is tanh. Hard tanh is made of three straight lines.",
            ),
        ],
        [
            "`relu(x + 1)` begins to rise at −1.",
            "`relu(x − 1)` begins to rise at 1. Take it away from the first, and look at three "
            "points: −3, 0 and 3.",
        ],
    ),
    "activations-softplus": Exercise(
        "softplus",
        softplus,
        large,
        [
            (
                overflowing,
                "For large x the result is infinite, because eˣ is. Use `np.logaddexp(0, x)`.",
            ),
            (
                cnnlib.relu,
                "That is ReLU. The softplus has no corner.",
            ),
            (
                cnnlib.sigmoid,
                "That is the slope of the softplus, the sigmoid.",
            ),
            (
                lambda x: np.logaddexp(0, -x),
                "The sign of x is turned: it should rise with x.",
            ),
            (
                lambda x: np.logaddexp(0, x) / np.log(2),
                "That is the logarithm to base 2. ln is `np.log`.",
            ),
        ],
        [
            "The formula is ln(1 + eˣ), number by number. What does `np.exp(800)` give?",
            "`np.logaddexp(a, b)` is ln(eᵃ + eᵇ), without overflow. Which a makes eᵃ equal to 1?",
        ],
    ),
}
