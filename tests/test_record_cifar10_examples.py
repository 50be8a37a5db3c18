"""The images of CIFAR-10 that the pages carry, and how they are chosen."""

import base64
import io
import json

import numpy as np
from PIL import Image

import cnnlib
from cnnlib.classifiers import trained_cifar10_network
from cnnlib.data import Split
from cnnlib.records import asset, cifar10_examples, cifar10_sheet, record, tiles
from tools import record_cifar10_examples as recording


def smooth(count, seed=0):
    """Pictures in whole bytes that a JPEG keeps nearly as they are."""
    rng = np.random.default_rng(seed)
    low = rng.integers(40, 216, (count, 2, 2, 3)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(one).resize((32, 32))) for one in low]
    return np.array(large).transpose(0, 3, 1, 2).astype(np.float32) / 255


def test_two_sure_images_of_each_class_are_chosen_and_a_mistake_for_each_pair():
    labels = np.array([4, 4, 4, 4, 7, 7, 7])
    logits = np.zeros((7, 10))
    called = [4, 4, 4, 4, 1, 1, 2]
    logits[np.arange(7), called] = [9, 2, 9, 9, 1, 4, 3]  # the second one is not sure
    p = cnnlib.softmax(logits)
    # of the two sevens that were called 1 the surer one; it is the surest of all
    assert recording.chosen(p, labels) == [0, 2, 5, 6]


def test_images_lie_side_by_side_and_are_cut_out_again():
    images = smooth(13)
    sheet = np.asarray(Image.open(io.BytesIO(recording.sheet(images))))
    assert sheet.shape == (64, 320, 3)
    again = tiles(sheet, 32, 13)
    assert np.abs(again - images).mean() < 4 / 255
    distances = np.abs(again[:, None] - images[None]).mean(axis=(2, 3, 4))
    assert distances.argmin(axis=1).tolist() == list(range(13))


class Brightest(cnnlib.Layer):
    """Answers with the row of squares, of ten, in which an image is brightest."""

    def forward(self, x):
        return 50 * x[:, 0, ::3, 16][:, :10].astype(float)


def test_the_record_has_the_answers_to_the_images_as_they_are_in_the_sheet():
    test = Split(smooth(40), np.arange(40) % 10)
    packed, made = recording.examples(Brightest(), test)
    rows = made["examples"]
    images = tiles(np.asarray(Image.open(io.BytesIO(packed))), 32, len(rows))
    answers = Brightest()(recording.scaled(images)).argmax(axis=1)
    assert answers.tolist() == [row["answer"] for row in rows]
    assert [row["label"] for row in rows] == [row["index"] % 10 for row in rows]
    before = Brightest()(recording.scaled(test.images)).argmax(axis=1)
    assert answers.tolist() == [before[row["index"]] for row in rows]


def test_both_files_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(cnnlib, "cifar10", lambda: (None, Split(smooth(20), np.arange(20) % 10)))
    monkeypatch.setattr(recording, "trained_cifar10_network", Brightest)
    recording.main([str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == {
        "cifar10_examples.jpg",
        "cifar10_examples.json",
    }
    assert json.loads((tmp_path / "cifar10_examples.json").read_text())["examples"]


def test_the_network_of_the_book_gives_the_recorded_answers():
    """Whoever changes assets/cifar10.safetensors has to run the tool again."""
    images, labels, answers = cifar10_examples()
    p = cnnlib.softmax(trained_cifar10_network()(recording.scaled(images)))
    assert p.argmax(axis=1).tolist() == answers.tolist()
    recorded = [row["probability"] for row in record("cifar10_examples")["examples"]]
    np.testing.assert_allclose(p.max(axis=1), recorded, atol=2e-3)
    right = labels == answers
    assert labels[right].tolist() == sorted(2 * list(range(10)))
    assert right[:20].all() and not right[20:].any()


def test_the_mistakes_are_those_of_the_record():
    rows = record("cifar10_examples")["examples"][20:]
    mistakes = {tuple(row) for row in record("cifar10")["runs"][0]["mistakes"]}
    assert {(row["index"], row["label"], row["answer"]) for row in rows} <= mistakes


def test_a_sheet_is_small_and_whole():
    assert asset("cifar10_examples.jpg").stat().st_size < 60_000
    sheet = cifar10_sheet()
    assert (sheet["side"], sheet["columns"]) == (32, 10)
    content = base64.b64decode(sheet["pixels"])
    assert content == asset("cifar10_examples.jpg").read_bytes()
