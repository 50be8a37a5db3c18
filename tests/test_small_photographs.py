"""The two photographs that PhotoKernel brings are scikit-learn's, cut and scaled."""

import numpy as np
import pytest
from PIL import Image

import cnnlib
from tools import small_photographs
from tools.recording import ASSETS


@pytest.mark.parametrize("name", ["china", "flower"])
def test_a_photograph_is_made_again_as_it_is_stored(name, tmp_path, monkeypatch):
    monkeypatch.setattr(small_photographs, "ASSETS", tmp_path)
    small_photographs.main()
    stored, made = (
        np.asarray(Image.open(folder / f"{name}.jpg"), float) for folder in (ASSETS, tmp_path)
    )
    assert stored.shape == (240, 320, 3)
    assert np.abs(stored - made).mean() < 1  # another library packs with other roundings


@pytest.mark.parametrize("name", ["china", "flower"])
def test_it_is_the_middle_of_the_original_at_half_its_size(name):
    original = cnnlib.photographs()[name]
    stored = np.asarray(Image.open(ASSETS / f"{name}.jpg")).transpose(2, 0, 1) / 255
    scale = 427 / 240
    left = (640 - 320 * scale) / 2
    for row, column in [(40, 60), (120, 160), (200, 290)]:
        top, begin = round(row * scale), round(left + column * scale)
        around = original[:, top - 6 : top + 7, begin - 6 : begin + 7].mean(axis=(1, 2))
        mine = stored[:, row - 3 : row + 4, column - 3 : column + 4].mean(axis=(1, 2))
        np.testing.assert_allclose(mine, around, atol=0.04)
