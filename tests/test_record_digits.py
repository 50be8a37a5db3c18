"""The candidates of the chapter digits, and the one that met the test images."""

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_digits

DIGITS = record("digits")


@pytest.mark.parametrize("run", DIGITS["candidates"][0]["runs"][:2], ids=lambda run: run["seed"])
def test_the_script_gives_a_candidate_again(run):
    again = record_digits.candidate("dense", run["seed"])
    assert again["wrong"] == run["wrong"]
    assert again["loss"] == pytest.approx(run["loss"], abs=1e-3)


def test_the_network_of_the_test_is_the_best_in_validation_and_reaches_985_of_1000():
    means = [np.mean([run["wrong"] for run in c["runs"]]) for c in DIGITS["candidates"]]
    assert DIGITS["network"] == DIGITS["candidates"][int(np.argmin(means))]["network"]
    wrong = np.mean([run["wrong"] for run in DIGITS["test"]])
    assert len(DIGITS["test"]) == 5
    assert 1 - wrong / DIGITS["images"]["test"] >= 0.985


def test_the_mistakes_are_as_many_as_are_counted():
    for run in DIGITS["test"] + DIGITS["in_file_order"]:
        assert len(run["mistakes"]) == run["wrong"]


def test_moved_digits_were_asked_of_the_networks_of_the_test():
    dense, largest = endings = DIGITS["shifts"]
    assert [ending["ending"] for ending in endings] == list(record_digits.ENDINGS)
    tested = [run["wrong"] for run in DIGITS["test"]]
    assert [run["as they are"] for run in dense["runs"]] == tested
    assert len(largest["runs"]) == len(record_digits.SEEDS)


@pytest.mark.parametrize(("name", "move"), record_digits.MOVES.items())
def test_a_digit_is_moved_by_one_pixel_and_what_leaves_is_lost(name, move):
    picture = np.arange(1.0, 65).reshape(1, 1, 8, 8)
    moved = record_digits.CHAPTER.moved(picture, *move)[0, 0]
    image = picture[0, 0]
    inside = {
        "left": (image[:, 1:], moved[:, :7]),
        "right": (image[:, :7], moved[:, 1:]),
        "up": (image[1:], moved[:7]),
        "down": (image[:7], moved[1:]),
    }
    np.testing.assert_array_equal(*inside[name])
    assert (moved == 0).sum() == 8
