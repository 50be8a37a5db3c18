"""Sizes and counts: what comes out of a layer, known before any pixel is looked at.

Integers only, in pixels along one axis (rows or columns) unless a name says otherwise. The
formulas are those of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning"
(2016), and agree with PyTorch: a window that does not fit is skipped.
"""

from collections.abc import Iterable, Iterator, Sequence

from cnnlib import checks

Pair = int | Sequence[int]  # one number, or rows and columns
Padding = Pair | str


def effective_kernel_size(kernel_size: int, dilation: int = 1) -> int:
    """Pixels from the kernel's first to its last: `dilation * (kernel_size - 1) + 1`.

    Raises ValueError unless both are at least 1.
    """
    kernel_size = checks.integer("effective_kernel_size", "kernel_size", kernel_size, 1)
    dilation = checks.integer("effective_kernel_size", "dilation", dilation, 1)
    return dilation * (kernel_size - 1) + 1


def same_padding(kernel_size: int, dilation: int = 1) -> tuple[int, int]:
    """Rows of zeros (before, after) that keep the size at stride 1.

    An even kernel needs one more on one side. As in PyTorch, that is the side after.
    """
    kernel_size = checks.integer("same_padding", "kernel_size", kernel_size, 1)
    dilation = checks.integer("same_padding", "dilation", dilation, 1)
    total = effective_kernel_size(kernel_size, dilation) - 1
    return total // 2, total - total // 2


def padding_sides(
    function: str, kernel_size: Pair, stride: Pair = 1, padding: Padding = 0, dilation: Pair = 1
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The argument `padding` as rows of zeros ((top, bottom), (left, right)).

    `padding` is a whole number, a pair (rows, columns), "valid" (none) or "same".
    Raises ValueError, in the name of `function`, for another word, a negative number, or "same"
    with a stride other than 1, where no padding keeps the size.
    """
    if not isinstance(padding, str):
        rows, columns = checks.pair(function, "padding", padding, 0)
        return (rows, rows), (columns, columns)
    if checks.choice(function, "padding", padding, ("valid", "same")) == "valid":
        return (0, 0), (0, 0)
    stride = checks.pair(function, "stride", stride, 1)
    found = f"{function}: padding 'same' expects stride 1, stride is {stride}"
    checks.require(stride == (1, 1), found)
    kernel_size = checks.pair(function, "kernel_size", kernel_size, 1)
    dilation = checks.pair(function, "dilation", dilation, 1)
    return same_padding(kernel_size[0], dilation[0]), same_padding(kernel_size[1], dilation[1])


def conv_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int | str = 0, dilation: int = 1
) -> int:
    """Windows that fit: `(size + padding before and after - effective kernel) // stride + 1`.

    `padding` is the zeros on each side, "valid" (none) or "same".
    Raises ValueError when the kernel is larger than the padded input.
    """
    sizes = (checks.integer("conv_output_size", "size", size, 1),) * 2
    windows = Windows("conv_output_size", sizes, kernel_size, stride, padding, dilation)
    return windows.output_size[0]


def rows_left_over(
    size: int, kernel_size: int, stride: int = 1, padding: int | str = 0, dilation: int = 1
) -> int:
    """Rows of the padded input after the last window, which no window touches.

    Size 7, kernel 3, stride 5: one window fits, and the last 4 rows are left over.
    """
    sizes = (checks.integer("rows_left_over", "size", size, 1),) * 2
    windows = Windows("rows_left_over", sizes, kernel_size, stride, padding, dilation)
    return windows.padded_size[0] - windows.stops(0, windows.kernel_size[0] - 1).stop


def conv_transpose_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0,
    dilation: int = 1,
) -> int:  # fmt: skip
    """The size whose convolution has `size` windows, with `output_padding` rows more.

    `(size - 1) * stride + effective kernel - 2 * padding + output_padding`; it may come out as 0
    or less.
    """
    name = "conv_transpose_output_size"
    kernel_size = checks.integer(name, "kernel_size", kernel_size, 1)
    extent = effective_kernel_size(kernel_size, checks.integer(name, "dilation", dilation, 1))
    reach = (checks.integer(name, "size", size, 1) - 1) * checks.integer(name, "stride", stride, 1)
    cut = 2 * checks.integer(name, "padding", padding, 0)
    return reach + extent - cut + checks.integer(name, "output_padding", output_padding, 0)


class Windows:
    """The stops of a window that slides over an image: all attributes are pairs (rows, columns).

    `size`, `padded_size` and `output_size` are those of the image, of the image with padding, and
    the numbers of stops; `sides` is the padding ((top, bottom), (left, right)), and `overlap` says
    whether two stops may have a pixel in common.
    With `ceil_mode`, a last window may reach past the end when it begins inside the image or the
    padding before it; the padding after is then as long as that needs (PyTorch's rule).
    Raises ValueError, in the name of `function`, when the kernel is larger than the padded image.
    """

    def __init__(
        self, function: str, size: Sequence[int], kernel_size: Pair, stride: Pair = 1,
        padding: Padding = 0, dilation: Pair = 1, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        self.size = size
        self.kernel_size = checks.pair(function, "kernel_size", kernel_size, 1)
        self.stride = checks.pair(function, "stride", stride, 1)
        self.dilation = checks.pair(function, "dilation", dilation, 1)
        checks.flag(function, "ceil_mode", ceil_mode)
        sides = padding_sides(function, kernel_size, stride, padding, dilation)
        self.sides: tuple[tuple[int, int], ...] = ()
        self.padded_size: tuple[int, ...] = ()
        self.output_size: tuple[int, ...] = ()
        self.overlap = False
        for axis, (before, after) in enumerate(sides):
            step, padded = self.stride[axis], before + size[axis] + after
            extent = effective_kernel_size(self.kernel_size[axis], self.dilation[axis])
            count, rest = divmod(padded - extent, step)
            count += 1
            if ceil_mode and rest and count * step < size[axis] + before:
                padded = extent + count * step
                count += 1
            found = f"{function}: the kernel extends over {extent} {('rows', 'columns')[axis]}"
            checks.require(count > 0, f"{found}, the padded input has only {padded}")
            self.sides += ((before, padded - before - size[axis]),)
            self.padded_size += (padded,)
            self.output_size += (count,)
            self.overlap |= extent > step

    def places(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Each place (i, j) in the window, with the padded rows and columns it meets."""
        for i in range(self.kernel_size[0]):
            for j in range(self.kernel_size[1]):
                yield i, j, self.stops(0, i), self.stops(1, j)

    def stops(self, axis: int, place: int) -> slice:
        """The padded rows (axis 0) or columns (axis 1) that row or column `place` meets."""
        start, step = place * self.dilation[axis], self.stride[axis]
        return slice(start, start + (self.output_size[axis] - 1) * step + 1, step)

    def inside(self) -> tuple[slice, slice]:
        """Where the image lies in its padding."""
        (top, _), (left, _) = self.sides
        return slice(top, top + self.size[0]), slice(left, left + self.size[1])


def transposed_geometry(
    function: str, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair
) -> tuple[tuple[int, int], ...]:
    """The four as pairs (rows, columns), once a transposed convolution can have them."""
    stride = checks.pair(function, "stride", stride, 1)
    padding = checks.pair(function, "padding", padding, 0)
    more = checks.pair(function, "output_padding", output_padding, 0)
    dilation = checks.pair(function, "dilation", dilation, 1)
    found = f"{function}: output_padding is {more}; expected less than the stride {stride}"
    fits = all(m < max(s, d) for m, s, d in zip(more, stride, dilation, strict=True))
    checks.require(fits, f"{found} or the dilation {dilation}")
    return stride, padding, more, dilation


def transposed_windows(
    function: str, size: tuple[int, ...], kernel_size: Sequence[int], stride: Pair,
    padding: Pair, output_padding: Pair, dilation: Pair,
) -> Windows:  # fmt: skip
    """The windows of the convolution that leads from a transposed one's output back to `size`."""
    geometry = transposed_geometry(function, stride, padding, output_padding, dilation)
    each_axis = zip(size, kernel_size, *geometry, strict=True)
    output = tuple(conv_transpose_output_size(*axis) for axis in each_axis)
    stride, cut, _, dilation = geometry
    checks.require(min(output) > 0, f"{function}: padding {cut} cuts the output down to {output}")
    windows = Windows(function, output, kernel_size, stride, cut, dilation)
    windows.output_size = size  # output_padding may leave room for one more stop
    return windows


def receptive_field(stack: Iterable[Sequence[int]]) -> int:
    """Pixels of the input, along one axis, that one value after the `stack` depends on.

    `stack` lists (kernel_size, stride) or (kernel_size, stride, dilation) of each layer, the
    first layer first. A layer adds (effective kernel - 1) steps of the size that all strides
    before it have reached (Araujo, Norris and Sim, "Computing receptive fields", Distill, 2019).
    """
    field, step = 1, 1
    checks.instance("receptive_field", "stack", stack, Iterable)
    for layer in stack:
        checks.instance("receptive_field", "stack", layer, Sequence)
        found = f"receptive_field: stack has {layer}; expected (kernel_size, stride, dilation)"
        checks.require(len(layer) in (2, 3), f"{found}, the last if it is not 1")
        names = ("kernel_size", "stride", "dilation")
        numbers = zip(names, layer, strict=False)
        kernel_size, stride, *dilation = (
            checks.integer("receptive_field", name, number, 1) for name, number in numbers
        )
        field += (effective_kernel_size(kernel_size, *dilation) - 1) * step
        step *= stride
    return field


def conv2d_parameters(
    in_channels: int, out_channels: int, kernel_size: Pair, groups: int = 1, bias: bool = True
) -> int:
    """Weights, and one bias per filter, of a convolution: 2 channels, three 2x2 filters: 24 + 3."""
    checks.channels("conv2d_parameters", groups, in_channels, out_channels)
    rows, columns = checks.pair("conv2d_parameters", "kernel_size", kernel_size, 1)
    biases = checks.flag("conv2d_parameters", "bias", bias)
    return out_channels * (in_channels // groups * rows * columns + biases)


def linear_parameters(in_features: int, out_features: int, bias: bool = True) -> int:
    """Weights and biases of a dense layer: 64 inputs, 20 outputs: 1280 + 20."""
    inputs = checks.integer("linear_parameters", "in_features", in_features, 1)
    outputs = checks.integer("linear_parameters", "out_features", out_features, 1)
    return outputs * (inputs + checks.flag("linear_parameters", "bias", bias))
