"""The two classifiers of the sources, in cnnlib and in torch."""

import torch.nn as nn

from cnnlib.classifiers import three_convolutions, two_convolutions  # noqa: F401


def pair(build, rng):
    """The classifier of both libraries, with the same weights: (ours, torch's)."""
    ours, theirs = build(rng=rng), build(nn)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return ours, theirs
