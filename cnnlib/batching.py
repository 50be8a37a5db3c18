"""Batches: a data set in pieces, shuffled, and images varied so that no two epochs are the same.

Images are (N, C, H, W), labels (N,). All chance comes from a numpy.random.Generator.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cnnlib import checks
from cnnlib.loss import CrossEntropyLoss, Loss

Data = Sequence[np.ndarray]  # two: images (N, ...) and labels (N,), or targets (N, ...)
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def batches(
    images: np.ndarray, labels: np.ndarray, batch_size: int = 64, *,
    rng: np.random.Generator | None = None, augment: Augment | None = None, start: int = 0,
    drop_last: bool = False,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Yield (images, labels) of `batch_size` at a time; the last batch may be smaller.

    drop_last: leave a smaller last batch out, as torch's DataLoader does.
    rng: shuffles all, anew for each call; without it the order stays. augment: a function of
    (images, rng) that returns varied images, such as `random_shift`; it needs `rng`, and gets a
    generator of its own for each batch, so that with `start` an epoch can begin at a later batch
    and go on as if it had run from its first.
    """
    check_data("batches", (images, labels))
    count = batch_count("batches", len(images), batch_size, drop_last)
    checks.integer("batches", "start", start, 0)
    if rng is not None:
        checks.instance("batches", "rng", rng, np.random.Generator)
    needed = augment is not None
    if needed:
        checks.instance("batches", "augment", augment, Callable)
        checks.require(rng is not None, "batches: rng is None; augment expects one")
    order = np.arange(len(images)) if rng is None else rng.permutation(len(images))
    key = int(rng.integers(2**63)) if rng and needed else 0
    for index in range(start, count):
        chosen = order[index * batch_size : (index + 1) * batch_size]
        batch = images[chosen]
        if augment is not None:
            batch = augment(batch, np.random.default_rng([key, index]))
        yield batch, labels[chosen]


def batch_count(function: str, images: int, batch_size: int, drop_last: bool) -> int:
    """How many batches so many images make."""
    checks.integer(function, "batch_size", batch_size, 1)
    whole = checks.flag(function, "drop_last", drop_last)
    return images // batch_size if whole else -(-images // batch_size)


def check_data(function: str, data: Data, whose: str = "") -> Data:
    """`data` as a pair; raises ValueError or TypeError unless it has one label for each image."""
    data = tuple(data) if isinstance(data, list) else data
    checks.instance(function, f"{whose}data", data, tuple)
    checks.require(len(data) == 2, f"{function}: {whose}data has {len(data)} parts; expected 2")
    images, labels = data
    if isinstance(images, np.ndarray) and images.dtype == np.uint8:
        found = f"{function}: {whose}images is uint8; expected floats from 0 to 1"
        raise TypeError(f"{found}, convert with images.astype(np.float32) / 255")
    checks.array(function, f"{whose}images", images)
    checks.require(images.ndim > 0, f"{function}: {whose}images is one number; expected (N, ...)")
    found = f"{function}: {whose}labels"
    if not isinstance(labels, np.ndarray):
        kind = type(labels).__name__
        raise TypeError(f"{found} is a {kind}; expected a NumPy array, np.array(labels)")
    found += f" has shape {labels.shape}"
    checks.require(labels.shape[:1] == images.shape[:1], f"{found}; expected {len(images)} labels")
    return data


def usable(function: str, data: Data, loss: Loss, whose: str = "") -> Data:
    """`data` as a pair, once it is known that this loss can be measured of its numbers."""
    checks.instance(function, "loss", loss, Loss)
    checks.choice(function, "loss.reduction", loss.reduction, ("mean",))
    images, labels = data = check_data(function, data, whose)
    for name, array in (("images", images), ("labels", labels)):
        found = f"{function}: {whose}{name}"
        if array.dtype in checks.FLOATS:
            place = not_finite(array)
            checks.require(place is None, f"{found}[{place}] holds nan or inf")
        elif not np.issubdtype(array.dtype, np.integer):
            kind = "whole numbers, the classes, or floats"
            raise TypeError(f"{found} is {array.dtype}; expected {kind}")
    if isinstance(loss, CrossEntropyLoss) and labels.ndim == 1 and labels.dtype in checks.FLOATS:
        found = f"{function}: {whose}labels is {labels.dtype}"
        raise TypeError(f"{found}; expected classes, labels.astype(int)")
    return data


def not_finite(array: np.ndarray) -> int | None:
    """The index of the first part of the array, along its first axis, that holds nan or inf."""
    if np.isfinite(array.min()) and np.isfinite(array.max()):  # both are nan if one number is
        return None
    return int(np.argwhere(~np.isfinite(array))[0, 0])


def random_shift(images: np.ndarray, rng: np.random.Generator, pixels: int = 2) -> np.ndarray:
    """Move each image by up to `pixels` in both directions; what comes in is 0."""
    padding = checks.integer("random_shift", "pixels", pixels, 0)
    return _crop("random_shift", images, rng, padding, None)


def random_crop(
    images: np.ndarray, rng: np.random.Generator, padding: int = 4,
    size: tuple[int, int] | None = None,
) -> np.ndarray:  # fmt: skip
    """Cut a piece of `size` (rows, columns; the image's own if None) from each padded image."""
    return _crop("random_crop", images, rng, padding, size)


def _crop(
    function: str, images: np.ndarray, rng: np.random.Generator, padding: int,
    size: tuple[int, int] | None,
) -> np.ndarray:  # fmt: skip
    checks.array(function, "images", images, 4)
    checks.instance(function, "rng", rng, np.random.Generator)
    padding = checks.integer(function, "padding", padding, 0)
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    size = images.shape[2:] if size is None else size
    rows, columns = checks.pair(function, "size", size, 1)
    room = padded.shape[2] - rows, padded.shape[3] - columns
    found = f"{function}: size is {size}; the padded images are {padded.shape[2:]}"
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
