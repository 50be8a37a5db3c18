"""Exercises of the chapter "A heartbeat: convolution in one direction"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try, products


def draw_map(rng: np.random.Generator) -> Any:
    """All numbers of a short map."""
    from cnnlib.widgets import Question

    signal = rng.integers(-3, 8, 5)
    kernel = rng.permutation([-2, 1, 3])
    windows = np.lib.stride_tricks.sliding_window_view(signal, 3)
    right = windows @ kernel
    lines = [f"{products(one, kernel)} = {one @ kernel}" for one in windows]
    return Question(
        f"The signal is `{signal.tolist()}`, the kernel `{kernel.tolist()}`. Write its map.",
        right[None],
        [
            ((windows @ kernel[::-1])[None], "You turned the kernel round. Networks do not."),
            (windows.sum(axis=1)[None], "Each number is multiplied by its weight first."),
        ],
        steps=[f"Three windows fit. The first: {lines[0]}.", f"{lines[1]}; {lines[2]}."],
    )


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The maps (O, L - k + 1) of x (C, L); weight (O, C, k)."""
    return cnnlib.conv2d(x[:, None], weight[:, :, None], bias)[:, 0]


def signals(rng: np.random.Generator) -> list[Try]:
    """Signals, filters and biases; all lengths differ."""
    shapes = [((2, 4), (3, 2, 3)), ((3, 9), (4, 3, 2)), ((1, 7), (2, 1, 5))]
    return [
        (*(rng.integers(-9, 10, shape) / 2 for shape in (x, weight)), rng.normal(size=weight[0]))
        for x, weight in shapes
    ]


def causal(x: np.ndarray, kernel: np.ndarray, dilation: int, ahead: float = 1.0) -> np.ndarray:
    """As many numbers as in x; `ahead` is the share of the zeros that goes in front."""
    zeros = (len(kernel) - 1) * dilation
    front = round(zeros * ahead)
    padded = np.pad(x, (front, zeros - front))
    parts = [padded[j * dilation : j * dilation + len(x)] for j in range(len(kernel))]
    return kernel @ np.array(parts)


def rows(rng: np.random.Generator) -> list[Try]:
    """Signals of one channel with kernels and dilations."""
    sizes = [(5, 2, 1), (8, 3, 2), (11, 3, 3)]
    return [(rng.normal(size=n).round(1), rng.normal(size=k).round(1), d) for n, k, d in sizes]


EXERCISES = {
    "one-direction-hand": Drawn(draw_map),
    "one-direction-own": Exercise(
        "my_conv1d",
        convolve,
        signals,
        [
            (
                lambda x, weight, bias: convolve(x, weight, 0 * bias),
                "The biases are missing: each filter adds its own to all of its map.",
            ),
            (
                lambda x, weight, bias: convolve(x, weight[..., ::-1].copy(), bias),
                "You turned the kernels round. Networks do not turn them.",
            ),
            (
                lambda x, weight, bias: convolve(x[:1], weight[:, :1].copy(), bias),
                "Only channel 0 was read. A filter adds up the products of all channels.",
            ),
            (
                lambda x, weight, bias: convolve(x, weight, bias * len(x)),
                "The bias was added once for each channel. It belongs to the filter: add it once.",
            ),
            (
                lambda x, weight, bias: convolve(x, weight, bias)[:, :-1],
                "The last window is missing: L − k + 1 of them fit.",
            ),
        ],
        [
            "The output has the shape (O, L − k + 1).",
            "The window `x[:, i : i + k]` has the shape of `weight[o]`.",
            "The number is `(window * weight[o]).sum() + bias[o]`.",
        ],
    ),
    "one-direction-causal": Exercise(
        "causal",
        causal,
        rows,
        [
            (
                lambda x, kernel, dilation: causal(x, kernel, dilation, 0.5),
                "Half of the zeros are in front, so the map looks into the future. Put all of them "
                "there.",
            ),
            (
                lambda x, kernel, dilation: causal(x, kernel, dilation, 0.0),
                "The zeros are behind the signal, so each number depends on later moments only.",
            ),
            (
                lambda x, kernel, dilation: causal(x, kernel[::-1], dilation),
                "The kernel is turned round: its last weight meets moment i, its first the oldest.",
            ),
            (
                lambda x, kernel, dilation: causal(x, kernel, 1),
                "The gaps are missing: from weight to weight are `dilation` moments.",
            ),
            (
                lambda x, kernel, dilation: causal(x, kernel, dilation)[
                    (len(kernel) - 1) * dilation :
                ],
                "The first numbers are missing. With zeros in front there are as many as in x.",
            ),
        ],
        [
            "From the first weight to the last are (k − 1)·dilation moments. So many zeros go in "
            "front: `np.pad(x, (zeros, 0))`.",
            "Weight j meets the padded signal from `j * dilation` on, as long as x. Add up "
            "`kernel[j]` times that part.",
        ],
    ),
}
