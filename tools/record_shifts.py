"""Train networks with and without what a shift by one pixel can upset, and move the digits.

    python -m tools.record_shifts [folder]

Writes shifts.json into the folder, `assets` unless another is named. Takes five minutes.
"""

from itertools import combinations

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import cnnlib
from tools import recording

CHAPTER = recording.of_chapter("shifts", "imports", "blur-layer", "data", "three", "four")
SEEDS = (0, 1, 2)
CAUSES = CHAPTER.CAUSES
SETS = [  # all four causes, all but one, one alone, and none
    list(causes) for count in (4, 3, 1, 0) for causes in combinations(CAUSES, count)
]
REMEDIES = ("max", "max, blur", "max, trained on moved digits")
PIXELS = (1, 2, 4)
EPOCHS = 20  # of the three convolutions


def wrong(network: cnnlib.Sequential, images: np.ndarray, labels: np.ndarray) -> int:
    """How many images are read wrong."""
    return int((network(images).argmax(axis=1) != labels).sum())


def caused(causes: list[str], seed: int) -> dict:
    """Mistakes and changed answers of the network with these causes.

    Without the cause "ink" a digit has one empty pixel on each side.
    """
    (images, labels), (unseen, truth) = CHAPTER.parts()
    margin = 0 if "ink" in causes else 1
    images, unseen = (CHAPTER.framed(x, margin) for x in (images, unseen))
    network = CHAPTER.train(CHAPTER.two_convolutions(causes, seed), (images, labels), seed)
    result = {"seed": seed, "wrong": wrong(network, unseen, truth)}
    result["changed"] = CHAPTER.changed(network, unseen)
    return result


def remedied(remedy: str, seed: int) -> dict:
    """Mistakes and changed answers on digits with four empty pixels on each side."""
    (images, labels), (unseen, truth) = CHAPTER.parts()
    images, unseen = (CHAPTER.framed(x, 4) for x in (images, unseen))
    pool, _, varied = remedy.partition(", trained")
    augment = cnnlib.random_shift if varied else None
    network = CHAPTER.three_convolutions(pool, seed)
    CHAPTER.train(network, (images, labels), seed, EPOCHS, augment)
    result = {"seed": seed, "wrong": wrong(network, unseen, truth)}
    result["changed"] = [CHAPTER.changed(network, unseen, pixels) for pixels in PIXELS]
    return result


def make(runs: recording.Runs) -> dict:
    """Each choice of causes and each remedy, with every seed."""
    with threadpool_limits(1):
        causes = [
            {"causes": causes, "runs": [runs(caused, causes, seed) for seed in SEEDS]}
            for causes in tqdm(SETS, "causes")
        ]
        remedies = [
            {"remedy": remedy, "runs": [runs(remedied, remedy, seed) for seed in SEEDS]}
            for remedy in tqdm(REMEDIES, "remedies")
        ]
    (learned, _), (asked, _) = CHAPTER.parts()
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), ReLU, MaxPool2d(2), Conv2d(8, 32, 3, padding=1), "
        "ReLU, Flatten, Linear(512, 10), each with a cause less; and one of three convolutions",
        "optimizer": "Adam, OneCycleLR",
        "lr": 0.01,
        "batch_size": 64,
        "epochs": [12, EPOCHS],
        "seed": list(SEEDS),
        "images": {"train": len(learned), "test": len(asked)},
        "moves": list(CHAPTER.MOVES),
        "pixels": list(PIXELS),
        "causes": causes,
        "remedies": remedies,
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("shifts", make)
