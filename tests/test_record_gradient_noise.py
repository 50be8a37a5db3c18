"""Batches against the whole, batch sizes with rates, and more images: what the script records."""

import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_gradient_noise as noise
from tools import recording

FOUND = record("gradient_noise")


def test_everything_was_measured_with_every_seed():
    states = {(run["data"], run["seed"]): run["states"] for run in FOUND["scatter"]["runs"]}
    assert set(states) == {(name, seed) for name in noise.EPOCHS for seed in noise.SEEDS}
    for (name, _), found in states.items():
        assert [state["epoch"] for state in found] == list(noise.EPOCHS[name])
    rates = [(run["batch_size"], run["lr"], len(run["loss"])) for run in FOUND["rates"]["runs"]]
    assert rates == [(size, lr, 3) for size in noise.SIZES for lr in noise.RATES]
    learned = [(run["images"], len(run["wrong"])) for run in FOUND["images_learned"]["runs"]]
    assert learned == [(count, 3) for count in noise.IMAGES]


@pytest.mark.parametrize(("size", "lr", "seed"), [(128, 0.4, 0), (32, 1.6, 2)])
def test_the_script_gives_the_first_losses_of_a_rate_again(size, lr, seed, monkeypatch):
    (run,) = [r for r in FOUND["rates"]["runs"] if (r["batch_size"], r["lr"]) == (size, lr)]
    monkeypatch.setattr(noise, "LIMIT", 2)
    again = noise.rate_run(size, lr, seed)
    np.testing.assert_allclose(again, run["loss"][seed][:2], atol=0.002)


def test_a_training_ends_at_its_target_at_its_limit_or_when_it_only_guesses():
    for run in FOUND["rates"]["runs"]:
        for losses in run["loss"]:
            assert all(loss > noise.TARGET for loss in losses[:-1])
            reached = losses[-1] <= noise.TARGET
            guesses = len(losses) >= noise.PATIENCE and losses[-1] > noise.GUESSING
            assert reached or guesses or len(losses) == noise.LIMIT


def test_the_gradient_is_that_of_the_mean_loss_however_many_portions(monkeypatch):
    model, (images, labels) = noise.network("digits", 1), recording.digits()[0]
    loss = cnnlib.CrossEntropyLoss()
    loss(model.forward(images[:1100]), labels[:1100])
    model.backward(loss.backward())
    at_once = np.concatenate([p.grad.ravel() for p in model.parameters()])
    parts = noise.gradient(model, images[:1100], labels[:1100])  # 1000 and 100
    np.testing.assert_allclose(parts, at_once, rtol=1e-9, atol=1e-12)


def test_the_noise_scale_is_that_of_the_images_one_by_one(monkeypatch):
    model, (images, labels) = noise.network("digits", 0), recording.digits()[0]
    few = images[:60], labels[:60]
    each = [noise.gradient(model, few[0][[i]], few[1][[i]]) for i in range(60)]
    whole = np.mean(each, axis=0)
    scale = np.mean([(one - whole) @ (one - whole) for one in each]) / (whole @ whole)
    monkeypatch.setattr(noise, "BATCHES", (4, 16))
    monkeypatch.setattr(noise, "DRAWS", 400)
    found = noise.scatter(model, few, seed=0)
    assert found["noise_scale"] == pytest.approx(scale, rel=0.06)
    assert 0 < found["cosine"][4] < found["cosine"][16] < 1
