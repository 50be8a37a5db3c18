"""Convolution: a small kernel slides over an image and sums products at every stop.

What networks call convolution is cross-correlation: the kernel is not flipped. Arrays are NCHW:
(image, channel, row, column). `conv2d_loops` is the definition; `im2col` is the idea that makes it
fast, one matrix product instead of loops; `Correlation` is that idea with less copying.
"""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnlib import checks, memory
from cnnlib.layer import WeightedLayer
from cnnlib.padding import pad, pad_backward
from cnnlib.shapes import Padding, Pair, Windows, conv_transpose_output_size, padding_sides


def _or_one_image(function: Callable) -> Callable:
    """Let a function of a batch take one image (C, H, W) in its place, as a batch of one."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        call = signature.bind(*args, **options)
        if getattr(call.arguments["x"], "ndim", 4) != 3:
            return function(*args, **options)
        for name in ("x", "grad_output"):
            if getattr(call.arguments.get(name), "ndim", 4) == 3:
                call.arguments[name] = call.arguments[name][None]
        result = function(*call.args, **call.kwargs)
        return (result[0][0], *result[1:]) if isinstance(result, tuple) else result[0]

    return wrapper


@_or_one_image
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


@_or_one_image
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


@_or_one_image
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
    windows = _check("conv2d_backward", x, weight, None, groups, stride, padding, dilation)
    shape = (len(x), len(weight), *windows.output_size)
    checks.array("conv2d_backward", "grad_output", grad_output, shape=shape)
    correlation = Correlation(windows, groups)
    grad = _rows_first(grad_output)
    gradients = correlation.parameter_gradients(correlation.columns(x), grad, weight)
    return correlation.spread(grad, weight), *gradients


@_or_one_image
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
    options = (groups, output_padding, stride, padding, dilation)
    correlation = _check_transpose("conv_transpose2d", x, weight, bias, *options)
    output = correlation.spread(_rows_first(x), weight)
    if bias is not None:
        output += bias[:, None, None]
    return output


@_or_one_image
def conv_transpose2d_backward(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray, stride: Pair = 1, padding: Pair = 0,
    output_padding: Pair = 0, groups: int = 1, dilation: Pair = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients for `conv_transpose2d`'s input, weight and bias.

    The transposed convolution is a convolution's way back, so its own way back is a convolution.
    """
    name, options = "conv_transpose2d_backward", (groups, output_padding, stride, padding, dilation)
    correlation = _check_transpose(name, x, weight, None, *options)
    shape = (len(x), weight.shape[1] * groups, *correlation.windows.size)
    checks.array(name, "grad_output", grad_output, shape=shape)
    columns = correlation.columns(grad_output)
    grad_x = correlation.forward(columns, weight, None)
    grad_weight, _ = correlation.parameter_gradients(columns, _rows_first(x), weight)
    return grad_x, grad_weight, grad_output.sum((0, 2, 3))


def convolve2d(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution as mathematics has it: the kernel turned by 180 degrees, then slid.

    x: (H, W). kernel: (rows, columns). Returns the positions where the kernel fits,
    (H - rows + 1, W - columns + 1). `conv2d` without the flip is cross-correlation.
    """
    checks.array("convolve2d", "x", x, 2)
    checks.array("convolve2d", "kernel", kernel, 2)
    return conv2d(x[None], kernel[None, None, ::-1, ::-1])[0]


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
    columns: np.ndarray, shape: tuple[int, int, int, int], kernel_size: Pair, stride: Pair = 1,
    padding: Padding = 0, dilation: Pair = 1,
) -> np.ndarray:  # fmt: skip
    """The way back of `im2col`: add each column into the window that it came from.

    columns: as from `im2col`. shape: of the images, (N, C, H, W), which is also that of the result.
    Pixels in several windows receive the sum.
    """
    checks.sizes("col2im", "shape", shape)
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


class Correlation:
    """The three products of a convolution: output, weight gradient, input gradient.

    What is fast here, and why:

    - Images lie in memory as (row, channel, column, image). A step along a row of the output is a
      step over all images, so every copy and every sum runs over long stretches of memory. NCHW
      is the same memory seen through other axes, and costs nothing.
    - Windows are laid down as columns (see `im2col`) only along the image's rows: kernel columns
      times, not kernel columns times kernel rows. With rows outermost, the rows that a kernel
      covers follow each other in memory, so the matrix for an output row is a piece of this array,
      and the matrix for the next output row is a piece that overlaps it.
    - The products are made one output row at a time, which keeps their results in the cache while
      the bias is added or the gradient is spread.
    """

    def __init__(self, windows: Windows, groups: int) -> None:
        self.windows, self.groups = windows, groups

    def columns(self, x: np.ndarray) -> np.ndarray:
        """The matrix for each output row, from images (N, C, H, W).

        Returns (output rows, groups, kernel rows * C / groups * kernel columns, output columns * N)
        """
        w, (n, channels) = self.windows, x.shape[:2]
        rows, cols = w.output_size
        image = _rows_first(x, w)
        stretched = image[:, :, None]
        if w.kernel_size[1] > 1 or w.padded_size[1] != cols:
            shape = (len(image), channels, w.kernel_size[1], cols, n)
            stretched = memory.empty(shape, x.dtype)
            for j in range(w.kernel_size[1]):
                stretched[:, :, j] = image[:, :, w.stops(1, j)]
        down, across, *others = stretched.strides
        per_group = channels // self.groups
        matrices = as_strided(
            stretched,
            (rows, self.groups, w.kernel_size[0], per_group, *stretched.shape[2:]),
            (down * w.stride[0], across * per_group, down * w.dilation[0], across, *others),
        )
        return matrices.reshape(rows, self.groups, -1, cols * n)

    def forward(
        self, columns: np.ndarray, weight: np.ndarray, bias: np.ndarray | None
    ) -> np.ndarray:
        """The output (N, O, output rows, output columns)."""
        matrix = self.matrix(weight)
        rows, cols = self.windows.output_size
        dtype = np.result_type(columns, weight)
        output = memory.empty((rows, *matrix.shape[:2], columns.shape[-1]), dtype)
        for output_row, row_columns in zip(output, columns, strict=True):
            np.matmul(matrix, row_columns, out=output_row)
            if bias is not None:
                output_row += bias.reshape(self.groups, -1, 1)
        return output.reshape(rows, len(weight), cols, -1).transpose(3, 1, 0, 2)

    def parameter_gradients(
        self, columns: np.ndarray, grad: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Each weight's sum of pixel times gradient, and each bias's sum of gradients.

        `grad` lies (output rows, O, output columns, N).
        """
        grad = grad.reshape(len(columns), self.groups, -1, columns.shape[-1])
        total = np.zeros((self.groups, grad.shape[2], columns.shape[2]), grad.dtype)
        product, bias = np.empty_like(total), np.zeros(grad.shape[1:3], grad.dtype)
        ones = np.ones(grad.shape[3], grad.dtype)  # a product with ones is the fastest sum
        for grad_row, row_columns in zip(grad, columns, strict=True):
            total += np.matmul(grad_row, row_columns.swapaxes(1, 2), out=product)
            bias += grad_row @ ones
        filters, channels, *kernel = weight.shape
        total = total.reshape(filters, kernel[0], channels, kernel[1]).swapaxes(1, 2)
        return total, bias.reshape(-1)

    def spread(self, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Each pixel's sum of weight times gradient; `grad` lies (output rows, O, columns, N).

        Returns (N, C, H, W).
        """
        w, n, channels = self.windows, grad.shape[-1], weight.shape[1]
        grad = grad.reshape(len(grad), self.groups, -1, w.output_size[1] * n)
        shape = (w.padded_size[0], self.groups, channels, w.padded_size[1], n)
        image = memory.zeros(shape, np.result_type(grad, weight))
        few = self.groups * channels * w.kernel_size[1] < 16  # rows of products: slow in `gather`
        (self.scatter if few else self.gather)(image, grad, weight)
        rows, columns = w.inside()
        image = image.reshape(len(image), -1, *image.shape[3:])
        return image[rows, :, columns].transpose(3, 1, 0, 2)

    def scatter(self, image: np.ndarray, grad: np.ndarray, weight: np.ndarray) -> None:
        """Take an output row at a time, and add what it gives to all image rows under it."""
        w, (_, groups, channels, _, n) = self.windows, image.shape
        matrix = self.matrix(weight).swapaxes(1, 2)
        product = memory.empty((groups, matrix.shape[1], grad.shape[-1]), image.dtype)
        parts = product.reshape(groups, -1, channels, w.kernel_size[1], w.output_size[1], n)
        for r, grad_row in enumerate(grad):
            np.matmul(matrix, grad_row, out=product)
            top, dilation = r * w.stride[0], w.dilation[0]
            under = image[top : top + (w.kernel_size[0] - 1) * dilation + 1 : dilation]
            for j in range(w.kernel_size[1]):
                under[..., w.stops(1, j), :] += parts[:, :, :, j].swapaxes(0, 1)

    def gather(self, image: np.ndarray, grad: np.ndarray, weight: np.ndarray) -> None:
        """Take an image row at a time, and sum what all output rows over it give, in one product.

        Fewer numbers are left to add than in `scatter`: those of the kernel's columns.
        """
        w, (_, groups, channels, _, n) = self.windows, image.shape
        matrix = weight.reshape(groups, -1, *weight.shape[1:]).transpose(0, 4, 2, 3, 1)
        grad = grad.swapaxes(0, 1)
        product = memory.empty((groups, w.kernel_size[1] * channels, grad.shape[-1]), image.dtype)
        parts = product.reshape(groups, w.kernel_size[1], channels, w.output_size[1], n)
        through: dict[tuple[int, ...], np.ndarray] = {}
        for r, image_row in enumerate(image[w.inside()[0]]):
            kernel_rows, output_rows = self.over(r)
            if kernel_rows not in through:
                through[kernel_rows] = matrix[:, :, :, kernel_rows].reshape(*product.shape[:2], -1)
            above = grad[:, output_rows].reshape(groups, -1, grad.shape[-1])
            np.matmul(through[kernel_rows], above, out=product)
            for j in range(w.kernel_size[1]):
                image_row[:, :, w.stops(1, j)] += parts[:, j]

    def over(self, row: int) -> tuple[tuple[int, ...], slice]:
        """The kernel rows that lie over an image row at some stop, and these stops, in order."""
        w = self.windows
        place, step, dilation = w.sides[0][0] + row, w.stride[0], w.dilation[0]
        starts = [(i, place - i * dilation) for i in reversed(range(w.kernel_size[0]))]
        pairs = [(i, start // step) for i, start in starts if start % step == 0]
        pairs = [(i, stop) for i, stop in pairs if 0 <= stop < w.output_size[0]]
        if not pairs:
            return (), slice(0)
        kernel_rows, stops = zip(*pairs, strict=True)
        apart = (stops[-1] - stops[0]) // max(1, len(stops) - 1)
        return kernel_rows, slice(stops[0], stops[-1] + 1, max(1, apart))

    def matrix(self, weight: np.ndarray) -> np.ndarray:
        """The weights as (groups, O / groups, kernel rows * C / groups * kernel columns)."""
        return weight.swapaxes(1, 2).reshape(self.groups, len(weight) // self.groups, -1)


def _rows_first(x: np.ndarray, windows: Windows | None = None) -> np.ndarray:
    """Images (N, C, H, W) as (H, C, W, N) in memory, in the padding of `windows` if given."""
    pads = windows is not None and windows.padded_size != windows.size
    if not pads and x.transpose(2, 1, 3, 0).flags.c_contiguous:
        return x.transpose(2, 1, 3, 0)
    if x.flags.c_contiguous:
        # Images a large power of two apart compete for one place in the cache: move them apart.
        apart = memory.empty((len(x), x[0].size + 16), x.dtype)[:, : x[0].size]
        apart[...] = x.reshape(apart.shape)
        x = apart.reshape(x.shape)
    size = windows.padded_size if pads else x.shape[2:]
    inside = windows.inside() if pads else (slice(None), slice(None))
    allocate = memory.zeros if pads else memory.empty
    image = allocate((size[0], x.shape[1], size[1], len(x)), x.dtype)
    image[inside[0], :, inside[1]] = x.transpose(2, 1, 3, 0)
    return image


def _check(
    function: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int,
    *geometry: Padding,
) -> Windows:  # fmt: skip
    """The stops of a convolution (`geometry`: stride, padding, dilation), once all fits."""
    checks.array(function, "x", x, (3, 4))
    filters, channels, *kernel_size = checks.array(function, "weight", weight, 4).shape
    _check_groups(function, groups, f"weight has {filters} filters", filters)
    _check_arrays(function, x, channels * groups, bias, filters)
    return Windows(function, x.shape[2:], kernel_size, *geometry)


def _check_transpose(
    function: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, groups: int,
    output_padding: Pair, *geometry: Pair,
) -> Correlation:  # fmt: skip
    """The convolution that leads from a transposed one's output back to its input."""
    checks.array(function, "x", x, (3, 4))
    channels, filters, *kernel_size = checks.array(function, "weight", weight, 4).shape
    _check_groups(function, groups, f"x has {x.shape[1]} channels", x.shape[1])
    _check_arrays(function, x, channels, bias, filters * groups)
    names, minima = ("stride", "padding", "dilation"), (1, 0, 1)
    stride, cut, dilation = map(checks.pair, [function] * 3, names, geometry, minima)
    more = checks.pair(function, "output_padding", output_padding, 0)
    found = f"{function}: output_padding is {more}; expected less than the stride {stride}"
    fits = all(m < max(s, d) for m, s, d in zip(more, stride, dilation, strict=True))
    checks.require(fits, f"{found} or the dilation {dilation}")
    each_axis = zip(x.shape[2:], kernel_size, stride, cut, more, dilation, strict=True)
    size = tuple(conv_transpose_output_size(*axis) for axis in each_axis)
    checks.require(min(size) > 0, f"{function}: padding {cut} cuts the output down to {size}")
    windows = Windows(function, size, kernel_size, stride, cut, dilation)
    windows.output_size = x.shape[2:]  # output_padding may leave room for one more stop
    return Correlation(windows, groups)


def _check_arrays(
    function: str, x: np.ndarray, inputs: int, bias: np.ndarray | None, outputs: int
) -> None:
    found = f"{function}: weight expects {inputs} input channels, x has {x.shape[1]}"
    checks.require(x.shape[1] == inputs, found)
    if bias is not None:
        checks.array(function, "bias", bias, shape=(outputs,))


def _check_groups(function: str, groups: int, found: str, *channels: int) -> None:
    checks.integer(function, "groups", groups, 1)
    message = f"{function}: {found}; expected a multiple of the {groups} groups"
    checks.require(all(number % groups == 0 for number in channels), message)


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
        dtype: type = np.float32,
    ) -> None:  # fmt: skip
        self.kernel_size = checks.pair("Conv2d", "kernel_size", kernel_size, 1)
        self.stride = checks.pair("Conv2d", "stride", stride, 1)
        self.dilation = checks.pair("Conv2d", "dilation", dilation, 1)
        sides = padding_sides("Conv2d", self.kernel_size, self.stride, padding, self.dilation)
        self.padding, self.groups = padding, groups
        modes = ("zeros", "reflect", "replicate", "circular")
        self.padding_mode = checks.choice("Conv2d", "padding_mode", padding_mode, modes)
        self.filled = (*sides[1], *sides[0]), padding_mode  # for `pad`
        shape = _filters("Conv2d", groups, in_channels=in_channels, out_channels=out_channels)
        self.draw((*shape, *self.kernel_size), out_channels, bias, rng, dtype)

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
        correlation, grad, x = self._learn(grad_output)
        grad_x = correlation.spread(grad, self.weight.data)
        grad_x = grad_x[0] if grad_output.ndim == 3 else grad_x
        return grad_x if x is None else pad_backward(grad_x, x, *self.filled)

    def backward_parameters(self, grad_output: np.ndarray) -> None:
        overridden = type(self).backward is not Conv2d.backward
        (self.backward if overridden else self._learn)(grad_output)

    def _learn(self, grad_output: np.ndarray) -> tuple[Correlation, np.ndarray, np.ndarray | None]:
        """Add the parameters' gradients; return what the gradient for x is made of."""
        correlation, columns, shape, x = self.recall()
        checks.array("Conv2d.backward", "grad_output", grad_output, shape=shape)
        grad = _rows_first(grad_output.reshape(-1, *shape[-3:]))
        self.learn(*correlation.parameter_gradients(columns, grad, self.weight.data))
        return correlation, grad, x


class ConvTranspose2d(WeightedLayer):
    """`conv_transpose2d`, which enlarges maps, with its weights: torch.nn.ConvTranspose2d.

    `weight`: (in_channels, out_channels / groups, kernel rows, kernel columns); `bias` and the
    other arguments as in `Conv2d` and `conv_transpose2d`.
    """

    function, derivative = conv_transpose2d, conv_transpose2d_backward

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1,
        padding: Pair = 0, output_padding: Pair = 0, groups: int = 1, bias: bool = True,
        dilation: Pair = 1, *, rng: np.random.Generator | None = None, dtype: type = np.float32,
    ) -> None:  # fmt: skip
        self.options = (stride, padding, output_padding, groups, dilation)
        shape = _filters(
            "ConvTranspose2d", groups, out_channels=out_channels, in_channels=in_channels
        )
        kernel_size = checks.pair("ConvTranspose2d", "kernel_size", kernel_size, 1)
        self.draw((*shape, *kernel_size), out_channels, bias, rng, dtype)

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """Each pixel of x meets each of its weights."""
        return math.prod(input_shape) * self.weight.data[0].size


def _filters(function: str, groups: int, **channels: int) -> tuple[int, int]:
    """The weight's first two axes, of the channels that are summed over and those that are kept."""
    for name, number in channels.items():
        checks.integer(function, name, number, 1)
    summed, kept = channels.values()
    found = " and ".join(f"{name} is {number}" for name, number in channels.items())
    _check_groups(function, groups, found, summed, kept)
    return kept, summed // groups
