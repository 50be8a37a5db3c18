"""Learn eight of CIFAR-10's classes, then the two others from few images, in four ways.

    python -m tools.record_cifar10_transfer [folder] [--images FOLDER]

Writes cifar10_transfer.json into the folder, `assets` unless another is named. With --images it
takes the pictures in FOLDER/train/CLASS and FOLDER/test/CLASS in place of the original data, and
the record says so. Takes forty minutes of one core.
"""

from functools import cache, partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

import cnnlib
from cnnlib import reproduce
from cnnlib.classifiers import RECIPES, ladder_network
from cnnlib.data import CIFAR10_CLASSES, Split
from tools import recording
from tools.recording import rounded

PAIRS = (("cat", "dog"), ("frog", "ship"))  # alike, and not
COUNTS = (5, 25, 125)  # images of each class to learn from
# Of each way the rate is taken with which the first seed gets most of the validation images right.
RATES = {
    "frozen": (0.03, 0.1, 0.3),
    "fine-tuned": (0.003, 0.01, 0.03),
    "from scratch": (0.01, 0.03, 0.1),
    "frozen, random": (0.03, 0.1, 0.3),
}
SEEDS = (0, 1, 2)
BEFORE, STEPS, BATCH_SIZE, VALIDATION = 5, 300, 32, 500
MAPS = 48  # of the network's last layer but the dense one


@cache
def data(folder: Path | None) -> tuple[Split, Split]:
    """The images to train on and to test."""
    train, test = reproduce.load(RECIPES["cifar10"], folder=folder)
    return train, test


def only(split: Split, classes: list[int]) -> Split:
    """The images of some classes, which are counted anew."""
    found = np.isin(split.labels, classes)
    return Split(split.images[found], np.searchsorted(classes, split.labels[found]))


def numbers(pair: tuple[str, str]) -> tuple[list[int], list[int]]:
    """The eight classes that are learned first, and the two."""
    two = sorted(CIFAR10_CLASSES.index(name) for name in pair)
    return [k for k in range(len(CIFAR10_CLASSES)) if k not in two], two


def fresh(seed: int, classes: int) -> cnnlib.Sequential:
    """The ladder's network with shortcuts, and a dense layer for so many classes."""
    rng = np.random.default_rng(seed)
    body = ladder_network(cnnlib, True, True, 2, True, rng=rng)
    return cnnlib.Sequential(*list(body)[:-1], cnnlib.Linear(MAPS, classes, rng=rng))


def fit(
    network: cnnlib.Layer, train: Split, lr: float, steps: int, size: int, seed: int, varied: bool
) -> None:
    """Train with SGD and one cycle; the images are changed if `varied`."""
    optimizer = cnnlib.SGD(network.parameters(), lr, momentum=0.9, weight_decay=5e-4)
    batches = -(-len(train.labels) // size)
    epochs = -(-steps // batches)
    augment = partial(reproduce.vary, RECIPES["cifar10"]) if varied else None
    cnnlib.fit(
        network, cnnlib.CrossEntropyLoss(), optimizer, train, epochs=epochs, batch_size=size,
        seed=seed, augment=augment, progress=False,
        schedule=cnnlib.OneCycleLR(optimizer, lr, epochs * batches, cycle_momentum=False),
    )  # fmt: skip


def before(pair: tuple[str, str], folder: str | None) -> dict:
    """Learn the eight: the weights, and how many of their test images are right."""
    train, test = (only(split, numbers(pair)[0]) for split in data(folder and Path(folder)))
    network = fresh(0, 8)
    fit(network, train, 0.1, BEFORE * -(-len(train.labels) // 128), 128, 0, varied=True)
    state = {key: array.tolist() for key, array in network.state_dict().items()}
    return {"weights": state, "test": rounded(cnnlib.evaluate(network, test).accuracy)}


def features(network: cnnlib.Sequential, split: Split) -> Split:
    """What the network makes of the images before its dense layer: (N, MAPS)."""
    body = cnnlib.Sequential(*list(network)[:-1])
    body.eval()
    with body.inference():
        found = [body(x) for x, _ in cnnlib.batches(*split, 500)]
    return Split(np.concatenate(found), split.labels)


def transfer_run(
    state: dict, pair: tuple[str, str], way: str, count: int, lr: float, seed: int,
    folder: str | None,
) -> dict:  # fmt: skip
    """One training on `count` images of each: how many validation and test images are right."""
    train, test = (only(split, numbers(pair)[1]) for split in data(folder and Path(folder)))
    held_out = np.concatenate([np.flatnonzero(train.labels == k)[:VALIDATION] for k in (0, 1)])
    validation = Split(train.images[held_out], train.labels[held_out])
    rng, rest = np.random.default_rng(seed), np.setdiff1d(np.arange(len(train.labels)), held_out)
    order = rest[rng.permutation(len(rest))]
    few = np.concatenate([order[train.labels[order] == k][:count] for k in (0, 1)])
    parts = [Split(train.images[few], train.labels[few]), validation, test]
    network = fresh(seed, 2)
    if way in ("frozen", "fine-tuned"):
        learned = fresh(0, 8)
        own = learned.state_dict()
        learned.load_state_dict({k: np.array(state[k], own[k].dtype) for k in own})
        network = cnnlib.Sequential(*list(learned)[:-1], network[-1])
    if way.startswith("frozen"):
        parts = [features(network, part) for part in parts]
        network = cnnlib.Sequential(network[-1])
    fit(network, parts[0], lr, STEPS, BATCH_SIZE, seed, varied=not way.startswith("frozen"))
    right = [rounded(cnnlib.evaluate(network, part).accuracy) for part in parts[1:]]
    run = {"pair": pair, "way": way, "count": count, "lr": lr, "seed": seed}
    return run | {"validation": right[0], "test": right[1]}


def make(folder: Path | None, runs: recording.Runs) -> dict:
    """For each pair, way and count a search for the rate, then the other seeds with the best."""
    images = str(folder) if folder else None
    learned, search, trained = [], [], []
    for pair in PAIRS:
        first = runs(before, pair, images)
        learned.append({"pair": pair, "test": first["test"]})

        def once(*choice: object, weights: dict = first["weights"]) -> dict:
            return transfer_run(weights, *choice)

        for count in tqdm(COUNTS, " and ".join(pair)):
            for way, rates in RATES.items():
                tried = [runs(once, pair, way, count, lr, SEEDS[0], images) for lr in rates]
                best = max(tried, key=lambda run: run["validation"])
                search += [{k: v for k, v in run.items() if k != "test"} for run in tried]
                others = [runs(once, pair, way, count, best["lr"], s, images) for s in SEEDS[1:]]
                trained += [best, *others]
    train, test = data(folder)
    return recording.settings() | {
        "network": "ladder_network with all options",
        "optimizer": "SGD, momentum 0.9, weight decay 0.0005, one cycle",
        "batch_size": BATCH_SIZE,
        "steps": STEPS,
        "seed": list(SEEDS),
        "images": recording.image_counts(folder, train=train, test=test)
        | {"validation": 2 * VALIDATION},
        "dtype": "float32",
        "seconds": runs.seconds,
        "before": learned,
        "search": search,
        "runs": trained,
    }


if __name__ == "__main__":
    words = recording.options(__doc__.splitlines()[0])
    recording.main("cifar10_transfer", partial(make, words.images), words.folder)
