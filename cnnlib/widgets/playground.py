"""Build a network, train it in the page, break it, and look into it while it learns."""

from typing import Any

import numpy as np
import traitlets

import cnnlib
from cnnlib import checks
from cnnlib.widgets import links
from cnnlib.widgets.architecture_builder import Layers, build, complete, conv, linear
from cnnlib.widgets.packed import pack_digits
from cnnlib.widgets.widget import Widget, unknown

# What else may be wrong with the layers of a link, the page knows.
LAYERS = {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": links.DEEPEST}
CLASSES, SIDE = 10, 8
SHAPES = {"digits": [1, SIDE, SIDE], "places": [1, 2 * SIDE, 2 * SIDE]}
IMAGES = 1297  # that may be trained on; the other 500 are held out
DRAWINGS, RUNS, SEEDS = 200, 8, 5

DROPOUT = {"kind": "Dropout", "p": 0.5}
OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "step", "cosine", "one_cycle")
TABS = ("Build", "Data", "Train", "Inside", "Mistakes", "Draw", "Break it", "Compare", "Code")
# Each setting: its usual value, and the least and largest of what is possible, or the choices.
SETTINGS: dict[str, tuple] = {
    "optimizer": ("sgd", OPTIMIZERS),
    "lr": (0.05, 0, 1000),
    "momentum": (0.9, 0, 0.999),
    "weight_decay": (0.0, 0, 1),
    "batch_size": (32, 1, IMAGES),
    "schedule": ("constant", SCHEDULES),
    "epochs": (20, 1, 1000),
    "shift": (0, 0, 2),
    "wrong_labels": (0.0, 0, 1),
    "images": (IMAGES, CLASSES, IMAGES),
    "shuffled_pixels": (False,),
    "zero_weights": (False,),
}
WHOLE = ("batch_size", "epochs", "shift", "images")
PADDED = {"padding": 1}
PRESETS: dict[str, list] = {
    "LeNet-like": [
        *[conv(8, **PADDED), "ReLU", "MaxPool2d"],
        *[conv(16, **PADDED), "ReLU", "MaxPool2d"],
        *["Flatten", linear(32), "ReLU", linear(CLASSES)],
    ],
    "dense only": ["Flatten", linear(64), "ReLU", linear(CLASSES)],
    "with batch normalization": [
        *[conv(8, **PADDED), "BatchNorm2d", "ReLU", "MaxPool2d"],
        *[conv(16, **PADDED), "BatchNorm2d", "ReLU", "MaxPool2d"],
        *["Flatten", linear(CLASSES)],
    ],
    "residual": [
        *[conv(8, **PADDED), "ReLU"],
        {"kind": "Residual", "layers": [conv(8, **PADDED), "ReLU", conv(8, **PADDED)]},
        *["ReLU", "MaxPool2d"],
        {"kind": "Residual", "layers": [conv(8, **PADDED), "ReLU", conv(8, **PADDED)]},
        *["ReLU", "GlobalAvgPool2d", "Flatten", linear(CLASSES)],
    ],
    "too deep": [*[conv(8, **PADDED), "ReLU"] * 12, "Flatten", linear(CLASSES)],
    "no activation": [
        *[conv(8, **PADDED), "AvgPool2d", conv(16, **PADDED), "AvgPool2d"],
        *["Flatten", linear(32), linear(CLASSES)],
    ],
}


class Playground(Widget):
    """A network that is built, trained and broken in the page, in a worker of its own.

    Parameters
    ----------
    layers : list of dict or str
        One per layer, as `ArchitectureBuilder` has them, and besides {"kind": "Dropout", "p": 0.5}
        and {"kind": "Residual", "layers": [...]}. The last one gives a number for each of the 10
        classes. LeNet-like by default.
    data : "digits" or "places"
        Scikit-learn's digits, 1×8×8; or each of them at a random place of a canvas of 1×16×16.
    settings : dict
        How it is trained; what is left out has its usual value. optimizer ("sgd", "adam",
        "adamw"), lr, momentum, weight_decay, batch_size, schedule ("constant", "step", "cosine",
        "one_cycle") over `epochs`; shift, by how many pixels images are moved; wrong_labels, the
        share of them; images, how many are trained on; shuffled_pixels; zero_weights.
    seed : int
        Of the first weights, the batches and all else that is drawn.
    seeds : int
        How many networks are trained at once, with seeds from `seed` on: 1 to 5.
    drawings : list of {"pixels": [...], "label": int}
        The reader's own digits, 64 numbers from 0 to 16 each; they are trained on, too.
    presets : dict from str to list
        Layers that the reader can begin with.
    history : list of dict
        What the page has measured: epoch, batches, loss, accuracy, validation_loss and
        validation_accuracy, one entry per epoch and one before the first. The page writes it.
    runs : list of {"name": str, "history": list}
        The runs that the reader has kept to compare, at most 8.
    tab : str
        The part that is open.
    selected : int
        The layer that is looked at; -1 is none.
    image : int
        Which of the held-out images is looked at.

    All of them are synced. A stack of layers whose shapes do not fit is shown, with the reason.

    Raises
    ------
    TraitError
        When a value is not possible: it names it, what came and what was expected.

    """

    layers = traitlets.List(minlen=1).tag(sync=True, link=LAYERS)
    data = traitlets.Enum(tuple(SHAPES), "digits").tag(sync=True)
    settings = traitlets.Dict().tag(sync=True, link={"type": "object"})
    seed = traitlets.Int(0, min=0, max=2**31 - 1).tag(sync=True)
    seeds = traitlets.Int(1, min=1, max=SEEDS).tag(sync=True)
    drawings = traitlets.List(traitlets.Dict(), maxlen=DRAWINGS)
    drawings.tag(sync=True, link={"type": "array", "maxItems": DRAWINGS}, left="your drawings")
    presets = traitlets.Dict(traitlets.List()).tag(sync=True)
    digits = traitlets.Dict().tag(sync=True)
    history = traitlets.List(traitlets.Dict())
    history.tag(sync=True, link=None, left="what the networks have learned")
    runs = traitlets.List(traitlets.Dict(), maxlen=RUNS)
    runs.tag(sync=True, link=None, left="the runs you have kept")
    tab = traitlets.Enum(TABS, TABS[0]).tag(sync=True)
    selected = traitlets.Int(-1, min=-1).tag(sync=True)
    image = traitlets.Int(0, min=0, max=499).tag(sync=True)

    def __init__(
        self, layers: Layers | None = None, data: str = "digits", settings: dict | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs.setdefault("presets", PRESETS)
        kwargs.setdefault("digits", pack_digits())
        layers = next(iter(kwargs["presets"].values())) if layers is None else layers
        super().__init__(layers=layers, data=data, settings=settings or {}, **kwargs)

    @property
    def network(self) -> cnnlib.Sequential:
        """The layers as a network of cnnlib, with the first weights that the page gives them.

        Raises ValueError where their shapes do not fit.
        """
        network = first_network(self.layers, self.seed, SHAPES[self.data])
        for parameter in network.parameters() if self.settings["zero_weights"] else ():
            parameter.data[...] = 0
        return network

    @traitlets.validate("layers", "presets")
    def _can_be_built(self, proposal: Any) -> Any:
        try:
            if proposal.trait.name == "layers":
                return [whole_layer(layer) for layer in proposal.value]
            return {
                title: [whole_layer(one) for one in list] for title, list in proposal.value.items()
            }
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(str(error)) from None

    @traitlets.validate("settings", "drawings")
    def _can_be_trained(self, proposal: Any) -> Any:
        try:
            if proposal.trait.name == "settings":
                return whole_settings(proposal.value)
            return [whole_drawing(one) for one in proposal.value]
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(str(error)) from None

    def __repr__(self) -> str:
        """State the layers, the data and the settings that are not usual."""
        other = [
            f"{name} {value}"
            for name, value in self.settings.items()
            if value != SETTINGS[name][0] or name in ("optimizer", "lr", "batch_size")
        ]
        shape = "×".join(map(str, SHAPES[self.data]))
        try:
            text = repr(cnnlib.summary(self.network, tuple(SHAPES[self.data])))
        except ValueError as error:
            text = f"{', '.join(layer['kind'] for layer in self.layers)}\n{error}"
        drawn = f", {len(self.drawings)} drawings" if self.drawings else ""
        return f"Playground: {self.data} {shape}{drawn}, {', '.join(other)}\n{text}"


def mixed(x: np.ndarray) -> np.ndarray:
    """32 bits, each of which depends on all bits of x: "lowbias32", by Chris Wellons."""
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def chances(count: int, *keys: int) -> np.ndarray:
    """Return `count` numbers from 0 to below 1, for the same keys the same as in the page."""
    start = np.zeros(1, np.uint32)
    for key in keys:
        start = mixed(start + np.uint32(key + 1))
    return mixed(start + np.arange(count, dtype=np.uint32)) / 2**32


def first_network(
    layers: Layers, seed: int = 0, input_shape: list[int] = SHAPES["digits"]
) -> cnnlib.Sequential:
    """Return layers as a network of cnnlib with the weights that it begins with in the page.

    The weights are torch's usual ones, drawn from the page's own numbers by chance. Raises
    ValueError where the shapes do not fit.
    """
    network = build([whole_layer(layer) for layer in layers], input_shape)
    kinds = (cnnlib.Conv2d, cnnlib.Linear)
    drawn = [layer for _, layer in network.layers() if isinstance(layer, kinds)]
    for i, layer in enumerate(drawn):
        weight, bias = layer.weight.data, layer.bias.data
        numbers = 2 * chances(weight.size + bias.size, seed, 0, i) - 1
        numbers = numbers / weight[0].size ** 0.5
        weight[...] = numbers[: weight.size].reshape(weight.shape)
        bias[...] = numbers[weight.size :]
    return network


def whole_layer(layer: Any) -> dict[str, Any]:
    """Return a layer with all its numbers; raises ValueError or TypeError, naming what is wrong."""
    kind = layer.get("kind") if isinstance(layer, dict) else layer
    if kind == "Residual":
        inner = layer.get("layers") if isinstance(layer, dict) else None
        if not isinstance(inner, list) or not inner or len(layer) > 2:
            raise ValueError(
                f"Playground: Residual: layers is {inner!r}; expected a list of layers"
            )
        return {"kind": kind, "layers": [whole_layer(one) for one in inner]}
    if kind == "Dropout" and isinstance(layer, dict) and layer.keys() <= DROPOUT.keys():
        p = checks.number("Playground: Dropout", "p", layer.get("p", DROPOUT["p"]), 0, 0.95)
        return {"kind": kind, "p": p}
    return dict(DROPOUT) if kind == "Dropout" else complete(layer, "Playground")


def whole_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return all settings, those that are not given as usual; raises as `whole_layer` does."""
    for name in settings.keys() - SETTINGS.keys():
        raise ValueError(unknown("Playground: settings", str(name), list(SETTINGS)))
    return {
        name: setting(name, settings.get(name, usual), *limits)
        for name, (usual, *limits) in SETTINGS.items()
    }


def setting(name: str, value: Any, *limits: Any) -> Any:
    """Return the value of one setting, once it is known to be possible."""
    owner = "Playground: settings"
    if not limits:
        return checks.flag(owner, name, value)
    if len(limits) == 1:
        return checks.choice(owner, name, value, limits[0])
    least, largest = limits
    if name in WHOLE:
        value = checks.integer(owner, name, value, least)
    number = checks.number(owner, name, value, least, largest)
    if name == "lr" and number == 0:
        raise ValueError(f"{owner}: lr is 0; expected more than 0")
    return value if name in WHOLE else number


def whole_drawing(drawing: Any) -> dict[str, Any]:
    """Return a drawing with its numbers as floats; raises as `whole_layer` does."""
    owner = "Playground: drawings"
    if not isinstance(drawing, dict) or drawing.keys() != {"pixels", "label"}:
        raise ValueError(f"{owner} has {drawing!r}; expected a dict of pixels and label")
    label, pixels = checks.integer(owner, "label", drawing["label"], 0), drawing["pixels"]
    if label >= CLASSES:
        raise ValueError(f"{owner}: label is {label}; expected 0 to {CLASSES - 1}")
    if not isinstance(pixels, list) or len(pixels) != SIDE * SIDE:
        raise ValueError(f"{owner}: pixels is no list of {SIDE * SIDE} numbers")
    numbers = [checks.number(owner, "pixels", number, 0, 16) for number in pixels]
    return {"pixels": numbers, "label": label}
