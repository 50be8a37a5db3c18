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
