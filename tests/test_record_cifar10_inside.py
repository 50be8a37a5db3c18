"""What the color network makes of all images: neighbors and calibration, on made-up images."""

import io
import json

import numpy as np
import pytest
from PIL import Image

import cnnlib
from cnnlib.classifiers import trained_cifar10_network
from cnnlib.data import Split
from cnnlib.records import asset, cifar10_examples, record, tiles
from tools import record_cifar10_inside as inside
from tools.record_cifar10_examples import scaled


def made_up(count, seed):
    """Flat colors with a little noise; the class is in the red."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 10)
    images = np.full((count, 3, 32, 32), 0.5, np.float32)
    images[:, 0] = 0.05 + 0.1 * labels[:, None, None]
    return Split(images + rng.uniform(0, 0.02, images.shape).astype(np.float32), labels)


def test_the_nearest_are_those_with_the_smallest_distance():
    rng = np.random.default_rng(0)
    points, others = rng.normal(size=(7, 3)), rng.normal(size=(11, 3))
    distances = np.sqrt(((points[:, None] - others[None]) ** 2).sum(axis=2))
    expected = np.argsort(distances, axis=1)[:, :4]
    np.testing.assert_array_equal(inside.nearest(points, others, 4), expected)


def test_features_are_what_the_dense_layer_hears():
    network, images = trained_cifar10_network(), cifar10_examples().images[:3]
    features = inside.features(network, images)
    assert features.shape == (3, 96)
    np.testing.assert_allclose(network[-1](features), network(scaled(images)), rtol=1e-4, atol=1e-4)


class Columns(cnnlib.Layer):
    """Answers 0 where the left half of an image is the brighter one, and else 1."""

    def forward(self, x):
        halves = x.reshape(*x.shape[:-1], 2, -1).mean(axis=(1, 2, 4))
        return 8 * halves


def test_two_views_are_the_mean_of_an_image_and_its_mirror_image():
    rng = np.random.default_rng(4)
    images = rng.random((12, 3, 32, 32), np.float32)
    labels = rng.integers(0, 2, 12)
    found = inside.two_views(Columns(), Split(images, labels))
    halves = images.reshape(12, 3, 32, 2, 16).mean(axis=(1, 2, 4))
    one = (halves.argmax(axis=1) == labels).sum()
    # Left and right change places, so that both classes come out alike, and 0 comes first.
    assert found["one"] == one
    assert found["mirror"] == (halves.argmin(axis=1) == labels).sum()
    assert found["two"] == (labels == 0).sum()
    assert found["two"] - found["one"] == found["gained"] - found["lost"]
    assert found["gained"] <= 12 - one


@pytest.fixture
def small(monkeypatch):
    rows = [{"index": 5 * i} for i in range(6)]
    monkeypatch.setattr(inside, "record", lambda _: {"examples": rows})
    monkeypatch.setattr(inside, "QUERIES", (1, 3))
    monkeypatch.setattr(inside, "ASKED", 20)
    return made_up(50, 1), made_up(30, 2)


def test_the_record_is_counted_on_the_images_it_names(small):
    train, test = small
    packed, found = inside.made(trained_cifar10_network(), train, test)
    near = found["nearest"]
    assert near["images"] == 20
    assert near["pixels"] == 1  # the class is in the color
    assert len(near["untrained"]) == 3
    assert found["calibration"]["all"]["images"] == 30
    # The examples 1 and 3 are the test images 5 and 15.
    assert found["neighbors"]["pixels"] == [[test.labels[i]] * 5 for i in (5, 15)]
    cut = tiles(np.asarray(Image.open(io.BytesIO(packed))), 32, 20)
    reds = np.rint((cut[:, 0].mean(axis=(1, 2)) - 0.06) / 0.1).astype(int)
    assert reds.tolist() == np.concatenate(list(found["neighbors"].values())).ravel().tolist()


def test_both_files_are_written(small, tmp_path, monkeypatch):
    monkeypatch.setattr(cnnlib, "cifar10", lambda: small)
    inside.main([str(tmp_path)])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"cifar10_inside.json", "cifar10_neighbors.jpg"}
    assert json.loads((tmp_path / "cifar10_inside.json").read_text())["queries"] == [1, 3]


def test_the_record_is_of_the_network_of_the_book():
    """Whoever changes assets/cifar10.safetensors has to run the tool again."""
    found, runs = record("cifar10_inside"), record("cifar10")["runs"]
    kept = next(run for run in runs if run["seed"] == 0 and not run["validate"])
    everything = found["calibration"]["all"]
    right = 1 - everything["wrong"] / everything["images"]
    assert right == pytest.approx(kept["accuracy"], abs=0.0005)  # float16 moves a few
    assert asset("cifar10_neighbors.jpg").stat().st_size < 100_000
