"""The networks that the book trains on 28x28 images, how each is trained, and one trained."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

import cnnlib


def two_convolutions(library: ModuleType = cnnlib, **options: Any) -> Any:
    """32 and 64 filters with padding 1, in the layers of `library`: cnnlib, or torch.nn."""
    conv, linear, pool, relu = library.Conv2d, library.Linear, library.MaxPool2d, library.ReLU
    return library.Sequential(
        *(conv(1, 32, 3, padding=1, **options), pool(2), relu()),
        *(conv(32, 64, 3, padding=1, **options), pool(2), relu()),
        *(library.Flatten(), linear(3136, 128, **options), relu(), linear(128, 10, **options)),
    )


def three_convolutions(library: ModuleType = cnnlib, **options: Any) -> Any:
    """64, 128 and 64 filters without padding, in the layers of `library`."""
    conv, linear, pool, relu = library.Conv2d, library.Linear, library.MaxPool2d, library.ReLU
    return library.Sequential(
        *(conv(1, 64, 3, **options), relu(), pool(2)),
        *(conv(64, 128, 3, **options), relu(), pool(2)),
        *(conv(128, 64, 3, **options), relu(), pool(2)),
        *(library.Flatten(), linear(64, 20, **options), relu(), linear(20, 10, **options)),
    )


def mnist_network(rng: np.random.Generator | None = None) -> cnnlib.Sequential:
    """16, 32 and 64 filters, each layer with batch norm, then 96 hidden neurons."""
    conv, norm, pool, relu = cnnlib.Conv2d, cnnlib.BatchNorm2d, cnnlib.MaxPool2d, cnnlib.ReLU
    return cnnlib.Sequential(  # without the biases that batch norm would only subtract again
        *(conv(1, 16, 5, padding=2, bias=False, rng=rng), pool(2), norm(16), relu()),
        *(conv(16, 32, 3, padding=1, bias=False, rng=rng), pool(2), norm(32), relu()),
        *(conv(32, 64, 3, padding=1, bias=False, rng=rng), pool(2), norm(64), relu()),
        *(cnnlib.Flatten(), cnnlib.Linear(576, 96, rng=rng), relu()),
        *(cnnlib.Dropout(0.2, rng=rng), cnnlib.Linear(96, 10, rng=rng)),
    )


def trained_mnist_network() -> cnnlib.Sequential:
    """`mnist_network` with the weights of assets/mnist.safetensors, in evaluation mode.

    They were made by `python -m cnnlib.reproduce mnist` with seed 0. The network takes images
    (N, 1, 28, 28) from 0, black, to 1, white; the digit is white and centered.
    """
    import safetensors.numpy

    from cnnlib.records import asset

    network = mnist_network()
    network.load_state_dict(safetensors.numpy.load_file(asset("mnist.safetensors")))
    network.eval()
    return network


@dataclass(frozen=True)
class Recipe:
    """How to train; data, optimizer and augmentation are called by their names in cnnlib."""

    network: Callable[..., cnnlib.Sequential]
    data: str
    epochs: int
    batch_size: int
    optimizer: str
    options: dict[str, float]
    one_cycle: float | None = None  # the highest learning rate of a OneCycleLR schedule
    augment: tuple[str, ...] = ()
    mean_std: tuple[float, float] = (0.0, 1.0)  # subtracted from the pixels; then divided by
    keep: bool = False  # the weights of seed 0, as float16, and pictures of its mistakes


PIXELS = (0.1307, 0.3081)  # mean and standard deviation of MNIST's training images
CYCLE = ("AdamW", {"weight_decay": 0.05}, 0.01)
RECIPES = {
    "mnist_421k": Recipe(two_convolutions, "mnist", 4, 64, "Adam", {"lr": 0.001}, mean_std=PIXELS),
    "mnist_149k": Recipe(
        three_convolutions, "mnist", 3, 64, "SGD", {"lr": 0.01, "momentum": 0.9}, mean_std=PIXELS
    ),
    "mnist": Recipe(mnist_network, "mnist", 8, 100, *CYCLE, ("random_shift",), keep=True),
    "fashion_mnist": Recipe(mnist_network, "fashion_mnist", 20, 100, *CYCLE, ("random_flip",)),
}
