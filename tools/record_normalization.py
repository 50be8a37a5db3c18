"""Train with three normalizations and batches of 2 to 32, and measure how far a slope holds.

    python -m tools.record_normalization [folder]

Writes normalization.json into the folder, `assets` unless another is named. Takes half an hour.
"""

from itertools import product

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import rounded

FEW = 500  # of the training images
KINDS = ("none", "batch", "group")
BATCH_SIZES = (2, 4, 8, 32)
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1)  # chosen by the validation loss with SEARCH_SEED
EPOCHS = 10
# For the network that ends in maps of one pixel: batch sizes and the rates that are tried.
PIXEL_RATES, PIXEL_EPOCHS = {2: (0.01, 0.03), 32: (0.03, 0.1)}, 5
SEARCH_SEED, SEEDS = 3, (0, 1, 2)

SLOPE_KINDS = ("none", "batch", "batch, shifted")
SLOPE_RATES = (0.1,)
SLOPE_EPOCHS, SLOPE_BATCH, EVERY = 3, 32, 4
PROMISES = (0.1, 0.5)  # parts of the loss
MULTIPLES = (0.5, 1, 2, 4)  # of the learning rate


class Shift(cnnlib.Layer):
    """While training, scales and shifts each channel by numbers that `renew` draws.

    As Santurkar et al. (2018), section 2.1, disturb what batch normalization has put in place.
    """

    def __init__(self, channels: int) -> None:
        self.scale, self.shift = np.ones((channels, 1, 1)), np.zeros((channels, 1, 1))

    def renew(self, rng: np.random.Generator) -> None:
        """Draw other numbers: a scale from 1 to 1.25, a shift from -0.5 to 0.5."""
        self.scale = rng.uniform(1, 1.25, self.scale.shape)
        self.shift = rng.uniform(-0.5, 0.5, self.shift.shape)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """x of shape (N, C, H, W); in evaluation as it is."""
        return x * self.scale + self.shift if self.training else x

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        """The gradient for x."""
        return grad_output * self.scale if self.training else grad_output


def network(kind: str, seed: int, to_pixels: bool = False) -> cnnlib.Sequential:
    """Three convolutions with a normalization behind each, and a dense layer: Kaiming's weights.

    to_pixels: a fourth convolution makes maps of one pixel, and is normalized as well.
    """
    rng, float64 = np.random.default_rng(seed), np.float64

    def convolution(inputs: int, filters: int, size: int = 3) -> list[cnnlib.Layer]:
        padding = size // 2 if size % 2 else 0
        layer = cnnlib.Conv2d(inputs, filters, size, padding=padding, rng=rng, dtype=float64)
        layer.weight.data *= np.sqrt(6)
        norms = {
            "none": [],
            "batch": [cnnlib.BatchNorm2d(filters, dtype=float64)],
            "batch, shifted": [cnnlib.BatchNorm2d(filters, dtype=float64), Shift(filters)],
            "group": [cnnlib.GroupNorm(filters // 4, filters, dtype=float64)],
        }
        return [layer, *norms[kind], cnnlib.ReLU()]

    return cnnlib.Sequential(
        *(*convolution(1, 8), *convolution(8, 16), cnnlib.MaxPool2d(2)),
        *(*convolution(16, 16), cnnlib.MaxPool2d(2)),
        *(convolution(16, 32, size=2) if to_pixels else []),
        *(cnnlib.Flatten(), cnnlib.Linear(32 if to_pixels else 64, 10, rng=rng, dtype=float64)),
    )


def few_images() -> recording.Data:
    """The first of the training images."""
    images, labels = recording.parts()[0]
    return images[:FEW], labels[:FEW]


def loss_in_training_mode(model: cnnlib.Sequential, batch_size: int) -> float:
    """The mean loss of the training images, each in a batch as in training."""
    loss, losses = cnnlib.CrossEntropyLoss(), []
    for x, target in cnnlib.batches(*few_images(), batch_size, rng=np.random.default_rng(0)):
        losses.append(float(loss(model(x), target)) * len(x))
    return sum(losses) / FEW


def batch_run(
    kind: str, batch_size: int, lr: float, seed: int, to_pixels: bool, epochs: int | None = None
) -> dict:
    """One training: losses of the training images in both modes, of validation, and mistakes.

    None where the loss stopped being a number.
    """
    model, (_, validation, test) = network(kind, seed, to_pixels), recording.parts()
    epochs = epochs or (PIXEL_EPOCHS if to_pixels else EPOCHS)
    try:
        with np.errstate(all="ignore"):
            cnnlib.fit(
                model, cnnlib.CrossEntropyLoss(), cnnlib.SGD(model.parameters(), lr),
                few_images(), epochs=epochs, batch_size=batch_size, seed=seed, progress=False,
            )  # fmt: skip
            results = [cnnlib.evaluate(model, data) for data in (few_images(), validation, test)]
    except FloatingPointError:
        return {"lr": lr, "loss": None}
    return {
        "lr": lr,
        "loss": rounded([result.loss for result in results[:2]]),
        "wrong": recording.wrong(results[1]),
        "test": recording.wrong(results[2]),
        "in_training": rounded(loss_in_training_mode(model, batch_size)),
    }


def best(tried: list[dict]) -> float:
    """The rate with the lowest validation loss."""
    return min((run for run in tried if run["loss"]), key=lambda run: run["loss"][1])["lr"]


def loss_at(model: cnnlib.Sequential, batch: recording.Data, moved: float = 0) -> float:
    """The loss of a batch after a step of that length along the gradients; the step is undone."""
    parameters = model.parameters()
    before = [parameter.data for parameter in parameters]
    for parameter in parameters if moved else ():
        parameter.data = parameter.data - moved * parameter.grad
    value = float(cnnlib.CrossEntropyLoss()(model(batch[0]), batch[1]))
    for parameter, data in zip(parameters, before, strict=True):
        parameter.data = data
    return value


def slope_run(kind: str, lr: float, seed: int, epochs: int = SLOPE_EPOCHS) -> dict:
    """One training, and on the way how the loss changes along the gradient.

    `kept`: for each promise, which part of it a step kept; `range`: largest minus smallest loss
    at some multiples of the rate; `loss`: the mean of each epoch.
    """
    model, loss = network(kind, seed), cnnlib.CrossEntropyLoss()
    shifts = [layer for layer in model if isinstance(layer, Shift)]
    drawn = np.random.default_rng([seed, 1])
    optimizer = cnnlib.SGD(model.parameters(), lr)
    kept, ranges, losses = [], [], []
    for epoch in range(epochs):
        losses.append([])
        cut = cnnlib.batches(*few_images(), SLOPE_BATCH, rng=np.random.default_rng([seed, epoch]))
        for batch in cut:
            optimizer.zero_grad()
            for shift in shifts:
                shift.renew(drawn)
            value = float(loss(model(batch[0]), batch[1]))
            model.backward(loss.backward())
            losses[-1].append(value)
            if len(losses[-1]) % EVERY == 1:
                square = sum((p.grad**2).sum() for p in model.parameters())
                drops = [value - loss_at(model, batch, part * value / square) for part in PROMISES]
                kept.append([d / (p * value) for d, p in zip(drops, PROMISES, strict=True)])
                along = [loss_at(model, batch, multiple * lr) for multiple in MULTIPLES]
                ranges.append(max(along) - min(along))
            optimizer.step()
    return {
        "loss": rounded([np.mean(of) for of in losses]),
        "kept": rounded(np.median(kept, axis=0)),
        "range": rounded(np.median(ranges)),
    }


def make(runs: recording.Runs) -> dict:
    """For each kind and batch size a search for the rate and three seeds; then the slopes."""
    batches, slopes = [], []
    choices = [(False, size, RATES) for size in BATCH_SIZES]
    choices += [(True, size, rates) for size, rates in PIXEL_RATES.items()]
    for (to_pixels, size, rates), kind in tqdm(list(product(choices, KINDS)), "batches"):
        tried = [runs(batch_run, kind, size, lr, SEARCH_SEED, to_pixels) for lr in rates]
        lr = best(tried)
        of_seeds = [runs(batch_run, kind, size, lr, seed, to_pixels) for seed in SEEDS]
        search = [{"lr": run["lr"], "loss": run["loss"] and run["loss"][1]} for run in tried]
        choice = {"kind": kind, "batch_size": size, "to_pixels": to_pixels, "lr": lr}
        batches.append(choice | {"search": search, "runs": of_seeds})
    for kind in tqdm(SLOPE_KINDS, "slopes"):
        for lr in SLOPE_RATES:
            of_seeds = [runs(slope_run, kind, lr, seed) for seed in SEEDS]
            slopes.append({"kind": kind, "lr": lr, "runs": of_seeds})
    sizes = recording.part_sizes()
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), Conv2d(8, 16, 3, padding=1), MaxPool2d(2), "
        "Conv2d(16, 16, 3, padding=1), MaxPool2d(2), Flatten, Linear(64, 10); behind each "
        "convolution the normalization and ReLU",
        "to_pixels": "Conv2d(16, 32, 2) before Flatten, and Linear(32, 10)",
        "batch_size": list(BATCH_SIZES),
        "seed": list(SEEDS),
        "search_seed": SEARCH_SEED,
        "images": sizes | {"train": FEW},
        "epochs": {"maps": EPOCHS, "pixels": PIXEL_EPOCHS},
        "seconds": runs.seconds,
        "runs": batches,
        "slopes": {
            "batch_size": SLOPE_BATCH,
            "epochs": SLOPE_EPOCHS,
            "promises": PROMISES,
            "multiples": MULTIPLES,
            "runs": slopes,
        },
    }


if __name__ == "__main__":
    recording.main("normalization", make)
