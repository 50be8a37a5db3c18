"""Exercises of the chapter "Digits in seconds"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Exercise, Try


def refusing(threshold: float, sure: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The answers, and −1 where the network is not sure enough."""
    return np.where(sure < threshold, -1, answers)


def answer_or_refuse(logits: np.ndarray, threshold: float, axis: int = 1) -> np.ndarray:
    """The class of each image, or −1, by probabilities that are taken along an axis."""
    p = cnnlib.softmax(logits, axis)
    return refusing(threshold, p.max(axis=1), p.argmax(axis=1))


def by_logits(logits: np.ndarray, threshold: float) -> np.ndarray:
    """The answers by the logits alone."""
    return refusing(threshold, logits.max(axis=1), logits.argmax(axis=1))


def turned(logits: np.ndarray, threshold: float) -> np.ndarray:
    """The unsure answers, and −1 where the network is sure."""
    p = cnnlib.softmax(logits, 1)
    return refusing(-threshold, -p.max(axis=1), p.argmax(axis=1))


def by_lead(logits: np.ndarray, threshold: float) -> np.ndarray:
    """The answers whose probability is that much above the second best."""
    best = np.sort(cnnlib.softmax(logits, 1), axis=1)
    return refusing(threshold, best[:, -1] - best[:, -2], logits.argmax(axis=1))


def scores(rng: np.random.Generator) -> list[Try]:
    """Logits (N, K) and thresholds; a probability may be just the threshold."""
    tries = [(rng.normal(0, 1.5, (n, k)), t) for n, k, t in [(3, 2, 0.7), (40, 5, 0.4)]]
    return [*tries, (np.log([[0.125, 0.375, 0.5], [0.25, 0.25, 0.5], [0.3, 0.4, 0.3]]), 0.499)]


def by_table(change: Callable) -> Callable:
    """A precision from the table (class, answer): `change(table)`."""
    return lambda evaluation: change(evaluation.confusion)


def share(part: np.ndarray, whole: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """The part of the whole, and `empty` where that is 0."""
    return np.divide(part, whole, out=np.full(len(part), empty), where=whole > 0)


def of(written: Callable, confusion: np.ndarray) -> Any:
    """The precision of an evaluation with this table (class, answer)."""
    right, images = np.diag(confusion), confusion.sum(axis=1)
    accuracy = float(right.sum() / confusion.sum())
    return written(cnnlib.Evaluation(0.5, accuracy, share(right, images), confusion))


def tables(rng: np.random.Generator) -> list[Try]:
    """Tables (class, answer); a class is never answered, another never comes."""
    tries = [(rng.integers(0, 9, (k, k)) + 5 * np.eye(k, dtype=int),) for k in (2, 3, 5)]
    tries[1][0][:, 1] = 0
    tries[2][0][3] = 0
    return list(tries)


EXERCISES = {
    "digits-refuse": Exercise(
        "answer_or_refuse",
        answer_or_refuse,
        scores,
        [
            (
                by_logits,
                "You compare logits with the threshold. It is one of probabilities: softmax first.",
            ),
            (
                turned,
                "You refuse the images that the network is sure of. The others are the human's.",
            ),
            (
                lambda logits, threshold: answer_or_refuse(logits, threshold, 0),
                "Your probabilities add up to 1 along the columns. Each image, a row, has its own.",
            ),
            (
                by_lead,
                "You compare the lead over the second class. It is the highest probability that "
                "counts.",
            ),
            (
                lambda logits, threshold: cnnlib.softmax(logits, 1).max(axis=1) < threshold,
                "That says which images are refused. Give the answers, with −1 in those places.",
            ),
            (
                lambda logits, threshold: logits.argmax(axis=1),
                "Nothing is refused: put −1 where the highest probability is below the threshold.",
            ),
        ],
        [
            "`p = cnnlib.softmax(logits)` has a row of probabilities for each image.",
            "`p.max(axis=1)` says how sure the network is, `p.argmax(axis=1)` of what.",
            "`np.where(condition, -1, answers)` takes −1 where the condition holds.",
        ],
    ),
    "digits-precision": Exercise(
        "precision",
        by_table(lambda table: share(np.diag(table), table.sum(axis=0))),
        tables,
        [
            (
                by_table(lambda table: share(np.diag(table), table.sum(axis=1))),
                "That is the accuracy per class: you divided by the rows. What was called nine "
                "stands in a column.",
            ),
            (
                by_table(lambda table: share(np.diag(table), table.sum(axis=0), 0.0)),
                "A class that was never answered has no precision: NaN, not 0.",
            ),
            (
                by_table(lambda table: np.diag(table) / table.sum()),
                "You divided by all images. Divide by those that were called so.",
            ),
            (
                by_table(lambda table: np.trace(table) / table.sum()),
                "That is the accuracy of all. Precision has a number for each class.",
            ),
            (
                by_table(lambda table: 1 - share(np.diag(table), table.sum(axis=0))),
                "That is the share of wrong answers. Precision is the share of right ones.",
            ),
        ],
        [
            "`evaluation.confusion[i, j]` counts the images of class i that were called j.",
            "The right ones are `np.diag(confusion)`; what was called j is the sum of column j.",
            "`np.divide(right, called, out=nan, where=called > 0)` leaves what is in `nan` where "
            "nothing was called so.",
        ],
        of,
    ),
}
