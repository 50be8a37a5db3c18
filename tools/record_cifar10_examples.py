"""Choose a few of CIFAR-10's test images, and record what the trained network makes of them.

    CNNLIB_DATA=folder python -m tools.record_cifar10_examples [folder] [--images FOLDER]

Writes into the folder, `assets` unless another is named: cifar10_examples.jpg, about a hundred
images side by side, and cifar10_examples.json, what each is and what the network says to it. With
--images it takes the pictures in FOLDER/test/CLASS, those of the record, in place of the original
data. Run it again whenever assets/cifar10.safetensors is new; it takes a minute.
"""

import io

import numpy as np
from PIL import Image

import cnnlib
from cnnlib.classifiers import COLORS, trained_cifar10_network
from cnnlib.data import Split
from cnnlib.records import tiles
from cnnlib.reproduce import pictures, replace
from tools import recording
from tools.record_examples import probabilities, write

SIDE, COLUMNS = 32, 10
TYPICAL = 2  # images of each class
CERTAIN = 0.8  # the probability that makes a right answer typical: smoothed labels ask for 0.91
SOURCE = "CIFAR-10's test images; A. Krizhevsky, V. Nair and G. Hinton"


def chosen(p: np.ndarray, labels: np.ndarray) -> list[int]:
    """The places of the typical images, class by class, then of the mistakes, the surest first.

    For each pair of a class and what it was called there is one mistake at most, its surest.
    """
    answers, certainty = p.argmax(axis=1), p.max(axis=1)
    sure = (answers == labels) & (certainty > CERTAIN)
    typical = [np.flatnonzero(sure & (labels == k))[:TYPICAL] for k in range(p.shape[1])]
    wrong = np.flatnonzero(answers != labels)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")]
    pairs = labels[wrong] * p.shape[1] + answers[wrong]
    surest = np.sort(np.unique(pairs, return_index=True)[1])
    return np.concatenate([*typical, wrong[surest]]).tolist()


def sheet(images: np.ndarray) -> bytes:
    """Images (N, 3, 32, 32) of fractions side by side, as a JPEG of quality 75."""
    rows = -(-len(images) // COLUMNS)
    tiled = np.zeros((rows * COLUMNS, 3, SIDE, SIDE), np.uint8)
    tiled[: len(images)] = np.rint(images * 255)
    tiled = tiled.reshape(rows, COLUMNS, 3, SIDE, SIDE).transpose(0, 3, 1, 4, 2)
    file = io.BytesIO()
    picture = Image.fromarray(tiled.reshape(rows * SIDE, COLUMNS * SIDE, 3))
    picture.save(file, "JPEG", quality=75, optimize=True)
    return file.getvalue()


def scaled(images: np.ndarray) -> np.ndarray:
    """Fractions as the network takes them."""
    mean, deviation = (np.float32(number) for number in COLORS)
    return (images - mean) / deviation


def examples(network: cnnlib.Layer, test: Split) -> tuple[bytes, dict]:
    """The sheet, and the record: for each image its place in the test set, label and answer.

    The answers are those to the images as they are in the sheet, which loses a little; an image
    that gets another answer there is left out.
    """
    before = probabilities(network, scaled(test.images))
    places, same = np.array(chosen(before, test.labels)), np.array([False])
    while not same.all():
        packed = sheet(test.images[places])
        images = tiles(np.asarray(Image.open(io.BytesIO(packed))), SIDE, len(places))
        p = probabilities(network, scaled(images))
        same = p.argmax(axis=1) == before[places].argmax(axis=1)
        kept, places = places, places[same]
    rows = [
        {
            "index": int(i),
            "label": int(test.labels[i]),
            "answer": int(own.argmax()),
            "probability": round(float(own.max()), 4),
        }
        for i, own in zip(kept, p, strict=True)
    ]
    return packed, {"source": SOURCE, "examples": rows}


def main(words: list[str] | None = None) -> None:
    """Record the examples of the network in assets/cifar10.safetensors."""
    options = recording.options("Record a few test images of CIFAR-10.", words)
    _, test = pictures(options.images) if options.images else cnnlib.cifar10()
    packed, record = examples(trained_cifar10_network(), test)
    replace(options.folder / "cifar10_examples.jpg", packed)
    write(options.folder, "cifar10_examples", record)


if __name__ == "__main__":
    main()
