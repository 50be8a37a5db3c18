"""Exercises of the chapter "Stride, padding, dilation, groups and pooling, backward"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def by_hand(rng: np.random.Generator) -> Any:
    """A question: the gradient of a row of pixels under a kernel with a stride."""
    from cnnlib.widgets import Question

    stride, size = int(rng.integers(2, 4)), int(rng.integers(6, 9))
    kernel, places = rng.permutation([-2, -1, 1, 3])[:2], (size - 2) // stride + 1
    g = rng.permutation([-3, -2, -1, 1, 2, 3])[:places]

    def sent(kernel: np.ndarray, stride: int) -> np.ndarray:
        row = np.zeros((1, size))
        for place, value in enumerate(g):
            row[0, place * stride : place * stride + 2] += value * kernel
        return row

    right = sent(kernel, stride)
    written = right[0].astype(int).tolist()
    return Question(
        f"A row of {size} pixels, kernel `{kernel.tolist()}`, stride {stride}. `{g.tolist()}` "
        "comes back. What is the gradient of the pixels?",
        right,
        [
            (sent(kernel, 1), f"The windows begin {stride} pixels apart."),
            (sent(kernel[::-1], stride), "The kernel lies where its window was, as it is."),
            (sent(np.ones(2), stride), "Multiply by the weights of the kernel."),
            (right[:, ::-1], "The first window begins at the first pixel."),
        ],
        steps=[
            f"The windows begin at the pixels {', '.join(str(stride * n) for n in range(places))}, "
            "counted from 0.",
            "Each puts the kernel, times what comes back, where it was; what no window has read "
            f"gets 0: `{written}`.",
        ],
    )


def by_rule(
    G: np.ndarray, X: np.ndarray, K: np.ndarray, stride: int, pad: int, gap: int
) -> np.ndarray:
    """The gradient of an image (H, W) under one kernel."""
    x, weight = X[None], K[None, None]
    return cnnlib.conv2d_backward(G[None], x, weight, stride, pad, gap)[0][0]


def uncropped(
    G: np.ndarray, X: np.ndarray, K: np.ndarray, stride: int, pad: int, gap: int
) -> np.ndarray:
    """The gradient with that of the padding round it."""
    return by_rule(G, np.pad(X, pad), K, stride, 0, gap)


def unturned(
    G: np.ndarray, X: np.ndarray, K: np.ndarray, stride: int, pad: int, gap: int
) -> np.ndarray:
    """The gradient with the kernel turned once too often."""
    return by_rule(G, X, K[::-1, ::-1], stride, pad, gap)


def not_appended(
    G: np.ndarray, X: np.ndarray, K: np.ndarray, stride: int, pad: int, gap: int
) -> np.ndarray:
    """The gradient without what the floor skipped."""
    sizes = (
        (side - 1) * stride + (k - 1) * gap + 1 for side, k in zip(G.shape, K.shape, strict=True)
    )
    rows, columns = (size - 2 * pad for size in sizes)
    return by_rule(G, X, K, stride, pad, gap)[:rows, :columns]


def cropped_at_the_end(
    G: np.ndarray, X: np.ndarray, K: np.ndarray, stride: int, pad: int, gap: int
) -> np.ndarray:
    """The gradient, cropped from its first row and column on."""
    return uncropped(G, X, K, stride, pad, gap)[: X.shape[0], : X.shape[1]]


def geometries(rng: np.random.Generator) -> list[Try]:
    """Gradients, images and kernels, with strides, paddings and dilations."""
    tries: list[Try] = []
    for (rows, columns), (h, w), stride, pad, gap in [
        ((4, 5), (2, 3), 1, 0, 1),
        ((5, 8), (2, 3), 2, 0, 1),
        ((6, 9), (3, 2), 3, 1, 2),
        ((7, 6), (2, 3), 1, 2, 2),
    ]:
        image = rng.integers(-9, 10, (rows, columns)) / 2
        kernel = rng.integers(-9, 10, (h, w)) / 4
        map_ = cnnlib.conv2d(image[None], kernel[None, None], None, stride, pad, gap)[0]
        tries.append((rng.integers(-9, 10, map_.shape) / 2, image, kernel, stride, pad, gap))
    return tries


def pooled(rng: np.random.Generator) -> list[Try]:
    """Gradients (N, C, H // 2, W // 2) and maps (N, C, H, W) in which numbers come twice."""
    sizes = [(1, 1, 2, 4), (2, 3, 5, 6), (3, 2, 4, 7)]
    return [
        (
            rng.integers(1, 9, (n, c, h // 2, w // 2)) * rng.choice([-0.5, 1]),
            rng.integers(-3, 3, (n, c, h, w)) / 2,
        )
        for n, c, h, w in sizes
    ]


def sent_back(share: Callable) -> Callable:
    """A backward pass that gives each number of a window what `share(windows, best)` says.

    windows: (..., 4), each window's numbers row by row; best: the largest of each, (..., 1).
    """

    def backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
        n, c, rows, columns = grad_output.shape
        cut = x[:, :, : 2 * rows, : 2 * columns].reshape(n, c, rows, 2, columns, 2)
        windows = cut.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, rows, columns, 4)
        shares = grad_output[..., None] * share(windows, windows.max(axis=-1, keepdims=True))
        parts = shares.reshape(n, c, rows, columns, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        grad = np.zeros(x.shape)
        grad[:, :, : 2 * rows, : 2 * columns] = parts.reshape(n, c, 2 * rows, 2 * columns)
        return grad

    return backward


def last_of(windows: np.ndarray, best: np.ndarray) -> np.ndarray:
    """1 at the last of the largest numbers of each window."""
    return np.eye(4)[3 - (windows == best)[..., ::-1].argmax(axis=-1)]


def cut_off(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient of what the windows have read, without the row or column left over."""
    grad = cnnlib.max_pool2d_backward(grad_output, x, 2)
    return grad[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]


def block_sums(grad: np.ndarray, factor: int) -> np.ndarray:
    """The sum of each block of a gradient."""
    return cnnlib.avg_pool2d(grad, factor) * factor**2


def repeated(x: np.ndarray, factor: int) -> np.ndarray:
    """Each pixel `factor` times down and across."""
    return x.repeat(factor, axis=2).repeat(factor, axis=3)


def upsample(forward: Callable, backward: Callable) -> type:
    """A layer of forward(x, factor) and backward(grad_output, factor)."""

    class Upsample:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        def forward(self, x: np.ndarray) -> np.ndarray:
            return forward(x, self.factor)

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            return backward(grad_output, self.factor)

    return Upsample


def both_ways(written: Callable, factor: int, x: np.ndarray, grad_output: np.ndarray) -> Any:
    """The layer's output, and the gradient that it passes back."""
    made = written(factor)
    return made.forward(x), made.backward(grad_output)


def enlarged(rng: np.random.Generator) -> list[Try]:
    """Factors, images, and what comes back."""
    return [
        (
            factor,
            rng.integers(-9, 10, (n, c, h, w)) / 2,
            rng.integers(-9, 10, (n, c, factor * h, factor * w)) / 2,
        )
        for factor, n, c, h, w in [(2, 1, 1, 2, 3), (3, 2, 3, 4, 2)]
    ]


EXERCISES = {
    "backward-geometry-hand": Drawn(by_hand),
    "backward-geometry-own": Exercise(
        "my_max_pool_backward",
        lambda grad_output, x: cnnlib.max_pool2d_backward(grad_output, x, 2),
        pooled,
        [
            (
                sent_back(lambda windows, best: windows == best),
                "Where the largest number comes twice in a window, both get the gradient. Only the "
                "first may have it.",
            ),
            (
                sent_back(last_of),
                "Where the largest number comes twice in a window, the last of them gets the "
                "gradient. As in PyTorch, it is the first, row by row.",
            ),
            (
                sent_back(lambda windows, best: np.full(4, 0.25)),
                "You share the gradient among all four. That is average pooling; here the largest "
                "number gets all of it.",
            ),
            (
                sent_back(lambda windows, best: np.ones(4)),
                "All four numbers of a window get the gradient. Only the largest was passed on.",
            ),
            (
                sent_back(lambda windows, best: np.eye(4)[windows.argmin(axis=-1)]),
                "The smallest number of the window gets the gradient. It is the largest that was "
                "passed on.",
            ),
            (
                sent_back(lambda windows, best: windows * np.eye(4)[windows.argmax(axis=-1)]),
                "You multiplied by the number itself. The largest passes with a slope of 1.",
            ),
            (
                cut_off,
                "A row or column that no window has read is missing. The gradient has the shape of "
                "x, with zeros there.",
            ),
        ],
        [
            "Begin with `np.zeros_like(x)`. Each number of `grad_output` goes to one place of it.",
            "The window of the output (i, j) is `x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]`. "
            "`argmax` counts its four numbers row by row and stops at the first that is largest.",
            "`row, column = divmod(window.argmax(), 2)`, and the place is "
            "`[n, c, 2 * i + row, 2 * j + column]`.",
        ],
    ),
    "backward-geometry-by-rule": Exercise(
        "dx_by_rule",
        by_rule,
        geometries,
        [
            (
                unturned,
                "The kernel is the wrong way round. `convolve2d` turns it already: do not turn it "
                "yourself.",
            ),
            (
                uncropped,
                "The gradient of the padding is still there. Crop `pad` rows and columns from each "
                "side.",
            ),
            (
                cropped_at_the_end,
                "You cropped from the first row and column on. `pad` of them have to go at the top "
                "and at the left, too.",
            ),
            (
                not_appended,
                "What the floor skipped is missing: where the stride does not divide, rows or "
                "columns of zeros follow the last window.",
            ),
        ],
        [
            "A stride puts `stride - 1` zeros between the numbers of G, a dilation `gap - 1` "
            "between the weights of K.",
            "The ring round the spread G is the spread kernel's size less 1, on each side. "
            "`cnnlib.convolve2d` does the rest.",
            "Put the result into the corner of an array of zeros of the padded image's shape, and "
            "cut the padding off.",
        ],
    ),
    "backward-geometry-unpool": Exercise(
        "Upsample",
        upsample(repeated, block_sums),
        enlarged,
        [
            (
                upsample(repeated, cnnlib.avg_pool2d),
                "`backward` takes the mean of the copies. A pixel hears from all of them: add up.",
            ),
            (
                upsample(repeated, lambda grad, factor: grad[:, :, ::factor, ::factor]),
                "`backward` listens to one copy of each pixel. All copies send something back.",
            ),
            (
                upsample(repeated, cnnlib.max_pool2d),
                "`backward` takes the largest gradient of the copies. Add them up.",
            ),
            (
                upsample(lambda x, factor: np.tile(x, (1, 1, factor, factor)), block_sums),
                "You put the whole image beside itself. Each pixel is to be repeated: `repeat`, "
                "not `tile`.",
            ),
            (
                upsample(lambda x, factor: repeated(x, factor) / factor**2, block_sums),
                "You share each pixel among its copies. A copy is the pixel itself.",
            ),
        ],
        [
            "`x.repeat(factor, axis=2)` repeats each row. The columns are axis 3.",
            "A pixel gets the sum over its block of copies.",
            "`cnnlib.avg_pool2d(grad_output, factor) * factor**2` is that sum.",
        ],
        both_ways,
    ),
}
