"""The worked network, whole: every number from the pixels to the loss, and where it came from."""

import re
from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import relu
from cnnlib.convolution import conv2d
from cnnlib.dense import flatten, linear
from cnnlib.loss import cross_entropy, softmax
from cnnlib.pooling import max_pool2d
from cnnlib.widgets.widget import Array, Widget

WORKED = {
    "image": worked_example.image,
    "kernel": worked_example.kernel,
    "bias": np.array([worked_example.bias]),
    "weight_1": worked_example.dense_1_weight,
    "bias_1": worked_example.dense_1_bias,
    "weight_2": worked_example.dense_2_weight,
    "bias_2": worked_example.dense_2_bias,
}
STEPS = 10  # image, convolution, ReLU, pooling, flatten, dense, ReLU, dense, softmax, loss


def worked(name: str) -> Array:
    """A trait for an array of the shape that it has in the worked network."""
    shape = WORKED[name].shape
    return Array({len(shape): ()}, str(shape))


class NetworkTrace(Widget):
    """The worked network on one canvas: choose a number, and its inputs and its sum appear.

    Parameters
    ----------
    image, kernel, bias : arrays of shape (6, 6), (3, 3) and (1,)
        What the convolution reads.
    weight_1, bias_1 : arrays of shape (3, 4) and (3,)
        The first dense layer; its outputs go through ReLU.
    weight_2, bias_2 : arrays of shape (3, 3) and (3,)
        The second dense layer, whose outputs are the logits.
    target : int
        The right class: 0, 1 or 2.
    selected : str
        The number that is traced, by its layer, row and column: "map[1,1]". The layers are, in
        order, image, kernel, bias, weight_1, bias_1, weight_2, bias_2, target, and, computed, map,
        relu, pool, flat, sums, hidden, logits, probability, loss. A vector is a column.
    position : int
        How many steps of the forward pass are shown after the image, 0 to 9.
    predict : bool
        Hide what is computed and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced, and what is not given is that of the worked network.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = worked("image")
    kernel = worked("kernel")
    bias = worked("bias")
    weight_1 = worked("weight_1")
    bias_1 = worked("bias_1")
    weight_2 = worked("weight_2")
    bias_2 = worked("bias_2")
    target = traitlets.Int(worked_example.target, min=0, max=2).tag(sync=True)
    classes = traitlets.List(list(worked_example.classes), read_only=True).tag(sync=True)
    selected = traitlets.Unicode("loss[0,0]").tag(sync=True)
    position = traitlets.Int(STEPS - 1, min=0, max=STEPS - 1).tag(sync=True)
    predict = traitlets.Bool(False).tag(sync=True)
    score = traitlets.Tuple(traitlets.Int(0), traitlets.Int(0), default_value=(0, 0)).tag(sync=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(WORKED | kwargs))

    @property
    def values(self) -> dict[str, np.ndarray]:
        """What the layers give, computed by `cnnlib`: each layer's name and its array."""
        given = {name: getattr(self, name).astype(float) for name in WORKED}
        x, weight = given["image"][None, None], given["kernel"][None, None]
        values = {"map": conv2d(x, weight, given["bias"])}
        values["relu"] = relu(values["map"])
        values["pool"] = max_pool2d(values["relu"], 2)
        values["flat"] = flatten(values["pool"])
        values["sums"] = linear(values["flat"], given["weight_1"], given["bias_1"])
        values["hidden"] = relu(values["sums"])
        values["logits"] = linear(values["hidden"], given["weight_2"], given["bias_2"])
        values["probability"] = softmax(values["logits"])
        values["loss"] = cross_entropy(values["logits"], np.array([self.target]))
        return {name: array.squeeze() for name, array in values.items()}

    @traitlets.validate(*WORKED)
    def _has_the_networks_shape(self, proposal: Any) -> np.ndarray:
        name, value = proposal.trait.name, proposal.value
        if value.shape != WORKED[name].shape:
            raise traitlets.TraitError(
                f"NetworkTrace: {name} has shape {value.shape}; expected {WORKED[name].shape}"
            )
        return value

    @traitlets.validate("selected")
    def _exists(self, proposal: Any) -> str:
        shapes = {name: array.shape for name, array in (WORKED | self.values).items()}
        shapes |= {"loss": (1,), "target": (3,)}
        match = re.fullmatch(r"(\w+)\[(\d+),(\d+)\]", proposal.value)
        rows, columns = (*shapes.get(match[1], (0,)), 1)[:2] if match else (0, 0)
        if not match or int(match[2]) >= rows or int(match[3]) >= columns:
            raise traitlets.TraitError(
                f"NetworkTrace: selected is {proposal.value!r}; "
                "expected a layer with row and column, such as 'map[1,1]'"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State what the layers give, so that a notebook's stored text can be compared."""
        lines = [f"{name} {(v.round(4) + 0).tolist()}" for name, v in self.values.items()]
        return "\n".join([f"NetworkTrace: target {self.classes[self.target]}", *lines])
