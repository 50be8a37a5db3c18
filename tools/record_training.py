"""Train the small network on all images and on fifty: what is played back.

    python -m tools.record_training [folder]

Writes training.json into the folder, `assets` unless another is named. Takes seconds.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import Data, rounded

LEARNING_RATE = 0.1  # of the two runs that are played back
RUNS = {"1297 training images": (1297, 1640), "50 training images": (50, 1640)}  # images, steps
FRAMES = 48
SHOWN = 12  # validation images whose probabilities are recorded


def playback(images: int, steps: int) -> Iterator[dict]:
    """What training on so many images looks like, from the start to `steps` steps later."""
    network, (train, validation) = recording.small_network(), recording.digits()
    train = train[0][:images], train[1][:images]
    stops = set(np.geomspace(1, steps, FRAMES).round().astype(int).tolist())
    yield frame(network, 0, train, validation)
    for step, _ in enumerate(islice(recording.losses(network, train, LEARNING_RATE), steps), 1):
        if step in stops:
            yield frame(network, step, train, validation)


def frame(network: cnnlib.Sequential, step: int, train: Data, validation: Data) -> dict:
    """What is seen after so many steps; loss and accuracy in training and in validation."""
    results = [cnnlib.evaluate(network, data) for data in (train, validation)]
    return {
        "step": step,
        "loss": rounded([result.loss for result in results]),
        "accuracy": rounded([result.accuracy for result in results]),
        "filters": rounded(network[0].weight.data[:, 0], 3),
        "probabilities": rounded(cnnlib.softmax(network.forward(validation[0][:SHOWN])), 3),
    }


def make(_runs: recording.Runs) -> dict:
    """The two runs that are played back; they take seconds."""
    _, (images, labels) = recording.digits()
    played = []
    for name, (count, steps) in RUNS.items():
        frames = list(tqdm(playback(count, steps), name, FRAMES))
        played.append({"name": name, "images": count, "frames": frames})
    shown = {
        "images": (images[:SHOWN, 0] * 16).astype(int).tolist(),
        "labels": labels[:SHOWN].tolist(),
    }
    return recording.settings() | {"lr": LEARNING_RATE, "shown": shown, "runs": played}


if __name__ == "__main__":
    recording.main("training", make)
