"""The two classifiers of the sources, in cnnlib and in torch."""

import torch.nn as nn

import cnnlib


def three_convolutions(library=cnnlib, **options):
    """1x28x28 through 64, 128 and 64 filters without padding, to 10 classes."""
    conv, linear = library.Conv2d, library.Linear
    return library.Sequential(
        conv(1, 64, 3, **options),
        library.ReLU(),
        library.MaxPool2d(2),
        conv(64, 128, 3, **options),
        library.ReLU(),
        library.MaxPool2d(2),
        conv(128, 64, 3, **options),
        library.ReLU(),
        library.MaxPool2d(2),
        library.Flatten(),
        linear(64, 20, **options),
        library.ReLU(),
        linear(20, 10, **options),
    )


def two_convolutions(library=cnnlib, **options):
    """1x28x28 through 32 and 64 filters with padding 1, to 10 classes."""
    conv, linear = library.Conv2d, library.Linear
    return library.Sequential(
        conv(1, 32, 3, padding=1, **options),
        library.MaxPool2d(2),
        library.ReLU(),
        conv(32, 64, 3, padding=1, **options),
        library.MaxPool2d(2),
        library.ReLU(),
        library.Flatten(),
        linear(3136, 128, **options),
        library.ReLU(),
        linear(128, 10, **options),
    )


def pair(build, rng):
    """The classifier of both libraries, with the same weights: (ours, torch's)."""
    ours, theirs = build(rng=rng), build(nn)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return ours, theirs
