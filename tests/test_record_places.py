"""Pictures of one place and of two: every choice was trained, and the script does it again."""

import pytest

from cnnlib.records import record
from tools import record_places

PLACES = record("places")


def test_each_place_is_asked_about_after_each_single_other_one_and_after_both():
    for count, varied, size in [(5, False, 1), (30, False, 1), (15, False, 2), (15, True, 2)]:
        runs = [r for r in PLACES["runs"] if (r["of_each"], r["varied"]) == (count, varied)]
        asked = sorted(
            (run["known"], *run["right"][0]) for run in runs if len(run["known"]) == size
        )
        assert [known for known, *_ in asked] == (
            ["a", "b", "c"] if size == 1 else ["ab", "ac", "bc"]
        )
        for known, *new in asked:
            assert sorted([*known, *new]) == ["a", "b", "c"]
    assert {len(run["right"]) for run in PLACES["runs"]} == {len(record_places.SEEDS)}


def test_the_script_trains_on_five_pictures_of_a_place_again():
    (run,) = [run for run in PLACES["runs"] if (run["known"], run["of_each"]) == ("b", 5)]
    assert record_places.place_run("b", 5, False, 1) == pytest.approx(run["right"][1], abs=0.03)
