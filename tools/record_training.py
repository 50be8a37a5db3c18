"""Train small networks on scikit-learn's digits and record what the chapters replay.

    python tools/record_training.py [folder [record ...]]

Writes learning_rate.json, training.json, digits.json, better_training.json and depth.json, or only
the records named, into the folder, `assets` unless another is named. The last two take minutes.
"""

import itertools
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

import cnnlib
from cnnlib.reproduce import replace

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

# The chapters digits and better_training cut three parts; the rest is the test set.
PARTS_SEED = 1
PARTS_TRAIN, PARTS_VALIDATION = 1197, 240
CANDIDATES = {
    "dense": ("Flatten, Linear(64, 64), ReLU, Linear(64, 10)", ()),
    "one convolution": ("Conv2d(1, 8, 3, padding=1), ReLU, MaxPool2d(2), Linear(128, 10)", (8,)),
    "two convolutions": (
        "Conv2d(1, 16, 3, padding=1), ReLU, Conv2d(16, 32, 3, padding=1), ReLU, MaxPool2d(2), "
        "Flatten, Linear(512, 10)",
        (16, 32),
    ),
}
DIGITS_SEEDS = range(5)
DIGITS_EPOCHS, DIGITS_BATCH, DIGITS_LR = 20, 64, 0.01  # the largest rate of one cycle

FEW = 300  # training images, so that there is something to overfit
FEW_SEEDS = range(6)
FEW_LR = 0.003
FEW_FILTERS = (8, 16)
STOPS = (1, 2, 4, 7, 12, 20, 40)  # epochs after which the losses are taken
ALL = {"batch_norm": True, "dropout": 0.5, "shift": 1, "weight_decay": 1}
VARIANTS = {
    "plain": {},
    **{f"dropout {p}": {"dropout": p} for p in (0.25, 0.5, 0.75)},
    "batch normalization": {"batch_norm": True},
    **{f"shifts up to {pixels}": {"shift": pixels} for pixels in (1, 2)},
    "mirrored": {"mirror": True},
    **{f"weight decay {decay}": {"weight_decay": decay} for decay in (0.1, 1, 10)},
    "all four": ALL,
    **{
        f"all but {name.replace('_', ' ')}": {k: v for k, v in ALL.items() if k != name}
        for name in ALL
    },
}
TESTED = ("plain", "all but shift")  # the best in validation; no other meets the test images
RATES = (0.01, 0.03, 0.1, 0.3, 1, 3)
RATES_SEEDS, RATES_EPOCHS = range(3), 8

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
    filters: tuple[int, ...], seed: int, batch_norm: bool = False, dropout: float = 0
) -> cnnlib.Sequential:
    """3x3 convolutions of so many filters, pooling and a dense layer; without any, two dense."""
    rng, float64 = np.random.default_rng(seed), np.float64
    layers, channels = [], 1
    for count in filters:
        layers.append(cnnlib.Conv2d(channels, count, 3, padding=1, rng=rng, dtype=float64))
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


def trained(name: str, seed: int, train: Data) -> cnnlib.Sequential:
    """A candidate, trained as in the chapter digits."""
    model = network(CANDIDATES[name][1], seed)
    optimizer = cnnlib.Adam(model.parameters())
    steps = DIGITS_EPOCHS * -(-len(train[0]) // DIGITS_BATCH)
    schedule = cnnlib.OneCycleLR(optimizer, DIGITS_LR, total_steps=steps)
    options = {"batch_size": DIGITS_BATCH, "seed": seed, "schedule": schedule, "progress": False}
    cnnlib.fit(model, cnnlib.CrossEntropyLoss(), optimizer, train, None, DIGITS_EPOCHS, **options)
    return model


def candidate(name: str, seed: int) -> dict:
    """What a candidate has learned from the training images, in validation."""
    train, validation, _ = parts()
    result = cnnlib.evaluate(trained(name, seed, train), validation)
    return {"seed": seed, "wrong": wrong(result), "loss": rounded(result.loss)}


def tested(name: str, seed: int, in_file_order: bool = False) -> dict:
    """What the chosen network says of the test images, having seen all others."""
    train, validation, test = parts()
    train = joined(train, validation)
    if in_file_order:
        images, labels = cnnlib.digits()
        images, count = images.astype(np.float64), len(train[0])
        train, test = (images[:count], labels[:count]), (images[count:], labels[count:])
    model = trained(name, seed, train)
    answers = model.forward(test[0]).argmax(axis=1)
    missed = np.flatnonzero(answers != test[1])
    return {
        "seed": seed,
        "wrong": wrong(cnnlib.evaluate(model, test)),
        "mistakes": [[int(i), int(answers[i])] for i in missed],  # place in the test set, answer
    }


def wrong(result: cnnlib.Evaluation) -> int:
    """How many images got a wrong answer."""
    return int(result.confusion.sum() - np.trace(result.confusion))


def few_images(seed: int) -> tuple[Data, Data]:
    """300 images to train, drawn with the seed from all but the test images; the others validate.

    Every variant gets the same images, first weights and order with the same seed.
    """
    images, labels = joined(*parts()[:2])
    order = np.random.default_rng([seed, FEW]).permutation(len(images))
    train, validation = order[:FEW], order[FEW:]
    return (images[train], labels[train]), (images[validation], labels[validation])


def variant_run(options: dict, seed: int, test: bool = False, stops: tuple = STOPS) -> dict:
    """One training on few images, with the losses of training and validation at each stop."""
    made_of = {key: value for key, value in options.items() if key in ("batch_norm", "dropout")}
    model, (train, validation) = network(FEW_FILTERS, seed, **made_of), few_images(seed)
    decay = options.get("weight_decay", 0)
    optimizer = cnnlib.AdamW(model.parameters(), FEW_LR, weight_decay=decay)
    losses = []
    for begin, end in pairwise((0, *stops)):
        cnnlib.fit(
            model, cnnlib.CrossEntropyLoss(), optimizer, train, epochs=end - begin,
            batch_size=BATCH_SIZE, seed=100 * seed + begin, augment=augmentation(options),
            progress=False,
        )  # fmt: skip
        results = [cnnlib.evaluate(model, data) for data in (train, validation)]
        losses.append([result.loss for result in results])
    run = {"seed": seed, "losses": losses, "wrong": [wrong(result) for result in results]}
    return run | ({"test": wrong(cnnlib.evaluate(model, parts()[2]))} if test else {})


def augmentation(options: dict) -> object:
    """The function that varies the training images, or None."""
    if options.get("mirror"):
        return cnnlib.random_flip
    pixels = options.get("shift")
    return pixels and (lambda images, rng: cnnlib.random_shift(images, rng, pixels))


def variant(name: str) -> dict:
    """All seeds of a variant: mistakes of each, and the losses at each stop, averaged."""
    options = VARIANTS[name]
    runs = [variant_run(options, seed, name in TESTED) for seed in FEW_SEEDS]
    keys = [key for key in ("wrong", "test") if key in runs[0]]
    return {
        "name": name,
        "settings": options,
        "loss": rounded(np.mean([run["losses"] for run in runs], axis=0)),
        "final_loss": rounded([run["losses"][-1] for run in runs]),
    } | {key: [run[key] for run in runs] for key in keys}


def rate_run(lr: float, batch_norm: bool, seed: int) -> int:
    """Mistakes in validation after a few epochs of plain gradient descent with this rate."""
    model, (train, validation) = network(FEW_FILTERS, seed, batch_norm), few_images(seed)
    optimizer, loss = cnnlib.SGD(model.parameters(), lr), cnnlib.CrossEntropyLoss()
    with np.errstate(all="ignore"):
        try:
            cnnlib.fit(
                model, loss, optimizer, train, epochs=RATES_EPOCHS, batch_size=BATCH_SIZE,
                seed=seed, progress=False,
            )  # fmt: skip
        except FloatingPointError:  # the loss is not finite any more
            pass
        return wrong(cnnlib.evaluate(model, validation))


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
    """Write the record into the file."""
    replace(path, (json.dumps(record, separators=(",", ":")) + "\n").encode())


def record_learning_rate() -> dict:
    """One run for each learning rate."""
    steps = LEARNING_RATE_EPOCHS * -(-TRAIN // BATCH_SIZE)
    rates = [learning_rate_run(lr, steps) for lr in tqdm(LEARNING_RATES, "learning rates")]
    return settings() | {"steps": steps, "runs": rates}


def record_training() -> dict:
    """The two runs that are played back."""
    _, (images, labels) = digits()
    runs = []
    for name, (count, steps) in RUNS.items():
        frames = list(tqdm(playback(count, steps), name, FRAMES))
        runs.append({"name": name, "images": count, "frames": frames})
    shown = {
        "images": (images[:SHOWN, 0] * 16).astype(int).tolist(),
        "labels": labels[:SHOWN].tolist(),
    }
    return settings() | {"lr": LEARNING_RATE, "shown": shown, "runs": runs}


def record_digits() -> dict:
    """The candidates in validation, and the chosen one on the test images."""
    begin, chosen = time.process_time(), "two convolutions"
    candidates = [
        {"name": name, "network": made_of, "runs": [candidate(name, s) for s in DIGITS_SEEDS]}
        for name, (made_of, _) in tqdm(CANDIDATES.items(), "candidates")
    ]
    best = min(candidates, key=lambda c: sum(run["wrong"] for run in c["runs"]))
    if best["name"] != chosen:
        raise RuntimeError(f"validation prefers {best['name']}; the chapter uses {chosen}")
    return (
        settings()
        | {
            "network": CANDIDATES[chosen][0],
            "optimizer": "Adam, OneCycleLR",
            "lr": DIGITS_LR,
            "batch_size": DIGITS_BATCH,
            "epochs": DIGITS_EPOCHS,
            "seed": list(DIGITS_SEEDS),
        }
        | {"images": dict(zip(("train", "validation", "test"), map(len, images()), strict=True))}
        | {"candidates": candidates}
        | {"test": [tested(chosen, seed) for seed in tqdm(DIGITS_SEEDS, "test")]}
        | {"in_file_order": [tested(chosen, s, True) for s in tqdm(DIGITS_SEEDS, "file order")]}
        | {"seconds": round(time.process_time() - begin)}
    )


def record_better_training() -> dict:
    """All variants, and learning rates with and without batch normalization."""
    begin = time.process_time()
    train, validation, test = images()
    variants = [variant(name) for name in tqdm(VARIANTS, "variants")]
    rates = [
        {"lr": lr, "wrong": [[rate_run(lr, bn, s) for s in RATES_SEEDS] for bn in (False, True)]}
        for lr in tqdm(RATES, "rates, without and with batch normalization")
    ]
    return settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), ReLU, Conv2d(8, 16, 3, padding=1), ReLU, "
        "MaxPool2d(2), Flatten, Linear(256, 10)",
        "optimizer": "AdamW",
        "lr": FEW_LR,
        "seed": list(FEW_SEEDS),
        "images": {
            "train": FEW,
            "validation": len(train) + len(validation) - FEW,
            "test": len(test),
        },
        "stops": STOPS,
        "variants": variants,
        "rates": {"epochs": RATES_EPOCHS, "optimizer": "SGD", "runs": rates},
        "seconds": round(time.process_time() - begin),
    }


def record_depth() -> dict:
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


def images() -> list[np.ndarray]:
    """The images of each of the three parts."""
    return [images for images, _ in parts()]


RECORDS = {
    "learning_rate": record_learning_rate,
    "training": record_training,
    "digits": record_digits,
    "better_training": record_better_training,
    "depth": record_depth,
}


def main(folder: Path, names: list[str]) -> None:
    """Record all runs, or those named."""
    for name in names or RECORDS:
        write(folder / f"{name}.json", RECORDS[name]())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "assets", sys.argv[2:])
