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
INF, NAN = math.inf, math.nan


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


@pytest.mark.parametrize("value", [1e20, 1e-30, INF, -INF, NAN])
@pytest.mark.filterwarnings("ignore:overflow")
def test_mse_loss_of_huge_tiny_and_lost_numbers_is_that_of_torch(value):
    x, target = np.array([[1, value, 3]], np.float32), np.array([[0.5, 0, 0]], np.float32)
    tensor = torch.tensor(x, requires_grad=True)
    expected = F.mse_loss(tensor, torch.tensor(target))
    expected.backward()
    np.testing.assert_allclose(cnnlib.mse_loss(x, target), expected.item(), rtol=1e-6)
    grad = cnnlib.mse_loss_backward(1.0, x, target)
    np.testing.assert_allclose(grad, tensor.grad.numpy(), rtol=1e-6)


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


def test_a_loss_tells_right_classes_and_called_ones_without_those_it_ignores():
    loss = cnnlib.CrossEntropyLoss(ignore_index=1)
    logits, target = np.array([[1.0, 2, 0], [4, 3, 2], [0, 1, 5]]), np.array([0, 1, 2])
    assert [found.tolist() for found in loss.classes(logits, target)] == [[0, 2], [1, 2]]
    maps = np.moveaxis(logits.reshape(3, 1, 1, 3), 3, 1)
    found = loss.classes(maps, target.reshape(3, 1, 1))
    assert [one.tolist() for one in found] == [[0, 2], [1, 2]]
    outside = np.array([-100, 3, 2])
    assert [one.tolist() for one in loss.classes(logits, outside)] == [[2], [2]]
    assert loss.classes(logits, np.ones((3, 3))) is None
    assert loss.classes(logits, np.ones(3)) is None


@pytest.mark.parametrize("loss", [cnnlib.CrossEntropyLoss, cnnlib.MSELoss])
def test_a_loss_without_target_says_that_it_is_missing(loss):
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        loss()(np.zeros((2, 3)))


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
    with pytest.raises(ValueError, match=r"reduction is array\(.*\); expected one of 'mean'"):
        cnnlib.CrossEntropyLoss(np.ones(3))  # torch's first argument is weight
    with pytest.raises(ValueError, match="axis is 2; x has 2 axes"):
        cnnlib.log_softmax(np.zeros((2, 3)), axis=2)


@given(st.permutations(range(2, 7)), reductions, st.booleans(), st.data(), seeds)
def test_all_options_of_cross_entropy_are_those_of_torch(sizes, reduction, soft, data, seed):
    rng = np.random.default_rng(seed)
    n, classes, *map_size = sizes[: data.draw(st.sampled_from([2, 3, 4]))]
    ignore_index = -100 if soft else data.draw(st.sampled_from([-100, -3, 1, classes - 1]))
    smoothing = data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    weighted = data.draw(st.booleans())
    for dtype, tolerance in TOLERANCES.items():
        logits = (5 * rng.standard_normal((n, classes, *map_size))).astype(dtype)
        target = rng.integers(0, classes, (n, *map_size))
        target[rng.random(target.shape) < 0.3] = ignore_index if not soft else 0
        target.flat[0] = 0  # not all are ignored
        if soft:
            target = rng.random(logits.shape).astype(dtype)
        weight = (rng.random(classes) + 0.1).astype(dtype) if weighted else None
        tensor = torch.tensor(logits, requires_grad=True)
        expected = F.cross_entropy(
            tensor, torch.tensor(target), None if weight is None else torch.tensor(weight),
            ignore_index=ignore_index, reduction=reduction, label_smoothing=smoothing,
        )  # fmt: skip
        loss = cnnlib.CrossEntropyLoss(
            reduction, weight=weight, ignore_index=ignore_index, label_smoothing=smoothing
        )
        value = loss(logits, target)
        assert value.dtype == dtype
        assert_close("loss", value, expected.detach().numpy(), tolerance)
        grad_output = np.asarray(rng.standard_normal(expected.shape), dtype)
        expected.backward(torch.tensor(grad_output))
        grad = loss.backward(grad_output)
        assert grad.dtype == dtype
        assert_close("gradient", grad, tensor.grad.numpy(), tolerance)


ROWS = {
    "a masked class": [1, -INF, 2, 0.5],
    "plus infinity": [1, INF, 2, 0.5],
    "two infinities": [INF, INF, 1, 0.5],
    "both infinities": [-INF, INF, 1, 0.5],
    "all masked": [-INF] * 4,
    "all but one masked": [-INF, -INF, 3, -INF],
    "not a number": [NAN, 1, 2, 0.5],
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_infinities_go_through_softmax_as_in_torch(name, row):
    x, grad_output = np.array([row, [1, 2, 3, 4]]), np.array([[1.0, -2, 0.5, 3]] * 2)
    tensor = torch.tensor(x, requires_grad=True)
    expected = getattr(F, name)(tensor, dim=1)
    expected.backward(torch.tensor(grad_output))
    output = getattr(cnnlib, name)(x)
    np.testing.assert_allclose(output, expected.detach(), rtol=1e-12)
    grad = getattr(cnnlib, f"{name}_backward")(grad_output, x)
    np.testing.assert_allclose(grad, tensor.grad, atol=1e-12)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize(
    "target", [0, 1, -100, [1.0, 0, 0, 0], [0.5, 0, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]]
)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, [1.0, 0, 2, 3]])
@pytest.mark.filterwarnings("ignore:(invalid|divide)")
def test_infinities_go_through_cross_entropy_as_in_torch(row, target, smoothing, weight):
    other = [0.0, 0, 1, 0] if isinstance(target, list) else 2
    logits, targets = np.array([row, [1, 2, 3, 4]]), np.array([target, other])
    weight = None if weight is None else np.array(weight)
    for reduction in ("mean", "sum", "none"):
        tensor = torch.tensor(logits, requires_grad=True)
        expected = F.cross_entropy(
            tensor, torch.tensor(targets), None if weight is None else torch.tensor(weight),
            reduction=reduction, label_smoothing=smoothing,
        )  # fmt: skip
        expected.sum().backward()
        options = reduction, weight, -100, smoothing
        loss = cnnlib.cross_entropy(logits, targets, *options)
        np.testing.assert_allclose(loss, expected.detach(), rtol=1e-12)
        grad = cnnlib.cross_entropy_backward(np.ones(expected.shape), logits, targets, *options)
        np.testing.assert_allclose(grad, tensor.grad, atol=1e-12)


@pytest.mark.filterwarnings("error")
def test_a_masked_class_that_is_not_asked_costs_nothing():
    logits = np.array([[0.0, 1.0, -INF]])
    expected = math.log(math.exp(0) + math.exp(1)) - 0  # 1.3133
    assert cnnlib.cross_entropy(logits, np.array([0])) == pytest.approx(expected)
    p = math.exp(1) / (1 + math.exp(1))
    grad = cnnlib.cross_entropy_backward(1.0, logits, np.array([0]))
    np.testing.assert_allclose(grad, [[-p, p, 0]])


@pytest.mark.parametrize("weight", [None, [0.5, 2, 3]])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_a_batch_of_which_all_is_ignored_has_no_mean_and_no_gradient_as_in_torch(weight, smoothing):
    logits, target = np.array([[1.0, 2, 3], [0, 1, 0]]), np.array([-100, -100])
    options = None if weight is None else np.array(weight), -100, smoothing
    assert np.isnan(cnnlib.cross_entropy(logits, target, "mean", *options))
    assert cnnlib.cross_entropy(logits, target, "sum", *options) == 0
    tensor = torch.tensor(logits, requires_grad=True)
    theirs = None if weight is None else torch.tensor(options[0])
    F.cross_entropy(tensor, torch.tensor(target), theirs, label_smoothing=smoothing).backward()
    assert not tensor.grad.any()
    assert not cnnlib.cross_entropy_backward(1.0, logits, target, "mean", *options).any()


@given(st.integers(2, 40), st.sampled_from([1, 10, 40]), seeds)
def test_softmax_in_single_precision_is_as_exact_as_that_of_torch(classes, scale, seed):
    x = (scale * np.random.default_rng(seed).standard_normal((5, classes))).astype(np.float32)
    exact = cnnlib.softmax(x.astype(np.float64))
    ours, theirs = cnnlib.softmax(x), F.softmax(torch.tensor(x), dim=1).numpy()
    common = exact > 1e-30  # smaller ones have fewer digits
    ours, theirs = (np.abs(p / exact - 1)[common].max() for p in (ours, theirs))
    assert ours <= max(2 * theirs, 4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize(
    ("options", "target", "message"),
    [
        ({"weight": np.ones(2)}, [0, 1], r"weight has shape \(2,\); expected \(3,\)"),
        ({"weight": [1.0, 1, 1]}, [0, 1], "weight is a list; expected a NumPy array of floats"),
        ({"weight": np.array([1, NAN, 1])}, [0, 2], "weight holds nan; expected finite numbers"),
        ({"weight": np.array([1, INF, 1])}, [0, 2], "weight holds inf; expected finite numbers"),
        ({"weight": np.array([1, 2, -0.5])}, [0, 1], r"weight holds -0\.5; .* of at least 0"),
        ({"ignore_index": 0.5}, [0, 1], "ignore_index is 0.5; expected a whole number"),
        ({"ignore_index": -1}, [0, -2], "target has class -2; expected 0 to 2"),
        (
            {"ignore_index": 1},
            [[1.0, 0, 0], [0, 0, 1]],
            "ignore_index is 1; expected a negative one, because target holds probabilities",
        ),
        ({"label_smoothing": 1.5}, [0, 1], "label_smoothing is 1.5; expected .* at most 1"),
    ],
)
def test_a_bad_option_of_cross_entropy_is_named(options, target, message):
    arguments = np.zeros((2, 3)), np.array(target)
    with pytest.raises((ValueError, TypeError), match=f"^cross_entropy: {message}"):
        cnnlib.cross_entropy(*arguments, **options)
    with pytest.raises((ValueError, TypeError), match=f"^cross_entropy_backward: {message}"):
        cnnlib.cross_entropy_backward(1.0, *arguments, **options)


def test_the_layer_refuses_a_bad_option_before_it_is_called():
    with pytest.raises(ValueError, match=r"CrossEntropyLoss: weight has shape \(2, 3\)"):
        cnnlib.CrossEntropyLoss(weight=np.ones((2, 3)))
    with pytest.raises(ValueError, match="CrossEntropyLoss: weight holds nan; expected finite"):
        cnnlib.CrossEntropyLoss(weight=np.array([1, NAN]))
    with pytest.raises(ValueError, match=r"CrossEntropyLoss: label_smoothing is -0\.1"):
        cnnlib.CrossEntropyLoss(label_smoothing=-0.1)


def test_maps_of_logits_need_a_class_for_each_place():
    with pytest.raises(ValueError, match=r"target has shape \(2, 4, 5\); expected \(2, 5, 4\)"):
        cnnlib.cross_entropy(np.zeros((2, 3, 5, 4)), np.zeros((2, 4, 5), int))


@pytest.mark.parametrize("lost", [INF, -INF, NAN])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_lost_gradient_goes_through_softmax_as_in_torch(name, lost):
    x = np.array([[1.0, 3, 2, 0.5], [1, 2, 3, 4], [-INF, 2, 1, 0]])
    grad_output = np.array([[1.0, lost, 0.5, 3], [1, -2, 0.5, 3], [lost, 1, 2, 3]])
    tensor = torch.tensor(x, requires_grad=True)
    getattr(F, name)(tensor, dim=1).backward(torch.tensor(grad_output))
    grad = getattr(cnnlib, f"{name}_backward")(grad_output, x)
    np.testing.assert_allclose(grad, tensor.grad, atol=1e-12)


@pytest.mark.parametrize("lost", [INF, -INF, NAN])
@pytest.mark.parametrize("target", [[0, 1, 3], [[0.5, 0, 0.25, 0.25]] * 3])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_lost_gradient_of_one_loss_is_lost_in_its_row_alone_as_in_torch(target, lost):
    logits, target = np.array([[1.0, 3, 2, 0.5], [1, 2, 3, 4], [5, 2, 1, 0]]), np.array(target)
    grad_output = np.array([1.0, lost, 2.0])
    tensor = torch.tensor(logits, requires_grad=True)
    F.cross_entropy(tensor, torch.tensor(target), reduction="none").backward(
        torch.tensor(grad_output)
    )
    grad, expected = cnnlib.cross_entropy_backward(grad_output, logits, target, "none"), tensor.grad
    np.testing.assert_allclose(grad[[0, 2]], expected[[0, 2]], atol=1e-12)
    assert not (np.isfinite(grad[1]) | np.isfinite(expected[1].numpy())).any()
