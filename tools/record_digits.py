"""Train three candidates on the digits, show the best one the test images, and move these.

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
MOVES = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
ENDINGS = ("dense layer", "largest of each map")
CHAPTER = recording.of_chapter("digits", "imports", "cell-24")
SEEDS = range(5)
EPOCHS, BATCH, LR = 20, 64, 0.01  # the largest rate of one cycle


def trained(model: cnnlib.Sequential, seed: int, train: recording.Data) -> cnnlib.Sequential:
    """The network, trained as in the chapter digits."""
    optimizer = cnnlib.Adam(model.parameters())
    steps = EPOCHS * -(-len(train[0]) // BATCH)
    schedule = cnnlib.OneCycleLR(optimizer, LR, total_steps=steps)
    options = {"batch_size": BATCH, "seed": seed, "schedule": schedule, "progress": False}
    cnnlib.fit(model, cnnlib.CrossEntropyLoss(), optimizer, train, None, EPOCHS, **options)
    return model


def untrained(name: str, seed: int) -> cnnlib.Sequential:
    """A candidate before training."""
    return recording.network(CANDIDATES[name][1], seed)


def candidate(name: str, seed: int) -> dict:
    """What a candidate has learned from the training images, in validation."""
    train, validation, _ = recording.parts()
    result = cnnlib.evaluate(trained(untrained(name, seed), seed, train), validation)
    return {"seed": seed, "wrong": recording.wrong(result), "loss": recording.rounded(result.loss)}


def tested(name: str, seed: int, in_file_order: bool = False) -> dict:
    """What the chosen network says of the test images, having seen all others."""
    train, validation, test = recording.parts()
    train = recording.joined(train, validation)
    if in_file_order:
        images, labels = cnnlib.digits()
        images, count = images.astype(np.float64), len(train[0])
        train, test = (images[:count], labels[:count]), (images[count:], labels[count:])
    model = trained(untrained(name, seed), seed, train)
    answers = model.forward(test[0]).argmax(axis=1)
    missed = np.flatnonzero(answers != test[1])
    return {
        "seed": seed,
        "wrong": recording.wrong(cnnlib.evaluate(model, test)),
        "mistakes": [[int(i), int(answers[i])] for i in missed],  # place in the test set, answer
    }


def shifted(ending: str, seed: int) -> dict:
    """Mistakes on the test images, as they are and moved, of the chosen network.

    With the largest number of each map in place of all numbers they are also moved in a frame of
    12x12, in which no ink is cut off.
    """
    train, validation, test = recording.parts()
    model = untrained("two convolutions", seed)
    if ending == "largest of each map":
        dense = cnnlib.Linear(32, 10, rng=np.random.default_rng([seed, 1]), dtype=np.float64)
        model = cnnlib.Sequential(
            *list(model)[:5], cnnlib.GlobalMaxPool2d(), cnnlib.Flatten(), dense
        )
    trained(model, seed, recording.joined(train, validation))
    asked = {"as they are": test[0]}
    asked |= {name: CHAPTER.moved(test[0], *move) for name, move in MOVES.items()}
    if ending == "largest of each map":
        framed = np.pad(test[0], ((0, 0), (0, 0), (2, 2), (2, 2)))
        for name, (rows, columns) in MOVES.items():
            asked[f"{name}, with room"] = np.roll(framed, (rows, columns), (2, 3))
    results = {name: cnnlib.evaluate(model, (images, test[1])) for name, images in asked.items()}
    return {"seed": seed} | {name: recording.wrong(result) for name, result in results.items()}


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
        "shifts": [
            {"ending": ending, "runs": [runs(shifted, ending, seed) for seed in SEEDS]}
            for ending in tqdm(ENDINGS, "shifts")
        ],
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("digits", make)
