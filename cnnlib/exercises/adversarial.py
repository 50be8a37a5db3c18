"""Exercises of the chapter "Fooled on purpose"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try, products


def one_step(rng: np.random.Generator) -> Any:
    """A question: how low a step brings a linear score, where two pixels stop at 0 or 1."""
    from cnnlib.widgets import Question

    w = rng.permutation([-3, -2, 2, 3])
    x = np.where(w > 0, [0.1, 0.6, 0.7, 0.8], [0.3, 0.2, 0.95, 0.4])
    epsilon = float(rng.choice([0.2, 0.3]))
    free = x - epsilon * np.sign(w)
    moved = np.clip(free, 0, 1).round(2)
    up = np.clip(x + epsilon * np.sign(w), 0, 1)
    return Question(
        f"The pixels `{x.tolist()}` and the weights `{w.tolist()}` make a score. Each pixel may "
        f"move by {epsilon:g} and must stay between 0 and 1. How low can the score be brought?",
        float(w @ moved),
        [
            (float(w @ free), "A pixel has left the range. Cut to 0 and 1."),
            (float(w @ up), "That is how high it can be brought. Go against the signs."),
            (float(w @ (x - epsilon)), "A pixel with a negative weight goes up."),
            (float(w @ (x - epsilon * w)), "Every pixel moves as far: by ε, not by ε times w."),
            (float(w @ x), "That is the score before the step."),
        ],
        steps=[
            f"Against the signs of the weights, and cut: `{moved.tolist()}`.",
            f"{products(moved, w)} = {w @ moved:.2f}.",
        ],
    )


def project(moved: np.ndarray, x: np.ndarray, epsilon: float) -> np.ndarray:
    """The nearest picture to `moved` whose pixels are no further than epsilon from those of x."""
    return np.clip(moved, np.maximum(x - epsilon, 0), np.minimum(x + epsilon, 1))


def pictures(rng: np.random.Generator) -> list[Try]:
    """What steps have led to, where they began, and epsilon; every limit is met."""
    tries: list[Try] = [
        (np.array([0.9, 0.3, -0.2, 1.3, 0.55]), np.array([0.5, 0.6, 0.1, 0.9, 0.5]), 0.25)
    ]
    for shape in ((3, 4), (2, 1, 4, 5)):
        x = rng.uniform(size=shape)
        tries.append((x + rng.normal(0, 0.4, shape), x, float(rng.uniform(0.1, 0.3))))
    return tries


EXERCISES = {
    "adversarial-by-hand": Drawn(one_step),
    "adversarial-project": Exercise(
        "project",
        project,
        pictures,
        [
            (
                lambda moved, x, epsilon: np.clip(moved, x - epsilon, x + epsilon),
                "That is near enough to x, but a pixel may have left the range from 0 to 1.",
            ),
            (
                lambda moved, x, epsilon: np.clip(moved, 0, 1),
                "That is a picture, but it may lie too far from x.",
            ),
            (
                lambda moved, x, epsilon: np.clip(x + epsilon * np.sign(moved - x), 0, 1),
                "Each pixel is put at the rim. One that is near enough to x stays where it is.",
            ),
            (
                lambda moved, x, epsilon: np.clip(np.clip(moved, -epsilon, epsilon), 0, 1),
                "The box lies around x, not around 0.",
            ),
            (
                lambda moved, x, epsilon: (
                    x + (moved - x) * min(1, epsilon / np.abs(moved - x).max())
                ),
                "All pixels are scaled together. In this box each one has its own limit.",
            ),
        ],
        [
            "`np.clip(moved, low, high)` takes arrays, too: a limit for each pixel.",
            "The lower limit is `np.maximum(x - epsilon, 0)`.",
        ],
    ),
}
