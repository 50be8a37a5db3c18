import json
import subprocess
import sys

import classifiers
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import cnnlib
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


def test_fit_learns_and_writes_down_what_it_measured():
    net = network()
    history = train(net, epochs=6)
    assert len(history.loss) == len(history.validation_accuracy) == len(history.lr) == 6
    assert history.loss[-1] < history.loss[0] / 2
    result = cnnlib.evaluate(net, data(50, 1))
    assert result.accuracy == history.validation_accuracy[-1] > 0.9
    assert result.loss == pytest.approx(history.validation_loss[-1], rel=1e-6)


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


def test_clipping_shrinks_all_gradients_together():
    parameters = [Parameter(np.zeros(2)), Parameter(np.zeros((1, 1))), Parameter(np.zeros(1))]
    parameters[0].grad, parameters[1].grad = np.array([3.0, 0.0]), np.array([[4.0]])
    assert cnnlib.clip_grad_norm(parameters, 10.0) == 5
    assert parameters[0].grad.tolist() == [3, 0]
    assert cnnlib.clip_grad_norm(parameters, 1.0) == 5
    assert parameters[0].grad == pytest.approx([3 / 5, 0])
    assert parameters[1].grad == pytest.approx(4 / 5)


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


def test_a_loss_that_is_not_finite_stops_training():
    images, labels = data()
    images[7] = np.nan
    optimizer = cnnlib.SGD((net := network()).parameters())
    with pytest.raises(FloatingPointError, match="the loss is nan in epoch 1, batch"):
        cnnlib.fit(net, cnnlib.CrossEntropyLoss(), optimizer, (images, labels), progress=False)


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
class Stopper(cnnlib.Identity):
    count = 0
    def forward(self, x):
        Stopper.count += self.training
        if Stopper.count == 13:
            print("in the middle", flush=True)
            time.sleep(600)
        return super().forward(x)
net = t.network()
net.named["7"] = Stopper()
options = {"checkpoint_every": 2, "augment": cnnlib.random_shift}
t.train(net, 3, t.one_cycle, checkpoint=sys.argv[1], **options)
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
    resumed.named["7"], whole.named["7"] = cnnlib.Identity(), cnnlib.Identity()
    options = {"augment": cnnlib.random_shift, "checkpoint_every": 2}
    history = train(resumed, 3, one_cycle, checkpoint=path, **options)
    assert history == train(whole, 3, one_cycle, **options)
    assert_same_state(resumed, whole)


def test_a_checkpoint_of_another_run_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    train(network(), epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"fit: batch_size is 20; checkpoint .* was made with 16"):
        train(network(), checkpoint=path, batch_size=20)
    with pytest.raises(
        ValueError, match=r"fit: schedule is 'OneCycleLR'; checkpoint .* 'NoneType'"
    ):
        train(network(), 3, one_cycle, checkpoint=path)
    other = cnnlib.Sequential(cnnlib.Flatten(), cnnlib.Linear(64, 4))
    with pytest.raises(ValueError, match="load_state_dict: "):
        train(other, checkpoint=path)
    for content in (b"", b"not a checkpoint", path.read_bytes()[:-100]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"fit: checkpoint .* cannot be read"):
            train(network(), checkpoint=path)


def test_the_bar_shows_epoch_and_loss(capsys):
    train(network(), progress=True)
    bar = capsys.readouterr().err
    assert "epoch 2/2" in bar
    assert "8/8" in bar
    assert "validation_loss=" in bar


def test_bad_input_is_named():
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
    with pytest.raises(ValueError, match="evaluate: labels has shape"):
        cnnlib.evaluate(net, (data()[0], np.arange(3)))
