"""Eight classes first, then two: what each way trains and on what, on small made-up images."""

import numpy as np
import pytest

import cnnlib
from cnnlib.data import CIFAR10_CLASSES, Split
from tools import record_cifar10_transfer as transfer


def made_up(count, seed):
    """Noise of ten classes, each with a brighter row of its own."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.standard_normal((count, 3, 32, 8), np.float32) / 4
    images[np.arange(count), :, 3 * labels] += 1
    return Split(images, labels)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(transfer, "data", lambda _: (made_up(200, 1), made_up(70, 2)))
    for name, value in {"BEFORE": 1, "STEPS": 3, "VALIDATION": 6, "COUNTS": (4,)}.items():
        monkeypatch.setattr(transfer, name, value)


def test_the_eight_and_the_two_are_all_classes_and_counted_anew():
    eight, two = transfer.numbers(("ship", "cat"))
    assert [CIFAR10_CLASSES[k] for k in two] == ["cat", "ship"]
    assert sorted(eight + two) == list(range(10))
    part = transfer.only(made_up(40, 0), two)
    np.testing.assert_array_equal(part.labels, [0, 1] * 4)
    np.testing.assert_array_equal(
        part.images, made_up(40, 0).images[[3, 8, 13, 18, 23, 28, 33, 38]]
    )


def test_what_each_way_starts_from_learns_and_sees(small, monkeypatch):
    state = transfer.before(("cat", "dog"), None)["weights"]
    learned, seen = np.float32(state["0.weight"]), {}

    def watched(network, train, lr, steps, size, seed, varied):
        first = network[0]
        same = np.array_equal(first.weight.data, learned) if len(list(network)) > 1 else None
        seen[way] = train.images.shape, network[-1].weight.data.shape, same, varied
        inputs.append(train.images)

    inputs = []
    monkeypatch.setattr(transfer, "fit", watched)
    for way in transfer.RATES:
        transfer.transfer_run(state, ("cat", "dog"), way, 4, 0.1, 5, None)
    photographs, features = (2 * 4, 3, 32, 8), (2 * 4, 48)
    assert seen == {
        "frozen": (features, (2, 48), None, False),
        "fine-tuned": (photographs, (2, 48), True, True),
        "from scratch": (photographs, (2, 48), False, True),
        "frozen, random": (features, (2, 48), None, False),
    }
    body = transfer.fresh(0, 8)
    own = body.state_dict()
    body.load_state_dict({key: np.array(state[key], own[key].dtype) for key in own})
    images = Split(inputs[1], np.zeros(8, int))
    np.testing.assert_array_equal(inputs[0], transfer.features(body, images).images)
    fresh = transfer.features(transfer.fresh(5, 2), images)
    np.testing.assert_array_equal(inputs[3], fresh.images)


def test_the_images_to_learn_from_are_apart_from_those_to_choose_by(small, monkeypatch):
    taken = []
    monkeypatch.setattr(transfer, "fit", lambda network, train, *_, **__: taken.append(train))
    evaluate = cnnlib.evaluate

    def watched(network, split):
        taken.append(split)
        return evaluate(network, split)

    monkeypatch.setattr(cnnlib, "evaluate", watched)
    for seed in (0, 1):
        transfer.transfer_run({}, ("frog", "ship"), "from scratch", 4, 0.1, seed, None)
    few, validation, test, other, same, _ = taken
    assert [np.bincount(split.labels).tolist() for split in (few, validation, test)] == [
        [4, 4], [6, 6], [7, 7]
    ]  # fmt: skip

    def images(split):
        return {image.tobytes() for image in split.images}

    assert images(few).isdisjoint(images(validation))
    assert images(other).isdisjoint(images(validation))
    assert images(validation) == images(same)
    assert images(few) != images(other)


class Unkept:
    """Runs that are made each time: to keep them, with all weights, takes longer than they do."""

    seconds = 0

    def __call__(self, run, *choice):
        return run(*choice)


def test_the_record_has_a_search_and_all_seeds_of_every_way(small):
    made = transfer.make(None, Unkept())
    assert [row["pair"] for row in made["before"]] == list(transfer.PAIRS)
    assert len(made["search"]) == 2 * 4 * 3
    assert not any("test" in run for run in made["search"])
    assert [run["seed"] for run in made["runs"]] == [0, 1, 2] * (2 * 4)
    for run in made["runs"]:
        key = {name: run[name] for name in ("pair", "way", "count")}
        tried = [one for one in made["search"] if key.items() <= one.items()]
        best = max(tried, key=lambda one: one["validation"])
        assert run["lr"] == best["lr"]
    assert made["images"] == {"train": 200, "test": 70, "validation": 12, "source": "the original"}
