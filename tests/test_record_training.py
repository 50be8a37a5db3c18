"""The two trainings that are played back."""

import numpy as np
import pytest

from cnnlib.records import record
from tools import record_training, recording

TRAINING = record("training")


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
    _, (images, labels) = recording.digits()
    shown = TRAINING["shown"]
    assert shown["labels"] == labels[: len(shown["labels"])].tolist()
    np.testing.assert_array_equal(shown["images"], 16 * images[: len(shown["images"]), 0])


def test_the_network_overfits_fifty_images_and_not_all():
    many, few = (run["frames"] for run in TRAINING["runs"])
    lowest = min(frame["loss"][1] for frame in few)
    assert few[-1]["loss"][0] < 0.01
    assert few[-1]["loss"][1] > 1.05 * lowest
    assert many[-1]["loss"][1] < 0.2 * lowest
