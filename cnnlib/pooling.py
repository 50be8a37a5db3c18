"""Pooling: one number for each window, the largest or the mean.

It shrinks the maps, has no parameters, and leaves the number of channels alone. Arrays are NCHW;
one image (C, H, W) will do as well. Geometry and names are those of torch.nn.functional.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.layer import FunctionLayer
from cnnlib.shapes import Pair, Windows


def max_pool2d(
    x: np.ndarray, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0,
    dilation: Pair = 1, ceil_mode: bool = False,
) -> np.ndarray:  # fmt: skip
    """The largest value in each window: torch.nn.functional.max_pool2d.

    x: (N, C, H, W), or one image (C, H, W). stride: the kernel's size if None. padding: at most
    half the kernel; padding never wins. ceil_mode: a last window may reach past the end.
    Returns (N, C, output rows, output columns).
    """
    windows = _windows("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
    padded = _pad(x, windows, -np.inf)
    output = np.empty_like(x, shape=(*x.shape[:-2], *windows.output_size))
    for i, j, rows, columns in windows.places():
        values = padded[..., rows, columns]
        np.maximum(values if i == j == 0 else output, values, out=output)
    return output


def max_pool2d_backward(
    grad_output: np.ndarray, x: np.ndarray, kernel_size: Pair, stride: Pair | None = None,
    padding: Pair = 0, dilation: Pair = 1, ceil_mode: bool = False, *,
    largest: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """The gradient for x: each window's gradient goes to its largest value.

    Of equal values the first one, row by row, receives it, of NaNs the last, as in torch.
    largest: the forward's output, if it is at hand.
    """
    name, options = "max_pool2d_backward", (kernel_size, stride, padding, dilation, ceil_mode)
    windows = _windows(name, x, *options)
    checks.array(name, "grad_output", grad_output, shape=(*x.shape[:-2], *windows.output_size))
    largest = max_pool2d(x, *options) if largest is None else largest
    grad = np.empty_like(largest)  # as x lies in memory, however the gradient came
    grad[...] = grad_output
    grad_padded = np.zeros_like(x, shape=(*x.shape[:-2], *windows.padded_size))
    share, finite = np.empty_like(largest), np.isfinite(grad).all()
    for rows, columns, wins in _winners(x, windows, largest):
        place = grad_padded[..., rows, columns]
        part = share if windows.overlap else place
        with np.errstate(invalid="ignore"):
            np.multiply(grad, wins, out=part)
        if not finite:  # infinity times 0 is NaN
            part[~wins] = 0
        if windows.overlap:
            place += share
    return grad_padded[..., *windows.inside()]


def _winners(
    x: np.ndarray, windows: Windows, largest: np.ndarray
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Each place of a window, once: the rows and columns it meets, in which windows it wins."""
    places = [(rows, columns) for _, _, rows, columns in windows.places()]
    padded = _pad(x, windows, np.nan)  # equal to nothing: padding never wins
    undecided, missing = np.ones_like(largest, bool), np.isnan(largest)
    by_nan = [missing] * len(places)
    if missing.any():  # NaN is not even equal to itself
        is_nan = _pad(np.isnan(x), windows, False)
        for number, (rows, columns) in reversed([*enumerate(places)]):
            by_nan[number] = is_nan[..., rows, columns] & missing
            missing ^= by_nan[number]
    for (rows, columns), of_nan in zip(places, by_nan, strict=True):
        wins = padded[..., rows, columns] == largest
        wins &= undecided
        undecided ^= wins
        wins |= of_nan
        yield rows, columns, wins


def avg_pool2d(
    x: np.ndarray, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> np.ndarray:  # fmt: skip
    """The mean of each window: torch.nn.functional.avg_pool2d.

    x: (N, C, H, W). The arguments are those of `max_pool2d`. count_include_pad: the padding's
    zeros count as values. What a last window has past the padding never counts.
    Returns (N, C, output rows, output columns).
    """
    windows = _windows("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode)
    checks.flag("avg_pool2d", "count_include_pad", count_include_pad)
    padded = _pad(x, windows, 0)
    output = np.zeros_like(x, shape=(*x.shape[:-2], *windows.output_size))
    for _, _, rows, columns in windows.places():
        output += padded[..., rows, columns]
    output /= _counts(windows, x.dtype, count_include_pad)
    return output


def avg_pool2d_backward(
    grad_output: np.ndarray, x: np.ndarray, kernel_size: Pair, stride: Pair | None = None,
    padding: Pair = 0, ceil_mode: bool = False, count_include_pad: bool = True,
) -> np.ndarray:  # fmt: skip
    """The gradient for x: each value of a window gets an equal share of the window's gradient."""
    name = "avg_pool2d_backward"
    windows = _windows(name, x, kernel_size, stride, padding, 1, ceil_mode)
    checks.flag(name, "count_include_pad", count_include_pad)
    checks.array(name, "grad_output", grad_output, shape=(*x.shape[:-2], *windows.output_size))
    share = grad_output / _counts(windows, grad_output.dtype, count_include_pad)
    grad_padded = np.zeros_like(x, shape=(*x.shape[:-2], *windows.padded_size))
    for _, _, rows, columns in windows.places():
        grad_padded[..., rows, columns] += share
    return grad_padded[..., *windows.inside()]


def adaptive_avg_pool2d(x: np.ndarray, output_size: Pair) -> np.ndarray:
    """The means of `output_size` windows, (rows, columns) or one number for both.

    x: (N, C, H, W), or one image (C, H, W). Returns (N, C, *output_size). Of n windows over H
    rows, window i has the rows from i * H / n, rounded down, to (i + 1) * H / n, rounded up:
    torch's adaptive_avg_pool2d.
    """
    output_size = checks.pair("adaptive_avg_pool2d", "output_size", output_size, 1)
    checks.array("adaptive_avg_pool2d", "x", x, (3, 4))
    output = np.empty_like(x, shape=(*x.shape[:-2], *output_size))
    for i, j, rows, columns in _shares(x.shape[-2:], output_size):
        output[..., i, j] = x[..., rows, columns].mean((-2, -1))
    return output


def adaptive_avg_pool2d_backward(
    grad_output: np.ndarray, x: np.ndarray, output_size: Pair
) -> np.ndarray:
    """The gradient for x: each mean's gradient, divided among the values of its window."""
    name = "adaptive_avg_pool2d_backward"
    output_size = checks.pair(name, "output_size", output_size, 1)
    checks.array(name, "x", x, (3, 4))
    checks.array(name, "grad_output", grad_output, shape=(*x.shape[:-2], *output_size))
    grad_x = np.zeros_like(x)
    for i, j, rows, columns in _shares(x.shape[-2:], output_size):
        window = grad_x[..., rows, columns]
        window += grad_output[..., i, j, None, None] / (window.shape[-2] * window.shape[-1])
    return grad_x


def _shares(
    size: tuple[int, ...], output_size: tuple[int, int]
) -> Iterator[tuple[int, int, slice, slice]]:
    """Each place of the output, with the rows and columns that its mean is of."""
    rows, columns = (
        [slice(i * pixels // count, -(-(i + 1) * pixels // count)) for i in range(count)]
        for pixels, count in zip(size, output_size, strict=True)
    )
    for i, j in np.ndindex(output_size):
        yield i, j, rows[i], columns[j]


def global_avg_pool2d(x: np.ndarray) -> np.ndarray:
    """The mean of each map: (N, C, H, W) to (N, C, 1, 1), as torch's adaptive_avg_pool2d(x, 1).

    Lin, Chen and Yan, "Network in network" (2013), section 3.2.
    """
    checks.array("global_avg_pool2d", "x", x, (3, 4))
    return avg_pool2d(x, x.shape[-2:])


def global_avg_pool2d_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient for x: the gradient of each mean, divided among its map's pixels."""
    _check_global("global_avg_pool2d_backward", grad_output, x)
    return avg_pool2d_backward(grad_output, x, x.shape[-2:])


def global_max_pool2d(x: np.ndarray) -> np.ndarray:
    """The largest value of each map: (N, C, H, W) to (N, C, 1, 1)."""
    checks.array("global_max_pool2d", "x", x, (3, 4))
    return max_pool2d(x, x.shape[-2:])


def global_max_pool2d_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient for x: all of it to each map's largest value, the first one of equals."""
    _check_global("global_max_pool2d_backward", grad_output, x)
    return max_pool2d_backward(grad_output, x, x.shape[-2:])


def _check_global(function: str, grad_output: np.ndarray, x: np.ndarray) -> None:
    checks.array(function, "x", x, (3, 4))
    checks.array(function, "grad_output", grad_output, shape=(*x.shape[:-2], 1, 1))


def _windows(
    function: str, x: np.ndarray, kernel_size: Pair, stride: Pair | None, padding: Pair, *rest: Any
) -> Windows:
    """The stops of a pooling window; `rest` is dilation and ceil_mode."""
    checks.array(function, "x", x, (3, 4))
    geometry = _geometry(function, kernel_size, stride, padding)
    return Windows(function, x.shape[-2:], *geometry, *rest)


def _geometry(
    function: str, kernel_size: Pair, stride: Pair | None, padding: Pair
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, stride and padding as pairs, once they fit together."""
    kernel = checks.pair(function, "kernel_size", kernel_size, 1)
    stride = kernel if stride is None else checks.pair(function, "stride", stride, 1)
    pads = checks.pair(function, "padding", padding, 0)
    fits = all(pad <= size // 2 for pad, size in zip(pads, kernel, strict=True))
    checks.require(fits, f"{function}: padding is {pads}; expected at most half of {kernel}")
    return kernel, stride, pads


def _pad(x: np.ndarray, windows: Windows, value: float) -> np.ndarray:
    """x with `value` around it; x itself when there is no padding."""
    if windows.padded_size == windows.size:
        return x
    padded = np.full_like(x, value, shape=(*x.shape[:-2], *windows.padded_size))
    padded[..., *windows.inside()] = x
    return padded


def _counts(windows: Windows, dtype: np.dtype, count_include_pad: bool) -> np.ndarray:
    """How many values each window's mean is of: (output rows, output columns), or one number."""
    if windows.padded_size == windows.size:
        return np.array(math.prod(windows.kernel_size), dtype)
    counted = np.zeros(windows.padded_size, dtype)
    counted[windows.inside()] = 1
    if count_include_pad:
        (height, width), ((top, _), (left, _)) = windows.size, windows.sides
        counted[: height + 2 * top, : width + 2 * left] = 1
    return np.sum([counted[rows, columns] for _, _, rows, columns in windows.places()], axis=0)


class MaxPool2d(FunctionLayer):
    """`max_pool2d` as a layer: torch.nn.MaxPool2d."""

    function, derivative = max_pool2d, max_pool2d_backward

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        geometry = _geometry("MaxPool2d", kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = geometry
        self.dilation = checks.pair("MaxPool2d", "dilation", dilation, 1)
        self.options = (*geometry, self.dilation, checks.flag("MaxPool2d", "ceil_mode", ceil_mode))

    def forward(self, x: np.ndarray) -> np.ndarray:
        output = super().forward(x)
        self.saved = x, output
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        x, output = self.recall()
        return max_pool2d_backward(grad_output, x, *self.options, largest=output)


class AvgPool2d(FunctionLayer):
    """`avg_pool2d` as a layer: torch.nn.AvgPool2d."""

    function, derivative = avg_pool2d, avg_pool2d_backward

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0,
        ceil_mode: bool = False, count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        geometry = _geometry("AvgPool2d", kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = geometry
        checks.flag("AvgPool2d", "count_include_pad", count_include_pad)
        ceil_mode = checks.flag("AvgPool2d", "ceil_mode", ceil_mode)
        self.options = (*geometry, ceil_mode, count_include_pad)


class AdaptiveAvgPool2d(FunctionLayer):
    """`adaptive_avg_pool2d` as a layer: torch.nn.AdaptiveAvgPool2d."""

    function, derivative = adaptive_avg_pool2d, adaptive_avg_pool2d_backward

    def __init__(self, output_size: Pair) -> None:
        self.options = (checks.pair("AdaptiveAvgPool2d", "output_size", output_size, 1),)


class GlobalAvgPool2d(FunctionLayer):
    """`global_avg_pool2d` as a layer: torch.nn.AdaptiveAvgPool2d(1)."""

    function, derivative = global_avg_pool2d, global_avg_pool2d_backward


class GlobalMaxPool2d(FunctionLayer):
    """`global_max_pool2d` as a layer: torch.nn.AdaptiveMaxPool2d(1)."""

    function, derivative = global_max_pool2d, global_max_pool2d_backward
