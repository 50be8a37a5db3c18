"""Batches: a data set in pieces, shuffled, and images varied so that no two epochs are the same.

Images are (N, C, H, W), labels (N,). All chance comes from a numpy.random.Generator.
"""

from collections.abc import Callable, Iterator

import numpy as np

from cnnlib import checks

Data = tuple[np.ndarray, np.ndarray]  # images (N, ...) and labels (N,), or targets (N, ...)
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def batches(
    images: np.ndarray, labels: np.ndarray, batch_size: int = 64, *,
    rng: np.random.Generator | None = None, augment: Augment | None = None, start: int = 0,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Yield (images, labels) of `batch_size` at a time; the last batch may be smaller.

    rng: shuffles all, anew for each call; without it the order stays. augment: a function of
    (images, rng) that returns varied images, such as `random_shift`; it needs `rng`, and gets a
    generator of its own for each batch, so that with `start` an epoch can begin at a later batch
    and go on as if it had run from its first.
    """
    check_data("batches", (images, labels))
    checks.integer("batches", "batch_size", batch_size, 1)
    needed = augment is not None
    checks.require(rng is not None or not needed, "batches: rng is None; augment expects one")
    order = np.arange(len(images)) if rng is None else rng.permutation(len(images))
    key = int(rng.integers(2**63)) if needed else 0
    for index in range(start, -(-len(images) // batch_size)):
        chosen = order[index * batch_size : (index + 1) * batch_size]
        batch = images[chosen]
        if augment is not None:
            batch = augment(batch, np.random.default_rng([key, index]))
        yield batch, labels[chosen]


def check_data(function: str, data: Data) -> Data:
    """`data` itself; raises ValueError or TypeError unless it has one label for each image."""
    checks.instance(function, "data", data, tuple)
    checks.require(len(data) == 2, f"{function}: data has {len(data)} parts; expected 2")
    images, labels = data
    checks.array(function, "images", images)
    checks.instance(function, "labels", labels, np.ndarray)
    found = f"{function}: labels has shape {labels.shape}"
    checks.require(labels.shape[:1] == images.shape[:1], f"{found}; expected {len(images)} labels")
    return data


def random_shift(images: np.ndarray, rng: np.random.Generator, pixels: int = 2) -> np.ndarray:
    """Move each image by up to `pixels` in both directions; what comes in is 0."""
    return random_crop(images, rng, checks.integer("random_shift", "pixels", pixels, 0))


def random_crop(
    images: np.ndarray, rng: np.random.Generator, padding: int = 4,
    size: tuple[int, int] | None = None,
) -> np.ndarray:  # fmt: skip
    """Cut a piece of `size` (rows, columns; the image's own if None) from each padded image."""
    checks.array("random_crop", "images", images, 4)
    checks.instance("random_crop", "rng", rng, np.random.Generator)
    padding = checks.integer("random_crop", "padding", padding, 0)
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    size = images.shape[2:] if size is None else size
    rows, columns = checks.pair("random_crop", "size", size, 1)
    room = padded.shape[2] - rows, padded.shape[3] - columns
    found = f"random_crop: size is {size}; the padded images are {padded.shape[2:]}"
    checks.require(min(room) >= 0, found)
    tops, lefts = (rng.integers(0, r + 1, len(images)) for r in room)
    places = zip(padded, tops, lefts, strict=True)
    return np.stack([i[:, top : top + rows, left : left + columns] for i, top, left in places])


def random_flip(images: np.ndarray, rng: np.random.Generator, p: float = 0.5) -> np.ndarray:
    """Mirror each image, left and right exchanged, with probability p."""
    checks.array("random_flip", "images", images, 4)
    checks.instance("random_flip", "rng", rng, np.random.Generator)
    flipped = rng.random(len(images)) < checks.number("random_flip", "p", p, 0, 1)
    return np.where(flipped[:, None, None, None], images[..., ::-1], images)
