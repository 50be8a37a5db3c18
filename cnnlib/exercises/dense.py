"""Exercises of the chapter "Flatten and dense"."""

from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try, products


def draw_layer(rng: np.random.Generator) -> Any:
    """The outputs of a small dense layer."""
    from cnnlib.widgets import Question

    x, weight = rng.choice(range(1, 9), 3, replace=False), rng.integers(-3, 5, (2, 3))
    bias = rng.choice(range(1, 6), 2, replace=False)
    sums = [int(n) for n in weight @ x]
    terms = [products(x, row) for row in weight]
    return Question(
        f"Inputs `{x.tolist()}`, weights `{weight.tolist()}`, a row for each neuron, biases "
        f"`{bias.tolist()}`. What do the two neurons give?",
        (weight @ x + bias)[None],
        [
            (np.array([sums]), "Those are the sums of the products. The biases are missing."),
            ((weight @ x + bias[::-1])[None], "The biases are exchanged."),
            ((weight @ x + bias)[None, ::-1], "The neurons are exchanged: the first row is first."),
            (
                (weight @ x[::-1] + bias)[None],
                "The inputs are in the wrong order: the first weight belongs to the first input.",
            ),
        ],
        steps=[
            "Each input is multiplied by its weight. The products and the bias are added up.",
            f"First: {terms[0]} + {bias[0]} = {sums[0] + bias[0]}. Second: {terms[1]} + {bias[1]} "
            f"= {sums[1] + bias[1]}.",
        ],
    )


def layer_tries(rng: np.random.Generator) -> list[Try]:
    """Batches of one, two and four."""
    lengths = [(1, 3, 2), (2, 4, 3), (4, 2, 5)]
    return [
        tuple(rng.integers(-9, 10, shape) / 2 for shape in [(n, f), (k, f), (k,)])
        for n, f, k in lengths
    ]


def place(c: int, i: int, j: int, shape: tuple[int, int, int]) -> int:
    """The place of a number in NCHW order."""
    _, rows, columns = shape
    return (c * rows + i) * columns + j


def place_last(c: int, i: int, j: int, shape: tuple[int, int, int]) -> int:
    """The place of a number in NHWC order."""
    channels, _, columns = shape
    return (i * columns + j) * channels + c


def place_tries(rng: np.random.Generator) -> list[Try]:
    """Places in maps that are not square."""
    return [(0, 1, 2, (2, 3, 5)), (1, 2, 4, (2, 3, 5)), (2, 1, 0, (3, 4, 2)), (1, 3, 1, (3, 4, 2))]


def collapsed(
    w_1: np.ndarray, b_1: np.ndarray, w_2: np.ndarray, b_2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases of the one layer that does what two do."""
    return w_2 @ w_1, w_2 @ b_1 + b_2


def collapse_tries(rng: np.random.Generator) -> list[Try]:
    """Two layers, the second as wide as the first and not."""
    return [
        tuple(rng.integers(-9, 10, shape) / 2 for shape in [(h, f), (h,), (k, h), (k,)])
        for f, h, k in [(3, 2, 2), (4, 3, 2), (3, 4, 5)]
    ]


class Unflatten(cnnlib.Layer):
    """Rows of numbers, put back into maps."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape

    def forward(self, x: np.ndarray) -> np.ndarray:
        """From (N, C * H * W) to (N, C, H, W)."""
        return x.reshape(len(x), *self.shape)


class ChannelsLast(Unflatten):
    """Takes the row to be in NHWC order."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        channels, rows, columns = self.shape
        return x.reshape(len(x), rows, columns, channels).transpose(0, 3, 1, 2)


class Exchanged(Unflatten):
    """Takes rows for columns."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        channels, rows, columns = self.shape
        return x.reshape(len(x), channels, columns, rows)


class OneImage(Unflatten):
    """Forgets the batch."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x[0].reshape(self.shape)


class OtherWay(Unflatten):
    """Has the channels behind."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        channels, rows, columns = self.shape
        return x.reshape(len(x), rows, columns, channels)


def unflatten(written: Any, x: np.ndarray, channels: int, rows: int, columns: int) -> np.ndarray:
    """What the layer makes of x."""
    return written(channels, rows, columns).forward(x)


def unflatten_tries(rng: np.random.Generator) -> list[Try]:
    """Rows with the shape of their maps."""
    shapes = [(1, 2, 3, 4), (2, 3, 2, 5), (3, 1, 4, 2)]
    return [(rng.integers(-9, 10, (n, c * h * w)) / 2, c, h, w) for n, c, h, w in shapes]


EXERCISES = {
    "dense-by-hand": Drawn(draw_layer),
    "dense-own": Exercise(
        "my_linear",
        cnnlib.linear,
        layer_tries,
        [
            (
                lambda x, weight, bias: x @ weight.T,
                "The biases are missing: each neuron adds its own.",
            ),
            (
                lambda x, weight, bias: cnnlib.linear(x, weight, bias).T,
                "Images and neurons are exchanged: a row for each image, (N, K).",
            ),
            (
                lambda x, weight, bias: np.repeat(
                    cnnlib.linear(x[:1], weight, bias), len(x), axis=0
                ),
                "All rows of the batch have the result of the first. Index the batch as well.",
            ),
            (
                lambda x, weight, bias: cnnlib.linear(x, weight, bias * x.shape[1]),
                "The bias was added once for each input. It is added once for each neuron.",
            ),
            (
                lambda x, weight, bias: np.maximum(cnnlib.linear(x, weight, bias), 0),
                "There is a ReLU in it. The dense layer gives the plain sums.",
            ),
            (
                lambda x, weight, bias: cnnlib.linear(x, weight, bias).sum(axis=0),
                "The images of the batch were added up. Each has a row of its own.",
            ),
        ],
        [
            "The output has the shape (N, K). Its number at (n, k) is made of row n of x and row k "
            "of weight.",
            "`(x[n] * weight[k]).sum() + bias[k]`, in two loops.",
            "Without a loop: `@` multiplies rows of x by columns. `weight.T` turns the rows of "
            "weight into columns.",
        ],
    ),
    "dense-places": Exercise(
        "place",
        place,
        place_tries,
        [
            (
                place_last,
                "That is the place in NHWC order. In NCHW order, whole maps come first.",
            ),
            (
                lambda c, i, j, shape: (c * shape[1] + i) * shape[1] + j,
                "A full row has as many numbers as there are columns, not rows.",
            ),
            (
                lambda c, i, j, shape: c * shape[2] + i * shape[2] + j,
                "A map has rows·columns numbers. You counted one row for each map before.",
            ),
            (
                lambda c, i, j, shape: place(c, i, j, shape) + 1,
                "You counted from 1. The first number is at place 0.",
            ),
            (
                lambda c, i, j, shape: (c * shape[2] + j) * shape[1] + i,
                "That counts column by column. A map is flattened row by row.",
            ),
        ],
        [
            "How many numbers come before it? Whole maps, then whole rows of its own map, then "
            "what stands to its left.",
            "A map has rows·columns numbers, a row has as many as there are columns.",
        ],
    ),
    "dense-places-last": Exercise(
        "place_last",
        place_last,
        place_tries,
        [
            (
                place,
                "That is the place in NCHW order. In NHWC order, all channels of a pixel stand "
                "together.",
            ),
            (
                lambda c, i, j, shape: (i * shape[1] + j) * shape[0] + c,
                "A full row has as many pixels as there are columns, not rows.",
            ),
            (
                lambda c, i, j, shape: i * shape[2] + j + c,
                "Each pixel before it takes as many places as there are channels.",
            ),
            (
                lambda c, i, j, shape: place_last(c, i, j, shape) + 1,
                "You counted from 1. The first number is at place 0.",
            ),
        ],
        [
            "How many pixels come before its own? Whole rows, then those to its left.",
            "Each of these pixels takes as many places as there are channels. Then come the "
            "channels before c.",
        ],
    ),
    "dense-collapse": Exercise(
        "one_layer",
        collapsed,
        collapse_tries,
        [
            (
                lambda w_1, b_1, w_2, b_2: (w_2 @ w_1, b_2),
                "The first layer's biases are lost. They, too, pass through the second weights.",
            ),
            (
                lambda w_1, b_1, w_2, b_2: (
                    w_2 @ w_1,
                    w_2 @ b_1,
                ),
                "The second layer's biases are missing. They are added at the end.",
            ),
            (
                lambda w_1, b_1, w_2, b_2: (
                    (w_2 @ w_1).T,
                    w_2 @ b_1 + b_2,
                ),
                "Your weights are turned: a row for each output, (outputs, inputs).",
            ),
            (
                lambda w_1, b_1, w_2, b_2: (
                    w_2 @ w_1,
                    np.maximum(w_2 @ b_1 + b_2, 0),
                ),
                "There is a ReLU in your biases. It stands between the layers, or not at all.",
            ),
        ],
        [
            "Put h = W₁·x + b₁ into W₂·h + b₂, and multiply out.",
            "What stands before x are the weights, the rest are the biases. Give both back: "
            "`return weight, bias`.",
        ],
    ),
    "dense-unflatten": Exercise(
        "Unflatten",
        Unflatten,
        unflatten_tries,
        [
            (
                ChannelsLast,
                "You took the row to be in NHWC order. `Flatten` writes map after map.",
            ),
            (
                Exchanged,
                "Rows and columns of the shape are exchanged.",
            ),
            (
                OneImage,
                "The batch is lost. Its axis comes first, as long as x.",
            ),
            (
                OtherWay,
                "The channels stand last. The shape is (N, channels, rows, columns).",
            ),
        ],
        [
            "`__init__` keeps channels, rows and columns; `forward` gives x another shape.",
            "`x.reshape(len(x), channels, rows, columns)` leaves the batch as it is.",
        ],
        unflatten,
    ),
}
