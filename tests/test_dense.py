import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import assert_as_torch, assert_gradients_as_torch, assert_layer_as_torch
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib import worked_example


@given(st.permutations(range(1, 8)), st.integers(0, 2**32 - 1))
def test_linear_is_that_of_torch(sizes, seed):
    rng = np.random.default_rng(seed)
    n, inputs, outputs = sizes[:3]
    arrays = [rng.standard_normal(s) for s in ((n, inputs), (outputs, inputs), (outputs,))]
    assert_as_torch(cnnlib.linear, F.linear, *arrays)
    assert_gradients_as_torch(cnnlib.linear_backward, F.linear, *arrays, taken=2)
    one = [arrays[0][0], *arrays[1:]]
    assert_as_torch(cnnlib.linear, F.linear, *one)
    assert_gradients_as_torch(cnnlib.linear_backward, F.linear, *one, taken=2)


@given(st.permutations(range(1, 8)))
def test_flatten_is_that_of_torch(sizes):
    x = np.random.default_rng(0).standard_normal(sizes[:4])
    assert_as_torch(cnnlib.flatten, lambda x: x.flatten(1), x)
    assert_gradients_as_torch(cnnlib.flatten_backward, lambda x: x.flatten(1), x)


def test_the_layers_are_those_of_torch():
    assert_layer_as_torch(cnnlib.Linear(4, 3, dtype=np.float64), torch.nn.Linear(4, 3), 5, 4)
    layer = cnnlib.Linear(4, 3, bias=False, dtype=np.float64)
    assert_layer_as_torch(layer, torch.nn.Linear(4, 3, bias=False), 5, 4)
    assert_layer_as_torch(cnnlib.Flatten(), torch.nn.Flatten(), 2, 3, 4, 5)


def test_the_first_neuron_of_the_worked_example():
    x = cnnlib.flatten(np.array([[[15.0, 8.0], [20.0, 5.0]]]))
    hidden = cnnlib.linear(x, worked_example.dense_1_weight, worked_example.dense_1_bias)
    assert hidden[0, 0] == pytest.approx(15 * 0.5 + 8 * 0.8 + 20 * 0.1 + 5 * 0.1 + 0.2)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="linear: weight expects 4 inputs, x has 3"):
        cnnlib.linear(np.ones((2, 3)), np.ones((5, 4)))
    with pytest.raises(ValueError, match=r"flatten: x has shape \(3,\); expected a batch"):
        cnnlib.flatten(np.ones(3))
    with pytest.raises(RuntimeError, match=r"Linear\.backward: call forward first"):
        cnnlib.Linear(3, 4).backward(np.ones((2, 4)))
    with pytest.raises(ValueError, match="Linear: in_features is 0; expected at least 1"):
        cnnlib.Linear(0, 4)
