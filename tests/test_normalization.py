import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import TOLERANCES, assert_close, assert_layer_as_torch
from hypothesis import given
from hypothesis import strategies as st

import cnnlib


@given(st.permutations(range(2, 8)), st.booleans(), st.integers(0, 2**32 - 1))
def test_batch_norm_is_that_of_torch_with_its_running_statistics(sizes, training, seed):
    rng = np.random.default_rng(seed)
    shape, channels = sizes[:4], sizes[1]
    for dtype, tolerance in TOLERANCES.items():
        x = (3 + 2 * rng.standard_normal(shape)).astype(dtype)
        arrays = [rng.standard_normal(channels) for _ in range(4)]
        arrays[1] = arrays[1] ** 2 + 0.5
        mean, var, weight, bias = (a.astype(dtype) for a in arrays)
        tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
        their_mean, their_var = torch.tensor(mean), torch.tensor(var)
        expected = F.batch_norm(
            tensors[0], their_mean, their_var, *tensors[1:], training, momentum=0.3, eps=1e-3
        )
        layer = cnnlib.BatchNorm2d(channels, eps=1e-3, momentum=0.3, dtype=dtype).train(training)
        names = ("weight", "bias", "running_mean", "running_var")
        start = dict(zip(names, (weight, bias, mean, var), strict=True))
        layer.load_state_dict(layer.state_dict() | start)
        output = layer(x)
        assert output.dtype == dtype
        assert_close("output", output, expected.detach().numpy(), tolerance)
        assert_close("running mean", layer.running_mean, their_mean.numpy(), tolerance)
        assert_close("running variance", layer.running_var, their_var.numpy(), tolerance)
        grad_output = rng.standard_normal(shape).astype(dtype)
        expected.backward(torch.tensor(grad_output))
        grads = layer.backward(grad_output), layer.weight.grad, layer.bias.grad
        for grad, tensor in zip(grads, tensors, strict=True):
            assert grad.dtype == dtype
            assert_close("gradient", grad, tensor.grad.numpy(), tolerance)


def test_the_layer_is_that_of_torch_in_training_and_in_evaluation():
    layer, theirs = cnnlib.BatchNorm2d(3, dtype=np.float64), torch.nn.BatchNorm2d(3)
    assert_layer_as_torch(layer, theirs, 2, 3, 4, 5)
    assert layer.running_mean.any()
    layer.zero_grad(), theirs.zero_grad()
    assert_layer_as_torch(layer.eval(), theirs.eval(), 5, 3, 2, 4)
    assert layer.num_batches_tracked == 1


def test_a_channel_with_a_single_value_cannot_be_normalized():
    with pytest.raises(ValueError, match="expected 2 values per channel"):
        cnnlib.BatchNorm2d(3)(np.ones((1, 3, 1, 1), np.float32))
    with pytest.raises(ValueError, match="running_mean expects 3 channels, x has 4"):
        cnnlib.BatchNorm2d(3)(np.ones((2, 4, 5, 6), np.float32))


def test_dropout_keeps_the_mean_and_drops_the_share_it_says():
    layer = cnnlib.Dropout(0.25, rng=np.random.default_rng(0))
    x = np.ones((200, 300), np.float32)
    output = layer(x)
    assert set(np.unique(output)) == {0, np.float32(1 / 0.75)}
    assert (output == 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(layer.backward(x), output)
    assert layer.eval()(x) is x
    assert layer.backward(x) is x


def test_the_same_seed_drops_the_same():
    x = np.ones((4, 5))
    first, second = (cnnlib.Dropout(rng=np.random.default_rng(7))(x) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_dropout_of_everything_leaves_nothing_and_of_more_is_refused():
    assert not cnnlib.Dropout(1.0)(np.ones((3, 4))).any()
    with pytest.raises(ValueError, match=r"Dropout: p is 1.5; expected .* at most 1"):
        cnnlib.Dropout(1.5)
