"""Record how sure the trained network is of MNIST's test images, and how often it is right.

    CNNLIB_DATA=folder python -m tools.record_calibration [folder]

Writes calibration.json into the folder, `assets` unless another is named. The network has learned
from all training images, so none are left to find a temperature with: each half of the test images
gives one for the other half. Run it again whenever assets/mnist.safetensors is new; it takes
seconds.
"""

import sys
from pathlib import Path

import numpy as np

import cnnlib
from cnnlib.classifiers import trained_mnist_network
from tools.record_examples import in_parts
from tools.recording import ASSETS, rounded, write

DECIMALS = 5


def measured(logits: np.ndarray, labels: np.ndarray, temperature: float = 1) -> dict:
    """How right and how sure answers are: (N, K) and (N,), at a temperature."""
    scaled = logits.astype(np.float64) / temperature
    p = cnnlib.softmax(scaled)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    return {
        "images": len(labels),
        "wrong": int((~right).sum()),
        "confidence": rounded(confidence.mean(), DECIMALS),
        "loss": rounded(cnnlib.cross_entropy(scaled, labels), DECIMALS),
        "error": rounded(cnnlib.expected_calibration_error(confidence, right), DECIMALS),
    }


def bins(logits: np.ndarray, labels: np.ndarray) -> list[dict]:
    """Of each bin in which there are answers: its edges, their number, how sure and how right."""
    p = cnnlib.softmax(logits.astype(np.float64))
    found = cnnlib.reliability(p.max(axis=1), p.argmax(axis=1) == labels)
    return [
        {
            "from": k / len(found.answers),
            "to": (k + 1) / len(found.answers),
            "images": int(found.answers[k]),
            "confidence": rounded(found.confidence[k], DECIMALS),
            "right": round(float(found.accuracy[k] * found.answers[k])),
        }
        for k in np.flatnonzero(found.answers)
    ]


def crossed(logits: np.ndarray, labels: np.ndarray) -> list[dict]:
    """For each half of the answers the other half's temperature, and what it does to them."""
    middle = len(labels) // 2
    halves = [(logits[:middle], labels[:middle]), (logits[middle:], labels[middle:])]
    found = []
    for fitted, asked in (halves, halves[::-1]):
        temperature = cnnlib.fit_temperature(*fitted)
        before, after = measured(*asked), measured(*asked, temperature)
        found.append(
            {"temperature": rounded(temperature, DECIMALS), "before": before, "after": after}
        )
    return found


def made(logits: np.ndarray, labels: np.ndarray) -> dict:
    """The record of answers, logits (N, K) and labels (N,)."""
    return {
        "all": measured(logits, labels),
        "bins": bins(logits, labels),
        "halves": crossed(logits, labels),
    }


def main(folder: Path) -> None:
    """Record the answers of the network in assets/mnist.safetensors to all test images."""
    _, test = cnnlib.mnist()
    network = trained_mnist_network()
    with network.inference():
        logits = in_parts(network.forward, test.images)
    write(folder / "calibration.json", made(logits, test.labels))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
