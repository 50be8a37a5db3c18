"""The images of MNIST that the pages carry, and how they are chosen."""

import json

import numpy as np
import pytest

import cnnlib
from cnnlib.classifiers import trained_mnist_network
from cnnlib.data import Split
from cnnlib.records import asset, mnist_examples, record, recorded_images
from tools import record_examples


class Answers(cnnlib.Layer):
    """A network whose logits are the first pixels of the image."""

    def forward(self, x):
        return x.reshape(len(x), -1)[:, :10]


def images(rows):
    """Images whose first pixels are the logits in `rows`."""
    pixels = np.zeros((len(rows), 1, 28, 28), np.float32)
    pixels[:, 0, 0, :10] = rows
    return pixels


def test_two_sure_images_of_each_class_are_chosen_and_then_the_surest_of_the_wrong():
    labels = np.array([4, 4, 4, 4, 7, 7])
    logits = np.zeros((6, 10))
    logits[np.arange(6), [4, 4, 4, 4, 1, 2]] = [9, 2, 9, 9, 1, 3]  # the second one is not sure
    p = cnnlib.softmax(logits)
    assert record_examples.chosen(p, labels) == [0, 2, 5, 4]


def test_a_record_holds_what_the_network_says_and_every_byte():
    rows = np.zeros((1, 10))
    rows[0, 3] = 1
    test = Split(images(rows), np.array([5]))
    made = record_examples.examples(Answers(), test)
    (example,) = made["examples"]
    p = np.e / (np.e + 9)
    assert (example["index"], example["label"], example["answer"]) == (0, 5, 3)
    assert example["probability"] == pytest.approx(p, abs=1e-4)
    assert made["accuracy"] == 0


def some(count, seed=0):
    """Random images, in whole bytes as MNIST's, and their labels."""
    rng = np.random.default_rng(seed)
    gray = rng.integers(0, 256, (count, 1, 28, 28)).astype(np.float32) / 255
    return Split(gray, rng.integers(0, 10, count))


def test_an_image_excites_a_filter_by_the_largest_number_in_its_map():
    maps = np.zeros((7, 3, 2, 2))  # of the filter asked for, the one in the middle:
    maps[:, 1, 1, 0] = [3, 9, -1, 4, 8, 2, 5]
    maps[2, 1, 0, 1] = 7  # the third image's is elsewhere
    maps[:, 0], maps[:, 2] = 50, -50
    test = some(7)
    (found,) = record_examples.exciting(maps, test, [1])
    most = found["images"]
    assert most[0]["index"] == maps[:, 1].max(axis=(1, 2)).argmax() == 1
    assert [row["index"] for row in most] == [1, 4, 2, 6, 3]
    assert [row["activation"] for row in most] == [9, 8, 7, 5, 4]
    assert [row["label"] for row in most] == test.labels[[1, 4, 2, 6, 3]].tolist()
    assert (found["filter"], found["median"]) == (1, 5)
    np.testing.assert_array_equal(recorded_images(most), test.images[[1, 4, 2, 6, 3]])


def test_a_neighbor_is_nearest_of_all_others_and_no_image_is_its_own():
    places = np.array([0, 10, 3, 1, -2, 100, -40])
    features = np.stack([3 * places, 4 * places], axis=1)  # 5 for each step
    test = some(7)
    one, other = record_examples.neighbors(features, test, [0, 5])
    assert [row["index"] for row in one["neighbors"]] == [3, 4, 2, 1, 6]
    assert [row["distance"] for row in one["neighbors"]] == [5, 10, 15, 50, 200]
    assert [row["index"] for row in other["neighbors"]] == [1, 2, 3, 0, 4]
    assert (one["index"], one["label"], one["median"]) == (0, test.labels[0], (15 + 50) / 2)
    np.testing.assert_array_equal(recorded_images([one, other]), test.images[[0, 5]])
    found = [row["index"] for row in one["neighbors"]]
    np.testing.assert_array_equal(recorded_images(one["neighbors"]), test.images[found])


def test_of_two_images_of_the_same_bytes_one_is_the_others_neighbor():
    test = some(6)
    (found,) = record_examples.neighbors(np.ones((6, 4)), test, [2])
    assert [row["index"] for row in found["neighbors"]] == [0, 1, 3, 4, 5]


def test_parts_of_500_give_what_all_at_once_would():
    x = np.arange(1203.0).reshape(-1, 1)
    sizes = []

    def double(part):
        sizes.append(len(part))
        return 2 * part

    np.testing.assert_array_equal(record_examples.in_parts(double, x), 2 * x)
    assert sizes == [500, 500, 203]


def test_the_second_record_is_of_the_last_maps_and_the_hidden_neurons():
    """Of eight images as the whole test set, against a search by hand."""
    network, test = trained_mnist_network(), some(8)
    made = record_examples.neighborhood(network, test, [3])
    outputs = [test.images]
    for layer in network:
        outputs.append(layer.forward(outputs[-1]))
    assert outputs[12].shape == (8, 64, 3, 3)
    assert outputs[15].shape == (8, 96)
    assert (outputs[15] >= 0).all()
    assert (made["images"], [one["filter"] for one in made["filters"]]) == (8, [0, 16, 32, 48])
    for one in made["filters"]:
        peaks = [outputs[12][i, one["filter"]].max() for i in range(8)]
        assert one["images"][0]["index"] == np.argmax(peaks)
    away = np.linalg.norm(outputs[15] - outputs[15][3], axis=1)
    away[3] = np.inf
    assert made["queries"][0]["neighbors"][0]["index"] == away.argmin()
    peaks = outputs[12].max(axis=(2, 3))
    most = test.labels[np.argsort(-peaks, axis=0, kind="stable")[:5]]
    assert made["one_class"] == (most == most[0]).all(axis=0).sum()


def test_the_file_is_replaced_as_a_whole(tmp_path):
    record_examples.write(tmp_path, "mnist_examples", {"examples": []})
    assert json.loads((tmp_path / "mnist_examples.json").read_text()) == {"examples": []}
    assert len(list(tmp_path.iterdir())) == 1


def test_the_network_of_the_book_gives_the_recorded_answers():
    """Whoever changes assets/mnist.safetensors has to run tools/record_examples.py again."""
    pixels, labels, answers = mnist_examples()
    p = cnnlib.softmax(trained_mnist_network()(pixels))
    assert p.argmax(axis=1).tolist() == answers.tolist()
    recorded = [example["probability"] for example in record("mnist_examples")["examples"]]
    np.testing.assert_allclose(p.max(axis=1), recorded, atol=1e-3)
    assert labels[:20].tolist() == answers[:20].tolist() == np.repeat(np.arange(10), 2).tolist()
    assert (labels[20:] != answers[20:]).all()
    assert asset("mnist_examples.json").stat().st_size < 40_000


def after(images, layers):
    """What comes out of the first layers of the book's network."""
    return record_examples.activations(trained_mnist_network(), images, layers)


def test_the_network_of_the_book_is_excited_as_recorded():
    recorded, examples = record("mnist_neighbors"), record("mnist_examples")["examples"]
    assert [one["filter"] for one in recorded["filters"]] == [0, 16, 32, 48]
    for one in recorded["filters"]:
        rows = one["images"]
        found = {row["index"] for row in rows}
        others = [row for row in examples if row["index"] not in found]
        maps = after(recorded_images(rows + others), record_examples.LAST_MAPS)
        peaks = maps[:, one["filter"]].max(axis=(1, 2))
        activations = [row["activation"] for row in rows]
        np.testing.assert_allclose(peaks[:5], activations, atol=1e-3)
        assert activations == sorted(activations, reverse=True)
        assert activations[-1] > max(one["median"], peaks[5:].max() - 1e-3)
    assert asset("mnist_neighbors.json").stat().st_size < 50_000


def test_the_network_of_the_book_finds_the_recorded_neighbors():
    examples, recorded = record("mnist_examples")["examples"], record("mnist_neighbors")
    assert recorded["images"] == 10_000
    chosen = [examples[place] for place in record_examples.QUERIES]
    for query, example in zip(recorded["queries"], chosen, strict=True):
        assert all(query[name] == example[name] for name in ("index", "label", "pixels"))
        rows = query["neighbors"]
        features = after(recorded_images([query, *rows]), record_examples.HIDDEN)
        distances = [row["distance"] for row in rows]
        np.testing.assert_allclose(
            np.linalg.norm(features[1:] - features[0], axis=1), distances, atol=1e-2
        )
        assert distances == sorted(distances)
        assert distances[-1] < query["median"]
        assert query["index"] not in [row["index"] for row in rows]
        # No other picture that the pages carry lies nearer than the fifth.
        known = {row["index"] for row in [query, *rows]}
        others = recorded_images([row for row in examples if row["index"] not in known])
        away = np.linalg.norm(after(others, record_examples.HIDDEN) - features[0], axis=1)
        assert away.min() > distances[-1]
    seven, *mistakes = chosen
    assert (seven["label"], seven["answer"]) == (7, 7)
    wrong = [row["probability"] for row in examples if row["label"] != row["answer"]]
    assert [row["probability"] for row in mistakes] == sorted(wrong, reverse=True)[:2]
