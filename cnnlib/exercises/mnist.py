"""Exercises of the chapter "MNIST, reproduced"."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def how_many(rng: np.random.Generator) -> Any:
    """A question: how many images tell two error rates apart."""
    from cnnlib.widgets import Question

    p, gap = int(rng.integers(4, 60)) / 1000, int(rng.integers(1, 9)) / 1000
    variance = p * (1 - p)
    right = 4 * variance / gap**2
    return Question(
        f"A network errs on {p:.1%} of the images. How many test images does it take until a "
        f"difference of {gap:.1%} is two standard deviations? (To the nearest image.)",
        round(right),
        [
            (round(variance / gap**2), "That is for one standard deviation."),
            (round(2 * variance / gap**2), "Two deviations are squared, too: 4."),
            (round(4 * p / gap**2), "The variance of one answer is p(1 − p)."),
            (round(2 * np.sqrt(variance) / gap), "That is the root of the number of images."),
        ],
        decimals=0,
        steps=[
            "Two standard deviations are 2·√(p(1 − p)/n). Set them equal to the difference, and "
            "solve for n.",
            f"n = 4·{p:g}·{1 - p:g} / {gap:g}² = {right:,.1f}, about {round(right):,}.",
        ],
    )


def row_and_column(rng: np.random.Generator) -> Any:
    """A question: the accuracy or the precision of a class, from a table."""
    from cnnlib.widgets import Question

    table, k = rng.integers(0, 6, (3, 3)) + np.diag(rng.integers(8, 20, 3)), int(rng.integers(0, 3))
    right = table[k, k]
    row, column = right / table[k].sum(), right / table[:, k].sum()
    asked, other = (column, row) if rng.integers(0, 2) else (row, column)
    name, sums = ("precision", table[:, k]) if asked is column else ("accuracy", table[k])
    return Question(
        f"In the table `{table.tolist()}` a row is a class and a column an answer, both counted "
        f"from 0. What is the {name} of class {k}? (Two decimals.)",
        asked,
        [
            (other, "Precision is about a column, what was called so; accuracy about a row."),
            (right / table.sum(), "Divide by one row or column, not by all images."),
            (np.trace(table) / table.sum(), "That is the accuracy of all classes together."),
            (1 - asked, "That is the share of the wrong ones."),
        ],
        steps=[
            f"{right} are right, of {' + '.join(map(str, sums))} = {sums.sum()} in the "
            f"{'column' if asked is column else 'row'}.",
            f"{right} / {sums.sum()} = {asked:.2f}.",
        ],
    )


def top_k(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The share of images whose class is among the k largest logits."""
    best = np.argsort(logits, axis=1)[:, -k:]
    return float((best == labels[:, None]).any(axis=1).mean())


def kth(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The share of images whose class has the k-th largest logit."""
    return float((np.argsort(logits, axis=1)[:, -k] == labels).mean())


def scores(rng: np.random.Generator) -> list[Try]:
    """Logits (N, K), classes and how many answers count."""
    sizes = [(7, 3, 1), (30, 5, 2), (40, 7, 3)]
    return [(rng.normal(size=(n, c)), rng.integers(0, c, n), k) for n, c, k in sizes]


def instead(change: Callable) -> Callable:
    """The function with other arguments."""
    return lambda logits, labels, k: top_k(*change(logits, labels, k))


EXERCISES = {
    "mnist-how-many": Drawn(how_many),
    "mnist-precision": Drawn(row_and_column),
    "mnist-second-guess": Exercise(
        "top_k_accuracy",
        top_k,
        scores,
        [
            (
                instead(lambda logits, labels, k: (-logits, labels, k)),
                "You took the k smallest logits. `argsort` sorts upward: the largest come last.",
            ),
            (
                kth,
                "You ask only for the k-th largest. Any of the k largest counts.",
            ),
            (
                instead(lambda logits, labels, k: (logits, labels, 1)),
                "That is the share of first answers, for each k. The k largest logits count.",
            ),
            (
                lambda logits, labels, k: top_k(logits, labels, k) * len(labels),
                "That is how many images. Divide by their number.",
            ),
            (
                lambda logits, labels, k: top_k(logits, labels, k) / k,
                "You divided by k, too. An image counts once, wherever its class stands among the "
                "k.",
            ),
            (
                lambda logits, labels, k: 1 - top_k(logits, labels, k),
                "That is the share of images whose class is not among them.",
            ),
        ],
        [
            "`np.argsort(logits, axis=1)` has each image's classes, from the smallest logit to the "
            "largest.",
            "Its last k columns are the k best answers. Compare them with `labels[:, None]`, and "
            "ask with `any(axis=1)`.",
        ],
    ),
}
