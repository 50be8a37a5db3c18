"""Measure how far batches are off, how batch size and rate go together, what more images bring.

    CNNLIB_DATA=folder python -m tools.record_gradient_noise [folder]

Writes gradient_noise.json into the folder, `assets` unless another is named. Takes five
minutes.
"""

import numpy as np
from tqdm import tqdm

import cnnlib
from tools import recording
from tools.recording import Data, rounded

SEEDS = (0, 1, 2)
DRAWS = 100
BATCHES = (8, 32, 128, 512)  # whose cosines are measured
EPOCHS = {"digits": (0, 1, 3, 10, 30), "MNIST": (0, 1)}  # after which, with batches of 32

TARGET, LIMIT = 0.2, 40  # a loss, and the epochs that a training has to reach it
GUESSING, PATIENCE = 2.2, 10  # a loss above this after so many epochs: the training is ended
SIZES = (8, 32, 128, 512)
RATES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)

IMAGES, STEPS, HELD_BACK = (100, 300, 1000, 3000, 10_000, 30_000), 1000, 10_000
LONG, LONG_IMAGES = 3000, (3000, 30_000)  # steps of a second training, to see whether they matter
LR = 0.05


def data(name: str) -> tuple[Data, Data]:
    """Images and labels to train and to validate; of MNIST the test images are left alone."""
    if name == "digits":
        return recording.digits()
    images, labels = cnnlib.mnist(progress=False)[0]
    train = images[:-HELD_BACK], labels[:-HELD_BACK]
    return train, (images[-HELD_BACK:], labels[-HELD_BACK:])


def network(name: str, seed: int) -> cnnlib.Sequential:
    """The network of the chapter training, or a small one for MNIST."""
    if name == "digits":
        return recording.network((8,), seed)
    rng = np.random.default_rng(seed)
    return cnnlib.Sequential(
        cnnlib.Conv2d(1, 8, 5, stride=2, padding=2, rng=rng),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Conv2d(8, 16, 3, padding=1, rng=rng),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Flatten(),
        cnnlib.Linear(16 * 3 * 3, 10, rng=rng),
    )


def gradient(model: cnnlib.Sequential, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the mean loss, as one long list; the images go through in portions."""
    loss, total = cnnlib.CrossEntropyLoss(), 0
    for x, target in cnnlib.batches(images, labels, 1000):
        model.zero_grad()
        loss(model.forward(x), target)
        model.backward_parameters(loss.backward())
        grads = [p.grad.ravel().astype(np.float64) for p in model.parameters()]
        total = total + len(x) / len(images) * np.concatenate(grads)
    return total


def scatter(model: cnnlib.Sequential, train: Data, seed: int) -> dict:
    """Mean cosine of drawn batches with the whole, and the noise scale.

    The noise scale is the variance of an image's gradient, summed over the weights, divided by the
    square of the whole gradient's length (McCandlish et al., 2018, equation 2.9). The variance
    comes from the distance of drawn batches from the whole.
    """
    rng, whole = np.random.default_rng([seed, DRAWS]), gradient(model, *train)
    square, count = whole @ whole, len(train[0])
    cosines, variances = {}, []
    for size in BATCHES:
        found = []
        for _ in range(DRAWS):
            few = rng.choice(count, size, replace=False)
            one = gradient(model, train[0][few], train[1][few])
            found.append(one @ whole / np.sqrt((one @ one) * square))
            off = one - whole
            variances.append(off @ off * size * (count - 1) / (count - size))
        cosines[size] = rounded(np.mean(found))
    return {"cosine": cosines, "noise_scale": rounded(np.mean(variances) / square, 1)}


def scatter_run(name: str, seed: int) -> list[dict]:
    """The scatter after so many epochs of one training."""
    train, model, done, found = data(name)[0], network(name, seed), 0, []
    sgd = cnnlib.SGD(model.parameters(), 0.1)
    for epochs in EPOCHS[name]:
        if epochs > done:
            cnnlib.fit(
                model, cnnlib.CrossEntropyLoss(), sgd, train, epochs=epochs - done,
                batch_size=recording.BATCH_SIZE, seed=100 * seed + done, progress=False,
            )  # fmt: skip
            done = epochs
        loss = rounded(cnnlib.evaluate(model, train).loss, 3)
        found.append({"epoch": epochs, "loss": loss} | scatter(model, train, seed))
    return found


def rate_run(batch_size: int, lr: float, seed: int) -> list[float]:
    """The loss of all training images after each epoch, until it is TARGET or LIMIT is over.

    It ends early where a loss is not finite, or where the network goes on guessing.
    """
    model, (train, _) = network("digits", seed), data("digits")
    loss, sgd = cnnlib.CrossEntropyLoss(), cnnlib.SGD(model.parameters(), lr)
    losses = []
    for epoch in range(LIMIT):
        with np.errstate(all="ignore"):
            try:
                cnnlib.fit(
                    model, loss, sgd, train, batch_size=batch_size, seed=100 * seed + epoch,
                    progress=False,
                )  # fmt: skip
            except FloatingPointError:
                break
            losses.append(rounded(cnnlib.evaluate(model, train).loss, 3))
        if losses[-1] <= TARGET or (epoch + 1 >= PATIENCE and losses[-1] > GUESSING):
            break
    return losses


def images_run(count: int, seed: int, steps: int = STEPS) -> float:
    """The share of wrong answers in validation after learning from so many of MNIST's images.

    Each training has about so many steps, however few its images.
    """
    (images, labels), validation = data("MNIST")
    chosen = np.random.default_rng([seed, count]).permutation(len(images))[:count]
    model = network("MNIST", seed)
    batches = -(-count // recording.BATCH_SIZE)
    epochs = round(steps / batches)
    sgd = cnnlib.SGD(model.parameters(), LR, momentum=0.9)
    cnnlib.fit(
        model, cnnlib.CrossEntropyLoss(), sgd, (images[chosen], labels[chosen]), epochs=epochs,
        batch_size=recording.BATCH_SIZE, seed=seed, progress=False,
        schedule=cnnlib.OneCycleLR(sgd, LR, epochs * batches),
    )  # fmt: skip
    return rounded(1 - cnnlib.evaluate(model, validation).accuracy)


def make(runs: recording.Runs) -> dict:
    """All three measurements, each with every seed."""
    choices = [(size, lr) for size in SIZES for lr in RATES]
    return recording.settings() | {
        "seed": list(SEEDS),
        "mnist": {
            "network": "Conv2d(1, 8, 5, stride=2, padding=2), ReLU, MaxPool2d(2), "
            "Conv2d(8, 16, 3, padding=1), ReLU, MaxPool2d(2), Flatten, Linear(144, 10)",
            "dtype": "float32",
            "train": 60_000 - HELD_BACK,
            "validation": HELD_BACK,
        },
        "scatter": {
            "draws": DRAWS,
            "runs": [
                {"data": name, "seed": seed, "states": runs(scatter_run, name, seed)}
                for name in EPOCHS
                for seed in SEEDS
            ],
        },
        "rates": {
            "target": TARGET,
            "limit": LIMIT,
            "guessing": {"loss": GUESSING, "epochs": PATIENCE},
            "runs": [
                {"batch_size": size, "lr": lr, "loss": [runs(rate_run, size, lr, s) for s in SEEDS]}
                for size, lr in tqdm(choices, "rates")
            ],
        },
        "images_learned": {
            "optimizer": f"SGD, momentum 0.9, one-cycle to {LR}",
            "steps": STEPS,
            "runs": [
                {"images": count, "wrong": [runs(images_run, count, seed) for seed in SEEDS]}
                for count in tqdm(IMAGES, "images")
            ],
            "long_steps": LONG,
            "long_runs": [
                {"images": count, "wrong": [runs(images_run, count, s, LONG) for s in SEEDS]}
                for count in tqdm(LONG_IMAGES, "long")
            ],
        },
        "seconds": runs.seconds,
    }


if __name__ == "__main__":
    recording.main("gradient_noise", make)
