"""Calibration: whether answers given with 80% are right in 80 of 100, and what can be done.

The confidence of an answer is its probability, the largest of softmax's.
"""

from typing import NamedTuple

import numpy as np

from cnnlib import checks
from cnnlib.loss import softmax

TEMPERATURES = 0.01, 100.0  # where the best one is looked for


class Reliability(NamedTuple):
    """Answers sorted by their confidence into bins of equal width, all of shape (bins,).

    `answers` are so many in each bin; `confidence` is the mean of theirs and `accuracy` the share
    of them that is right, both NaN where there is none.
    """

    answers: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """Sort answers by their confidence, and count how many of them are right.

    confidence: probabilities (N,). right: whether each answer is right, (N,), True or False.
    Bin k, from 0, has the confidences above k/bins and up to (k + 1)/bins; the first one has 0,
    too.
    """
    _check("reliability", confidence, right, bins)
    bin_of = np.searchsorted(np.arange(1, bins) / bins, confidence)
    count = np.bincount(bin_of, minlength=bins)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(bin_of, values, bins)
        return np.divide(sums, count, out=np.full(bins, np.nan), where=count > 0)

    return Reliability(count, mean(confidence), mean(right))


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """How far confidence and accuracy lie apart: the mean over the bins, weighted by their answers.

    Arguments as in `reliability`. Naeini, Cooper and Hauskrecht, "Obtaining well calibrated
    probabilities using Bayesian binning" (2015); Guo, Pleiss, Sun and Weinberger, "On calibration
    of modern neural networks" (2017), equation 3.
    """
    _check("expected_calibration_error", confidence, right, bins)
    count, said, was = reliability(confidence, right, bins)
    gaps = np.abs(was - said)[count > 0]
    return float(gaps @ count[count > 0] / count.sum())


def _check(function: str, confidence: np.ndarray, right: np.ndarray, bins: int) -> None:
    checks.array(function, "confidence", confidence, 1)
    lowest, highest = confidence.min(), confidence.max()
    found = f"{function}: confidence holds {lowest if lowest < 0 else highest:g}"
    checks.require(0 <= lowest and highest <= 1, f"{found}; expected probabilities, 0 to 1")
    right = np.asarray(right)
    if right.dtype != bool:
        raise TypeError(f"{function}: right is {right.dtype}; expected True or False for each")
    found = f"{function}: right has shape {right.shape}"
    checks.require(right.shape == confidence.shape, f"{found}; expected {confidence.shape}")
    checks.integer(function, "bins", bins, 1)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T for which softmax(logits / T) has the smallest cross-entropy.

    logits: (N, K), of images that the network did not learn from. labels: (N,). The loss has one
    minimum in 1/T. There its slope, the mean of the logits as softmax weighs them minus the mean
    of the right ones, is 0: it is found by halving. T lies between 0.01 and 100; one of these
    comes out where the loss falls further beyond, as it does when all answers are right.
    Guo, Pleiss, Sun and Weinberger (2017), section 4.2.
    """
    checks.array("fit_temperature", "logits", logits, 2)
    labels = np.asarray(labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"fit_temperature: labels is {labels.dtype}; expected whole numbers")
    found = f"fit_temperature: labels has shape {labels.shape}"
    checks.require(labels.shape == logits.shape[:1], f"{found}; expected {logits.shape[:1]}")
    classes = logits.shape[1]
    for wrong in labels[(labels < 0) | (labels >= classes)]:
        raise ValueError(f"fit_temperature: labels has class {wrong}; expected 0 to {classes - 1}")
    z = logits.astype(np.float64)
    right = z[np.arange(len(z)), labels].mean()
    cold, hot = np.log(TEMPERATURES)
    for _ in range(60):
        middle = (cold + hot) / 2
        weighed = (softmax(z / np.exp(middle)) * z).sum(axis=1).mean()
        cold, hot = (middle, hot) if weighed > right else (cold, middle)
    return float(np.exp((cold + hot) / 2))
