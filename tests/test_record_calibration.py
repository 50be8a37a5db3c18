"""How sure the trained network is of MNIST's test images: what the script records."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import mnist_examples, record
from tools import record_calibration

FOUND = record("calibration")


def test_the_bins_hold_all_images_and_give_what_is_said_of_all():
    every, bins = FOUND["all"], FOUND["bins"]
    images = sum(one["images"] for one in bins)
    assert images == every["images"] == 10_000
    assert images - sum(one["right"] for one in bins) == every["wrong"]
    mean = sum(one["images"] * one["confidence"] for one in bins) / images
    assert mean == pytest.approx(every["confidence"], abs=2e-5)
    gaps = [abs(one["right"] - one["images"] * one["confidence"]) for one in bins]
    assert sum(gaps) / images == pytest.approx(every["error"], abs=2e-5)
    assert all(one["from"] < one["confidence"] <= one["to"] for one in bins)


def test_it_is_of_the_network_and_the_images_of_the_other_records():
    assert 1 - FOUND["all"]["wrong"] / 10_000 == pytest.approx(record("mnist_examples")["accuracy"])
    halves = [one["before"] for one in FOUND["halves"]]
    assert [one["images"] for one in halves] == [5000, 5000]
    assert sum(one["wrong"] for one in halves) == FOUND["all"]["wrong"]
    _, labels, answers = mnist_examples()
    assert (labels != answers).sum() <= FOUND["all"]["wrong"]


def test_no_temperature_changes_an_answer():
    for one in FOUND["halves"]:
        assert one["before"]["wrong"] == one["after"]["wrong"]


def test_the_temperature_of_one_half_is_used_for_the_other():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    logits = np.eye(3)[np.where(rng.random(400) < 0.8, labels, rng.integers(0, 3, 400))]
    logits[200:] *= 5  # the second half is five times as sure, and as often right
    first, second = record_calibration.crossed(logits, labels)
    assert first["temperature"] == pytest.approx(
        cnnlib.fit_temperature(logits[:200], labels[:200]), abs=1e-5
    )
    assert first["before"]["loss"] == pytest.approx(
        cnnlib.cross_entropy(logits[200:], labels[200:]), abs=1e-5
    )
    assert first["after"]["loss"] == pytest.approx(
        cnnlib.cross_entropy(logits[200:] / first["temperature"], labels[200:]), abs=1e-4
    )
    assert second["temperature"] > 3 * first["temperature"]
    assert second["before"]["confidence"] < first["before"]["confidence"]


def test_a_record_tells_of_the_bins_that_hold_answers():
    logits = np.log([[0.75, 0.25], [0.75, 0.25], [0.05, 0.95]])
    made = record_calibration.made(logits, np.array([0, 1, 1]))
    assert made["all"]["wrong"] == 1
    assert made["all"]["confidence"] == pytest.approx((0.75 + 0.75 + 0.95) / 3, abs=1e-5)
    assert made["all"]["error"] == pytest.approx(2 / 3 * 0.25 + 1 / 3 * 0.05, abs=1e-5)
    assert made["bins"] == [
        {"from": 0.7, "to": 0.8, "images": 2, "confidence": 0.75, "right": 1},
        {"from": 0.9, "to": 1.0, "images": 1, "confidence": 0.95, "right": 1},
    ]
