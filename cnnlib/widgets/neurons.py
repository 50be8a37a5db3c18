"""A dense layer, drawn: inputs, weights and neurons, with the sum behind each output."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import relu
from cnnlib.dense import linear
from cnnlib.widgets.widget import Array, Predicting, Widget

LARGEST = 8  # inputs or neurons that still fit beside each other on a phone


class Neurons(Predicting, Widget):
    """A dense layer whose neurons can be followed, product by product.

    Parameters
    ----------
    x, weight, bias : arrays of shape (inputs,), (outputs, inputs) and (outputs,)
        At most 8 inputs and 8 outputs. Those of the worked example's first dense layer by default.
    activation : "relu" or "none"
        What becomes of each sum.
    position : int
        The product that has been reached, counted neuron by neuron from 0; by default the last one
        of the first neuron.
    predict : bool
        Hide the sums and ask for each first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced. To change several at once, assign inside
    `with widget.hold_trait_notifications():`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    x = Array({1: ()}, "(inputs,)", side=LARGEST)
    weight = Array({2: ()}, "(outputs, inputs)", side=LARGEST)
    bias = Array({1: ()}, "(outputs,)", side=LARGEST)
    activation = traitlets.Enum(["relu", "none"], "relu").tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(self, x: Any = None, weight: Any = None, bias: Any = None, **kwargs: Any) -> None:
        x = [15, 8, 20, 5] if x is None else x
        if bias is None:
            bias = worked_example.dense_1_bias if weight is None else np.zeros(len(weight), int)
        weight = worked_example.dense_1_weight if weight is None else weight
        kwargs = {"position": np.size(x) - 1} | kwargs
        super().__init__(x=x, weight=weight, bias=bias, **kwargs)

    @property
    def output(self) -> np.ndarray:
        """What the neurons give, shape (outputs,), computed by `cnnlib`."""
        sums = self._sums({})
        return relu(sums) if self.activation == "relu" else sums

    def _sums(self, changes: dict[str, np.ndarray]) -> np.ndarray:
        arrays = {name: getattr(self, name) for name in ("x", "weight", "bias")} | changes
        return linear(*(array.astype(float) for array in arrays.values()))

    @traitlets.validate("x", "weight", "bias")
    def _fits(self, proposal: Any) -> np.ndarray:
        name, value = proposal.trait.name, proposal.value
        if max(value.shape) > LARGEST:
            raise traitlets.TraitError(
                f"Neurons: {name} has shape {value.shape}; expected at most {LARGEST} of each"
            )
        try:
            self._sums({name: value})
        except ValueError as error:
            raise traitlets.TraitError(f"Neurons: {name} does not fit. {error}") from None
        return value

    @traitlets.validate("position")
    def _exists(self, proposal: Any) -> int:
        if proposal.value >= self.weight.size:
            raise traitlets.TraitError(
                f"Neurons: position is {proposal.value}; expected at most {self.weight.size - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        numbers = [(array.round(4) + 0).tolist() for array in (self.x, self.bias, self.output)]
        x, bias, output = numbers
        return (
            f"Neurons: inputs {x}, weight {self.weight.round(4).tolist()}, bias {bias}, "
            f"activation={self.activation!r}\n{output}"
        )
