"""Exercises of the chapter "Images are numbers"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_bytes(rng: np.random.Generator) -> Any:
    """The bytes of a batch."""
    from cnnlib.widgets import Question

    images, rows, columns = (int(n) for n in rng.choice([2, 5, 6, 8, 20, 30, 40], 3, replace=False))
    channels, kind = [(3, "in color"), (1, "in gray")][rng.integers(2)]
    numbers = images * channels * rows * columns
    mistakes = [
        (numbers, "Those are the numbers. Each takes 4 bytes."),
        (4 * numbers // images, "That is one image of the batch."),
        (8 * numbers, "A float32 has 32 bits, and 8 bits are a byte: 4 bytes, not 8."),
    ]
    if channels == 3:
        mistakes.append((4 * numbers // 3, "In color, a pixel is three numbers."))
    else:
        mistakes.append((4 * numbers * 3, "A gray image has one channel, not three."))
    return Question(
        f"A batch holds {images} images of {rows} rows and {columns} columns, {kind}, as float32. "
        "How many bytes is that?",
        4 * numbers,
        mistakes,
        steps=[
            f"Its shape in NCHW is `({images}, {channels}, {rows}, {columns})`: "
            f"{images}·{channels}·{rows}·{columns} = {numbers} numbers.",
            f"4 bytes for each: 4·{numbers} = {4 * numbers}.",
        ],
    )


def to_gray(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of the planes of an image (C, H, W), weights (C,): (H, W)."""
    return np.tensordot(weights, image, 1)


def gray_tries(rng: np.random.Generator) -> list[Try]:
    """Images (3, H, W) with three weights."""
    shapes = [(3, 2, 4), (3, 5, 3), (3, 4, 6)]
    return [(rng.integers(-9, 10, shape) / 2, rng.integers(1, 9, 3) / 8) for shape in shapes]


def normalized(x: np.ndarray, axes: Any = (1, 2)) -> np.ndarray:
    """The numbers of each plane of x (C, H, W) with mean 0 and standard deviation 1."""
    mean, deviation = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True)
    return (x - mean) / deviation


def channel_tries(rng: np.random.Generator) -> list[Try]:
    """Images whose planes differ in mean and spread."""
    shapes = [(2, 3, 4), (3, 5, 3), (4, 2, 6)]
    return [
        (rng.normal(size=shape) * np.arange(1, shape[0] + 1)[:, None, None] + 5,)
        for shape in shapes
    ]


EXERCISES = {
    "images-count": Drawn(draw_bytes),
    "images-to-gray": Exercise(
        "to_gray",
        to_gray,
        gray_tries,
        [
            (
                lambda image, weights: image.mean(axis=0),
                "That is the mean of the planes. Multiply each plane by its weight, and add up.",
            ),
            (
                lambda image, weights: to_gray(image, weights) / 3,
                "You divided the weighted sum by 3. The weights say already how much each plane "
                "counts.",
            ),
            (
                lambda image, weights: to_gray(image, weights[::-1]),
                "The weights are in the wrong order: the first belongs to plane 0.",
            ),
            (
                lambda image, weights: to_gray(image, weights)[None],
                "There is an axis left for the channel. A gray image of shape (H, W) is asked for.",
            ),
            (
                lambda image, weights: image * weights[:, None, None],
                "The planes have their weights. Now add the three up.",
            ),
        ],
        [
            "`image[0]` is the red plane, of shape (H, W), and `weights[0]` its weight.",
            "A number times a plane multiplies each pixel. Three such planes are added up.",
        ],
    ),
    "images-per-channel": Exercise(
        "normalize_channels",
        normalized,
        channel_tries,
        [
            (
                lambda x: normalized(x, (0, 1, 2)),
                "All channels got one mean and one deviation. Each plane has its own: take them "
                "over the axes 1 and 2.",
            ),
            (
                lambda x: normalized(x, 0),
                "You took mean and deviation over the channels, axis 0. Take them over rows and "
                "columns, the axes 1 and 2.",
            ),
            (
                lambda x: normalized(x, 2),
                "Each row got a mean of its own. Take it over rows and columns, the axes 1 and 2.",
            ),
            (
                lambda x: normalized(x, 1),
                "Each column got a mean of its own. Take it over rows and columns, the axes 1 "
                "and 2.",
            ),
            (
                lambda x: x - x.mean(axis=(1, 2), keepdims=True),
                "The means are 0. Now divide by the standard deviation.",
            ),
            (
                lambda x: normalized(x) / x.std(axis=(1, 2), keepdims=True),
                "You divided by the variance. Its square root is the standard deviation, `std`.",
            ),
            (
                lambda x: (
                    x - x.mean(axis=(1, 2), keepdims=True) / x.std(axis=(1, 2), keepdims=True)
                ),
                "Only the mean was divided. Subtract it in brackets first, then divide all.",
            ),
        ],
        [
            "`x.mean(axis=(1, 2))` is one number for each plane; `std` takes the same axes.",
            "With `keepdims=True` the result has the shape (C, 1, 1), and fits x.",
        ],
    ),
}
