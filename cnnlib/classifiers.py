"""The networks that the book trains on 28x28 images, and one of them trained."""

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

    from cnnlib.widgets.records import asset

    network = mnist_network()
    network.load_state_dict(safetensors.numpy.load_file(asset("mnist.safetensors")))
    return network.eval()
