import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import assert_as_torch, assert_gradients_as_torch, assert_layer_as_torch
from hypothesis import given
from hypothesis import strategies as st

import cnnlib

PAIRS = [
    (cnnlib.relu, cnnlib.relu_backward, F.relu, {}),
    (cnnlib.leaky_relu, cnnlib.leaky_relu_backward, F.leaky_relu, {"negative_slope": 0.2}),
    (cnnlib.tanh, cnnlib.tanh_backward, torch.tanh, {}),
    (cnnlib.hardtanh, cnnlib.hardtanh_backward, F.hardtanh, {"min_val": -0.5, "max_val": 1.5}),
    (cnnlib.sigmoid, cnnlib.sigmoid_backward, torch.sigmoid, {}),
    (cnnlib.silu, cnnlib.silu_backward, F.silu, {}),
    (cnnlib.gelu, cnnlib.gelu_backward, F.gelu, {}),
    (cnnlib.gelu, cnnlib.gelu_backward, F.gelu, {"approximate": "tanh"}),
    (cnnlib.elu, cnnlib.elu_backward, F.elu, {"alpha": 0.7}),
    (cnnlib.identity, cnnlib.identity_backward, lambda x: x + 0, {}),
]


@pytest.mark.parametrize(("forward", "backward", "theirs", "options"), PAIRS)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_each_activation_is_that_of_torch(forward, backward, theirs, options, shape, seed):
    x = 2 * np.random.default_rng(seed).standard_normal(shape)
    assert_as_torch(forward, theirs, x, **options)
    assert_gradients_as_torch(backward, theirs, x, **options)


EXTREMES = [-np.inf, -1e30, -300.0, -2.0, -0.0, 0.0, 0.5, 2.0, 300.0, 1e30, np.inf, np.nan]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("forward", "backward", "theirs", "options"), PAIRS)
def test_infinite_and_missing_numbers_go_through_as_in_torch(
    forward, backward, theirs, options, dtype
):
    slopes = (2.0, 0.0, np.inf, -np.inf, np.nan)
    x, grad = np.array([(number, slope) for number in EXTREMES for slope in slopes], dtype).T
    tensor = torch.tensor(x, requires_grad=True)
    singles = [theirs(one, **options) for one in tensor]  # in a row, torch treats NaN by position
    output = torch.stack(singles)
    output.backward(torch.tensor(grad))
    close = {"rtol": 1e-5, "atol": 1e-7}
    np.testing.assert_allclose(forward(x, **options), output.detach().numpy(), **close)
    np.testing.assert_allclose(backward(grad, x, **options), tensor.grad.numpy(), **close)


@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        (cnnlib.ReLU(), torch.nn.ReLU()),
        (cnnlib.LeakyReLU(0.1), torch.nn.LeakyReLU(0.1)),
        (cnnlib.Tanh(), torch.nn.Tanh()),
        (cnnlib.Hardtanh(-2, 0.5), torch.nn.Hardtanh(-2, 0.5)),
        (cnnlib.Sigmoid(), torch.nn.Sigmoid()),
        (cnnlib.SiLU(), torch.nn.SiLU()),
        (cnnlib.GELU(), torch.nn.GELU()),
        (cnnlib.GELU("tanh"), torch.nn.GELU("tanh")),
        (cnnlib.ELU(0.3), torch.nn.ELU(0.3)),
    ],
)
def test_each_layer_is_that_of_torch(layer, theirs):
    assert_layer_as_torch(layer, theirs, 2, 3, 4, 5)


def test_values_at_a_corner_have_the_slope_that_torch_gives_them():
    x, grad = np.array([-1.0, 0.0, 1.0]), np.ones(3)
    assert cnnlib.relu_backward(grad, x).tolist() == [0, 0, 1]
    assert cnnlib.hardtanh_backward(grad, x).tolist() == [0, 1, 0]
    assert cnnlib.leaky_relu_backward(grad, x).tolist() == [0.01, 0.01, 1]


def test_leaky_relu_keeps_negative_values_negative():
    assert cnnlib.leaky_relu(np.array([-3.0, 2.0])).tolist() == [-3 * 0.01, 2]


@pytest.mark.filterwarnings("error")
def test_sigmoid_and_tanh_do_not_overflow():
    x = np.array([-1e4, 1e4])
    assert cnnlib.sigmoid(x).tolist() == [0, 1]
    assert cnnlib.tanh(x).tolist() == [-1, 1]


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="relu: x is int64; expected float32 or float64"):
        cnnlib.relu(np.arange(3))
    with pytest.raises(ValueError, match=r"grad_output has shape \(2,\); expected \(3,\)"):
        cnnlib.relu_backward(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=r"hardtanh: min_val is 2.* at most 1"):
        cnnlib.hardtanh(np.ones(3), 2.0, 1.0)
    with pytest.raises(ValueError, match="GELU: approximate is 'erf'; expected one of"):
        cnnlib.GELU("erf")
    with pytest.raises(RuntimeError, match=r"ReLU\.backward: call forward first"):
        cnnlib.ReLU().backward(np.ones(3))
