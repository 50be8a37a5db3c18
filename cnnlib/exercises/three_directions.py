"""Exercises of the chapter "A film: convolution in three directions"."""

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Exercise, Try


def motion_kernel(rows: int, columns: int) -> np.ndarray:
    """Two frames: a 1 in the first corner, then one so many rows down and columns right."""
    kernel = np.zeros((2, rows + 1, columns + 1))
    kernel[0, 0, 0] = kernel[1, rows, columns] = 1
    return kernel


def motions(rng: np.random.Generator) -> list[Try]:
    """Steps; rows and columns differ."""
    return [(0, 1), (2, 0), (1, 3), (3, 2)]


def one_frame(rows: int, columns: int) -> np.ndarray:
    """Both ones in each frame."""
    return np.repeat(motion_kernel(rows, columns).max(axis=0, keepdims=True), 2, axis=0)


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The maps (O, T - t + 1, H - h + 1, W - w + 1) of x (C, T, H, W); weight (O, C, t, h, w)."""
    frames, t = x.swapaxes(0, 1), weight.shape[2]
    count = len(frames) - t + 1
    parts = [cnnlib.conv2d(frames[r : r + count], weight[:, :, r].copy()) for r in range(t)]
    return np.sum(parts, axis=0).swapaxes(0, 1) + bias[:, None, None, None]


def films(rng: np.random.Generator) -> list[Try]:
    """Films, filters and biases; all lengths differ."""
    shapes = [((1, 3, 4, 5), (2, 1, 2, 1, 3)), ((2, 4, 6, 5), (3, 2, 3, 2, 4))]
    return [
        (*(rng.integers(-9, 10, shape) / 2 for shape in (x, weight)), rng.normal(size=weight[0]))
        for x, weight in shapes
    ]


EXERCISES = {
    "three-directions-motion": Exercise(
        "motion_kernel",
        motion_kernel,
        motions,
        [
            (
                lambda rows, columns: motion_kernel(rows, columns)[::-1],
                "The frames are exchanged: this one waits for the way back. The dot is in the "
                "corner first.",
            ),
            (
                lambda rows, columns: motion_kernel(columns, rows),
                "Rows and columns are exchanged: rows come first.",
            ),
            (
                one_frame,
                "Both frames have both ones, so a dot that stands still gives as much. One for "
                "each frame.",
            ),
            (
                lambda rows, columns: motion_kernel(rows, columns)[:, ::-1],
                "This waits for a dot that moves up. Row 0 is at the top.",
            ),
        ],
        [
            "`np.zeros((2, rows + 1, columns + 1))`: the frames come first.",
            "Frame 0 has its 1 where the dot was: in row 0, column 0.",
        ],
    ),
    "three-directions-own": Exercise(
        "my_conv3d",
        convolve,
        films,
        [
            (
                lambda x, weight, bias: convolve(x, weight, 0 * bias),
                "The biases are missing: each filter adds its own to all of its map.",
            ),
            (
                lambda x, weight, bias: convolve(x, weight[:, :, ::-1], bias),
                "The frames of the kernels are turned round: its first meets the first of the "
                "window.",
            ),
            (
                lambda x, weight, bias: convolve(x, weight[..., ::-1, ::-1], bias),
                "You turned the kernels by 180°. Networks do not turn them.",
            ),
            (
                lambda x, weight, bias: convolve(x, weight[:, :, :1], bias)[
                    :, : x.shape[1] - weight.shape[2] + 1
                ],
                "Only the first frame of each window was read.",
            ),
            (
                lambda x, weight, bias: convolve(x[-1:], weight[:, -1:], bias),
                "Only the last channel counts: each overwrites the one before. Add them up.",
            ),
        ],
        [
            "The output has the shape (O, T − t + 1, H − h + 1, W − w + 1).",
            "The window `x[:, f : f + t, i : i + h, j : j + w]` has the shape of `weight[n]`.",
            "The number is `(window * weight[n]).sum() + bias[n]`.",
        ],
    ),
}
