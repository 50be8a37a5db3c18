"""What was recorded once and is shown ever after: training runs, images, the benchmark."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).parent
# Inside an installed package, beside it in a checkout.
FOLDERS = (HERE / "assets", HERE.parent / "assets")


def asset(file: str) -> Path:
    """Where the file assets/FILE is."""
    return next((folder for folder in FOLDERS if folder.exists()), FOLDERS[-1]) / file


def record(name: str) -> dict[str, Any]:
    """Return the record assets/NAME.json.

    tools/bench.py writes "bench", cnnlib.reproduce one for each of its recipes,
    tools/record_examples.py "mnist_examples" and "mnist_neighbors", and tools/record_NAME.py
    each other NAME. "cifar10_examples" comes with cifar10_examples.jpg, see `cifar10_examples`.
    Raises FileNotFoundError when there is no such record.
    """
    return json.loads(asset(f"{name}.json").read_text("utf-8"))


class Examples(NamedTuple):
    """Images (N, C, H, W) of a test set, their labels and what the network says, (N,)."""

    images: np.ndarray
    labels: np.ndarray
    answers: np.ndarray


def recorded_images(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the images (N, 1, 28, 28), from 0 to 1, whose bytes stand under "pixels"."""
    pixels = [np.frombuffer(base64.b64decode(row["pixels"]), np.uint8) for row in rows]
    return np.stack(pixels).reshape(-1, 1, 28, 28).astype(np.float32) / 255


def mnist_examples() -> Examples:
    """Return the thirty images of assets/mnist_examples.json: twenty read right, ten read wrong."""
    rows = record("mnist_examples")["examples"]
    labels, answers = (np.array([row[name] for row in rows]) for name in ("label", "answer"))
    return Examples(recorded_images(rows), labels, answers)


def tiles(sheet: np.ndarray, side: int, count: int) -> np.ndarray:
    """Cut a picture (rows, columns, 3) of bytes into images (count, 3, side, side) of fractions."""
    rows, columns = (length // side for length in sheet.shape[:2])
    cut = sheet.reshape(rows, side, columns, side, 3).transpose(0, 2, 4, 1, 3)
    return cut.reshape(-1, 3, side, side)[:count].astype(np.float32) / 255


def cifar10_examples() -> Examples:
    """Return the images (N, 3, 32, 32) of assets/cifar10_examples.jpg, from 0 to 1.

    Twenty that the network reads right come first, then the surest mistake for each pair of
    classes, the surest of all first. The labels and answers are in assets/cifar10_examples.json.
    """
    from PIL import Image

    rows = record("cifar10_examples")["examples"]
    with Image.open(asset("cifar10_examples.jpg")) as opened:
        images = tiles(np.asarray(opened), 32, len(rows))
    labels, answers = (np.array([row[name] for row in rows]) for name in ("label", "answer"))
    return Examples(images, labels, answers)


def cifar10_sheet() -> dict[str, Any]:
    """Return the images of `cifar10_examples` as a page takes them.

    They are one picture, `pixels`, in base64: squares with this `side`, so many `columns` of them.
    """
    content = asset("cifar10_examples.jpg").read_bytes()
    pixels = base64.b64encode(content).decode()
    return {"pixels": pixels, "side": 32, "columns": 10}


def small_photographs() -> dict[str, np.ndarray]:
    """Return the photographs of tools/small_photographs.py, (3, 240, 320), from 0 to 1."""
    from PIL import Image

    images = {name: Image.open(asset(f"{name}.jpg")) for name in ("china", "flower")}
    arrays = {name: np.asarray(image, np.float32) for name, image in images.items()}
    return {name: array.transpose(2, 0, 1) / 255 for name, array in arrays.items()}
