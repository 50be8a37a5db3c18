"""Logits that can be dragged: probabilities, the loss and its gradient follow."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.loss import cross_entropy, cross_entropy_backward, softmax
from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Predicting, Widget

CLASSES = {"minItems": 2, "maxItems": 6}
LARGEST = 1e6  # a slider that reaches further could no longer be set


class Logits(Predicting, Widget):
    """Logits, the softmax and the cross-entropy of them, and the gradient p - y.

    Parameters
    ----------
    logits : array of shape (classes,)
        2 to 6 numbers. Those of the worked example by default.
    target : int
        The right class; by default the worked example's, or 0 when `logits` are given.
    classes : sequence of str
        A name for each; by default those of the worked example when there are 3, else "class 0"
        and so on.
    stable : bool
        Subtract the largest logit before e is raised to it.
    predict : bool
        Hide what is computed and ask for the loss first.
    score : (int, int)
        Losses predicted right at the first try, and losses asked.

    All of them are synced.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    logits = Array({1: ()}, "(classes,)", links.between(-LARGEST, LARGEST)).tag(link=CLASSES)
    target = traitlets.Int(0, min=0).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True, link=CLASSES)
    stable = traitlets.Bool(True).tag(sync=True)

    def __init__(self, logits: Any = None, target: int | None = None, **kwargs: Any) -> None:
        if target is None:
            target = worked_example.target if logits is None else 0
        logits = [7.86, 8.78, 9.64] if logits is None else logits
        if "classes" not in kwargs:
            worked = len(logits) == len(worked_example.classes)
            names = worked_example.classes if worked else [f"class {k}" for k in range(len(logits))]
            kwargs["classes"] = list(names)
        super().__init__(logits=logits, target=target, **kwargs)

    @property
    def probabilities(self) -> np.ndarray:
        """The softmax of the logits, shape (classes,), computed by `cnnlib`."""
        return softmax(self.logits.astype(float))

    @property
    def loss(self) -> float:
        """The cross-entropy of the logits and the target."""
        return float(cross_entropy(self.logits.astype(float), self.target))

    @property
    def gradient(self) -> np.ndarray:
        """The loss's gradient for the logits, shape (classes,)."""
        return cross_entropy_backward(1.0, self.logits.astype(float), self.target)

    @traitlets.validate("logits")
    def _can_be_dragged(self, proposal: Any) -> np.ndarray:
        logits = proposal.value
        if not 2 <= len(logits) <= 6 or np.abs(logits).max() > LARGEST:
            raise traitlets.TraitError(
                f"Logits: logits is {logits.tolist()}; "
                f"expected 2 to 6 numbers from {-LARGEST:g} to {LARGEST:g}"
            )
        self._fits(len(logits), self.classes, self.target)
        return logits

    @traitlets.validate("classes")
    def _has_a_name_for_each(self, proposal: Any) -> list[str]:
        self._fits(len(self.logits), proposal.value, self.target)
        return proposal.value

    @traitlets.validate("target")
    def _is_a_class(self, proposal: Any) -> int:
        self._fits(len(self.logits), self.classes, proposal.value)
        return proposal.value

    @staticmethod
    def _fits(count: int, classes: list[str], target: int) -> None:
        if len(classes) != count:
            raise traitlets.TraitError(
                f"Logits: classes has {len(classes)} names; expected {count}, one for each logit"
            )
        if target >= count:
            raise traitlets.TraitError(f"Logits: target is {target}; expected at most {count - 1}")

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        return (
            f"Logits: {self.logits.tolist()}, target {self.classes[self.target]}\n"
            f"p {self.probabilities.round(4).tolist()}, loss {self.loss:.4f}, "
            f"p - y {(self.gradient.round(4) + 0).tolist()}"
        )
