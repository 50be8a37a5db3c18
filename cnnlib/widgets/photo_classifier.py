"""A photograph and ten classes: a trained network answers in the page, every number traceable."""

import json
from typing import Any

import numpy as np
import traitlets

from cnnlib.classifiers import COLORS, trained_cifar10_network
from cnnlib.data import CIFAR10_CLASSES
from cnnlib.layer import Layer
from cnnlib.loss import softmax
from cnnlib.network import Residual, Sequential, summary
from cnnlib.records import cifar10_examples, cifar10_sheet, record
from cnnlib.widgets import packed
from cnnlib.widgets.photo_kernel import Photo, as_json
from cnnlib.widgets.widget import Number, Widget

SHAPE = (3, 32, 32)
LARGEST = 500_000  # letters of a packed network that a page may carry
MISREAD = 20  # of the examples that the page offers


class Small(Photo):
    """A trait that holds a color image of 32x32, as fractions of 255 steps."""

    def __init__(self) -> None:
        super().__init__()
        self.tag(to_json=lambda array, _: as_json(array, []))

    def validate(self, obj: traitlets.HasTraits, value: Any) -> np.ndarray:
        """Return bytes divided by 255, or raise a TraitError that says why not."""
        array = super().validate(obj, value)
        if array.shape != SHAPE:
            raise traitlets.TraitError(
                f"{type(obj).__name__}: {self.name} has shape {array.shape}; expected {SHAPE}"
            )
        return array


def outputs(layers: Sequential, x: np.ndarray, prefix: str = "") -> dict[str, np.ndarray]:
    """What each layer gives, by its name in the keys of the weights; inside a Residual, too."""
    found: dict[str, np.ndarray] = {}
    for name, layer in layers.children().items():
        found |= _inside(layer, x, f"{prefix}{name}.")
        found[f"{prefix}{name}"] = x = layer.forward(x)
    return found


def _inside(layer: Layer, x: np.ndarray, prefix: str) -> dict[str, np.ndarray]:
    if not isinstance(layer, Residual):
        return {}
    ways = {name: way for name, way in layer.children().items() if isinstance(way, Sequential)}
    parts = (outputs(way, x, f"{prefix}{name}.") for name, way in ways.items())
    return {name: array for part in parts for name, array in part.items()}


class PhotoClassifier(Widget):
    """A photograph, the reader's own if they like, and what a network says it is.

    Parameters
    ----------
    image : array of shape (3, 32, 32)
        What the network gets, before its numbers are scaled: whole numbers from 0 to 255, or
        fractions from 0 to 1. It is kept as fractions of 255 steps; the first of the examples by
        default. A picture that is loaded in the page is cut to its middle, scaled to 32x32 as
        `cnnlib.image_folder` does, and written here; what is set here is shown there.
    network : Sequential
        Takes (N, 3, 32, 32) and gives a logit for each class. The book's network for CIFAR-10 by
        default. Weights travel as float16, so the page and `logits` use them rounded to that.
    classes : list of str
        A name for each logit; CIFAR-10's for the book's network, their numbers for another one.
    mean_std : (float, float)
        Subtracted from the fractions, and what they are then divided by, as in training.
    selected : (layer, map, row, column)
        The number whose sum is written out; a layer by its name in the keys of the weights,
        "3.body.0". By default it is the largest of the first layer's first map.

    All of them but `network` are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.
    TypeError, ValueError
        When the page cannot compute the network: it names the layer.

    """

    image = Small().tag(link=False, left="the photograph")
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True, link=False)
    mean_std = traitlets.Tuple(Number(), Number(), default_value=COLORS)
    mean_std.tag(sync=True, link=False)
    sheet = traitlets.Dict().tag(sync=True)
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)
    selected = traitlets.Tuple(
        traitlets.Unicode(), *[traitlets.Int(0, min=0)] * 3, default_value=("0", 0, 0, 0)
    ).tag(sync=True)

    def __init__(self, image: Any = None, network: Sequential | None = None, **kwargs: Any) -> None:
        given = network is not None or "layers" in kwargs
        if "layers" not in kwargs:  # a saved widget is made again from its traits
            kwargs["layers"] = packed.pack(network if given else trained_cifar10_network())
        self._network = packed.unpack(kwargs["layers"])
        self._weigh(kwargs["layers"])
        count = self._classes()
        names = list(map(str, range(count))) if given else list(CIFAR10_CLASSES)
        kwargs.setdefault("classes", names)
        if not given:
            rows = record("cifar10_examples")["examples"]
            right = sum(row["answer"] == row["label"] for row in rows)
            kwargs.setdefault("examples", rows[: right + MISREAD])
            kwargs.setdefault("sheet", cifar10_sheet())
        super().__init__(image=cifar10_examples().images[0] if image is None else image, **kwargs)
        if "selected" not in kwargs:
            name, maps = next(iter(self._outputs().items()))
            first = np.abs(maps).reshape(self._shape(maps))[0]
            place = map(int, np.unravel_index(first.argmax(), first.shape))
            self.selected = (name, 0, *place)

    @property
    def logits(self) -> np.ndarray:
        """The network's logits for the image, shape (classes,), computed by `cnnlib`."""
        return self._network.forward(self._batch())[0]

    @property
    def probabilities(self) -> np.ndarray:
        """The probability of each class, shape (classes,), computed by `cnnlib`."""
        return softmax(self.logits[None])[0]

    def _batch(self) -> np.ndarray:
        mean, deviation = self.mean_std
        return ((self.image[None] - mean) / deviation).astype(np.float32)

    def _outputs(self) -> dict[str, np.ndarray]:
        return outputs(self._network, self._batch())

    @staticmethod
    def _shape(maps: np.ndarray) -> tuple[int, int, int]:
        """Maps, rows and columns of what a layer gives; numbers in a row are maps of 1x1."""
        return (*maps.shape[1:], 1, 1)[:3]

    def _weigh(self, layers: list[packed.Packed]) -> None:
        count = sum(parameter.data.size for parameter in self._network.parameters())
        size = len(json.dumps(layers))
        if size > LARGEST:
            raise ValueError(
                f"PhotoClassifier: network has {count:,} parameters, packed in {size / 1e3:.0f} "
                f"kB; expected at most {LARGEST / 1e3:.0f} kB"
            )

    def _classes(self) -> int:
        """How many logits the network gives; an error when it cannot take the image."""
        shape = summary(self._network, SHAPE)[-1].output_shape
        if len(shape) != 1:
            raise ValueError(f"PhotoClassifier: network gives {shape}; expected a row of logits")
        return shape[0]

    @traitlets.validate("classes")
    def _are_as_many(self, proposal: Any) -> list[str]:
        if len(proposal.value) != self._classes():
            raise traitlets.TraitError(
                f"PhotoClassifier: classes are {len(proposal.value)}; expected {self._classes()}, "
                "a name for each logit"
            )
        return proposal.value

    @traitlets.validate("mean_std")
    def _divides(self, proposal: Any) -> tuple[float, float]:
        if proposal.value[1] <= 0:
            raise traitlets.TraitError(
                f"PhotoClassifier: mean_std is {proposal.value}; expected a deviation above 0"
            )
        return proposal.value

    @traitlets.validate("selected")
    def _exists(self, proposal: Any) -> tuple[str, int, int, int]:
        name, *place = proposal.value
        found = self._outputs()
        if name not in found:
            raise traitlets.TraitError(
                f"PhotoClassifier: selected has layer {name!r}; expected one of {', '.join(found)}"
            )
        shape = self._shape(found[name])
        if any(at >= size for at, size in zip(place, shape, strict=True)):
            raise traitlets.TraitError(
                f"PhotoClassifier: selected has (map, row, column) {tuple(place)}; layer {name!r} "
                f"has {shape}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        chances = (self.probabilities.astype(float).round(2) + 0).tolist()
        answers = dict(zip(self.classes, chances, strict=True))
        return f"PhotoClassifier: image of mean {self.image.mean():.3f}\n{answers}"
