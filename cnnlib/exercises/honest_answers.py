"""Exercises of the chapter "Honest answers"."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def two_groups(rng: np.random.Generator) -> Any:
    """A question: the expected calibration error of two groups of answers."""
    from cnnlib.widgets import Question

    n, m = (int(one) for one in rng.choice([10, 20, 30, 40], 2, replace=False))
    said = int(rng.integers(11, 14)) / 20, int(rng.integers(17, 20)) / 20
    right = int(n * said[0]) + int(rng.integers(2, 4)), int(m * said[1]) - int(rng.integers(2, 5))
    gaps = right[0] / n - said[0], right[1] / m - said[1]
    parts = abs(gaps[0]) * n, abs(gaps[1]) * m
    answer = sum(parts) / (n + m)
    return Question(
        f"{n} answers say {said[0]:.0%}, and {right[0]} of them are right. {m} say {said[1]:.0%}, "
        f"and {right[1]} of them are right. What is the ECE? (Three decimals.)",
        answer,
        [
            ((abs(gaps[0]) + abs(gaps[1])) / 2, "The groups differ in size: weight their gaps."),
            (
                abs(gaps[0] * n + gaps[1] * m) / (n + m),
                "Gaps of either sign do not cancel: take their distances first.",
            ),
            (sum(parts), "Divide by the number of all answers."),
            (abs(gaps[0]) + abs(gaps[1]), "That is the sum of the gaps. Take the weighted mean."),
        ],
        decimals=3,
        steps=[
            f"Of {n} with {said[0]:.0%}, {n * said[0]:g} should be right: off by "
            f"{parts[0]:g}. Of {m} with {said[1]:.0%}, {m * said[1]:g}: off by {parts[1]:g}.",
            f"({parts[0]:g} + {parts[1]:g}) / {n + m} = {answer:.4f}.",
        ],
    )


def by(score: Callable) -> Callable:
    """The candidate for which score(logits, labels, temperature) is smallest."""

    def best(logits: np.ndarray, labels: np.ndarray, candidates: Sequence[float]) -> float:
        return min(candidates, key=lambda temperature: score(logits, labels, temperature))

    return best


def loss(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """The loss at a temperature."""
    return float(cnnlib.cross_entropy(logits / temperature, labels))


def of_probabilities(logits: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """The loss of probabilities, taken for logits."""
    return float(cnnlib.cross_entropy(cnnlib.softmax(logits / temperature), labels))


def smallest_loss(logits: np.ndarray, labels: np.ndarray, candidates: Sequence[float]) -> float:
    """The smallest loss, not its temperature."""
    return min(loss(logits, labels, temperature) for temperature in candidates)


def scores(rng: np.random.Generator) -> list[Try]:
    """Logits (N, K) of which most are right, too sure or not sure enough, labels, candidates."""
    tries: list[Try] = []
    for n, k, spread, candidates in [
        (8, 3, 5.0, [1.0, 1.6, 2.5, 4.0, 12.0]),
        (20, 5, 0.5, [0.3, 0.5, 1.0, 2.0, 5.0]),
        (60, 4, 3.0, [0.1, 0.6, 1.0, 2.5, 9.0]),
    ]:
        logits = rng.normal(0, spread, (n, k))
        labels = np.where(rng.random(n) < 0.75, logits.argmax(axis=1), rng.integers(0, k, n))
        tries.append((logits, labels, candidates))
    return tries


def even_error(
    confidence: np.ndarray, right: np.ndarray, bins: int, ordered: bool = True,
    weighted: bool = True, distance: bool = True,
) -> float:  # fmt: skip
    """The error with bins of equal size, with what a mistake leaves out.

    ordered: whether answers are sorted. weighted: whether bins count by their size. distance:
    whether gaps are.
    """
    order = np.argsort(confidence) if ordered else np.arange(len(confidence))
    parts = np.array_split(order, bins)
    gaps = np.array([right[part].mean() - confidence[part].mean() for part in parts])
    sizes = [len(part) for part in parts] if weighted else np.ones(bins)
    return float(np.average(np.abs(gaps) if distance else gaps, weights=sizes))


def answers(rng: np.random.Generator) -> list[Try]:
    """Confidences (N,), whether the answers are right, and a number that does not divide N."""
    tries: list[Try] = []
    for n, bins in [(7, 3), (23, 5), (50, 8)]:
        confidence = rng.uniform(0.3, 1, n)
        tries.append((confidence, rng.random(n) < confidence**2, bins))
    return tries


EXERCISES = {
    "honest-answers-error": Drawn(two_groups),
    "honest-answers-temperature": Exercise(
        "best_temperature",
        by(loss),
        scores,
        [
            (
                by(lambda logits, labels, t: -loss(logits, labels, t)),
                "That is the temperature with the largest loss.",
            ),
            (
                by(lambda logits, labels, t: loss(logits, labels, 1 / t)),
                "You multiply the logits by the temperature. It divides them.",
            ),
            (
                smallest_loss,
                "That is the smallest loss. The temperature is asked for that gives it.",
            ),
            (
                by(of_probabilities),
                "`cross_entropy` takes logits: softmax is inside it already.",
            ),
        ],
        [
            "`cnnlib.cross_entropy(logits / temperature, labels)` is the loss at a temperature.",
            "`min(candidates, key=loss)` gives the candidate for which `loss(candidate)` is "
            "smallest.",
        ],
    ),
    "honest-answers-even": Exercise(
        "even_error",
        even_error,
        answers,
        [
            (
                cnnlib.expected_calibration_error,
                "Those bins have equal width. Here they have equally many answers.",
            ),
            (
                lambda confidence, right, bins: even_error(confidence, right, bins, ordered=False),
                "The answers are cut as they come. Sort them by their confidence first.",
            ),
            (
                lambda confidence, right, bins: even_error(confidence, right, bins, weighted=False),
                "The parts differ by one answer where it does not go evenly: weight the gaps.",
            ),
            (
                lambda confidence, right, bins: even_error(confidence, right, bins, distance=False),
                "Gaps of either sign cancel. Take their distances, `abs`.",
            ),
            (
                lambda confidence, right, bins: (
                    even_error(confidence, right, bins) * len(confidence)
                ),
                "Divide by the number of all answers.",
            ),
        ],
        [
            "`order = np.argsort(confidence)`, and `np.array_split(order, bins)` are the parts.",
            "`right[part].mean()` is the share that is right in a part. `len(part)` weights its "
            "gap.",
        ],
    ),
}
