"""Clipping, one broken image, warm-up: what the script records."""

from itertools import product

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_watching as watching
from tools import recording

FOUND = record("watching")


def test_every_choice_was_trained_with_every_seed():
    clipped = [(run["broken"], run["lr"], run["max_norm"]) for run in FOUND["clipped"]]
    assert clipped == [
        (broken, lr, limit)
        for broken, rates in watching.RATES.items()
        for lr, limit in product(rates, watching.MAX_NORMS)
    ]
    warmed = [(run["optimizer"], run["lr"], run["warm"]) for run in FOUND["warmed"]]
    assert warmed == [
        (name, lr, warm)
        for name, rates in watching.WARM.items()
        for lr, warm in product(rates, watching.STEPS)
    ]
    counts = {len(run["seeds"]) for run in FOUND["clipped"] + FOUND["warmed"]}
    assert counts == {len(watching.SEEDS)}


def test_one_image_is_broken_and_no_other():
    (good, labels), (broken, same) = (watching.images(broken, 3) for broken in (False, True))
    np.testing.assert_array_equal(labels, same)
    (changed,) = np.flatnonzero((good != broken).any(axis=(1, 2, 3)))
    np.testing.assert_array_equal(broken[changed], 255 * good[changed])
    np.testing.assert_array_equal(recording.digits()[0][0], good)


@pytest.mark.parametrize(("lr", "limit", "broken"), [(3, 0.3, False), (0.1, 5, True)])
def test_the_script_trains_a_clipped_network_again(lr, limit, broken):
    (run,) = [
        run
        for run in FOUND["clipped"]
        if (run["lr"], run["max_norm"], run["broken"]) == (lr, limit, broken)
    ]
    again = watching.watched_run("SGD", lr, 0, limit, broken)
    assert again["wrong"] == pytest.approx(run["seeds"][0]["wrong"], abs=5)
    assert again["clipped"] == pytest.approx(run["seeds"][0]["clipped"], abs=0.02)


def test_a_warm_up_of_one_step_is_none_and_a_long_one_begins_slowly(monkeypatch):
    monkeypatch.setattr(watching, "EPOCHS", 1)
    none, one, long = (watching.watched_run("SGD", 1, 0, warm=warm) for warm in (0, 1, 1000))
    assert none == one
    assert long["wrong"] > 2 * none["wrong"]
    assert long["dead"] == 0
