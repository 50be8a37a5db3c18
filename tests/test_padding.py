import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import assert_as_torch, assert_gradients_as_torch, assert_layer_as_torch
from hypothesis import given
from hypothesis import strategies as st

import cnnlib

MODES = ["constant", "reflect", "replicate", "circular"]


@st.composite
def paddings(draw):
    """Random images, and as much padding on each side as the mode can fill."""
    mode, size = draw(st.sampled_from(MODES)), draw(st.permutations(range(2, 7)))[:2]
    most = {"reflect": (size[0] - 1, size[1] - 1), "circular": size}.get(mode, (8, 8))
    rows, columns = (st.integers(0, number) for number in most)
    sides = draw(columns), draw(columns), draw(rows), draw(rows)
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    x = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).standard_normal((*batch, 3, *size))
    return x, sides, mode


@given(paddings())
def test_pad_is_that_of_torch(drawn):
    x, sides, mode = drawn
    options = {"mode": mode} | ({"value": 1.5} if mode == "constant" else {})
    assert_as_torch(
        lambda x: cnnlib.pad(x, sides, **options), lambda x: F.pad(x, sides, **options), x
    )
    assert_gradients_as_torch(
        lambda grad, x: cnnlib.pad_backward(grad, x, sides, **options),
        lambda x: F.pad(x, sides, **options),
        x,
    )


def test_a_row_of_three_pixels_in_every_mode():
    x = np.array([[[1.0, 2.0, 3.0]]])
    rows = {mode: cnnlib.pad(x, (2, 1, 0, 0), mode)[0, 0].tolist() for mode in MODES}
    assert rows == {
        "constant": [0, 0, 1, 2, 3, 0],
        "reflect": [3, 2, 1, 2, 3, 2],
        "replicate": [1, 1, 1, 2, 3, 3],
        "circular": [2, 3, 1, 2, 3, 1],
    }
    grad = np.array([[[1.0, 10, 100, 1000, 10000, 100000]]])
    back = cnnlib.pad_backward(grad, x, (2, 1, 0, 0), "circular")
    assert back.tolist() == [[[100 + 100000, 1000 + 1, 10000 + 10]]]


@pytest.mark.parametrize(
    "name", ["ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"]
)
def test_each_layer_is_that_of_torch(name):
    for padding in (2, (0, 3, 1, 2)):
        layers = getattr(cnnlib, name)(padding), getattr(torch.nn, name)(padding)
        assert_layer_as_torch(*layers, 2, 3, 5, 4)
        assert_layer_as_torch(*layers, 3, 5, 4)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": (3, 4), "padding": (1, 2), "stride": (2, 1)},
        {"kernel_size": (2, 4), "padding": "same", "dilation": (3, 1)},
        {"kernel_size": 2, "padding": "same"},
        {"kernel_size": (3, 2), "padding": "valid", "groups": 2},
        {"kernel_size": 1, "padding": (2, 3), "groups": 2, "bias": False},
    ],
)
def test_a_convolution_with_a_padding_mode_is_that_of_torch(mode, options):
    options = options | {"padding_mode": mode}
    for shape in ((2, 4, 6, 5), (4, 6, 5)):
        ours = cnnlib.Conv2d(4, 6, **options, dtype=np.float64)
        assert_layer_as_torch(ours, torch.nn.Conv2d(4, 6, **options), *shape)


def test_bad_input_is_named():
    x = np.zeros((1, 2, 3, 4))
    with pytest.raises(ValueError, match="pad: mode is 'mirror'; expected one of 'constant', 'ref"):
        cnnlib.pad(x, 1, "mirror")
    with pytest.raises(ValueError, match=r"padding is \(1, 2\); expected one number or \(left,"):
        cnnlib.pad(x, (1, 2))
    with pytest.raises(ValueError, match="pad: padding is -1; expected at least 0"):
        cnnlib.pad(x, (0, 0, -1, 0))
    with pytest.raises(
        ValueError, match="padding is 3 rows; expected at most 2 for mode 'reflect'"
    ):
        cnnlib.pad(x, (0, 0, 1, 3), "reflect")
    with pytest.raises(ValueError, match="padding is 5 columns; expected at most 4 for mode 'circ"):
        cnnlib.pad(x, (5, 0, 0, 0), "circular")
    with pytest.raises(ValueError, match=r"pad: x has shape \(3, 4\); expected 3 or 4 axes"):
        cnnlib.pad(x[0, 0], 1)
    with pytest.raises(ValueError, match=r"pad_backward: grad_output has shape"):
        cnnlib.pad_backward(x, x, 1)
    with pytest.raises(ValueError, match="Conv2d: padding_mode is 'foo'; expected one of 'zeros'"):
        cnnlib.Conv2d(1, 2, 3, padding_mode="foo")
    with pytest.raises(ValueError, match="padding is 3 rows; expected at most 2"):
        cnnlib.Conv2d(2, 2, 3, padding=3, padding_mode="reflect")(x.astype(np.float32))
