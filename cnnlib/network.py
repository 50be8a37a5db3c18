"""Networks: layers in a row, layers with a way around them, and a table of what they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.convolution import ConvTranspose2d
from cnnlib.layer import Layer, Parameter
from cnnlib.normalization import GroupNorm, LayerNorm
from cnnlib.padding import ZeroPad2d
from cnnlib.shapes import effective_kernel_size, padding_sides


class Sequential(Layer):
    """Layers one after the other: torch.nn.Sequential.

    Made of layers, `Sequential(Conv2d(1, 8, 3), ReLU())`, whose keys are "0.weight" and so on, or
    of a dictionary, `Sequential({"features": ..., "classifier": ...})`, whose names begin the keys.
    """

    def __init__(self, *layers: Layer | Mapping[str, Layer]) -> None:
        named: Any = {str(index): layer for index, layer in enumerate(layers)}
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = layers[0]
        self.named: dict[str, Layer] = dict(named)
        for name, layer in self.named.items():
            usable = isinstance(name, str) and name != "" and "." not in name
            found = f"Sequential: layers has the name {name!r}; expected a word without a dot"
            checks.require(usable, found)
            checks.instance("Sequential", name, layer, Layer)
        checks.require(bool(self.named), "Sequential: layers is empty; expected at least one")

    def children(self) -> dict[str, Layer]:
        """The layers by name, the first one first."""
        return self.named

    def __len__(self) -> int:
        return len(self.named)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.named.values())

    def __getitem__(self, index: int | slice) -> Layer:
        """The layer at a place, or a part, `network[:3]`, as a network of the same layers."""
        if isinstance(index, slice):
            return Sequential(dict(list(self.named.items())[index]))
        return list(self.named.values())[index]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """What the last layer makes of x."""
        self.saved, saved = None, []
        for layer in self:
            x = layer(x)
            saved.append(layer.saved)  # a layer that comes again has one for each time
        self.saved = saved
        return x

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for x; each layer's gradient is what the layer before it goes on with."""
        saved = self.recall()
        for layer in reversed(self.named.values()):
            layer.saved = saved.pop()
            grad_output = layer.backward(grad_output)
        return grad_output

    def backward_parameters(self, grad_output: np.ndarray) -> None:
        """`backward` as far as the first layer that learns; those before it are not asked."""
        saved, layers = self.recall(), list(self)
        learns = [any(p.requires_grad for p in layer.parameters()) for layer in layers]
        first = learns.index(True) if any(learns) else len(layers)
        for layer in reversed(layers[first + 1 :]):
            layer.saved = saved.pop()
            grad_output = layer.backward(grad_output)
        for layer in layers[first : first + 1]:
            layer.saved = saved.pop()
            layer.backward_parameters(grad_output)


class Residual(Layer):
    """The sum of a body and a way around it: `body(x) + shortcut(x)`, with x itself as default.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015), equation 1.
    """

    def __init__(self, body: Layer, shortcut: Layer | None = None) -> None:
        checks.instance("Residual", "body", body, Layer)
        checks.instance("Residual", "shortcut", body if shortcut is None else shortcut, Layer)
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Both ways must give the same shape; raises ValueError when they do not."""
        self.saved, around, of_shortcut = None, x, None
        if self.shortcut:
            around, of_shortcut = self.shortcut(x), self.shortcut.saved
        output = self.body(x)
        checks.array("Residual", "the body's output", output, shape=around.shape)
        self.saved = self.body.saved, of_shortcut  # of this time: a layer may come again
        return output + around

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for x: the sum of what comes back both ways."""
        self.body.saved, of_shortcut = self.recall()
        grad_x, around = self.body.backward(grad_output), grad_output
        if self.shortcut:
            self.shortcut.saved = of_shortcut
            around = self.shortcut.backward(grad_output)
        return grad_x + around


class Concat(Layer):
    """What goes in and what a body makes of it, side by side: the channels of x, then body(x)'s.

    The way across a U-Net: Ronneberger, Fischer and Brox, "U-Net: convolutional networks for
    biomedical image segmentation" (2015), figure 1. In torch: `torch.cat([x, body(x)], dim=1)`.
    """

    def __init__(self, body: Layer) -> None:
        checks.instance("Concat", "body", body, Layer)
        self.body = body

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The body must keep rows and columns; raises ValueError when it does not."""
        self.saved = None
        output = self.body(x)
        expected = (*x.shape[:-3], *output.shape[-3:-2], *x.shape[-2:])
        checks.array("Concat", "the body's output", output, shape=expected)
        self.saved = self.body.saved, x.shape[-3]
        return np.concatenate([x, output], axis=-3)

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for x: that of its own channels, and what comes back through the body."""
        self.body.saved, channels = self.recall()
        own, grad = grad_output[..., :channels, :, :], grad_output[..., channels:, :, :]
        return own + self.body.backward(grad)


@dataclass(frozen=True)
class Row:
    """A line of `summary`, for one image."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int
    receptive_field: tuple[int, ...] | None


class Summary(list[Row]):
    """The rows of `summary`; printed, a table with the totals below."""

    def __repr__(self) -> str:
        lines = [("layer", "", "output", "parameters", "multiply-adds", "memory", "sees")]
        names = ("parameters", "multiply_adds", "activation_bytes")
        parameters, products, held = (sum(getattr(row, name) for row in self) for name in names)
        total = Row("total", "", (), parameters, products, held, ())
        for row in (*self, total):
            shape = "×".join(map(str, row.output_shape))
            counts = (f"{row.parameters:,}", f"{row.multiply_adds:,}")
            memory = f"{row.activation_bytes / 1024:.1f} KiB"
            field = "-" if row.receptive_field is None else "×".join(map(str, row.receptive_field))
            lines.append((row.name, row.kind, shape, *counts, memory, field))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        form = "  ".join(f"{{:{'<' if i < 3 else '>'}{w}}}" for i, w in enumerate(widths))
        text = [form.format(*line).rstrip() for line in lines]
        rule = "-" * max(map(len, text))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def summary(network: Layer, input_shape: tuple[int, ...]) -> Summary:
    """A table of the layers, for one image of `input_shape`, (C, H, W).

    Output shapes (without the batch), parameters (those of a layer that comes again are counted
    once), multiply-adds, bytes of the output, and the rows and columns of the image that one
    output sees: its receptive field, which may reach into the padding. None is given where it is
    the whole image or not known: behind a transposed convolution, where it differs from place to
    place, LayerNorm and GroupNorm, which mix whole maps, and in and behind a layer of a reader's
    own that has other layers inside. Its rows are those of the layers that it calls.
    """
    checks.instance("summary", "network", network, Layer)
    sizes = checks.sizes("summary", "input_shape", input_shape)
    dtype = next((p.data.dtype for p in network.parameters()), np.float32)
    rows = Summary()
    seen = ((0, 0, 1), (0, 0, 1)) if len(sizes) == 3 else None
    with network.inference():  # one image is too few for batch norm's statistics
        _walk("", network, np.zeros((1, *sizes), dtype), seen, rows, set())
    return rows


UNKNOWN = ConvTranspose2d, GroupNorm, LayerNorm
# For rows and for columns: the first and the last that output 0 sees, and how far output 1 is on.
Field = tuple[tuple[int, int, int], ...]
Seen = Field | None


def _walk(
    name: str, layer: Layer, x: np.ndarray, seen: Seen, rows: Summary, counted: set[Parameter]
) -> tuple[np.ndarray, Seen]:
    """Add the rows of `layer`; return what it makes of x, and what one number of that sees."""
    prefix = f"{name}." if name else ""
    if isinstance(layer, Sequential):
        for child_name, child in layer.children().items():
            x, seen = _walk(prefix + child_name, child, x, seen, rows, counted)
        return x, seen
    if isinstance(layer, Residual):
        output, seen_after = _walk(f"{prefix}body", layer.body, x, seen, rows, counted)
        if layer.shortcut:
            x, seen = _walk(f"{prefix}shortcut", layer.shortcut, x, seen, rows, counted)
        checks.array("Residual", "the body's output", output, shape=x.shape)
        return output, _either(seen, seen_after)
    if layer.children() and type(layer).multiply_adds is Layer.multiply_adds:
        return _watch(name, layer, x, rows, counted), None
    output = layer(x)
    if seen and hasattr(layer, "kernel_size") and not isinstance(layer, ConvTranspose2d):
        seen = _through(layer, seen)
    elif seen and isinstance(layer, ZeroPad2d):
        seen = _before(layer, seen)
    elif output.shape[2:] != x.shape[2:] or layer.children() or isinstance(layer, UNKNOWN):
        seen = None
    _add(name, layer, x, output, seen, rows, counted)
    return output, seen


def _watch(
    name: str, layer: Layer, x: np.ndarray, rows: Summary, counted: set[Parameter]
) -> np.ndarray:
    """Add a row for each call of a layer inside one of a reader's own, as they come."""
    inside: dict[Layer, str] = {}
    for prefix, inner in layer.layers(f"{name}." if name else ""):
        if not inner.children():
            inside.setdefault(inner, prefix[:-1])

    def call(inner: Layer, x: np.ndarray) -> np.ndarray:
        output = type(inner).forward(inner, x)
        _add(inside[inner], inner, x, output, None, rows, counted)
        return output

    for inner in inside:
        vars(inner)["forward"] = partial(call, inner)
    try:
        output = layer(x)
    finally:
        for inner in inside:
            del vars(inner)["forward"]
    if not counted.issuperset(layer.parameters()):  # it has some of its own
        _add(name, layer, x, output, None, rows, counted)
    return output


def _add(
    name: str, layer: Layer, x: np.ndarray, output: np.ndarray, seen: Seen, rows: Summary,
    counted: set[Parameter],
) -> None:  # fmt: skip
    """Add the row of a layer that makes `output` of x."""
    new = set(layer.parameters()) - counted
    counted |= new
    parameters, shape = sum(parameter.data.size for parameter in new), output.shape[1:]
    products = layer.multiply_adds(x.shape, output.shape)
    field = tuple(last - first + 1 for first, last, _ in seen) if seen else None
    rows.append(Row(name, type(layer).__name__, shape, parameters, products, output.nbytes, field))


def _before(layer: ZeroPad2d, seen: Field) -> Field:
    """Behind a ring of zeros output 0 lies before the image, above and to the left of it."""
    (left, _, top, _), _ = layer.options
    return tuple(
        (first - ring * step, last - ring * step, step)
        for (first, last, step), ring in zip(seen, (top, left), strict=True)
    )


def _through(layer: Any, seen: Field) -> Field:
    """What one output of a layer with a window sees."""
    dilation = getattr(layer, "dilation", (1, 1))
    windows = layer.kernel_size, layer.stride, getattr(layer, "padding", 0), dilation
    after = []
    sides = padding_sides("summary", *windows)
    for axis, ((first, last, step), (before, _)) in enumerate(zip(seen, sides, strict=True)):
        reach = effective_kernel_size(layer.kernel_size[axis], dilation[axis]) - 1 - before
        after.append((first - before * step, last + reach * step, step * layer.stride[axis]))
    return tuple(after)


def _either(one: Seen, other: Seen) -> Seen:
    """What a sum sees: all between the first and the last that one of its two numbers sees."""
    if one is None or other is None or [s for *_, s in one] != [s for *_, s in other]:
        return None
    pairs = zip(one, other, strict=True)
    return tuple((min(a[0], b[0]), max(a[1], b[1]), a[2]) for a, b in pairs)
