"""Digits drawn by a program: what the script records of them, and the program itself."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_drawn

FOUND = record("drawn")
CHAPTER = record_drawn.CHAPTER
SETTINGS = pytest.mark.parametrize("one", FOUND["settings"], ids=lambda one: one["setting"])


@SETTINGS
def test_bins_seeds_and_mistakes_tell_the_same(one):
    images, wrong = (one["all"][name] for name in ("images", "wrong"))
    assert images == len(record_drawn.SEEDS) * record_drawn.DRAWINGS == sum(FOUND["ways"].values())
    assert sum(part["images"] for part in one["bins"]) == images
    assert images - sum(part["right"] for part in one["bins"]) == wrong
    assert sum(seed["wrong"] for seed in one["seeds"]) == wrong
    assert sum(half["after"]["wrong"] for half in one["halves"]) == wrong
    found = [each for each in FOUND["mistakes"] if each["setting"] == one["setting"]]
    assert len(found) == wrong
    assert all(str(each["answer"]) != each["way"][0] for each in found)


def test_the_parts_of_the_control_are_of_mnist_and_as_large():
    parts = FOUND["mnist"]
    assert [part["images"] for part in parts] == [300] * (10_000 // 300)
    every = record("calibration")["all"]["wrong"]
    assert every - 100 <= sum(part["wrong"] for part in parts) <= every


def test_a_mistake_is_found_again_by_its_seed_and_number():
    last = {one["setting"]: one for one in FOUND["mistakes"]}
    assert list(last) == list(record_drawn.SETTINGS)
    for setting, one in last.items():
        drawn = one["seed"], one["number"]
        way, pad = CHAPTER.drawing(*drawn, **record_drawn.SETTINGS[setting])
        assert way == one["way"]
        image = cnnlib.center_digit(pad).astype(np.float32)[None, None]
        p = cnnlib.softmax(CHAPTER.network(image))[0]
        assert p.argmax() == one["answer"]
        assert p.max() == pytest.approx(one["confidence"], abs=1e-3)


def test_the_ways_of_a_digit_take_turns_and_no_setting_changes_them():
    run = record_drawn.answered("fine pen", 5, 32)
    assert np.shape(run["logits"]) == (32, 10)
    assert run["ways"][1::10] == ["1 line", "1 flag", "1 flag and foot", "1 line"]
    assert [int(way[0]) for way in run["ways"]] == [number % 10 for number in range(32)]


def test_a_drawing_is_as_thick_as_slanted_and_as_steady_as_it_was_asked_for():
    def columns(**settings):
        pad = CHAPTER.scribble("1 line", np.random.default_rng(0), **settings)
        return np.flatnonzero(pad.any(axis=0))

    steady = columns(slant=0, tremble=0)
    assert len(steady) == pytest.approx(0.08 * 140, abs=2)
    assert len(columns(slant=0, tremble=0, width=0.15)) == pytest.approx(0.15 * 140, abs=2)
    assert len(columns(slant=0)) > len(steady)
    assert len(columns(slant=0.6, tremble=0)) > len(steady) + 5


@pytest.mark.parametrize("way", CHAPTER.WAYS)
def test_no_drawing_leaves_the_pad(way):
    pad = CHAPTER.scribble(way, np.random.default_rng(1), width=0.15, slant=0.6)
    edges = [pad[0], pad[-1], pad[:, 0], pad[:, -1]]
    assert max(edge.max() for edge in edges) < 1


def test_what_is_recorded_of_three_answers():
    logits = np.log([[0.75, 0.25], [0.75, 0.25], [0.05, 0.95]])
    run = {"ways": ["0 open", "1 line", "0 closed"], "logits": logits.tolist()}
    first, second = record_drawn.mistakes("steady", 4, run | {"ways": [*run["ways"][:2], "2 loop"]})
    assert first == {
        **{"setting": "steady", "seed": 4, "number": 1},
        **{"way": "1 line", "answer": 0, "confidence": 0.75},
    }
    assert (second["number"], second["answer"], second["confidence"]) == (2, 1, 0.95)


def test_who_is_always_sure_is_calibrated_with_no_error_and_who_doubts_by_chance_with_some():
    sure, half = np.array([[1000.0, 0]] * 100), np.zeros((100, 2))
    assert record_drawn.by_chance(sure) == 0
    # The share of 100 coins is 0.5 with a standard deviation of 0.05.
    assert record_drawn.by_chance(half) == pytest.approx(2 * 0.05, abs=0.015)


def test_a_setting_is_asked_with_the_drawings_of_all_seeds():
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 10
    runs = [{"logits": rng.normal(2 * np.eye(10)[labels]).tolist()} for _ in range(2)]
    one = record_drawn.asked("upright", runs)
    assert one["all"]["images"] == 40
    for seed, run in zip(one["seeds"], runs, strict=True):
        assert seed["wrong"] == (np.argmax(run["logits"], axis=1) != labels).sum()
    assert one["all"]["wrong"] == sum(seed["wrong"] for seed in one["seeds"])
