"""Padding of any kind and on any side, for what the argument `padding` of a layer cannot say."""

from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.layer import FunctionLayer

AXES = ("rows", "columns")
MODES: dict[str, Any] = {
    "constant": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}  # as NumPy calls them


def pad(
    x: np.ndarray, padding: int | tuple[int, int, int, int], mode: str = "constant",
    value: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Put rows and columns around each image: torch.nn.functional.pad.

    x: (N, C, H, W), or (C, H, W). padding: (left, right, top, bottom), or one number for all.
    mode: "constant" puts `value` there, "reflect" mirrors the image without repeating its rim,
    "replicate" repeats the rim, "circular" goes on with the other side.

    Returns (N, C, top + H + bottom, left + W + right).
    Raises ValueError when "reflect" needs as many rows as there are, or "circular" more.
    """
    sides = _sides("pad", x, padding, mode)
    value = checks.number("pad", "value", value)
    options: dict[str, Any] = {"constant_values": value} if mode == "constant" else {}
    return np.pad(x, ((0, 0),) * (x.ndim - 2) + sides, MODES[mode], **options)


def pad_backward(
    grad_output: np.ndarray, x: np.ndarray, padding: int | tuple[int, int, int, int],
    mode: str = "constant", value: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """The gradient for x: each pixel gets the sum over all places where it stands."""
    sides = _sides("pad_backward", x, padding, mode)
    checks.number("pad_backward", "value", value)
    (top, bottom), (left, right) = sides
    size = top + x.shape[-2] + bottom, left + x.shape[-1] + right
    checks.array("pad_backward", "grad_output", grad_output, shape=(*x.shape[:-2], *size))
    if mode == "constant":
        return grad_output[..., top : top + x.shape[-2], left : left + x.shape[-1]]
    numbers = np.arange(x.shape[-2]), np.arange(x.shape[-1])
    pairs = zip(numbers, sides, strict=True)
    rows, columns = (np.pad(number, side, MODES[mode]) for number, side in pairs)
    grad_x = np.zeros(x.shape, grad_output.dtype)
    images = grad_x.reshape(-1, *x.shape[-2:])
    places: Any = (slice(None), rows[:, None], columns)
    np.add.at(images, places, grad_output.reshape(len(images), *size))
    return grad_x


def _sides(
    function: str, x: np.ndarray, padding: int | tuple[int, int, int, int], mode: str
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding as ((top, bottom), (left, right)), once the mode can fill it."""
    checks.array(function, "x", x, (3, 4))
    checks.choice(function, "mode", mode, tuple(MODES))
    left, right, top, bottom = _four_sides(function, padding)
    for size, sides, name in zip(x.shape[-2:], ((top, bottom), (left, right)), AXES, strict=True):
        most = {"reflect": size - 1, "circular": size}.get(mode, max(sides))
        found = f"{function}: padding is {max(sides)} {name}; expected at most {most}"
        checks.require(max(sides) <= most, f"{found} for mode {mode!r}, x has {size} {name}")
    return (top, bottom), (left, right)


def _four_sides(function: str, padding: Any) -> tuple[int, int, int, int]:
    """`padding`, one whole number or (left, right, top, bottom), as four."""
    padding = tuple(padding) if isinstance(padding, tuple | list) else (padding,) * 4
    found = f"{function}: padding is {padding}; expected one number or (left, right, top, bottom)"
    checks.require(len(padding) == 4, found)
    left, right, top, bottom = (checks.integer(function, "padding", side, 0) for side in padding)
    return left, right, top, bottom


class _Pad2d(FunctionLayer):
    function, derivative = pad, pad_backward
    mode: str

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        self.options = (_four_sides(type(self).__name__, padding), self.mode)


class ZeroPad2d(_Pad2d):
    """`pad` with zeros, as a layer: torch.nn.ZeroPad2d."""

    mode = "constant"


class ReflectionPad2d(_Pad2d):
    """`pad` with mode "reflect" as a layer: torch.nn.ReflectionPad2d."""

    mode = "reflect"


class ReplicationPad2d(_Pad2d):
    """`pad` with mode "replicate" as a layer: torch.nn.ReplicationPad2d."""

    mode = "replicate"


class CircularPad2d(_Pad2d):
    """`pad` with mode "circular" as a layer: torch.nn.CircularPad2d."""

    mode = "circular"
