"""Exercises of the chapter "One whole step"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def by_hand(rng: np.random.Generator) -> Any:
    """A question: three biases after a step, and so three logits."""
    from cnnlib.widgets import Question

    first, second = (int(n) / 20 for n in rng.integers(1, 9, 2))
    p = np.array([first, second, round(1 - first - second, 2)])
    logits = rng.integers(-9, 30, 3) / 10
    target, lr = int(rng.integers(0, 3)), float(rng.choice([0.1, 0.5, 2]))
    g = p - np.eye(3)[target]
    right = (logits - lr * g)[None]
    return Question(
        f"The logits of a network are `{logits.tolist()}`. The gradients of their three biases are "
        f"`{g.round(2).tolist()}`. Only these biases take a step, with a learning rate of {lr:g}. "
        "What are the logits then?",
        right,
        [
            ((logits + lr * g)[None], "That goes uphill: the step is subtracted."),
            ((logits - g)[None], "The learning rate is missing."),
            ((-lr * g)[None], "That is how far they move. Add it to the logits."),
            ((logits - lr)[None], "Multiply the learning rate by the gradients."),
        ],
        steps=[
            "A logit moves by just as much as its bias: by minus the learning rate times the "
            "gradient.",
            f"`{logits.tolist()}` − {lr:g}·`{g.round(2).tolist()}` = "
            f"`{right[0].round(3).tolist()}`.",
        ],
    )


def moved(by: Callable) -> Callable:
    """A step that moves each array by what `by(gradient, lr)` says."""

    def step(parameters: list, gradients: list, lr: float) -> list:
        return [p + by(g, lr) for p, g in zip(parameters, gradients, strict=True)]

    return step


def arrays(rng: np.random.Generator) -> list[Try]:
    """Arrays of several shapes, their gradients and a learning rate."""
    tries: list[Try] = []
    kinds: list[tuple[float, list[tuple[int, ...]]]]
    kinds = [(0.5, [(3,)]), (0.25, [(2, 3), (2,), (4, 2, 1, 3)])]
    for lr, shapes in kinds:
        parameters = [rng.integers(-9, 10, shape) / 2 for shape in shapes]
        gradients = [rng.integers(-9, 10, shape) / 4 for shape in shapes]
        tries.append((parameters, gradients, lr))
    return tries


def sign_step(
    by: Callable = np.sign, forget: bool = True, after: bool = False
) -> Callable:  # fmt: skip
    """A step of all parameters by the learning rate times `by(gradient)`.

    forget: begin with `zero_grad`. after: give the loss after the step.
    """

    def step(network: cnnlib.Layer, x: np.ndarray, target: np.ndarray, lr: float) -> Any:
        criterion = cnnlib.CrossEntropyLoss()
        if forget:
            network.zero_grad()
        loss = criterion(network(x), target)
        network.backward(criterion.backward())
        for parameter in network.parameters():
            parameter.data -= lr * by(parameter.grad)
        return criterion(network(x), target) if after else loss

    return step


def two_steps(written: Callable, x: np.ndarray, target: np.ndarray, lr: float) -> Any:
    """The losses of two steps of a dense layer, and its weights and biases after them."""
    rng = np.random.default_rng(1)
    network = cnnlib.Sequential(cnnlib.Linear(x.shape[1], 3, rng=rng, dtype=np.float64))
    losses = [written(network, x, target, lr) for _ in range(2)]
    if losses[0] is None:
        return None
    return [float(loss) for loss in losses], *(parameter.data for parameter in network.parameters())


def batches(rng: np.random.Generator) -> list[Try]:
    """Inputs (N, F) with a column of zeros, whose weights have no gradient; classes; a rate."""
    tries = [(rng.normal(size=(n, f)), rng.integers(0, 3, n), 0.5) for n, f in [(2, 4), (5, 3)]]
    for x, _, _ in tries:
        x[:, 1] = 0
    return [(x, target, lr) for x, target, lr in tries]


EXERCISES = {
    "one-step-by-hand": Drawn(by_hand),
    "one-step-own": Exercise(
        "my_sgd",
        moved(lambda g, lr: -lr * g),
        arrays,
        [
            (
                moved(lambda g, lr: lr * g),
                "That goes uphill. The gradient points to where the loss grows: subtract.",
            ),
            (
                moved(lambda g, lr: -g),
                "The learning rate is missing: the step is `lr` times the gradient.",
            ),
            (
                moved(lambda g, lr: -lr * np.sign(g)),
                "Every number moves by the same amount. In SGD a steeper slope takes a larger "
                "step.",
            ),
            (
                lambda parameters, gradients, lr: [-lr * g for g in gradients],
                "Those are the steps. Give back where the parameters stand after them.",
            ),
            (
                moved(lambda g, lr: -lr),
                "The gradients are not used: multiply each by the learning rate.",
            ),
            (
                lambda parameters, gradients, lr: [parameters[0] - lr * gradients[0]],
                "Only the first array has moved. Go through all of them.",
            ),
        ],
        [
            "`zip(parameters, gradients)` goes through both lists at once.",
            "Each new array is `parameter - lr * gradient`. With `-=` you would change the one "
            "that was given.",
        ],
    ),
    "one-step-sign": Exercise(
        "sign_step",
        sign_step(),
        batches,
        [
            (
                sign_step(lambda grad: grad),
                "That is a step of SGD: a steeper slope moves further. Use the sign alone.",
            ),
            (
                sign_step(lambda grad: -np.sign(grad)),
                "That goes uphill: subtract the sign.",
            ),
            (
                sign_step(forget=False),
                "The gradients of the step before are still there, and add up. Begin with "
                "`network.zero_grad()`.",
            ),
            (
                sign_step(after=True),
                "You give the loss after the step. Give the one before, as `step` does.",
            ),
            (
                sign_step(lambda grad: np.where(grad > 0, 1, -1)),
                "A gradient of exactly 0 has no sign, and its number stays. `np.sign` gives 0 "
                "there.",
            ),
            (
                sign_step(lambda grad: grad / np.abs(grad).max()),
                "You divided by the largest gradient. Only the signs count: 1, −1 or 0.",
            ),
        ],
        [
            "It is the `step` of the chapter with one change in its last loop.",
            "`np.sign(p.grad)` is 1, −1 or 0.",
        ],
        two_steps,
    ),
}
