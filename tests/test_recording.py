"""What the recordings share, and what every record holds."""

import json
from pathlib import Path

import numpy as np
import pytest

import cnnlib
from cnnlib.records import asset, record
from tools import recording

RECORDED = [
    path.stem.removeprefix("record_")
    for path in Path(recording.__file__).parent.glob("record_*.py")
    # In these nothing is trained, or, in the ladder, not everything yet.
    if path.stem.removeprefix("record_")
    not in (
        *("calibration", "cells", "cifar10_examples", "cifar10_inside", "cifar10_ladder"),
        *("cifar10_transfer", "drawn", "examples"),
    )
]


def test_each_script_has_a_record():
    assert [name for name in RECORDED if not asset(f"{name}.json").exists()] == []
    assert len(RECORDED) >= 5


@pytest.mark.parametrize("name", RECORDED)
def test_a_record_states_what_it_depends_on_and_stays_small(name):
    stated = record(name)
    for key in ("network", "optimizer", "batch_size", "seed", "images", "versions", "machine"):
        assert stated[key] not in (None, "", {}), key
    assert asset(f"{name}.json").stat().st_size < 200_000


def test_the_three_parts_of_the_digits_share_no_image_and_miss_none():
    images, labels = cnnlib.digits()
    together = recording.joined(*recording.parts())
    assert recording.part_sizes() == record("digits")["images"]
    for ours, all_of_them in zip(together, (images, labels), strict=True):
        np.testing.assert_array_equal(np.sort(ours, axis=0), np.sort(all_of_them, axis=0))


def test_a_record_is_replaced_whole(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    recording.write(path, {"loss": [1.5]})
    assert json.loads(path.read_text()) == {"loss": [1.5]}
    monkeypatch.setattr(recording.os, "replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recording.write(path, {"loss": [2.5]})
    assert json.loads(path.read_text()) == {"loss": [1.5]}


def test_a_record_that_does_not_exist_is_named():
    with pytest.raises(FileNotFoundError, match=r"nothing\.json"):
        record("nothing")


def counted(seed, rate):
    """A run that leaves a mark each time that it is made, and fails with rate 0."""
    counted.made.append((seed, rate))
    return {"loss": (1 / rate, seed)}


def test_a_recording_that_was_stopped_goes_on_where_it_was(tmp_path):
    counted.made = []

    def make(runs):
        return {"runs": [runs(counted, 7, rate) for rate in make.rates], "seconds": runs.seconds}

    make.rates = (4, 0, 8)
    argv = ["record.py", str(tmp_path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", argv)
        with pytest.raises(ZeroDivisionError):
            recording.main("some", make)
        assert not (tmp_path / "some.json").exists()
        make.rates = (4, 8)
        recording.main("some", make)
    assert counted.made == [(7, 4), (7, 0), (7, 8)]  # the first was not made again
    made = json.loads((tmp_path / "some.json").read_text())
    assert made == {"runs": [{"loss": [1 / 4, 7]}, {"loss": [1 / 8, 7]}], "seconds": 0}
    assert [path.name for path in tmp_path.iterdir()] == ["some.json"]
