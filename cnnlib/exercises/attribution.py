"""Exercises of the chapter "Where does it look?"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def walk(rng: np.random.Generator) -> Any:
    """A question: the integrated gradient of one factor of a product."""
    from cnnlib.widgets import Question

    start = rng.integers(0, 4, 2)
    end = start + rng.integers(1, 5, 2)
    (a, b), (c, d) = start.tolist(), end.tolist()
    mean = (b + d) / 2
    answer = (c - a) * mean
    return Question(
        f"f(a, b) = a·b. The baseline is a = {a}, b = {b}; asked is a = {c}, b = {d}. What is the "
        "integrated gradient of a?",
        answer,
        [
            ((c - a) * d, "That is with the slope at the end. Take its mean over the way."),
            (c * mean, "Multiply by how far a has gone from the baseline."),
            (mean, "That is the mean slope. Multiply by how far a has gone."),
            ((d - b) * (a + c) / 2, "That is the share of b."),
            (c * d - a * b, "That is the gain of f. a and b share it."),
        ],
        steps=[
            f"The slope for a is b. On the way it grows from {b} to {d}, {mean:g} on average.",
            f"a goes from {a} to {c}: {mean:g}·{c - a} = {answer:g}.",
        ],
    )


def cam(maps: np.ndarray, weight: np.ndarray, k: int) -> np.ndarray:
    """The maps (C, H, W), each times its weight for class k, added up."""
    return (weight[k][:, None, None] * maps).sum(axis=0)


def maps_and_weights(rng: np.random.Generator) -> list[Try]:
    """Maps (C, H, W), weights (K, C) and a class."""
    sizes = [(2, 2, 3, 3), (3, 4, 2, 4), (5, 3, 4, 6)]
    return [
        (rng.integers(0, 5, (c, h, w)).astype(float), rng.integers(-3, 4, (n, c)).astype(float), 1)
        for c, h, w, n in sizes
    ]


def path(x: np.ndarray, baseline: np.ndarray, steps: int) -> np.ndarray:
    """The middles of equal parts of the way from the baseline to x."""
    return between(x, baseline, (np.arange(steps) + 0.5) / steps)


def between(x: np.ndarray, baseline: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """What lies on the way after each of these parts of it."""
    return np.stack([baseline + part * (x - baseline) for part in parts])


def ends(rng: np.random.Generator) -> list[Try]:
    """An image, its baseline, and a number of steps."""
    sizes: list[tuple[tuple[int, ...], int]] = [((2,), 2), ((3,), 4), ((2, 3), 5)]
    return [
        (rng.integers(0, 9, shape) / 2, rng.integers(0, 9, shape) / 2 + 0.25, steps)
        for shape, steps in sizes
    ]


EXERCISES = {
    "attribution-by-hand": Drawn(walk),
    "attribution-cam": Exercise(
        "cam",
        cam,
        maps_and_weights,
        [
            (
                lambda maps, weight, k: cam(maps, weight, k) / maps[0].size,
                "That is each place's share in the score. CAM itself is not divided.",
            ),
            (
                lambda maps, weight, k: np.maximum(cam(maps, weight, k), 0),
                "CAM keeps what is negative: it speaks against the class.",
            ),
            (
                lambda maps, weight, k: cam(maps, weight, 0),
                "Those are the weights of class 0. Take those of class k.",
            ),
            (
                lambda maps, weight, k: maps.sum(axis=0),
                "Each map is multiplied by its weight first.",
            ),
            (
                lambda maps, weight, k: weight[k] @ maps.mean(axis=(1, 2)),
                "That is the score, one number. Leave the mean over the places out.",
            ),
        ],
        [
            "`weight[k]` has a weight for each map. `weight[k][:, None, None]` fits the maps.",
            "Multiply, and add up over the axis of the maps, 0.",
        ],
    ),
    "attribution-path": Exercise(
        "path",
        path,
        ends,
        [
            (
                lambda x, baseline, steps: between(x, baseline, np.linspace(0, 1, steps)),
                "That begins at the baseline and ends at x. Take the middles of the parts.",
            ),
            (
                lambda x, baseline, steps: between(x, baseline, np.arange(steps) / steps),
                "Those are the beginnings of the parts. Take their middles.",
            ),
            (
                lambda x, baseline, steps: between(x, baseline, (np.arange(steps) + 1) / steps),
                "Those are the ends of the parts. Take their middles.",
            ),
            (
                lambda x, baseline, steps: path(x, baseline, steps)[::-1],
                "That goes from x to the baseline. Begin at the baseline.",
            ),
            (
                lambda x, baseline, steps: path(x, 0 * baseline, steps),
                "That begins at 0. Begin at the baseline.",
            ),
        ],
        [
            "Of `steps` parts, number n has its middle at `(n + 0.5) / steps`.",
            "On the way, after a part of it: `baseline + part * (x - baseline)`. `np.stack` puts "
            "them into one array.",
        ],
    ),
}
