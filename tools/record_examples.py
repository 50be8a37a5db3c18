"""Choose about thirty of MNIST's test images, and record what the trained network says to them.

    CNNLIB_DATA=folder python tools/record_examples.py [folder]

Writes mnist_examples.json into the folder, `assets` unless another is named. Run it again whenever
assets/mnist.safetensors is new; it takes seconds.
"""

import base64
import json
import os
import sys
from pathlib import Path

import numpy as np

import cnnlib
from cnnlib.classifiers import trained_mnist_network
from cnnlib.data import Split

ASSETS = Path(__file__).resolve().parents[1] / "assets"
TYPICAL = 2  # images of each class
CERTAIN = 0.99  # the probability that makes a right answer typical
WRONG = 10  # images, those with the most certain of the wrong answers


def probabilities(network: cnnlib.Layer, images: np.ndarray) -> np.ndarray:
    """What the network says to each image, shape (N, 10)."""
    with network.evaluation():
        parts = np.split(images, range(500, len(images), 500))
        return np.concatenate([cnnlib.softmax(network.forward(part)) for part in parts])


def chosen(p: np.ndarray, labels: np.ndarray) -> list[int]:
    """The places of the typical images, class by class, and then of the wrong ones."""
    answers, certainty = p.argmax(axis=1), p.max(axis=1)
    sure = (answers == labels) & (certainty > CERTAIN)
    typical = [np.flatnonzero(sure & (labels == k))[:TYPICAL] for k in range(p.shape[1])]
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")][:WRONG]
    return np.concatenate([*typical, wrong]).tolist()


def examples(network: cnnlib.Layer, test: Split) -> dict:
    """The record: for each image its place in the test set, label, answer and 784 bytes."""
    p = probabilities(network, test.images)
    pixels = np.rint(test.images[:, 0] * 255).astype(np.uint8)
    return {
        "source": "MNIST's test images; Y. LeCun, C. Cortes and C. J. C. Burges",
        "accuracy": round(float((p.argmax(axis=1) == test.labels).mean()), 4),
        "examples": [
            {
                "index": i,
                "label": int(test.labels[i]),
                "answer": int(p[i].argmax()),
                "probability": round(float(p[i].max()), 4),
                "pixels": base64.b64encode(pixels[i].tobytes()).decode(),
            }
            for i in chosen(p, test.labels)
        ],
    }


def write(folder: Path, record: dict) -> None:
    """Replace the file in one step, so that it is whole even after an interruption."""
    path = folder / "mnist_examples.json"
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(record, separators=(",", ":")) + "\n", "utf-8")
    os.replace(partial, path)


def main(folder: Path) -> None:
    """Record the examples of the network in assets/mnist.safetensors."""
    _, test = cnnlib.mnist()
    write(folder, examples(trained_mnist_network(), test))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
