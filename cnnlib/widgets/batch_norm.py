"""Batch normalization of a few numbers: by the batch and by the running numbers."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.normalization import BatchNorm2d
from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Predicting, Widget

LARGEST = 9999  # what still fits a cell
LIMITS = {
    "gamma": (-LARGEST, LARGEST),
    "beta": (-LARGEST, LARGEST),
    "running_mean": (-LARGEST, LARGEST),
    "running_var": (0, 1e9),
}


class BatchNorm(Predicting, Widget):
    """One channel's numbers of a batch, normalized as in training and as in evaluation.

    Parameters
    ----------
    batch : array of shape (numbers,)
        2 to 8 numbers, from -9999 to 9999.
    gamma, beta : float
        The scale and the shift.
    running_mean, running_var : float
        What evaluation uses. In training each batch moves them by a tenth.
    batches : int
        How many batches have moved them.
    training : bool
        The mode: whether the next batch moves them.
    source : (float, float)
        Mean and standard deviation of the numbers that the next batch is drawn from.
    chosen : int
        The number whose sums are written out, from 0.
    predict : bool
        Hide that number's output in the chosen mode and ask for it first.
    score : (int, int)
        Outputs predicted right at the first try, and outputs asked.

    All of them are synced.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    batch = Array({1: ()}, "(numbers,)", links.between(-LARGEST, LARGEST))
    batch.tag(link={"minItems": 2, "maxItems": 8})
    gamma = traitlets.Float(2.0).tag(sync=True, link=links.between(*LIMITS["gamma"]))
    beta = traitlets.Float(1.0).tag(sync=True, link=links.between(*LIMITS["beta"]))
    running_mean = traitlets.Float(0.0).tag(sync=True, link=links.between(*LIMITS["running_mean"]))
    running_var = traitlets.Float(1.0).tag(sync=True, link=links.between(*LIMITS["running_var"]))
    batches = traitlets.Int(0, min=0).tag(sync=True)
    training = traitlets.Bool(True).tag(sync=True)
    source = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(4.0, 2.0))
    source.tag(
        sync=True,
        link={"prefixItems": [links.between(-LARGEST, LARGEST), links.between(0, LARGEST)]},
    )
    chosen = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, batch: Any = (1, 3, 4, 5, 7), **kwargs: Any) -> None:
        super().__init__(batch=batch, **kwargs)

    def output(self, training: bool) -> np.ndarray:
        """Return what `cnnlib.BatchNorm2d` makes of the batch in that mode, shape (numbers,)."""
        layer = BatchNorm2d(1, dtype=np.float64)
        layer.weight.data[:], layer.bias.data[:] = self.gamma, self.beta
        layer.running_mean[:], layer.running_var[:] = self.running_mean, self.running_var
        x = self.batch.astype(float).reshape(-1, 1, 1, 1)
        if training:
            return layer(x).ravel()
        with layer.evaluation():
            return layer(x).ravel()

    @traitlets.validate("batch")
    def _can_be_drawn(self, proposal: Any) -> np.ndarray:
        batch = proposal.value
        if not 2 <= len(batch) <= 8 or np.abs(batch).max() > LARGEST:
            raise traitlets.TraitError(
                f"BatchNorm: batch is {batch.tolist()}; "
                f"expected 2 to 8 numbers from {-LARGEST} to {LARGEST}"
            )
        self._has(self.chosen, len(batch))
        return batch

    @traitlets.validate("chosen")
    def _is_one_of_them(self, proposal: Any) -> int:
        self._has(proposal.value, len(self.batch))
        return proposal.value

    @staticmethod
    def _has(chosen: int, count: int) -> None:
        if chosen >= count:
            raise traitlets.TraitError(
                f"BatchNorm: chosen is {chosen}; expected at most {count - 1}"
            )

    @traitlets.validate(*LIMITS)
    def _is_within_its_limits(self, proposal: Any) -> float:
        name, value = proposal.trait.name, proposal.value
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise traitlets.TraitError(
                f"BatchNorm: {name} is {value}; expected a number from {low:g} to {high:g}"
            )
        return value

    @traitlets.validate("source")
    def _can_be_drawn_from(self, proposal: Any) -> tuple[float, float]:
        mean, deviation = proposal.value
        if not (abs(mean) <= LARGEST and 0 <= deviation <= LARGEST):
            raise traitlets.TraitError(
                f"BatchNorm: source is {proposal.value}; expected a mean from {-LARGEST} to "
                f"{LARGEST} and a deviation from 0 to {LARGEST}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        training, evaluation = ((self.output(m).round(3) + 0).tolist() for m in (True, False))
        return (
            f"BatchNorm: {self.batch.tolist()}, gamma {self.gamma:g}, beta {self.beta:g}\n"
            f"in training {training}\n"
            f"in evaluation, by mean {self.running_mean:g} and variance {self.running_var:g}, "
            f"{evaluation}"
        )
