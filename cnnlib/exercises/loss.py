"""Exercises of the chapter "Softmax and cross-entropy"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_eighths(rng: np.random.Generator) -> Any:
    """Probabilities of logits that are logarithms."""
    from cnnlib.widgets import Question

    powers = rng.choice(range(2, 10), 3, replace=False)
    total = int(powers.sum())
    answer = (powers / total)[None]
    logits = ", ".join(f"ln {n}" for n in powers)
    return Question(
        f"The logits are {logits}. Which are the three probabilities? (Fractions as 2/7 will do.)",
        answer,
        [
            (powers[None] / 1.0, "Those are the powers. Divide each by their sum."),
            ((powers / powers.max())[None], "Divide by the sum, not by the largest."),
            (
                (np.log(powers) / np.log(powers).sum())[None],
                "You divided the logits by their sum. First take e to the power of each.",
            ),
            ((-np.log(powers / total))[None], "Those are the losses."),
        ],
        steps=[
            f"e to the power of ln {powers[0]} is {powers[0]}: the powers are "
            f"{', '.join(map(str, powers))}.",
            f"Their sum is {total}, so the probabilities are "
            f"{', '.join(f'{n}/{total}' for n in powers)}.",
        ],
    )


def cross_entropy(logits: np.ndarray, target: np.ndarray) -> float:
    """The mean loss of logits (N, K) and classes (N,)."""
    return float(cnnlib.cross_entropy(logits, target))


def probability(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The probability of each right class."""
    return cnnlib.softmax(logits)[np.arange(len(target)), target]


def tries(rng: np.random.Generator) -> list[Try]:
    """Batches of logits, the last with large ones."""
    return [
        (np.array([[0.5, 2, -1]]), np.array([1])),
        (rng.normal(size=(4, 3)) * 3, np.array([2, 0, 1, 2])),
        (rng.normal(size=(3, 5)) * 3, np.array([4, 0, 0])),
        (np.array([[10000.0, 9990, 0], [0, 3, 10000]]), np.array([1, 2])),
    ]


def unstable(logits: np.ndarray, target: np.ndarray) -> float:
    """The loss as its formula is written."""
    with np.errstate(all="ignore"):
        powers = np.exp(logits)
        shares = powers / powers.sum(axis=1, keepdims=True)
        return float(-np.log(shares[np.arange(len(target)), target]).mean())


def one_peak(logits: np.ndarray, target: np.ndarray) -> float:
    """The logits, less the largest of all images; nothing but the right one is looked at."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(-shifted[np.arange(len(target)), target].mean())


def without_logarithm(logits: np.ndarray, target: np.ndarray) -> float:
    """Minus the mean probability."""
    return float(-probability(logits, target).mean())


class Smoothed(cnnlib.CrossEntropyLoss):
    """Gives a share of the target evenly to all classes."""

    def __init__(self, smoothing: float) -> None:
        super().__init__()
        self.smoothing = smoothing

    def shares(self, k: int) -> tuple[float, float]:
        """What the right class keeps, and what each of k classes gets."""
        return 1 - self.smoothing, self.smoothing / k

    def forward(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The mean loss of logits (N, K) and classes (N,)."""
        kept, given = self.shares(x.shape[1])
        return super().forward(x, kept * np.eye(x.shape[1])[target] + given)


class ToOthers(Smoothed):
    """Spreads the share over the wrong classes only."""

    def forward(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        k = x.shape[1]
        wrong = self.smoothing / (k - 1)
        soft = (1 - self.smoothing - wrong) * np.eye(k)[target] + wrong
        return cnnlib.cross_entropy(x, soft)


class Unspread(Smoothed):
    """Gives the whole share to each class."""

    def shares(self, k: int) -> tuple[float, float]:
        return 1 - self.smoothing, self.smoothing


class Lost(Smoothed):
    """Takes the share away and gives it to nobody."""

    def shares(self, k: int) -> tuple[float, float]:
        return 1 - self.smoothing, 0.0


class Full(Smoothed):
    """Gives to all without taking from the right class."""

    def shares(self, k: int) -> tuple[float, float]:
        return 1.0, self.smoothing / k


class Plain(Smoothed):
    """Smooths nothing."""

    def shares(self, k: int) -> tuple[float, float]:
        return 1.0, 0.0


def smoothed_loss(written: Any, logits: np.ndarray, target: np.ndarray, smoothing: float) -> Any:
    """The loss that the class gives."""
    return written(smoothing).forward(logits, target)


def smoothed_tries(rng: np.random.Generator) -> list[Try]:
    """Batches of logits with different shares."""
    return [
        (np.array([[0.5, 2, -1]]), np.array([1]), 0.3),
        (rng.normal(size=(4, 5)), np.array([2, 0, 4, 2]), 0.1),
        (rng.normal(size=(2, 4)), np.array([3, 1]), 0.5),
    ]


EXERCISES = {
    "loss-by-hand": Drawn(draw_eighths),
    "loss-own": Exercise(
        "my_cross_entropy",
        cross_entropy,
        tries,
        [
            (
                unstable,
                "It is right for small logits. Large ones overflow in `exp`: subtract the largest "
                "of each row first, and keep the logarithm of the sum.",
            ),
            (
                lambda logits, target: cross_entropy(logits, target) * len(target),
                "That is the sum over the batch. Divide by the number of images, or use `mean`.",
            ),
            (
                lambda logits, target: -cross_entropy(logits, target),
                "The sign is wrong: the loss is minus the logarithm.",
            ),
            (
                lambda logits, target: cross_entropy(logits, target) / np.log(10),
                "That is the logarithm to base 10. ln is `np.log`.",
            ),
            (
                lambda logits, target: np.array(
                    [
                        cross_entropy(row[None], one[None])
                        for row, one in zip(logits, target, strict=True)
                    ]
                ),
                "There is a loss for each image. Give back their mean.",
            ),
            (
                without_logarithm,
                "That is minus the probability. The loss is minus its logarithm.",
            ),
            (
                one_peak,
                "The logarithm of the sum is missing. The loss is ln Σ eᶻ less the logit of the "
                "right class.",
            ),
        ],
        [
            "Subtract the largest logit of each row: no probability changes, and no power is "
            "larger than 1.",
            "The loss of an image is the logarithm of the sum of the powers, less the logit of the "
            "right class.",
            "`moved[np.arange(N), target]` picks the logit of the right class in each row.",
        ],
    ),
    "loss-smoothing": Exercise(
        "Smoothed",
        Smoothed,
        smoothed_tries,
        [
            (
                ToOthers,
                "Only the wrong classes got a part. The share is spread over all classes, the "
                "right one among them.",
            ),
            (
                Unspread,
                "Each class got the whole share. Divide it by the number of classes.",
            ),
            (
                Lost,
                "The share was taken from the right class, and nobody got it.",
            ),
            (
                Full,
                "The right class kept all of its 1. Multiply it by 1 − smoothing.",
            ),
            (
                Plain,
                "That is the loss without smoothing.",
            ),
        ],
        [
            "A target can be probabilities (N, K). Make them of the classes: `np.eye(k)[target]` "
            "has a 1 for the right class in each row.",
            "Multiply them by 1 − smoothing, and add smoothing / k to all.",
            "`super().forward(x, soft)` computes the loss of such a target.",
        ],
        smoothed_loss,
    ),
}
