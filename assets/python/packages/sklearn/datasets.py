"""The digits and the photographs of scikit-learn, as tools/book_python.py has stored them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np


def load_digits() -> SimpleNamespace:
    """1797 digits: images (1797, 8, 8) from 0 to 16, target (1797,), and what they are, DESCR."""
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        images, target = file["images"].astype(float), file["target"].astype(int)
    rows = images.reshape(len(images), -1)
    text = Path(__file__).with_name("digits.txt").read_text("utf-8")
    return SimpleNamespace(data=rows, images=images, target=target, DESCR=text)


def load_sample_images() -> SimpleNamespace:
    """Two photographs, (427, 640, 3), from 0 to 255."""
    import photographs

    return SimpleNamespace(filenames=photographs.FILES, images=photographs.images())
