"""A layer that stands at several places of a network: one set of weights, and a memory per use."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conformance import assert_close, assert_layer_as_torch
from torch import nn

import cnnlib


class TorchResidual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + (self.shortcut(x) if self.shortcut else x)


class TorchDropout(nn.Module):
    """Masks drawn as cnnlib draws them."""

    def __init__(self, p, seed):
        super().__init__()
        self.p, self.rng = p, np.random.default_rng(seed)

    def forward(self, x):
        kept = torch.tensor(self.rng.random(tuple(x.shape), np.float32) >= self.p)
        return x * kept / (1 - self.p)


def double(name):
    return partial(getattr(cnnlib, name), dtype=np.float64)


WEIGHTED = ("Conv2d", "Linear", "ConvTranspose2d", "BatchNorm2d")
OURS = SimpleNamespace(**vars(cnnlib) | {name: double(name) for name in WEIGHTED})
OURS.Dropout = lambda p, seed: cnnlib.Dropout(p, rng=np.random.default_rng(seed))
THEIRS = SimpleNamespace(**vars(nn) | {"Residual": TorchResidual, "Dropout": TorchDropout})


def shared_relu(lib):
    relu = lib.ReLU()
    return lib.Sequential(lib.Conv2d(3, 4, 3), relu, lib.Conv2d(4, 5, 2), relu)


def tied_convolution(lib):
    conv = lib.Conv2d(3, 3, 3, padding=1)
    return lib.Sequential(conv, lib.Tanh(), conv, lib.Tanh(), lib.Conv2d(3, 2, 1), lib.ReLU())


def tied_transposed(lib):
    enlarge = lib.ConvTranspose2d(3, 3, 2, stride=2)
    return lib.Sequential(enlarge, lib.Tanh(), enlarge)


def tied_linear(lib):
    linear = lib.Linear(5, 5)
    parts = (lib.MaxPool2d(4, 3), lib.Flatten(), lib.Linear(12, 5))
    return lib.Sequential(*parts, linear, lib.Tanh(), linear, lib.ReLU(), linear)


def shared_batch_norm(lib):
    norm = lib.BatchNorm2d(3)
    return lib.Sequential(norm, lib.Conv2d(3, 3, 2), norm, lib.Tanh(), norm)


def shared_pooling(lib):
    largest, mean = lib.MaxPool2d(2, 1), lib.AvgPool2d(2, 1)
    return lib.Sequential(largest, mean, lib.Conv2d(3, 2, 1), largest, mean)


def shared_dropout(lib):
    dropout = lib.Dropout(0.4, 7)
    return lib.Sequential(dropout, lib.Conv2d(3, 3, 3), dropout, dropout)


def a_network_used_twice(lib):
    inner = lib.Sequential(lib.Conv2d(3, 3, 3, padding=1), lib.BatchNorm2d(3), lib.Tanh())
    return lib.Sequential(inner, lib.MaxPool2d(2), lib.Sequential(inner, lib.ReLU()), inner)


def a_residual_used_twice(lib):
    block = lib.Residual(lib.Sequential(lib.Conv2d(3, 3, 3, padding=1), lib.Tanh()))
    return lib.Sequential(block, lib.AvgPool2d(2), block)


def a_body_in_two_residuals(lib):
    body = lib.Sequential(lib.Conv2d(3, 3, 3, padding=1), lib.ReLU())
    return lib.Sequential(lib.Residual(body), lib.Residual(body, lib.Conv2d(3, 3, 1)))


def a_body_that_is_its_own_shortcut(lib):
    body = lib.Sequential(lib.Conv2d(3, 3, 3), lib.Tanh())
    return lib.Residual(body, body)


NETWORKS = [
    shared_relu,
    tied_convolution,
    tied_transposed,
    tied_linear,
    shared_batch_norm,
    shared_pooling,
    shared_dropout,
    a_network_used_twice,
    a_residual_used_twice,
    a_body_in_two_residuals,
    a_body_that_is_its_own_shortcut,
]


@pytest.mark.parametrize("build", NETWORKS)
def test_a_layer_at_several_places_has_the_gradients_of_torch(build):
    ours, theirs = build(OURS), build(THEIRS)
    assert_layer_as_torch(ours, theirs, 2, 3, 9, 8)
    sizes = [tuple(p.shape) for p in theirs.parameters()]
    assert [p.data.shape for p in ours.parameters()] == sizes


@pytest.mark.parametrize("build", [tied_convolution, a_network_used_twice])
def test_several_steps_with_shared_layers_are_those_of_torch(build):
    ours, theirs = build(OURS), build(THEIRS).double()
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    optimizer = cnnlib.SGD(ours.parameters(), lr=0.1, momentum=0.9)
    their_optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    rng, loss = np.random.default_rng(0), cnnlib.MSELoss()
    for _ in range(4):
        x = rng.standard_normal((5, 3, 7, 6))
        ours(x[:2])  # a forward pass without a way back leaves nothing behind
        theirs(torch.tensor(x[:2]))
        output = ours(x)
        optimizer.zero_grad()
        loss(output, np.zeros_like(output))
        ours.backward(loss.backward())
        optimizer.step()
        their_optimizer.zero_grad()
        (theirs(torch.tensor(x)) ** 2).mean().backward()
        their_optimizer.step()
    for key, value in theirs.state_dict().items():
        assert_close(key, ours.state_dict()[key], value.numpy(), 1e-10)


def test_a_network_with_one_relu_at_two_places_learns():
    images, labels = (array[:400] for array in cnnlib.digits())
    rng, relu = np.random.default_rng(0), cnnlib.ReLU()
    conv = cnnlib.Conv2d(1, 8, 3, rng=rng), cnnlib.Conv2d(8, 8, 3, rng=rng)
    head = cnnlib.Flatten(), cnnlib.Linear(128, 10, rng=rng)
    net = cnnlib.Sequential(conv[0], relu, conv[1], relu, *head)
    optimizer = cnnlib.Adam(net.parameters(), lr=0.01)
    loss = cnnlib.CrossEntropyLoss()
    history = cnnlib.fit(net, loss, optimizer, (images, labels), epochs=5, progress=False)
    assert history.accuracy[-1] > 0.9


def test_forward_without_backward_does_not_pile_up_memory():
    net, x = tied_convolution(OURS), np.ones((2, 3, 6, 5), np.float32)
    net(x)
    arrays = [layer.saved for _, layer in net.layers()]
    count = len(net.saved)
    for _ in range(3):
        net(x)
    assert len(net.saved) == count == len(net)
    assert len([layer.saved for _, layer in net.layers()]) == len(arrays)


class Twice(cnnlib.Layer):
    """A layer written by hand that uses another at two places."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(self.layer(x))

    def backward(self, grad_output):
        return self.layer.backward(self.layer.backward(grad_output))


@pytest.mark.parametrize(
    "layer",
    [
        cnnlib.ReLU(),
        cnnlib.Linear(3, 3),
        cnnlib.Conv2d(3, 3, 1),
        cnnlib.BatchNorm2d(3),
        cnnlib.Dropout(0.5),
        cnnlib.MaxPool2d(1),
        cnnlib.Sequential(cnnlib.Tanh()),
        cnnlib.Residual(cnnlib.Tanh()),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_way_back_without_a_forward_of_its_own_is_refused(layer):
    shape = (2, 3) if isinstance(layer, cnnlib.Linear) else (2, 3, 4, 5)
    net, x = Twice(layer), np.ones(shape, np.float32)
    message = rf"{type(layer).__name__}\.backward: call forward first, once for each backward"
    output = net(x)
    with pytest.raises(RuntimeError, match=message):
        net.backward(output)
    layer(x)
    assert layer.backward(x).shape == x.shape
    with pytest.raises(RuntimeError, match=message):
        layer.backward(x)


def test_after_a_forward_that_failed_there_is_no_way_back():
    for net in (
        cnnlib.Sequential(cnnlib.ReLU(), cnnlib.Linear(3, 2)),
        cnnlib.Residual(cnnlib.Linear(3, 3)),
        cnnlib.Linear(3, 2),
        cnnlib.Sequential(cnnlib.Conv2d(3, 2, 1)),
        cnnlib.Conv2d(3, 2, 1),
    ):
        convolves = isinstance(net[0] if isinstance(net, cnnlib.Sequential) else net, cnnlib.Conv2d)
        shape = (2, 3, 4, 5) if convolves else (2, 3)
        output = net(np.ones(shape, np.float32))
        with pytest.raises(ValueError, match="expects 3"):
            net(np.ones((2, 4, *shape[2:]), np.float32))
        with pytest.raises(RuntimeError, match="call forward first"):
            net.backward(output)


def test_shared_parameters_are_named_once_and_stored_under_every_key():
    ours, theirs = a_network_used_twice(OURS), a_network_used_twice(THEIRS)
    names = [name for name, _ in theirs.named_parameters()]
    assert list(ours.named_parameters()) == names
    assert len(names) == 4
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert len(ours.state_dict()) == 3 * 7
