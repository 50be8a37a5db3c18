"""Small networks of other blocks: about the same work, all trained, and trained again."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_after_resnet as after

BLOCKS = record("after_resnet")


def test_every_block_was_searched_with_every_rate_and_trained_with_the_best_and_every_seed():
    assert [run["name"] for run in BLOCKS["runs"]] == list(after.CHAPTER.BLOCKS)
    for run in BLOCKS["runs"]:
        assert [one["lr"] for one in run["search"]] == list(after.RATES)
        assert run["lr"] == min(run["search"], key=lambda one: one["loss"])["lr"]
        assert [one["lr"] for one in run["runs"]] == [run["lr"]] * len(after.SEEDS)


def test_the_networks_need_about_as_many_products():
    library = after.CHAPTER.library(np.random.default_rng(0))
    work = [
        sum(row.multiply_adds for row in cnnlib.summary(network, (1, 8, 8)))
        for network in (after.CHAPTER.small(library, name) for name in after.CHAPTER.BLOCKS)
    ]
    assert max(work) < 1.07 * min(work)


def test_the_script_trains_a_network_again():
    run = next(run for run in BLOCKS["runs"] if run["name"] == "two 3×3")
    again = after.block_run(run["name"], run["lr"], 1)
    assert again["wrong"] == pytest.approx(run["runs"][1]["wrong"], abs=8)
