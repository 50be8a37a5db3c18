"""Convolution: a small kernel slides over an image and sums products at every stop.

What networks call convolution is cross-correlation: the kernel is not flipped. Arrays are NCHW:
(image, channel, row, column). `conv2d_loops` is the definition, `conv2d_im2col` makes one matrix
product of it, and `conv2d` is the same once more with less copying, by `fast_convolution`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from cnnlib import checks, shapes
from cnnlib.checks import or_one_image
from cnnlib.fast_convolution import Correlation, rows_first
from cnnlib.layer import WeightedLayer
from cnnlib.padding import pad, pad_backward
from cnnlib.shapes import Padding, Pair, Windows


@or_one_image
def conv2d_loops(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1, groups: int = 1,
) -> np.ndarray:  # fmt: skip
    """The definition of `conv2d`, one product at a time: for reading, and slow."""
    windows = _check("conv2d_loops", x, weight, bias, groups, stride, padding, dilation)
    padded = np.pad(x, ((0, 0), (0, 0), *windows.sides))
    filters, channels, kernel_rows, kernel_columns = weight.shape
    output = np.zeros((len(x), filters, *windows.output_size), np.result_type(x, weight))
    for n, o, r, c in np.ndindex(output.shape):
        first_channel = o // (filters // groups) * channels  # of the group that filter o sees
        total = 0.0 if bias is None else bias[o]
        for k in range(channels):
            for i in range(kernel_rows):
                for j in range(kernel_columns):
                    row = r * windows.stride[0] + i * windows.dilation[0]
                    column = c * windows.stride[1] + j * windows.dilation[1]
                    total += padded[n, first_channel + k, row, column] * weight[o, k, i, j]
        output[n, o, r, c] = total
    return output


@or_one_image
def conv2d_backward_loops(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1, groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The definition of `conv2d_backward`: each product tells its weight and its pixel."""
    name, geometry = "conv2d_backward_loops", (stride, padding, dilation)
    windows = _check_backward(name, grad_output, x, weight, groups, *geometry)
    padded = np.pad(x, ((0, 0), (0, 0), *windows.sides))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    filters, channels, kernel_rows, kernel_columns = weight.shape
    for n, o, r, c in np.ndindex(grad_output.shape):
        first_channel = o // (filters // groups) * channels  # of the group that filter o sees
        for k, i, j in np.ndindex(channels, kernel_rows, kernel_columns):
            row = r * windows.stride[0] + i * windows.dilation[0]
            column = c * windows.stride[1] + j * windows.dilation[1]
            pixel = n, first_channel + k, row, column
            grad_weight[o, k, i, j] += padded[pixel] * grad_output[n, o, r, c]
            grad_padded[pixel] += weight[o, k, i, j] * grad_output[n, o, r, c]
    return grad_padded[:, :, *windows.inside()], grad_weight, grad_output.sum((0, 2, 3))


def im2col(
    x: np.ndarray, kernel_size: Pair, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1
) -> np.ndarray:
    """Lay every window down as a column, so that a convolution becomes one matrix product.

    x: (N, C, H, W). Returns (C * kernel rows * kernel columns, N * output rows * output columns):
    a row for each place in the window, a column for each stop.
    Method: Chellapilla, Puri and Simard, "High performance convolutional neural networks for
    document processing" (2006), section 3.
    """
    checks.array("im2col", "x", x, 4)
    windows = Windows("im2col", x.shape[2:], kernel_size, stride, padding, dilation)
    padded = np.pad(x, ((0, 0), (0, 0), *windows.sides))
    n, channels = x.shape[:2]
    columns = np.empty((channels, *windows.kernel_size, n, *windows.output_size), x.dtype)
    for i, j, rows, cols in windows.places():
        columns[:, i, j] = padded[:, :, rows, cols].swapaxes(0, 1)
    return columns.reshape(columns[:, :, :, 0, 0, 0].size, -1)


def col2im(
    columns: np.ndarray, shape: tuple[int, ...], kernel_size: Pair, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1,
) -> np.ndarray:  # fmt: skip
    """The way back of `im2col`: add each column into the window that it came from.

    columns: as from `im2col`. shape: of the images, (N, C, H, W), which is also that of the result.
    Pixels in several windows receive the sum.
    """
    shape = checks.sizes("col2im", "shape", shape)
    checks.require(len(shape) == 4, f"col2im: shape is {shape}; expected (N, C, H, W)")
    n, channels, *size = shape
    windows = Windows("col2im", size, kernel_size, stride, padding, dilation)
    places, stops = math.prod(windows.kernel_size), math.prod(windows.output_size)
    checks.array("col2im", "columns", columns, shape=(channels * places, n * stops))
    parts = columns.reshape(channels, *windows.kernel_size, n, *windows.output_size)
    padded = np.zeros((n, channels, *windows.padded_size), columns.dtype)
    for i, j, rows, cols in windows.places():
        padded[:, :, rows, cols] += parts[:, i, j].swapaxes(0, 1)
    return padded[:, :, *windows.inside()]


@or_one_image
def conv2d_im2col(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1, groups: int = 1,
) -> np.ndarray:  # fmt: skip
    """`conv2d` as one matrix product for each group: filters as rows, windows as columns."""
    windows = _check("conv2d_im2col", x, weight, bias, groups, stride, padding, dilation)
    columns = im2col(x, windows.kernel_size, stride, padding, dilation)
    filters, n = len(weight), len(x)
    output = weight.reshape(groups, filters // groups, -1) @ np.stack(np.split(columns, groups))
    output = output.reshape(filters, n, *windows.output_size).swapaxes(0, 1)
    return output if bias is None else output + bias[:, None, None]


@or_one_image
def conv2d_backward_im2col(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1, groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """`conv2d_backward` as the two products of a dense layer, and the columns' way back."""
    name, geometry = "conv2d_backward_im2col", (stride, padding, dilation)
    windows = _check_backward(name, grad_output, x, weight, groups, *geometry)
    columns = im2col(x, windows.kernel_size, *geometry)
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    grad = grad_output.swapaxes(0, 1).reshape(*matrix.shape[:2], -1)
    grad_weight = grad @ np.stack(np.split(columns, groups)).swapaxes(1, 2)
    grad_columns = (matrix.swapaxes(1, 2) @ grad).reshape(columns.shape)
    grad_x = col2im(grad_columns, x.shape, windows.kernel_size, *geometry)
    return grad_x, grad_weight.reshape(weight.shape), grad_output.sum((0, 2, 3))


@or_one_image
def conv2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1, groups: int = 1,
) -> np.ndarray:  # fmt: skip
    """Slide each filter over each image: torch.nn.functional.conv2d.

    x: (N, C, H, W), or one image (C, H, W). weight: (O, C / groups, kernel rows, kernel columns).
    bias: (O,) or None. stride, dilation: pixels, one number or a pair (rows, columns).
    padding: zeros on each side, one number or a pair, or "valid" (none) or "same" (keeps the size
    at stride 1; an even kernel has the extra row at the bottom and the extra column at the right).
    groups: the channels and the filters are cut into so many parts, each part sees only its own.

    Returns (N, O, output rows, output columns), or (O, output rows, output columns).
    Raises ValueError or TypeError, naming the argument, for arrays that do not fit together.
    """
    windows = _check("conv2d", x, weight, bias, groups, stride, padding, dilation)
    correlation = Correlation(windows, groups)
    return correlation.forward(correlation.columns(x), weight, bias)


@or_one_image
def conv2d_backward(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1, groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients of a loss for `conv2d`'s input, weight and bias.

    grad_output: the gradient for the output, of its shape. x and the other arguments are those of
    the forward call. Returns arrays of the shapes of x and weight, and (O,).

    Each weight has met one pixel per stop, and each pixel one weight per window over it: both
    gradients are sums, over these meetings, of the other partner times the gradient of the output
    (Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 9.5).
    """
    name, geometry = "conv2d_backward", (stride, padding, dilation)
    windows = _check_backward(name, grad_output, x, weight, groups, *geometry)
    correlation = Correlation(windows, groups)
    grad = rows_first(grad_output)
    return correlation.gradients(correlation.columns(x), grad, weight)


@or_one_image
def conv_transpose2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: Pair = 1,
    padding: Pair = 0, output_padding: Pair = 0, groups: int = 1, dilation: Pair = 1,
) -> np.ndarray:  # fmt: skip
    """Stamp each filter, times the pixel, around each pixel: torch.nn.functional.conv_transpose2d.

    x: (N, C, H, W), or (C, H, W). weight: (C, O / groups, kernel rows, kernel columns).
    bias: (O,) or None. padding: rows and columns cut off each side. output_padding: rows added at
    the bottom and columns at the right, fewer than the stride or the dilation.

    Returns (N, O, output rows, output columns); per axis the size is
    `(size - 1) * stride + effective kernel - 2 * padding + output_padding`.
    This is what `conv2d` does to a gradient on the way back (Dumoulin and Visin, chapter 4).
    """
    geometry = (stride, padding, output_padding, dilation)
    correlation = _check_transpose("conv_transpose2d", x, weight, bias, groups, *geometry)
    output = correlation.spread(rows_first(x), weight)
    if bias is not None:
        output += bias[:, None, None]
    return output


@or_one_image
def conv_transpose2d_backward(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair = 1, padding: Pair = 0,
    output_padding: Pair = 0, groups: int = 1, dilation: Pair = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients for `conv_transpose2d`'s input, weight and bias.

    The transposed convolution is a convolution's way back, so its own way back is a convolution.
    """
    name, geometry = "conv_transpose2d_backward", (stride, padding, output_padding, dilation)
    correlation = _check_transpose(name, x, weight, None, groups, *geometry)
    shape = (len(x), weight.shape[1] * groups, *correlation.windows.size)
    checks.array(name, "grad_output", grad_output, shape=shape)
    columns = correlation.columns(grad_output)
    grad_x = correlation.forward(columns, weight, None)
    grad_weight, _ = correlation.parameter_gradients(columns, rows_first(x), weight)
    return grad_x, grad_weight, grad_output.sum((0, 2, 3))


def convolve2d(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution as mathematics has it: the kernel turned by 180 degrees, then slid.

    x: (H, W). kernel: (rows, columns). Returns the positions where the kernel fits,
    (H - rows + 1, W - columns + 1). `conv2d` without the flip is cross-correlation.
    """
    checks.array("convolve2d", "x", x, 2)
    checks.array("convolve2d", "kernel", kernel, 2)
    return conv2d(x[None], kernel[None, None, ::-1, ::-1])[0]


def _check(
    function: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int,
    *geometry: Any,
) -> Windows:  # fmt: skip
    """The stops of a convolution (`geometry`: stride, padding, dilation), once all fits."""
    checks.array(function, "x", x, (3, 4))
    filters, channels, *kernel_size = checks.array(function, "weight", weight, 4).shape
    checks.groups(function, groups, f"weight has {filters} filters", filters)
    _check_arrays(function, x, channels * groups, bias, filters)
    return Windows(function, x.shape[2:], kernel_size, *geometry)


def _check_backward(
    function: str, grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, groups: int,
    *geometry: Any,
) -> Windows:  # fmt: skip
    windows = _check(function, x, weight, None, groups, *geometry)
    shape = (len(x), len(weight), *windows.output_size)
    checks.array(function, "grad_output", grad_output, shape=shape)
    return windows


def _check_transpose(
    function: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int,
    *geometry: Any,
) -> Correlation:  # fmt: skip
    """The convolution that leads from a transposed one's output back to its input."""
    checks.array(function, "x", x, (3, 4))
    channels, filters, *kernel_size = checks.array(function, "weight", weight, 4).shape
    checks.groups(function, groups, f"x has {x.shape[1]} channels", x.shape[1])
    _check_arrays(function, x, channels, bias, filters * groups)
    return Correlation(
        shapes.transposed_windows(function, x.shape[2:], kernel_size, *geometry), groups
    )


def _check_arrays(
    function: str, x: np.ndarray, inputs: int, bias: np.ndarray | None, outputs: int
) -> None:
    found = f"{function}: weight expects {inputs} input channels, x has {x.shape[1]}"
    checks.require(x.shape[1] == inputs, found)
    if bias is not None:
        checks.array(function, "bias", bias, shape=(outputs,))


class Conv2d(WeightedLayer):
    """`conv2d` with its filters and their biases: torch.nn.Conv2d.

    `weight`: (out_channels, in_channels / groups, kernel rows, kernel columns), `bias`:
    (out_channels,), both drawn from `rng` as torch draws them. The other arguments are those of
    `conv2d`; padding_mode: what the padding is made of, "zeros", or "reflect", "replicate" or
    "circular" as in `pad`. Raises ValueError when `groups` does not divide both numbers of
    channels.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1,
        padding: Padding = 0, dilation: Pair = 1, groups: int = 1, bias: bool = True,
        padding_mode: str = "zeros", *, rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.kernel_size = checks.pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = checks.pair("Conv2d", "stride", stride, 1)
        self.dilation = checks.pair("Conv2d", "dilation", dilation, 1)
        sides = shapes.padding_sides(
            "Conv2d", self.kernel_size, self.stride, padding, self.dilation
        )
        self.padding, self.groups = padding, groups
        self.in_channels, self.out_channels = in_channels, out_channels
        modes = ("zeros", "reflect", "replicate", "circular")
        self.padding_mode = checks.choice("Conv2d", "padding_mode", padding_mode, modes)
        self.filled = (*sides[1], *sides[0]), padding_mode  # for `pad`
        checks.channels("Conv2d", groups, in_channels, out_channels)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.draw(shape, out_channels, bias, rng, dtype)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.saved = None  # frees the last call's columns for this one
        images = x[None] if getattr(x, "ndim", 0) == 3 else x
        weight, bias = self.weight.data, self.bias.data if self.bias else None
        geometry = (self.stride, self.padding, self.dilation)
        if self.padding_mode != "zeros":
            images, geometry = pad(images, *self.filled), (self.stride, 0, self.dilation)
        windows = _check("Conv2d", images, weight, bias, self.groups, *geometry)
        correlation = Correlation(windows, self.groups)
        columns = correlation.columns(images)
        output = correlation.forward(columns, weight, bias)
        output = output[0] if np.ndim(x) == 3 else output
        self.saved = correlation, columns, output.shape, x if self.padding_mode != "zeros" else None
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for x, as `conv2d_backward` has it, from the columns that are kept."""
        grad_x, x = self._learn(grad_output)
        grad_x = grad_x[0] if grad_output.ndim == 3 else grad_x
        return grad_x if x is None else pad_backward(grad_x, x, *self.filled)

    def backward_parameters(self, grad_output: np.ndarray) -> None:
        if type(self).backward is Conv2d.backward:
            self._learn(grad_output, of_images=False)
        else:  # overridden
            self.backward(grad_output)

    def _learn(self, grad_output: np.ndarray, of_images: bool = True) -> tuple[Any, Any]:
        """Add the parameters' gradients; return that of the images, if asked for, and `pad`'s x."""
        correlation, columns, shape, x = self.recall()
        checks.array("Conv2d.backward", "grad_output", grad_output, shape=shape)
        grad = rows_first(grad_output.reshape(-1, *shape[-3:]))
        grad_x, *gradients = correlation.gradients(columns, grad, self.weight.data, of_images)
        self.learn(*gradients)
        return grad_x, x


class ConvTranspose2d(WeightedLayer):
    """`conv_transpose2d`, which enlarges maps, with its weights: torch.nn.ConvTranspose2d.

    `weight`: (in_channels, out_channels / groups, kernel rows, kernel columns); `bias` and the
    other arguments as in `Conv2d` and `conv_transpose2d`.
    """

    function, derivative = conv_transpose2d, conv_transpose2d_backward

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1,
        padding: Pair = 0, output_padding: Pair = 0, groups: int = 1, bias: bool = True,
        dilation: Pair = 1, *, rng: np.random.Generator | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        name, geometry = "ConvTranspose2d", (stride, padding, output_padding, dilation)
        self.stride, self.padding, self.output_padding, self.dilation = shapes.transposed_geometry(
            name, *geometry
        )
        self.options = (self.stride, self.padding, self.output_padding, groups, self.dilation)
        checks.channels(name, groups, in_channels, out_channels)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = checks.pair(name, "kernel_size", kernel_size, 1)
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.draw(shape, out_channels, bias, rng, dtype)

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """Each pixel of x meets each of its weights."""
        return math.prod(input_shape) * self.weight.data[0].size
