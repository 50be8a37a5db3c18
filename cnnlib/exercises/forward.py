"""Exercises of the chapter "The whole forward pass"."""

from functools import partial
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def draw_inputs(rng: np.random.Generator) -> Any:
    """How many weights the dense layer behind some filters has."""
    from cnnlib.widgets import Question

    size, filters, neurons = (int(rng.choice(n)) for n in ([6, 8, 10, 14], [2, 4, 5], [3, 7]))
    side = (size - 2) // 2
    old, inputs = side * side, filters * side * side
    return Question(
        f"An image of {size}×{size} passes one 3×3 filter, ReLU, 2×2 max pooling and a dense layer "
        f"of {neurons} neurons. Now it gets {filters} filters in place of one. How many weights "
        "has the dense layer then, without its biases?",
        neurons * inputs,
        [
            (neurons * old, "That is with one filter. Each filter has a map of its own."),
            (inputs, f"That is one neuron. There are {neurons}."),
            (
                neurons * filters * (size // 2) ** 2,
                "The convolution costs 2 rows and 2 columns.",
            ),
            (neurons * filters * (size - 2) ** 2, "That is without the pooling."),
            (neurons * (inputs + 1), "That includes the biases."),
        ],
        steps=[
            f"A map has {size} − 2 = {size - 2} rows, after the pooling {side}: all maps together "
            f"have {filters}·{side}·{side} = {inputs} numbers.",
            f"{neurons} neurons with {inputs} weights each: {neurons}·{inputs} = "
            f"{neurons * inputs}.",
        ],
    )


Arrays = tuple[np.ndarray, np.ndarray]


def logits(
    x: np.ndarray, conv: Arrays, dense_1: Arrays, dense_2: Arrays, skip: str = ""
) -> np.ndarray:
    """The logits (N, K) of images x, without the layers named in skip."""
    maps = cnnlib.conv2d(x, *conv)
    maps = maps if "first relu" in skip else cnnlib.relu(maps)
    pool = cnnlib.avg_pool2d if "max" in skip else cnnlib.max_pool2d
    pooled = pool(maps, 2)
    if "flatten" in skip:
        pooled = pooled.transpose(0, 2, 3, 1)
    hidden = cnnlib.linear(pooled.reshape(len(x), -1), *dense_1)
    hidden = hidden if "second relu" in skip else cnnlib.relu(hidden)
    answer = cnnlib.linear(hidden, *dense_2)
    return cnnlib.relu(answer) if "last" in skip else answer


def network_tries(rng: np.random.Generator) -> list[Try]:
    """Small networks: sizes, filters, neurons and classes differ."""
    cases = [(1, 1, 2, 6, 5, 3, 4), (3, 2, 3, 7, 8, 5, 2)]  # n, c, filters, rows, columns, h, k
    made: list[Try] = []
    for n, c, f, rows, columns, h, k in cases:
        inputs = f * ((rows - 2) // 2) * ((columns - 1) // 2)
        shapes = [[(f, c, 3, 2), (f,)], [(h, inputs), (h,)], [(k, h), (k,)]]
        layers = [tuple(rng.normal(size=shape) for shape in pair) for pair in shapes]
        made.append((rng.normal(size=(n, c, rows, columns)), *layers))
    return made


class Trace(cnnlib.Layer):
    """Does what the layer inside does, and remembers its last output."""

    def __init__(self, layer: cnnlib.Layer) -> None:
        self.layer = layer

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The inner layer's output."""
        self.output = self.layer(x)
        return self.output


class Keeper(Trace):
    """Keeps the input."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.output = x
        return self.layer(x)


class Through(Trace):
    """Gives on the input."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.output = self.layer(x)
        return x


class FirstOnly(Trace):
    """Keeps the first output, not the last."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        y = self.layer(x)
        self.output = getattr(self, "output", y)
        return y


class Twice(Trace):
    """Asks the inner layer of its own answer."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.output = self.layer(x)
        return self.layer(self.output)


def traced(written: Any, x: np.ndarray, then: np.ndarray) -> tuple[Any, ...]:
    """What a traced layer gives and remembers, for two inputs."""
    trace = written(Doubled())
    seen: list[Any] = []
    for one in (x, then):
        seen += [trace.forward(one), getattr(trace, "output", None)]
    return tuple(seen)


class Doubled(cnnlib.Layer):
    """Gives 2·x + 1."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Twice the input, and one."""
        return 2 * x + 1


def trace_tries(rng: np.random.Generator) -> list[Try]:
    """Two inputs, one after the other."""
    return [(rng.normal(size=(1, 3)), rng.normal(size=(2, 3))) for _ in range(2)]


EXERCISES = {
    "forward-filters": Drawn(draw_inputs),
    "forward-own": Exercise(
        "my_forward",
        logits,
        network_tries,
        [
            (
                partial(logits, skip="first relu, second relu"),
                "Both ReLUs are missing: one after the convolution, one after the first dense "
                "layer.",
            ),
            (
                partial(logits, skip="first relu"),
                "The ReLU after the convolution is missing.",
            ),
            (
                partial(logits, skip="second relu"),
                "The ReLU between the dense layers is missing.",
            ),
            (
                partial(logits, skip="last"),
                "There is a ReLU behind the last layer. Logits can be negative.",
            ),
            (
                lambda x, conv, dense_1, dense_2: cnnlib.softmax(logits(x, conv, dense_1, dense_2)),
                "Those are probabilities. The network gives the logits; the loss has the softmax "
                "in it.",
            ),
            (
                partial(logits, skip="max"),
                "The pooling takes means. Take the largest of each window.",
            ),
            (
                partial(logits, skip="flatten"),
                "The maps are flattened pixel by pixel. Write map after map: "
                "`reshape(len(x), -1)` and nothing else.",
            ),
        ],
        [
            "Each layer takes what the one before it gives: convolution, ReLU, pooling, flatten, "
            "dense, ReLU, dense.",
            "`conv` is a pair: `my_conv_layer(x, *conv)` hands its weight and bias over.",
            "Flatten with `x.reshape(len(x), -1)`: a row for each image.",
        ],
    ),
    "forward-trace": Exercise(
        "Trace",
        Trace,
        trace_tries,
        [
            (
                Keeper,
                "You remember the input. `output` is what the inner layer gives.",
            ),
            (
                Through,
                "The input is given on. Give on what the inner layer makes of it.",
            ),
            (
                FirstOnly,
                "The first output is remembered, not the last.",
            ),
            (
                Twice,
                "The inner layer is called twice. Call it once, and keep what it gives.",
            ),
        ],
        [
            "`__init__` keeps the layer; `forward(x)` calls it.",
            "Write the result to `self.output`, then return it.",
        ],
        traced,
    ),
}
