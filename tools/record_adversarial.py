"""Attack the networks of the chapter adversarial: trained as usual, with noise, against attacks.

    CNNLIB_DATA=folder python -m tools.record_adversarial [folder]

Writes adversarial.json into the folder, `assets` unless another is named. Takes minutes.
"""

import numpy as np
from tqdm import tqdm

import cnnlib
from cnnlib.classifiers import trained_mnist_network
from tools import recording
from tools.record_examples import in_parts

CHAPTER = recording.of_chapter("adversarial", "cell-01", "fgsm", "train", "pgd-function", "harden")
SEEDS = range(3)
EPSILON, STEPS = 2 / 16, 20
GRAYS = (1, 2, 3)
MNIST_IMAGES, MNIST_STEPS, SIZES = 1000, 10, (0.1, 0.2, 0.3)
EPOCHS = 12
# How each network is trained: what changes its batches, its epochs, and its walks through the
# network for each batch, forward and back.
TRAININGS = {
    "as usual": (None, EPOCHS, 1),
    "as usual, 72 epochs": (None, 6 * EPOCHS, 1),
    "with noise": (CHAPTER.noise, EPOCHS, 1),
    "against FGSM": (CHAPTER.against_fgsm, EPOCHS, 2),
    "against PGD": (CHAPTER.against_pgd, EPOCHS, 6),
}


def measured(network: cnnlib.Sequential) -> dict:
    """How many of the unseen digits are read right: as they are, with noise, and attacked."""
    x, target, right = CHAPTER.unseen, CHAPTER.truth, CHAPTER.right
    rng = np.random.default_rng(0)
    sizes = [grays / 16 for grays in GRAYS]
    return {
        "plain": right(network, x),
        "noise": right(network, CHAPTER.noise(network, x, target, rng, EPSILON)),
        "fgsm": [right(network, CHAPTER.fgsm(network, x, target, size)) for size in sizes],
        "pgd": [right(network, CHAPTER.pgd(network, x, target, size, STEPS)) for size in sizes],
    }


def training_run(name: str, seed: int) -> dict:
    """A network trained in a way of `TRAININGS`, and attacked."""
    change, epochs, _ = TRAININGS[name]
    return measured(CHAPTER.train(seed, epochs, change))


def transfer_run() -> list[dict]:
    """Images made by PGD for one kind of network, shown to these and to those of each kind."""
    ways = {"convolution": (None, False), "dense": (None, True)}
    ways["against PGD"] = (CHAPTER.against_pgd, False)
    networks = {
        kind: [CHAPTER.train(seed, EPOCHS, *way) for seed in SEEDS] for kind, way in ways.items()
    }
    found = []
    for made_for in ("convolution", "dense"):
        moved = [
            CHAPTER.pgd(network, CHAPTER.unseen, CHAPTER.truth, EPSILON, STEPS)
            for network in networks[made_for]
        ]
        for shown_to, asked in networks.items():
            counts = {
                (i, j): CHAPTER.right(network, x)
                for i, x in enumerate(moved)
                for j, network in enumerate(asked)
            }
            itself = [counts.pop((i, i)) for i in SEEDS] if made_for == shown_to else []
            pair = {"made_for": made_for, "shown_to": shown_to}
            found.append(pair | {"itself": itself, "others": list(counts.values())})
    return found


def mnist_run(epsilon: float) -> dict:
    """How many of MNIST's first test images the trained network reads right, by attack."""
    _, test = cnnlib.mnist()
    x, target = test.images[:MNIST_IMAGES], test.labels[:MNIST_IMAGES]
    network = trained_mnist_network()
    rng = np.random.default_rng(0)
    parts = [slice(n, n + 100) for n in range(0, len(x), 100)]
    moved = {
        "noise": CHAPTER.noise(network, x, target, rng, epsilon).astype(np.float32),
        "fgsm": np.concatenate([CHAPTER.fgsm(network, x[p], target[p], epsilon) for p in parts]),
        "pgd": np.concatenate(
            [CHAPTER.pgd(network, x[p], target[p], epsilon, MNIST_STEPS) for p in parts]
        ),
    }
    answers = {name: in_parts(network.forward, images) for name, images in moved.items()}
    return {"epsilon": epsilon} | {
        name: int((logits.argmax(axis=1) == target).sum()) for name, logits in answers.items()
    }


def mnist_right() -> int:
    """How many of them it reads right as they are."""
    _, test = cnnlib.mnist()
    logits = in_parts(trained_mnist_network().forward, test.images[:MNIST_IMAGES])
    return int((logits.argmax(axis=1) == test.labels[:MNIST_IMAGES]).sum())


def make(runs: recording.Runs) -> dict:
    """Every training with every seed, every pair of kinds, and MNIST."""
    trained = [
        {"training": name, "epochs": epochs, "walks": walks}
        | {"seeds": [runs(training_run, name, seed) for seed in SEEDS]}
        for name, (_, epochs, walks) in tqdm(TRAININGS.items(), "trainings")
    ]
    mnist = {"images": MNIST_IMAGES, "steps": MNIST_STEPS, "right": runs(mnist_right)}
    mnist["attacked"] = [runs(mnist_run, epsilon) for epsilon in tqdm(SIZES, "sizes")]
    return recording.settings() | {
        "network": "Conv2d(1, 8, 3, padding=1), ReLU, MaxPool2d(2), Conv2d(8, 16, 3, padding=1), "
        "ReLU, MaxPool2d(2), Flatten, Linear(64, 10)",
        "optimizer": "Adam",
        "seed": list(SEEDS),
        "images": {"train": len(CHAPTER.known[0]), "test": len(CHAPTER.unseen)},
        "epsilon": EPSILON,
        "steps": STEPS,
        "grays": list(GRAYS),
        "seconds": runs.seconds,
        "trainings": trained,
        "transfer": runs(transfer_run),
        "mnist": mnist,
    }


if __name__ == "__main__":
    recording.main("adversarial", make)
