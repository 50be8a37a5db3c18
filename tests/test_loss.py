import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import TOLERANCES, assert_as_torch, assert_close, assert_gradients_as_torch
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib import worked_example

reductions = st.sampled_from(["mean", "sum", "none"])
seeds = st.integers(0, 2**32 - 1)


@given(st.permutations(range(1, 8)), st.integers(-3, 2), seeds)
def test_softmax_and_its_logarithm_are_those_of_torch(sizes, axis, seed):
    x = 5 * np.random.default_rng(seed).standard_normal(sizes[:3])
    for name in ("softmax", "log_softmax"):
        forward, backward = getattr(cnnlib, name), getattr(cnnlib, f"{name}_backward")
        theirs = getattr(F, name)
        assert_as_torch(lambda x, f=forward: f(x, axis=axis), lambda x, f=theirs: f(x, dim=axis), x)
        assert_gradients_as_torch(
            lambda g, x, f=backward: f(g, x, axis=axis), lambda x, f=theirs: f(x, dim=axis), x
        )


@given(st.permutations(range(2, 9)), reductions, st.booleans(), st.booleans(), seeds)
def test_cross_entropy_is_that_of_torch(sizes, reduction, probabilities, one, seed):
    rng = np.random.default_rng(seed)
    n, classes = sizes[:2]
    for dtype, tolerance in TOLERANCES.items():
        logits = (5 * rng.standard_normal((n, classes))).astype(dtype)
        target = rng.integers(0, classes, n)
        if probabilities:
            target = rng.random((n, classes)).astype(dtype)  # torch asks no sum of 1
        if one:
            logits, target = logits[0], target[0]
        tensor = torch.tensor(logits, requires_grad=True)
        expected = F.cross_entropy(tensor, torch.tensor(target), reduction=reduction)
        loss = cnnlib.cross_entropy(logits, target, reduction)
        assert loss.dtype == dtype
        assert_close("loss", loss, expected.detach().numpy(), tolerance)
        grad_output = np.asarray(rng.standard_normal(expected.shape), dtype)
        expected.backward(torch.tensor(grad_output))
        grad = cnnlib.cross_entropy_backward(grad_output, logits, target, reduction)
        assert grad.dtype == dtype
        assert_close("gradient", grad, tensor.grad.numpy(), tolerance)


@given(st.permutations(range(1, 8)), reductions, seeds)
def test_mse_loss_is_that_of_torch(sizes, reduction, seed):
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal((2, *sizes[:3]))

    def theirs(x):
        return F.mse_loss(x, torch.tensor(target, dtype=x.dtype), reduction=reduction)

    assert_as_torch(lambda x: cnnlib.mse_loss(x, target.astype(x.dtype), reduction), theirs, x)
    assert_gradients_as_torch(
        lambda g, x: cnnlib.mse_loss_backward(g, x, target.astype(x.dtype), reduction), theirs, x
    )


@pytest.mark.filterwarnings("error")
def test_logits_of_ten_thousand_are_no_trouble():
    logits = np.array([[1e4, 0.0, -1e4]])
    assert cnnlib.softmax(logits).tolist() == [[1, 0, 0]]
    assert cnnlib.cross_entropy(logits, np.array([2])) == 1e4 - -1e4
    assert cnnlib.cross_entropy_backward(1.0, logits, np.array([2])).tolist() == [[1, 0, -1]]
    grad = cnnlib.cross_entropy_backward(1.0, logits.astype(np.float32), np.array([2]))
    assert grad.tolist() == [[1, 0, -1]]


def test_the_loss_of_the_worked_example_and_of_the_batch_of_three():
    elephant = np.array([7.86, 8.78, 9.64])
    assert cnnlib.softmax(elephant).round(4).tolist() == [0.1059, 0.2658, 0.6282]
    loss = cnnlib.cross_entropy(elephant, worked_example.target)
    assert loss == pytest.approx(-math.log(0.6282), abs=1e-4)
    assert loss == pytest.approx(0.464866, abs=1e-6)
    logits = np.stack([elephant, worked_example.lion_logits, worked_example.tiger_logits])
    target = np.array([2, worked_example.lion_target, worked_example.tiger_target])
    mean = (0.464866 + 1.5975 + 0.0040) / 3
    assert cnnlib.cross_entropy(logits, target) == pytest.approx(mean, abs=5e-5)


def test_the_loss_objects_remember_their_call():
    loss = cnnlib.CrossEntropyLoss()
    with pytest.raises(RuntimeError, match=r"CrossEntropyLoss\.backward: call forward first"):
        loss.backward()
    logits, target = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([0, 1])
    assert loss(logits, target) == cnnlib.cross_entropy(logits, target)
    np.testing.assert_array_equal(
        loss.backward(), cnnlib.cross_entropy_backward(1.0, logits, target)
    )
    mse = cnnlib.MSELoss("sum")
    assert mse(logits, logits + 2) == 4 * 2**2
    assert mse.backward().tolist() == [[-4, -4], [-4, -4]]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.array([0, 3]), "target has class 3; expected 0 to 2"),
        (np.array([-1, 0]), "target has class -1; expected 0 to 2"),
        (np.array([0, 1, 2]), r"target has shape \(3,\); expected \(2,\)"),
        (np.zeros((2, 4)), r"target has shape \(2, 4\); expected \(2, 3\)"),
        (np.array(["a", "b"]), "target is <U1; expected whole or float numbers"),
    ],
)
def test_a_bad_target_is_named(target, message):
    with pytest.raises((ValueError, TypeError), match=f"cross_entropy: {message}"):
        cnnlib.cross_entropy(np.zeros((2, 3)), target)


def test_a_bad_reduction_or_axis_is_named():
    with pytest.raises(ValueError, match="reduction is 'max'; expected one of 'mean', 'sum'"):
        cnnlib.cross_entropy(np.zeros((2, 3)), np.array([0, 1]), "max")
    with pytest.raises(ValueError, match="axis is 2; x has 2 axes"):
        cnnlib.log_softmax(np.zeros((2, 3)), axis=2)
