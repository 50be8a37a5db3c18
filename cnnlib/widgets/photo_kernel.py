"""A kernel on a real photograph: what it makes of it, and the sum behind any of its numbers."""

import base64
import functools
from typing import Any

import numpy as np
import traitlets

from cnnlib import worked_example
from cnnlib.activations import relu
from cnnlib.classifiers import trained_cifar10_network, trained_mnist_network
from cnnlib.convolution import conv2d
from cnnlib.data import photographs
from cnnlib.pooling import max_pool2d
from cnnlib.records import asset, record
from cnnlib.shapes import Windows
from cnnlib.widgets.sliding_kernel import Pair
from cnnlib.widgets.widget import Array, Number, Widget

PHOTOGRAPHS = ("china", "flower")
LARGEST = 7  # rows or columns of a kernel whose numbers can still be read on a phone
SIDE = 320  # rows or columns of an image that is convolved while a reader types
POOLS = 4
DECIDING = (
    "image",
    "weight",
    "stride",
    "padding",
    "dilation",
    "channels",
    "second",
    "pool",
)


@functools.cache
def photograph(name: str) -> np.ndarray:
    """Return "china" or "flower" as the page shows it: bytes, (3, 240, 320)."""
    pixels = np.round(photographs(small=True)[name] * 255).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


class Photo(Array):
    """A trait that holds fractions, (C, H, W), and crosses to the browser as bytes.

    One of the photographs crosses as its name: the page has it already.
    """

    def __init__(self) -> None:
        super().__init__({2: (None,), 3: ()}, "(rows, columns) or (channels, rows, columns)")
        self.tag(to_json=lambda array, owner: as_json(array, owner.photographs))
        self.tag(from_json=lambda sent, _: from_json(sent))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what a link may hold: a name, because a photograph is large."""
        return {"enum": list(PHOTOGRAPHS)}

    def validate(self, obj: traitlets.HasTraits, value: Any) -> np.ndarray:
        """Return bytes divided by 255, or raise a TraitError that says why not."""
        owner = f"{type(obj).__name__}: {self.name}"
        if isinstance(value, str):
            if value not in PHOTOGRAPHS:
                names = " or ".join(map(repr, PHOTOGRAPHS))
                raise traitlets.TraitError(f"{owner} is {value!r}; expected {names}, or an array")
            value = photograph(value)
        array = super().validate(obj, value)
        if len(array) not in (1, 3):
            raise traitlets.TraitError(
                f"{owner} has shape {array.shape}; expected 1 or 3 channels, which come first"
            )
        if max(array.shape[1:]) > SIDE:
            raise traitlets.TraitError(
                f"{owner} has shape {array.shape}; expected at most {SIDE} rows and columns: "
                "image[:, ::2, ::2] has every second"
            )
        white = 1 if array.dtype.kind == "f" else 255
        if array.min() < 0 or array.max() > white:
            raise traitlets.TraitError(
                f"{owner} holds numbers from {array.min()} to {array.max()}; "
                "expected whole numbers from 0 to 255, or fractions from 0 to 1"
            )
        array = np.round(array.astype(float) * (255 / white)) / 255
        array.flags.writeable = False
        return array


def as_json(image: np.ndarray, known: list[str]) -> str | dict[str, Any]:
    """Return a known photograph's name or, of another image, the shape and the bytes in base64."""
    pixels = np.round(image * 255).astype(np.uint8)
    for name in known:
        if np.array_equal(pixels, photograph(name)):
            return name
    return {"shape": image.shape, "bytes": base64.b64encode(pixels.tobytes()).decode()}


def from_json(sent: str | dict[str, Any]) -> Any:
    """Return what the page has sent as a value of the trait."""
    if isinstance(sent, str):
        return sent
    return np.frombuffer(base64.b64decode(sent["bytes"]), np.uint8).reshape(sent["shape"])


class Second(Array):
    """A kernel of two axes, or None."""

    allow_none = True

    def __init__(self) -> None:
        super().__init__({2: ()}, "(rows, columns)", side=LARGEST)
        self.default_value = None
        self.tag(to_json=lambda array, _: None if array is None else array.tolist())


def trained_kernels() -> list[dict[str, Any]]:
    """Return the first layer's kernels of the networks that the book has trained.

    Those of CIFAR-10 have a plane for each channel. The ones that training has brought to 0 are
    left out.
    """
    first = trained_mnist_network()[0].weight.data[:, 0]
    color = trained_cifar10_network()[0].weight.data.astype(float).round(4)
    digits = record("training")["runs"][0]["frames"][-1]["filters"]
    return [
        *({"name": f"MNIST, filter {k}", "weight": one.tolist()} for k, one in enumerate(first)),
        *(
            {"name": f"CIFAR-10, filter {k}", "weight": one.tolist()}
            for k, one in enumerate(color)
            if one.any()
        ),
        *({"name": f"small digits, filter {k}", "weight": one} for k, one in enumerate(digits)),
    ]


class PhotoKernel(Widget):
    """A kernel on a photograph, the reader's own if they like.

    Parameters
    ----------
    image : "china", "flower" or array of shape (H, W), (1, H, W) or (3, H, W)
        A photograph of the book, 240 x 320 pixels in color; or whole numbers from 0 to 255, or
        fractions from 0 to 1, at most 320 rows and columns. It is kept as fractions, (C, H, W),
        of 255 steps. What a reader loads in the page, scaled to 320 x 240 at most, is here, too.
    weight : array of shape (kh, kw) or (C, kh, kw)
        One kernel for all channels, or one for each; at most 7 x 7. The worked example's kernel by
        default. It is kept as (1, kh, kw) or (C, kh, kw).
    bias : float
        Added to every number of a map.
    stride, dilation : int or (int, int)
        As in `cnnlib.conv2d`.
    padding : int, (int, int), "valid" or "same"
        As in `cnnlib.conv2d`, for both kernels.
    channels : "gray", "apart" or "added"
        What becomes of three channels: their mean is taken before the kernel comes, or each gives a
        map of its own, or their sums of products are added up, as a filter of a network does.
    relu : bool
        Put 0 for what is negative behind each kernel.
    second : array of shape (kh, kw) or None
        Another kernel, which reads the map of the first, with bias 0 and stride 1.
    pool : int
        Keep the largest of pool x pool numbers, at the end: 1, which changes nothing, to 4.
    signed : bool
        Show the result in two colors around 0, and not as light from 0 to 1. By default this is
        chosen by whether the weights add up to 1.
    channel, row, column : int
        The map and the place in it whose sum is written out.
    photographs : list of str
        The photographs that the page offers.
    kernels : list of {"name": str, "weight": rows of numbers}
        Kernels that the page offers beside its own: by default the first layers of the book's
        trained networks.

    All of them are synced with the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    image = Photo().tag(left="your photograph")
    weight = Array(
        {2: (None,), 3: ()}, "(rows, columns) or (channels, rows, columns)", side=LARGEST
    )
    bias = Number(0).tag(sync=True)
    stride = Pair(1, least=1)
    padding = Pair(0, least=0, words=("valid", "same"))
    dilation = Pair(1, least=1)
    channels = traitlets.Enum(("gray", "apart", "added"), "gray").tag(sync=True)
    relu = traitlets.Bool(False).tag(sync=True)
    second = Second()
    pool = traitlets.Int(1, min=1, max=POOLS).tag(sync=True)
    signed = traitlets.Bool(True).tag(sync=True)
    channel = traitlets.Int(0, min=0).tag(sync=True)
    row = traitlets.Int(0, min=0).tag(sync=True)
    column = traitlets.Int(0, min=0).tag(sync=True)
    photographs = traitlets.List(traitlets.Enum(PHOTOGRAPHS), list(PHOTOGRAPHS)).tag(
        sync=True,
        link=False,
        to_json=lambda names, _: {
            name: base64.b64encode(asset(f"{name}.jpg").read_bytes()).decode() for name in names
        },
    )
    kernels = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(
        self, image: Any = "china", weight: Any = None, bias: Any = 0, **kwargs: Any
    ) -> None:
        kwargs.setdefault("kernels", trained_kernels())
        weight = worked_example.kernel if weight is None else weight
        super().__init__(image=image, weight=weight, bias=bias, **kwargs)
        if "signed" not in kwargs:
            times = len(self.image) if self.channels == "added" else 1
            self.signed = bool(abs(times * self.weight.mean(axis=0).sum() - 1) > 0.01)
        size = self._shape({})[1:]
        for name, count in zip(("row", "column"), size, strict=True):
            if name not in kwargs:
                setattr(self, name, count // 2)

    @property
    def output(self) -> np.ndarray:
        """What comes out, shape (maps, rows, columns), computed by `cnnlib`."""
        x, planes = self.image, len(self.image)
        if self.channels == "gray":
            x, planes = x.mean(axis=0, keepdims=True), 1
        weight = np.broadcast_to(self.weight, (planes, *self.weight.shape[1:])).astype(float)
        apart = self.channels != "added"
        weight = weight[:, None] if apart else weight[None]
        bias = np.full(len(weight), self.bias)
        options = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        y = conv2d(x, weight, bias, groups=planes if apart else 1, **options)
        y = relu(y) if self.relu else y
        if self.second is not None:
            weight = np.stack([self.second.astype(float)[None]] * len(y))
            y = conv2d(y, weight, padding=self.padding, groups=len(y))
            y = relu(y) if self.relu else y
        return max_pool2d(y, self.pool) if self.pool > 1 else y

    def _shape(self, changes: dict[str, Any]) -> tuple[int, int, int]:
        """The shape of `output`. Raises ValueError when something does not fit."""
        traits = {name: getattr(self, name) for name in DECIDING} | changes
        size, second, pool = traits["image"].shape[1:], traits["second"], traits["pool"]
        kernel, maps = traits["weight"].shape[1:], len(traits["image"])
        geometry = (traits["stride"], traits["padding"], traits["dilation"])
        size = Windows("PhotoKernel", size, kernel, *geometry).output_size
        if second is not None:
            size = Windows("PhotoKernel", size, second.shape, 1, traits["padding"]).output_size
        size = Windows("PhotoKernel", size, pool, pool).output_size
        return (maps if traits["channels"] == "apart" else 1, *size)

    @traitlets.validate(*DECIDING)
    def _fits(self, proposal: Any) -> Any:
        name, value = proposal.trait.name, proposal.value
        if name in ("weight", "second") and value is not None and max(value.shape[-2:]) > LARGEST:
            raise traitlets.TraitError(
                f"PhotoKernel: {name} has shape {value.shape}; "
                f"expected at most {LARGEST} rows and {LARGEST} columns"
            )
        traits = {one: getattr(self, one) for one in ("image", "weight", "channels")}
        traits |= {name: value}
        planes = 1 if traits["channels"] == "gray" else len(traits["image"])
        if len(traits["weight"]) not in (1, planes):
            what = "the gray image has 1 channel" if planes == 1 else f"there are {planes} channels"
            raise traitlets.TraitError(
                f"PhotoKernel: {name} does not fit. {what}, weight has shape "
                f"{traits['weight'].shape}; expected 1 plane, or one for each channel"
            )
        try:
            self._shape({name: value})
        except ValueError as error:
            raise traitlets.TraitError(f"PhotoKernel: {name} does not fit. {error}") from None
        return value

    @traitlets.validate("channel", "row", "column")
    def _exists(self, proposal: Any) -> int:
        names = ("channel", "row", "column")
        count = dict(zip(names, self._shape({}), strict=True))[proposal.trait.name]
        if proposal.value >= count:
            raise traitlets.TraitError(
                f"PhotoKernel: {proposal.trait.name} is {proposal.value}; "
                f"expected at most {count - 1}"
            )
        return proposal.value

    def __repr__(self) -> str:
        """State the data and what comes out, so that a notebook's stored text can be compared."""
        image, weight, output = (
            "x".join(map(str, array.shape)) for array in (self.image, self.weight, self.output)
        )
        second = "" if self.second is None else f", second {'x'.join(map(str, self.second.shape))}"
        return (
            f"PhotoKernel: image {image}, {self.channels}, weight {weight}, bias {self.bias:g}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"relu={self.relu}{second}, pool={self.pool}\n"
            f"output {output}, from {self.output.min():.4f} to {self.output.max():.4f}"
        )
