"""Train stacks of 8 and 24 layers: plain and with shortcuts, two initializations.

    python -m tools.record_depth [folder]

Writes depth.json into the folder, `assets` unless another is named. Takes a quarter of an hour.
"""

import math

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import rounded

CHAPTER = recording.of_chapter("architectures", "cell-01", "cell-07")
STACKS = {  # blocks of two convolutions, whether each has a way around it, and batch norm
    "plain, 8 layers": (3, False, True),
    "plain, 24 layers": (11, False, True),
    "residual, 24 layers": (11, True, True),
    "plain, 24 layers, no BN": (11, False, False),
}
TRAINED = {  # each stack and initialization, and for how many epochs
    ("plain, 8 layers", "default"): 60,
    ("plain, 24 layers", "default"): 60,
    ("residual, 24 layers", "default"): 15,
    ("plain, 24 layers, no BN", "default"): 15,
    ("plain, 24 layers, no BN", "Kaiming"): 15,
}
RATES = (0.01, 0.03, 0.1)  # the one with the lowest loss after SEARCH epochs with the first seed
SEARCH = 15
SEEDS = (0, 1, 2)


def stack(name: str, initialization: str, seed: int) -> cnnlib.Sequential:
    """The stack of the chapter, before training."""
    layers = CHAPTER.library(np.random.default_rng(seed), np.float64)
    network = CHAPTER.stack(layers, *STACKS[name])
    if initialization == "Kaiming":
        CHAPTER.kaiming(network)
    return network


def depth_run(name: str, initialization: str, lr: float, seed: int, epochs: int) -> dict:
    """The loss of each epoch of one stack, and its validation accuracy at the end.

    Both are missing where the loss stopped being a number.
    """
    network = stack(name, initialization, seed)
    train, validation = recording.digits()
    run = {"name": name, "initialization": initialization, "lr": lr, "seed": seed}
    try:
        with np.errstate(all="ignore"):
            history = cnnlib.fit(
                network, cnnlib.CrossEntropyLoss(),
                cnnlib.SGD(network.parameters(), lr, momentum=0.9),
                train, epochs=epochs, batch_size=64, seed=seed, progress=False,
            )  # fmt: skip
            right = cnnlib.evaluate(network, validation).accuracy
    except FloatingPointError:
        return run | {"loss": None, "validation_accuracy": None}
    return run | {"loss": rounded(history.loss), "validation_accuracy": rounded(right)}


def best(tried: list[dict]) -> float:
    """The learning rate with the lowest training loss at the end."""
    return min(tried, key=lambda run: run["loss"][-1] if run["loss"] else math.inf)["lr"]


def make(runs: recording.Runs) -> dict:
    """For each stack and initialization a search for the rate, then a training for each seed."""
    search, trained = [], []
    for choice, epochs in tqdm(TRAINED.items(), "depth"):
        tried = [runs(depth_run, *choice, lr, SEEDS[0], SEARCH) for lr in RATES]
        search += tried
        trained += [runs(depth_run, *choice, best(tried), seed, epochs) for seed in SEEDS]
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), MaxPool2d(2), blocks of two Conv2d(8, 8, 3, "
        "padding=1), each with ReLU and with or without BatchNorm2d; GlobalAvgPool2d, Flatten, "
        "Linear(8, 10)",
        "optimizer": "SGD, momentum 0.9",
        "batch_size": 64,
        "seed": list(SEEDS),
        "seconds": runs.seconds,
        "search": search,
        "runs": trained,
    }


if __name__ == "__main__":
    recording.main("depth", make)
