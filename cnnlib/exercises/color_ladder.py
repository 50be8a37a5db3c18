"""Exercises of the chapter "What each idea brings"."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def six_seeds(rng: np.random.Generator) -> Any:
    """A question: how many ways give the three after at least what they have."""
    from cnnlib.widgets import Question

    while True:
        numbers = [int(one) for one in rng.choice(np.arange(61, 80), 6, replace=False)]
        before, after = numbers[:3], numbers[3:]
        seen, sums = sum(after), [sum(three) for three in combinations(numbers, 3)]
        answer, more = sum(s >= seen for s in sums), sum(s > seen for s in sums)
        if 2 <= answer <= 5:
            break
    top = sorted(numbers, reverse=True)
    first = [three for three in combinations(top, 3) if sum(three) >= seen]
    listed = ", ".join(f"{' + '.join(map(str, three))} = {sum(three)}" for three in first)
    mistakes = [
        (1, "That is only the way that was seen, or the largest. Count all that reach its sum."),
        (more, "The way that was seen counts, too: at least as large."),
        (20, "That is the number of all ways. Count those that reach the sum."),
        (20 - answer, "Those are the ways that do not reach the sum."),
    ]
    return Question(
        f"Three seeds before a step have {before[0]}, {before[1]} and {before[2]}% right, three "
        f"after it {after[0]}, {after[1]} and {after[2]}%. In how many of the 20 ways to choose "
        "three of the six is the sum at least that of the three after it?",
        answer,
        [(value, why) for value, why in mistakes if value != answer],
        decimals=1,
        steps=[
            f"The sum of the three after the step is {seen}.",
            f"Those that reach it: {listed}. That is {answer}.",
        ],
    )


def gained(
    spread: Callable = lambda one, other: np.sqrt(
        one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)
    ),
    sign: int = 1,
) -> Callable:
    """The gain and its standard error, with what a mistake changes."""

    def gain(before: Sequence[float], after: Sequence[float]) -> np.ndarray:
        one, other = np.asarray(before), np.asarray(after)
        return np.array([sign * (other.mean() - one.mean()), spread(one, other)])

    return gain


def accuracies(rng: np.random.Generator) -> list[Try]:
    """Shares of right answers before and after a step, in percent."""
    return [
        (rng.normal(60, 2, n).round(1), rng.normal(62, 1, m).round(1)) for n, m in [(3, 4), (5, 3)]
    ]


EXERCISES = {
    "color-ladder-ways": Drawn(six_seeds),
    "color-ladder-gain": Exercise(
        "gain",
        gained(),
        accuracies,
        [
            (gained(sign=-1), "The sign is turned: the gain is after minus before."),
            (
                gained(lambda one, other: np.sqrt(one.var() / len(one) + other.var() / len(other))),
                "The variance of a few numbers is divided by one less than there are: `ddof=1`.",
            ),
            (
                gained(lambda one, other: np.sqrt(one.var(ddof=1) + other.var(ddof=1))),
                "That is the spread of single seeds. The variance of a mean is divided by how many "
                "numbers it is of.",
            ),
            (
                gained(
                    lambda one, other: (
                        one.std(ddof=1) / len(one) ** 0.5 + other.std(ddof=1) / len(other) ** 0.5
                    )
                ),
                "You add up the two errors. Their squares add up.",
            ),
            (
                gained(
                    lambda one, other: one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)
                ),
                "That is the square of the error. Take its root.",
            ),
            (
                gained(lambda one, other: other.std(ddof=1) / len(other) ** 0.5),
                "That is the error of the mean after the step. Before it there is one, too.",
            ),
        ],
        [
            "`np.var(before, ddof=1) / len(before)` is the variance of the mean before the step.",
            "The variances of the two means add up, and the error is the root of the sum.",
        ],
    ),
}
