"""Checkpoints of fit: whole or refused, of this run or refused, and then nothing has changed."""

import copy
import hashlib
import json
import time
from functools import partial

import numpy as np
import pytest
import safetensors.numpy
from test_training import data, network

import cnnlib
from cnnlib import checkpoints
from cnnlib.training import Run


class Setting:
    """A run: what `fit` is given, with changes by name."""

    def __init__(self, **changes):
        make = changes.pop("network", network)
        self.network = make()
        optimizer = changes.pop("optimizer", lambda p: cnnlib.Adam(p, lr=0.01))
        self.optimizer = optimizer(self.network.parameters())
        schedule = changes.pop("schedule", lambda optimizer: cnnlib.StepLR(optimizer, 1, 0.5))
        self.schedule = schedule and schedule(self.optimizer)
        self.loss = changes.pop("loss", cnnlib.CrossEntropyLoss)()
        self.train = changes.pop("train", data())
        self.options = {
            "validation": data(50, 1), "batch_size": 16, "seed": 3, "schedule": self.schedule,
            "augment": cnnlib.random_shift, "epochs": 2, "checkpoint_every": 3, "progress": False,
        } | changes  # fmt: skip

    def fit(self, path):
        return cnnlib.fit(
            self.network, self.loss, self.optimizer, self.train, checkpoint=path, **self.options
        )

    def state(self):
        """All that a run can change, in bytes."""
        arrays = self.network.state_dict() | self.optimizer.state_dict()
        generators = [rng.bit_generator.state for rng in self.network.generators()]
        modes = [layer.training for _, layer in self.network.layers()]
        steps = self.schedule.steps if self.schedule else None
        texts = json.dumps([generators, modes, steps, self.optimizer.lr], default=np.ndarray.tolist)
        return {k: v.tobytes() for k, v in arrays.items()}, texts


def assert_refused(path, message="", **changes):
    setting = Setting(**changes)
    before, history = setting.state(), path.read_bytes()
    with pytest.raises(
        ValueError, match=f"fit: checkpoint .* cannot be used: .*{message}"
    ) as error:
        setting.fit(path)
    assert "\n" not in str(error.value)
    assert setting.state() == before
    assert path.read_bytes() == history


def half(path, **changes):
    """A checkpoint written in the middle of the second epoch."""
    save, count = Run.save, 0

    def killed(self, path):
        nonlocal count
        save(self, path)
        count += 1
        if count == 4:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "save", killed)
        Setting(**changes).fit(path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return half(tmp_path_factory.mktemp("run") / "run.safetensors")


def run_of(content):
    """The metadata of a checkpoint."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["run"])


def conv(kernel_size=3, pool=cnnlib.MaxPool2d, p=0.2, activation=cnnlib.ReLU):
    def make():
        net = network()
        net.named["2"], net.named["3"], net.named["5"] = activation(), pool(2), cnnlib.Dropout(p)
        net[5].rng = network()[5].rng
        return net

    return make


def frozen():
    net = network()
    net[0].weight.requires_grad = False
    return net


def other_images():
    images, labels = data()
    images[119, 0, 7, 7] += 1e-3
    return images, labels


def other_labels():
    images, labels = data()
    labels[60] = (labels[60] + 1) % 4
    return images, labels


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"network": conv(pool=cnnlib.AvgPool2d)}, "layer 3 MaxPool2d.*; now it is AvgPool2d"),
        ({"network": conv(activation=cnnlib.Tanh)}, "layer 2 ReLU; now it is Tanh"),
        ({"network": conv(p=0.3)}, r"layer 5 Dropout, p 0\.2; now it is Dropout, p 0\.3"),
        ({"network": frozen}, r"layer 0 .* frozen"),
        ({"optimizer": cnnlib.SGD}, "optimizer Adam"),
        ({"optimizer": cnnlib.AdamW}, "optimizer Adam"),
        ({"optimizer": lambda p: cnnlib.Adam(p, lr=0.02)}, r"lr 0\.01"),
        ({"optimizer": lambda p: cnnlib.Adam(p, lr=0.01, betas=(0.8, 0.9))}, "betas"),
        ({"optimizer": lambda p: cnnlib.Adam(p[:2], lr=0.01)}, r"optimizer\.parameters"),
        ({"schedule": None}, "schedule StepLR.*; now it is None"),
        ({"schedule": lambda o: cnnlib.StepLR(o, 1, 0.6)}, r"gamma 0\.5.*gamma 0\.6"),
        ({"schedule": lambda o: cnnlib.CosineAnnealingLR(o, 2)}, "schedule StepLR"),
        ({"augment": None}, "augment random_shift; now it is None"),
        ({"augment": cnnlib.random_flip}, "augment random_shift; now it is random_flip"),
        ({"augment": partial(cnnlib.random_shift, pixels=1)}, "now it is random_shift pixels=1"),
        ({"seed": 4}, "seed 3; now it is 4"),
        ({"batch_size": 15}, "batch_size 16; now it is 15"),
        ({"drop_last": True}, "drop_last False; now it is True"),
        ({"max_norm": 1}, r"max_norm None; now it is 1\.0"),
        ({"train": other_images()}, "images float32"),
        ({"train": other_labels()}, "labels int64"),
        ({"train": data(119)}, r"images float32 \(120, 1, 8, 8\)"),
        ({"validation": data(50, 2)}, "validation images float32"),
        ({"validation": None}, "validation images .*; now it is None"),
    ],
)
def test_another_run_is_refused_and_what_differs_is_named(checkpoint, changes, name):
    assert_refused(checkpoint, f"it was made with .*{name}", **changes)


def test_the_loss_is_part_of_the_run(tmp_path):
    class Other(cnnlib.CrossEntropyLoss):
        pass

    path = half(tmp_path / "run")
    assert_refused(path, "loss CrossEntropyLoss.*now it is Other", loss=Other)


def test_a_loss_may_be_below_0(tmp_path):
    class Below(cnnlib.CrossEntropyLoss):
        def forward(self, x, target):
            return super().forward(x, target) - 10

    resumed, whole = Setting(loss=Below), Setting(loss=Below)
    history = resumed.fit(half(tmp_path / "run", loss=Below))
    assert history == whole.fit(tmp_path / "whole")
    assert history.loss[0] < 0


def test_what_may_change_goes_on(checkpoint, tmp_path):
    path = tmp_path / "run"
    path.write_bytes(checkpoint.read_bytes())
    free = {"epochs": 3, "patience": 9, "checkpoint_every": 5}
    resumed, whole = Setting(**free), Setting(**free)
    assert resumed.fit(path) == whole.fit(tmp_path / "other")
    assert resumed.state() == whole.state()


def test_the_same_objects_go_on_though_their_schedule_has_changed_them(tmp_path):
    one, whole = Setting(), Setting(epochs=4)
    one.fit(tmp_path / "run")
    one.options["epochs"] = 4
    assert one.fit(tmp_path / "run") == whole.fit(tmp_path / "other")
    assert one.state() == whole.state()


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_generator_of_numpy_can_be_kept(tmp_path, kind):
    def make():
        net = network()
        net[5].rng = np.random.Generator(kind(5))
        return net

    resumed, whole = Setting(network=make), Setting(network=make)
    resumed.fit(half(tmp_path / "run", network=make))
    whole.fit(tmp_path / "whole")
    assert resumed.state() == whole.state()


def test_a_file_with_a_byte_flipped_or_cut_off_is_refused(checkpoint, tmp_path):
    content, rng = checkpoint.read_bytes(), np.random.default_rng(0)
    path, setting = tmp_path / "run", Setting()
    before = setting.state()
    head = 8 + int.from_bytes(content[:8], "little")
    flips = [*range(8), *range(8, head, 37), *range(head - 8, head)]
    for place in [*flips, *rng.integers(head, len(content), 60)]:
        wrong = bytearray(content)
        wrong[place] ^= int(rng.integers(1, 256))
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="cannot be used: it is damaged, or something else"):
            setting.fit(path)
    for size in [0, 1, 7, 8, 9, head - 1, head, *rng.integers(0, len(content), 20)]:
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="cannot be used: it is damaged, or something else"):
            setting.fit(path)
    path.write_bytes(content + b"x")
    with pytest.raises(ValueError, match="cannot be used: it is damaged, or something else"):
        setting.fit(path)
    assert setting.state() == before


def places(value, path=()):
    """Every key and index in a tree of dictionaries and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in items:
        yield (*path, key)
        if isinstance(inside, dict | list):
            yield from places(inside, (*path, key))


def changed(state, path, value=None, remove=False):
    state = copy.deepcopy(state)
    inside = state
    for key in path[:-1]:
        inside = inside[key]
    if remove:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return state


def test_a_state_that_fit_never_writes_is_refused_though_its_signature_is_right(
    checkpoint, tmp_path
):
    content, path, setting = checkpoint.read_bytes(), tmp_path / "run", Setting()
    arrays, state, before = safetensors.numpy.load(content), run_of(content), setting.state()
    checkpoints.save(path, arrays, state)
    Setting().fit(path)  # a signature that is right is enough for what is right
    wrong = [(arrays, changed(state, place, remove=True)) for place in places(state)]
    for value in (None, "text", [], {}, True, -1, 10**30, float("nan"), 0.5):
        for place in places(state):
            old = state
            for key in place:
                old = old[key]
            valid = isinstance(old, float) and isinstance(value, float)
            valid |= place == ("schedule_steps",) and value == 10**30  # it may have begun before
            if (value != old or type(value) is not type(old)) and place[0] != "generators":
                wrong += [] if valid else [(arrays, changed(state, place, value))]
    wrong += [({k: v for k, v in arrays.items() if k != key}, state) for key in arrays]
    wrong += [(arrays | {key: arrays[key].reshape(-1)[:0]}, state) for key in arrays]
    wrong += [(arrays | {"network.9.weight": np.ones(3)}, state), (arrays, [])]
    for index, (tensors, text) in enumerate(wrong):
        checkpoints.save(path, tensors, text)
        with pytest.raises(ValueError, match=r"fit: checkpoint .* cannot be used: "):
            setting.fit(path)
            print("accepted", index)
    assert len(wrong) > 200
    assert setting.state() == before


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("right",), 10**9),
        (("right",), 81),  # the batches so far have 80 images
        (("weight",), 0.0),
        (("weight",), -1.0),
        (("history", "loss", 0), float("nan")),
        (("history", "loss", 0), float("inf")),
        (("history", "lr", 0), float("nan")),
        (("history", "accuracy", 0), 1.5),
        (("history", "validation_accuracy", 0), -0.5),
        (("total_loss",), float("nan")),
        (("lr",), float("inf")),
    ],
)
def test_a_number_that_cannot_be_measured_is_refused(checkpoint, tmp_path, place, value):
    content, path = checkpoint.read_bytes(), tmp_path / "run"
    state = run_of(content)
    assert state["counted"] < 81
    checkpoints.save(path, safetensors.numpy.load(content), changed(state, place, value))
    assert_refused(path)


@pytest.mark.parametrize("wrong", ["bytes", "array", "generator"])
def test_a_network_of_nan_stays_as_it_was_when_the_checkpoint_is_wrong(checkpoint, tmp_path, wrong):
    def make():
        net = network()
        net[6].bias.data[2] = np.nan
        return net

    content, path = checkpoint.read_bytes(), tmp_path / "run"
    arrays, state = safetensors.numpy.load(content), run_of(content)
    if wrong == "array":
        arrays["network.0.bias"][0] = np.nan
    elif wrong == "generator":
        state["generators"][0]["state"]["state"] = -1
    checkpoints.save(path, arrays, state)
    if wrong == "bytes":
        path.write_bytes(b"abc")
    message = {"bytes": "it is damaged", "array": r"0\.bias", "generator": ""}[wrong]
    assert_refused(path, message, network=make)


@pytest.mark.parametrize(
    "augment", [lambda x, rng: x, partial(lambda x, rng, p: x, p=1)], ids=["lambda", "partial"]
)
def test_a_lambda_has_no_name_that_a_checkpoint_could_hold(tmp_path, augment):
    with pytest.raises(ValueError, match="fit: augment is a lambda; with a checkpoint"):
        Setting(augment=augment).fit(tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_a_place_where_no_file_can_be_is_found_before_the_first_batch(tmp_path, monkeypatch):
    def forbidden(*_):
        raise AssertionError("a batch was made")

    (tmp_path / "folder").mkdir()
    setting = Setting(augment=forbidden)
    for path, error, message in [
        (tmp_path / "none" / "run", FileNotFoundError, "there is no folder .*none"),
        (tmp_path / "folder", IsADirectoryError, "a folder; expected a file"),
        (tmp_path / ("x" * 250), OSError, "it cannot be written: "),
        (tmp_path / ("x" * 300), OSError, "it cannot be written: "),
        ("~no_user/x", OSError, "'~no_user/x'; there is no such home"),
        (f"{tmp_path}/a\0b", ValueError, "it cannot be written: "),
        ("", OSError, "a folder; expected a file"),
        (5, TypeError, "a int; expected the path of a file"),
    ]:
        with pytest.raises(error, match=f"^fit: checkpoint is .*{message}"):
            setting.fit(path)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    Setting().fit("~/run")
    assert (tmp_path / "run").exists()


def test_a_checkpoint_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "run"
    checkpoints.replace(path, b"old")
    monkeypatch.setattr(checkpoints.os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        checkpoints.replace(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("run", b"old")]


def test_a_number_of_numpy_is_the_number_and_a_layer_has_a_line_of_its_own():
    assert checkpoints.described(np.float64(0.25)) == checkpoints.described(0.25) == "0.25"
    assert checkpoints.described([np.int64(3), cnnlib.ReLU(), True]) == "(3, True)"


def test_a_fingerprint_is_of_the_numbers_and_cheap():
    images = np.random.default_rng(0).random((2500, 1, 8, 8), np.float32)
    scattered = np.asfortranarray(images)
    digest = hashlib.sha256(images.tobytes()).hexdigest()[:16]
    expected = f"float32 (2500, 1, 8, 8) with SHA-256 {digest}"
    assert checkpoints.fingerprint(images) == checkpoints.fingerprint(scattered) == expected
    start = time.perf_counter()
    checkpoints.fingerprint(np.zeros((60_000, 1, 28, 28), np.float32))
    assert time.perf_counter() - start < 5  # 0.2 seconds on a laptop
