"""The recorded trainings: what the files hold, and that the script makes the same again."""

import itertools
import json
from pathlib import Path

import nbformat
import numpy as np
import pytest

import cnnlib
from cnnlib.records import record
from tools import record_training

ASSETS = Path(__file__).parents[1] / "assets"
RATES, TRAINING, DEPTH = record("learning_rate"), record("training"), record("depth")
DIGITS, BETTER = record("digits"), record("better_training")


@pytest.mark.parametrize(
    "name", ["learning_rate", "training", "digits", "better_training", "depth"]
)
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


def test_every_stack_was_trained_with_every_rate_and_seed():
    found = {(run["name"], run["lr"], run["seed"]) for run in DEPTH["runs"]}
    rates, seeds = record_training.DEPTH_RATES, record_training.DEPTH_SEEDS
    assert found == set(itertools.product(record_training.DEPTH_STACKS, rates, seeds))
    assert all(len(run["loss"]) == record_training.DEPTH_EPOCHS for run in DEPTH["runs"])
    assert 0 < DEPTH["seconds"] < 600


@pytest.mark.parametrize("index", [0, 35])
def test_the_script_gives_the_first_epoch_of_a_stack_again(index):
    run = DEPTH["runs"][index]
    again = record_training.depth_run(run["name"], run["lr"], run["seed"], epochs=1)
    np.testing.assert_allclose(again["loss"], run["loss"][:1], atol=0.02)


def test_the_recorded_stacks_are_those_that_the_chapter_builds():
    notebook = nbformat.read(ASSETS.parent / "chapters" / "architectures.ipynb", 4)
    (source,) = [cell.source for cell in notebook.cells if "def stack(" in cell.source]
    names = {}
    exec("import cnnlib\nimport numpy as np\nfrom functools import partial", names)
    exec("from types import SimpleNamespace\n" + source.split("images, labels =")[0], names)
    for blocks, residual in record_training.DEPTH_STACKS.values():
        recorded = record_training.stack(blocks, residual, 0)
        built = names["stack"](names["library"](np.random.default_rng(0)), blocks, residual, True)
        kinds = [[type(layer) for _, layer in net.layers()] for net in (recorded, built)]
        assert kinds[0] == kinds[1]
        for key, array in recorded.state_dict().items():
            np.testing.assert_array_equal(built.state_dict()[key], array)


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


def test_the_three_parts_of_the_digits_share_no_image_and_miss_none():
    images, labels = cnnlib.digits()
    together = record_training.joined(*record_training.parts())
    assert [len(part) for part in record_training.images()] == list(DIGITS["images"].values())
    for ours, all_of_them in zip(together, (images, labels), strict=True):
        np.testing.assert_array_equal(np.sort(ours, axis=0), np.sort(all_of_them, axis=0))


@pytest.mark.parametrize("run", DIGITS["candidates"][0]["runs"][:2], ids=lambda run: run["seed"])
def test_the_script_gives_a_candidate_again(run):
    again = record_training.candidate("dense", run["seed"])
    assert again["wrong"] == run["wrong"]
    assert again["loss"] == pytest.approx(run["loss"], abs=1e-3)


def test_the_network_of_the_test_is_the_best_in_validation_and_reaches_985_of_1000():
    means = [np.mean([run["wrong"] for run in c["runs"]]) for c in DIGITS["candidates"]]
    assert DIGITS["network"] == DIGITS["candidates"][int(np.argmin(means))]["network"]
    wrong = np.mean([run["wrong"] for run in DIGITS["test"]])
    assert len(DIGITS["test"]) == 5
    assert 1 - wrong / DIGITS["images"]["test"] >= 0.985


def test_the_mistakes_are_as_many_as_are_counted():
    for run in DIGITS["test"] + DIGITS["in_file_order"]:
        assert len(run["mistakes"]) == run["wrong"]


@pytest.mark.parametrize("name", ["plain", "all four", "mirrored"])
def test_the_script_gives_the_first_losses_of_a_variant_again(name):
    variant = next(variant for variant in BETTER["variants"] if variant["name"] == name)
    runs = [
        record_training.variant_run(variant["settings"], seed, stops=BETTER["stops"][:2])
        for seed in BETTER["seed"]
    ]
    losses = np.mean([run["losses"] for run in runs], axis=0)
    np.testing.assert_allclose(losses, variant["loss"][:2], atol=1e-3)


def test_variants_begin_with_the_same_images_and_weights_and_differ_in_what_they_name():
    (images, _), (others, _) = record_training.few_images(seed=3)
    assert len(images) == BETTER["images"]["train"]
    assert len(others) == BETTER["images"]["validation"]
    plain = record_training.network((3, 5), seed=3)
    other = record_training.network((3, 5), seed=3, batch_norm=True, dropout=0.5)
    kinds = [type(layer).__name__ for layer in other]
    assert (kinds.count("BatchNorm2d"), kinds.count("Dropout")) == (2, 1)
    np.testing.assert_array_equal(plain[0].weight.data, other[0].weight.data)
    np.testing.assert_array_equal(plain[-1].weight.data, other[-1].weight.data)


def test_only_the_plain_variant_and_the_best_in_validation_met_the_test_images():
    best = min(BETTER["variants"], key=lambda v: sum(wrong for _, wrong in v["wrong"]))
    tested = [variant["name"] for variant in BETTER["variants"] if "test" in variant]
    assert tested == ["plain", best["name"]]


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
