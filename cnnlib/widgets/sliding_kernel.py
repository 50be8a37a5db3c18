"""A kernel slides over an image, and every number of the feature map can be traced to its sum."""

from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.convolution import conv2d
from cnnlib.widgets import links
from cnnlib.widgets.widget import Array, Predicting, Widget

GEOMETRY = ("image", "weight", "bias", "stride", "padding", "dilation", "groups")
LARGEST = 16  # rows or columns of an image whose numbers can still be read on a phone


class Pair(traitlets.TraitType):
    """An integer of at least `least` for both axes, or a pair of them, or one of `words`."""

    def __init__(self, default: int, least: int, words: tuple[str, ...] = ()) -> None:
        super().__init__(default)
        self.least, self.words = least, words
        self.tag(sync=True)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what a link may hold."""
        most = links.COUNT if self.least else LARGEST  # padding is drawn
        one = {"type": "integer", "minimum": self.least, "maximum": most}
        pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        return {"anyOf": [one, pair, {"enum": list(self.words)}]}

    def validate(self, obj: traitlets.HasTraits, value: Any) -> int | str | tuple[int, int]:
        """Return the value, or raise a TraitError that says what was expected."""
        if isinstance(value, str) and value in self.words:
            return value
        numbers = tuple(value) if isinstance(value, list | tuple) else (value, value)
        if len(numbers) == 2 and all(type(n) is int and n >= self.least for n in numbers):
            return value if isinstance(value, int) else numbers
        words = "".join(f", {word!r}" for word in self.words)
        raise traitlets.TraitError(
            f"{type(obj).__name__}: {self.name} is {value!r}; "
            f"expected an integer of at least {self.least}, a pair of them{words}"
        )


class SlidingKernel(Predicting, Widget):
    """A convolution, drawn: image, kernel and feature map, with the sum behind every number.

    Parameters
    ----------
    image : array of shape (H, W) or (C, H, W)
        At most 16 x 16 pixels. The worked example's image by default.
    weight : array of shape (kh, kw) or (out, C / groups, kh, kw)
        One kernel, or one per filter and channel. The worked example's kernel by default.
    bias : number or array of shape (out,)
        Added to every number of a filter's feature map.
    stride, dilation : int or (int, int)
        As in `cnnlib.conv2d`.
    padding : int, (int, int), "valid" or "same"
        As in `cnnlib.conv2d`.
    groups : int
        As in `cnnlib.conv2d`.
    channels : sequence of str
        A name for each channel of the image, such as "red"; without, they have numbers alone.
    filter, position : int
        The filter that is shown, and the place in its map, counted row by row from 0.
    predict : bool
        Hide the map and ask for each number first.
    score : (int, int)
        Numbers predicted right at the first try, and numbers asked.

    All of them are synced: what the reader changes in the page is the value in Python, and an
    assignment redraws the page. To change several at once, assign inside
    `with widget.hold_trait_notifications():`.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Array({2: (None,), 3: ()}, "(rows, columns) or (channels, rows, columns)")
    weight = Array({2: (None, None), 4: ()}, "(rows, columns) or (out, in, rows, columns)")
    bias = Array({0: (None,), 1: ()}, "one number, or one per filter")
    stride = Pair(1, least=1)
    padding = Pair(0, least=0, words=("valid", "same"))
    dilation = Pair(1, least=1)
    groups = traitlets.Int(1, min=1).tag(sync=True)
    channels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    filter = traitlets.Int(0, min=0).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)

    def __init__(
        self, image: Any = None, weight: Any = None, bias: Any = None, **kwargs: Any
    ) -> None:
        if bias is None:
            filters = np.shape(weight)[0] if np.ndim(weight) == 4 else 1
            bias = worked_example.bias if weight is None else np.zeros(filters, int)
        super().__init__(
            image=worked_example.image if image is None else image,
            weight=worked_example.kernel if weight is None else weight,
            bias=bias,
            **kwargs,
        )

    @property
    def output(self) -> np.ndarray:
        """The feature maps, shape (out, rows, columns), computed by `cnnlib.conv2d`."""
        return self._convolve({})

    def _convolve(self, changes: dict[str, Any]) -> np.ndarray:
        traits = {name: getattr(self, name) for name in GEOMETRY} | changes
        x, weight, bias = (traits.pop(name).astype(float) for name in ("image", "weight", "bias"))
        return conv2d(x, weight, bias, **traits)

    @traitlets.validate(*GEOMETRY)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name == "image" and max(value.shape[1:]) > LARGEST:
            raise traitlets.TraitError(
                f"SlidingKernel: image has shape {value.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        if name == "image":
            self._match(value, self.channels)
        try:
            self._convolve({name: value})
        except ValueError as error:
            raise traitlets.TraitError(f"SlidingKernel: {name} does not fit. {error}") from None
        return value

    @traitlets.validate("channels")
    def _has_a_name_for_each(self, proposal: Any) -> list[str]:
        self._match(self.image, proposal.value)
        return proposal.value

    @staticmethod
    def _match(image: np.ndarray, channels: list[str]) -> None:
        if channels and len(channels) != len(image):
            raise traitlets.TraitError(
                f"SlidingKernel: channels has {len(channels)} names; "
                f"expected {len(image)}, one for each channel of the image"
            )

    @traitlets.validate("filter", "position")
    def _exists(self, proposal: Any) -> int:
        filters, rows, columns = self.output.shape
        count = {"filter": filters, "position": rows * columns}[proposal.trait.name]
        if proposal.value >= count:
            raise traitlets.TraitError(
                f"SlidingKernel: {proposal.trait.name} is {proposal.value}; "
                f"expected at most {count - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        image, weight = ("x".join(map(str, array.shape)) for array in (self.image, self.weight))
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in GEOMETRY[3:])
        return (
            f"SlidingKernel: image {image}, weight {weight}, bias {self.bias.tolist()}, "
            f"{settings}\n"
            f"{self.output.round(4) + 0}"
        )
