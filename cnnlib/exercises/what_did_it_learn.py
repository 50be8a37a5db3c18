"""Exercises of the chapter "What did it learn?"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try, both_ways, layer


def drops(rng: np.random.Generator) -> Any:
    """A question: by how much a score falls when each pixel is covered."""
    from cnnlib.widgets import Question

    x = rng.permutation([0, 0.25, 0.5, 0.75, 1])[:4]
    w = rng.permutation([-4, -3, -2, 2, 3, 4])[:4]
    fill = float(rng.choice([0.25, 0.5, 1]))
    right = (w * (x - fill))[None] + 0
    return Question(
        f"The pixels `{x.tolist()}` and the weights `{w.tolist()}` make a score. Each pixel is "
        f"covered with {fill:g}, one at a time. By how much does the score drop?",
        right,
        [
            ((w * x)[None], "That is the drop when a pixel is covered with 0."),
            (-right, "A drop is the score before, less the score after."),
            ((w * fill)[None], "That is what the pixel adds once it is covered."),
            ((x - fill)[None], "Multiply by the weight: it is the score that drops."),
        ],
        steps=[
            f"A pixel x that becomes {fill:g} changes its product by its weight times ({fill:g} − "
            "x), and the drop is the opposite.",
            f"The drops are w·(x − {fill:g}): `{right[0].tolist()}`.",
        ],
    )


def relu(x: np.ndarray) -> np.ndarray:
    """The numbers above 0, and 0 for the others."""
    return np.maximum(x, 0)


def numbers(rng: np.random.Generator) -> list[Try]:
    """What ReLU is given, and what comes back: all four pairs of signs."""
    tries = [(rng.normal(size=s), rng.normal(size=s)) for s in [(4,), (3, 4), (2, 3, 4, 5)]]
    tries[0][0][:], tries[0][1][:] = (1, 2, -1, -2), (3, -4, 5, -6)
    return list(tries)


EXERCISES = {
    "what_did_it_learn-by-hand": Drawn(drops),
    "what_did_it_learn-guided": Exercise(
        "GuidedReLU",
        layer(relu, lambda grad, x: grad * (x > 0) * (grad > 0)),
        numbers,
        [
            (
                layer(relu, lambda grad, x: grad * (x > 0)),
                "That is ReLU's own backward. The guided one also drops negative gradients.",
            ),
            (
                layer(relu, lambda grad, x: grad * (grad > 0)),
                "You only drop negative gradients. Where x was not above 0, ReLU still stops them.",
            ),
            (
                layer(relu, lambda grad, x: grad * (x > 0) * (grad < 0)),
                "You drop the positive gradients. It is the negative ones that go.",
            ),
            (
                layer(relu, lambda grad, x: np.abs(grad) * (x > 0)),
                "You turn negative gradients round. They become 0.",
            ),
            (
                layer(relu, lambda grad, x: grad * ((x > 0) | (grad > 0))),
                "A gradient passes where x or the gradient is above 0. Both have to be.",
            ),
        ],
        [
            "`class GuidedReLU(cnnlib.ReLU)` has everything but a `backward` of its own.",
            "`np.maximum(grad_output, 0)` drops the negative ones; `super().backward(...)` does "
            "what ReLU does.",
        ],
        both_ways,
    ),
}
