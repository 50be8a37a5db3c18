"""The thirty images of MNIST that the pages carry, and how they are chosen."""

import json

import numpy as np
import pytest

import cnnlib
from cnnlib.classifiers import trained_mnist_network
from cnnlib.data import Split
from cnnlib.widgets.records import asset, mnist_examples, record
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


def test_the_file_is_replaced_as_a_whole(tmp_path):
    record_examples.write(tmp_path, {"examples": []})
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
