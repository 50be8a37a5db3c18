"""What a shift by one pixel upsets: all networks were trained, and the script makes them again."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_shifts

SHIFTS = record("shifts")
CHAPTER = record_shifts.CHAPTER


def test_all_four_causes_each_left_out_each_alone_and_none_were_trained_with_every_seed():
    assert [one["causes"] for one in SHIFTS["causes"]] == record_shifts.SETS
    assert [len(causes) for causes in record_shifts.SETS] == [4, 3, 3, 3, 3, 1, 1, 1, 1, 0]
    assert [one["remedy"] for one in SHIFTS["remedies"]] == list(record_shifts.REMEDIES)
    for one in SHIFTS["causes"] + SHIFTS["remedies"]:
        assert [run["seed"] for run in one["runs"]] == list(record_shifts.SEEDS)


def test_without_the_four_causes_no_answer_changes():
    for run in SHIFTS["causes"][-1]["runs"]:
        assert run["changed"] == [0, 0, 0, 0]


def test_a_shift_by_all_strides_together_changes_no_answer():
    whole = record_shifts.PIXELS.index(2 * 2)
    for one in SHIFTS["remedies"]:
        for run in one["runs"]:
            assert run["changed"][whole] == [0, 0, 0, 0]


def test_the_script_gives_a_network_with_all_causes_again():
    causes = list(record_shifts.CAUSES)
    assert record_shifts.caused(causes, 0) == SHIFTS["causes"][0]["runs"][0]


def test_the_digits_are_those_of_the_record():
    (_, learned), (_, asked) = CHAPTER.parts()
    assert SHIFTS["images"] == {"train": len(learned), "test": len(asked)}


@pytest.mark.parametrize("border", [(), ("border",)])
def test_gaps_in_place_of_a_stride_give_the_same_numbers_at_every_second_place(border):
    causes = ("ink", *border)
    gaps = CHAPTER.two_convolutions(causes, 0)
    skipping = CHAPTER.two_convolutions(("stride", *causes), 0)
    x = np.random.default_rng(1).normal(size=(2, 1, 8, 8))
    outputs = []
    for network in (gaps, skipping):
        maps = x
        for layer in list(network)[:-3]:
            maps = layer(maps)
        outputs.append(maps)
    np.testing.assert_allclose(outputs[0][:, :, ::2, ::2], outputs[1], atol=1e-12)


def test_the_blur_is_a_convolution_by_1_2_1_and_its_way_back_is_right():
    layer = CHAPTER.BlurPool2d()
    x = np.random.default_rng(2).normal(size=(2, 3, 6, 4))
    kernel = np.tile(np.outer([1, 2, 1], [1, 2, 1]) / 16, (3, 1, 1, 1))
    expected = cnnlib.conv2d(cnnlib.pad(x, 1, "circular"), kernel, stride=2, groups=3)
    np.testing.assert_allclose(layer(x), expected, atol=1e-14)
    assert cnnlib.gradient_check(layer, x) == x.size
