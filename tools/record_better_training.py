"""Train on few images with each remedy, and with learning rates from small to absurd.

    python -m tools.record_better_training [folder]

Writes better_training.json into the folder, `assets` unless another is named. Takes minutes.
"""

from itertools import pairwise, product

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import Data

FEW = 300  # training images, so that there is something to overfit
SEEDS = range(6)
LR = 0.003
FILTERS = (8, 16)
STOPS = (1, 2, 4, 7, 12, 20, 40)  # epochs after which the losses are taken
ALL = {"batch_norm": True, "dropout": 0.5, "shift": 1, "weight_decay": 1}
VARIANTS = {
    "plain": {},
    "Kaiming": {"kaiming": True},
    **{f"dropout {p}": {"dropout": p} for p in (0.25, 0.5, 0.75)},
    "batch normalization": {"batch_norm": True},
    "batch norm, Kaiming": {"batch_norm": True, "kaiming": True},
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
RATES_SEEDS, RATES_STOPS = range(3), (8, 24)


def few_images(seed: int) -> tuple[Data, Data]:
    """300 images to train, drawn with the seed from all but the test images; the others validate.

    Every variant gets the same images, first weights and order with the same seed.
    """
    images, labels = recording.joined(*recording.parts()[:2])
    order = np.random.default_rng([seed, FEW]).permutation(len(images))
    train, validation = order[:FEW], order[FEW:]
    return (images[train], labels[train]), (images[validation], labels[validation])


def variant_run(options: dict, seed: int, test: bool = False, stops: tuple = STOPS) -> dict:
    """One training on few images, with the losses of training and validation at each stop."""
    made_of = {key: options[key] for key in ("batch_norm", "dropout", "kaiming") if key in options}
    model, (train, validation) = recording.network(FILTERS, seed, **made_of), few_images(seed)
    decay = options.get("weight_decay", 0)
    optimizer = cnnlib.AdamW(model.parameters(), LR, weight_decay=decay)
    losses = []
    for begin, end in pairwise((0, *stops)):
        cnnlib.fit(
            model, cnnlib.CrossEntropyLoss(), optimizer, train, epochs=end - begin,
            batch_size=recording.BATCH_SIZE, seed=100 * seed + begin, augment=augmentation(options),
            progress=False,
        )  # fmt: skip
        results = [cnnlib.evaluate(model, data) for data in (train, validation)]
        losses.append([result.loss for result in results])
    run = {"seed": seed, "losses": losses, "wrong": [recording.wrong(result) for result in results]}
    if test:
        run["test"] = recording.wrong(cnnlib.evaluate(model, recording.parts()[2]))
    return run


def augmentation(options: dict) -> object:
    """The function that varies the training images, or None."""
    if options.get("mirror"):
        return cnnlib.random_flip
    pixels = options.get("shift")
    return pixels and (lambda images, rng: cnnlib.random_shift(images, rng, pixels))


def variant(name: str, of_seeds: list[dict]) -> dict:
    """All seeds of a variant: mistakes of each, and the losses at each stop, averaged."""
    keys = [key for key in ("wrong", "test") if key in of_seeds[0]]
    return {
        "name": name,
        "settings": VARIANTS[name],
        "loss": recording.rounded(np.mean([run["losses"] for run in of_seeds], axis=0)),
        "final_loss": recording.rounded([run["losses"][-1] for run in of_seeds]),
    } | {key: [run[key] for run in of_seeds] for key in keys}


def rate_run(lr: float, batch_norm: bool, kaiming: bool, seed: int) -> list[int]:
    """Mistakes in validation at each stop of plain gradient descent with this rate."""
    model = recording.network(FILTERS, seed, batch_norm, kaiming=kaiming)
    train, validation = few_images(seed)
    optimizer, loss = cnnlib.SGD(model.parameters(), lr), cnnlib.CrossEntropyLoss()
    mistakes = []
    for begin, end in pairwise((0, *RATES_STOPS)):
        with np.errstate(all="ignore"):
            try:
                cnnlib.fit(
                    model, loss, optimizer, train, epochs=end - begin,
                    batch_size=recording.BATCH_SIZE, seed=seed + 100 * begin, progress=False,
                )  # fmt: skip
            except FloatingPointError:  # the loss is not finite any more
                pass
            mistakes.append(recording.wrong(cnnlib.evaluate(model, validation)))
    return mistakes


def make(runs: recording.Runs) -> dict:
    """All variants, and learning rates with and without batch normalization."""
    sizes = recording.part_sizes()
    variants = [
        variant(name, [runs(variant_run, options, seed, name in TESTED) for seed in SEEDS])
        for name, options in tqdm(VARIANTS.items(), "variants")
    ]
    choices = list(product((False, True), (False, True), RATES))
    rates = [
        {
            "batch_norm": batch_norm,
            "kaiming": kaiming,
            "lr": lr,
            "wrong": [runs(rate_run, lr, batch_norm, kaiming, seed) for seed in RATES_SEEDS],
        }
        for batch_norm, kaiming, lr in tqdm(choices, "rates")
    ]
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), ReLU, Conv2d(8, 16, 3, padding=1), ReLU, "
        "MaxPool2d(2), Flatten, Linear(256, 10)",
        "optimizer": "AdamW",
        "lr": LR,
        "seed": list(SEEDS),
        "images": {
            "train": FEW,
            "validation": sizes["train"] + sizes["validation"] - FEW,
            "test": sizes["test"],
        },
        "stops": STOPS,
        "variants": variants,
        "rates": {"stops": RATES_STOPS, "optimizer": "SGD", "runs": rates},
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("better_training", make)
