"""Exercises of the chapter "How convolution is made fast"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def columns_by_hand(rng: np.random.Generator) -> Any:
    """A question: the columns of a small image, for windows that do not overlap."""
    from cnnlib.widgets import Question

    image = rng.permutation(np.arange(1.0, 17)).reshape(4, 4)
    right = cnnlib.im2col(image[None, None], 2, stride=2)
    return Question(
        f"What are the columns of the image `{image.astype(int).tolist()}`, for a 2×2 kernel and "
        "stride 2?",
        right,
        [
            (right.T, "A window is a column, not a row."),
            (right[[0, 2, 1, 3]], "A window is written down row by row."),
            (right[:, [0, 2, 1, 3]], "The windows follow each other row by row."),
            (image, "That is the image. Write each window into a column."),
        ],
        steps=[
            "The windows begin in the rows and columns 0 and 2.",
            "Each is written down row by row, as a column: the first is "
            f"`{right[:, 0].astype(int).tolist()}`, the last "
            f"`{right[:, 3].astype(int).tolist()}`.",
        ],
    )


def im2col(*axes: int) -> Callable:
    """The columns with the axes of the windows in this order, of which the first three are rows.

    The axes are image, channel, row, column, kernel row, kernel column.
    """

    def columns(x: np.ndarray, k: int) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
        return windows.transpose(axes).reshape(x.shape[1] * k * k, -1)

    return columns


def images(rng: np.random.Generator) -> list[Try]:
    """Images (N, C, H, W) and the side of a kernel."""
    sizes = [(1, 1, 3, 4, 2), (2, 3, 4, 6, 2), (3, 2, 5, 4, 3)]
    return [(rng.integers(-9, 10, (n, c, h, w)) / 2, k) for n, c, h, w, k in sizes]


def grouped(
    read: Callable = np.split, filters: Callable = np.split, order: Callable = np.concatenate
) -> Callable:
    """A convolution in groups.

    read(x, groups, axis): the channels of each group. filters(weight, groups, axis): its filters.
    order(maps, axis): all maps.
    """

    def convolve(x: np.ndarray, weight: np.ndarray, groups: int) -> np.ndarray:
        pairs = zip(read(x, groups, 1), filters(weight, groups, 0), strict=True)
        return order([cnnlib.conv2d(few, some) for few, some in pairs], 1)

    return convolve


def every(array: np.ndarray, groups: int, axis: int) -> list[np.ndarray]:
    """Each group takes every `groups`-th."""
    return [array.take(range(n, array.shape[axis], groups), axis) for n in range(groups)]


def the_first(array: np.ndarray, groups: int, axis: int) -> list[np.ndarray]:
    """Each group takes what belongs to the first."""
    return [np.split(array, groups, axis)[0]] * groups


def mixed(maps: list[np.ndarray], axis: int) -> np.ndarray:
    """A map of each group in turn."""
    return np.stack(maps, axis + 1).reshape(len(maps[0]), -1, *maps[0].shape[2:])


def layers(rng: np.random.Generator) -> list[Try]:
    """Images, weights and a number of groups."""
    sizes = [(1, 4, 2, 3, 5, 2, 1, 2), (2, 6, 4, 4, 5, 3, 2, 2), (3, 6, 9, 5, 4, 2, 3, 3)]
    return [
        (rng.integers(-9, 10, (n, c, h, w)) / 2, rng.integers(-9, 10, (o, c // g, i, j)) / 4, g)
        for n, c, o, h, w, i, j, g in sizes
    ]


EXERCISES = {
    "fast-stride": Drawn(columns_by_hand),
    "fast-my-im2col": Exercise(
        "my_im2col",
        im2col(1, 4, 5, 0, 2, 3),
        images,
        [
            (
                lambda x, k: cnnlib.im2col(x, k).T,
                "Rows and columns are exchanged: a window is a column.",
            ),
            (
                im2col(1, 5, 4, 0, 2, 3),
                "The windows are written down column by column. Go row by row: kernel row before "
                "kernel column.",
            ),
            (
                im2col(1, 4, 5, 0, 3, 2),
                "The places follow each other column by column. Go row by row: row before column.",
            ),
            (
                im2col(1, 4, 5, 2, 3, 0),
                "The images take turns at each place. All places of the first image come first.",
            ),
            (
                im2col(4, 5, 1, 0, 2, 3),
                "The channels take turns at each place of the kernel. The whole first channel "
                "comes first.",
            ),
            (
                im2col(0, 1, 2, 3, 4, 5),
                "The axes are in the view's own order. `transpose` them first, so that channel and "
                "kernel make the rows.",
            ),
        ],
        [
            "`np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))` has the axes "
            "image, channel, row, column, kernel row, kernel column.",
            "The rows of the result are channel, kernel row, kernel column; its columns are image, "
            "row, column.",
            "`windows.transpose(1, 4, 5, 0, 2, 3).reshape(x.shape[1] * k * k, -1)`.",
        ],
    ),
    "fast-groups": Exercise(
        "grouped_conv2d",
        grouped(),
        layers,
        [
            (
                grouped(read=every),
                "A group reads channels that lie apart. It takes a block of neighbors: the first "
                "group the first channels.",
            ),
            (
                grouped(filters=every),
                "The filters of a group lie apart. It takes a block of them: the first group the "
                "first filters.",
            ),
            (
                grouped(read=the_first),
                "All groups read the first group's channels. Each has its own.",
            ),
            (
                grouped(filters=the_first),
                "All groups use the first group's filters. Each has its own.",
            ),
            (
                grouped(order=mixed),
                "The maps of the groups take turns. All maps of the first group come first.",
            ),
        ],
        [
            "`np.split(array, groups)` cuts an array into blocks along its first axis.",
            "The columns of `cnnlib.im2col` have a block of rows for each group of channels; the "
            "weights, `weight.reshape(o, -1)`, have one for each group of filters.",
            "The products of the groups, one under the other, are (filters, images · places): "
            "`reshape` them, and exchange the first two axes.",
        ],
    ),
}
