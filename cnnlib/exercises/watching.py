"""Exercises of the chapter "What to watch while it trains"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def clipped_by_hand(rng: np.random.Generator) -> Any:
    """A question: what is left of a gradient of three numbers."""
    from cnnlib.widgets import Question

    numbers, length = [([2, 3, 6], 7), ([1, 4, 8], 9), ([2, 6, 9], 11), ([4, 4, 7], 9)][
        rng.integers(4)
    ]
    gradient = (rng.permutation(numbers) * rng.choice([-1, 1], 3))[None]
    limit = length / int(rng.choice([2, 4, 5]))
    right = gradient * limit / length
    return Question(
        f"The gradient is `{gradient[0].tolist()}`, and it is clipped to the length {limit:g}. "
        "What is left of it?",
        right,
        [
            (
                gradient.clip(-limit, limit),
                "That clips each number alone, and turns the direction.",
            ),
            (gradient / length, "That has the length 1. Multiply by the limit."),
            (gradient / limit, "The factor is the limit divided by the length."),
            (
                gradient * limit / np.abs(gradient).sum(),
                "The length is the root of the sum of squares, not the sum of sizes.",
            ),
        ],
        decimals=2,
        steps=[
            f"The sum of the squares is {length**2}, so the length is {length}.",
            f"The factor is {limit:g}/{length} = {limit / length:g}, which gives "
            f"`{right[0].round(2).tolist()}`.",
        ],
    )


def length_of(grads: list[np.ndarray]) -> float:
    """The length of several arrays together."""
    return float(np.sqrt(square_of(grads)))


def square_of(grads: list[np.ndarray]) -> float:
    """The square of it."""
    return float(sum(np.square(array).sum() for array in grads))


def clip(
    length: Callable = length_of,
    apart: bool = False, always: bool = False, turned: bool = False,
) -> Callable:  # fmt: skip
    """Clipping, with what a mistake changes.

    length: of all gradients together. apart: whether each array is clipped alone. always: whether
    short ones are made longer. turned: whether the limit is divided by.
    """

    def clipped(grads: list[np.ndarray], limit: float) -> list[np.ndarray]:
        made = []
        for grad in grads:
            size = length([grad] if apart else grads)
            factor = size / limit if turned else limit / size
            made.append(grad * (factor if always else min(1, factor)))
        return made

    return clipped


def by_number(grads: list[np.ndarray], limit: float) -> list[np.ndarray]:
    """Each number clipped alone."""
    return [grad.clip(-limit, limit) for grad in grads]


def gradients(rng: np.random.Generator) -> list[Try]:
    """Gradients of several arrays, longer and shorter than the limit."""
    return [
        ([np.array([3.0, -4]), np.array([[12.0]])], 6.5),
        ([rng.normal(size=(2, 3)), rng.normal(size=4)], 1.5),
        ([rng.normal(size=3), rng.normal(size=(2, 2))], 50.0),
    ]


def dead_channels(
    alive: Callable = lambda maps: (maps > 0).any(axis=(0, 2, 3)), of: Callable = np.sum
) -> Callable:
    """A count of dead channels, with what a mistake changes: what is alive, and what is told."""
    return lambda maps: int(of(~alive(maps)))


def maps(rng: np.random.Generator) -> list[Try]:
    """Maps after a ReLU, with dead channels and with some that one image alone wakes."""
    tries: list[Try] = []
    for shape, dead, rare in (((4, 3, 2, 3), [1], 2), ((5, 6, 3, 2), [0, 4], 3)):
        one = np.maximum(rng.normal(size=shape), 0)
        one[:, dead] = 0
        one[1:, rare] = 0
        one[0, rare] = 1
        one[0, 5 - 3 * (shape[1] == 3)] = 0.5
        tries.append((one,))
    return tries


def warm_up(first: int = 1, beyond: bool = True, base: bool = True, every: bool = True) -> type:
    """A schedule, with what a mistake changes.

    first: the numerator before the first step. beyond: whether it stays at its full rate. base:
    whether it starts from the optimizer's rate. every: whether it steps after each batch.
    """

    class WarmUp(cnnlib.optimizers.Schedule):
        every_batch = every

        def __init__(self, optimizer: Any, total: int) -> None:
            self.total = total
            super().__init__(optimizer)

        def set(self) -> None:
            part = (self.steps + first) / self.total
            rate = self.base_lr if base else self.optimizer.lr
            self.optimizer.lr = rate * (min(1, part) if beyond else part)

    return WarmUp


def rates(written: Callable, lr: float, total: int, steps: int) -> Any:
    """The rate of each step, and after which steps `fit` moves it on."""
    optimizer = cnnlib.SGD([cnnlib.Parameter(np.zeros(1))], lr)
    schedule: Any = written(optimizer, total)
    if not hasattr(schedule, "optimizer"):
        return None
    found = []
    for _ in range(steps):
        found.append(float(optimizer.lr))
        schedule.step()
    return {"rates": np.array(found), "after every batch": bool(schedule.every_batch)}


def schedules(rng: np.random.Generator) -> list[Try]:
    """Rates, steps of the warm-up and steps in all."""
    return [(0.5, 4, 7), (0.12, 3, 6)]


EXERCISES = {
    "watching-clip": Drawn(clipped_by_hand),
    "watching-own-clip": Exercise(
        "my_clip",
        clip(),
        gradients,
        [
            (
                clip(apart=True),
                "Each array is clipped alone, and that turns the direction. The length is that of "
                "all arrays together.",
            ),
            (
                clip(always=True),
                "A short gradient has become longer. It stays as it is: the factor is at most 1.",
            ),
            (
                clip(square_of),
                "The root is missing: that is the square of the length.",
            ),
            (clip(turned=True), "The factor is the limit divided by the length."),
            (
                by_number,
                "That clips each number alone, and turns the direction. Shrink all by one factor.",
            ),
        ],
        [
            "First the sum of the squares of all numbers in all arrays; its root is the length.",
            "The factor is `min(1, limit / length)`, one for all arrays.",
            "Multiply each array by it: `[grad * factor for grad in grads]` is the result.",
        ],
    ),
    "watching-dead": Exercise(
        "dead_channels",
        dead_channels(),
        maps,
        [
            (
                dead_channels(lambda maps: (maps > 0).all(axis=(0, 2, 3))),
                "You counted channels that are 0 somewhere. Dead is one that is 0 everywhere.",
            ),
            (
                dead_channels(lambda maps: (maps > 0).any(axis=0)),
                "You counted places. A channel has one filter, and it is alive when one of its "
                "places is.",
            ),
            (
                dead_channels(lambda maps: (maps > 0).any(axis=(2, 3))),
                "You counted channels of single images. Dead is one that is 0 for all images.",
            ),
            (
                lambda maps: int((maps > 0).any(axis=(0, 2, 3)).sum()),
                "That is how many are alive.",
            ),
        ],
        [
            "The channel is axis 1. Look over all images and places: axes 0, 2 and 3.",
            "`(maps == 0).all(axis=(0, 2, 3))` has one answer for each channel.",
            "Sum the answers, and make an `int` of the sum.",
        ],
    ),
    "watching-warm-up": Exercise(
        "WarmUp",
        warm_up(),
        schedules,
        [
            (
                warm_up(first=0),
                "The first step has a rate of 0, and is lost. It should have 1/total of the rate.",
            ),
            (
                warm_up(beyond=False),
                "The rate goes on rising after the warm-up. It stays at its full value.",
            ),
            (
                warm_up(base=False),
                "You multiplied the rate of now, which has been multiplied before. `self.base_lr` "
                "is the full rate.",
            ),
            (
                warm_up(every=False),
                "It moves on after each epoch. `every_batch = True` makes `fit` call it after each "
                "batch.",
            ),
        ],
        [
            "`Schedule.__init__` keeps the full rate as `self.base_lr`, and calls `self.set()` at "
            "once: set `self.total` before it.",
            "`set` is called with `self.steps` = 0 before the first step, 1 before the second.",
            "The rate is `self.base_lr * min(1, (self.steps + 1) / self.total)`.",
        ],
        rates,
    ),
}
