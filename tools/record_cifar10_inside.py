"""Record what the trained color network makes of all test images, and which images it finds alike.

    CNNLIB_DATA=folder python -m tools.record_cifar10_inside [folder] [--images FOLDER]

Writes into the folder, `assets` unless another is named: cifar10_inside.json and
cifar10_neighbors.jpg, the nearest training images of a few examples, side by side. With --images it
takes the pictures in FOLDER/train/CLASS and FOLDER/test/CLASS, those of the record, in place of the
original data. Run it again whenever assets/cifar10.safetensors is new; it takes some minutes.
"""

import numpy as np

import cnnlib
from cnnlib.classifiers import cifar10_network, trained_cifar10_network
from cnnlib.data import Split
from cnnlib.records import record
from cnnlib.reproduce import pictures, replace
from tools import record_calibration, recording
from tools.record_cifar10_examples import scaled, sheet
from tools.record_examples import activations, in_parts, probabilities
from tools.recording import rounded

FEATURES = 17  # layers of `cifar10_network` up to the means of the 96 maps
NEAREST = 5
QUERIES = (6, 10, 14, 20, 21, 22)  # of the examples: three read right, the three surest mistakes
ASKED = 2000  # test images, the first, whose nearest training image is looked for
SEEDS = (0, 1, 2)  # of networks that have learned nothing


def nearest(points: np.ndarray, others: np.ndarray, count: int = 1) -> np.ndarray:
    """For each of the points (N, D) the `count` nearest of the others, the nearest first."""

    def of_part(part: np.ndarray) -> np.ndarray:
        return np.argsort(squares - 2 * part @ others.T, axis=1, kind="stable")[:, :count]

    squares = (others**2).sum(axis=1)
    return in_parts(of_part, points)


def features(network: cnnlib.Sequential, images: np.ndarray) -> np.ndarray:
    """The means of the last maps, (N, 96)."""
    return activations(network, scaled(images), FEATURES).reshape(len(images), -1)


def untrained(seed: int) -> cnnlib.Sequential:
    """The network as it is before training, in evaluation mode."""
    network = cifar10_network(rng=np.random.default_rng(seed))
    network.eval()
    return network


def share(train: Split, test: Split, own: np.ndarray, others: np.ndarray) -> float:
    """How many of the test images have the class of their nearest training image."""
    return rounded((train.labels[nearest(own, others)[:, 0]] == test.labels).mean())


def two_views(network: cnnlib.Sequential, test: Split) -> dict:
    """How many images are right as they are, by their mirror images, and by the mean of both.

    Beside it how many of those that were wrong become right by both, and the other way round.
    """
    looks = [probabilities(network, scaled(x)) for x in (test.images, test.images[..., ::-1])]
    one, mirror, two = (p.argmax(axis=1) == test.labels for p in (*looks, sum(looks)))
    counts = {"one": one, "mirror": mirror, "two": two, "gained": two & ~one, "lost": one & ~two}
    return {name: int(which.sum()) for name, which in counts.items()}


def made(network: cnnlib.Sequential, train: Split, test: Split) -> tuple[bytes, dict]:
    """The nearest training images side by side, and the record."""
    with network.inference():
        logits = in_parts(lambda part: network(scaled(part)), test.images)
    few = Split(test.images[:ASKED], test.labels[:ASKED])
    flat = [split.images.reshape(len(split.images), -1) for split in (few, train)]
    learned = [features(network, split.images) for split in (few, train)]
    fresh = [[features(untrained(seed), s.images) for s in (few, train)] for seed in SEEDS]
    places = [record("cifar10_examples")["examples"][i]["index"] for i in QUERIES]
    asked = test.images[places]
    spaces = {
        "pixels": (asked.reshape(len(asked), -1), flat[1]),
        "features": (features(network, asked), learned[1]),
    }
    found = {name: nearest(*both, NEAREST) for name, both in spaces.items()}
    packed = sheet(train.images[np.concatenate([rows.ravel() for rows in found.values()])])
    return packed, {
        "calibration": record_calibration.made(logits, test.labels),
        "nearest": {
            "pixels": share(train, few, *flat),
            "features": share(train, few, *learned),
            "untrained": [share(train, few, *both) for both in fresh],
            "network": rounded((logits[:ASKED].argmax(axis=1) == few.labels).mean()),
            "images": len(few.labels),
        },
        "views": two_views(network, test),
        "queries": QUERIES,
        "neighbors": {name: train.labels[rows].tolist() for name, rows in found.items()},
    }


def main(words: list[str] | None = None) -> None:
    """Record what the network in assets/cifar10.safetensors makes of the images."""
    options = recording.options("Record what the color network makes of all images.", words)
    train, test = pictures(options.images) if options.images else cnnlib.cifar10()
    packed, found = made(trained_cifar10_network(), train, test)
    replace(options.folder / "cifar10_neighbors.jpg", packed)
    recording.write(options.folder / "cifar10_inside.json", found)


if __name__ == "__main__":
    main()
