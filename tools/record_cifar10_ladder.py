"""Train on CIFAR-10 in nine steps: each adds one idea of the book to those before it.

    python -m tools.record_cifar10_ladder [folder] [--images FOLDER]

Writes cifar10_ladder.json into the folder, `assets` unless another is named. With --images it takes
the pictures in FOLDER/train/CLASS and FOLDER/test/CLASS in place of the original data, and the
record says so. Takes three hours.
"""

from functools import cache, partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

import cnnlib
from cnnlib import reproduce
from cnnlib.classifiers import RECIPES, ladder_network
from cnnlib.data import Split
from tools import recording
from tools.recording import rounded

STEPS = {
    "plain": {},
    "Kaiming": {"kaiming": True},
    "batch norm": {"batch_norm": True},
    "flips and shifts": {"augment": True},
    "warm-up and fall": {"one_cycle": True},
    "deeper": {"blocks": 2},
    "shortcuts": {"shortcuts": True},
    "weight decay": {"weight_decay": 5e-4},
    "label smoothing": {"label_smoothing": 0.1},
}
OF_NETWORK = ("kaiming", "batch_norm", "blocks", "shortcuts")
EPOCHS, BATCH_SIZE, VALIDATION = 8, 128, 5000
RATES = (0.01, 0.03, 0.1, 0.3)  # the one with the most right of the validation images after SEARCH
SEARCH = 2  # epochs with the first seed
SEEDS = (0, 1, 2)


def options(step: str) -> dict:
    """What a step and all before it add."""
    found = {}
    for name, added in STEPS.items():
        found |= added
        if name == step:
            return found
    raise KeyError(step)


def moved(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images, mirrored or not, and shifted."""
    return cnnlib.random_crop(cnnlib.random_flip(images, rng), rng)


@cache
def data(folder: Path | None) -> tuple[Split, Split, Split]:
    """The images to train on, to choose the learning rate by, and to test."""
    recipe = RECIPES["cifar10"]
    train, test = reproduce.load(recipe, folder=folder)
    first, last = slice(-VALIDATION), slice(-VALIDATION, None)
    parts = [Split(train.images[part], train.labels[part]) for part in (first, last)]
    return parts[0], parts[1], test


def ladder_run(step: str, lr: float, seed: int, epochs: int, folder: str | None) -> dict:
    """One training: its losses, and how many of the validation and the test images it gets right.

    They are missing where the loss stopped being a number. In a search the test images are not met.
    """
    chosen = options(step)
    network = ladder_network(
        **{key: value for key, value in chosen.items() if key in OF_NETWORK},
        rng=np.random.default_rng(seed),
    )
    train, validation, test = data(folder and Path(folder))
    decay = chosen.get("weight_decay", 0)
    optimizer = cnnlib.SGD(network.parameters(), lr, momentum=0.9, weight_decay=decay)
    schedule = None
    if chosen.get("one_cycle"):
        steps = epochs * -(-len(train.images) // BATCH_SIZE)
        schedule = cnnlib.OneCycleLR(optimizer, lr, steps, cycle_momentum=False)
    run = {"step": step, "lr": lr, "seed": seed}
    augment = moved if chosen.get("augment") else None
    loss = cnnlib.CrossEntropyLoss(label_smoothing=chosen.get("label_smoothing", 0))
    try:
        with np.errstate(all="ignore"):
            history = cnnlib.fit(
                network, loss, optimizer, train, epochs=epochs, batch_size=BATCH_SIZE, seed=seed,
                schedule=schedule, augment=augment, progress=False,
            )  # fmt: skip
    except FloatingPointError:
        return run | {"loss": None}
    run |= {"loss": rounded(history.loss), "accuracy": rounded(history.accuracy)}
    run["validation"] = rounded(cnnlib.evaluate(network, validation).accuracy)
    if epochs == EPOCHS:
        found = cnnlib.evaluate(network, test)
        run |= {"test": rounded(found.accuracy), "confusion": found.confusion.tolist()}
    return run


def best(tried: list[dict]) -> float:
    """The learning rate with the most right of the validation images."""
    return max(tried, key=lambda run: run.get("validation", -1))["lr"]


def make(folder: Path | None, runs: recording.Runs) -> dict:
    """For each step a search for the learning rate, then a training for each seed."""
    search, trained = [], []
    images = str(folder) if folder else None
    for step in tqdm(STEPS, "steps"):
        tried = [runs(ladder_run, step, lr, SEEDS[0], SEARCH, images) for lr in RATES]
        search += tried
        trained += [runs(ladder_run, step, best(tried), s, EPOCHS, images) for s in SEEDS]
    train, validation, test = data(folder)
    return recording.settings() | {
        "network": "ladder_network",
        "optimizer": "SGD, momentum 0.9",
        "batch_size": BATCH_SIZE,
        "seed": list(SEEDS),
        "images": recording.image_counts(folder, train=train, validation=validation, test=test),
        "dtype": "float32",
        "seconds": runs.seconds,
        "steps": STEPS,
        "search": search,
        "runs": trained,
    }


if __name__ == "__main__":
    words = recording.options(__doc__.splitlines()[0])
    recording.main("cifar10_ladder", partial(make, words.images), words.folder)
