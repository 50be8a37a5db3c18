"""What the page takes: a trained network, its arrays in base64, and digits to train on."""

import base64
from functools import cache
from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.activations import ReLU
from cnnlib.convolution import Conv2d
from cnnlib.data import digits
from cnnlib.dense import Flatten, Linear
from cnnlib.layer import Layer
from cnnlib.network import Residual, Sequential
from cnnlib.normalization import BatchNorm2d, Dropout
from cnnlib.pooling import AdaptiveAvgPool2d, GlobalAvgPool2d, MaxPool2d
from cnnlib.shapes import padding_sides

# What each kind of layer is made of: its arrays, as they are named in the page and in cnnlib.
ARRAYS = {
    Conv2d: {"weight": "weight", "bias": "bias"},
    Linear: {"weight": "weight", "bias": "bias"},
    BatchNorm2d: {
        "weight": "weight",
        "bias": "bias",
        "mean": "running_mean",
        "variance": "running_var",
    },
}
PLAIN = {kind.__name__: kind for kind in (ReLU, MaxPool2d, GlobalAvgPool2d, Flatten, Dropout)}
Packed = dict[str, Any]
# The letters for 0. JSON has longer names for those before the space and after ~: they are for
# numbers that are rare, nearly 0 and above 1.
OF_FEW, OF_HIGH = ord("#"), 8


def pack_array(array: np.ndarray) -> Packed:
    """Shape, type and numbers: weights in half precision, one number for each channel in single.

    The page's server packs letters that are not alike often. So of a weight the sign, the exponent
    and two more bits are one letter, and the other eight bits, which are like noise, are in base64;
    or all of it is one letter, if there are few different numbers.
    """
    packed = {"shape": list(array.shape)}
    if array.ndim == 1:
        return packed | {"type": "float32", "data": as_base64(array.astype("<f4"))}
    with np.errstate(over="ignore"):
        halves = array.astype(np.float16)
    wrong = array[~np.isfinite(halves)][:3]
    largest = np.finfo(np.float16).max
    checks.require(not wrong.size, f"pack: network has weights {wrong}; expected at most {largest}")
    values, places = np.unique(halves, return_inverse=True)
    if len(values) <= ord("~") - OF_FEW + 1:
        data = as_letters(places + OF_FEW)
        return packed | {"type": "palette", "values": values.tolist(), "data": data}
    bits = halves.view(np.uint16)
    high = as_letters(2 * (bits >> 8 & 127) + (bits >> 15) + OF_HIGH)
    return packed | {"type": "float16", "high": high, "data": as_base64(bits.astype(np.uint8))}


def as_base64(array: np.ndarray) -> str:
    """The bytes of an array."""
    return base64.b64encode(array.tobytes()).decode()


def as_letters(codes: np.ndarray) -> str:
    """One letter for each number."""
    return "".join(map(chr, codes.ravel().tolist()))


def as_codes(letters: str) -> np.ndarray:
    """The number of each letter."""
    return np.array([ord(letter) for letter in letters])


def unpack_array(packed: Packed) -> np.ndarray:
    """The array that `pack_array` packed, as float32."""
    data, shape = packed["data"], packed["shape"]
    if packed["type"] == "float32":
        numbers = np.frombuffer(base64.b64decode(data), "<f4")
    elif packed["type"] == "palette":
        numbers = np.array(packed["values"])[as_codes(data) - OF_FEW]
    else:
        high = as_codes(packed["high"]) - OF_HIGH
        low = np.frombuffer(base64.b64decode(data), np.uint8)
        numbers = (high % 2 << 15 | high // 2 << 8 | low).astype(np.uint16).view(np.float16)
    return numbers.reshape(shape).astype(np.float32)


def pack(network: Sequential) -> list[Packed]:
    """The layers of `network`, those of a Sequential inside it among them; a Residual has its own.

    Raises TypeError for a layer that the page cannot compute, ValueError for a geometry it cannot:
    groups, dilation, ceil_mode, or padding that differs from one side to the other; and for a
    weight that is no number or larger than half precision has.
    """
    checks.instance("pack", "network", network, Sequential)
    layers = []
    for layer in network:
        layers += pack(layer) if isinstance(layer, Sequential) else [_pack_layer(layer)]
    return layers


def _pack_layer(layer: Layer) -> Packed:
    if isinstance(layer, Residual):
        return _pack_residual(layer)
    if isinstance(layer, AdaptiveAvgPool2d) and layer.options == ((1, 1),):
        layer = GlobalAvgPool2d()
    kind = type(layer)
    if kind not in ARRAYS and kind.__name__ not in PLAIN:
        known = ", ".join([one.__name__ for one in ARRAYS] + list(PLAIN) + ["Residual"])
        raise TypeError(f"pack: network has a layer {kind.__name__}; expected one of {known}")
    packed: Packed = {"kind": kind.__name__}
    for name, attribute in ARRAYS.get(kind, {}).items():
        value = getattr(layer, attribute)
        array = getattr(value, "data", None) if not isinstance(value, np.ndarray) else value
        packed[name] = None if array is None else pack_array(array)
    if kind is BatchNorm2d:
        packed["eps"] = layer.eps
    if kind in (Conv2d, MaxPool2d):
        packed |= _geometry(layer)
    return packed


def _pack_residual(layer: Residual) -> Packed:
    ways = {"body": layer.body, "shortcut": layer.shortcut}
    packed = {
        name: way and pack(way if isinstance(way, Sequential) else Sequential(way))
        for name, way in ways.items()
    }
    return {"kind": "Residual", **packed}


def _geometry(layer: Conv2d | MaxPool2d) -> Packed:
    """Kernel size, stride and padding, each for rows and columns."""
    name = type(layer).__name__
    if isinstance(layer, MaxPool2d):
        kernel_size, stride, padding, dilation, ceil_mode = layer.options
        plain = dilation == (1, 1) and not ceil_mode
    else:
        kernel_size, stride, padding = layer.kernel_size, layer.stride, layer.padding
        plain = layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    found = f"pack: {name} has dilation, groups, ceil_mode or a padding_mode"
    checks.require(plain, f"{found}; expected none of them")
    sides = padding_sides(name, kernel_size, stride, padding)
    even = all(before == after for before, after in sides)
    checks.require(even, f"pack: {name} has padding {sides}; expected as much before as after")
    pairs = kernel_size, stride, [before for before, _ in sides]
    return dict(zip(("kernel_size", "stride", "padding"), map(list, pairs), strict=True))


def unpack(layers: list[Packed]) -> Sequential:
    """The network that `pack` packed, in evaluation mode, with the weights as the page has them."""
    return Sequential(*map(_unpack_layer, layers)).eval()


def _unpack_layer(packed: Packed) -> Layer:
    if packed["kind"] == "Residual":
        ways = (packed[name] and unpack(packed[name]) for name in ("body", "shortcut"))
        return Residual(*ways)
    sizes = {name: tuple(packed[name]) for name in ("stride", "padding") if name in packed}
    if packed["kind"] == "Conv2d":
        outputs, inputs, *kernel_size = packed["weight"]["shape"]
        bias = packed["bias"] is not None
        layer = Conv2d(inputs, outputs, tuple(kernel_size), bias=bias, **sizes)
    elif packed["kind"] == "Linear":
        outputs, inputs = packed["weight"]["shape"]
        layer = Linear(inputs, outputs, bias=packed["bias"] is not None)
    elif packed["kind"] == "BatchNorm2d":
        layer = BatchNorm2d(*packed["weight"]["shape"], eps=packed["eps"])
    elif packed["kind"] == "MaxPool2d":
        layer = MaxPool2d(tuple(packed["kernel_size"]), **sizes)
    else:
        layer = PLAIN[packed["kind"]]()
    arrays = {
        attribute: unpack_array(packed[name])
        for name, attribute in ARRAYS.get(type(layer), {}).items()
        if packed[name] is not None
    }
    if "running_mean" in arrays:
        arrays["num_batches_tracked"] = np.array(0)
    layer.load_state_dict(arrays)
    return layer


TRAIN = 1297  # of the digits; the others are held out


@cache
def pack_digits() -> Packed:
    """Scikit-learn's 1797 digits: each pixel, 0 to 16, a letter from a to q, and each label.

    The first 1297 are to be trained on, one image of each class after the other; those held out
    are those of the chapter about training. A host that compresses sends 44 kB.
    """
    images, labels = digits()
    order = np.random.default_rng(0).permutation(len(images))
    train, held_out = order[:TRAIN], order[TRAIN:]
    turn = [(labels[train[:i]] == labels[train[i]]).sum() for i in range(TRAIN)]
    order = np.concatenate([train[np.argsort(turn, kind="stable")], held_out])
    letters = (16 * images[order]).astype(np.uint8) + ord("a")
    names = "".join(map(str, labels[order]))
    return {"pixels": letters.tobytes().decode("ascii"), "labels": names, "train": TRAIN}
