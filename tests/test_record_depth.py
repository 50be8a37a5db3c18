"""The stacks of 8 and 24 layers: all were trained, and the script makes them again."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_depth

DEPTH = record("depth")


def keys(runs):
    return [(run["name"], run["initialization"], run["lr"], run["seed"]) for run in runs]


def test_every_stack_was_searched_with_every_rate_and_trained_with_the_best_and_every_seed():
    first, *_ = record_depth.SEEDS
    assert keys(DEPTH["search"]) == [
        (*choice, lr, first) for choice in record_depth.TRAINED for lr in record_depth.RATES
    ]
    trained = []
    for name, initialization in record_depth.TRAINED:
        tried = [r for r in DEPTH["search"] if r["name"] == name]
        tried = [r for r in tried if r["initialization"] == initialization]
        best = record_depth.best(tried)
        trained += [(name, initialization, best, seed) for seed in record_depth.SEEDS]
    assert keys(DEPTH["runs"]) == trained
    assert {len(run["loss"]) for run in DEPTH["search"]} == {record_depth.SEARCH}
    for run in DEPTH["runs"]:
        assert len(run["loss"]) == record_depth.TRAINED[run["name"], run["initialization"]]


def test_a_rate_whose_loss_was_no_number_is_never_the_best():
    tried = [{"lr": 0.1, "loss": None}, {"lr": 0.2, "loss": [3, 5]}, {"lr": 0.3, "loss": [9, 4]}]
    assert record_depth.best(tried) == 0.3


@pytest.mark.parametrize("index", [0, 3, 7])
def test_the_script_gives_the_first_epoch_of_a_stack_again(index):
    run = DEPTH["runs"][index]
    again = record_depth.depth_run(
        run["name"], run["initialization"], run["lr"], run["seed"], epochs=1
    )
    np.testing.assert_allclose(again["loss"], run["loss"][:1], atol=0.005)


def test_kaiming_weights_have_six_times_the_variance_and_nothing_else_differs():
    name = "plain, 24 layers, no BN"
    default, kaiming = (record_depth.stack(name, how, 7) for how in ("default", "Kaiming"))
    convolutions = [layer for _, layer in default.layers() if isinstance(layer, cnnlib.Conv2d)]
    assert len(convolutions) == 23
    larger = 0
    for key, array in default.state_dict().items():
        other = kaiming.state_dict()[key]
        larger += array.ndim == 4
        factor = np.sqrt(6) if array.ndim == 4 else 1
        np.testing.assert_allclose(other, factor * array, rtol=1e-12)
    assert larger == 23
