"""Exercises of the chapter "NumPy in ten minutes"."""

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Exercise, Try


def last_number(image: np.ndarray, kernel: np.ndarray, bias: float) -> float:
    """The number that the lower right window of the image gives."""
    h, w = kernel.shape
    return float((image[-h:, -w:] * kernel).sum() + bias)


def windows(rng: np.random.Generator) -> list[Try]:
    """Images and kernels of 3×3."""
    return [
        (rng.integers(-9, 10, shape), rng.integers(-3, 4, (3, 3)), bias)
        for shape, bias in [((4, 5), 2), ((7, 4), -3), ((5, 8), 1)]
    ]


def halved(x: np.ndarray) -> np.ndarray:
    """The largest of each window of 2×2: (C, H, W) to (C, H / 2, W / 2)."""
    return cnnlib.max_pool2d(x, 2)


def even(rng: np.random.Generator) -> list[Try]:
    """Maps with an even number of rows and columns."""
    return [(rng.integers(-20, 20, shape) / 2,) for shape in [(1, 2, 4), (3, 4, 6), (2, 8, 4)]]


def normalized(x: np.ndarray, axes: tuple[int, ...] = (0, 2, 3)) -> np.ndarray:
    """The numbers of each channel of x (N, C, H, W) with mean 0 and standard deviation 1."""
    return (x - x.mean(axis=axes, keepdims=True)) / x.std(axis=axes, keepdims=True)


def batches(rng: np.random.Generator) -> list[Try]:
    """Batches whose channels differ in mean and spread."""
    shapes = [(2, 3, 4, 5), (4, 2, 3, 6)]
    return [
        (rng.normal(size=shape) * np.arange(1, shape[1] + 1)[:, None, None] + 7,)
        for shape in shapes
    ]


def by_columns(image: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """The maps (K, H - h + 1, W - w + 1) of an image (H, W) and kernels (K, h, w)."""
    return cnnlib.conv2d(image[None], kernels[:, None])


def wrong_shape(image: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """The columns of the map taken for its rows."""
    maps = by_columns(image, kernels)
    return maps.reshape(len(maps), maps.shape[2], maps.shape[1])


def images(rng: np.random.Generator) -> list[Try]:
    """Images with several square kernels."""
    cases = [((4, 5), (2, 3, 3)), ((6, 4), (3, 2, 2)), ((7, 9), (4, 3, 3))]
    return [(rng.normal(size=image), rng.normal(size=kernels)) for image, kernels in cases]


EXERCISES = {
    "numpy-window": Exercise(
        "last_number",
        last_number,
        windows,
        [
            (
                lambda image, kernel, bias: float((image[:3, :3] * kernel).sum() + bias),
                "That is the upper left window. Negative numbers count from the end.",
            ),
            (
                lambda image, kernel, bias: float((image[-3:, -3:] * kernel).sum()),
                "The bias is missing.",
            ),
            (
                lambda image, kernel, bias: float(image[-3:, -3:].sum() + bias),
                "You added up the pixels. Multiply them by the kernel first.",
            ),
            (
                lambda image, kernel, bias: float((image[-4:-1, -4:-1] * kernel).sum() + bias),
                "The window ends one pixel too early: `-3:` has no end, and goes to the last.",
            ),
            (
                lambda image, kernel, bias: image[-3:, -3:] * kernel + bias,
                "Those are nine numbers. Add the products up, and the bias once.",
            ),
        ],
        [
            "`image[-3:]` are the last three rows, however many there are.",
            "Window times kernel multiplies number by number. `.sum()` adds the products up.",
        ],
    ),
    "numpy-pool": Exercise(
        "halve",
        halved,
        even,
        [
            (
                lambda x: x.reshape(len(x), x.shape[1] // 2, 2, -1, 2).mean(axis=(2, 4)),
                "Those are the means. Take the largest.",
            ),
            (
                lambda x: x.reshape(len(x), 2, x.shape[1] // 2, 2, -1).max(axis=(1, 3)),
                "Your axes are in the wrong order: the number of windows comes first, then 2, for "
                "rows and for columns.",
            ),
            (
                lambda x: x[:, ::2, ::2],
                "You kept the first number of each window. Take the largest.",
            ),
            (
                lambda x: halved(x).max(axis=0),
                "The largest of all channels was taken. The channel keeps its axis.",
            ),
            (
                lambda x: np.maximum(x[:, ::2], x[:, 1::2]),
                "Only the rows are halved. Cut the columns into pairs as well.",
            ),
        ],
        [
            "A row of 6 becomes 3 windows of 2. Do that with the rows' axis and with the columns'.",
            "`x.reshape(C, H // 2, 2, W // 2, 2)` has five axes. Which two lie inside a window?",
        ],
    ),
    "numpy-normalize": Exercise(
        "normalize",
        normalized,
        batches,
        [
            (
                lambda x: normalized(x, (0, 1, 2, 3)),
                "All channels got the same mean and deviation. Leave axis 1 out.",
            ),
            (
                lambda x: normalized(x, (2, 3)),
                "Each image was normalized for itself. Take mean and deviation over the batch as "
                "well: the axes 0, 2 and 3.",
            ),
            (
                lambda x: normalized(x, (0,)),
                "Each pixel was normalized for itself. Take mean and deviation over rows and "
                "columns as well: the axes 0, 2 and 3.",
            ),
            (
                lambda x: normalized(x, (1, 2, 3)),
                "That is a mean for each image. Each channel has its own: the axes 0, 2 and 3.",
            ),
            (
                lambda x: x - x.mean(axis=(0, 2, 3), keepdims=True),
                "The means are 0. Now divide by the standard deviation.",
            ),
            (
                lambda x: normalized(x) / x.std(axis=(0, 2, 3), keepdims=True),
                "You divided by the variance. `std` is the standard deviation.",
            ),
        ],
        [
            "The axes are images, channels, rows, columns. A channel's mean runs over all but one.",
            "`x.mean(axis=(0, 2, 3), keepdims=True)` has the shape (1, C, 1, 1) and broadcasts.",
        ],
    ),
    "numpy-im2col": Exercise(
        "conv_by_columns",
        by_columns,
        images,
        [
            (
                lambda image, kernels: by_columns(image, kernels).reshape(len(kernels), -1),
                "A row for each filter is right. Give each row the shape of the map.",
            ),
            (
                wrong_shape,
                "Rows and columns of the map are exchanged in `reshape`: the rows come first.",
            ),
            (
                lambda image, kernels: by_columns(image, kernels.transpose(0, 2, 1).copy()),
                "The weights of a filter are in the wrong order: a kernel is laid out row by row.",
            ),
            (
                lambda image, kernels: by_columns(image, kernels)[:1],
                "Only the first filter was used. All of them fit into one `@`.",
            ),
        ],
        [
            "`kernels.reshape(len(kernels), -1)` lays each kernel into a row.",
            "`cnnlib.im2col(image[None, None], k)` has a column for each window. "
            "Rows `@` columns are the sums.",
            "The map has H − k + 1 rows and W − k + 1 columns. `reshape` gives it this shape.",
        ],
    ),
}
