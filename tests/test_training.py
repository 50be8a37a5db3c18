import json
import subprocess
import sys
from contextlib import nullcontext

import classifiers
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import tqdm.auto

import cnnlib
from cnnlib import training
from cnnlib.layer import Parameter


def data(count=120, seed=0):
    """Images of 1x8x8 with a bright stripe whose row is the class, in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.random((count, 1, 8, 8), np.float32)
    images[np.arange(count), 0, 2 * labels] += 1
    return images, labels


def network(seed=0):
    rng = np.random.default_rng(seed)
    return cnnlib.Sequential(
        cnnlib.Conv2d(1, 6, 3, rng=rng),
        cnnlib.BatchNorm2d(6),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Flatten(),
        cnnlib.Dropout(0.2, rng=rng),
        cnnlib.Linear(54, 4, rng=rng),
    )


def train(net, epochs=2, schedule=None, **options):
    optimizer = cnnlib.Adam(net.parameters(), lr=0.01)
    schedule = schedule and schedule(optimizer)
    options = {"batch_size": 16, "progress": False, "validation": data(50, 1)} | options
    return cnnlib.fit(
        net,
        cnnlib.CrossEntropyLoss(),
        optimizer,
        data(),
        epochs=epochs,
        schedule=schedule,
        **options,
    )


def assert_same_state(first, second):
    for key, value in first.state_dict().items():
        np.testing.assert_array_equal(value, second.state_dict()[key], err_msg=key)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_fifty_steps_with_batch_norm_have_the_losses_of_torch(name):
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3),
        torch.nn.BatchNorm2d(6),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(54, 4),
    )
    ours = cnnlib.Sequential(
        cnnlib.Conv2d(1, 6, 3),
        cnnlib.BatchNorm2d(6),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Flatten(),
        cnnlib.Linear(54, 4),
    )
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    optimizer = getattr(cnnlib, name)(ours.parameters(), lr=0.01)
    their_optimizer = getattr(torch.optim, name)(theirs.parameters(), lr=0.01)
    loss = cnnlib.CrossEntropyLoss()
    images, labels = data(50 * 16)
    losses, their_losses = [], []
    for x, target in cnnlib.batches(images, labels, 16):
        optimizer.zero_grad()
        losses.append(float(loss(ours(x), target)))
        ours.backward(loss.backward())
        optimizer.step()
        their_optimizer.zero_grad()
        expected = F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(target))
        expected.backward()
        their_optimizer.step()
        their_losses.append(expected.item())
    assert len(losses) == 50
    np.testing.assert_allclose(losses, their_losses, rtol=1e-4)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("build", [classifiers.three_convolutions, classifiers.two_convolutions])
def test_the_classifiers_learn_as_torch_does(build):
    ours, theirs = classifiers.pair(build, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    optimizer = cnnlib.Adam(ours.parameters())
    their_optimizer = torch.optim.Adam(theirs.parameters())
    loss = cnnlib.CrossEntropyLoss()
    for _ in range(3):
        x, target = rng.random((8, 1, 28, 28), np.float32), rng.integers(0, 10, 8)
        optimizer.zero_grad()
        value = loss(ours(x), target)
        ours.backward(loss.backward())
        optimizer.step()
        their_optimizer.zero_grad()
        expected = F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(target))
        expected.backward()
        their_optimizer.step()
        assert value == pytest.approx(expected.item(), rel=1e-4)


def test_a_run_in_which_nothing_could_learn_is_refused():
    net = network().requires_grad_(False)
    with pytest.raises(ValueError, match="fit: all parameters of the optimizer are frozen"):
        train(net)


def test_every_bar_is_full_and_closed_also_after_an_error(monkeypatch):
    bars, closed = [], []

    class Bar(tqdm.auto.tqdm):
        def __init__(self, *arguments, **options):
            bars.append(self)  # one that nobody holds would be closed when it is forgotten
            super().__init__(*arguments, **options)

        def close(self):
            closed.append((self.desc, self.n, self.total))
            super().close()

    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    train(network(), epochs=2, progress=True)
    count = -(-120 // 16)
    assert closed == [("epoch 1/2", count, count), ("epoch 2/2", count, count)]
    with pytest.raises(ZeroDivisionError):
        train(network(), progress=True, augment=lambda images, rng: 1 / 0)
    assert closed[2:] == [("epoch 1/2", 0, count)]
    assert len(bars) == len(closed)


def test_fit_learns_and_writes_down_what_it_measured():
    net = network()
    history = train(net, epochs=6)
    assert len(history.loss) == len(history.validation_accuracy) == len(history.lr) == 6
    assert history.loss[-1] < history.loss[0] / 2
    result = cnnlib.evaluate(net, data(50, 1))
    assert result.accuracy == history.validation_accuracy[-1] > 0.9
    assert result.loss == pytest.approx(history.validation_loss[-1], rel=1e-6)


def test_lists_and_arrays_of_any_layout_are_the_same_data():
    first, second = network(), network()
    images, labels = data()
    scattered = np.asfortranarray(images)[:, :, ::-1][:, :, ::-1]
    assert not scattered.flags.c_contiguous
    fit(first, (images, labels))
    fit(second, [scattered, labels.astype(np.uint8)])
    assert_same_state(first, second)
    assert cnnlib.evaluate(first, [images, labels]).loss == pytest.approx(
        cnnlib.evaluate(first, (images, labels), batch_size=len(images) + 1).loss, rel=1e-6
    )


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    nets = [network(), network(), network()]
    for net, seed in zip(nets, (5, 5, 6), strict=True):
        train(net, seed=seed, augment=cnnlib.random_shift)
    assert_same_state(nets[0], nets[1])
    assert (nets[0][0].weight.data != nets[2][0].weight.data).any()


def test_evaluate_counts_each_class():
    class Fixed(cnnlib.Layer):
        def forward(self, x):
            return x

    logits = np.eye(3)[[0, 1, 1, 0, 1]]
    result = cnnlib.evaluate(Fixed(), (logits, np.array([0, 0, 1, 0, 1])), batch_size=2)
    assert result.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert result.accuracy == 4 / 5
    assert result.per_class_accuracy[:2].tolist() == [2 / 3, 2 / 2]
    assert np.isnan(result.per_class_accuracy[2])
    assert result.loss == pytest.approx(cnnlib.cross_entropy(logits, np.array([0, 0, 1, 0, 1])))


def test_labels_that_the_loss_ignores_are_in_no_table():
    loss, logits = cnnlib.CrossEntropyLoss(ignore_index=-1), np.eye(3)[[0, 1, 2, 2]]
    labels = np.array([0, 2, -1, 2])
    result = cnnlib.evaluate(cnnlib.Identity(), (logits, labels), loss)
    assert result.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert result.accuracy == 2 / 3


def test_a_class_that_the_loss_ignores_is_in_no_table():
    loss, logits = cnnlib.CrossEntropyLoss(ignore_index=1), np.eye(3)[[0, 1, 2, 2]]
    result = cnnlib.evaluate(cnnlib.Identity(), (logits, np.array([0, 1, 1, 0])), loss)
    assert result.confusion.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert result.accuracy == 1 / 2


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 7, 8])
@pytest.mark.parametrize("map_shape", [(), (2, 3)])
@pytest.mark.parametrize("weight", [None, [0.5, 0, 2, 3]])
@pytest.mark.filterwarnings("error")
def test_the_loss_of_a_data_set_is_that_of_all_images_at_once(batch_size, map_shape, weight):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((7, 4, *map_shape)), rng.integers(0, 4, (7, *map_shape))
    labels[[2, 3, 5]] = -100  # whole batches, and one in part
    weight = None if weight is None else np.array(weight)
    loss = cnnlib.CrossEntropyLoss(weight=weight)
    theirs = None if weight is None else torch.tensor(weight)
    expected = F.cross_entropy(torch.tensor(logits), torch.tensor(labels), theirs).item()
    result = cnnlib.evaluate(cnnlib.Identity(), (logits, labels), loss, batch_size)
    assert result.loss == pytest.approx(expected, rel=1e-12)
    known = labels >= 0
    assert result.confusion.sum() == known.sum()
    assert result.accuracy == (logits.argmax(axis=1) == labels)[known].mean()


def test_the_loss_of_numbers_is_that_of_all_at_once():
    x, target = np.random.default_rng(0).standard_normal((2, 7, 3, 2))
    result = cnnlib.evaluate(cnnlib.Identity(), (x, target), cnnlib.MSELoss(), batch_size=3)
    assert result.loss == pytest.approx(np.square(x - target).mean(), rel=1e-12)
    assert np.isnan(result.accuracy)
    assert result.confusion.shape == (0, 0)


def test_the_loss_of_probabilities_is_that_of_all_at_once():
    logits, target = np.random.default_rng(0).random((2, 7, 3))
    loss = cnnlib.CrossEntropyLoss(weight=np.array([0.5, 0, 2]))
    result = cnnlib.evaluate(cnnlib.Identity(), (logits, target), loss, batch_size=3)
    assert result.loss == pytest.approx(float(loss(logits, target)), rel=1e-12)
    assert np.isnan(result.accuracy)


@pytest.mark.filterwarnings("error")
def test_data_of_which_all_is_ignored_have_no_loss_and_no_accuracy():
    data = np.ones((3, 2)), np.full(3, -100)
    result = cnnlib.evaluate(cnnlib.Identity(), data, batch_size=2)
    assert np.isnan([result.loss, result.accuracy, *result.per_class_accuracy]).all()


class Fixed(cnnlib.Linear):
    """A layer that gives its input: what is measured in training stays the same."""

    def forward(self, x):
        self.saved = (x,)
        return x


@pytest.mark.parametrize("weight", [None, [0.5, 1, 2, 3]])
def test_the_history_is_of_what_the_loss_counts_whatever_the_batches(weight):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
    labels[3] = -100
    loss = cnnlib.CrossEntropyLoss(weight=None if weight is None else np.array(weight))
    net = Fixed(4, 4)
    optimizer = cnnlib.SGD(net.parameters(), lr=0.0)
    options = {"batch_size": 2, "progress": False}
    history = cnnlib.fit(net, loss, optimizer, (logits, labels), (logits, labels), **options)
    assert history.loss[0] == pytest.approx(float(loss(logits, labels)), rel=1e-12)
    assert history.loss[0] == pytest.approx(history.validation_loss[0], rel=1e-12)
    right = (logits.argmax(axis=1) == labels).sum()
    assert history.accuracy == history.validation_accuracy == [right / 6]
    assert right > 0


@pytest.mark.parametrize("options", [{}, {"weight": np.array([0.0, 1, 1, 1])}])
@pytest.mark.filterwarnings("error")
def test_a_batch_of_which_all_is_ignored_is_named_and_not_the_learning_rate(options):
    images, labels = data(20)
    labels[...] = 0 if options else -100
    net, loss = network(), cnnlib.CrossEntropyLoss(**options)
    optimizer = cnnlib.SGD(net.parameters())
    message = "the loss is nan in epoch 1, batch 1; every label of the batch is ignored or weighs 0"
    with pytest.raises(FloatingPointError, match=message):
        cnnlib.fit(net, loss, optimizer, (images, labels), progress=False)


def test_a_kernel_can_be_learned_from_images():
    rng = np.random.default_rng(0)
    images = rng.standard_normal((64, 1, 6, 6))
    kernel = np.array([[[[1.0, 0.0, -1.0]] * 3]]).reshape(1, 1, 3, 3)
    net = cnnlib.Conv2d(1, 1, 3, rng=rng, dtype=np.float64)
    optimizer = cnnlib.SGD(net.parameters(), lr=0.1, momentum=0.9)
    targets = cnnlib.conv2d(images, kernel)
    options = {"epochs": 40, "batch_size": 16, "progress": False}
    history = cnnlib.fit(net, cnnlib.MSELoss(), optimizer, (images, targets), **options)
    np.testing.assert_allclose(net.weight.data, kernel, atol=1e-3)
    assert np.isnan(history.accuracy).all()


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_clipping_a_gradient_that_is_no_number_gives_what_torch_gives(lost):
    parameters = [Parameter(np.zeros(2, np.float32)), Parameter(np.zeros(3, np.float32))]
    parameters[0].grad = np.array([lost, 1], np.float32)
    parameters[1].grad = np.ones(3, np.float32)
    theirs = [torch.nn.Parameter(torch.zeros(p.data.shape)) for p in parameters]
    for tensor, parameter in zip(theirs, parameters, strict=True):
        tensor.grad = torch.tensor(parameter.grad)
    expected = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    np.testing.assert_equal(cnnlib.clip_grad_norm(parameters, 1.0), float(expected))
    for tensor, parameter in zip(theirs, parameters, strict=True):
        np.testing.assert_array_equal(parameter.grad, tensor.grad.numpy())


def test_fit_clips():
    net = network()
    before = net[0].weight.data.copy()
    optimizer = cnnlib.SGD(net.parameters(), lr=1.0)
    cnnlib.fit(
        net,
        cnnlib.CrossEntropyLoss(),
        optimizer,
        data(),
        batch_size=120,
        max_norm=1e-3,
        progress=False,
    )
    assert 0 < np.linalg.norm(net[0].weight.data - before) <= 1e-3


def test_training_stops_when_nothing_gets_better():
    net = network()
    optimizer = cnnlib.SGD(net.parameters(), lr=0.0)
    for layer in net:
        layer.momentum = 0.0  # the running statistics stay, so that the validation loss does
    history = cnnlib.fit(
        net,
        cnnlib.CrossEntropyLoss(),
        optimizer,
        data(),
        data(50, 1),
        10,
        patience=3,
        progress=False,
    )
    assert len(history.loss) == 1 + 3


def test_a_schedule_steps_after_each_epoch_or_each_batch():
    history = train(network(), 3, lambda optimizer: cnnlib.StepLR(optimizer, 1, 0.5))
    assert history.lr == [0.01, 0.01 * 0.5, 0.01 * 0.25]
    net = network()
    history = train(net, 2, lambda optimizer: cnnlib.OneCycleLR(optimizer, 0.02, 2 * 8))
    assert history.lr[1] == pytest.approx(0.02 / 25 / 1e4, rel=1e-6)


def fit(net, images_labels, optimizer=None, **options):
    optimizer = optimizer or cnnlib.SGD(net.parameters(), lr=0.1)
    options = {"batch_size": 16, "progress": False} | options
    return cnnlib.fit(net, cnnlib.CrossEntropyLoss(), optimizer, images_labels, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_images_that_are_not_finite_are_named_and_not_the_learning_rate(value):
    images, labels = data()
    images[7, 0, 2, 3] = value
    with pytest.raises(ValueError, match=r"fit: images\[7\] holds nan or inf"):
        fit(network(), (images, labels))
    with pytest.raises(ValueError, match=r"fit: validation images\[7\] holds nan or inf"):
        fit(network(), data(), validation=(images, labels))
    with pytest.raises(ValueError, match=r"evaluate: images\[7\] holds nan or inf"):
        cnnlib.evaluate(network(), (images, labels))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the numbers that are too large
def test_a_loss_that_is_not_finite_says_what_made_it_so():
    def spoil(images, rng):
        images[3] = np.nan
        return images

    with pytest.raises(FloatingPointError, match=r"nan in epoch 1, batch 1; image 3 of the batch"):
        fit(network(), data(), augment=spoil)
    net = network()
    net[6].bias.data[2] = np.nan
    with pytest.raises(FloatingPointError, match=r"6\.bias held nan or inf before the first step"):
        fit(net, data())
    net = network()
    net[6].weight.data[...] = 3e38
    with pytest.raises(FloatingPointError, match=r"batch 1; no step was made yet"):
        fit(net, data())
    net = network()
    with pytest.raises(FloatingPointError, match=r"epoch 1, batch 2; a smaller learning rate may"):
        fit(net, data(), cnnlib.SGD(net.parameters(), lr=1e38))


def test_an_error_in_a_step_keeps_its_type_and_says_where_it_happened():
    images, labels = data(17)
    net = cnnlib.Sequential(
        cnnlib.GlobalAvgPool2d(), cnnlib.BatchNorm2d(1), cnnlib.Flatten(), cnnlib.Linear(1, 4)
    )
    with pytest.raises(ValueError, match="BatchNorm2d: x has shape") as error:
        fit(net, (images, labels))
    assert error.value.__notes__ == ["fit: in epoch 1, batch 2"]
    history = fit(net, (images, labels), drop_last=True)
    assert len(history.loss) == 1

    def augment(images, rng):
        raise KeyError("of the reader's own")

    with pytest.raises(KeyError) as error:
        fit(network(), data(), augment=augment)
    assert error.value.__notes__ == ["fit: in epoch 1, batch 1"]
    with pytest.raises(ValueError, match="target has class 12") as error:
        fit(network(), (images, np.where(labels == labels[0], 12, labels)))
    assert error.value.__notes__[0].startswith("fit: in epoch 1, batch ")


def test_drop_last_leaves_the_smaller_batch_out_and_not_all():
    seen = []

    def count(images, rng):
        seen.append(len(images))
        return images

    fit(network(), data(40), augment=count, drop_last=True)
    assert seen == [16, 16]
    with pytest.raises(ValueError, match="batch_size is 50, more than the 40 images; with drop_la"):
        fit(network(), data(40), batch_size=50, drop_last=True)
    seen.clear()
    fit(network(), data(40), augment=count, batch_size=50)
    assert seen == [40]


@pytest.mark.parametrize(
    ("losses", "epochs"),
    [
        ([3, 2, 2.5, 2, 1], 4),  # two epochs without a smaller one
        ([3, np.nan, np.nan, 1], 3),
        ([np.nan, np.nan, 1], 2),
        ([np.inf, np.nan, 1], 2),
        ([np.nan, 3, np.nan, 2, np.nan, 1], 6),
    ],
)
def test_a_loss_of_nan_is_no_smaller_one(monkeypatch, losses, epochs):
    results = iter(losses)
    table = np.zeros((0, 0), int)
    monkeypatch.setattr(
        training, "evaluate", lambda *_: cnnlib.Evaluation(float(next(results)), 0.5, table, table)
    )
    history = train(network(), len(losses), patience=2)
    assert len(history.loss) == epochs


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_each_layer_is_afterwards_in_the_mode_it_was_in(error, monkeypatch):
    net, closed = network(), []
    net.eval()
    net[5].train()
    before = [layer.training for _, layer in net.layers()]

    def augment(images, rng):
        assert all(layer.training for _, layer in net.layers())
        if error:
            raise error
        return images

    import tqdm.auto

    class Bar(tqdm.auto.tqdm):
        def __exit__(self, *error):
            closed.append(self.total)
            super().__exit__(*error)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    with pytest.raises(error) if error else nullcontext():
        fit(net, data(), augment=augment, epochs=2)
    after = [layer.training for _, layer in net.layers()]
    assert after == before
    assert closed == ([8] if error else [8, 8])


def test_a_run_that_is_over_is_not_run_again(tmp_path):
    path = tmp_path / "run.safetensors"
    first, second = network(), network()
    history = train(first, checkpoint=path)
    assert train(second, checkpoint=path) == history
    assert_same_state(first, second)
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]
    longer, whole = network(), network()
    assert train(longer, epochs=3, checkpoint=path) == train(whole, epochs=3)
    assert_same_state(longer, whole)


VICTIM = """
import sys, time
sys.path[:0] = json_paths
import test_training as t
import cnnlib
count = 0
def random_shift(images, rng):
    global count
    count += 1
    if count == 13:
        print("in the middle", flush=True)
        time.sleep(600)
    return cnnlib.random_shift(images, rng)
options = {"checkpoint_every": 2, "augment": random_shift}
t.train(t.network(), 3, t.one_cycle, checkpoint=sys.argv[1], **options)
"""


def one_cycle(optimizer):
    return cnnlib.OneCycleLR(optimizer, 0.02, 3 * 8)


def test_a_run_killed_in_mid_epoch_ends_with_the_weights_of_one_that_was_not(tmp_path):
    path = tmp_path / "run.safetensors"
    script = VICTIM.replace("json_paths", json.dumps([p for p in sys.path if p]))
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout.readline() == "in the middle\n"
        victim.kill()
    assert path.exists()
    resumed, whole = network(), network()
    options = {"augment": cnnlib.random_shift, "checkpoint_every": 2}
    history = train(resumed, 3, one_cycle, checkpoint=path, **options)
    assert history == train(whole, 3, one_cycle, **options)
    assert_same_state(resumed, whole)


def test_the_bar_shows_epoch_and_loss(capsys):
    train(network(), progress=True)
    bar = capsys.readouterr().err
    assert "epoch 2/2" in bar
    assert "8/8" in bar
    assert "validation_loss=" in bar


def test_bad_input_is_named(tmp_path):
    net, loss = network(), cnnlib.CrossEntropyLoss()
    optimizer = cnnlib.SGD(net.parameters())
    with pytest.raises(TypeError, match=r"fit: data is a ndarray; expected a tuple"):
        cnnlib.fit(net, loss, optimizer, data()[0])
    with pytest.raises(ValueError, match="fit: epochs is 0; expected at least 1"):
        cnnlib.fit(net, loss, optimizer, data(), epochs=0)
    with pytest.raises(ValueError, match=r"fit: loss\.reduction is 'sum'; expected one of 'mean'"):
        cnnlib.fit(net, cnnlib.CrossEntropyLoss("sum"), optimizer, data())
    with pytest.raises(TypeError, match=r"fit: loss is a function; expected a Loss"):
        cnnlib.fit(net, cnnlib.cross_entropy, optimizer, data())
    images, labels = data()
    with pytest.raises(ValueError, match=r"evaluate: loss\.reduction is 'none'; expected one of"):
        cnnlib.evaluate(net, data(), cnnlib.CrossEntropyLoss("none"))
    with pytest.raises(TypeError, match="evaluate: loss is a function; expected a Loss"):
        cnnlib.evaluate(net, data(), cnnlib.cross_entropy)
    for options, error, message in [
        ({"augment": 5}, TypeError, "augment is a int; expected a Callable"),
        ({"max_norm": "a"}, TypeError, "max_norm is 'a'; expected a number"),
        ({"max_norm": [1]}, TypeError, r"max_norm is \[1\]; expected a number"),
        ({"max_norm": -1}, ValueError, "max_norm is -1; expected a finite number of at least 0"),
    ]:
        for more in ({}, {"checkpoint": tmp_path / "run"}):
            with pytest.raises(error, match=f"^fit: {message}") as found:
                fit(net, data(), **options, **more)
            assert not hasattr(found.value, "__notes__")  # no batch was made
    assert not list(tmp_path.iterdir())
    other = cnnlib.SGD(network().parameters())
    with pytest.raises(ValueError, match="fit: optimizer has parameters that the network does not"):
        fit(net, data(), other)
    with pytest.raises(ValueError, match="fit: schedule is of another optimizer"):
        fit(net, data(), schedule=cnnlib.StepLR(other, 1))
    for wrong, error, message in [
        (((images * 255).astype(np.uint8), labels), TypeError, r"astype\(np.float32\) / 255"),
        ((images[:0], labels[:0]), ValueError, "images is empty"),
        ((images, labels.tolist()), TypeError, r"labels is a list; expected a NumPy array"),
        ((images, labels.astype(float)), TypeError, r"labels is float64; .*labels.astype\(int\)"),
        ((images, labels.astype(str)), TypeError, "labels is <U21; expected whole numbers"),
        ((images, labels, 3), ValueError, "data has 3 parts"),
    ]:
        with pytest.raises(error, match=f"fit: {message}" if message[0] in "id" else message):
            fit(net, wrong)
        with pytest.raises(error, match=message):
            cnnlib.evaluate(net, wrong)
    with pytest.raises(ValueError, match="evaluate: labels has shape"):
        cnnlib.evaluate(net, (data()[0], np.arange(3)))
