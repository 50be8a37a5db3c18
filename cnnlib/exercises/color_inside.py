"""Exercises of the chapter "Inside the color network"."""

from collections.abc import Callable

import numpy as np

from cnnlib.exercises.checking import Exercise, Try


def summed(names: str = "nchw,kc->nkhw", share: float = 1) -> Callable:
    """Maps weighed and added up, with what a mistake changes."""
    return lambda maps, weight: share * np.einsum(names, maps, weight)


def last_maps(rng: np.random.Generator) -> list[Try]:
    """The last maps (N, C, H, W) and the weight of a dense layer, (K, C)."""
    return [
        (rng.integers(0, 9, (n, c, h, w)).astype(float), rng.integers(-4, 5, (k, c)) / 2)
        for n, c, h, w, k in [(2, 3, 2, 4, 5), (1, 4, 3, 2, 2)]
    ]


def nearest(
    measure: Callable = lambda gaps: (gaps**2).sum(axis=2), pick: Callable = np.argmin,
) -> Callable:  # fmt: skip
    """The class of the one at the smallest distance, with what a mistake changes."""

    def nearest_class(points: np.ndarray, others: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return labels[pick(measure(points[:, None] - others[None]), axis=1)]

    return nearest_class


def place(points: np.ndarray, others: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which one is nearest, instead of its class."""
    return ((points[:, None] - others[None]) ** 2).sum(axis=2).argmin(axis=1)


def without_lengths(points: np.ndarray, others: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The largest product, which a long point has with all."""
    return labels[(points @ others.T).argmax(axis=1)]


def among_points(points: np.ndarray, others: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each of the others the nearest point."""
    distances = ((points[:, None] - others[None]) ** 2).sum(axis=2)
    return labels[distances.argmin(axis=0)]


def points(rng: np.random.Generator) -> list[Try]:
    """Points, others and their classes; the mistakes that are checked find another class."""
    return [
        (rng.normal(size=(n, d)), rng.normal(size=(m, d)) * rng.uniform(0.3, 3, (m, 1)),
         10 * rng.permutation(m) + 10)
        for n, m, d in [(6, 5, 3), (4, 9, 2)]
    ]  # fmt: skip


EXERCISES = {
    "color-inside-map": Exercise(
        "class_maps",
        summed(),
        last_maps,
        [
            (
                summed("nchw,kc->nk"),
                "The places are gone: that sums over the whole map. Sum over the channels only.",
            ),
            (
                lambda maps, weight: summed("nchw,kc->nk")(maps, weight) / maps[0, 0].size,
                "Those are the scores, the means of the maps. The maps themselves are asked for.",
            ),
            (
                lambda maps, weight: summed()(maps[:, :1], weight[:, :1]),
                "That is the first channel alone. Each class weighs them all.",
            ),
            (
                summed("nchw,kc->nhw"),
                "The classes are added up as well. Each class has a map of its own.",
            ),
            (
                summed("nchw,kc->knhw"),
                "The maps are right. The order of the axes is image, class, row, column.",
            ),
            (
                lambda maps, weight: np.maximum(summed()(maps, weight), 0),
                "You cut off what is negative. The map keeps what speaks against a class.",
            ),
            (
                lambda maps, weight: summed()(maps, weight) / maps.shape[1],
                "That is a mean over the channels. They are summed.",
            ),
        ],
        [
            "`maps[:, None]` is (N, 1, C, H, W), and `weight[..., None, None]` (K, C, 1, 1).",
            "Or `np.einsum`: name the axes nchw and kc, and leave out the one that is summed.",
        ],
    ),
    "color-inside-neighbors": Exercise(
        "nearest_class",
        nearest(),
        points,
        [
            (place, "That is where the nearest one stands. Its class is `labels` at that place."),
            (nearest(pick=np.argmax), "Those are the farthest. Take the smallest distance."),
            (
                without_lengths,
                "A product is largest with a long vector, near or far. Take the distance.",
            ),
            (
                nearest(lambda gaps: np.abs(gaps).sum(axis=2)),
                "You add up the absolute differences. A straight line is the root of the sum of "
                "their squares.",
            ),
            (
                nearest(lambda gaps: gaps.sum(axis=2) ** 2),
                "Square the differences first, and add them up then.",
            ),
            (
                nearest(lambda gaps: np.abs(gaps).max(axis=2)),
                "You take the largest difference of each pair. Add up the squares of all.",
            ),
            (among_points, "That is the nearest point for each of the others: the other axis."),
        ],
        [
            "`points[:, None] - others[None]` has all differences, (N, M, D).",
            "`argmin(axis=1)` gives for each point the place of its smallest distance; the root "
            "changes nothing about which that is.",
        ],
    ),
}
