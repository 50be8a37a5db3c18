"""Train five small networks, made of other blocks each, that need about as many products.

    python -m tools.record_after_resnet [folder]

Writes after_resnet.json into the folder, `assets` unless another is named. Takes ten minutes.
"""

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.record_better_training import few_images
from tools.recording import rounded

CHAPTER = recording.of_chapter("after_resnet", "imports", "gate", "blocks", "small")
RATES = (0.003, 0.01, 0.03, 0.1)  # the one with the lowest validation loss with SEARCH_SEED
SEARCH_SEED, SEEDS = 3, (0, 1, 2)
EPOCHS = 30


def block_run(name: str, lr: float, seed: int, epochs: int = EPOCHS) -> dict:
    """One training: the losses of training and validation, and the mistakes of the test images."""
    network = CHAPTER.small(CHAPTER.library(np.random.default_rng(seed), np.float64), name)
    train, validation = few_images(seed)
    cnnlib.fit(
        network, cnnlib.CrossEntropyLoss(), cnnlib.SGD(network.parameters(), lr, momentum=0.9),
        train, epochs=epochs, batch_size=recording.BATCH_SIZE, seed=seed, progress=False,
    )  # fmt: skip
    results = [cnnlib.evaluate(network, data) for data in (train, validation, recording.parts()[2])]
    return {
        "lr": lr,
        "loss": rounded([result.loss for result in results[:2]]),
        "wrong": [recording.wrong(result) for result in results[1:]],
    }


def best(tried: list[dict]) -> float:
    """The rate with the lowest validation loss."""
    return min(tried, key=lambda run: run["loss"][1])["lr"]


def make(runs: recording.Runs) -> dict:
    """For each kind of block a search for the rate, then a training for each seed."""
    blocks = []
    for name in tqdm(CHAPTER.BLOCKS, "blocks"):
        tried = [runs(block_run, name, lr, SEARCH_SEED) for lr in RATES]
        lr = best(tried)
        of_seeds = [runs(block_run, name, lr, seed) for seed in SEEDS]
        search = [{"lr": run["lr"], "loss": run["loss"][1]} for run in tried]
        blocks.append({"name": name, "lr": lr, "search": search, "runs": of_seeds})
    validation, test = (len(part[0]) for part in (few_images(0)[1], recording.parts()[2]))
    return recording.settings() | {
        "network": "Conv2d(1, c, 3, padding=1), two blocks, MaxPool2d(2), two blocks, "
        "GlobalAvgPool2d, Flatten, Linear(c, 10)",
        "optimizer": "SGD, momentum 0.9",
        "seed": list(SEEDS),
        "search_seed": SEARCH_SEED,
        "images": {"train": len(few_images(0)[0][0]), "validation": validation, "test": test},
        "epochs": EPOCHS,
        "seconds": runs.seconds,
        "runs": blocks,
    }


if __name__ == "__main__":
    recording.main("after_resnet", make)
