"""Exercises of the chapter "From LeNet to ResNet"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def first_dense_layer(rng: np.random.Generator) -> Any:
    """A question: the parameters of a dense layer behind maps, or behind their averages."""
    from cnnlib.widgets import Question

    maps, side = int(rng.choice([64, 128, 256])), int(rng.integers(4, 9))
    outputs, averaged = int(rng.choice([10, 100, 500])), bool(rng.integers(0, 2))
    inputs, other = (maps, maps * side**2) if averaged else (maps * side**2, maps)
    behind = "the average of each of" if averaged else "the flattened numbers of"
    return Question(
        f"A dense layer with {outputs} outputs reads {behind} {maps} maps of {side}×{side}. How "
        "many parameters has it?",
        inputs * outputs + outputs,
        [
            (inputs * outputs, "Each output has a bias, too."),
            (other * outputs + outputs, f"It reads {inputs:,} numbers: {behind} the maps."),
            (inputs * outputs + inputs, "The biases belong to the outputs, not to the inputs."),
            (maps * side * outputs + outputs, "A map has as many numbers as rows times columns."),
        ],
        steps=[
            f"Each output reads {inputs:,} numbers and has a bias: {inputs + 1:,} parameters.",
            f"{outputs}·{inputs + 1:,} = {inputs * outputs + outputs:,}.",
        ],
    )


def stochastic(
    share: Callable = lambda kept, p: kept / (1 - p), keeps: Callable = lambda draw, p: draw >= p,
    tested: Callable = lambda p: 1.0, shortcut: bool = True, back: bool = True,
    whole: bool = False,
) -> type:  # fmt: skip
    """A residual block that is skipped at random, with what a mistake changes.

    share(kept, p): what the body is multiplied by in training. keeps(draw, p): whether it is kept.
    tested(p): what it is multiplied by in evaluation. shortcut: whether the gradient passes it.
    back: whether the gradient knows of the draw. whole: whether the shortcut is skipped as well.
    """

    class StochasticDepth(cnnlib.Residual):
        def __init__(self, body: cnnlib.Layer, p: float, rng: np.random.Generator) -> None:
            super().__init__(body)
            self.p, self.rng = p, rng

        def forward(self, x: np.ndarray) -> np.ndarray:
            self.part = tested(self.p)
            if self.training:
                self.part = share(keeps(self.rng.random(), self.p), self.p)
            self.pass_on = 0.0 if whole and not self.part else 1.0
            return self.pass_on * x + self.part * self.body(x)

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            inside = (self.part if back else 1.0) * self.body.backward(grad_output)
            return inside + (self.pass_on * grad_output if shortcut else 0)

    return StochasticDepth


def many_draws(
    written: Callable, p: float, x: np.ndarray, grad_output: np.ndarray
) -> dict[str, Any] | None:
    """What the block around a tanh gives when it is skipped, when it is kept, and in evaluation."""
    block = written(cnnlib.Tanh(), p, np.random.default_rng(0))
    found: dict[str, Any] = {}
    skipped = 0
    for _ in range(100):
        y = block.forward(x)
        if y is None:
            return None
        is_skipped = not (np.abs(y) > np.abs(x) * 1.001).any()
        skipped += is_skipped
        name = "skipped" if is_skipped else "kept"
        if f"{name}, output" not in found:
            found[f"{name}, output"] = y
            found[f"{name}, gradient"] = block.backward(grad_output)
    block.training = block.body.training = False
    found["skipped about as often as p says"] = abs(skipped / 100 - p) < 0.2
    found["in evaluation, output"] = block.forward(x)
    found["in evaluation, gradient"] = block.backward(grad_output)
    return found


def inputs(rng: np.random.Generator) -> list[Try]:
    """Probabilities, numbers and what comes back."""
    tries: list[Try] = [
        (p, rng.normal(size=s), rng.normal(size=s)) for p, s in [(0.2, (2,)), (0.7, (2, 3))]
    ]
    return tries


EXERCISES = {
    "architectures-vgg": Drawn(first_dense_layer),
    "architectures-stochastic-depth": Exercise(
        "StochasticDepth",
        stochastic(),
        inputs,
        [
            (
                stochastic(share=lambda kept, p: float(kept)),
                "A body that is kept is not divided by 1 − p. Without that, evaluation would see "
                "more of it than training.",
            ),
            (
                stochastic(keeps=lambda draw, p: draw < p),
                "The probabilities are exchanged: p is the one of being skipped.",
            ),
            (
                stochastic(share=lambda kept, p: kept / p),
                "You divided by p. The body is kept with probability 1 − p: divide by that.",
            ),
            (
                stochastic(share=lambda kept, p: float(kept), tested=lambda p: 1 - p),
                "You scale in evaluation. Divide in training instead, so that evaluation needs no "
                "change.",
            ),
            (
                stochastic(tested=lambda p: 1 / (1 - p)),
                "In evaluation the body is still divided by 1 − p. There it counts as it is.",
            ),
            (
                stochastic(whole=True),
                "When the body is skipped, the shortcut is skipped, too. It always passes.",
            ),
            (
                stochastic(shortcut=False),
                "`backward` forgets the shortcut: what comes in passes it as it is.",
            ),
            (
                stochastic(back=False),
                "`backward` does not know what was drawn. The body's gradient is multiplied by "
                "what its output was.",
            ),
        ],
        [
            "In training `keep = self.rng.random() >= self.p` draws once for the whole block.",
            "The body counts `keep / (1 - self.p)` in training, and 1 in evaluation. Keep that "
            "number for `backward`.",
            "`backward` gives `grad_output` plus what the body's `backward` makes of "
            "`grad_output` times that number; when the body was not called, `grad_output` alone.",
        ],
        many_draws,
    ),
}
