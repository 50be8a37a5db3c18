"""Networks that train in the page, `trainer.js` and what it is built of, against cnnlib."""

import contextlib
import gzip
import io
import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from test_math import math_page  # noqa: F401 (a fixture)

import cnnlib
from cnnlib import widgets
from cnnlib.widgets import playground
from cnnlib.widgets.architecture_builder import build, complete, conv, linear
from cnnlib.widgets.packed import pack_digits
from cnnlib.widgets.widget import script
from tools import recording

pytest_plugins = ["tests.browser"]
HERE = Path(widgets.__file__).parent
PADDED = {"padding": 1}
INSIDE = [conv(6, **PADDED), "BatchNorm2d", "Tanh", conv(6, **PADDED)]
NETWORKS = {
    "dense": ["Flatten", linear(12), "ReLU", linear(10)],
    "LeNet-like": [
        *[conv(4, **PADDED), "ReLU", "MaxPool2d", conv(6, 2, **PADDED), "ReLU", "MaxPool2d"],
        *["Flatten", linear(14), "ReLU", linear(10)],
    ],
    "batch normalization": [
        *[conv(5, 3, stride=2, **PADDED), "BatchNorm2d", "ReLU", conv(7, 2, dilation=2)],
        *["BatchNorm2d", "ReLU", "GlobalAvgPool2d", "Flatten", linear(10)],
    ],
    "residual": [
        *[conv(6), "Tanh", {"kind": "Residual", "layers": INSIDE}, "ReLU", "AvgPool2d"],
        *[{"kind": "Residual", "layers": [conv(6, groups=3, **PADDED)]}, "Flatten", linear(10)],
    ],
    "no activation": [conv(4), "Flatten", linear(12), linear(10)],
    "dropout": [
        *[conv(4), "ReLU", {"kind": "Dropout", "p": 0.2}, "MaxPool2d", "Flatten"],
        *[linear(9), "ReLU", {"kind": "Dropout", "p": 0.5}, linear(10)],
    ],
}


def whole(layers):
    """The layers with all their numbers."""
    return [
        one | {"layers": whole(one["layers"])} if "layers" in one
        else one if "p" in one else complete(one)
        for one in layers
    ]  # fmt: skip


NETWORKS = {name: whole(layers) for name, layers in NETWORKS.items()}
DRAWINGS = [
    {"pixels": [16 * (i % 3 == k) for i in range(64)], "label": label}
    for k, label in enumerate([4, 7, 4])
]


@pytest.fixture(scope="module")
def ask(math_page):  # noqa: F811
    """ask(body, **given): what JavaScript returns; typed arrays are lists. `make` gives a Trainer.

    `digits` are those of the page, and `given.data` the options of digitData.
    """
    math_page.evaluate("digits => { globalThis.digits = digits; }", pack_digits())
    begin = """
        const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
        const kept = (globalThis.keptData ??= {});
        const make = (changes = {}) => {
          const { data = {}, ...all } = { ...given, ...changes }, name = JSON.stringify(data);
          return new math.Trainer({ ...all, data: (kept[name] ??= math.digitData(digits, data)) });
        };
        const learn = (trainer, count) => Array.from({ length: count }, () => trainer.batch());
        const refused = (job) => {
          try { job(); } catch ({ message, layer }) { return [message, layer]; }
        };
    """

    def ask(body, **given):
        work = f"(given) => {{ {begin} const work = () => {{ {body} }};"
        return json.loads(
            math_page.evaluate(f"{work} return JSON.stringify(work(), plain); }}", given)
        )

    return ask


# --- the data ---


def test_the_digits_weigh_little_and_the_page_has_those_of_scikit_learn(ask):
    assert len(gzip.compress(json.dumps(pack_digits()).encode())) < 60_000
    found = ask("return math.digitData(digits);")
    assert found["own"] == 0
    (_, _), (images, labels) = recording.digits()
    held_out = found["validation"]
    np.testing.assert_array_equal(np.reshape(held_out["images"]["data"], (500, 1, 8, 8)), images)
    assert held_out["labels"] == labels.tolist()
    train = found["train"]
    assert train["images"]["shape"] == [1297, 1, 8, 8]
    every = np.reshape(train["images"]["data"] + held_out["images"]["data"], (1797, 64))
    named = {
        tuple(image): label
        for image, label in zip(every, train["labels"] + held_out["labels"], strict=True)
    }
    images, labels = cnnlib.digits()
    assert named == {
        tuple(image): label for image, label in zip(images.reshape(-1, 64), labels, strict=True)
    }
    assert len(named) == 1797


def test_ten_images_are_one_of_each_class(ask):
    labels = ask("return math.digitData(digits).train.labels;")
    for first in range(0, 1000, 10):
        assert sorted(labels[first : first + 10]) == list(range(10))


def test_on_a_canvas_each_digit_lies_whole_at_a_place_by_chance(ask):
    small, large, again = ask(
        "const all = [{}, { canvas: 13 }, { canvas: 13 }];"
        "return all.map((options) => math.digitData(digits, options));"
    )
    assert large == again
    for part, count in (("train", 1297), ("validation", 500)):
        own = np.reshape(small[part]["images"]["data"], (count, 8, 8))
        canvas = np.reshape(large[part]["images"]["data"], (count, 13, 13))
        windows = np.lib.stride_tricks.sliding_window_view(canvas, (8, 8), (1, 2))
        same = (windows == own[:, None, None]).all(axis=(3, 4))
        assert same.any(axis=(1, 2)).all()
        np.testing.assert_allclose(canvas.sum(axis=(1, 2)), own.sum(axis=(1, 2)))
        places = [tuple(np.argwhere(one)[0]) for one in same if one.sum() == 1]
        assert set(places) == {(i, j) for i in range(6) for j in range(6)}
        assert max(map(places.count, set(places))) < 3 * len(places) / 36


def test_drawings_are_trained_on_with_the_label_that_they_were_given(ask):
    found = ask(
        """const trainer = make(), before = make({ data: {} }), met = [];
        do { met.push(trainer.next()); trainer.batch(); } while (trainer.at);
        before.use(math.digitData(digits, given.data));
        do before.batch(); while (before.at);
        before.next();
        return [met.map(({ images, labels }) => [images.data, labels]), before.order.length];""",
        layers=NETWORKS["dense"],
        settings={"images": 20, "batch_size": 7},
        data={"drawings": DRAWINGS},
    )
    images = np.concatenate([np.reshape(images, (-1, 64)) for images, _ in found[0]])
    labels = [label for _, own in found[0] for label in own]
    assert len(images) == 23
    for drawing in DRAWINGS:
        at = np.flatnonzero((images == np.array(drawing["pixels"]) / 16).all(axis=1))
        assert [labels[i] for i in at] == [drawing["label"]]
    assert found[1] == 23


# --- the layers ---


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_and_counts_are_those_of_cnnlib(ask, name):
    layers = NETWORKS[name]
    rows = ask("return math.describe(given.layers, [1, 8, 8], 10);", layers=layers)
    network = network_of(layers)
    for row, layer in zip(rows, network, strict=True):
        shape = tuple(row["input"])
        expected = cnnlib.summary(cnnlib.Sequential(layer), shape)
        assert (
            tuple(row["output"]) == layer.eval().forward(np.ones((1, *shape), np.float32)).shape[1:]
        )
        assert row["parameters"] == sum(one.parameters for one in expected)
        assert row["multiplyAdds"] == sum(one.multiply_adds for one in expected)
    assert rows[-1]["name"] == f"Linear({rows[-1]['input'][0]}, 10)"


def network_of(layers, shape=(1, 8, 8), dtype=np.float32):
    """The same network in cnnlib."""
    made, x = [], np.zeros((1, *shape), dtype)
    for layer in layers:
        if "layers" in layer:
            own = cnnlib.Residual(network_of(layer["layers"], x.shape[1:]))
        elif "p" in layer:
            own = cnnlib.Dropout(layer["p"])
        else:
            own = build([layer], x.shape[1:])[0]
        made.append(own)
        x = own.eval().forward(x)
    return cnnlib.Sequential(*made)


RESIDUAL, HEAD = {"kind": "Residual", "layers": [conv(4, **PADDED)]}, ["Flatten", linear(10)]
ROW = "expected a row of numbers, what comes in is 1×8×8. Put Flatten before it."


@pytest.mark.parametrize(
    ("layers", "place", "message"),
    [
        ([], 0, "There is no layer yet."),
        ([linear(10)], 0, f"Linear: {ROW}"),
        (["Flatten", conv(3)], 1, "Conv2d: expected maps (channels, rows, columns), what comes in "
         "is a row of 64 numbers. Move it before Flatten."),
        ([conv(3), "ReLU", conv(3, 7)], 2,
         "Conv2d: the kernel extends over 7 rows, what comes in has only 6."),
        ([conv(3)], 0, "The last layer gives maps, 3×6×6; expected 10 numbers, one for each class. "
         "Put Flatten and Linear(10) at the end."),
        (["Flatten", linear(12)], 1,
         "The last layer gives 12 numbers; expected 10, one for each class."),
        ([conv(10, 8), "Flatten"], None, None),
        ([conv(3), RESIDUAL, *HEAD], 1, "Residual: its layers give 4×6×6, what comes in is 3×6×6; "
         "expected the same shape, since both are added."),
        ([{"kind": "Residual", "layers": []}, *HEAD], 0, "Residual: there is no layer in it."),
        ([{"kind": "Residual", "layers": [linear(4)]}, *HEAD], 0, f"Residual: Linear: {ROW}"),
        ([conv(256, **PADDED), conv(256, **PADDED), *HEAD], None, "A page is too slow for "
         f"{256 * 64 * 9 + 256 * 64 * 256 * 9 + 256 * 64 * 10:,} multiply-adds for an image; "
         "expected at most 10,000,000."),
        ([conv(8, padding=100), *HEAD], None, f"A page has no room for {8 * 206**2:,} numbers in "
         "one layer; expected at most 100,000."),
    ],
)  # fmt: skip
def test_an_impossible_stack_is_refused_with_a_sentence_and_the_place(ask, layers, place, message):
    found = ask("return [refused(() => make()) ?? null];", layers=whole(layers))
    assert found == [message and [message, place]]


def test_what_is_no_layer_is_named(ask):
    told = ask(
        "return given.all.map((layers) => refused(() => math.completeLayers(layers))[0]);",
        all=[[{"p": 1}], [None], ["ReLU"], [{"kind": "Conv3d"}]],
    )
    shape = 'expected one with a kind, such as {"kind":"ReLU"}.'
    start = [f"A layer is {one}; {shape}" for one in ('{"p":1}', "null", '"ReLU"')]
    assert told[:3] == start
    assert told[3].startswith("Conv3d is no layer; expected one of Conv2d, ")


def test_a_stack_that_cannot_learn_is_refused(ask):
    layers = whole(["GlobalAvgPool2d", "Flatten"])
    (message, place) = ask(
        "return refused(() => math.describe(given.layers, [10, 3, 4], 10));", layers=layers
    )
    assert (message, place) == ("No layer has a parameter that could learn.", 1)


# --- the weights and the seeds ---

STATE = "const state = ({ network }) => Object.entries(network.state_dict());"


def test_first_weights_are_torchs_usual_ones_and_the_seed_repeats_them(ask):
    inside = {"kind": "Residual", "layers": [conv(12, **PADDED)]}
    layers = whole([conv(12, **PADDED), inside, "Flatten", linear(10)])
    one, same, other = ask(
        STATE + "return [5, 5, 6].map((seed) => state(make({ seed })));", layers=layers
    )
    assert one == same
    firsts = set()
    for (key, found), (_, second) in zip(one, other, strict=True):
        root = math.sqrt({"0": 9, "1": 108, "3": 768}[key[0]])
        numbers, second = np.array(found["data"]) * root, np.array(second["data"]) * root
        assert np.abs(numbers).max() <= 1 + 1e-6
        if len(numbers) > 300:
            assert abs(numbers.std() * math.sqrt(3) - 1) < 0.1
            assert abs(np.corrcoef(numbers, second)[0, 1]) < 0.2
        firsts |= {round(numbers[0], 4), round(second[0], 4)}
    assert len(firsts) == 2 * len(one)  # no array begins as another does


def test_zero_first_weights_are_all_zero_and_stay_alike(ask):
    found = ask(
        """const trainer = make();
        const first = trainer.parameters.map(({ data }) => data.slice());
        learn(trainer, 5);
        return [first, trainer.network.state_dict()["1.weight"].data];""",
        layers=NETWORKS["dense"],
        settings={"zero_weights": True},
    )
    assert not any(any(numbers) for numbers in found[0])
    assert not any(found[1])  # no gradient has come through


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(ask):
    one, same, other = ask(
        """return [3, 3, 4].map((seed) => {
          const trainer = make({ seed }), losses = learn(trainer, 12);
          const { order, moves, luck, pixels } = trainer;
          return [losses, order, moves, luck, pixels];
        });""",
        layers=NETWORKS["dropout"],
        settings={"shift": 1, "wrong_labels": 0.3, "images": 50, "shuffled_pixels": True},
    )
    assert one == same
    for own, others in zip(one, other, strict=True):
        assert len(own) == len(others)
        assert sum(a == b for a, b in zip(own, others, strict=True)) < len(own) / 4


# --- the training ---

MET = (
    STATE
    + """
    const trainer = make(), first = state(trainer), met = [];
    for (let count = 0; count < 30; count++) {
      const { images, labels } = trainer.next();
      met.push([images.shape, images.data, labels]);
      trainer.batch();
    }
    const { losses: { values }, history, settings } = trainer;
    return [first, met, values, history, state(trainer), settings.lr];
    """
)
SETTINGS = [
    {"lr": 0.05},
    {"lr": 0.02, "momentum": 0, "weight_decay": 0.01, "batch_size": 20, "shift": 1},
    {"optimizer": "adam", "lr": 0.003, "weight_decay": 0.02, "wrong_labels": 0.3}
    | {"schedule": "cosine", "epochs": 4},
    {"optimizer": "adamw", "lr": 0.004, "weight_decay": 0.1, "shuffled_pixels": True}
    | {"schedule": "step", "epochs": 2},
    {"lr": 0.1, "schedule": "one_cycle", "epochs": 2, "shift": 2},
]


def optimizer_of(settings, network, batches):
    """The optimizer and the schedule of these settings in cnnlib."""
    name, lr, decay = (
        settings.get("optimizer", "sgd"),
        settings["lr"],
        settings.get("weight_decay", 0),
    )
    if name == "sgd":
        optimizer = cnnlib.SGD(network.parameters(), lr, settings.get("momentum", 0.9), decay)
    else:
        kind = {"adam": cnnlib.Adam, "adamw": cnnlib.AdamW}[name]
        optimizer = kind(network.parameters(), lr, weight_decay=decay)
    epochs = settings.get("epochs")
    schedules = {
        "step": lambda: cnnlib.StepLR(optimizer, math.ceil(epochs / 3)),
        "cosine": lambda: cnnlib.CosineAnnealingLR(optimizer, epochs),
        "one_cycle": lambda: cnnlib.OneCycleLR(
            optimizer, lr, epochs * batches, cycle_momentum=False
        ),
    }
    return optimizer, schedules.get(settings.get("schedule"), lambda: None)()


# What batch norm takes off again: its gradient is nothing but rounding, which Adam makes large.
NOISE = ["0.bias", "1.running_mean", "3.bias", "4.running_mean"]
NOISE += ["2.body.0.bias", "2.body.1.running_mean"]


def arrays(state):
    return {key: np.reshape(value["data"], value["shape"]) for key, value in state}


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "dropout"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_training_is_that_of_cnnlib_for_the_same_weights_and_batches(ask, name, settings):
    settings = {"images": 150, "batch_size": 16} | settings
    first, met, losses, history, last, _ = ask(
        MET, layers=NETWORKS[name], settings=settings, seed=2, data={"drawings": DRAWINGS}
    )
    network, loss = network_of(NETWORKS[name]), cnnlib.CrossEntropyLoss()
    network.load_state_dict(fit_for(network, first))
    batches = math.ceil(153 / settings["batch_size"])
    optimizer, schedule = optimizer_of(settings, network, batches)
    expected, rates, epochs = [], [optimizer.lr], settings.get("epochs", 100)
    network.train()
    for count, (shape, images, labels) in enumerate(met, 1):
        x = np.array(images, np.float32).reshape(shape)
        expected.append(float(loss(network(x), np.array(labels))))
        optimizer.zero_grad()
        network.backward_parameters(loss.backward())
        optimizer.step()
        if (
            schedule
            and count <= epochs * batches
            and (schedule.every_batch or count % batches == 0)
        ):
            schedule.step()
        if count % batches == 0:
            rates.append(optimizer.lr)
    np.testing.assert_allclose(losses, expected, rtol=2e-3)
    np.testing.assert_allclose(losses[:8], expected[:8], rtol=2e-5)
    for key, value in arrays(last).items():
        if key in NOISE:
            continue
        np.testing.assert_allclose(value, network.state_dict()[key], atol=3e-3, err_msg=key)
    assert len(history) == 1 + 30 // batches
    for at, row in enumerate(history[1:]):
        own = slice(at * batches, (at + 1) * batches)
        sizes = [len(labels) for _, _, labels in met[own]]
        assert sum(sizes) == 153
        np.testing.assert_allclose(row["loss"], np.average(losses[own], weights=sizes), rtol=1e-9)
        assert (row["epoch"], row["batches"]) == (at + 1, (at + 1) * batches)


def fit_for(network, state):
    own = network.state_dict()
    return {key: value.astype(own[key].dtype) for key, value in arrays(state).items()}


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one_cycle"])
def test_a_schedule_sets_the_learning_rate_and_ends_with_its_epochs(ask, schedule):
    settings = {
        "lr": 0.08,
        "schedule": schedule,
        "epochs": 4,
        "images": 30,
        "batch_size": 8,
        "momentum": 0,
    }
    rates = ask(
        """const trainer = make();
        const rate = () => { const { lr } = trainer.optimizer; trainer.batch(); return lr; };
        return Array.from({ length: 24 }, rate);""",
        layers=NETWORKS["dense"], settings=settings,
    )  # fmt: skip
    optimizer, plan = optimizer_of(settings, network_of(NETWORKS["dense"]), 4)
    expected = []
    for count in range(1, 25):
        expected.append(optimizer.lr)
        if plan and count <= 16 and (plan.every_batch or count % 4 == 0):
            plan.step()
    np.testing.assert_allclose(rates, expected, rtol=1e-9, atol=1e-12)
    assert len(set(expected)) > (1 if schedule != "constant" else 0)


def epoch_of(ask, **settings):
    """The images, (N, 64), and labels of one epoch of 300 images, and of the next one."""
    found = ask(
        """const trainer = make(), epochs = [];
        for (let epoch = 0; epoch < 2; epoch++) {
          const met = [];
          do { met.push(trainer.next()); trainer.batch(); } while (trainer.at);
          const images = met.flatMap(({ images }) => [...images.data]);
          const labels = met.flatMap(({ labels }) => labels);
          epochs.push([trainer.order, images, labels, met.map(({ labels }) => labels.length)]);
        }
        return epochs;""",
        layers=NETWORKS["dense"],
        settings={"images": 300} | settings,
        seed=1,
    )
    return [
        (order, np.reshape(images, (-1, 64)), labels, sizes)
        for order, images, labels, sizes in found
    ]


@pytest.fixture(scope="module")
def train_part(ask):
    train = ask("return math.digitData(digits).train;")
    return np.reshape(train["images"]["data"], (-1, 8, 8)), np.array(train["labels"])


def test_an_epoch_meets_each_of_the_first_images_once_in_another_order(ask, train_part):
    images, labels = train_part
    epochs = epoch_of(ask, batch_size=64, images=270)
    for order, met, called, sizes in epochs:
        assert sorted(order) == list(range(270))
        assert sizes == [64, 64, 64, 64, 14]
        np.testing.assert_array_equal(met, images[order].reshape(-1, 64))
        np.testing.assert_array_equal(called, labels[order])
    assert sum(a == b for a, b in zip(epochs[0][0], epochs[1][0], strict=True)) < 10


def test_shifted_images_are_moved_within_the_limit_each_time_anew(ask, train_part):
    images, _ = train_part
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    moves = []
    for order, met, _, _ in epoch_of(ask, shift=2):
        found = []
        for index, image in zip(order, met, strict=True):
            places = [
                (down, right)
                for down, right in itertools.product(range(-2, 3), repeat=2)
                if (padded[index, 2 - down :, 2 - right :][:8, :8] == image.reshape(8, 8)).all()
            ]
            assert places
            found.append(places[0])
        assert set(found) == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}
        moves.append(found)
    assert moves[0] != moves[1]


def test_a_share_of_the_labels_is_wrong_and_stays_so(ask, train_part):
    _, labels = train_part
    wrong = []
    for order, _, called, _ in epoch_of(ask, wrong_labels=0.25):
        own = dict(zip(order, called, strict=True))
        wrong.append({index: label for index, label in own.items() if label != labels[index]})
        assert set(called) == set(range(10))
    assert wrong[0] == wrong[1]
    assert 0.2 < len(wrong[0]) / 300 < 0.3
    assert len({(label - labels[index]) % 10 for index, label in wrong[0].items()}) == 9


def test_all_labels_can_be_wrong(ask, train_part):
    _, labels = train_part
    for order, _, called, _ in epoch_of(ask, wrong_labels=1):
        assert not (labels[order] == called).any()


def test_shuffled_pixels_are_the_same_others_in_all_images(ask, train_part):
    images, _ = train_part
    (order, met, _, _), _ = epoch_of(ask, shuffled_pixels=True)
    own = images[order].reshape(-1, 64)
    places = ask(
        "return make().pixels;",
        layers=NETWORKS["dense"],
        settings={"shuffled_pixels": True},
        seed=1,
    )
    assert sorted(places) == list(range(64)) and places != sorted(places)
    np.testing.assert_array_equal(met, own[:, places])
    held, predicted, seen = ask(
        """const trainer = make(), { images } = math.digitData(digits).validation;
        const image = images.data.slice(0, 64);
        const { layers, pixels, probabilities } = trainer.snapshot();
        return [trainer.validation.images.data.slice(0, 64), trainer.predict(image),
          [layers[0].before, pixels, image, probabilities]];""",
        layers=NETWORKS["dense"], settings={"shuffled_pixels": True}, seed=1,
    )  # fmt: skip
    before, pixels, image, probabilities = seen
    assert held == before == [image[k] for k in places]
    assert pixels == image
    np.testing.assert_allclose(predicted, probabilities)


def test_the_page_and_python_have_the_same_settings(ask):
    rules = ask("return math.SETTINGS;")
    assert rules.keys() == playground.SETTINGS.keys()
    for name, (usual, *limits) in playground.SETTINGS.items():
        rule = rules[name]
        assert rule["value"] == usual
        if isinstance(usual, bool):
            assert rule["choices"] == [False, True]
        elif len(limits) == 1:
            assert rule["choices"] == list(limits[0])
        else:
            assert [rule["least"], rule["most"]] == limits
            assert rule.get("whole", False) == (name in playground.WHOLE)


# --- changes, and the end ---


def test_settings_change_while_a_network_learns(ask):
    found = ask(
        """const trainer = make(), { optimizer } = trainer, list = [];
        learn(trainer, 3);
        trainer.set({ lr: 0.01, momentum: 0.5, weight_decay: 0.1 });
        const { lr, momentum, weight_decay } = optimizer;
        list.push(trainer.optimizer === optimizer, lr, momentum, weight_decay);
        trainer.set({ batch_size: 5 });
        list.push(trainer.next().labels.length);
        trainer.set({ wrong_labels: 1, shift: 2 });
        const [odd] = [trainer.next()];
        trainer.set({ wrong_labels: 0, shift: 0 });
        list.push(odd.labels.filter((label, n) => label === trainer.next().labels[n]).length);
        list.push(odd.images.data.every((number, n) => number === trainer.next().images.data[n]));
        trainer.set({ images: 12 });
        do trainer.batch(); while (trainer.at);
        trainer.next();
        list.push(trainer.order.length);
        trainer.set({ optimizer: "adam", schedule: "cosine", epochs: 4 });
        list.push(trainer.optimizer instanceof math.Adam, trainer.optimizer.lr);
        return list;""",
        layers=NETWORKS["dense"], settings={"images": 60},
    )  # fmt: skip
    assert found[:8] == [True, 0.01, 0.5, 0.1, 5, 0, False, 12]
    assert found[8:] == [True, pytest.approx(0.01 * (1 + math.cos(math.pi / 2)) / 2)]


def test_the_share_that_dropout_drops_changes_while_a_network_learns(ask):
    shares, dropped, why = ask(
        """const trainer = make(), share = () => {
          trainer.batch();
          return trainer.dropouts.map(({ p }) => p);
        };
        const more = (layer) => (layer.p ? { ...layer, p: 0.9 } : layer);
        const first = share(), layers = given.layers.map(more);
        trainer.set({ layers });
        const second = share(), [dropout] = trainer.dropouts, count = 5000;
        const ones = { shape: [count], data: new Float32Array(count).fill(1) };
        const zeros = dropout.train().forward(ones).data.filter((number) => !number).length;
        const why = refused(() => trainer.set({ layers: layers.slice(1) }));
        return [[first, second], zeros / count, why];""",
        layers=NETWORKS["dropout"],
    )
    assert shares == [[0.2, 0.5], [0.9, 0.9]]
    assert dropped == pytest.approx(0.9, abs=0.03)
    assert why[0] == "Other layers are another network: start again."


def test_dropouts_come_and_go_while_a_network_learns(ask):
    found = ask(
        """const trainer = make(), [first, ...others] = given.layers, before = trainer.parameters;
        const at = (layers) => {
          trainer.set({ layers });
          trainer.batch();
          const { layers: seen } = trainer.snapshot(), { dropouts, batches } = trainer;
          return [dropouts.map(({ p }) => p), batches, seen.map(({ kind }) => kind)];
        };
        const between = at([first, { kind: "Dropout", p: 0.25 }, ...others]);
        const without = at(given.layers);
        const [{ data }] = trainer.parameters, moved = data.slice();
        trainer.batch();
        const learns = data.some((weight, i) => weight !== moved[i]);
        const same = trainer.network.parameters().every((one, i) => one === before[i]);
        return [between, without, learns && same];""",
        layers=NETWORKS["dense"],
    )
    first, *others = [layer["kind"] for layer in NETWORKS["dense"]]
    assert found == [[[0.25], 1, [first, "Dropout", *others]], [[], 2, [first, *others]], True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shuffled_pixels": True},
         "shuffled_pixels cannot change while a network learns: start again."),
        ({"zero_weights": True}, "zero_weights cannot change while a network learns: start again."),
        ({"lr": -1}, "lr is -1; expected a number from 0 to 1000."),
        ({"lr": "much"}, "lr is much; expected a number from 0 to 1000."),
        ({"batch_size": 2.5}, "batch_size is 2.5; expected a whole number from 1 to 1297."),
        ({"images": 1298}, "images is 1298; expected a whole number from 10 to 1297."),
        ({"optimizer": "rmsprop"}, "optimizer is rmsprop; expected one of sgd, adam, adamw."),
        ({"rate": 1}, "rate is no setting; expected one of optimizer, lr, momentum, weight_decay, "
         "batch_size, schedule, epochs, shift, wrong_labels, images, shuffled_pixels, "
         "zero_weights."),
    ],
)  # fmt: skip
def test_a_change_that_is_not_possible_is_refused_and_changes_nothing(ask, change, message):
    found = ask(
        """const trainer = make(), { settings } = trainer;
        const why = refused(() => trainer.set({ momentum: 0.1, ...given.change }));
        const { momentum } = trainer.optimizer;
        return [why[0], trainer.settings === settings, momentum === settings.momentum];""",
        layers=NETWORKS["dense"],
        change=change,
    )
    assert found == [message, True, True]


def test_a_loss_that_is_not_a_number_is_said_and_ends_the_training(ask):
    stopped, *ended = ask(
        """const trainer = make();
        for (let count = 0; count < 50 && !trainer.stopped; count++) trainer.batch();
        const { stopped, batches, losses: { values } } = trainer;
        const after = trainer.batch();
        return [stopped, after, trainer.batches === batches, values.every(Number.isFinite)];""",
        layers=NETWORKS["no activation"],
        settings={"lr": 30, "images": 40, "batch_size": 20},
    )
    place = r"(epoch \d+, batch [12]|the held-out images after epoch \d+)"
    said = rf"The loss is (nan|infinite) in {place}: the weights have grown beyond all numbers, "
    said += r"and nothing can be learned from here\. A smaller learning rate may help\."
    assert re.fullmatch(said, stopped)
    assert ended == [None, True, True]


def test_a_long_curve_is_kept_as_means(ask):
    found = ask(
        """const curve = new math.Curve();
        for (let number = 0; number < 1700; number++) curve.add(number);
        return [curve.every, curve.values];"""
    )
    every, values = found
    assert every == 4
    np.testing.assert_allclose(values, np.arange(1700).reshape(-1, 4).mean(axis=1))


# --- what is seen ---

SEEN = (
    STATE
    + """
    const trainer = make();
    learn(trainer, 8);
    const before = state(trainer), { images, labels } = trainer.next();
    trainer.batch();
    trainer.evaluate();
    const asked = [{ image: 7 }, { image: 3, part: "train" }, { image: images.data.slice(0, 64) }];
    return [before, [images.shape, images.data], labels, state(trainer),
      ...asked.map((what) => trainer.snapshot(what)), trainer.evaluated];
    """
)


@pytest.fixture(scope="module")
def seen(ask):
    names = ["before", "batch", "labels", "after", "snapshot", "trained", "own", "evaluated"]
    settings = {"lr": 0.05, "momentum": 0, "wrong_labels": 0.5}
    found = ask(SEEN, layers=NETWORKS["residual"], settings=settings, seed=4)
    found = dict(zip(names, found, strict=True))
    network = network_of(NETWORKS["residual"])
    network.load_state_dict(fit_for(network, found["after"]))
    return found | {"network": network.eval()}


def test_a_snapshot_has_what_each_layer_makes_of_an_image(seen):
    (_, _), (images, labels) = recording.digits()
    snapshot, x = seen["snapshot"], images[7:8].astype(np.float32)
    assert (snapshot["label"], snapshot["epoch"], snapshot["batches"]) == (labels[7], 0, 9)
    assert snapshot["pixels"] == x.ravel().tolist()

    def follow(network, layers, x):
        for layer, own in zip(network, layers, strict=True):
            assert (own["input"], len(own["before"])) == (list(x.shape[1:]), x.size)
            np.testing.assert_allclose(own["before"], x.ravel(), atol=1e-5)
            if isinstance(layer, cnnlib.Residual):
                follow(layer.body, own["layers"], x)
            x = layer.forward(x)
            assert own["output"] == list(x.shape[1:])
            np.testing.assert_allclose(own["values"], x.ravel(), atol=1e-5)
            for name in ("weight", "bias", "running_mean", "running_var"):
                array = getattr(layer, name, None)
                array = array.data if name in ("weight", "bias") and array else array
                if array is None:
                    assert own[name] is None
                else:
                    assert own[name]["shape"] == list(array.shape)
                    np.testing.assert_array_equal(own[name]["data"], array.ravel())
        return x

    logits = follow(seen["network"], snapshot["layers"], x)
    np.testing.assert_allclose(snapshot["probabilities"], cnnlib.softmax(logits)[0], atol=1e-5)


def test_a_snapshot_may_be_of_an_image_to_train_on_or_of_a_readers(seen, train_part):
    images, labels = train_part
    assert seen["trained"]["pixels"] == images[3].ravel().tolist()
    assert seen["trained"]["label"] == labels[3]
    assert seen["own"]["label"] is None
    assert seen["own"]["pixels"] == seen["batch"][1][:64]
    shown = seen["own"]["shown"]
    assert [one["truth"] for one in shown] == labels[:20].tolist()
    assert 4 < sum(one["label"] != one["truth"] for one in shown) < 16


def rms(array):
    return math.sqrt(np.square(array, dtype=float).mean())


def test_a_snapshot_has_the_sizes_of_weights_gradients_and_updates(seen):
    network, loss = network_of(NETWORKS["residual"]), cnnlib.CrossEntropyLoss()
    network.load_state_dict(fit_for(network, seen["before"]))
    shape, images = seen["batch"]
    loss(network.train()(np.array(images, np.float32).reshape(shape)), np.array(seen["labels"]))
    network.backward_parameters(loss.backward())
    checked = 0

    def follow(network, layers):
        nonlocal checked
        for layer, own in zip(network, layers, strict=True):
            if own["layers"]:
                follow(layer.body, own["layers"])
            elif own["weight"]:
                sizes, weight = own["sizes"], layer.weight
                assert sizes["gradient"] == pytest.approx(rms(weight.grad), rel=1e-4)
                assert sizes["update"] == pytest.approx(0.05 * rms(weight.grad), rel=1e-3)
                assert sizes["weight"] == pytest.approx(
                    rms(weight.data - 0.05 * weight.grad), rel=1e-5
                )
                checked += 1
            else:
                assert own["sizes"] is None

    follow(network, seen["snapshot"]["layers"])
    assert checked == 6


def test_before_the_first_batch_there_is_no_gradient_and_no_update(ask):
    sizes = ask("return make().snapshot().layers[1].sizes;", layers=NETWORKS["dense"])
    assert (sizes["gradient"], sizes["update"]) == (None, None)
    assert sizes["weight"] > 0


def test_the_held_out_images_are_evaluated_as_cnnlib_does(seen):
    _, data = recording.digits()
    images, labels = data[0].astype(np.float32), data[1]
    expected, found = cnnlib.evaluate(seen["network"], (images, labels)), seen["evaluated"]
    assert found["loss"] == pytest.approx(expected.loss, rel=1e-5)
    assert found["accuracy"] == pytest.approx(expected.accuracy)
    assert found["confusion"] == expected.confusion.tolist()
    chances = cnnlib.softmax(seen["network"](images))
    wrong = np.flatnonzero(chances.argmax(1) != labels)
    assert [one["index"] for one in found["wrong"]] == wrong.tolist()
    for one in found["wrong"]:
        assert one["label"] == labels[one["index"]]
        assert one["answer"] == chances[one["index"]].argmax()
        assert one["probability"] == pytest.approx(chances[one["index"]].max(), rel=1e-4)
    assert seen["snapshot"]["wrong"] == found["wrong"]
    assert seen["snapshot"]["confusion"] == found["confusion"]


def test_relus_that_are_above_0_in_no_image_are_counted(ask):
    layers = whole([conv(5), "ReLU", "Flatten", linear(7), "ReLU", linear(10)])
    dead, state = ask(
        STATE
        + """const trainer = make(), [first, , , dense] = trainer.network;
        first.bias.data.set([-9, 0, -9, 0, 0]);
        dense.bias.data.fill(-9, 0, 3);
        trainer.evaluate();
        return [trainer.snapshot().layers.map(({ dead }) => dead), state(trainer)];""",
        layers=layers,
    )
    network = network_of(layers)
    network.load_state_dict(fit_for(network, state))
    _, (x, _) = recording.digits()
    expected = []
    for layer in network.eval():
        x = layer(x.astype(np.float32))
        axes = (0, 2, 3) if x.ndim == 4 else 0
        expected.append(1 - (x > 0).any(axes).mean() if isinstance(layer, cnnlib.ReLU) else None)
    assert dead == pytest.approx(expected)
    assert dead[1] >= 2 / 5 and dead[4] >= 3 / 7


def test_the_answer_to_a_drawing_is_that_of_the_network(ask, seen):
    given = DRAWINGS[0]["pixels"]
    found = ask(
        "return make().predict(given.image.map((number) => number / 16));",
        layers=NETWORKS["dense"],
        image=given,
    )
    state = ask(STATE + "return state(make());", layers=NETWORKS["dense"])
    network = network_of(NETWORKS["dense"])
    network.load_state_dict(fit_for(network, state))
    image = np.array(given, np.float32).reshape(1, 1, 8, 8) / 16
    np.testing.assert_allclose(found, cnnlib.softmax(network(image))[0], rtol=1e-5)


# --- as Python ---

ADAM, MANY = {"optimizer": "adam", "lr": 0.01}, {"shuffled_pixels": True, "shift": 2}
PROGRAMS = {  # the network, settings, and what is special about the data
    "dense": ("dense", {}, {}),
    "LeNet-like": ("LeNet-like", {"schedule": "one_cycle", "lr": 0.1}, {"canvas": 16}),
    "batch normalization": ("batch normalization", ADAM | {"optimizer": "adamw", "shift": 1}, {}),
    "residual": ("residual", ADAM | {"schedule": "step", "wrong_labels": 0.2, "images": 330}, {}),
    "dropout": ("dropout", {"schedule": "cosine", "weight_decay": 0.001, "momentum": 0}, {}),
    "own": ("LeNet-like", MANY | {"images": 100, "batch_size": 12}, {"drawings": DRAWINGS}),
    "few": ("no activation", {"images": 600, "lr": 0.01}, {"canvas": 12, "drawings": DRAWINGS}),
    "zero": ("dense", {"zero_weights": True, "images": 600}, {}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_python_the_first_losses_are_those_of_the_page(ask, name):
    network, settings, data = PROGRAMS[name]
    losses, history, texts = ask(
        """const trainer = make();
        do trainer.batch(); while (trainer.epoch < 2);
        const state = { ...given, ...given.data };
        const programs = [false, true].map((torch) => math.asPython(state, torch));
        return [trainer.losses.values, trainer.history, programs];""",
        layers=NETWORKS[network],
        settings={"epochs": 2, "images": 320 if data else 1297} | settings,
        data=data,
        seed=9,
    )
    for text, library in zip(texts, ("cnnlib", "nn"), strict=True):
        assert f"network = {library}.Sequential(" in text
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, library, "exec"), {"__name__": "program"})
        lines = [line.split(": ") for line in printed.getvalue().splitlines()]
        found = [float(rest.split()[-1]) for name, rest in lines if name.startswith("batch")]
        np.testing.assert_allclose(found, losses[:10], atol=2e-4)
        shares = [float(rest.split("%")[0]) / 100 for name, rest in lines if name[:5] == "epoch"]
        expected = [row["validation_accuracy"] for row in history[1:]]
        np.testing.assert_allclose(shares, expected, atol=0.03)


# --- the worker ---

VIEW = HERE / "shared" / "view"
SOURCE = script(HERE / "playground_worker.js")
START = {"type": "start", "digits": pack_digits(), "drawings": [], "seeds": [0], "id": 1}
TALK = """async ([source, messages, steps, kind]) => {
  const Usual = Worker;
  if (kind === "forbidden") globalThis.Worker = class { constructor() { throw new Error("no"); } };
  if (kind === "broken") globalThis.Worker = class {
    constructor() { setTimeout(() => this.onerror({ preventDefault() {} }), 20); }
    postMessage() {}
    terminate() {}
  };
  try {
    const got = [], waits = [];
    const engine = globalThis.engine.createEngine(source, (message) => {
      got.push({ ...message, time: performance.now() });
      waits.shift()?.();
    });
    for (const message of messages) engine.post(message);
    for (const step of steps) {
      if (typeof step === "number") await new Promise((done) => setTimeout(done, step));
      else if (typeof step === "string") {
        const is = new Function("last", "run", "return " + step);
        const run = () => got.findLast(({ runs }) => runs)?.runs.at(-1);
        const now = () => got.length && is(got.at(-1), run());
        for (const end = performance.now() + 60000; !now(); ) {
          if (performance.now() > end) throw new Error(`it is never ${step}`);
          await new Promise((next) => { waits.push(next); setTimeout(next, 500); });
        }
      } else engine.post(step);
    }
    const inPage = engine.inPage();
    engine.close();
    const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
    return JSON.stringify([inPage, got], plain);
  } finally {
    globalThis.Worker = Usual;
  }
}"""


@pytest.fixture(scope="module")
def talk(open_module, math_page):  # noqa: F811
    """talk(messages, steps): whether it is in the page, and what came.

    After the messages, each step is ms to wait, or what is to become true of the `last` message and
    the last `run` of the last progress, or a message to be sent.
    """
    page = open_module(VIEW / "engine.js", "engine")

    def talk(messages, steps, kind="worker"):
        return json.loads(page.evaluate(TALK, [SOURCE, messages, steps, kind]))

    return talk


def start(**changes):
    settings = {"images": 60, "batch_size": 10}
    return START | {"layers": NETWORKS["dense"], "settings": settings} | changes


BATCH, PLAY, PAUSE = {"type": "batch"}, {"type": "play"}, {"type": "pause"}


@pytest.mark.parametrize("kind", ["worker", "forbidden", "broken"])
def test_a_worker_or_the_page_trains_as_a_trainer_does(ask, talk, kind):
    in_page, got = talk(
        [start(), BATCH, BATCH, BATCH],
        [{"type": "predict", "pixels": [0] * 64, "id": 5}, "last.type === 'prediction'"],
        kind,
    )
    assert in_page == (kind != "worker")
    assert [one["type"] for one in got] == ["progress"] * 4 + ["prediction"]
    losses, history, answer = ask(
        """const trainer = make(), losses = learn(trainer, 3);
        return [losses, trainer.history, trainer.predict(Array(64).fill(0))];""",
        layers=NETWORKS["dense"], settings=start()["settings"],
    )  # fmt: skip
    first, *_, last = got[:4]
    (run,) = last["runs"]
    assert run["losses"] == {"every": 1, "values": losses}
    assert run["history"] == history == first["runs"][0]["history"]
    assert (run["seed"], run["batches"], run["at"], run["epoch"], run["stopped"]) == (
        0,
        3,
        30,
        0,
        "",
    )
    assert 0 < run["seconds"] < 60
    assert not last["playing"] and last["start"] == 1
    assert (got[4]["id"], got[4]["probabilities"]) == (5, answer)


@pytest.mark.parametrize("kind", ["worker", "forbidden"])
def test_it_plays_until_it_is_paused_and_reports_at_most_15_times_a_second(talk, kind):
    _, got = talk([start(), PLAY], ["run?.epoch > 3", 900, PAUSE, "!last.playing"], kind)
    times = [one["time"] for one in got if one["type"] == "progress"]
    playing = [one["playing"] for one in got]
    assert all(playing[1:-1]) and not playing[0] and not playing[-1] and len(got) > 4
    apart = [after - before for before, after in itertools.pairwise(times[1:-1])]
    assert np.median(apart) > 55
    assert got[-1]["runs"][0]["epoch"] > 2
    rows = got[-1]["runs"][0]["history"]
    assert [row["epoch"] for row in rows] == list(range(len(rows)))


def test_an_epoch_ends_at_its_end(talk):
    epoch = {"type": "epoch"}
    _, got = talk(
        [start(seeds=[1, 2]), BATCH, epoch],
        ["run?.epoch === 1 && !last.playing", epoch, "run.epoch === 2 && !last.playing"],
    )
    last = got[-1]
    assert not last["playing"]
    assert [(run["seed"], run["epoch"], run["at"], run["batches"]) for run in last["runs"]] == [
        (1, 2, 0, 12),
        (2, 2, 0, 12),
    ]


def test_several_seeds_learn_in_turn_as_each_would_alone(ask, talk):
    _, got = talk([start(seeds=[3, 5, 4]), BATCH, BATCH], ["run?.batches === 2"])
    losses = ask(
        "return [3, 5, 4].map((seed) => learn(make({ seed }), 2));",
        layers=NETWORKS["dense"], settings=start()["settings"],
    )  # fmt: skip
    assert [run["losses"]["values"] for run in got[-1]["runs"]] == losses


def test_a_new_start_ends_the_one_before(talk):
    again = {**start(id=2, seeds=[7])}
    del again["digits"]  # which it knows
    _, got = talk(
        [start(), PLAY], ["run?.batches > 20", again, "run.seed === 7", BATCH, "run.batches", 200]
    )
    assert [run["batches"] for run in got[-1]["runs"]] == [1]
    assert got[-1]["start"] == 2 and got[-1]["runs"][0]["seed"] == 7


def test_what_does_not_fit_is_said_and_changes_nothing(talk):
    wrong = start(id=2, layers=whole(["Flatten", linear(12)]))
    change = {"type": "set", "settings": {"lr": -1}, "id": 3}
    _, got = talk([start(), BATCH, wrong, change], ["last?.id === 3", BATCH, "run.batches === 2"])
    errors = [one for one in got if one["type"] == "error"]
    assert [(one["id"], one.get("layer")) for one in errors] == [(2, 1), (3, None)]
    assert [one["start"] for one in errors] == [2, 1]  # the start that they belong to
    assert (
        errors[0]["message"] == "The last layer gives 12 numbers; expected 10, one for each class."
    )
    assert got[-1]["runs"][0]["batches"] == 2 and got[-1]["start"] == 1


def test_what_a_readers_device_cannot_hold_is_told(talk):
    _, (told,) = talk([start(canvas=10**6)], ["last"])
    assert told["message"].startswith("The browser has not the memory for this: ")


def test_settings_and_drawings_change_while_it_plays(talk):
    change = {"type": "set", "settings": {"lr": 0.007}, "drawings": DRAWINGS}
    _, got = talk([start(), PLAY], ["run.epoch > 2", change, "run.lr === 0.007", 100])
    run = got[-1]["runs"][0]
    assert run["lr"] == 0.007
    rows = run["history"]
    counts = [after["batches"] - before["batches"] for before, after in itertools.pairwise(rows)]
    assert (counts[0], counts[-1]) == (6, 7)  # of 60 images, and of 63


def test_a_loss_that_is_not_a_number_is_told_once_and_ends_playing(talk):
    _, got = talk(
        [start(settings={"lr": 30}, layers=NETWORKS["no activation"]), PLAY],
        ["run?.stopped && !last.playing", PLAY, BATCH, 300],
    )
    told = [one for one in got if one["type"] == "stopped"]
    assert len(told) == 1 and told[0]["run"] == 0
    assert told[0]["message"].startswith("The loss is ")
    assert not got[-1]["playing"] and got[-1]["runs"][0]["stopped"] == told[0]["message"]


def test_batch_normalization_of_single_numbers_is_told(talk):
    layers = whole([conv(3, 8), "BatchNorm2d", "Flatten", linear(10)])
    _, got = talk([start(layers=layers, settings={"batch_size": 1}), BATCH], ["run?.stopped"])
    told = [one for one in got if one["type"] == "stopped"]
    assert [one["message"] for one in told] == [
        "BatchNorm2d: x has one value per channel, which has no variance; expected 2 or more images"
    ]


def test_a_snapshot_is_of_the_run_and_the_image_that_are_asked_for_also_while_it_plays(ask, talk):
    wish = {"type": "snapshot", "run": 1, "image": 4, "part": "train", "id": 9}
    again, kind = wish | {"id": 10}, "last.type === 'snapshot'"
    _, got = talk([start(seeds=[0, 1]), wish, PLAY], ["last.playing", again, kind, "last.playing"])
    first, second = [one for one in got if one["type"] == "snapshot"]
    for snapshot, id in ((first, 9), (second, 10)):
        assert (snapshot["id"], snapshot["run"], snapshot["start"]) == (id, 1, 1)
        kinds = [layer["kind"] for layer in snapshot["layers"]]
        assert kinds == ["Flatten", "Linear", "ReLU", "Linear"]
    expected = ask(
        "return make({ seed: 1 }).snapshot({ image: 4, part: 'train' });",
        layers=NETWORKS["dense"],
        settings=start()["settings"],
    )
    assert {name: first[name] for name in expected} == expected
    assert second["batches"] > 0
    assert got[-1]["playing"]
