"""Stack layers and watch shapes, parameters, multiply-adds and receptive fields follow."""

from typing import Any

import numpy as np
import traitlets

import cnnlib
from cnnlib import checks
from cnnlib.widgets import links
from cnnlib.widgets.widget import Predicting, Widget, unknown

Layers = list[dict[str, Any]]

# Each kind of layer: its numbers, with the least possible and the usual value.
POOLING = {"kernel_size": (1, 2), "stride": (1, 2), "padding": (0, 0)}
KINDS = {
    "Conv2d": {
        "out_channels": (1, 8),
        "kernel_size": (1, 3),
        "stride": (1, 1),
        "padding": (0, 0),
        "dilation": (1, 1),
        "groups": (1, 1),
    },
    "ReLU": {},
    "Tanh": {},
    "MaxPool2d": POOLING,
    "AvgPool2d": POOLING,
    "GlobalAvgPool2d": {},
    "BatchNorm2d": {},
    "Dropout": {},
    "Flatten": {},
    "Linear": {"out_features": (1, 10)},
}
INPUTS = {"Conv2d": "in_channels", "BatchNorm2d": "num_features", "Linear": "in_features"}
LARGEST = 99_999  # of any number: their products stay exact in the page
SIZES = {"items": {"type": "integer", "minimum": 1, "maximum": LARGEST}}
LAYERS = {
    "type": "array",
    "items": {
        "anyOf": [
            {
                "type": "object",
                "properties": {"kind": {"enum": [kind]}}
                | {
                    name: {"type": "integer", "minimum": least, "maximum": LARGEST}
                    for name, (least, _) in numbers.items()
                },
            }
            for kind, numbers in KINDS.items()
        ]
    },
    "minItems": 1,
    "maxItems": links.DEEPEST,
}


def complete(layer: Any, owner: str = "ArchitectureBuilder") -> dict[str, Any]:
    """Return a layer with all its numbers; those not given have their usual value.

    Raises ValueError or TypeError, naming what is wrong.
    """
    kind = layer.get("kind") if isinstance(layer, dict) else layer
    if not isinstance(kind, str) or kind not in KINDS:
        kinds = list(KINDS)
        raise ValueError(f"{owner}: layers has the kind {kind!r}; expected {kinds}")
    given = layer if isinstance(layer, dict) else {}
    for name in given.keys() - KINDS[kind].keys() - {"kind"}:
        raise ValueError(unknown(f"{owner}: {kind}", name, list(KINDS[kind])))
    full = {"kind": kind}
    for name, (least, usual) in KINDS[kind].items():
        full[name] = integer(f"{owner}: {kind}", name, given.get(name, usual), least)
    return full


def integer(owner: str, name: str, value: Any, least: int) -> int:
    """Return `value` as a whole number from `least` to the largest that can be drawn."""
    number = checks.integer(owner, name, value, least)
    if number > LARGEST:
        raise ValueError(f"{owner}: {name} is {number}; expected at most {LARGEST}")
    return number


def conv(out_channels: int, kernel_size: int = 3, **numbers: int) -> dict[str, Any]:
    """Return a convolution of a preset."""
    return {"kind": "Conv2d", "out_channels": out_channels, "kernel_size": kernel_size, **numbers}


def linear(out_features: int) -> dict[str, Any]:
    """Return a dense layer of a preset."""
    return {"kind": "Linear", "out_features": out_features}


PRESETS = {
    "three convolutions": {
        "input_shape": [1, 28, 28],
        "layers": [
            *[conv(64), "ReLU", "MaxPool2d"],
            *[conv(128), "ReLU", "MaxPool2d"],
            *[conv(64), "ReLU", "MaxPool2d"],
            *["Flatten", linear(20), "ReLU", linear(10)],
        ],
    },
    "two convolutions, padded": {
        "input_shape": [1, 28, 28],
        "layers": [
            *[conv(32, padding=1), "MaxPool2d", "ReLU"],
            *[conv(64, padding=1), "MaxPool2d", "ReLU"],
            *["Flatten", linear(128), "ReLU", linear(10)],
        ],
    },
    "LeNet-5, as built today": {
        "input_shape": [1, 32, 32],
        "layers": [
            *[conv(6, 5), "Tanh", "AvgPool2d"],
            *[conv(16, 5), "Tanh", "AvgPool2d"],
            *[conv(120, 5), "Tanh", "Flatten", linear(84), "Tanh", linear(10)],
        ],
    },
    "the worked example": {
        "input_shape": [1, 6, 6],
        "layers": [conv(1), "ReLU", "MaxPool2d", "Flatten", linear(3), "ReLU", linear(3)],
    },
}


class ArchitectureBuilder(Predicting, Widget):
    """A stack of layers that a reader changes, with everything that can be counted beforehand.

    Parameters
    ----------
    layers : list of dict or str
        One per layer: {"kind": "Conv2d", "out_channels": 64, "kernel_size": 3}. A kind alone, or
        a number that is left out, stands for the usual value. What comes in (`in_channels`,
        `in_features`) follows from the layers before. The first preset by default.
    input_shape : (int, int, int)
        One image: channels, rows, columns.
    presets : dict from str to {"input_shape": ..., "layers": ...}
        What the reader can choose to begin with.
    selected : int
        The layer that is open, counted from 0; -1 is none.
    predict : bool
        Hide the numbers and ask for them, layer by layer.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced: what the reader changes in the page is the value in Python, and an
    assignment redraws the page. A stack whose shapes do not fit is shown, with the reason.

    Raises
    ------
    TraitError
        When a layer or a number is not possible: it names it.

    """

    layers = traitlets.List(minlen=1).tag(sync=True, link=LAYERS)
    input_shape = traitlets.List([1, 28, 28])
    input_shape.tag(sync=True, link={"type": "array", "minItems": 3, "maxItems": 3} | SIZES)
    presets = traitlets.Dict().tag(sync=True)
    selected = traitlets.Int(-1, min=-1).tag(sync=True)

    def __init__(self, layers: Layers | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("presets", PRESETS)
        if layers is None:
            kwargs = {**next(iter(kwargs["presets"].values())), **kwargs}
        else:
            kwargs["layers"] = layers
        super().__init__(**kwargs)

    @property
    def network(self) -> cnnlib.Sequential:
        """The layers as a network of cnnlib; raises ValueError where their shapes do not fit."""
        return build(self.layers, self.input_shape)

    @traitlets.validate("layers", "input_shape", "presets")
    def _possible(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        try:
            if name == "input_shape":
                return whole_shape(value)
            if name == "layers":
                return [complete(layer) for layer in value]
            return {title: whole_preset(title, preset) for title, preset in value.items()}
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(str(error)) from None

    def __repr__(self) -> str:
        """State the layers and what can be counted, so that stored outputs can be compared."""
        shape = "×".join(map(str, self.input_shape))
        try:
            text = repr(cnnlib.summary(self.network, tuple(self.input_shape)))
        except ValueError as error:
            text = f"{', '.join(layer['kind'] for layer in self.layers)}\n{error}"
        return f"ArchitectureBuilder: input {shape}\n{text}"


def whole_shape(shape: Any) -> list[int]:
    """Return (channels, rows, columns) as a list of whole numbers."""
    if len(shape) != 3:
        raise ValueError(
            f"ArchitectureBuilder: input_shape is {shape}; expected (channels, rows, columns)"
        )
    owner = "ArchitectureBuilder: input"
    return [integer(owner, "input_shape", number, 1) for number in shape]


def whole_preset(title: str, preset: Any) -> dict[str, Any]:
    """Return a preset with all the numbers of its layers."""
    if not isinstance(preset, dict) or preset.keys() != {"input_shape", "layers"}:
        raise ValueError(
            f"ArchitectureBuilder: presets has {preset!r} as {title!r}; "
            "expected a dict of input_shape and layers"
        )
    layers = [complete(layer) for layer in preset["layers"]]
    return {"input_shape": whole_shape(preset["input_shape"]), "layers": layers}


def build(layers: Layers, input_shape: list[int]) -> cnnlib.Sequential:
    """Return the network, each layer made for what the layers before it give."""
    made: list[cnnlib.Layer] = []
    x = np.zeros((1, *input_shape), np.float32)
    for layer in layers:
        kind, numbers = layer["kind"], {k: v for k, v in layer.items() if k != "kind"}
        if kind in INPUTS:
            numbers[INPUTS[kind]] = x.shape[1]
        if kind == "Residual":
            numbers = {"body": build(numbers["layers"], list(x.shape[1:]))}
        made.append(getattr(cnnlib, kind)(**numbers))
        with made[-1].evaluation():  # one image is too few for batch norm's statistics
            x = made[-1](x)
    return cnnlib.Sequential(*made)
