"""Digits in order and shuffled: all networks were trained, and the script does it again."""

from itertools import product

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_shuffle

SHUFFLE = record("shuffle")


def test_every_network_was_trained_in_order_and_shuffled_with_every_seed():
    names = [(run["network"], run["order"]) for run in SHUFFLE["runs"]]
    assert names == list(product(record_shuffle.CHAPTER.networks, record_shuffle.ORDERS))
    assert {len(run["right"]) for run in SHUFFLE["runs"]} == {len(record_shuffle.SEEDS)}


@pytest.mark.parametrize("order", record_shuffle.ORDERS)
def test_the_script_trains_a_network_again(order):
    (run,) = [r for r in SHUFFLE["runs"] if (r["network"], r["order"]) == ("dense", order)]
    assert record_shuffle.shuffle_run("dense", order, 2) == pytest.approx(run["right"][2], abs=0.02)


def test_shuffled_images_have_the_same_pixels_in_one_order_for_all():
    chapter = record_shuffle.CHAPTER
    plain, mixed = (x.reshape(len(x), -1) for x in (chapter.canvases, chapter.shuffled))
    np.testing.assert_array_equal(mixed, plain[:, chapter.pixel_order])
    assert sorted(chapter.pixel_order) == list(range(chapter.side**2))
