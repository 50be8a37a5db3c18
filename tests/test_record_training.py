"""The recorded trainings: what the files hold, and that the script makes the same again."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from cnnlib.widgets.records import record
from tools import record_training

ASSETS = Path(__file__).parents[1] / "assets"
RATES, TRAINING = record("learning_rate"), record("training")


@pytest.mark.parametrize("name", ["learning_rate", "training"])
def test_a_record_states_what_it_depends_on_and_stays_small(name):
    stated = record(name)
    for key in ("network", "optimizer", "batch_size", "seed", "images", "versions", "machine"):
        assert stated[key] not in (None, "", {}), key
    assert (ASSETS / f"{name}.json").stat().st_size < 200_000


@pytest.mark.parametrize("run", RATES["runs"], ids=lambda run: str(run["lr"]))
def test_the_script_gives_the_first_losses_of_each_learning_rate_again(run):
    again = record_training.learning_rate_run(run["lr"], steps=4)
    np.testing.assert_allclose(again["loss"], run["loss"][:4], atol=1e-3)


@pytest.mark.parametrize("run", TRAINING["runs"], ids=lambda run: run["name"])
def test_the_script_gives_the_first_frames_again(run):
    for again, frame in zip(
        record_training.playback(run["images"], run["frames"][-1]["step"]),
        run["frames"][:3],
        strict=False,
    ):
        assert again["step"] == frame["step"]
        for key in ("loss", "accuracy", "filters", "probabilities"):
            np.testing.assert_allclose(again[key], frame[key], atol=2e-3)


def test_the_shown_images_are_the_first_of_the_validation_set():
    _, (images, labels) = record_training.digits()
    shown = TRAINING["shown"]
    assert shown["labels"] == labels[: len(shown["labels"])].tolist()
    np.testing.assert_array_equal(shown["images"], 16 * images[: len(shown["images"]), 0])


def test_the_network_overfits_fifty_images_and_not_all():
    many, few = (run["frames"] for run in TRAINING["runs"])
    lowest = min(frame["loss"][1] for frame in few)
    assert few[-1]["loss"][0] < 0.01
    assert few[-1]["loss"][1] > 1.05 * lowest
    assert many[-1]["loss"][1] < 0.2 * lowest


def test_with_learning_rate_3_no_relu_is_left_alive_after_two_batches():
    network, (train, validation) = (
        record_training.small_network(),
        record_training.digits(),
    )
    list(itertools.islice(record_training.losses(network, train, lr=3), 2))
    assert network[1].forward(network[0].forward(validation[0])).max() == 0


def test_a_record_is_replaced_whole(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    record_training.write(path, {"loss": [1.5]})
    assert json.loads(path.read_text()) == {"loss": [1.5]}
    monkeypatch.setattr(record_training.os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        record_training.write(path, {"loss": [2.5]})
    assert json.loads(path.read_text()) == {"loss": [1.5]}


def test_a_record_that_does_not_exist_is_named():
    with pytest.raises(FileNotFoundError, match=r"nothing\.json"):
        record("nothing")
