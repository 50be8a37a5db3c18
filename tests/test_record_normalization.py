"""Three normalizations and batches of 2 to 32: all were trained, and the script does it again."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_normalization as norms

NORMS = record("normalization")


def test_every_kind_was_searched_and_trained_with_every_batch_size_and_seed():
    found = [(run["to_pixels"], run["batch_size"], run["kind"]) for run in NORMS["runs"]]
    sizes = [(False, size) for size in norms.BATCH_SIZES]
    sizes += [(True, size) for size in norms.PIXEL_RATES]
    assert found == [(*size, kind) for size in sizes for kind in norms.KINDS]
    for run in NORMS["runs"]:
        rates = norms.PIXEL_RATES[run["batch_size"]] if run["to_pixels"] else norms.RATES
        assert [one["lr"] for one in run["search"]] == list(rates)
        finite = [one for one in run["search"] if one["loss"] is not None]
        assert run["lr"] == min(finite, key=lambda one: one["loss"])["lr"]
        assert len(run["runs"]) == len(norms.SEEDS)
    choices = [(run["kind"], run["lr"]) for run in NORMS["slopes"]["runs"]]
    assert choices == [(kind, lr) for kind in norms.SLOPE_KINDS for lr in norms.SLOPE_RATES]


def test_the_kinds_begin_with_the_same_weights():
    states = {kind: norms.network(kind, 5, True).state_dict() for kind in norms.KINDS}
    weights = {
        kind: [array for array in state.values() if array.ndim in (2, 4)]
        for kind, state in states.items()
    }
    for kind in norms.KINDS:
        for one, other in zip(weights[kind], weights["none"], strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_longer_network_has_one_number_in_its_last_maps():
    x = np.zeros((3, 1, 8, 8))
    assert norms.network("batch", 0, to_pixels=True)[:-2](x).shape == (3, 32, 1, 1)
    assert norms.network("batch", 0)[:-2](x).shape == (3, 16, 2, 2)


def test_the_script_gives_a_training_again():
    (run,) = [
        run
        for run in NORMS["runs"]
        if (run["to_pixels"], run["batch_size"], run["kind"]) == (True, 32, "group")
    ]
    again = norms.batch_run("group", 32, run["lr"], 1, True)
    assert again["loss"] == pytest.approx(run["runs"][1]["loss"], abs=0.02)
    assert again["wrong"] == pytest.approx(run["runs"][1]["wrong"], abs=5)


def test_the_script_gives_the_first_epoch_of_a_slope_again():
    run = NORMS["slopes"]["runs"][1]
    again = norms.slope_run(run["kind"], run["lr"], 2, epochs=1)
    assert again["loss"] == pytest.approx(run["runs"][2]["loss"][:1], abs=0.01)


def test_a_step_is_undone_and_goes_along_the_gradient():
    model, loss = norms.network("none", 0), cnnlib.CrossEntropyLoss()
    batch = tuple(part[:8] for part in norms.few_images())
    before = loss(model(batch[0]), batch[1])
    model.backward(loss.backward())
    square = sum((p.grad**2).sum() for p in model.parameters())
    kept = model.state_dict()
    drop = before - norms.loss_at(model, batch, 1e-6)
    assert drop == pytest.approx(1e-6 * square, rel=0.01)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, kept[name])


def test_a_shift_scales_and_moves_each_channel_in_training_alone():
    shift = norms.Shift(2)
    x = np.ones((3, 2, 1, 4))
    np.testing.assert_array_equal(shift(x), x)
    shift.renew(np.random.default_rng(0))
    y = shift(x)
    assert np.ptp(y[:, 0]) == np.ptp(y[:, 1]) == 0
    assert y[0, 0, 0, 0] != y[0, 1, 0, 0]
    assert cnnlib.gradient_check(shift, x + np.random.default_rng(1).normal(size=x.shape)) > 0
    np.testing.assert_array_equal(shift.eval()(x), x)
