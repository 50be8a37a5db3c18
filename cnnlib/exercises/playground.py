"""Exercises of the chapter "Build and train your own"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Exercise, Try

Layers = list[dict[str, Any]]


def spread(accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lowest, the mean and the highest of the seeds, for each epoch."""
    return accuracies.min(axis=0), accuracies.mean(axis=0), accuracies.max(axis=0)


def of_each_seed(accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same along the other axis."""
    return spread(accuracies.T)


def of_all(accuracies: np.ndarray) -> tuple[float, float, float]:
    """One of each, for all numbers together."""
    return accuracies.min(), accuracies.mean(), accuracies.max()


def by_deviation(accuracies: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean, and a standard deviation below and above it."""
    mean, deviation = accuracies.mean(axis=0), accuracies.std(axis=0)
    return mean - deviation, mean, mean + deviation


def trainings(rng: np.random.Generator) -> list[Try]:
    """Accuracies of 2 to 5 seeds in 3 to 6 epochs."""
    return [(np.round(rng.random(shape), 2),) for shape in ((2, 3), (5, 4), (3, 6))]


def dead_share(x: np.ndarray) -> float:
    """The share of the maps that are above 0 nowhere in any image."""
    return float(np.mean((x <= 0).all(axis=(0, 2, 3))))


def inputs(rng: np.random.Generator) -> list[Try]:
    """What comes into a ReLU: some maps are dead, and some are so in most images only."""
    tries: list[Try] = []
    for shape, dead in (((2, 3, 2, 4), 1), ((4, 8, 3, 2), 3), ((3, 5, 4, 3), 0)):
        x = np.round(rng.normal(size=shape), 2)
        x[:, :dead] = -np.abs(x[:, :dead])
        x[1:, -1] = -np.abs(x[1:, -1])
        x[0, -1, 0, 0] = 0.5
        tries.append((x,))
    return tries


def builder(padding: bool = True, relu: bool = True, first: bool = False) -> Callable:
    """A function that builds a network, with what a mistake changes.

    padding: whether it is heeded. relu: whether it is built. first: whether all convolutions have
    as many filters as the first one.
    """

    def build_network(layers: Layers, shape: tuple[int, ...]) -> cnnlib.Sequential:
        made: list[cnnlib.Layer] = []
        x = np.zeros((1, *shape), np.float32)
        filters = next(one["out_channels"] for one in layers if one["kind"] == "Conv2d")
        for layer in layers:
            kind, numbers = layer["kind"], {k: v for k, v in layer.items() if k != "kind"}
            if kind == "Conv2d":
                numbers["in_channels"] = x.shape[1]
                numbers["padding"] = numbers["padding"] if padding else 0
                numbers["out_channels"] = filters if first else numbers["out_channels"]
            if kind == "Linear":
                numbers["in_features"] = x.shape[1]
            if kind == "ReLU" and not relu:
                continue
            made.append(getattr(cnnlib, kind)(**numbers))
            x = made[-1](x)
        return cnnlib.Sequential(*made)

    return build_network


def what_was_built(written: Callable, layers: Layers, shape: tuple[int, ...]) -> Any:
    """The layers of a network by name, what each gives, and its parameters."""
    network = written(layers, shape)
    if network is None:
        return None
    rows = cnnlib.summary(network, shape)
    return {
        "layers": [row.kind for row in rows],
        "they give": [row.output_shape for row in rows],
        "parameters": [row.parameters for row in rows],
    }


def stacks(rng: np.random.Generator) -> list[Try]:
    """Layers and the shape of an image: two convolutions or three, padded, with dense layers."""
    tries: list[Try] = []
    for shape, channels in (((1, 14, 12), (2, 3)), ((3, 16, 13), (4, 6)), ((2, 20, 22), (3, 5, 4))):
        layers: Layers = []
        for n, count in enumerate(channels):
            layers.append({"kind": "Conv2d", "out_channels": count, "kernel_size": 3, "padding": 1})
            layers += [{"kind": "ReLU"}] + [{"kind": "MaxPool2d", "kernel_size": 2}] * (n < 2)
        outputs = int(rng.integers(3, 9))
        layers += [{"kind": "Flatten"}, {"kind": "Linear", "out_features": outputs}]
        tries.append((layers, shape))
    return tries


EXERCISES = {
    "playground-spread": Exercise(
        "spread",
        spread,
        trainings,
        [
            (of_each_seed, "That is one number per seed. Ask for one per epoch: `axis=0`."),
            (of_all, "All epochs are mixed. Compare the seeds epoch by epoch."),
            (
                by_deviation,
                "Those are the mean and a standard deviation to each side. The lowest and the "
                "highest are asked for.",
            ),
        ],
        [
            "Rows are seeds, columns are epochs.",
            "`accuracies.min(axis=0)` has the lowest of each column.",
        ],
    ),
    "playground-dead": Exercise(
        "dead_share",
        dead_share,
        inputs,
        [
            (
                lambda x: float(np.mean(x <= 0)),
                "That is the share of all numbers that are not above 0. A map is dead when all of "
                "its numbers are so, in all images.",
            ),
            (
                lambda x: float(np.mean((x <= 0).all(axis=(2, 3)))),
                "A map that is silent in one image may speak in another. It is dead when it is "
                "silent in all.",
            ),
            (
                lambda x: float(np.mean((x <= 0).any(axis=(0, 2, 3)))),
                "Nearly every map has some number that is not above 0. Ask for all of them.",
            ),
            (
                lambda x: 1 - dead_share(x),
                "That is the share of what is alive.",
            ),
        ],
        [
            "`x <= 0` marks what ReLU makes 0.",
            "`.all(axis=(0, 2, 3))` asks over images, rows and columns, and leaves one answer for "
            "each map.",
        ],
    ),
    "playground-build": Exercise(
        "build_network",
        builder(),
        stacks,
        [
            (builder(padding=False), "The padding is lost: pass it on to `Conv2d`."),
            (builder(relu=False), "The ReLUs are missing."),
            (
                builder(first=True),
                "Each convolution has filters of its own: `out_channels` is in its own dict.",
            ),
        ],
        [
            "Send an image of zeros through the layers that are there. `x.shape[1]` is what the "
            "next layer gets.",
            "`Conv2d(x.shape[1], layer['out_channels'], layer['kernel_size'], "
            "padding=layer['padding'])`, and `Linear(x.shape[1], layer['out_features'])`.",
            "Put each layer into a list, let it work on x, and end with "
            "`cnnlib.Sequential(*made)`.",
        ],
        use=what_was_built,
    ),
}
