"""Choose a few of MNIST's test images, and record what the trained network makes of them.

    CNNLIB_DATA=folder python tools/record_examples.py [folder]

Writes into the folder, `assets` unless another is named: mnist_examples.json, about thirty images
and what the network says to them, and mnist_neighbors.json, the images that excite some filters
most and those nearest to some others in the hidden neurons. The second is a file of its own, for
the first stands in every page with a pad to draw on. Run it again whenever
assets/mnist.safetensors is new; it takes seconds.
"""

import base64
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import cnnlib
from cnnlib.classifiers import trained_mnist_network
from cnnlib.data import Split
from cnnlib.reproduce import replace

ASSETS = Path(__file__).resolve().parents[1] / "assets"
TYPICAL = 2  # images of each class
CERTAIN = 0.99  # the probability that makes a right answer typical
WRONG = 10  # images, those with the most certain of the wrong answers
SOURCE = "MNIST's test images; Y. LeCun, C. Cortes and C. J. C. Burges"

NEAREST = 5  # images for each filter and each query
LAST_MAPS, HIDDEN = 12, 15  # layers of `mnist_network` up to 64 maps of 3x3, and to 96 neurons
FILTERS = (0, 16, 32, 48)  # every sixteenth: taken by place, not by looks
QUERIES = (15, 20, 21)  # of the thirty examples: a 7 that is read right, the two surest mistakes


def in_parts(function: Callable, images: np.ndarray) -> np.ndarray:
    """Apply the function to 500 images at a time, for all at once need gigabytes."""
    parts = np.split(images, range(500, len(images), 500))
    return np.concatenate([function(part) for part in parts])


def probabilities(network: cnnlib.Layer, images: np.ndarray) -> np.ndarray:
    """What the network says to each image, shape (N, 10)."""
    with network.inference():
        return in_parts(lambda part: cnnlib.softmax(network(part)), images)


def activations(network: cnnlib.Sequential, images: np.ndarray, layers: int) -> np.ndarray:
    """What comes out of the first `layers` layers, shape (N, ...)."""
    first = cnnlib.Sequential(*list(network)[:layers])
    with network.inference():
        return in_parts(first.forward, images)


def chosen(p: np.ndarray, labels: np.ndarray) -> list[int]:
    """The places of the typical images, class by class, and then of the wrong ones."""
    answers, certainty = p.argmax(axis=1), p.max(axis=1)
    sure = (answers == labels) & (certainty > CERTAIN)
    typical = [np.flatnonzero(sure & (labels == k))[:TYPICAL] for k in range(p.shape[1])]
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")][:WRONG]
    return np.concatenate([*typical, wrong]).tolist()


def pixels(image: np.ndarray) -> str:
    """The 784 bytes of an image (1, 28, 28) in base64."""
    return base64.b64encode(np.rint(image * 255).astype(np.uint8).tobytes()).decode()


def examples(network: cnnlib.Layer, test: Split) -> dict:
    """The record: for each image its place in the test set, label, answer and 784 bytes."""
    p = probabilities(network, test.images)
    return {
        "source": SOURCE,
        "accuracy": round(float((p.argmax(axis=1) == test.labels).mean()), 4),
        "examples": [
            {
                "index": i,
                "label": int(test.labels[i]),
                "answer": int(p[i].argmax()),
                "probability": round(float(p[i].max()), 4),
                "pixels": pixels(test.images[i]),
            }
            for i in chosen(p, test.labels)
        ],
    }


def rows(test: Split, places: np.ndarray, name: str, values: np.ndarray) -> list[dict]:
    """For each place in the test set: index, label, the value called `name` and 784 bytes."""
    return [
        {
            "index": int(i),
            "label": int(test.labels[i]),
            name: round(float(values[i]), 4),
            "pixels": pixels(test.images[i]),
        }
        for i in places
    ]


def exciting(maps: np.ndarray, test: Split, filters: Sequence[int]) -> list[dict]:
    """For each filter the images with the largest number in its map; maps is (N, C, H, W).

    Filters count from 1 in the record. The median is that of all N images' largest numbers.
    """
    peaks = maps.max(axis=(2, 3))
    return [
        {
            "filter": number,
            "median": round(float(np.median(peaks[:, number])), 4),
            "images": rows(
                test,
                np.argsort(-peaks[:, number], kind="stable")[:NEAREST],
                "activation",
                peaks[:, number],
            ),
        }
        for number in filters
    ]


def neighbors(features: np.ndarray, test: Split, queries: Sequence[int]) -> list[dict]:
    """For each place in the test set the nearest other images by their features (N, D).

    The median is that of the distances to all N - 1 others.
    """
    found = []
    for i in queries:
        distances = np.linalg.norm(features - features[i], axis=1)
        order = np.argsort(distances, kind="stable")
        order = order[order != i]  # an image is no neighbor of itself
        found.append(
            {
                "index": int(i),
                "label": int(test.labels[i]),
                "median": round(float(np.median(distances[order])), 4),
                "pixels": pixels(test.images[i]),
                "neighbors": rows(test, order[:NEAREST], "distance", distances),
            }
        )
    return found


def neighborhood(network: cnnlib.Sequential, test: Split, queries: Sequence[int]) -> dict:
    """The second record: the images that excite FILTERS most, and those nearest to the queries.

    And of all filters, how many have five images of one class: whether the few are typical.
    """
    maps = activations(network, test.images, LAST_MAPS)
    every = exciting(maps, test, range(maps.shape[1]))
    return {
        "source": SOURCE,
        "images": len(test.images),
        "one_class": sum(len({row["label"] for row in one["images"]}) == 1 for one in every),
        "filters": [every[number] for number in FILTERS],
        "queries": neighbors(activations(network, test.images, HIDDEN), test, queries),
    }


def write(folder: Path, name: str, record: dict) -> None:
    """Write the record into NAME.json."""
    replace(folder / f"{name}.json", (json.dumps(record, separators=(",", ":")) + "\n").encode())


def main(folder: Path) -> None:
    """Record the examples of the network in assets/mnist.safetensors, and their neighbors."""
    _, test = cnnlib.mnist()
    network = trained_mnist_network()
    made = examples(network, test)
    write(folder, "mnist_examples", made)
    queries = [made["examples"][place]["index"] for place in QUERIES]
    write(folder, "mnist_neighbors", neighborhood(network, test, queries))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
