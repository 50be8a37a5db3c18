"""The recipes: followed on small made-up images, killed and resumed, recorded; and the records."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch
from PIL import Image

import cnnlib
from cnnlib import classifiers, reproduce
from cnnlib.data import Split
from cnnlib.records import asset, record
from cnnlib.training import Run
from tools import reproduce_torch


def made_up(count, seed, channels=1, size=28):
    """Noisy squares whose brightness tells their class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.random((count, channels, size, size), np.float32) / 9
    images[:, :, 4:24, 4:24] += labels[:, None, None, None].astype(np.float32) / 10
    return Split(images, labels)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Makes every recipe short and its data small; gives the command for a folder of its own."""
    for name in ("mnist", "fashion_mnist"):
        monkeypatch.setattr(cnnlib, name, lambda: (made_up(60, 1), made_up(30, 2)))
    monkeypatch.setattr(cnnlib, "cifar10", lambda: (made_up(60, 1, 3, 32), made_up(30, 2, 3, 32)))
    short = {n: replace(r, epochs=2, batch_size=10) for n, r in reproduce.RECIPES.items()}
    monkeypatch.setattr(reproduce, "RECIPES", short)

    def command(words, library="cnnlib", train=reproduce.train, folder=tmp_path):
        reproduce.follow([*words.split(), "--folder", str(folder)], library, train, progress=False)
        return json.loads((folder / f"{words.split()[0]}.json").read_text("utf-8"))

    return command


def without_time(run):
    return {key: value for key, value in run.items() if key != "seconds"}


@pytest.mark.parametrize("name", reproduce.RECIPES)
def test_each_recipe_trains_measures_and_writes_a_record(small, tmp_path, name):
    made = small(f"{name} --seeds 0")
    assert made["name"] == name
    assert made["settings"]["epochs"] == 2
    (run,) = made["runs"]
    assert (run["library"], run["seed"], run["validate"]) == ("cnnlib", 0, False)
    assert len(run["history"]["loss"]) == len(run["history"]["lr"]) == 2
    assert ("unrounded" in run) == (name == "cifar10")
    assert run["history"]["validation_loss"] == []  # the test images are looked at once
    confusion = np.array(run["confusion"])
    assert confusion.sum(axis=1).tolist() == [3] * 10
    assert run["accuracy"] == pytest.approx(confusion.trace() / 30, abs=1e-5)
    assert len(run["mistakes"]) == 30 - confusion.trace()
    assert all(label == index % 10 != said for index, label, said in run["mistakes"])
    assert set(run["versions"]) == {"cnnlib", "numpy"}
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {f"{name}.json"} | ({"mnist.safetensors"} if name == "mnist" else set())


def test_the_kept_weights_are_those_of_the_measured_network_in_half_the_bytes(small, tmp_path):
    (run,) = small("mnist --seeds 0")["runs"]
    images = made_up(30, 2).images
    for (index, *_), text in zip(run["mistakes"], run["pictures"], strict=True):
        picture = np.frombuffer(base64.b64decode(text), np.uint8).reshape(1, 28, 28)
        np.testing.assert_allclose(picture / 255, images[index], atol=0.5 / 255 + 1e-6)
    arrays = safetensors.numpy.load_file(tmp_path / "mnist.safetensors")
    assert {str(array.dtype) for array in arrays.values()} == {"float16", "int64"}
    network = classifiers.mnist_network()
    network.load_state_dict(arrays)
    found = cnnlib.evaluate(network, made_up(30, 2))
    assert found.loss == pytest.approx(run["loss"], abs=0.01)


def test_validation_holds_out_the_last_training_images_and_leaves_the_test_alone(small):
    (run,) = small("mnist_149k --validate --seeds 4")["runs"]
    assert (run["seed"], run["validate"]) == (4, True)
    assert np.sum(run["confusion"]) == 60 // 6
    assert run["history"]["validation_accuracy"][-1] == run["accuracy"]
    train, held_out = reproduce.load(reproduce.RECIPES["mnist_149k"], validate=True)
    mean, std = classifiers.PIXELS
    expected = (made_up(60, 1).images - mean) / std
    np.testing.assert_allclose(train.images, expected[:50], rtol=1e-5)
    np.testing.assert_allclose(held_out.images, expected[50:], rtol=1e-5)
    assert train.images.dtype == np.float32


def test_a_run_that_was_killed_goes_on_and_ends_like_one_that_was_not(small, tmp_path, monkeypatch):
    (whole,) = small("mnist --seeds 3", folder=tmp_path / "whole")["runs"]
    save = Run.save

    def killed(self, path):
        save(self, path)
        if self.epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "save", killed)
        small("mnist --seeds 3")
    assert not (tmp_path / "mnist.json").exists()
    (resumed,) = small("mnist --seeds 3")["runs"]
    assert without_time(resumed) == without_time(whole)
    assert resumed["seconds"] is None  # nobody measured the first part
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "mnist.json"}


def test_a_run_in_the_record_is_not_made_again_and_others_join_it(small, capsys):
    first = small("mnist_421k --seeds 0 1")

    def forbidden(*arguments):
        raise AssertionError("trained again")

    assert small("mnist_421k --seeds 1 0", train=forbidden) == first
    assert capsys.readouterr().out.count("right") == 4
    both = small("mnist_421k --seeds 0", "torch", reproduce_torch.train)
    assert [(run["library"], run["seed"]) for run in both["runs"]] == [
        *(("cnnlib", 0), ("cnnlib", 1), ("torch", 0))
    ]
    assert "torch" in both["runs"][-1]["versions"]
    assert len(both["runs"][-1]["history"]["accuracy"]) == 2


def test_a_record_of_other_settings_is_left_alone(small, tmp_path, monkeypatch):
    small("mnist_421k --seeds 0")
    recipes = reproduce.RECIPES
    changed = recipes | {"mnist_421k": replace(recipes["mnist_421k"], epochs=3)}
    monkeypatch.setattr(reproduce, "RECIPES", changed)
    with pytest.raises(ValueError, match=r"mnist_421k.json is of other settings; move it away"):
        small("mnist_421k --seeds 1")


def test_a_wrong_name_is_answered_with_the_names(small, capsys):
    with pytest.raises(SystemExit):
        small("minst")
    message = capsys.readouterr().err.splitlines()[-1]
    assert "minst" in message
    assert all(name in message for name in reproduce.RECIPES)


def test_torch_says_which_recipes_it_has(small):
    with pytest.raises(SystemExit, match="NAME expects mnist_421k, mnist_149k, cifar10"):
        small("mnist", "torch", reproduce_torch.train)


def test_both_libraries_learn_the_same_way_from_the_same_weights(small, tmp_path):
    """With the batches' order as the only difference, the first epoch's losses are close."""
    runs = small("mnist_421k --seeds 0 1")["runs"]
    runs += small("mnist_421k --seeds 0 1", "torch", reproduce_torch.train)["runs"][2:]
    losses = [run["history"]["loss"][-1] for run in runs]
    assert max(losses) < 1.3 * min(losses)


def test_in_torch_too_a_run_that_was_killed_goes_on(small, tmp_path, monkeypatch):
    words = "cifar10 --seeds 3"
    (whole,) = small(words, "torch", reproduce_torch.train, tmp_path / "whole")["runs"]
    save = torch.save

    def killed(state, path):
        save(state, path)
        path.replace(path.with_suffix(".checkpoint"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch, "save", killed)
        small(words, "torch", reproduce_torch.train)
    (resumed,) = small(words, "torch", reproduce_torch.train)["runs"]
    assert without_time(resumed) == without_time(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "cifar10.json"}


def test_from_the_same_weights_and_batches_both_libraries_have_the_same_losses():
    recipe = replace(reproduce.RECIPES["cifar10"], batch_size=15)
    losses = reproduce_torch.first_losses(recipe, made_up(600, 5, 3, 32), steps=6)
    np.testing.assert_allclose(losses["cnnlib"], losses["torch"], rtol=1e-9)
    assert losses["torch"][-1] != losses["torch"][0]


def test_weights_are_rounded_to_equal_steps_and_what_belongs_to_a_channel_is_not():
    network = cnnlib.Sequential(cnnlib.Conv2d(2, 3, 4, rng=0), cnnlib.BatchNorm2d(3))
    before = {name: array.copy() for name, array in network.state_dict().items()}
    reproduce.round_weights(network, 5)
    after = network.state_dict()
    step = np.abs(before["0.weight"]).max() / 5
    np.testing.assert_allclose(after["0.weight"], step * (before["0.weight"] / step).round())
    assert len(np.unique(after["0.weight"])) == 5 + 1 + 5
    for name in set(before) - {"0.weight"}:
        np.testing.assert_array_equal(after[name], before[name])


def test_an_array_of_zeros_stays_as_it_is_when_weights_are_rounded():
    network = cnnlib.Sequential(cnnlib.Conv2d(2, 3, 4, rng=0))
    network[0].weight.data[:] = 0
    reproduce.round_weights(network, 5)
    assert (network[0].weight.data == 0).all()


def test_what_rounding_changed_is_recorded():
    network = cnnlib.Sequential(cnnlib.Flatten(), cnnlib.Linear(2, 3, rng=0))
    network[1].bias.data[:] = 0
    network[1].weight.data[:] = [[1, 0], [0, 0.7], [0, 0]]
    images = np.array([[1, 0], [0, 1], *[[0.5, 0.6]] * 3], np.float32).reshape(5, 1, 1, 2)
    # In one step the 0.7 becomes 1, so that 0.6·1 in place of 0.6·0.7 is ahead of 0.5·1.
    unseen = Split(images, np.array([0, 1, 1, 1, 0]))
    logits = network(images)
    run = reproduce.finish(network, unseen, 1)
    assert (run["accuracy"], [index for index, *_ in run["mistakes"]]) == (4 / 5, [4])
    loss = cnnlib.cross_entropy(logits, unseen.labels)
    before = {"loss": pytest.approx(loss), "accuracy": 3 / 5, "gained": 2, "lost": 1}
    assert run["unrounded"] == before
    assert "unrounded" not in reproduce.finish(network, unseen, None)


def test_a_folder_of_pictures_can_stand_for_the_data_and_the_record_names_it(small, tmp_path):
    for part, count in (("train", 3), ("test", 2)):
        for label, (r, g, b) in enumerate([(250, 0, 0), (0, 250, 0), (0, 0, 250)]):
            folder = tmp_path / "copies" / part / f"class_{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                color = (r, g, b - number if b else number)
                Image.new("RGB", (40, 32), color).save(folder / f"{number}.png")
    images = tmp_path / "copies"
    train, test = reproduce.pictures(images)
    assert train.images.shape == (9, 3, 32, 32)
    assert sorted(train.labels) == [0, 0, 0, 1, 1, 1, 2, 2, 2] != train.labels.tolist()
    assert (train.images.mean(axis=(2, 3)).argmax(axis=1) == train.labels).all()
    (run,) = small(f"cifar10 --seeds 0 --images {images}", "torch", reproduce_torch.train)["runs"]
    assert run["images"] == "copies"
    assert "unrounded" in run
    assert np.sum(run["confusion"]) == len(test.labels) == 6
    # The same seed on the original data is another run, and both stay.
    both = small("cifar10 --seeds 0", "torch", reproduce_torch.train)["runs"]
    assert [one.get("images") for one in both] == ["copies", None]
    assert np.sum(both[1]["confusion"]) == 30


def test_photographs_are_refused_where_digits_are_learned(capsys, tmp_path):
    with pytest.raises(SystemExit):
        reproduce.follow(f"mnist --images {tmp_path} --folder {tmp_path}".split(), "cnnlib", None)
    said = capsys.readouterr().err
    assert "--images has photographs; mnist is trained on gray images" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", reproduce.RECIPES)
def test_the_records_in_the_book_are_of_these_recipes_and_small(name):
    path = asset(f"{name}.json")
    assert reproduce.read(path)["runs"]  # raises when the settings differ
    assert path.stat().st_size < 100_000
    for run in record(name)["runs"]:
        confusion = np.array(run["confusion"])
        assert confusion.sum() == 10_000
        assert run["accuracy"] == pytest.approx(confusion.trace() / 10_000)


def test_the_network_for_photographs_is_that_of_its_record():
    assert asset("cifar10.safetensors").stat().st_size < 800_000
    network = classifiers.trained_cifar10_network()
    assert not network.training
    count = sum(parameter.data.size for parameter in network.parameters())
    assert count == record("cifar10")["settings"]["parameters"] == 392_674


def test_the_trained_network_in_the_book_is_small_and_sees_a_one_in_a_stroke():
    assert asset("mnist.safetensors").stat().st_size < 200_000
    stroke = np.zeros((1, 1, 28, 28), np.float32)
    stroke[0, 0, 5:23, 13:15] = 1
    network = classifiers.trained_mnist_network()
    assert network.forward(stroke).argmax() == 1
    assert not network.training
