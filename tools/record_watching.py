"""Train with clipped gradients, with one broken image, and with a warm-up: what each one saves.

    python -m tools.record_watching [folder]

Writes watching.json into the folder, `assets` unless another is named. Takes two minutes.
"""

from itertools import product

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import Data, rounded

EPOCHS = 6
SEEDS = range(5)
MAX_NORMS = (None, 5, 1, 0.3)
RATES = {False: (0.1, 0.3, 1, 3, 10), True: (0.1, 0.3)}  # without a broken image, and with one
WARM = {"Adam": (0.01, 0.03, 0.1), "SGD": (1, 2)}
STEPS = (0, 41, 123)  # of the warm-up: none, one epoch, three
FAR = 1e9  # no gradient is clipped
OPTIMIZERS = {"SGD": cnnlib.SGD, "Adam": cnnlib.Adam}


def images(broken: bool, seed: int) -> Data:
    """The training images; of one the pixels go from 0 to 255 where it is to be broken."""
    pixels, labels = recording.digits()[0]
    if broken:
        pixels = pixels.copy()
        pixels[np.random.default_rng([seed, 255]).integers(len(pixels))] *= 255
    return pixels, labels


def watched_run(
    optimizer: str, lr: float, seed: int, max_norm: float | None = None, broken: bool = False,
    warm: int = 0,
) -> dict:  # fmt: skip
    """One training: wrong answers in validation, lengths of gradients, filters that are dead.

    max_norm: clips the gradients. warm: so many steps in which the rate rises in a straight line.
    """
    model, loss = recording.network((8,), seed), cnnlib.CrossEntropyLoss()
    train, validation = images(broken, seed), recording.digits()[1]
    steps = OPTIMIZERS[optimizer](model.parameters(), lr)
    norms = []
    for epoch in range(EPOCHS):
        order = np.random.default_rng([seed, epoch])
        for x, target in cnnlib.batches(*train, recording.BATCH_SIZE, rng=order):
            steps.lr = lr * min(1, (len(norms) + 1) / (warm or 1))
            steps.zero_grad()
            loss(model.forward(x), target)
            model.backward_parameters(loss.backward())
            limit = FAR if max_norm is None else max_norm
            norms.append(cnnlib.clip_grad_norm(model.parameters(), limit))
            steps.step()
    maps = model[1].forward(model[0].forward(validation[0]))
    return {
        "wrong": recording.wrong(cnnlib.evaluate(model, validation)),
        "median": rounded(np.median(norms), 2),
        "largest": rounded(max(norms), 2),
        "clipped": 0 if max_norm is None else rounded(np.mean(np.array(norms) > max_norm), 3),
        "dead": int((maps.max(axis=(0, 2, 3)) == 0).sum()),
    }


def make(runs: recording.Runs) -> dict:
    """All trainings, each with every seed."""
    clipped = [
        {
            "lr": lr,
            "max_norm": max_norm,
            "broken": broken,
            "seeds": [runs(watched_run, "SGD", lr, s, max_norm, broken) for s in SEEDS],
        }
        for broken, rates in RATES.items()
        for lr, max_norm in tqdm(list(product(rates, MAX_NORMS)), "clipped")
    ]
    warmed = [
        {
            "optimizer": name,
            "lr": lr,
            "warm": warm,
            "seeds": [runs(watched_run, name, lr, s, None, False, warm) for s in SEEDS],
        }
        for name, rates in WARM.items()
        for lr, warm in tqdm(list(product(rates, STEPS)), "warm-up")
    ]
    return recording.settings() | {
        "epochs": EPOCHS,
        "seed": list(SEEDS),
        "clipped": clipped,
        "warmed": warmed,
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("watching", make)
