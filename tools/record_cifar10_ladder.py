"""Train on CIFAR-10 in nine steps: each adds one idea of the book to those before it.

    python -m tools.record_cifar10_ladder [folder] [--images FOLDER]

Two controls ask what else a gain may come from. Writes cifar10_ladder.json into the folder,
`assets` unless another is named. With --images it takes the pictures in FOLDER/train/CLASS and
FOLDER/test/CLASS in place of the original data, and the record says so. PyTorch trains, for three
and a half hours of one core.
"""

from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

import cnnlib
from cnnlib import reproduce
from cnnlib.classifiers import COLORS, Recipe, ladder_network
from cnnlib.data import Split
from tools import recording, reproduce_torch
from tools.recording import rounded

STEPS = {
    "plain": {},
    "Kaiming": {"kaiming": True},
    "batch norm": {"batch_norm": True},
    "flips and crops": {"augment": ("random_flip", "random_crop")},
    "one cycle": {"one_cycle": True},
    "deeper": {"blocks": 2},
    "shortcuts": {"shortcuts": True},
    "weight decay": {"weight_decay": 5e-4},
    "label smoothing": {"label_smoothing": 0.1},
}
# What else may a step's gain come from? From which step it is made, what it adds, and its rate, if
# that is not searched for.
CONTROLS = {
    "a lower rate": ("flips and crops", {}, 0.03),
    "not deeper": ("one cycle", {"shortcuts": True}, None),
}
OF_NETWORK = ("kaiming", "batch_norm", "blocks", "shortcuts")
EPOCHS, BATCH_SIZE = 10, 128
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)  # that with the most held-out images right, after SEARCH epochs
SEARCH = 2  # with the first seed
SEEDS = (0, 1, 2)


def options(step: str) -> dict:
    """What a step and all before it add, or what a control has."""
    if step in CONTROLS:
        before, added, _ = CONTROLS[step]
        return options(before) | added
    found = {}
    for name, added in STEPS.items():
        found |= added
        if name == step:
            return found
    raise KeyError(step)


def recipe(step: str, lr: float, epochs: int) -> Recipe:
    """How a step is trained."""
    chosen = options(step)
    network = {key: value for key, value in chosen.items() if key in OF_NETWORK}
    decay = chosen.get("weight_decay", 0)
    return Recipe(
        *(partial(ladder_network, **network), "cifar10", epochs, BATCH_SIZE, "SGD"),
        {"lr": lr, "momentum": 0.9, "weight_decay": decay},
        one_cycle=lr if chosen.get("one_cycle") else None,
        augment=chosen.get("augment", ()),
        mean_std=COLORS,
        label_smoothing=chosen.get("label_smoothing", 0.0),
        bfloat16=True,
    )


@cache
def data(search: bool, folder: Path | None) -> tuple[Split, Split]:
    """The images to train on, and to measure on: in a search training images that were held out."""
    return reproduce.load(recipe("plain", RATES[0], EPOCHS), search, folder)


def ladder_run(step: str, lr: float, seed: int, search: bool, folder: str | None) -> dict:
    """One training: its losses, what it took, and how many of the images measured it gets right.

    The loss is None where it stopped being a number. In a search the test images are not met.
    """
    train, unseen = data(search, folder and Path(folder))
    chosen = recipe(step, lr, SEARCH if search else EPOCHS)
    run = {"step": step, "lr": lr, "seed": seed}
    try:
        network, history, seconds = reproduce_torch.fit(chosen, seed, train, None, progress=False)
    except FloatingPointError:
        return run | {"loss": None}
    run |= {"seconds": round(seconds)} | {name: rounded(them) for name, them in history.items()}
    found = cnnlib.evaluate(network, unseen)
    if search:
        return run | {"held_out": rounded(found.accuracy)}
    return run | {"test": rounded(found.accuracy), "confusion": found.confusion.tolist()}


def best(tried: list[dict]) -> float:
    """The learning rate with the most right of the images that were held out."""
    return max(tried, key=lambda run: run.get("held_out", -1))["lr"]


def make(folder: Path | None, runs: recording.Runs) -> dict:
    """For each step and control a search for the learning rate, then a training for each seed."""
    search, trained = [], []
    images = str(folder) if folder else None
    given = {step: lr for step, (_, _, lr) in CONTROLS.items()}
    for step in tqdm([*STEPS, *CONTROLS], "steps"):
        lr = given.get(step)
        if lr is None:
            tried = [runs(ladder_run, step, lr, SEEDS[0], True, images) for lr in RATES]
            search += tried
            lr = best(tried)
        trained += [runs(ladder_run, step, lr, seed, False, images) for seed in SEEDS]
    (_, held_out), (train, test) = data(True, folder), data(False, folder)
    made = recording.settings()
    return made | {
        "network": "ladder_network",
        "optimizer": "SGD, momentum 0.9; with one cycle 0.95 to 0.85",
        "batch_size": BATCH_SIZE,
        "epochs": EPOCHS,
        "seed": list(SEEDS),
        "images": recording.image_counts(folder, train=train, held_out=held_out, test=test),
        "dtype": "float32, products in bfloat16",
        "versions": made["versions"] | {"torch": version("torch").split("+")[0]},
        "seconds": runs.seconds,
        "steps": STEPS,
        "controls": {step: options(step) for step in CONTROLS},
        "search": search,
        "runs": trained,
    }


if __name__ == "__main__":
    words = recording.options(__doc__.splitlines()[0])
    recording.main("cifar10_ladder", partial(make, words.images), words.folder)
