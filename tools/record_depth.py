"""Train stacks of 8 and 24 layers, plain and with shortcuts.

    python -m tools.record_depth [folder]

Writes depth.json into the folder, `assets` unless another is named. Takes minutes.
"""

import itertools

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording

STACKS = {  # blocks of two convolutions, and whether each has a way around it
    "plain, 8 layers": (3, False),
    "plain, 24 layers": (11, False),
    "residual, 24 layers": (11, True),
}
RATES = (0.01, 0.03, 0.1)
SEEDS = (0, 1, 2, 3, 4)
EPOCHS = 15


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


def depth_run(name: str, lr: float, seed: int, epochs: int = EPOCHS) -> dict:
    """Loss and validation accuracy of each epoch of one stack."""
    network = stack(*STACKS[name], seed)
    train, validation = ((x.astype(np.float32), labels) for x, labels in recording.digits())
    history = cnnlib.fit(
        network, cnnlib.CrossEntropyLoss(), cnnlib.SGD(network.parameters(), lr, momentum=0.9),
        train, validation, epochs, batch_size=64, seed=seed, progress=False,
    )  # fmt: skip
    measured = {"loss": history.loss, "validation_accuracy": history.validation_accuracy}
    rounded = {key: recording.rounded(values) for key, values in measured.items()}
    return {"name": name, "lr": lr, "seed": seed} | rounded


def make(runs: recording.Runs) -> dict:
    """Every stack with every learning rate and seed, and the processor's seconds for all."""
    choices = list(itertools.product(STACKS, RATES, SEEDS))
    stacks = [runs(depth_run, *choice) for choice in tqdm(choices, "depth")]
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), MaxPool2d(2), blocks of two Conv2d(8, 8, 3, "
        "padding=1), each with BatchNorm2d and ReLU; GlobalAvgPool2d, Flatten, Linear(8, 10)",
        "optimizer": "SGD, momentum 0.9",
        "batch_size": 64,
        "seed": list(SEEDS),
        "dtype": "float32",
        "seconds": runs.seconds,
        "runs": stacks,
    }


if __name__ == "__main__":
    recording.main("depth", make)
