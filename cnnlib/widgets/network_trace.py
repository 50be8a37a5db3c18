"""The worked network, whole: every number from the pixels to the loss, and every gradient back."""

import re
from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import relu, relu_backward
from cnnlib.convolution import conv2d, conv2d_backward
from cnnlib.dense import flatten, flatten_backward, linear, linear_backward
from cnnlib.loss import cross_entropy, cross_entropy_backward, softmax
from cnnlib.pooling import max_pool2d, max_pool2d_backward
from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Predicting, Widget

WORKED = {
    "image": worked_example.image,
    "kernel": worked_example.kernel,
    "bias": np.array([worked_example.bias]),
    "weight_1": worked_example.dense_1_weight,
    "bias_1": worked_example.dense_1_bias,
    "weight_2": worked_example.dense_2_weight,
    "bias_2": worked_example.dense_2_bias,
}
# Steps of the player: the layers from the image to the loss; backward, a dense layer or a
# convolution is a step for what it hands on and one for what it learns. "step" has no player.
STEPS = {"forward": 10, "backward": 13, "step": 10}


def worked(name: str) -> Array:
    """A trait for an array of the shape that it has in the worked network."""
    shape = WORKED[name].shape
    return Array({len(shape): ()}, str(shape)).tag(link=links.array(shape))


class NetworkTrace(Predicting, Widget):
    """The worked network on one canvas: choose a number, and its inputs and its sum appear.

    Parameters
    ----------
    mode : "forward", "backward" or "step"
        "forward" follows the numbers from the image to the loss. "backward" follows the gradients
        from the loss to the image and the kernel. "step" trains: it takes steps of gradient
        descent and draws the loss.
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
        How many steps of the pass are shown after its first: 0 to 9, counted from the image, or,
        backward, 0 to 12, counted from the loss.
    show_gradients : bool
        Show the gradients in place of the numbers, and their sums; at first only in "backward".
        Forward there are none.
    lr : float
        The learning rate of "step".
    losses : list of float
        The loss before each step that was taken.
    predict : bool
        Hide what is computed and ask for each number, or each gradient, first; not in "step".
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
    classes = traitlets.List(list(worked_example.classes), read_only=True).tag(sync=True, link=None)
    mode = traitlets.Enum(list(STEPS), "forward").tag(sync=True)
    selected = traitlets.Unicode("loss[0,0]").tag(sync=True, link=links.PLACE)
    position = traitlets.Int(STEPS["forward"] - 1, min=0).tag(sync=True)
    show_gradients = traitlets.Bool(False).tag(sync=True)
    lr = traitlets.Float(0.001).tag(sync=True, link={"exclusiveMinimum": 0})
    losses = traitlets.List(traitlets.Float()).tag(
        sync=True, link={"maxItems": links.COUNT}, left="the losses so far"
    )

    def __init__(self, **kwargs: Any) -> None:
        backward = {"show_gradients": True, "position": STEPS["backward"] - 1}
        extra = backward if kwargs.get("mode") == "backward" else {}
        super().__init__(**(WORKED | extra | kwargs))

    @property
    def values(self) -> dict[str, np.ndarray]:
        """What the layers give, computed by `cnnlib`: each layer's name and its array."""
        return {name: array.squeeze() for name, array in self._forward()[1].items()}

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """The gradients, computed by `cnnlib`: each layer's and parameter's, the last one first."""
        x, kept = self._forward()
        grads = {"logits": cross_entropy_backward(1.0, kept["logits"], np.array([self.target]))}
        grads["hidden"], grads["weight_2"], grads["bias_2"] = linear_backward(
            grads["logits"], kept["hidden"], x["weight_2"]
        )
        grads["sums"] = relu_backward(grads["hidden"], kept["sums"])
        grads["flat"], grads["weight_1"], grads["bias_1"] = linear_backward(
            grads["sums"], kept["flat"], x["weight_1"]
        )
        grads["pool"] = flatten_backward(grads["flat"], kept["pool"])
        grads["relu"] = max_pool2d_backward(grads["pool"], kept["relu"], 2)
        grads["map"] = relu_backward(grads["relu"], kept["map"])
        grads["image"], grads["kernel"], grads["bias"] = conv2d_backward(
            grads["map"], x["image"], x["kernel"]
        )
        return {name: array.squeeze() for name, array in grads.items()}

    def _forward(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """What is given and what the layers make of it, for a batch of one image."""
        given = {name: getattr(self, name).astype(float) for name in WORKED}
        given |= {name: given[name][None, None] for name in ("image", "kernel")}
        values = {"map": conv2d(given["image"], given["kernel"], given["bias"])}
        values["relu"] = relu(values["map"])
        values["pool"] = max_pool2d(values["relu"], 2)
        values["flat"] = flatten(values["pool"])
        values["sums"] = linear(values["flat"], given["weight_1"], given["bias_1"])
        values["hidden"] = relu(values["sums"])
        values["logits"] = linear(values["hidden"], given["weight_2"], given["bias_2"])
        values["probability"] = softmax(values["logits"])
        values["loss"] = cross_entropy(values["logits"], np.array([self.target]))
        return given, values

    @traitlets.validate(*WORKED)
    def _has_the_networks_shape(self, proposal: Any) -> np.ndarray:
        name, value = proposal.trait.name, proposal.value
        if value.shape != WORKED[name].shape:
            raise traitlets.TraitError(
                f"NetworkTrace: {name} has shape {value.shape}; expected {WORKED[name].shape}"
            )
        return value

    @traitlets.validate("position")
    def _is_a_step(self, proposal: Any) -> int:
        if proposal.value >= STEPS[self.mode]:
            raise traitlets.TraitError(
                f"NetworkTrace: position is {proposal.value}; "
                f"expected at most {STEPS[self.mode] - 1} in mode {self.mode!r}"
            )
        return proposal.value

    @traitlets.validate("lr")
    def _goes_down(self, proposal: Any) -> float:
        if not 0 < proposal.value < np.inf:
            raise traitlets.TraitError(
                f"NetworkTrace: lr is {proposal.value}; expected a finite number above 0"
            )
        return proposal.value

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
        """State the numbers, so that a notebook's stored text can be compared."""
        states = {
            "forward": "",
            "backward": ", backward",
            "step": f", {len(self.losses)} steps with lr {self.lr:g}",
        }
        arrays = self.values
        if self.mode == "backward":
            arrays |= {f"d {name}": array for name, array in self.gradients.items()}
        lines = [f"{name} {(v.round(4) + 0).tolist()}" for name, v in arrays.items()]
        header = f"NetworkTrace: target {self.classes[self.target]}{states[self.mode]}"
        return "\n".join([header, *lines])
