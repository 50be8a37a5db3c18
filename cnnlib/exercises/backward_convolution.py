"""Exercises of the chapter "Backward through a convolution"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def by_hand(rng: np.random.Generator) -> Any:
    """A question: the gradient of a kernel, or that of an image."""
    from cnnlib.widgets import Question

    image = rng.permutation(np.arange(1.0, 10)).reshape(3, 3)
    kernel, g = rng.integers(-2, 3, (2, 2, 2)).astype(float)
    dx, dk, _ = cnnlib.conv2d_backward(g[None], image[None], kernel[None, None])
    pixels, weights, sent = (array.astype(int).tolist() for array in (image, kernel, g))
    told = f"`{sent}` comes back to a convolution of "
    if rng.integers(0, 2):
        return Question(
            f"{told}the image `{pixels}`. What is the gradient of its 2×2 kernel?",
            dk[0, 0],
            [
                (cnnlib.convolve2d(image, g), "You turned G. It slides over the image as it is."),
                (dk[0, 0] / 4, "A weight adds up what it hears from all places: no mean."),
                (dk[0, 0].T, "Rows and columns are exchanged."),
            ],
            steps=[
                "G slides over the image: each weight's gradient is a sum of four products.",
                f"That gives `{dk[0, 0].astype(int).tolist()}`.",
            ],
        )
    turned = cnnlib.convolve2d(np.pad(g, 1), kernel[::-1, ::-1])
    return Question(
        f"{told}a 3×3 image with the kernel `{weights}`. What is the gradient of the image?",
        dx[0],
        [
            (turned, "The kernel has to be turned by 180° before it slides over G in its ring."),
            (dx[0].T, "Rows and columns are exchanged."),
            (np.pad(g * kernel, (0, 1)), "Every number of G sends back a whole kernel."),
        ],
        steps=[
            "Each number of G puts the kernel, times itself, where its window was. Where windows "
            "overlap, add up.",
            f"That gives `{dx[0].astype(int).tolist()}`.",
        ],
    )


def shapes(rng: np.random.Generator) -> Any:
    """A question: the shape of G in its ring."""
    from cnnlib.widgets import Question

    image, kernel = rng.integers(7, 20, 2), rng.integers(2, 6, 2)
    size = image - kernel + 1
    right = (size + 2 * (kernel - 1))[None]
    return Question(
        f"A kernel of {kernel[0]} by {kernel[1]} slides over {image[0]} by {image[1]} pixels. For "
        "the gradient of the image, a ring of zeros is put round G. How many rows and columns has "
        "G in its ring?",
        right,
        [
            (size[None], "That is G without its ring."),
            (image[None], "That is the image, or a ring on one side. It is there on both sides."),
            ((size + 2 * kernel)[None], "The ring is a number narrower than the kernel."),
            (right[:, ::-1], "Rows come first, then columns."),
        ],
        steps=[
            f"G has the map's shape, n − k + 1: {size[0]} by {size[1]}.",
            f"The ring adds k − 1 on both sides: {right[0, 0]} by {right[0, 1]}.",
        ],
    )


def untied(shape: Callable = np.asarray, gives: Callable = np.asarray, again: bool = True) -> type:
    """A layer with a bias for each place.

    shape: what becomes of the bias's gradient (N, C, H, W). gives: what becomes of the gradient
    that is passed on. again: whether gradients add up until they are forgotten.
    """

    class UntiedBias(cnnlib.Layer):
        def __init__(self, channels: int, rows: int, columns: int) -> None:
            self.bias = cnnlib.Parameter(np.zeros((channels, rows, columns)))

        def forward(self, x: np.ndarray) -> np.ndarray:
            return x + self.bias.data

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            if not again:
                self.bias.grad = None
            self.bias.accumulate(shape(grad_output))
            return gives(grad_output)

    return UntiedBias


def twice(written: Callable, x: np.ndarray, grad_output: np.ndarray) -> Any:
    """Two forwards and two backwards, the bias no longer zero; and the gradient of the bias."""
    made = written(*x.shape[1:])
    if made.forward(x) is None:
        return None
    made.bias.data[...] = np.arange(made.bias.data.size).reshape(x.shape[1:])
    output = made.forward(x)
    made.backward(grad_output)
    made.forward(x)
    grad_x = made.backward(2 * grad_output)
    return output, grad_x, made.bias.grad


def maps(rng: np.random.Generator) -> list[Try]:
    """Maps (N, C, H, W), and what comes back."""
    sizes = [(2, 1, 2, 3), (3, 2, 4, 5)]
    return [(rng.integers(-9, 10, s) / 2, rng.integers(-9, 10, s) / 4) for s in sizes]


def layers(rng: np.random.Generator) -> list[Try]:
    """Gradients (N, K, R, S), images (N, C, H, W) and weights (K, C, h, w)."""
    sizes = [(1, 1, 2, 4, 5, 2, 3), (2, 3, 4, 6, 5, 3, 2), (3, 4, 2, 5, 7, 2, 4)]
    return [
        (
            rng.integers(-9, 10, (n, k, rows - h + 1, columns - w + 1)) / 2,
            rng.integers(-9, 10, (n, c, rows, columns)) / 2,
            rng.integers(-9, 10, (k, c, h, w)) / 4,
        )
        for n, c, k, rows, columns, h, w in sizes
    ]


def unturned(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
    """The backward pass without turning the kernels."""
    grad_x, *_ = cnnlib.conv2d_backward(grad_output, x, weight[..., ::-1, ::-1])
    return grad_x, *cnnlib.conv2d_backward(grad_output, x, weight)[1:]


def last_filter(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
    """The gradient of x from the last filter alone."""
    grad_x, *_ = cnnlib.conv2d_backward(grad_output[:, -1:], x, weight[-1:])
    return grad_x, *cnnlib.conv2d_backward(grad_output, x, weight)[1:]


def last_image(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
    """The gradient of the weights from the last image alone."""
    grad_x, _, grad_bias = cnnlib.conv2d_backward(grad_output, x, weight)
    return grad_x, cnnlib.conv2d_backward(grad_output[-1:], x[-1:], weight)[1], grad_bias


def other_bias(change: Callable) -> Callable:
    """The backward pass with another gradient of the bias."""

    def mistake(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
        grad_x, grad_weight, _ = cnnlib.conv2d_backward(grad_output, x, weight)
        return grad_x, grad_weight, change(grad_output)

    return mistake


def mean_weight(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
    """The gradient of the weights divided by the number of images."""
    grad_x, grad_weight, grad_bias = cnnlib.conv2d_backward(grad_output, x, weight)
    return grad_x, grad_weight / len(x), grad_bias


EXERCISES = {
    "backward-convolution-hand": Drawn(by_hand),
    "backward-convolution-shapes": Drawn(shapes),
    "backward-convolution-own": Exercise(
        "my_conv_layer_backward",
        lambda grad_output, x, weight: cnnlib.conv2d_backward(grad_output, x, weight),
        layers,
        [
            (
                unturned,
                "The gradient of x: the kernels are the wrong way round. Where a window stood, add "
                "the kernel as it is, times the gradient; or turn it by 180° and slide it over the "
                "ring.",
            ),
            (
                last_filter,
                "Only the last filter sends something to x. Every filter has read it: add up, do "
                "not write over.",
            ),
            (
                last_image,
                "The weights hear from the last image alone. Add up over all images, do not write "
                "over.",
            ),
            (
                mean_weight,
                "The gradient of the weights is divided by the number of images. Add the images "
                "up: the loss has divided already.",
            ),
            (
                other_bias(lambda grad: grad.sum(axis=(2, 3))),
                "The bias has a gradient for each image. It is the same bias for all: add them up.",
            ),
            (
                other_bias(lambda grad: grad.mean(axis=(0, 2, 3))),
                "You took the mean for the bias. It is added at every place, and hears the sum of "
                "all.",
            ),
            (
                other_bias(lambda grad: grad.sum()),
                "The bias has one gradient for all filters. Each filter has a bias of its own.",
            ),
        ],
        [
            "Go through all places (i, j) of the map. The window there is "
            "`x[:, :, i : i + h, j : j + w]`, and `grad_output[:, :, i, j]` is what comes back.",
            "A window gets, from each filter, its kernel times what comes back: add it to "
            "`grad_x` where the window stood. A kernel gets the window times what comes back.",
            "`np.tensordot(g, weight, 1)` is what the windows get, and "
            "`np.tensordot(g.T, window, 1)` what the kernels get. The bias: "
            "`grad_output.sum(axis=(0, 2, 3))`.",
        ],
    ),
    "backward-convolution-untied": Exercise(
        "UntiedBias",
        untied(lambda grad: grad.sum(axis=0)),
        maps,
        [
            (
                untied(lambda grad: grad.mean(axis=0)),
                "The gradient of the bias is the mean over the images. Add them up: the loss has "
                "divided already.",
            ),
            (
                untied(lambda grad: grad[-1]),
                "The bias hears from the last image alone. All images have used it: add them up.",
            ),
            (
                untied(lambda grad: grad),
                "The gradient of the bias has an axis for the images. It needs the bias's own "
                "shape.",
            ),
            (
                untied(lambda grad: grad.sum(axis=(0, 2, 3))),
                "That is the bias of a convolution, one for each map. Here each place has its own: "
                "add up over the images only.",
            ),
            (
                untied(lambda grad: grad.sum(axis=0), again=False),
                "A second `backward` writes over the gradient of the first. Gradients add up until "
                "`zero_grad`: `self.bias.accumulate` does it.",
            ),
            (
                untied(lambda grad: grad.sum(axis=0), lambda grad: grad.sum(axis=0)),
                "You pass on the sum over the images. What comes in passes through as it is: each "
                "image has its own.",
            ),
        ],
        [
            "`self.bias = cnnlib.Parameter(np.zeros((channels, rows, columns)))` keeps the biases.",
            "`x + self.bias.data` adds the same biases to each image of the batch. So a bias hears "
            "from all images.",
            "`self.bias.accumulate(grad_output.sum(axis=0))`, and return `grad_output`.",
        ],
        twice,
    ),
}
