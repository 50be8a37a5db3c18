"""Exercises of the chapter "Channels"."""

from itertools import permutations
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try, products

COLORS = ["red", "green", "blue"]


def draw_first(rng: np.random.Generator) -> Any:
    """The first number of a map that reads two channels."""
    from cnnlib.widgets import Question

    windows, planes = rng.integers(1, 9, (2, 2, 2)), rng.integers(-3, 4, (2, 2, 2))
    bias = int(rng.integers(1, 6))
    sums = [int(n) for n in (windows * planes).sum(axis=(1, 2))]
    total = sum(sums) + bias
    red, green = (products(*pair) for pair in zip(windows, planes, strict=True))
    return Question(
        f"A window of two channels: `{windows[0].tolist()}` in red, `{windows[1].tolist()}` in "
        f"green. A filter: `{planes[0].tolist()}` for red, `{planes[1].tolist()}` for green, bias "
        f"{bias}. What comes out?",
        total,
        [
            (sum(sums), "The bias is missing."),
            (total + bias, "A filter has one bias, not one for each channel."),
            (sums[0] + bias, "That is red alone. A filter adds up all channels."),
            (sums[1] + bias, "That is green alone. A filter adds up all channels."),
            (
                int((windows * planes[::-1]).sum()) + bias,
                "Each channel is multiplied by its own plane of the filter.",
            ),
        ],
        steps=[
            f"Red: {red} = {sums[0]}. Green: {green} = {sums[1]}.",
            f"Together, and with the bias {bias}, that is {total}.",
        ],
    )


def draw_order(rng: np.random.Generator) -> Any:
    """The weights of a 1×1 convolution that puts the colors into another order."""
    from cnnlib.widgets import Question

    orders = list(permutations(range(3)))[1:]
    order = list(orders[rng.integers(len(orders))])
    weight = np.eye(3, dtype=int)[order]
    mistakes = [
        (np.eye(3, dtype=int), "That leaves all three as they are."),
        (weight[:, ::-1], "Column 0 is red, column 2 is blue."),
    ]
    if order != np.argsort(order).tolist():
        mistakes.append(
            (weight.T, "A row is a filter, which makes a plane; a column is a channel.")
        )
    return Question(
        f"A 1×1 convolution makes of red, green, blue the planes "
        f"{', '.join(COLORS[n] for n in order)}, in this order. Write its weights: a row for each "
        "filter, a column for each channel.",
        weight,
        mistakes,
        steps=[
            f"The first filter makes {COLORS[order[0]]}: its row has a 1 for channel {order[0]}, "
            "and zeros.",
            f"The 1 of the second row stands in column {order[1]}, that of the third in column "
            f"{order[2]}. (Columns are counted from 0.)",
        ],
    )


def layer_tries(rng: np.random.Generator) -> list[Try]:
    """Batches, filters and biases; all lengths differ."""
    shapes = [((1, 2, 3, 4), (3, 2, 2, 3)), ((2, 3, 6, 5), (4, 3, 3, 2))]
    return [
        (*(rng.integers(-9, 10, shape) / 2 for shape in (x, weight)), rng.normal(size=weight[0]))
        for x, weight in shapes
    ]


def one_bias(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The bias added once for each channel."""
    return cnnlib.conv2d(x, weight, bias * x.shape[1])


def first_channel(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Only the first channel is read."""
    return cnnlib.conv2d(x[:, :1], weight[:, :1], bias)


def last_channel(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Only the last channel is read: each overwrites the one before."""
    return cnnlib.conv2d(x[:, -1:], weight[:, -1:], bias)


def repeated(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The first image's maps for all images."""
    return np.repeat(cnnlib.conv2d(x[:1], weight, bias), len(x), axis=0)


def grouped(x: np.ndarray, weight: np.ndarray, groups: int) -> np.ndarray:
    """The maps of x (C, H, W), each filter of weight (K, C / groups, h, w) in its group."""
    return cnnlib.conv2d(x, weight, groups=groups)


def maps_of_groups(
    x: np.ndarray, weight: np.ndarray, groups: int, order: int = 1
) -> list[np.ndarray]:
    """The maps of each group; with order -1, each part of x meets the filters of the other end."""
    pairs = zip(np.split(x, groups)[::order], np.split(weight, groups), strict=True)
    return [cnnlib.conv2d(part, filters) for part, filters in pairs]


def group_tries(rng: np.random.Generator) -> list[Try]:
    """Images with 1, 2 and 3 groups."""
    shapes = [
        ((4, 3, 5), (6, 2, 2, 3), 2),
        ((6, 5, 4), (3, 2, 3, 2), 3),
        ((2, 4, 3), (3, 2, 2, 2), 1),
    ]
    return [(rng.normal(size=x), rng.normal(size=weight), groups) for x, weight, groups in shapes]


def merged(planes: np.ndarray, mixing: np.ndarray) -> np.ndarray:
    """The weight (K, C, h, w) of a depthwise layer (C, 1, h, w), then a 1×1 layer (K, C, 1, 1)."""
    return mixing * planes[:, 0]


def merge_tries(rng: np.random.Generator) -> list[Try]:
    """Depthwise planes and mixing weights."""
    shapes = [((2, 1, 2, 3), (3, 2, 1, 1)), ((3, 1, 3, 2), (4, 3, 1, 1))]
    return [(rng.normal(size=planes), rng.normal(size=mixing)) for planes, mixing in shapes]


EXERCISES = {
    "channels-hand": Drawn(draw_first),
    "channels-swap": Drawn(draw_order, 5),
    "channels-own": Exercise(
        "my_conv_layer",
        cnnlib.conv2d,
        layer_tries,
        [
            (
                lambda x, weight, bias: cnnlib.conv2d(x, weight),
                "The biases are missing: each filter adds its own to all of its map.",
            ),
            (
                one_bias,
                "The bias was added once for each channel. It belongs to the filter: add it once.",
            ),
            (
                first_channel,
                "Only channel 0 was read. A filter adds up the products of all channels.",
            ),
            (
                last_channel,
                "Only the last channel counts: each overwrites the one before. Add them up.",
            ),
            (
                repeated,
                "All images of the batch have the maps of the first. Index the batch as well.",
            ),
            (
                lambda x, weight, bias: cnnlib.conv2d(x, weight[..., ::-1, ::-1].copy(), bias),
                "You turned the kernels by 180°. Networks do not turn them.",
            ),
            (
                lambda x, weight, bias: cnnlib.conv2d(x, weight, bias).sum(axis=1),
                "The maps of all filters were added up. Each filter has a map of its own.",
            ),
        ],
        [
            "The output has the shape (N, K, H − h + 1, W − w + 1). Make it with `np.empty` or "
            "`np.zeros`, then fill it.",
            "Four loops go over images n, filters k and places (i, j). The window "
            "`x[n, :, i : i + h, j : j + w]` has all channels, and the shape of `weight[k]`.",
            "The number is `(window * weight[k]).sum() + bias[k]`.",
        ],
    ),
    "channels-groups": Exercise(
        "grouped_conv2d",
        grouped,
        group_tries,
        [
            (
                lambda *given: sum(maps_of_groups(*given)),
                "The maps of the groups were added up. Put them after each other, with "
                "`np.concatenate`.",
            ),
            (
                lambda x, weight, groups: np.concatenate(
                    [cnnlib.conv2d(part, weight) for part in np.split(x, groups)]
                ),
                "Each part of the channels met all filters. A group has its own part of the "
                "filters: split `weight`, too.",
            ),
            (
                lambda *given: np.stack(maps_of_groups(*given)),
                "The groups got an axis of their own. `np.concatenate` puts maps after each other "
                "without one.",
            ),
            (
                lambda x, weight, groups: np.concatenate(maps_of_groups(x, weight, groups, -1)),
                "The parts are paired in the wrong order: the first channels belong to the first "
                "filters.",
            ),
        ],
        [
            "`np.split(x, groups)` cuts along the first axis, which of one image are its channels.",
            "`zip` pairs the parts of x with those of weight. Convolve each pair, and put the maps "
            "into a list.",
            "`np.concatenate` makes one array of the list.",
        ],
    ),
    "channels-rank": Exercise(
        "merged",
        merged,
        merge_tries,
        [
            (
                lambda planes, mixing: mixing[:, :, 0, 0] @ planes[:, 0].reshape(len(planes), -1),
                "You added up the channels. Filter o keeps a plane for each channel c: the mixing "
                "weight of o and c times the plane of c.",
            ),
            (
                lambda planes, mixing: merged(planes, mixing).transpose(1, 0, 2, 3),
                "Filters and channels are exchanged: the filter comes first.",
            ),
            (
                lambda planes, mixing: mixing + planes[:, 0],
                "You added the two weights. One layer after another multiplies them.",
            ),
            (
                lambda planes, mixing: merged(planes, mixing)[..., ::-1, ::-1],
                "The planes are turned by 180°. They stay as they are.",
            ),
        ],
        [
            "Filter o reads channel c with the depthwise plane of c. By which number is what it "
            "reads multiplied on its way to o?",
            "The plane for o and c is `mixing[o, c, 0, 0] * planes[c, 0]`.",
        ],
    ),
}
