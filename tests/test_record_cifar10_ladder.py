"""The ladder on CIFAR-10: what each step is, on small made-up images."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import cnnlib
from cnnlib.data import Split
from tools import record_cifar10_ladder as ladder
from tools import recording, reproduce_torch

ORDER = list(ladder.STEPS)


def made_up(count, seed):
    """Noise with a brighter half, left or right: two classes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.standard_normal((count, 3, 32, 32), np.float32) / 4
    images[labels == 0, :, :, :16] += 1
    images[labels == 1, :, :, 16:] += 1
    return Split(images, labels)


@pytest.fixture
def small(monkeypatch):
    sets = {True: (made_up(40, 1), made_up(20, 2)), False: (made_up(60, 1), made_up(30, 3))}
    monkeypatch.setattr(ladder, "data", lambda search, _: sets[search])
    monkeypatch.setattr(ladder, "EPOCHS", 2)
    monkeypatch.setattr(ladder, "SEARCH", 1)
    monkeypatch.setattr(ladder, "BATCH_SIZE", 16)


def test_each_step_adds_one_thing_to_all_before_it():
    assert ladder.options(ORDER[0]) == {}
    for before, after in pairwise(ORDER):
        added = dict(ladder.options(after).items() - ladder.options(before).items())
        assert added == ladder.STEPS[after]
        assert len(added) == 1


def test_a_control_differs_from_a_step_in_one_thing():
    at = ladder.options
    assert at("a lower rate") == at("flips and crops")
    assert at("not deeper").items() ^ at("shortcuts").items() == {("blocks", 2)}


def network(step):
    return ladder.recipe(step, 0.1, 1).network(rng=np.random.default_rng(4))


def count(of, kind):
    return sum(isinstance(layer, kind) for _, layer in of.layers())


def test_the_networks_are_what_their_names_say():
    convolutions = [count(network(step), cnnlib.Conv2d) for step in ORDER]
    assert convolutions == [3 + 2 * 2] * 5 + [3 + 2 * 2 * 2] * 4
    assert [count(network(step), cnnlib.BatchNorm2d) for step in ORDER] == [0, 0, *convolutions[2:]]
    assert [count(network(step), cnnlib.Residual) for step in ORDER] == [0] * 6 + [4] * 3
    plain, kaiming = network("plain"), network("Kaiming")
    last = [[layer for _, layer in one.layers() if isinstance(layer, cnnlib.Conv2d)][-1]
            for one in (plain, kaiming)]  # fmt: skip
    variances = [layer.weight.data.var() * 48 * 9 for layer in last]
    np.testing.assert_allclose(variances, [1 / 3, 2], rtol=0.05)
    assert last[0].bias is not None
    shapes = [network(step)(np.zeros((2, 3, 32, 32), np.float32)).shape for step in ORDER]
    assert shapes == [(2, 10)] * 9


def test_both_libraries_have_the_same_networks_and_the_first_weights_have_one_spread():
    for step in ORDER:
        ours = network(step).state_dict()
        theirs = ladder.recipe(step, 0.1, 1).network(reproduce_torch.LAYERS).state_dict()
        assert {key: array.shape for key, array in ours.items()} == {
            key: tuple(tensor.shape) for key, tensor in theirs.items()
        }
        key = max(
            (key for key, array in ours.items() if array.ndim == 4), key=lambda k: ours[k].size
        )
        ratio = ours[key].std() / theirs[key].numpy().std()
        assert ratio == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("step", ["one cycle", "label smoothing"])
def test_both_libraries_go_the_same_way(step):
    recipe = replace(ladder.recipe(step, 0.1, 2), batch_size=15, bfloat16=False)
    losses = reproduce_torch.first_losses(recipe, made_up(40, 5), 3)
    assert len(losses["torch"]) == 3
    np.testing.assert_allclose(losses["torch"], losses["cnnlib"], rtol=1e-6)


def test_the_record_has_a_search_and_all_seeds_of_every_step(small, tmp_path, monkeypatch):
    monkeypatch.setattr(ladder, "STEPS", {"plain": {}, "all": ladder.options("label smoothing")})
    monkeypatch.setattr(ladder, "CONTROLS", {"slow": ("plain", {}, 0.02), "way": ("all", {}, None)})
    monkeypatch.setattr(ladder, "RATES", (0.01, 0.1))
    runs = recording.Runs(tmp_path / "partial")
    made = ladder.make(None, runs)
    keys = [(run["step"], run["lr"], run["seed"]) for run in made["search"]]
    assert keys == [(step, lr, 0) for step in ("plain", "all", "way") for lr in ladder.RATES]
    assert [(run["step"], run["seed"]) for run in made["runs"]] == [
        (step, seed) for step in ("plain", "all", "slow", "way") for seed in ladder.SEEDS
    ]
    assert made["controls"] == {"slow": {}, "way": made["steps"]["all"]}
    assert all("test" not in run for run in made["search"])
    for run in made["runs"]:
        tried = [one for one in made["search"] if one["step"] == run["step"]]
        assert run["lr"] == (ladder.best(tried) if tried else 0.02)
        assert len(run["loss"]) == len(run["accuracy"]) == 2
        assert np.sum(run["confusion"]) == 30
        assert run["test"] == pytest.approx(np.trace(run["confusion"]) / 30, abs=1e-4)
    assert made["images"] == {"train": 60, "held_out": 20, "test": 30, "source": "the original"}


def test_a_rate_whose_loss_was_no_number_is_never_the_best(small):
    bad = ladder.ladder_run("plain", 1e30, 0, True, None)
    assert bad == {"step": "plain", "lr": 1e30, "seed": 0, "loss": None}
    assert ladder.best([bad, {"lr": 3, "held_out": 0.1}]) == 3
