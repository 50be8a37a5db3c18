"""Exercises of the chapter "Optimizers and initialization"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def one_more_step(rng: np.random.Generator) -> Any:
    """A question: a step of momentum in the valley of the chapter."""
    from cnnlib.widgets import Question

    place = np.array([rng.integers(10, 50) / 10, rng.integers(-9, 10) / 10])
    velocity = np.array([rng.integers(2, 10) / 10, rng.integers(-20, 21) / 10])
    slope = place * [0.1, 4]

    def step(velocity: np.ndarray, lr: float = 0.3) -> np.ndarray:
        return np.array([slope, velocity, place - lr * velocity])

    right = step(0.8 * velocity + slope)
    return Question(
        "In the valley the gradient is x/10 and 4y. With momentum 0.8 and a learning rate of 0.3, "
        f"a step ended at `{place.tolist()}` with the velocity `{velocity.tolist()}`. What are the "
        "next gradient, velocity and place, a row each?",
        right,
        [
            (step(0.8 * (velocity + slope)), "Only the old velocity fades, not the gradient."),
            (step(velocity + slope), "The old velocity fades: multiply it by the momentum."),
            (step(slope), "The old velocity is missing."),
            (
                step(0.8 * velocity + 0.2 * slope),
                "That is an average. Momentum adds the whole gradient.",
            ),
            (
                step(0.8 * velocity + slope, -0.3),
                "The place goes against the velocity: subtract.",
            ),
        ],
        decimals=3,
        steps=[
            f"The gradient is `{slope.round(3).tolist()}`.",
            f"The velocity is 0.8 times the old one plus the gradient: "
            f"`{right[1].round(4).tolist()}`.",
            f"The place is the old one minus 0.3 times that: `{right[2].round(4).tolist()}`.",
        ],
    )


def rmsprop(
    of_grad: Callable = np.square, kept: float = 0.99, start: float = 0.0, root: bool = True,
    inside: bool = False, fresh: bool = False,
) -> type:  # fmt: skip
    """RMSprop, with what a mistake changes.

    of_grad: what the mean is taken of. kept: the share of the old mean. start: the first mean.
    root: whether it is taken. inside: whether the small number stands inside of it. fresh: whether
    the mean is forgotten between two steps.
    """

    class RMSprop(cnnlib.optimizers.Optimizer):
        def __init__(self, parameters: Any, lr: float = 0.01) -> None:
            super().__init__(parameters, lr, 0.0)

        def update(self, data: np.ndarray, grad: np.ndarray, state: dict) -> None:
            old = np.full_like(data, start) if fresh else state.get("square", start)
            state["square"] = kept * old + (1 - kept) * of_grad(grad)
            square = state["square"] + (1e-8 if inside else 0)
            size = np.sqrt(square) if root else square
            data -= self.lr * grad / (size if inside else size + 1e-8)

    return RMSprop


def steps(written: Callable, starts: list, gradients: list, lr: float) -> Any:
    """Where the parameters stand after a step with each of the gradients."""
    parameters = [cnnlib.Parameter(start.copy()) for start in starts]
    optimizer = written(parameters, lr=lr)
    if not vars(optimizer):
        return None
    for of_all in gradients:
        for parameter, gradient in zip(parameters, of_all, strict=True):
            parameter.grad = gradient.copy()
        optimizer.step()
    return [parameter.data for parameter in parameters]


def walks(rng: np.random.Generator) -> list[Try]:
    """Where parameters start, their gradients in three steps, some of them tiny; a rate."""
    tries: list[Try] = []
    kinds: list[tuple[float, list[tuple[int, ...]]]] = [(0.5, [(3,)]), (0.125, [(2, 3), (2,)])]
    for lr, shapes in kinds:
        starts = [rng.normal(size=shape) for shape in shapes]
        gradients = [[rng.normal(size=shape) for shape in shapes] for _ in range(3)]
        for of_all in gradients:
            of_all[0].flat[0] = 1e-6
        tries.append((starts, gradients, lr))
    return tries


class Uphill(rmsprop()):  # type: ignore[misc]
    """RMSprop that adds its steps."""

    def step(self) -> None:
        """Step as if all gradients had the other sign."""
        for parameter in self.parameters:
            parameter.grad = -parameter.grad
        super().step()


EXERCISES = {
    "optimizers-third-step": Drawn(one_more_step),
    "optimizers-rmsprop": Exercise(
        "RMSprop",
        rmsprop(),
        walks,
        [
            (
                rmsprop(np.abs, root=False),
                "That is the mean of the gradient's size. Keep the mean of its square, and take "
                "the root.",
            ),
            (
                rmsprop(root=False),
                "The root is missing: divide by the root of the mean square.",
            ),
            (
                rmsprop(kept=0.01),
                "The shares are exchanged: 0.99 of the old mean stays, and 0.01 is new.",
            ),
            (
                rmsprop(fresh=True),
                "The mean begins anew in every step. `state` keeps it: "
                '`state.setdefault("square", ...)`, changed in place.',
            ),
            (
                rmsprop(start=1.0),
                "The mean begins at 1. It begins at 0.",
            ),
            (
                rmsprop(inside=True),
                "The 10⁻⁸ stands under the root. Add it to the root.",
            ),
            (Uphill, "That goes uphill: subtract the step."),
        ],
        [
            "Only `__init__` and `update(self, data, grad, state)` are yours. `state` is a "
            "dictionary that belongs to one parameter and is empty at first.",
            '`square = state.setdefault("square", np.zeros_like(data))` is the same array in every '
            "step, as long as you change it with `*=` and `+=`.",
            "`data -= self.lr * grad / (np.sqrt(square) + 1e-8)` changes the parameter in place.",
        ],
        steps,
    ),
}
