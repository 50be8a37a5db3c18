"""Train small networks on scikit-learn's digits and record what the chapters replay.

    python tools/record_training.py [folder]

Writes learning_rate.json, training.json and depth.json into the folder, `assets` unless another
is named.
"""

import itertools
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

import cnnlib

ROOT = Path(__file__).resolve().parents[1]
SEED = 0
BATCH_SIZE = 32
TRAIN = 1297  # of the 1797 digits; the rest validates
LEARNING_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
LEARNING_RATE_EPOCHS = 6
LEARNING_RATE = 0.1  # of the two runs that are played back
RUNS = {"1297 training images": (1297, 1640), "50 training images": (50, 1640)}  # images, steps
FRAMES = 48
SHOWN = 12  # validation images whose probabilities are recorded
DEPTH_STACKS = {  # blocks of two convolutions, and whether each has a way around it
    "plain, 8 layers": (3, False),
    "plain, 24 layers": (11, False),
    "residual, 24 layers": (11, True),
}
DEPTH_RATES = (0.01, 0.03, 0.1)
DEPTH_SEEDS = (0, 1, 2, 3, 4)
DEPTH_EPOCHS = 15

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


def learning_rate_run(lr: float, steps: int) -> dict:
    """The losses of training with `lr`, up to one that is not finite, and the final accuracy."""
    network, (train, validation) = small_network(), digits()
    values = []
    with np.errstate(all="ignore"):  # too large a rate overflows, which is what is to be seen
        for value in islice(losses(network, train, lr), steps):
            if not np.isfinite(value):
                break
            values.append(rounded(value))
        accuracy = cnnlib.evaluate(network, validation).accuracy
    return {"lr": lr, "loss": values, "accuracy": rounded(accuracy)}


def playback(images: int, steps: int) -> Iterator[dict]:
    """What training on so many images looks like, from the start to `steps` steps later."""
    network, (train, validation) = small_network(), digits()
    train = train[0][:images], train[1][:images]
    stops = set(np.geomspace(1, steps, FRAMES).round().astype(int).tolist())
    yield frame(network, 0, train, validation)
    for step, _ in enumerate(islice(losses(network, train, LEARNING_RATE), steps), 1):
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


def stack(blocks: int, residual: bool, seed: int) -> cnnlib.Sequential:
    """A convolution, pooling, blocks of two convolutions on 8 maps of 4x4, a dense layer."""
    rng = np.random.default_rng(seed)

    def conv(channels: int) -> list[cnnlib.Layer]:
        layer = cnnlib.Conv2d(channels, 8, 3, padding=1, bias=False, rng=rng)
        return [layer, cnnlib.BatchNorm2d(8)]

    layers = [*conv(1), cnnlib.ReLU(), cnnlib.MaxPool2d(2)]
    for _ in range(blocks):
        body = cnnlib.Sequential(*conv(8), cnnlib.ReLU(), *conv(8))
        layers += [cnnlib.Residual(body) if residual else body, cnnlib.ReLU()]
    dense = cnnlib.Linear(8, 10, rng=rng)
    return cnnlib.Sequential(*layers, cnnlib.GlobalAvgPool2d(), cnnlib.Flatten(), dense)


def depth_run(name: str, lr: float, seed: int, epochs: int = DEPTH_EPOCHS) -> dict:
    """Loss and validation accuracy of each epoch of one stack."""
    network = stack(*DEPTH_STACKS[name], seed)
    train, validation = ((x.astype(np.float32), labels) for x, labels in digits())
    history = cnnlib.fit(
        network, cnnlib.CrossEntropyLoss(), cnnlib.SGD(network.parameters(), lr, momentum=0.9),
        train, validation, epochs, batch_size=64, seed=seed, progress=False,
    )  # fmt: skip
    measured = {"loss": history.loss, "validation_accuracy": history.validation_accuracy}
    return {"name": name, "lr": lr, "seed": seed} | {k: rounded(v) for k, v in measured.items()}


def depth_record() -> dict:
    """Every stack with every learning rate and seed, and the processor's seconds for all."""
    start = time.process_time()
    choices = list(itertools.product(DEPTH_STACKS, DEPTH_RATES, DEPTH_SEEDS))
    runs = [depth_run(*choice) for choice in tqdm(choices, "depth")]
    return settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), MaxPool2d(2), blocks of two Conv2d(8, 8, 3, "
        "padding=1), each with BatchNorm2d and ReLU; GlobalAvgPool2d, Flatten, Linear(8, 10)",
        "optimizer": "SGD, momentum 0.9",
        "batch_size": 64,
        "seed": list(DEPTH_SEEDS),
        "dtype": "float32",
        "seconds": round(time.process_time() - start),
        "runs": runs,
    }


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


def write(path: Path, record: dict) -> None:
    """Replace the file in one step, so that it is whole even after an interruption."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(record, separators=(",", ":")) + "\n", "utf-8")
    os.replace(partial, path)


def main(folder: Path) -> None:
    """Record all runs."""
    steps = LEARNING_RATE_EPOCHS * -(-TRAIN // BATCH_SIZE)
    rates = [learning_rate_run(lr, steps) for lr in tqdm(LEARNING_RATES, "learning rates")]
    write(folder / "learning_rate.json", settings() | {"steps": steps, "runs": rates})

    _, (images, labels) = digits()
    runs = []
    for name, (count, steps) in RUNS.items():
        frames = list(tqdm(playback(count, steps), name, FRAMES))
        runs.append({"name": name, "images": count, "frames": frames})
    shown = {
        "images": (images[:SHOWN, 0] * 16).astype(int).tolist(),
        "labels": labels[:SHOWN].tolist(),
    }
    write(
        folder / "training.json", settings() | {"lr": LEARNING_RATE, "shown": shown, "runs": runs}
    )
    write(folder / "depth.json", depth_record())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets")
