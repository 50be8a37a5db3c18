"""Convolution made fast: what `conv2d`, its backward and the transposed convolution compute with.

The numbers are those of `conv2d_im2col` in convolution.py, which is shorter; read that one first.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnnlib.shapes import Windows


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
    - Two cores work side by side, each at products of its own: on the way forward at one half of
      the output rows each, on the way back at the two gradients. No sum is made in another order.
    """

    def __init__(self, windows: Windows, groups: int) -> None:
        self.windows, self.groups = windows, groups

    def columns(self, x: np.ndarray) -> np.ndarray:
        """The matrix for each output row, from images (N, C, H, W).

        Returns (output rows, groups, kernel rows * C / groups * kernel columns, output columns * N)
        """
        w, (n, channels) = self.windows, x.shape[:2]
        rows, cols = w.output_size
        image = rows_first(x, w)
        stretched = image[:, :, None]
        if w.kernel_size[1] > 1 or w.padded_size[1] != cols:
            shape = (len(image), channels, w.kernel_size[1], cols, n)
            stretched = np.empty(shape, x.dtype)

            def lay_down(image: np.ndarray, stretched: np.ndarray) -> None:
                for j in range(w.kernel_size[1]):
                    stretched[:, :, j] = image[:, :, w.stops(1, j)]

            in_halves(PASS * stretched.size, 0, lay_down, image, stretched)
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
        output = np.empty((rows, *matrix.shape[:2], columns.shape[-1]), dtype)

        def fill(output: np.ndarray, columns: np.ndarray) -> None:
            for output_row, row_columns in zip(output, columns, strict=True):
                np.matmul(matrix, row_columns, out=output_row)
                if bias is not None:
                    output_row += bias.reshape(self.groups, -1, 1)

        in_halves(output.size * matrix.shape[2], 0, fill, output, columns)
        return output.reshape(rows, len(weight), cols, -1).transpose(3, 1, 0, 2)

    def gradients(
        self, columns: np.ndarray, grad: np.ndarray, weight: np.ndarray, of_images: bool = True
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """The gradients of images (None if not asked for), weight and bias.

        `grad` lies (output rows, O, output columns, N).
        """
        works: list[Callable] = [partial(self.parameter_gradients, columns, grad, weight)]
        if of_images:  # first, so that the large array is of this thread's memory
            works.insert(0, partial(self.spread, grad, weight))
        *images, parameters = side_by_side(grad.size * weight[0].size, *works)
        return images[0] if images else None, *parameters

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
        return np.ascontiguousarray(total), bias.reshape(-1)  # the optimizer goes through it often

    def spread(self, grad: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Each pixel's sum of weight times gradient; `grad` lies (output rows, O, columns, N).

        Returns (N, C, H, W).
        """
        w, n, channels = self.windows, grad.shape[-1], weight.shape[1]
        grad = grad.reshape(len(grad), self.groups, -1, w.output_size[1] * n)
        shape = (w.padded_size[0], self.groups, channels, w.padded_size[1], n)
        image = np.zeros(shape, np.result_type(grad, weight))
        few = self.groups * channels * w.kernel_size[1] < 16  # rows of products: slow in `gather`
        (self.scatter if few else self.gather)(image, grad, weight)
        rows, columns = w.inside()
        image = image.reshape(len(image), -1, *image.shape[3:])
        return image[rows, :, columns].transpose(3, 1, 0, 2)

    def scatter(self, image: np.ndarray, grad: np.ndarray, weight: np.ndarray) -> None:
        """Take an output row at a time, and add what it gives to all image rows under it."""
        w, (_, groups, channels, _, n) = self.windows, image.shape
        matrix = self.matrix(weight).swapaxes(1, 2)
        product = np.empty((groups, matrix.shape[1], grad.shape[-1]), image.dtype)
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
        product = np.empty((groups, w.kernel_size[1] * channels, grad.shape[-1]), image.dtype)
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


def rows_first(x: np.ndarray, windows: Windows | None = None) -> np.ndarray:
    """Images (N, C, H, W) as (H, C, W, N) in memory, in the padding of `windows` if given."""
    pads = windows if windows and windows.padded_size != windows.size else None
    if not pads and x.transpose(2, 1, 3, 0).flags.c_contiguous:
        return x.transpose(2, 1, 3, 0)
    if x.flags.c_contiguous:
        # Images a large power of two apart compete for one place in the cache: move them apart.
        apart = np.empty((len(x), x[0].size + 16), x.dtype)[:, : x[0].size]
        apart[...] = x.reshape(apart.shape)
        x = apart.reshape(x.shape)
    size = pads.padded_size if pads else x.shape[2:]
    inside = pads.inside() if pads else (slice(None), slice(None))
    allocate = np.zeros if pads else np.empty
    image = allocate((size[0], x.shape[1], size[1], len(x)), x.dtype)
    image[inside[0], :, inside[1]] = x.transpose(2, 1, 3, 0)
    return image


ENOUGH = 4 << 20  # multiply-adds, from which a second thread saves more than its start costs


def side_by_side(multiply_adds: int, *works: Callable[[], Any]) -> list[Any]:
    """The results of one or two functions that compute with arrays, two of them at the same time.

    multiply_adds: about how much work that is, all together.
    It takes a second thread, and there is one where NumPy's products have two or more. Meanwhile
    these have one each, also in one function alone: the threads of a product wait for each other
    with a core fully at work, and for a while after it. Where other programs need a core, that
    makes a small product many times slower.
    What a function raises reaches the caller.
    """
    if multiply_adds < ENOUGH or _threads_of_products() == 1:
        return [work() for work in works]
    with _blas().limit(limits=1):
        later = [_other_thread().submit(copy_context().run, work) for work in works[1:]]
        try:
            own = works[0]()
        finally:
            wait(later)
        return [own, *(result.result() for result in later)]


PASS = 16  # multiply-adds, in the time that a number takes from memory and back


def in_halves(multiply_adds: int, axis: int, work: Callable, *arrays: np.ndarray) -> None:
    """Do `work` with both halves of `arrays`, cut across `axis`, at the same time.

    It writes what it finds into one of the arrays. Little work is done at once, see `side_by_side`.
    """
    if multiply_adds < ENOUGH:
        return work(*arrays)
    middle = arrays[0].shape[axis] // 2
    halves = zip(*(np.split(array, [middle], axis) for array in arrays), strict=True)
    side_by_side(multiply_adds, *(partial(work, *half) for half in halves))


@cache
def _other_thread() -> ThreadPoolExecutor:
    """The second thread, which is kept: where cores are busy, a new one waits long for its turn."""
    return ThreadPoolExecutor(1)


if hasattr(os, "register_at_fork"):  # a process that was copied has no second thread
    os.register_at_fork(after_in_child=_other_thread.cache_clear)


def _threads_of_products() -> int:
    """How many threads NumPy's products have now, or 1 where that cannot be known or set."""
    if sys.platform == "emscripten":  # in a page: there no thread can be started
        return 1
    return min((library["num_threads"] for library in _blas().info()), default=1)


@cache
def _blas() -> Any:
    """What tells and sets the threads of NumPy's products."""
    import threadpoolctl  # takes as long to import as half of cnnlib, and is not always needed

    return threadpoolctl.ThreadpoolController().select(user_api="blas")


def _keep_freed_memory() -> None:
    """Let the C library of Linux hand freed arrays out again, and not back to the system.

    The first touch of fresh memory costs a page fault for every 4 KiB, more than a small layer
    then does with it. Elsewhere, and where the library has no such switch, nothing is changed.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        trim_threshold, mmap_threshold = -1, -3  # as malloc.h numbers them
        mallopt(mmap_threshold, 64 << 20)  # bytes of the largest array that this is for
        mallopt(trim_threshold, 256 << 20)  # bytes that are kept at most


_keep_freed_memory()
