"""Exercises of the chapter "Counting"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_network(rng: np.random.Generator) -> Any:
    """The parameters of a small network."""
    from cnnlib.widgets import Question

    size, filters, hidden, classes = (
        int(rng.choice(n)) for n in ([6, 8, 10], [2, 3, 4], [5, 6, 8], [3, 4, 7])
    )
    side = (size - 2) // 2
    inputs = filters * side * side
    parts = [filters * 10, hidden * (inputs + 1), classes * (hidden + 1)]
    total = sum(parts)
    return Question(
        f"{filters} filters of 3×3 on a gray image of {size}×{size}, ReLU, 2×2 max pooling, then "
        f"dense layers of {hidden} and of {classes} neurons. How many parameters in all?",
        total,
        [
            (total - filters - hidden - classes, "The biases are missing."),
            (total - parts[2], "The last layer is missing."),
            (
                total + hidden * filters * ((size // 2) ** 2 - side * side),
                "The convolution costs 2 rows and 2 columns.",
            ),
            (
                total + hidden * filters * ((size - 2) ** 2 - side * side),
                "The pooling leaves a quarter of the numbers.",
            ),
            (total - hidden * (inputs - side * side), "Each filter has a map of its own."),
        ],
        steps=[
            f"The filters have {filters}·9 + {filters} = {parts[0]}. They leave {filters} maps of "
            f"{side}×{side}, {inputs} numbers, so the first dense layer has {hidden}·{inputs} + "
            f"{hidden} = {parts[1]}, and the second {classes}·{hidden} + {classes} = {parts[2]}.",
            f"{parts[0]} + {parts[1]} + {parts[2]} = {total}.",
        ],
    )


def draw_stack(rng: np.random.Generator) -> Any:
    """The weights that small kernels save."""
    from cnnlib.widgets import Question

    channels, layers = int(rng.choice([4, 8, 10, 16, 20])), int(rng.integers(2, 5))
    k = 2 * layers + 1
    one, small = channels * channels * k * k, layers * channels * channels * 9
    words = ["two", "three", "four"][layers - 2]
    return Question(
        f"{words.capitalize()} 3×3 layers in a row see as much as one larger layer. All have "
        f"{channels} channels in and out. How many weights fewer have the small ones, without "
        "biases?",
        one - small,
        [
            (one, "That is the large layer. Take the small ones away."),
            (small, "That is what the small ones have."),
            (
                one - small // layers,
                f"There are {words} small layers.",
            ),
            (
                channels * channels * (9 * layers * layers - 9 * layers),
                f"{words.capitalize()} kernels of 3 see {k}, not {3 * layers}: each adds 2.",
            ),
            ((one - small) // channels, "Each filter has a plane for each channel."),
        ],
        steps=[
            f"Each kernel of 3 adds 2: together they see 1 + 2·{layers} = {k}.",
            f"One {k}×{k} layer has {channels}·{channels}·{k}·{k} = {one} weights, {words} of 3×3 "
            f"have {layers}·{channels}·{channels}·9 = {small}: {one} − {small} = {one - small}.",
        ],
    )


def counts(x_shape: tuple[int, int, int], weight_shape: tuple[int, ...]) -> tuple[int, int]:
    """Parameters and multiply-adds of a convolution of one image."""
    _, rows, columns = x_shape
    filters, channels, h, w = weight_shape
    weights = filters * channels * h * w
    return weights + filters, weights * (rows - h + 1) * (columns - w + 1)


def count_tries(rng: np.random.Generator) -> list[Try]:
    """Shapes of images and weights."""
    return [((1, 4, 5), (2, 1, 2, 3)), ((3, 7, 9), (5, 3, 4, 2)), ((2, 3, 6), (4, 2, 3, 1))]


def jumps(network: cnnlib.Sequential, input_shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """For each layer that slides: rows that come in, its step in pixels, rows it skips."""
    x, step, rows = np.zeros((1, *input_shape), np.float32), 1, []
    for layer in network:
        if isinstance(layer, cnnlib.Conv2d | cnnlib.MaxPool2d):
            size, k, s = x.shape[2], layer.kernel_size[0], layer.stride[0]
            step *= s
            rows.append((size, step, cnnlib.rows_left_over(size, k, s)))
        x = layer(x)
    return rows


def before(network: cnnlib.Sequential, input_shape: tuple[int, ...]) -> list:
    """The step before the layer, not after it."""
    found = jumps(network, input_shape)
    steps = [1, *(step for _, step, _ in found)]
    return [(size, step, left) for (size, _, left), step in zip(found, steps, strict=False)]


def own_stride(network: cnnlib.Sequential, input_shape: tuple[int, ...]) -> list:
    """The stride of the layer alone."""
    found = jumps(network, input_shape)
    steps = [1, *(step for _, step, _ in found)]
    return [
        (size, step // last, left) for (size, step, left), last in zip(found, steps, strict=False)
    ]


def sizes_after(network: cnnlib.Sequential, input_shape: tuple[int, ...]) -> list:
    """The rows that come out, not those that come in."""
    x, sizes = np.zeros((1, *input_shape), np.float32), []
    for layer in network:
        x = layer(x)
        if isinstance(layer, cnnlib.Conv2d | cnnlib.MaxPool2d):
            sizes.append(x.shape[2])
    found = jumps(network, input_shape)
    return [(size, step, left) for size, (_, step, left) in zip(sizes, found, strict=True)]


def remainder(network: cnnlib.Sequential, input_shape: tuple[int, ...]) -> list:
    """The rest of rows divided by the stride, whatever the kernel."""
    strides = [step for _, step, _ in own_stride(network, input_shape)]
    found = jumps(network, input_shape)
    return [(size, step, size % s) for (size, step, _), s in zip(found, strides, strict=True)]


def jumps_of(written: Any, layers: list[tuple[str, int, int]], input_shape: tuple) -> Any:
    """What the function says of a network of these layers, (kind, kernel size, stride)."""
    made: list[cnnlib.Layer] = []
    for kind, k, s in layers:
        conv = kind == "Conv2d"
        made += [cnnlib.Conv2d(2, 2, k, s), cnnlib.ReLU()] if conv else [cnnlib.MaxPool2d(k, s)]
    return written(cnnlib.Sequential(*made), input_shape)


def jump_tries(rng: np.random.Generator) -> list[Try]:
    """Networks that skip rows, and one that skips none."""
    return [
        ([("Conv2d", 3, 1), ("MaxPool2d", 2, 2)], (2, 9, 8)),
        ([("Conv2d", 3, 2), ("MaxPool2d", 3, 2), ("Conv2d", 2, 3)], (2, 30, 31)),
        ([("MaxPool2d", 2, 2), ("Conv2d", 4, 3), ("MaxPool2d", 2, 2)], (2, 26, 28)),
    ]


EXERCISES = {
    "counting-worked": Drawn(draw_network),
    "counting-stack": Drawn(draw_stack),
    "counting-own": Exercise(
        "my_counts",
        counts,
        count_tries,
        [
            (
                lambda x_shape, weight_shape: (
                    counts(x_shape, weight_shape)[0] - weight_shape[0],
                    counts(x_shape, weight_shape)[1],
                ),
                "The biases are missing: each filter has one.",
            ),
            (
                lambda x_shape, weight_shape: (
                    counts(x_shape, weight_shape)[0],
                    int(np.prod(weight_shape)) * x_shape[1] * x_shape[2],
                ),
                "There are not as many places as pixels: a kernel of h rows finds H − h + 1.",
            ),
            (
                lambda x_shape, weight_shape: (
                    counts(x_shape, weight_shape)[0],
                    counts(x_shape, weight_shape)[1] // weight_shape[0],
                ),
                "Those are the multiply-adds of one filter. Count all of them.",
            ),
            (
                lambda x_shape, weight_shape: (
                    counts(x_shape, weight_shape)[0],
                    counts(x_shape, weight_shape)[1] // weight_shape[1],
                ),
                "A window has all channels: multiply by them, too.",
            ),
            (
                lambda x_shape, weight_shape: counts(x_shape, weight_shape)[::-1],
                "The two counts are exchanged: the parameters come first.",
            ),
            (
                lambda x_shape, weight_shape: (
                    int(np.prod(weight_shape[1:])) + 1,
                    counts(x_shape, weight_shape)[1],
                ),
                "Those are the parameters of one filter. Count all of them.",
            ),
        ],
        [
            "The weights are the product of the four lengths of weight_shape. Each filter has a "
            "bias.",
            "At each place of the map, each filter multiplies each of its weights once. How many "
            "places are there?",
        ],
    ),
    "counting-extend": Exercise(
        "jumps",
        jumps,
        jump_tries,
        [
            (
                before,
                "That is the step before the layer. Multiply by its own stride, then write it "
                "down.",
            ),
            (
                own_stride,
                "That is the layer's own stride. The strides before it count as well: multiply "
                "them all.",
            ),
            (
                sizes_after,
                "Those are the rows that come out. Write down those that come in.",
            ),
            (
                remainder,
                "The rest of rows by stride is not what is left over: the kernel counts, too. "
                "`cnnlib.rows_left_over` knows.",
            ),
        ],
        [
            "Only layers with a `kernel_size` slide. It and `stride` are pairs: (rows, columns).",
            "Begin with zeros of shape (1, *input_shape), and call each layer on what the one "
            "before it gave.",
            "The step is the product of the strides so far; `rows_left_over(size, k, s)` says what "
            "is skipped.",
        ],
        jumps_of,
    ),
}
