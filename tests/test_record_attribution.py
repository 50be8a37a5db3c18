"""Where networks look: every number of the record is a share, and its controls are there."""

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_attribution

FOUND = record("attribution")
SEEDS = len(record_attribution.SEEDS)


def test_each_network_has_its_controls():
    for found in (*FOUND["pointing"].values(), *FOUND["probes"]):
        assert len(found["trained"]) == len(found["untrained"]) == SEEDS
        assert all(0 <= share <= 1 for share in found["trained"] + found["untrained"])


def test_pixels_are_read_alike_whatever_network_they_would_go_through():
    (pixels,) = [one for one in FOUND["probes"] if one["layer"] == "pixels"]
    assert len({*pixels["trained"], *pixels["untrained"]}) == 1


def test_the_layers_are_those_that_the_names_say():
    sizes = {"pixels": 16 * 16, "first convolution": 8 * 8 * 8, "second convolution": 16 * 8 * 8}
    sizes |= {"third convolution": 32 * 8 * 8, "global pooling": 32}
    assert {one["layer"]: one["numbers"] for one in FOUND["probes"]} == sizes


def test_a_digit_and_its_smear_have_the_same_ink_and_do_not_overlap():
    chapter = record_attribution.CHAPTER
    rng = np.random.default_rng(0)
    digit = chapter.unseen[:1]
    smear = chapter.shuffled(digit[0, 0], rng)
    assert smear.sum() == pytest.approx(digit.sum())
    canvases, corners = chapter.placed(digit, rng)
    assert canvases.sum() == pytest.approx(2 * digit.sum())
    row, column = corners[0]
    np.testing.assert_array_equal(canvases[0, 0, row : row + 8, column : column + 8], digit[0, 0])


def test_a_hit_lies_on_the_digit():
    corners = np.array([[0, 5], [0, 5]])
    maps = np.zeros((2, 16, 16))
    maps[0, 7, 12] = maps[1, 8, 12] = 1  # its last row and column, and the row below
    assert record_attribution.CHAPTER.hits(maps, corners) == 1 / 2
    coarse = np.zeros((1, 8, 8))
    coarse[0, 3, 3] = 1  # rows and columns 6 and 7
    assert record_attribution.CHAPTER.hits(coarse, corners[:1]) == 1


def test_the_script_asks_an_untrained_network_again():
    network = record_attribution.CHAPTER.make_network(100)
    found = record_attribution.pointing(network)
    for name, shares in FOUND["pointing"].items():
        assert found[name] == pytest.approx(shares["untrained"][0], abs=0.01), name
