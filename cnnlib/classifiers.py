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


def ladder_network(
    library: ModuleType = cnnlib, kaiming: bool = False, batch_norm: bool = False, blocks: int = 1,
    shortcuts: bool = False, **options: Any,
) -> Any:  # fmt: skip
    """Three stages of 16, 24 and 48 maps; the last two have `blocks` pairs of convolutions more.

    kaiming: weights with the variance 2/n, not the default 1/(3n). shortcuts: a way around each
    pair; `library` then also has Residual(body).
    """

    def convolution(inputs: int, filters: int, pool: bool = False) -> list[Any]:
        conv = library.Conv2d(inputs, filters, 3, padding=1, bias=not batch_norm, **options)
        if kaiming:
            conv.weight.data *= 6**0.5
        pools = [library.MaxPool2d(2)] if pool else []
        return [conv, *pools, *([library.BatchNorm2d(filters)] if batch_norm else [])]

    layers = [*convolution(3, 16, pool=True), library.ReLU()]
    for inputs, filters, pool in ((16, 24, False), (24, 48, True)):
        layers += [*convolution(inputs, filters, pool), library.ReLU()]
        for _ in range(blocks):
            pair = convolution(filters, filters), convolution(filters, filters)
            body = library.Sequential(*pair[0], library.ReLU(), *pair[1])
            layers += [library.Residual(body) if shortcuts else body, library.ReLU()]
    last = library.AdaptiveAvgPool2d(1), library.Flatten(), library.Linear(48, 10, **options)
    return library.Sequential(*layers, *last)


def cifar10_network(library: ModuleType = cnnlib, **options: Any) -> Any:
    """A residual network of 14 layers: six blocks of two convolutions, 24 to 96 maps.

    `library` also has Residual(body, shortcut). He, Zhang, Ren and Sun (2015), section 4.2, with
    n = 2; their way around a block of other shape has no weights, this one has a 1x1 convolution.
    """

    def convolution(inputs: int, filters: int, size: int, stride: int) -> tuple[Any, Any]:
        sides = {"stride": stride, "padding": size // 2, "bias": False}
        conv = library.Conv2d(inputs, filters, size, **sides, **options)
        return conv, library.BatchNorm2d(filters)

    def block(inputs: int, filters: int, stride: int) -> tuple[Any, Any]:
        first, second = convolution(inputs, filters, 3, stride), convolution(filters, filters, 3, 1)
        body = library.Sequential(*first, library.ReLU(), *second)
        if stride == 1:
            return library.Residual(body), library.ReLU()
        around = library.Sequential(*convolution(inputs, filters, 1, stride))
        return library.Residual(body, around), library.ReLU()

    return library.Sequential(
        *(*convolution(3, 24, 3, 1), library.ReLU()),
        *(*block(24, 24, 1), *block(24, 24, 1)),
        *(*block(24, 48, 2), *block(48, 48, 1)),
        *(*block(48, 96, 2), *block(96, 96, 1)),
        *(library.AdaptiveAvgPool2d(1), library.Flatten(), library.Linear(96, 10, **options)),
    )


def trained_mnist_network() -> cnnlib.Sequential:
    """`mnist_network` with the weights of assets/mnist.safetensors, in evaluation mode.

    They were made by `python -m cnnlib.reproduce mnist` with seed 0. The network takes images
    (N, 1, 28, 28) from 0, black, to 1, white; the digit is white and centered.
    """
    return _trained(mnist_network(), "mnist")


def trained_cifar10_network() -> cnnlib.Sequential:
    """`cifar10_network` with the weights of assets/cifar10.safetensors, in evaluation mode.

    They were made by `python tools/reproduce_torch.py cifar10` with seed 0. The network takes
    photographs (N, 3, 32, 32) whose numbers, from 0 to 1, were scaled as (x - mean) / deviation
    with the two numbers of COLORS; its logits are those of `cnnlib.data.CIFAR10_CLASSES`.
    """
    return _trained(cifar10_network(), "cifar10")


def _trained(network: cnnlib.Sequential, name: str) -> cnnlib.Sequential:
    """The network with the weights of assets/NAME.safetensors, in evaluation mode."""
    import safetensors.numpy

    from cnnlib.records import asset

    network.load_state_dict(safetensors.numpy.load_file(asset(f"{name}.safetensors")))
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
    label_smoothing: float = 0.0
    keep: str | None = None  # the library whose weights of seed 0 are kept, as float16
    levels: int | None = None  # in the end weights are rounded, to so many steps each side of 0
    bfloat16: bool = False  # PyTorch multiplies in it, which newer processors do faster
    pictures: bool = False  # of the mistakes of seed 0


PIXELS = (0.1307, 0.3081)  # mean and standard deviation of MNIST's training images
COLORS = (0.473, 0.251)  # about those of CIFAR-10, over all three channels
CYCLE = ("AdamW", {"weight_decay": 0.05}, 0.01)
RECIPES = {
    "mnist_421k": Recipe(two_convolutions, "mnist", 4, 64, "Adam", {"lr": 0.001}, mean_std=PIXELS),
    "mnist_149k": Recipe(
        three_convolutions, "mnist", 3, 64, "SGD", {"lr": 0.01, "momentum": 0.9}, mean_std=PIXELS
    ),
    "mnist": Recipe(
        *(mnist_network, "mnist", 8, 100, *CYCLE, ("random_shift",)),
        keep="cnnlib",
        pictures=True,
    ),
    "fashion_mnist": Recipe(mnist_network, "fashion_mnist", 20, 100, *CYCLE, ("random_flip",)),
    "cifar10": Recipe(
        *(cifar10_network, "cifar10", 35, 128, "SGD"),
        {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
        *(0.4, ("random_flip", "random_crop"), COLORS, 0.1, "torch"),
        levels=45,
        bfloat16=True,
    ),
}
