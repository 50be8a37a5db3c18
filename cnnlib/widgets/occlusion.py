"""Cover a part of an image and watch the network's answer; beside it, maps that explain it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

from cnnlib.activations import ReLU, relu
from cnnlib.convolution import Conv2d, conv2d
from cnnlib.dense import Flatten, Linear, flatten, linear
from cnnlib.loss import softmax
from cnnlib.network import Sequential
from cnnlib.normalization import BatchNorm2d
from cnnlib.pooling import GlobalAvgPool2d, MaxPool2d, global_avg_pool2d, max_pool2d
from cnnlib.widgets.widget import Array, Number, Widget

LARGEST = 16  # rows or columns of an image that a phone has room for
# Of each layer that the page can compute, the function that does the same with what is sent of it.
FUNCTIONS = {
    "Conv2d": lambda x, layer: conv2d(x, *_arrays(layer), **_options(layer)),
    "BatchNorm2d": lambda x, layer: _normalized(x, **layer),
    "ReLU": lambda x, layer: relu(x),
    "MaxPool2d": lambda x, layer: max_pool2d(x, **_options(layer)),
    "GlobalAvgPool2d": lambda x, layer: global_avg_pool2d(x),
    "Flatten": lambda x, layer: flatten(x),
    "Linear": lambda x, layer: linear(x, *_arrays(layer)),
}


def _arrays(layer: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(layer["weight"], float), np.array(layer["bias"], float)


def _normalized(
    x: np.ndarray, kind: str, weight: list, bias: list, mean: list, variance: list, eps: float
) -> np.ndarray:
    w, b, m, v = (np.array(one)[:, None, None] for one in (weight, bias, mean, variance))
    return (x - m) / np.sqrt(v + eps) * w + b


def _options(layer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in layer.items() if name not in ("kind", "weight", "bias")}


def as_json(network: Sequential) -> list[dict[str, Any]]:
    """Return the layers as the page needs them: the kind of each, its numbers and its geometry.

    Raises ValueError for a layer that the page cannot compute.
    """
    layers = []
    for layer in network:
        kind = type(layer).__name__
        sent: dict[str, Any] = {"kind": kind}
        if isinstance(layer, Conv2d | Linear):
            sent["weight"] = layer.weight.data.tolist()
            zeros = [0.0] * len(layer.weight.data)
            sent["bias"] = layer.bias.data.tolist() if layer.bias else zeros
        if isinstance(layer, Conv2d):
            mode = layer.padding_mode
            if mode != "zeros":
                raise ValueError(f"Occlusion: padding_mode is {mode!r}; expected 'zeros'")
            names = ("stride", "padding", "dilation", "groups")
            sent |= {name: getattr(layer, name) for name in names}
        elif isinstance(layer, MaxPool2d):
            names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
            sent |= dict(zip(names, layer.options, strict=True))
        elif isinstance(layer, BatchNorm2d):
            arrays = {"weight": layer.weight.data, "bias": layer.bias.data}
            arrays |= {"mean": layer.running_mean, "variance": layer.running_var}
            sent |= {name: array.tolist() for name, array in arrays.items()} | {"eps": layer.eps}
        elif not isinstance(layer, ReLU | GlobalAvgPool2d | Flatten | Linear):
            raise ValueError(
                f"Occlusion: a layer is a {kind}; expected one of {', '.join(FUNCTIONS)}"
            )
        layers.append(sent)
    return layers


class Occlusion(Widget):
    """An image, a square that covers a part of it, and the probabilities that follow.

    Beside them, for every place of the image: how far the probability falls with the square there,
    or the slope of the score for each pixel (saliency), or Grad-CAM of the last maps.

    Parameters
    ----------
    networks : cnnlib.Sequential, or dict from str to Sequential
        Made of Conv2d, BatchNorm2d, ReLU, MaxPool2d, GlobalAvgPool2d, Flatten and Linear, in
        evaluation mode; several, by name, can be chosen from.
    images : array of shape (N, H, W)
        Numbers from 0, black, to 1, white; at most 16 x 16.
    labels : sequence of N int
        The right class of each.
    network, image : int
        Which of them is shown.
    size : int
        Rows and columns of the square, 1 to 5.
    fill : float
        What it is filled with, 0 to 1.
    position : int
        The pixel in its middle, counted row by row from 0.
    method : "occlusion", "saliency" or "grad_cam"
        What the map beside the image shows.
    target : int or None
        The class that is asked for; None for the network's answer to the whole image.

    All but the first three can be changed in the page.

    Raises
    ------
    TraitError
        When a value cannot be drawn: it names the argument, what came and what was expected.

    """

    networks = traitlets.List(traitlets.Dict(), minlen=1).tag(sync=True)
    images = Array({3: ()}, "(images, rows, columns)").tag(link=False)
    labels = traitlets.List(traitlets.Int(min=0)).tag(sync=True, link=False)
    network = traitlets.Int(0, min=0).tag(sync=True)
    image = traitlets.Int(0, min=0).tag(sync=True)
    size = traitlets.Int(3, min=1, max=5).tag(sync=True)
    fill = Number(0.5, min=0, max=1).tag(sync=True)
    position = traitlets.Int(0, min=0).tag(sync=True)
    method = traitlets.Enum(["occlusion", "saliency", "grad_cam"], "occlusion").tag(sync=True)
    target = traitlets.Int(None, min=0, allow_none=True).tag(sync=True)

    def __init__(self, networks: Any, images: Any, labels: Any, **kwargs: Any) -> None:
        # A saved widget is made again from its traits, where networks are as the page has them.
        if isinstance(networks, Sequential):
            networks = {"network": networks}
        if isinstance(networks, Mapping):
            networks = [{"name": name, "layers": as_json(n)} for name, n in networks.items()]
        labels = [int(label) for label in labels]
        super().__init__(networks=networks, images=images, labels=labels, **kwargs)

    @property
    def probabilities(self) -> np.ndarray:
        """What the chosen network makes of the chosen image, whole and covered: (2, classes)."""
        x = np.stack([self.images[self.image], self.covered])[:, None].astype(float)
        for layer in self.networks[self.network]["layers"]:
            x = FUNCTIONS[layer["kind"]](x, layer)
        return softmax(x)

    @property
    def covered(self) -> np.ndarray:
        """The chosen image with the square on it; of an even square, more lies after its middle."""
        image = np.array(self.images[self.image], float)
        first = np.array(divmod(self.position, image.shape[1])) - (self.size - 1) // 2
        (top, left), (bottom, right) = np.maximum(first, 0), first + self.size
        image[top:bottom, left:right] = self.fill
        return image

    @traitlets.validate("images")
    def _fits(self, proposal: Any) -> np.ndarray:
        images = proposal.value
        if max(images.shape[1:]) > LARGEST:
            raise traitlets.TraitError(
                f"Occlusion: images has shape {images.shape}; expected at most {LARGEST} rows "
                f"and {LARGEST} columns"
            )
        if images.min() < 0 or images.max() > 1:
            raise traitlets.TraitError(
                f"Occlusion: images holds numbers from {images.min()} to {images.max()}; "
                "expected 0 to 1"
            )
        return images

    @traitlets.validate("labels")
    def _one_each(self, proposal: Any) -> list[int]:
        found, expected = len(proposal.value), len(self.images)
        if found != expected:
            raise traitlets.TraitError(
                f"Occlusion: labels has {found} numbers; expected {expected}"
            )
        return proposal.value

    @traitlets.validate("network", "image", "position", "target")
    def _exists(self, proposal: Any) -> int | None:
        name, value = proposal.trait.name, proposal.value
        counts = {
            "network": len(self.networks),
            "image": len(self.images),
            "position": self.images[0].size,
            "target": len(self.networks[0]["layers"][-1].get("bias", [])),
        }
        if value is not None and value >= counts[name]:
            raise traitlets.TraitError(
                f"Occlusion: {name} is {value}; expected at most {counts[name] - 1}"
            )
        return value

    def __repr__(self) -> str:
        """State what is shown, so that a notebook's stored text can be compared."""
        row, column = map(int, divmod(self.position, self.images.shape[2]))
        whole, covered = (f"{p.argmax()} with {p.max():.2f}" for p in self.probabilities)
        return (
            f"Occlusion: {len(self.images)} images, "
            f"networks {[network['name'] for network in self.networks]}\n"
            f"image {self.image}, a {self.labels[self.image]}: {whole}; with {self.fill:g} in "
            f"a {self.size}x{self.size} square around row {row}, column {column}: {covered}"
        )
