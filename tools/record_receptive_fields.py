"""Measure how far networks see before and after they learn, with two kinds of layers at the end.

    python -m tools.record_receptive_fields [folder]

Writes receptive_fields.json into the folder, `assets` unless another is named. Takes three minutes.
"""

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import Data, rounded

CHAPTER = recording.of_chapter("receptive_fields", "imports", "effective", "squared-slopes")
SEEDS = (0, 1, 2)
STACKS = {"plain": 11, "shortcuts": 11, "max pooling": 14}  # and the rows that each sees
ENDS = ("mean", "dense")
EPOCHS, LR = 10, 0.02
ASKED, DRAWS = 200, 5  # canvases and random signs of a measurement
SIDE = 16


def placed(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each digit at a random place of an empty canvas."""
    canvases = np.zeros((len(digits), 1, SIDE, SIDE))
    for canvas, digit in zip(canvases[:, 0], digits[:, 0], strict=True):
        row, column = rng.integers(0, SIDE - 7, 2)
        canvas[row : row + 8, column : column + 8] = digit
    return canvases


def convolution(inputs: int, rng: np.random.Generator) -> list[cnnlib.Layer]:
    """Eight 3x3 filters with Kaiming's weights, and their normalization."""
    layer = cnnlib.Conv2d(inputs, 8, 3, padding=1, bias=False, rng=rng, dtype=np.float64)
    layer.weight.data *= np.sqrt(6)
    return [layer, cnnlib.BatchNorm2d(8, dtype=np.float64)]


def stack(kind: str, seed: int) -> cnnlib.Sequential:
    """Five convolutions; with shortcuts around two and two, or four and a pooling in the middle."""
    rng = np.random.default_rng(seed)
    first, *others = (convolution(channels, rng) for channels in (1, 8, 8, 8, 8))
    if kind == "shortcuts":
        pairs = (others[:2], others[2:])
        bodies = (cnnlib.Sequential(*one, cnnlib.ReLU(), *other) for one, other in pairs)
        return cnnlib.Sequential(
            *first, *(layer for body in bodies for layer in (cnnlib.ReLU(), cnnlib.Residual(body)))
        )
    layers = [*first]
    for number, layer in enumerate(others[: 3 if kind == "max pooling" else 4]):
        pooled = kind == "max pooling" and number == 1
        layers += [cnnlib.ReLU(), *([cnnlib.MaxPool2d(2)] if pooled else []), *layer]
    return cnnlib.Sequential(*layers)


def with_end(body: cnnlib.Sequential, end: str, seed: int) -> cnnlib.Sequential:
    """The stack with the mean of each map, or with all places, before the dense layer."""
    with body.inference():
        maps = body(np.zeros((1, 1, SIDE, SIDE)))
    means = [cnnlib.GlobalAvgPool2d()] if end == "mean" else []
    inputs = maps.shape[1] if end == "mean" else maps.size
    rng = np.random.default_rng([seed, 1])
    dense = cnnlib.Linear(inputs, 10, rng=rng, dtype=np.float64)
    return cnnlib.Sequential(body, cnnlib.ReLU(), *means, cnnlib.Flatten(), dense)


def spread(field: np.ndarray) -> float:
    """The standard deviation of the weight's place, of rows and columns together."""
    variances = []
    for axis in (0, 1):
        weight, places = field.sum(axis) / field.sum(), np.arange(field.shape[1 - axis])
        variances.append(weight @ (places - weight @ places) ** 2)
    return float(np.sqrt(np.mean(variances)))


def see_once(body: cnnlib.Sequential, canvases: np.ndarray) -> None:
    """Give batch normalization the means and variances of these canvases, and learn nothing."""
    norms = [layer for _, layer in body.layers() if isinstance(layer, cnnlib.BatchNorm2d)]
    usual = norms[0].momentum
    for norm in norms:
        norm.momentum = 1.0
    body.train()(canvases)
    for norm in norms:
        norm.momentum = usual


def measured(body: cnnlib.Sequential, canvases: np.ndarray, seed: int) -> dict:
    """The effective size of a stack, and the spread of its weight, as the chapter asks for them."""
    body.eval()
    rngs = (np.random.default_rng([seed, draw]) for draw in range(DRAWS))
    field = CHAPTER.cut(np.mean([CHAPTER.squared_slopes(body, canvases, r) for r in rngs], axis=0))
    return {
        "sees": len(field),
        "rows": CHAPTER.effective_size(field),
        "sigma": rounded(spread(field), 2),
    }


def data() -> tuple[Data, Data]:
    """Digits to learn from, and canvases with the others to be asked about."""
    known, (images, labels) = recording.digits()
    return known, (placed(images, np.random.default_rng(9)), labels)


def learned(kind: str, end: str, seed: int, epochs: int = EPOCHS) -> dict:
    """One network before and after its training, and the canvases that it then reads wrong."""
    known, asked = data()
    body = stack(kind, seed)
    network = with_end(body, end, seed)
    see_once(body, asked[0][:ASKED])
    before = measured(body, asked[0][:ASKED], seed)
    optimizer = cnnlib.AdamW(network.parameters(), LR)
    steps = epochs * -(-len(known[0]) // recording.BATCH_SIZE)
    cnnlib.fit(
        network.train(), cnnlib.CrossEntropyLoss(), optimizer, known, epochs=epochs,
        batch_size=recording.BATCH_SIZE, seed=seed, augment=placed, progress=False,
        schedule=cnnlib.OneCycleLR(optimizer, LR, steps),
    )  # fmt: skip
    wrong = recording.wrong(cnnlib.evaluate(network.eval(), asked))
    after = measured(body, asked[0][:ASKED], seed)
    return {"seed": seed, "before": before, "after": after, "wrong": wrong}


def make(runs: recording.Runs) -> dict:
    """Each stack with each end, before and after learning, with every seed."""
    with threadpool_limits(1):
        found = [
            {"stack": kind, "end": end, "runs": [runs(learned, kind, end, s) for s in SEEDS]}
            for kind in tqdm(STACKS)
            for end in ENDS
        ]
    known, asked = data()
    return recording.settings() | {
        "network": "five Conv2d(8, 3, padding=1) with BatchNorm2d and ReLU between them, plain, "
        "with shortcuts around two and two, or four with MaxPool2d(2) in the middle; ReLU; "
        "GlobalAvgPool2d or nothing; Flatten, Linear(10)",
        "optimizer": "AdamW, OneCycleLR",
        "lr": LR,
        "epochs": EPOCHS,
        "seed": list(SEEDS),
        "images": {"train": len(known[0]), "test": len(asked[0]), "asked": ASKED},
        "runs": found,
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("receptive_fields", make)
