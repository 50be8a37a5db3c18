"""Draw a digit: a trained network reads it in the page, and every number can be traced."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.classifiers import trained_mnist_network
from cnnlib.loss import softmax
from cnnlib.network import Sequential, summary
from cnnlib.records import mnist_examples, record
from cnnlib.widgets import packed
from cnnlib.widgets.widget import Array, Number, Widget

SIDE = 28
LARGEST = 200_000  # bytes of weights that a page may carry


class DrawDigit(Widget):
    """A pad to draw a digit on, and the network that reads it.

    Parameters
    ----------
    image : array of shape (28, 28)
        What the network gets, from 0, black, to 1, white; the first of the examples by default.
        The page writes here what is drawn, scaled and centered; what is set here is shown there.
    network : Sequential
        Takes (N, 1, 28, 28) and gives a logit for each class. The book's network for MNIST by
        default. Weights travel as float16, so the page and `logits` use them rounded to that.
    classes : list of str
        A name for each logit; their numbers by default.
    center : bool
        Bring drawings into the form of MNIST's images, as `cnnlib.center_digit` does. Otherwise the
        pad is only scaled to 28x28.
    pen : float
        The pen's width, as a part of the pad's side: 0.01 to 0.5.
    selected : (layer, map, row, column)
        The number whose sum is written out; a layer is counted as in the network. By default it is
        the largest of the first layer's first map.

    All of them but `network` are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.
    TypeError, ValueError
        When the page cannot compute the network: it names the layer.

    """

    image = Array({2: ()}, "(28, 28)").tag(link=False, left="your drawing")
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True, link=False)
    examples = traitlets.List(traitlets.Dict()).tag(sync=True)
    center = traitlets.Bool(True).tag(sync=True)
    pen = Number(0.08, min=0.01, max=0.5).tag(sync=True)
    selected = traitlets.Tuple(*[traitlets.Int(0, min=0)] * 4, default_value=(0,) * 4).tag(
        sync=True
    )

    def __init__(self, image: Any = None, network: Sequential | None = None, **kwargs: Any) -> None:
        if "layers" not in kwargs:  # a saved widget is made again from its traits
            kwargs["layers"] = packed.pack(trained_mnist_network() if network is None else network)
        self._network = packed.unpack(kwargs["layers"])
        kwargs.setdefault("examples", record("mnist_examples")["examples"])
        kwargs.setdefault("classes", [str(k) for k in range(self._classes())])
        super().__init__(image=mnist_examples().images[0, 0] if image is None else image, **kwargs)
        if "selected" not in kwargs:
            first = np.abs(self._network[0].forward(self._batch())).reshape(self._shape(0))[0]
            self.selected = (0, 0, *map(int, np.unravel_index(first.argmax(), first.shape)))

    @property
    def logits(self) -> np.ndarray:
        """The network's logits for the image, shape (classes,), computed by `cnnlib`."""
        return self._network.forward(self._batch())[0]

    @property
    def probabilities(self) -> np.ndarray:
        """The probability of each class, shape (classes,), computed by `cnnlib`."""
        return softmax(self.logits[None])[0]

    def _batch(self) -> np.ndarray:
        return self.image[None, None].astype(np.float32)

    def _classes(self) -> int:
        """How many logits the network gives; an error when it cannot take the image."""
        size = sum(parameter.data.size for parameter in self._network.parameters())
        if 2 * size > LARGEST:
            raise ValueError(
                f"DrawDigit: network has {size:,} parameters; expected at most {LARGEST // 2:,}"
            )
        rows = summary(self._network, (1, SIDE, SIDE))
        if len(rows[-1].output_shape) != 1:
            raise ValueError(
                f"DrawDigit: network gives {rows[-1].output_shape}; expected a row of logits"
            )
        return rows[-1].output_shape[0]

    def _shape(self, layer: int) -> tuple[int, int, int]:
        """Maps, rows and columns that a layer gives; numbers in a row are maps of 1x1."""
        return (*summary(self._network, (1, SIDE, SIDE))[layer].output_shape, 1, 1)[:3]

    @traitlets.validate("image")
    def _is_gray(self, proposal: Any) -> np.ndarray:
        image = proposal.value
        if image.shape != (SIDE, SIDE):
            raise traitlets.TraitError(
                f"DrawDigit: image has shape {image.shape}; expected ({SIDE}, {SIDE})"
            )
        if image.min() < 0 or image.max() > 1:
            raise traitlets.TraitError(
                f"DrawDigit: image holds numbers from {image.min():g} to {image.max():g}; "
                "expected 0 to 1"
            )
        return image

    @traitlets.validate("classes")
    def _are_as_many(self, proposal: Any) -> list[str]:
        if len(proposal.value) != self._classes():
            raise traitlets.TraitError(
                f"DrawDigit: classes are {len(proposal.value)}; expected {self._classes()}, "
                "a name for each logit"
            )
        return proposal.value

    @traitlets.validate("selected")
    def _exists(self, proposal: Any) -> tuple[int, ...]:
        layer, *place = proposal.value
        count = len(self._network)
        if layer >= count:
            raise traitlets.TraitError(
                f"DrawDigit: selected has layer {layer}; expected at most {count - 1}"
            )
        if any(at >= size for at, size in zip(place, self._shape(layer), strict=True)):
            raise traitlets.TraitError(
                f"DrawDigit: selected has (map, row, column) {tuple(place)}; layer {layer} has "
                f"{self._shape(layer)}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        chances = (self.probabilities.astype(float).round(3) + 0).tolist()
        ink = float(self.image.sum(dtype=float))
        answers = dict(zip(self.classes, chances, strict=True))
        return f"DrawDigit: image with ink {ink:.1f}\n{answers}"
