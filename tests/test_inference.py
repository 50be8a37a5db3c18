"""The trained network as the page computes it, against cnnlib: every layer kind, every sum."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib import widgets
from cnnlib.classifiers import trained_mnist_network
from cnnlib.records import mnist_examples
from cnnlib.widgets.packed import pack, pack_array, unpack, unpack_array
from cnnlib.widgets.photo_classifier import outputs

pytest_plugins = ["tests.browser"]
SCRIPT = Path(widgets.__file__).parent / "shared" / "math" / "inference.js"


@pytest.fixture(scope="module")
def call(open_module):
    """call(body, argument): what JavaScript makes of it, with the module at hand as `module`."""
    page = open_module(SCRIPT, "module")
    return lambda body, argument: page.evaluate(f"(given) => {{ {body} }}", argument)


RUN = """
    const [layers, shape, image] = given;
    const network = module.inference(layers, shape);
    network.run(image);
    return network.steps.map((step) => ({ shape: step.output, values: [...step.values] }));
"""


def agree(call, network, x):
    """Compare every layer's numbers for the image x, (C, H, W), and return the page's."""
    layers = pack(network)
    steps = call(RUN, [layers, list(x.shape), x.ravel().tolist()])
    ours = x[None]
    for layer, step in zip(unpack(layers), steps, strict=True):
        ours = layer(ours)
        assert tuple(step["shape"]) == ours.shape[1:]
        np.testing.assert_allclose(step["values"], ours.ravel(), rtol=1e-4, atol=1e-4)
    return steps


def settle(network, rng):
    """Give batch norms statistics and parameters unlike those that they begin with."""
    for _, layer in network.layers():
        if isinstance(layer, cnnlib.BatchNorm2d):
            channels = len(layer.running_mean)
            layer.running_mean[:] = rng.normal(size=channels)
            layer.running_var[:] = rng.uniform(0.5, 3, channels)
            layer.weight.data[:] = rng.normal(size=channels)
            layer.bias.data[:] = rng.normal(size=channels)


@given(
    kernel_size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 2)),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_convolution_of_any_geometry_agrees(call, kernel_size, stride, padding, bias, seed):
    rng = np.random.default_rng(seed)
    conv = cnnlib.Conv2d(3, 4, kernel_size, stride, padding, bias=bias, rng=rng)
    agree(call, cnnlib.Sequential(conv), rng.normal(size=(3, 9, 7)).astype(np.float32))


@given(
    kernel_size=st.tuples(st.integers(2, 4), st.integers(2, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 2**32 - 1),
)
def test_max_pooling_of_any_geometry_agrees(call, kernel_size, stride, seed):
    x = np.random.default_rng(seed).normal(size=(2, 8, 11)).astype(np.float32)
    agree(call, cnnlib.Sequential(cnnlib.MaxPool2d(kernel_size, stride, padding=1)), x)


def test_every_kind_of_layer_agrees_one_behind_the_other(call):
    rng = np.random.default_rng(5)
    network = cnnlib.Sequential(
        cnnlib.Sequential(cnnlib.Conv2d(2, 5, 3, padding="same", rng=rng), cnnlib.BatchNorm2d(5)),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Conv2d(5, 6, 2, bias=False, rng=rng),
        cnnlib.GlobalAvgPool2d(),
        cnnlib.Flatten(),
        cnnlib.Dropout(0.5, rng=rng),
        cnnlib.Linear(6, 4, rng=rng),
    )
    settle(network, rng)
    steps = agree(call, network, rng.normal(size=(2, 9, 8)).astype(np.float32))
    assert len(steps) == 9


def test_the_trained_network_gives_the_same_logits_on_digits_and_on_noise(call):
    rng = np.random.default_rng(0)
    network, layers = trained_mnist_network(), pack(trained_mnist_network())
    noise = rng.random((10, 1, 28, 28)).astype(np.float32)
    images = np.concatenate([mnist_examples().images, noise])
    body = """
        const [layers, images] = given;
        const network = module.inference(layers, [1, 28, 28]);
        return images.map((image) => [...network.run(image)]);
    """
    logits = call(body, [layers, images.reshape(len(images), -1).tolist()])
    np.testing.assert_allclose(logits, network(images), atol=1e-4)


def test_every_half_precision_number_is_read_right(open_module):
    numbers = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = numbers[np.isfinite(numbers)].reshape(2, -1)
    page = open_module(SCRIPT.with_name("packed.js"), "packed")
    np.testing.assert_array_equal(unpack_array(pack_array(numbers)), numbers)
    read = page.evaluate("(given) => [...packed.unpacked(given).data]", pack_array(numbers))
    np.testing.assert_array_equal(read, numbers.ravel().astype(float))


def test_few_different_numbers_are_read_right(open_module):
    rng = np.random.default_rng(4)
    numbers = rng.integers(-40, 40, (3, 50)) / 64
    packed = pack_array(numbers)
    assert len(packed["data"]) == 150  # a letter each
    np.testing.assert_array_equal(unpack_array(packed), numbers)
    page = open_module(SCRIPT.with_name("packed.js"), "packed")
    read = page.evaluate("(given) => [...packed.unpacked(given).data]", packed)
    np.testing.assert_array_equal(read, numbers.ravel())


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e5])
def test_a_weight_that_half_precision_does_not_have_is_refused(number):
    network = cnnlib.Sequential(cnnlib.Linear(2, 3, rng=0))
    network[0].weight.data[1, 1] = number
    with pytest.raises(ValueError, match=r"pack: network has weights \[(nan|inf|100000\.)\]; exp"):
        pack(network)


def test_packing_keeps_shape_and_precision():
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(3, 2, 4, 5)), rng.normal(size=7)
    np.testing.assert_array_equal(unpack_array(pack_array(weight)), weight.astype(np.float16))
    np.testing.assert_array_equal(unpack_array(pack_array(bias)), bias.astype(np.float32))


def test_a_residual_has_steps_for_its_layers_and_for_what_goes_around(call):
    rng = np.random.default_rng(6)
    body = cnnlib.Sequential(
        cnnlib.Conv2d(2, 4, 3, stride=2, padding=1, bias=False, rng=rng),
        cnnlib.BatchNorm2d(4),
        cnnlib.ReLU(),
        cnnlib.Residual(cnnlib.Conv2d(4, 4, 1, rng=rng)),
    )
    around = cnnlib.Sequential(cnnlib.Conv2d(2, 4, 1, stride=2, rng=rng), cnnlib.BatchNorm2d(4))
    network = cnnlib.Sequential(
        cnnlib.ReLU(),
        cnnlib.Residual(body, around),
        cnnlib.AdaptiveAvgPool2d(1),
        cnnlib.Flatten(),
        cnnlib.Linear(4, 3, rng=rng),
    )
    settle(network, rng)
    network.eval()
    x = rng.normal(size=(2, 8, 6)).astype(np.float32)
    packed = unpack(pack(network))
    np.testing.assert_allclose(packed(x[None]), network(x[None]), atol=1e-2)  # in half precision
    steps = call(
        RUN.replace("shape: step.output", "name: step.name, shape: step.output"),
        [pack(network), [2, 8, 6], x.ravel().tolist()],
    )
    expected = outputs(packed, x[None])
    assert [step["name"] for step in steps] == list(expected)
    assert {"1.body.3.body.0", "1.body.3", "1.shortcut.1", "1", "4"} <= set(expected)
    for step in steps:
        ours = expected[step["name"]]
        assert tuple(step["shape"]) == ours.shape[1:]
        np.testing.assert_allclose(step["values"], ours.ravel(), atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (cnnlib.Tanh(), TypeError, "pack: network has a layer Tanh; expected one of Conv2d"),
        (cnnlib.Conv2d(2, 4, 3, groups=2), ValueError, "pack: Conv2d has dilation, groups"),
        (cnnlib.Conv2d(2, 4, 3, dilation=2), ValueError, "pack: Conv2d has dilation, groups"),
        (cnnlib.Conv2d(2, 4, 3, padding_mode="reflect"), ValueError, "ceil_mode or a padding_mode"),
        (
            cnnlib.AdaptiveAvgPool2d(2),
            TypeError,
            "pack: network has a layer AdaptiveAvgPool2d; exp",
        ),
        (cnnlib.Residual(cnnlib.Tanh()), TypeError, "pack: network has a layer Tanh; expected one"),
        (cnnlib.MaxPool2d(2, ceil_mode=True), ValueError, "pack: MaxPool2d has dilation, groups"),
        (
            cnnlib.Conv2d(2, 4, 2, padding="same"),
            ValueError,
            r"pack: Conv2d has padding \(\(0, 1\)",
        ),
    ],
)
def test_a_layer_that_the_page_cannot_compute_is_named(layer, error, message):
    with pytest.raises(error, match=message):
        pack(cnnlib.Sequential(layer))


PARTS = """
    const [layers, shape, image, at, source, place] = given;
    const network = module.inference(layers, shape);
    network.run(image);
    return module.partsOf(network.steps[at], source, ...place);
"""


@pytest.mark.parametrize("place", [(0, 0, 0), (4, 2, 3), (2, 4, 6)])
def test_the_parts_of_a_convolutions_sum_are_its_channels(call, place):
    rng = np.random.default_rng(2)
    conv = cnnlib.Conv2d(3, 5, (3, 2), stride=(2, 1), padding=1, rng=rng)
    x = rng.normal(size=(3, 9, 6)).astype(np.float32)
    layers = pack(cnnlib.Sequential(conv))
    parts = call(PARTS, [layers, [3, 9, 6], x.ravel().tolist(), 0, [3, 9, 6], place])
    (conv,) = unpack(layers)
    assert [len(part["terms"]) for part in parts] == [3 * 2] * 3
    for channel, part in enumerate(parts):
        weight = conv.weight.data[:, channel : channel + 1]
        expected = cnnlib.conv2d(x[None, channel : channel + 1], weight, stride=(2, 1), padding=1)
        assert part["total"] == pytest.approx(expected[0][place], abs=1e-5)


def test_the_parts_of_a_dense_layers_sum_are_the_maps_before_it_was_flattened(call):
    rng = np.random.default_rng(3)
    network = cnnlib.Sequential(cnnlib.Flatten(), cnnlib.Linear(3 * 4 * 2, 5, rng=rng))
    x = rng.normal(size=(3, 4, 2)).astype(np.float32)
    layers = pack(network)
    parts = call(PARTS, [layers, [3, 4, 2], x.ravel().tolist(), 1, [3, 4, 2], [3, 0, 0]])
    weight = unpack(layers)[1].weight.data[3].reshape(3, 4, 2)
    assert [part["total"] for part in parts] == pytest.approx((weight * x).sum((1, 2)), abs=1e-5)
    last = parts[2]["terms"][-1]
    assert (last["row"], last["column"]) == (3, 1)
    assert last["weight"] * last["pixel"] == pytest.approx(weight[2, 3, 1] * x[2, 3, 1])


def covered_leads(network, image, step, margin):
    """What covering each place takes off the lead, computed by cnnlib."""

    def lead(x):
        logits = network(x[None, None])[0]
        return logits[k] - np.delete(logits, k).max()

    k = network(image[None, None])[0].argmax()
    places = range(0, 28, step)
    drops = np.zeros((len(places), len(places)))
    for i, row in enumerate(places):
        for j, column in enumerate(places):
            x = image.copy()
            rows = slice(max(0, row - margin), row + step + margin)
            x[rows, max(0, column - margin) : column + step + margin] = 0
            drops[i, j] = lead(image) - lead(x)
    return drops


def test_where_it_looks_is_what_cnnlib_finds(call):
    image = mnist_examples().images[24, 0]
    body = """
        const [layers, image] = given;
        const network = module.inference(layers, [1, 28, 28]);
        const map = Array.from({ length: 7 }, () => Array(7).fill(0));
        const steps = [...module.occlusion(network, image, 28, { step: 4, margin: 1 }, map)];
        return [map, steps.length];
    """
    drops, pauses = call(body, [pack(trained_mnist_network()), image.ravel().tolist()])
    assert pauses == 7 * 7
    np.testing.assert_allclose(
        drops, covered_leads(trained_mnist_network(), image, 4, 1), atol=1e-3
    )
