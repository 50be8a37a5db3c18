import numpy as np
import pytest
import torch

import cnnlib


class Net(cnnlib.Layer):
    """A network written as a class: its attributes are its children."""

    def __init__(self):
        self.features = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.BatchNorm2d(2))
        self.classifier = cnnlib.Linear(8, 3)

    def forward(self, x):
        return self.classifier(cnnlib.flatten(self.features(x)))


def torch_net():
    module = torch.nn.Module()
    module.features = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    module.classifier = torch.nn.Linear(8, 3)
    return module


def test_attributes_name_the_keys_as_in_torch():
    ours, theirs = Net().state_dict(), torch_net().state_dict()
    assert list(ours) == list(theirs)
    assert [a.shape for a in ours.values()] == [tuple(t.shape) for t in theirs.values()]


def test_weights_move_both_ways():
    net, theirs = Net(), torch_net()
    net.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, theirs.state_dict()[key].numpy())
    fresh = torch_net()
    fresh.load_state_dict({key: torch.tensor(value) for key, value in net.state_dict().items()})
    assert torch.equal(fresh.classifier.weight, theirs.classifier.weight)


def test_state_dict_gives_copies():
    layer = cnnlib.Linear(2, 3)
    state = layer.state_dict()
    before = layer.weight.data.copy()
    state["weight"][...] = 7
    np.testing.assert_array_equal(layer.weight.data, before)


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    layer = cnnlib.Linear(2, 3)
    state = layer.state_dict()
    before = layer.weight.data.copy()
    state["weight"] += 1
    with pytest.raises(
        ValueError, match=r"load_state_dict: bias is missing; expected weight, bias"
    ):
        layer.load_state_dict({"weight": state["weight"]})
    with pytest.raises(ValueError, match=r"load_state_dict: scale is unknown"):
        layer.load_state_dict(state | {"scale": np.ones(3)})
    with pytest.raises(ValueError, match=r"bias has shape \(4,\); expected \(3,\)"):
        layer.load_state_dict(state | {"bias": np.ones(4)})
    np.testing.assert_array_equal(layer.weight.data, before)


def test_gradients_add_up_until_they_are_forgotten():
    layer = cnnlib.Linear(2, 1, dtype=np.float64)
    for _ in range(2):
        layer(np.array([[3.0, 5.0]]))
        layer.backward(np.array([[10.0]]))
    assert layer.weight.grad.tolist() == [[2 * 3 * 10, 2 * 5 * 10]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_a_parameter_that_two_layers_share_is_trained_once():
    first, second = cnnlib.Linear(2, 2), cnnlib.Linear(2, 2)
    second.weight = first.weight
    network = cnnlib.Sequential(first, second)
    assert len(network.parameters()) == 3
    assert len(network.state_dict()) == 4


def test_training_and_evaluation_reach_every_layer():
    net = Net()
    net.eval()
    assert not any(layer.training for _, layer in net.layers())
    net.features.train()
    with net.evaluation():
        assert not net.features[1].training
    assert net.features[1].training
    assert not net.classifier.training


def test_a_parameter_says_what_it_is():
    assert repr(cnnlib.Linear(2, 3).bias) == "Parameter(shape=(3,), dtype=float32)"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Conv2d: bias", lambda flag: cnnlib.Conv2d(1, 2, 3, bias=flag)),
        ("ConvTranspose2d: bias", lambda flag: cnnlib.ConvTranspose2d(1, 2, 3, bias=flag)),
        ("Linear: bias", lambda flag: cnnlib.Linear(2, 3, flag)),
        ("train: mode", lambda flag: cnnlib.Linear(2, 3).train(flag)),
        ("SGD: nesterov", lambda flag: cnnlib.SGD(Net().parameters(), 0.1, 0.9, nesterov=flag)),
        ("linear_parameters: bias", lambda flag: cnnlib.linear_parameters(2, 3, flag)),
        ("conv2d_parameters: bias", lambda flag: cnnlib.conv2d_parameters(2, 3, 1, bias=flag)),
    ],
)
def test_an_array_where_true_or_false_belongs_is_named(name, call):
    with pytest.raises(TypeError, match=f"{name} is a ndarray; expected True or False"):
        call(np.ones(2))
    call(np.True_)
