"""What a function is given it leaves as it was, whether it succeeds or not."""

import copy

import numpy as np
import pytest

import cnnlib

RNG = np.random.default_rng


def network(dtype=np.float32):
    rng, options = RNG(0), {"rng": RNG(1), "dtype": dtype}
    return cnnlib.Sequential(
        cnnlib.Conv2d(2, 3, 3, **options),
        cnnlib.BatchNorm2d(3, dtype=dtype),
        cnnlib.Residual(cnnlib.Sequential(cnnlib.Tanh(), cnnlib.Dropout(0.2, rng=rng))),
        cnnlib.MaxPool2d(2),
        cnnlib.Flatten(),
        cnnlib.Linear(6, 4, **options),
    )


def everything(value):
    """A copy of all that an object holds, which can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.tolist()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, dict):
        return {key: everything(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [everything(item) for item in value]
    if isinstance(value, cnnlib.Layer):
        defaults = {name: getattr(value, name) for name in ("training", "keeps", "saved")}
        return type(value), everything(defaults | vars(value))
    if hasattr(value, "__dict__"):
        return type(value), everything(vars(value))
    return copy.copy(value)


DATA = RNG(2).standard_normal((9, 2, 6, 5)), np.arange(9) % 4
SMALL = DATA[0].astype(np.float32), DATA[1]


def stopped(images, rng):
    raise KeyboardInterrupt


def use_evaluate(net, loss):
    cnnlib.evaluate(net, SMALL, loss, batch_size=4)


def use_evaluate_and_fail(net, loss):
    with pytest.raises(ValueError, match="target has class 4"):
        cnnlib.evaluate(net, (SMALL[0], SMALL[1] + 4), loss)


def use_summary(net, loss):
    cnnlib.summary(net, (2, 6, 5))


def use_summary_and_fail(net, loss):
    with pytest.raises(ValueError, match="expects 2 input channels"):
        cnnlib.summary(net, (3, 6, 5))


def use_state(net, loss):
    net.state_dict()
    net.named_parameters()


def use_fit_that_stops_at_once(net, loss):
    optimizer = cnnlib.SGD(net.parameters(), 0.1)
    with pytest.raises(KeyboardInterrupt):
        cnnlib.fit(net, loss, optimizer, SMALL, augment=stopped, progress=False)


@pytest.mark.parametrize(
    "use",
    [
        use_evaluate,
        use_evaluate_and_fail,
        use_summary,
        use_summary_and_fail,
        use_state,
        use_fit_that_stops_at_once,
    ],
)
@pytest.mark.parametrize("half_way", [False, True], ids=["before", "between forward, backward"])
def test_a_function_leaves_network_and_loss_as_they_were(use, half_way):
    net, loss = network(), cnnlib.CrossEntropyLoss()
    if half_way:
        loss(net(SMALL[0]), SMALL[1])
        net.backward(loss.backward())
        loss(net(SMALL[0]), SMALL[1])
    before = everything([net, loss, SMALL])
    use(net, loss)
    assert everything([net, loss, SMALL]) == before


def test_a_function_of_arrays_leaves_its_arrays_as_they_were():
    x, weight, bias = (
        RNG(3).standard_normal((2, 3, 6, 5)),
        RNG(4).standard_normal((4, 3, 2, 3)),
        np.ones(4),
    )
    grad = np.ones((2, 4, 5, 3))
    arrays = [x, weight, bias, grad]
    for array in arrays:
        array.flags.writeable = False
    cnnlib.conv2d(x, weight, bias)
    cnnlib.conv2d_backward(grad, x, weight)
    cnnlib.conv_transpose2d(grad, weight, np.ones(3))
    cnnlib.conv_transpose2d_backward(x, grad, weight)
    pairs = "relu leaky_relu tanh hardtanh sigmoid silu gelu elu identity".split()
    for name in pairs:
        getattr(cnnlib, name)(x)
        getattr(cnnlib, f"{name}_backward")(x, x)
    for name in ("max_pool2d", "avg_pool2d"):
        size = getattr(cnnlib, name)(x, (2, 3), 1).shape
        getattr(cnnlib, f"{name}_backward")(np.ones(size), x, (2, 3), 1)
    for name in ("global_max_pool2d", "global_avg_pool2d"):
        size = getattr(cnnlib, name)(x).shape
        getattr(cnnlib, f"{name}_backward")(np.ones(size), x)


def test_after_fit_the_network_gives_the_gradient_for_its_input():
    relu = cnnlib.ReLU()
    for net in (network(), cnnlib.Sequential(network()), cnnlib.Sequential(relu, network())):
        loss = cnnlib.CrossEntropyLoss()
        cnnlib.fit(net, loss, cnnlib.SGD(net.parameters(), 0.1), SMALL, progress=False)
        loss(net(SMALL[0]), SMALL[1])
        assert net.backward(loss.backward()).shape == SMALL[0].shape


@pytest.mark.parametrize("nested", [False, True])
def test_learning_without_the_input_gradient_learns_the_same(nested):
    nets = [network(np.float64), network(np.float64)]
    if nested:  # the first layer comes again further on
        conv = cnnlib.Conv2d(2, 2, 1, rng=RNG(5), dtype=np.float64)
        nets = [cnnlib.Sequential(cnnlib.Sequential(conv, conv), net) for net in nets]
        nets[1][0].load_state_dict(nets[0][0].state_dict())
    grads = []
    for net, backward in zip(nets, ("backward", "backward_parameters"), strict=True):
        net.zero_grad()
        output = net(DATA[0])
        getattr(net, backward)(np.ones_like(output))
        grads.append({key: p.grad for key, p in net.named_parameters().items()})
    for key, grad in grads[0].items():
        np.testing.assert_array_equal(grads[1][key], grad)
