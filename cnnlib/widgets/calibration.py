"""How sure answers are against how many of them are right, with a temperature to be moved."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.calibration import Reliability, expected_calibration_error, reliability
from cnnlib.loss import cross_entropy, softmax
from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Number, Widget

BINS = 10
LARGEST = 2000  # answers: with more of them the slider would lag
LIMITS = 0.1, 10


class Calibration(Widget):
    """A reliability diagram: answers sorted by their confidence, and the share that is right.

    Parameters
    ----------
    logits : array of shape (answers, classes)
        What a network says to each image; at most 2000 answers.
    labels : array of shape (answers,)
        The right classes, whole numbers from 0.
    temperature : float
        What the logits are divided by before softmax, from 0.1 to 10; 1 leaves them as they are.
    chosen : int
        The bin whose sum is written out, from 0 to 9; by default the one that adds most to the
        expected calibration error.

    All of them are synced.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    logits = Array({2: ()}, "(answers, classes)").tag(link=False)
    labels = Array({1: ()}, "(answers,)").tag(link=False)
    temperature = Number(1.0).tag(sync=True, link=links.between(*LIMITS))
    chosen = traitlets.Int(0, min=0, max=BINS - 1).tag(sync=True)

    def __init__(self, logits: Any, labels: Any, **kwargs: Any) -> None:
        super().__init__(logits=logits, labels=labels, **kwargs)
        if "chosen" not in kwargs:
            count, said, was = self.reliability
            self.chosen = int((count * np.abs(np.nan_to_num(was - said))).argmax())

    @property
    def confidence(self) -> np.ndarray:
        """The probability of each answer at the temperature, shape (answers,)."""
        return softmax(self.logits / self.temperature).max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether each answer is right, shape (answers,)."""
        return self.logits.argmax(axis=1) == self.labels

    @property
    def reliability(self) -> Reliability:
        """What `cnnlib.reliability` makes of the answers."""
        return reliability(self.confidence, self.right, BINS)

    @property
    def error(self) -> float:
        """Their expected calibration error."""
        return expected_calibration_error(self.confidence, self.right, BINS)

    @property
    def loss(self) -> float:
        """Their cross-entropy at the temperature."""
        return float(cross_entropy(self.logits / self.temperature, self.labels))

    @traitlets.validate("logits", "labels")
    def _is_whole(self, proposal: Any) -> np.ndarray:
        name, value = proposal.trait.name, proposal.value
        if name == "labels" and (value.dtype.kind == "f" or value.min() < 0):
            self._refuse("labels holds other numbers", "whole numbers from 0 on")
        self._fit(*((value, self.labels) if name == "logits" else (self.logits, value)))
        return value

    def _fit(self, logits: np.ndarray, labels: np.ndarray) -> None:
        if len(logits) > LARGEST or logits.shape[1] < 2:
            expected = f"up to {LARGEST} rows of 2 or more classes"
            self._refuse(f"logits has shape {logits.shape}", expected)
        if len(labels) != len(logits):
            self._refuse(f"labels has {len(labels)} classes", f"{len(logits)}, one for each row")
        if labels.max() >= logits.shape[1]:
            self._refuse(f"labels has class {labels.max()}", f"at most {logits.shape[1] - 1}")

    @traitlets.validate("temperature")
    def _is_within_reach(self, proposal: Any) -> float:
        low, high = LIMITS
        if not low <= proposal.value <= high:
            self._refuse(f"temperature is {proposal.value:g}", f"a number from {low} to {high}")
        return proposal.value

    def _refuse(self, found: str, expected: str) -> None:
        raise traitlets.TraitError(f"Calibration: {found}; expected {expected}")

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        return (
            f"Calibration: {len(self.labels)} answers, {int(self.right.sum())} right\n"
            f"temperature {self.temperature:g}: mean confidence {self.confidence.mean():.4f}, "
            f"ECE {self.error:.4f}, loss {self.loss:.4f}\n"
            f"in each bin {self.reliability.answers.tolist()}"
        )
