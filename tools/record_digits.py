"""Train three candidates on the digits, and show the best one the test images.

    python -m tools.record_digits [folder]

Writes digits.json into the folder, `assets` unless another is named. Takes a minute.
"""

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording

CANDIDATES = {
    "dense": ("Flatten, Linear(64, 64), ReLU, Linear(64, 10)", ()),
    "one convolution": ("Conv2d(1, 8, 3, padding=1), ReLU, MaxPool2d(2), Linear(128, 10)", (8,)),
    "two convolutions": (
        "Conv2d(1, 16, 3, padding=1), ReLU, Conv2d(16, 32, 3, padding=1), ReLU, MaxPool2d(2), "
        "Flatten, Linear(512, 10)",
        (16, 32),
    ),
}
SEEDS = range(5)
EPOCHS, BATCH, LR = 20, 64, 0.01  # the largest rate of one cycle


def trained(name: str, seed: int, train: recording.Data) -> cnnlib.Sequential:
    """A candidate, trained as in the chapter digits."""
    model = recording.network(CANDIDATES[name][1], seed)
    optimizer = cnnlib.Adam(model.parameters())
    steps = EPOCHS * -(-len(train[0]) // BATCH)
    schedule = cnnlib.OneCycleLR(optimizer, LR, total_steps=steps)
    options = {"batch_size": BATCH, "seed": seed, "schedule": schedule, "progress": False}
    cnnlib.fit(model, cnnlib.CrossEntropyLoss(), optimizer, train, None, EPOCHS, **options)
    return model


def candidate(name: str, seed: int) -> dict:
    """What a candidate has learned from the training images, in validation."""
    train, validation, _ = recording.parts()
    result = cnnlib.evaluate(trained(name, seed, train), validation)
    return {"seed": seed, "wrong": recording.wrong(result), "loss": recording.rounded(result.loss)}


def tested(name: str, seed: int, in_file_order: bool = False) -> dict:
    """What the chosen network says of the test images, having seen all others."""
    train, validation, test = recording.parts()
    train = recording.joined(train, validation)
    if in_file_order:
        images, labels = cnnlib.digits()
        images, count = images.astype(np.float64), len(train[0])
        train, test = (images[:count], labels[:count]), (images[count:], labels[count:])
    model = trained(name, seed, train)
    answers = model.forward(test[0]).argmax(axis=1)
    missed = np.flatnonzero(answers != test[1])
    return {
        "seed": seed,
        "wrong": recording.wrong(cnnlib.evaluate(model, test)),
        "mistakes": [[int(i), int(answers[i])] for i in missed],  # place in the test set, answer
    }


def make(runs: recording.Runs) -> dict:
    """The candidates in validation, and the chosen one on the test images."""
    chosen = "two convolutions"
    candidates = [
        {"name": name, "network": made_of, "runs": [runs(candidate, name, s) for s in SEEDS]}
        for name, (made_of, _) in tqdm(CANDIDATES.items(), "candidates")
    ]
    best = min(candidates, key=lambda c: sum(run["wrong"] for run in c["runs"]))
    if best["name"] != chosen:
        raise RuntimeError(f"validation prefers {best['name']}; the chapter uses {chosen}")
    return recording.settings() | {
        "network": CANDIDATES[chosen][0],
        "optimizer": "Adam, OneCycleLR",
        "lr": LR,
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "seed": list(SEEDS),
        "images": recording.part_sizes(),
        "candidates": candidates,
        "test": [runs(tested, chosen, seed) for seed in tqdm(SEEDS, "test")],
        "in_file_order": [runs(tested, chosen, seed, True) for seed in tqdm(SEEDS, "file order")],
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("digits", make)
