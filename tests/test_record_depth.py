"""The stacks of 8 and 24 layers: all were trained, and the script makes them again."""

import itertools
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cnnlib.records import record
from tools import record_depth

CHAPTER = Path(__file__).parents[1] / "chapters" / "architectures.ipynb"
DEPTH = record("depth")


def test_every_stack_was_trained_with_every_rate_and_seed():
    found = {(run["name"], run["lr"], run["seed"]) for run in DEPTH["runs"]}
    rates, seeds = record_depth.RATES, record_depth.SEEDS
    assert found == set(itertools.product(record_depth.STACKS, rates, seeds))
    assert all(len(run["loss"]) == record_depth.EPOCHS for run in DEPTH["runs"])
    assert 0 < DEPTH["seconds"] < 600


@pytest.mark.parametrize("index", [0, 35])
def test_the_script_gives_the_first_epoch_of_a_stack_again(index):
    run = DEPTH["runs"][index]
    again = record_depth.depth_run(run["name"], run["lr"], run["seed"], epochs=1)
    np.testing.assert_allclose(again["loss"], run["loss"][:1], atol=0.02)


def test_the_recorded_stacks_are_those_that_the_chapter_builds():
    notebook = nbformat.read(CHAPTER, 4)
    (source,) = [cell.source for cell in notebook.cells if "def stack(" in cell.source]
    names = {}
    exec("import cnnlib\nimport numpy as np\nfrom functools import partial", names)
    exec("from types import SimpleNamespace\n" + source.split("images, labels =")[0], names)
    for blocks, residual in record_depth.STACKS.values():
        recorded = record_depth.stack(blocks, residual, 0)
        built = names["stack"](names["library"](np.random.default_rng(0)), blocks, residual, True)
        kinds = [[type(layer) for _, layer in net.layers()] for net in (recorded, built)]
        assert kinds[0] == kinds[1]
        for key, array in recorded.state_dict().items():
            np.testing.assert_array_equal(built.state_dict()[key], array)
