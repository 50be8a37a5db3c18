"""What the recordings share: images, the networks of several chapters, and how a record is made.

Each tools/record_NAME.py makes assets/NAME.json. One that is stopped goes on where it was.
"""

import argparse
import ast
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np

import cnnlib
from cnnlib.reproduce import replace

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"
SEED = 0
BATCH_SIZE = 32
TRAIN = 1297  # of the 1797 digits; the rest validates

# The chapters digits and better_training cut three parts; the rest is the test set.
PARTS_SEED = 1
PARTS_TRAIN, PARTS_VALIDATION = 1197, 240

Data = tuple[np.ndarray, np.ndarray]


def digits() -> tuple[Data, Data]:
    """The digits, shuffled and cut: (images, labels) to train and to validate, in float64."""
    images, labels = cnnlib.digits()
    order = np.random.default_rng(SEED).permutation(len(images))
    images, labels = images[order].astype(np.float64), labels[order]
    return (images[:TRAIN], labels[:TRAIN]), (images[TRAIN:], labels[TRAIN:])


def small_network() -> cnnlib.Sequential:
    """Eight 3x3 filters, then one dense layer."""
    rng = np.random.default_rng(SEED)
    return cnnlib.Sequential(
        cnnlib.Conv2d(1, 8, 3, padding=1, rng=rng, dtype=np.float64),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Flatten(),
        cnnlib.Linear(8 * 4 * 4, 10, rng=rng, dtype=np.float64),
    )


def losses(network: cnnlib.Sequential, data: Data, lr: float) -> Iterator[float]:
    """The loss of one batch after the other; the network has learned from it when it comes."""
    loss, optimizer = cnnlib.CrossEntropyLoss(), cnnlib.SGD(network.parameters(), lr)
    epoch = 0
    while True:
        rng = np.random.default_rng([SEED, epoch])
        for x, target in cnnlib.batches(*data, BATCH_SIZE, rng=rng):
            optimizer.zero_grad()
            value = float(loss(network.forward(x), target))
            network.backward(loss.backward())
            optimizer.step()
            yield value
        epoch += 1


def parts() -> tuple[Data, Data, Data]:
    """The digits, shuffled and cut in three, in float64: to train, to choose by, and to test."""
    images, labels = cnnlib.digits()
    order = np.random.default_rng(PARTS_SEED).permutation(len(images))
    images, labels = images[order].astype(np.float64), labels[order]
    cuts = [PARTS_TRAIN, PARTS_TRAIN + PARTS_VALIDATION]
    first, second, third = zip(np.split(images, cuts), np.split(labels, cuts), strict=True)
    return first, second, third


def joined(*several: Data) -> Data:
    """Sets of images and labels as one."""
    images, labels = zip(*several, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def network(
    filters: tuple[int, ...],
    seed: int,
    batch_norm: bool = False,
    dropout: float = 0,
    kaiming: bool = False,
) -> cnnlib.Sequential:
    """3x3 convolutions of so many filters, pooling and a dense layer; without any, two dense.

    kaiming: the convolutions' weights have the variance 2/n, not the default 1/(3n).
    """
    rng, float64 = np.random.default_rng(seed), np.float64
    layers, channels = [], 1
    for count in filters:
        layers.append(cnnlib.Conv2d(channels, count, 3, padding=1, rng=rng, dtype=float64))
        if kaiming:
            layers[-1].weight.data *= np.sqrt(6)
        layers += [cnnlib.BatchNorm2d(count, dtype=float64)] if batch_norm else []
        layers.append(cnnlib.ReLU())
        channels = count
    if filters:
        layers += [cnnlib.MaxPool2d(2), cnnlib.Flatten()]
    else:
        layers += [cnnlib.Flatten(), cnnlib.Linear(64, 64, rng=rng, dtype=float64), cnnlib.ReLU()]
    layers += [cnnlib.Dropout(dropout, rng=rng)] if dropout else []
    inputs = 16 * channels if filters else 64
    return cnnlib.Sequential(*layers, cnnlib.Linear(inputs, 10, rng=rng, dtype=float64))


def part_sizes() -> dict[str, int]:
    """How many images each of the three parts has."""
    names = ("train", "validation", "test")
    return {name: len(images) for name, (images, _) in zip(names, parts(), strict=True)}


def wrong(result: cnnlib.Evaluation) -> int:
    """How many images got a wrong answer."""
    return int(result.confusion.sum() - np.trace(result.confusion))


def rounded(numbers: object, decimals: int = 4) -> object:
    """Numbers as they stand in the file."""
    return (np.round(numbers, decimals) + 0).tolist()


def settings() -> dict:
    """What the runs depend on."""
    packages = ("cnnlib", "numpy", "scikit-learn")
    return {
        "network": "Conv2d(1, 8, 3, padding=1), ReLU, MaxPool2d(2), Flatten, Linear(128, 10)",
        "optimizer": "SGD",
        "batch_size": BATCH_SIZE,
        "seed": SEED,
        "images": {"train": TRAIN, "validation": len(digits()[1][0])},
        "dtype": "float64",
        "versions": {name: version(name) for name in packages}
        | {"python": platform.python_version()},
        "machine": f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores",
    }


def of_chapter(name: str, *cells: str) -> SimpleNamespace:
    """What the cells of a chapter, given by their ids, define: it records what it shows.

    Statements that print are left out.
    """
    notebook = nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4)
    sources = {cell.id: cell.source for cell in notebook.cells}
    names: dict[str, object] = {}
    for cell in cells:
        code = ast.parse(sources[cell])
        code.body = [one for one in code.body if not ast.unparse(one).startswith("print(")]
        exec(compile(code, f"{name}, {cell}", "exec"), names)
    return SimpleNamespace(**names)


class Runs:
    """Runs, each made once: a recording that was stopped finds those that it made before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def __call__(self, run: Callable, *choice: object) -> object:
        """run(*choice), as JSON gives it back."""
        key = f"{run.__name__}{choice}"
        if key not in self.done:
            start = time.process_time()
            result = run(*choice)
            self.done[key] = {"result": result, "seconds": time.process_time() - start}
            replace(self.path, json.dumps(self.done).encode())
        return json.loads(json.dumps(self.done[key]["result"]))

    @property
    def seconds(self) -> int:
        """The processor's time for all runs."""
        return round(sum(run["seconds"] for run in self.done.values()))


def options(description: str, words: list[str] | None = None) -> argparse.Namespace:
    """The words on the command line of a record of CIFAR-10: `folder`, and `images` or None."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, nargs="?", default=ASSETS)
    parser.add_argument("--images", type=Path, help="folder of pictures in place of the data")
    return parser.parse_args(words)


def image_counts(folder: Path | None, **parts: cnnlib.data.Split) -> dict:
    """How many images each part has, and where they are from: a folder, or the original data."""
    counts = {name: len(part.labels) for name, part in parts.items()}
    return counts | {"source": folder.name if folder else "the original"}


def write(path: Path, record: dict) -> None:
    """Write the record into the file."""
    replace(path, (json.dumps(record, separators=(",", ":")) + "\n").encode())


def main(name: str, make: Callable[[Runs], dict], folder: Path | None = None) -> None:
    """Make a record and write it into `folder`, or that on the command line, or `assets`."""
    folder = folder or (Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
    runs = Runs(folder / f"{name}.partial")
    write(folder / f"{name}.json", make(runs))
    runs.path.unlink(missing_ok=True)
