"""Exercises of the chapter "Backward through loss, dense and activations"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try, both_ways, layer


def another_target(rng: np.random.Generator) -> Any:
    """A question: the gradients of a dense layer's weights, or of its inputs, behind a softmax."""
    from cnnlib.widgets import Question

    first, second = (int(n) / 10 for n in rng.integers(1, 5, 2))
    p = np.array([first, second, round(1 - first - second, 1)])
    target, inputs = int(rng.integers(0, 3)), rng.permutation(np.arange(1, 10))[:3]
    weight = rng.integers(-4, 5, (3, 3))
    g = p - np.eye(3)[target]
    told = (
        f"A dense layer gives three scores. Their probabilities are `{p.tolist()}`, and the right "
        f"class is number {target}, counted from 0. "
    )
    steps = [f"The gradients of the scores are p − y: `{g.round(1).tolist()}`."]
    if rng.integers(0, 2):
        right = np.outer(g, inputs)
        return Question(
            f"{told}Its inputs are `{inputs.tolist()}`. What are the gradients of its nine weights?"
            " A row belongs to a score.",
            right,
            [
                (right.T, "Rows and columns are exchanged: a row belongs to one score."),
                (-right, "You took y − p. The gradient of a score is p − y."),
                (np.outer(p, inputs), "Subtract 1 from the probability of the right class first."),
            ],
            steps=[
                *steps,
                "Each weight's gradient is its input times the gradient of its score: "
                f"`{right.round(1).tolist()}`.",
            ],
        )
    right = (g @ weight)[None]
    return Question(
        f"{told}Its weights are `{weight.tolist()}`. What are the gradients of its three inputs?",
        right,
        [
            ((weight @ g)[None], "You went along the rows. An input hears from its column."),
            (-right, "You took y − p. The gradient of a score is p − y."),
            ((p @ weight)[None], "Subtract 1 from the probability of the right class first."),
        ],
        steps=[
            *steps,
            "An input hears from all three scores, through its column of the weights: "
            f"`{right[0].round(1).tolist()}`.",
        ],
    )


def dense(rng: np.random.Generator) -> list[Try]:
    """Gradients (N, K), inputs (N, F) and weights (K, F), all sizes different."""
    return [
        (
            rng.integers(-9, 10, (n, k)) / 2,
            rng.integers(-9, 10, (n, f)) / 2,
            rng.integers(-9, 10, (k, f)) / 4,
        )
        for n, f, k in [(1, 2, 3), (3, 4, 2), (5, 3, 6)]
    ]


def changed(place: int, change: Callable) -> Callable:
    """The backward pass of a dense layer with one of its results changed."""

    def mistake(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
        results = list(cnnlib.linear_backward(grad_output, x, weight))
        results[place] = change(results[place], grad_output)
        return tuple(results)

    return mistake


def sums(rng: np.random.Generator) -> list[Try]:
    """What comes back and what ReLU was given, zeros among it."""
    shapes = [(2, 3), (3, 5), (2, 3, 4, 5)]
    tries = [
        (rng.integers(1, 9, s) * rng.choice([-1, 1], s), rng.integers(-3, 4, s)) for s in shapes
    ]
    tries[0][1][0] = 0, -2, 1
    return [(grad / 2, x / 2) for grad, x in tries]


def softmax_backward(logits: np.ndarray, target: np.ndarray, axis: int = 1) -> np.ndarray:
    """p − y for each image, the probabilities taken along an axis."""
    return cnnlib.softmax(logits, axis) - np.eye(logits.shape[1])[target]


def overflowing(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The gradient with exponentials of the logits as they are."""
    with np.errstate(all="ignore"):
        powers = np.exp(logits)
        p = powers / powers.sum(axis=1, keepdims=True)
    return (p - np.eye(logits.shape[1])[target]) / len(logits)


def scores(rng: np.random.Generator) -> list[Try]:
    """Logits (N, K), the last of them large, and classes."""
    tries = [(rng.normal(size=(n, k)), rng.integers(0, k, n)) for n, k in [(2, 3), (3, 5), (4, 3)]]
    return [*tries[:2], (1000 * tries[2][0], tries[2][1])]


def silu_slope(x: np.ndarray) -> np.ndarray:
    """The slope of x times its sigmoid."""
    return cnnlib.silu_backward(np.ones_like(x), x)


def gate_slope(x: np.ndarray) -> np.ndarray:
    """The slope of the sigmoid."""
    return cnnlib.sigmoid_backward(np.ones_like(x), x)


def pairs(rng: np.random.Generator) -> list[Try]:
    """Numbers, and what comes back."""
    return [(rng.normal(0, 3, s), rng.normal(size=s)) for s in [(4,), (2, 3), (2, 3, 4, 5)]]


def swapped(grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray) -> tuple:
    """The gradients in the wrong order."""
    grad_x, grad_weight, grad_bias = cnnlib.linear_backward(grad_output, x, weight)
    return grad_weight, grad_bias, grad_x


EXERCISES = {
    "backward-dense-lion": Drawn(another_target),
    "backward-dense-own": Exercise(
        "my_linear_backward",
        cnnlib.linear_backward,
        dense,
        [
            (
                changed(1, lambda it, grad: it / len(grad)),
                "The gradient of the weights is divided by the number of images. Add the images "
                "up: the loss has divided already.",
            ),
            (
                changed(1, lambda it, grad: it.T),
                "The gradient of the weights is turned round: it needs the weights' own shape, "
                "(K, F).",
            ),
            (
                changed(2, lambda it, grad: grad),
                "The bias has a gradient for each image. It is one array for all of them: add "
                "them up.",
            ),
            (
                changed(2, lambda it, grad: grad.sum(axis=1)),
                "You added up the gradients of each image. A bias adds up over the images, along "
                "axis 0.",
            ),
            (
                changed(2, lambda it, grad: it / len(grad)),
                "The gradient of the bias is divided by the number of images. Add the images up: "
                "the loss has divided already.",
            ),
            (swapped, "The order is that of the arguments: x, then weight, then bias."),
            (
                lambda grad_output, x, weight: cnnlib.linear_backward(grad_output, x, weight)[:2],
                "The gradient of the bias is missing.",
            ),
        ],
        [
            "Each gradient has the shape of what it belongs to: (N, F), (K, F) and (K,).",
            "An input hears from its column of the weights; a weight gets its input times the "
            "gradient of its output; a bias gets the gradient itself. Images add up.",
            "`grad_output @ weight`, `grad_output.T @ x` and `grad_output.sum(axis=0)`.",
        ],
    ),
    "backward-dense-own-relu": Exercise(
        "my_relu_backward",
        cnnlib.relu_backward,
        sums,
        [
            (
                lambda grad_output, x: grad_output * (grad_output > 0),
                "You masked by the sign of the gradient. What counts is the sign of x.",
            ),
            (
                lambda grad_output, x: grad_output * (x >= 0),
                "At exactly 0 the gradient is stopped, too: as in PyTorch, only what is above 0 "
                "passes.",
            ),
            (
                lambda grad_output, x: grad_output * np.maximum(x, 0),
                "You multiplied by the output. The slope above 0 is 1, whatever the number is.",
            ),
            (
                lambda grad_output, x: grad_output,
                "The gradient passes everywhere. Where x was not above 0, it has to stop.",
            ),
            (
                lambda grad_output, x: (x > 0).astype(float),
                "That is the slope. Multiply it by `grad_output`.",
            ),
            (
                lambda grad_output, x: grad_output * (x < 0),
                "The mask is turned round: what was above 0 lets the gradient pass.",
            ),
        ],
        [
            "ReLU has the slope 1 where x is above 0, and the slope 0 elsewhere.",
            "`x > 0` is an array of truths, which count as 1 and 0 in a product.",
        ],
    ),
    "backward-dense-own-loss": Exercise(
        "my_cross_entropy_backward",
        lambda logits, target: softmax_backward(logits, target) / len(logits),
        scores,
        [
            (
                softmax_backward,
                "The loss is the mean over the batch: divide by the number of images.",
            ),
            (
                lambda logits, target: -softmax_backward(logits, target) / len(logits),
                "The sign is turned round: the gradient is p − y, not y − p.",
            ),
            (
                lambda logits, target: cnnlib.softmax(logits, 1) / len(logits),
                "Those are the probabilities. Subtract 1 in the place of the right class.",
            ),
            (
                lambda logits, target: softmax_backward(logits, target) / logits.size,
                "You divided by the number of all logits. The mean is one over the images.",
            ),
            (
                lambda logits, target: softmax_backward(logits, target, 0) / len(logits),
                "Your probabilities add up to 1 along the columns. Each image, a row, has its own.",
            ),
            (
                overflowing,
                "With large logits the exponential overflows. Subtract each row's largest logit "
                "first: the probabilities stay the same.",
            ),
        ],
        [
            "For one image the gradient of the logits is p − y: the probabilities, less 1 for the "
            "right class.",
            "`p[np.arange(len(p)), target] -= 1` reaches each row's right class. The mean over the "
            "batch divides everything by N.",
            "Before `np.exp`, subtract `logits.max(axis=1, keepdims=True)`.",
        ],
    ),
    "backward-dense-silu": Exercise(
        "SiLU",
        layer(cnnlib.silu, cnnlib.silu_backward),
        pairs,
        [
            (
                layer(cnnlib.silu, lambda grad, x: grad * cnnlib.sigmoid(x)),
                "One way is missing: the sigmoid is no constant, it moves with x as well.",
            ),
            (
                layer(cnnlib.silu, lambda grad, x: grad * x * gate_slope(x)),
                "One way is missing: x itself moves, and the sigmoid multiplies it.",
            ),
            (
                layer(cnnlib.silu, lambda grad, x: grad * gate_slope(x)),
                "That is the slope of the sigmoid alone. SiLU is a product: use the product rule.",
            ),
            (
                layer(cnnlib.silu, lambda grad, x: silu_slope(x)),
                "`backward` gives the slope alone. Multiply it by `grad_output`.",
            ),
            (
                layer(cnnlib.sigmoid, cnnlib.sigmoid_backward),
                "That layer is the sigmoid. SiLU is x times it.",
            ),
        ],
        [
            "The product rule: the slope of a·b is that of a times b, plus a times that of b.",
            "`s = cnnlib.sigmoid(x)` has the slope `s * (1 - s)`.",
            "The slope is `s + x * s * (1 - s)`; multiply it by `grad_output`.",
        ],
        both_ways,
    ),
}
