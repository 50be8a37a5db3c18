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


@pytest.mark.parametrize(
    ("name", "arguments"), [("BatchNorm2d", (3,)), ("LayerNorm", ((3, 2),)), ("GroupNorm", (2, 4))]
)
def test_a_new_layer_has_the_state_of_a_new_one_of_torch(name, arguments):
    ours, theirs = (getattr(library, name)(*arguments) for library in (cnnlib, torch.nn))
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for key, array in ours.state_dict().items():
        np.testing.assert_array_equal(array, expected[key].numpy())


def test_the_layer_is_that_of_torch_in_training_and_in_evaluation():
    layer, theirs = cnnlib.BatchNorm2d(3, dtype=np.float64), torch.nn.BatchNorm2d(3)
    assert_layer_as_torch(layer, theirs, 2, 3, 4, 5)
    assert layer.running_mean.any()
    layer.zero_grad(), theirs.zero_grad()
    assert_layer_as_torch(layer.eval(), theirs.eval(), 5, 3, 2, 4)
    assert layer.num_batches_tracked == 1


def in_memory_order(array, order):
    """The same numbers, laid into memory with the axes "nchw" in another order."""
    axes = ["nchw".index(axis) for axis in order]
    return np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))


def errors(exact, arrays):
    """How far each array is from the exact one, measured by the largest number in it."""
    pairs = zip(exact, arrays, strict=True)
    return np.array([np.abs(a.astype(float) - e).max() / np.abs(e).max() for e, a in pairs])


@pytest.mark.parametrize("order", ["nchw", "cnhw"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("mean", "std"), [(0, 1), (1000, 1), (-30, 0.01), (1e5, 1), (1e6, 100), (0, 1e-3)]
)
@pytest.mark.parametrize("shape", [(32, 3, 20, 17), (64, 8, 28, 28), (5, 3, 1, 2)])
def test_batch_norm_in_single_precision_is_as_exact_as_that_of_torch(
    shape, mean, std, training, order
):
    rng = np.random.default_rng(0)
    x = in_memory_order((mean + std * rng.standard_normal(shape)).astype(np.float32), order)
    grad_output = in_memory_order(rng.standard_normal(shape).astype(np.float32), order)
    state = {
        "weight": rng.standard_normal(shape[1]).astype(np.float32),
        "bias": rng.standard_normal(shape[1]).astype(np.float32),
        "running_mean": (x.mean((0, 2, 3), dtype=float) + std / 10).astype(np.float32),
        "running_var": np.full(shape[1], std**2, np.float32),
    }

    def torch_in(dtype):
        norm = torch.nn.BatchNorm2d(shape[1], dtype=dtype).train(training)
        norm.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
        tensor = torch.tensor(x).to(dtype).requires_grad_()
        output = norm(tensor)
        output.backward(torch.tensor(grad_output).to(dtype))
        grads = tensor.grad, norm.weight.grad, norm.bias.grad
        found = (output.detach(), *grads, norm.running_mean, norm.running_var)
        return [one.numpy() for one in found]

    layer = cnnlib.BatchNorm2d(shape[1]).train(training)
    layer.load_state_dict(layer.state_dict() | state)
    output, grad = layer(x), layer.backward(grad_output)
    ours = output, grad, layer.weight.grad, layer.bias.grad, layer.running_mean, layer.running_var
    exact = torch_in(torch.float64)
    theirs = errors(exact, torch_in(torch.float32))
    few_roundings = 10 * np.finfo(np.float32).eps
    assert (errors(exact, ours) <= np.maximum(theirs, few_roundings)).all()


def test_batch_norm_says_what_it_cannot_normalize():
    norm = cnnlib.BatchNorm2d(3)
    message = r"x has shape \(1, 3, 1, 1\), one value per channel, which has no variance; "
    with pytest.raises(ValueError, match=f"^BatchNorm2d: {message}expected a batch of 2 or more"):
        norm(np.ones((1, 3, 1, 1), np.float32))
    assert norm.eval()(np.ones((1, 3, 1, 1), np.float32)).shape == (1, 3, 1, 1)
    with pytest.raises(ValueError, match="running_mean expects 3 channels, x has 4"):
        norm(np.ones((2, 4, 5, 6), np.float32))
    message = r"BatchNorm2d: x has shape \(3, 5, 4\); expected 4 axes, \(N, C, H, W\), for a single"
    with pytest.raises(ValueError, match=rf"^{message} image x\[None\]$"):
        norm(np.ones((3, 5, 4), np.float32))
    with pytest.raises(ValueError, match=r"x has shape \(3, 5\); expected 4 axes, \(N, C, H, W\)$"):
        norm(np.ones((3, 5), np.float32))


def both(name, *arguments, **options):
    """The layer of this name of cnnlib, in float64, and torch's, with weights drawn anew."""
    ours = getattr(cnnlib, name)(*arguments, **options, dtype=np.float64)
    theirs = getattr(torch.nn, name)(*arguments, **options)
    for number, parameter in enumerate(theirs.parameters()):
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(number))
    return ours, theirs


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize(
    ("arguments", "options", "shape"),
    [
        ((4,), {}, (3, 4)),
        ((4,), {}, (4,)),
        (((3, 5, 4),), {}, (2, 3, 5, 4)),
        (([5, 4],), {"eps": 1e-2}, (2, 3, 5, 4)),
        ((4,), {"bias": False}, (2, 3, 5, 4)),
        (((5, 4),), {"elementwise_affine": False}, (2, 3, 5, 4)),
        (((1, 4),), {}, (2, 3, 1, 4)),
        ((1,), {}, (3, 2, 1)),
    ],
)
def test_layer_norm_is_that_of_torch(arguments, options, shape, mode):
    ours, theirs = both("LayerNorm", *arguments, **options)
    assert_layer_as_torch(ours.train(mode), theirs.train(mode), *shape)


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize(
    ("arguments", "options", "shape"),
    [
        ((2, 6), {}, (3, 6, 5, 4)),
        ((1, 6), {"eps": 1e-2}, (3, 6, 5, 4)),
        ((6, 6), {}, (3, 6, 5, 4)),
        ((3, 6), {"affine": False}, (2, 6, 5)),
        ((2, 6), {}, (3, 6)),
        ((2, 4), {}, (1, 4, 1, 1)),
    ],
)
def test_group_norm_is_that_of_torch(arguments, options, shape, mode):
    ours, theirs = both("GroupNorm", *arguments, **options)
    assert_layer_as_torch(ours.train(mode), theirs.train(mode), *shape)


def test_without_weights_there_is_nothing_to_save():
    assert cnnlib.GroupNorm(2, 4, affine=False).state_dict() == {}
    assert list(cnnlib.LayerNorm(4, bias=False).state_dict()) == ["weight"]


@pytest.mark.parametrize(("mean", "std"), [(0, 1), (1000, 1), (-30, 0.01), (1e5, 1)])
@pytest.mark.parametrize(("name", "arguments"), [("LayerNorm", [(20, 17)]), ("GroupNorm", [2, 6])])
def test_layer_and_group_norm_in_single_precision_are_as_exact_as_those_of_torch(
    name, arguments, mean, std
):
    rng = np.random.default_rng(0)
    x = (mean + std * rng.standard_normal((4, 6, 20, 17))).astype(np.float32)
    grad_output = rng.standard_normal(x.shape).astype(np.float32)

    def torch_in(dtype):
        layer = getattr(torch.nn, name)(*arguments, dtype=dtype)
        tensor = torch.tensor(x).to(dtype).requires_grad_()
        output = layer(tensor)
        output.backward(torch.tensor(grad_output).to(dtype))
        found = output.detach(), tensor.grad, layer.weight.grad, layer.bias.grad
        return [one.numpy() for one in found]

    layer = getattr(cnnlib, name)(*arguments)
    ours = layer(x), layer.backward(grad_output), layer.weight.grad, layer.bias.grad
    assert all(one.dtype == np.float32 for one in ours)
    exact = torch_in(torch.float64)
    theirs = errors(exact, torch_in(torch.float32))
    few_roundings = 10 * np.finfo(np.float32).eps
    assert (errors(exact, ours) <= np.maximum(theirs, few_roundings)).all()


@given(st.permutations(range(2, 6)), st.booleans(), st.integers(0, 2**32 - 1))
def test_differences_agree_with_the_way_back_of_every_normalization(sizes, training, seed):
    rng = np.random.default_rng(seed)
    n, groups, rows, columns = sizes
    channels, double = 2 * groups, {"dtype": np.float64}
    x = rng.standard_normal((n, channels, rows, columns))
    for layer in (
        cnnlib.BatchNorm2d(channels, **double),
        cnnlib.LayerNorm((rows, columns), **double),
        cnnlib.GroupNorm(groups, channels, **double),
    ):
        layer.weight.data[...] = rng.standard_normal(layer.weight.data.shape)
        assert cnnlib.gradient_check(layer.train(training), x)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: cnnlib.GroupNorm(4, 6), None, "num_channels is 6; expected a multiple of num_gro"),
        (lambda: cnnlib.GroupNorm(0, 6), None, "num_groups is 0; expected at least 1"),
        (lambda: cnnlib.GroupNorm(2, 6), (2, 4, 5), r"x has shape \(2, 4, 5\); expected \(N, 6, "),
        (lambda: cnnlib.GroupNorm(2, 6), (6,), r"x has shape \(6,\); expected \(N, 6, "),
        (lambda: cnnlib.LayerNorm(()), None, r"normalized_shape is \(\); expected at least one"),
        (lambda: cnnlib.LayerNorm((3, 0)), None, "normalized_shape is 0; expected at least 1"),
        (
            lambda: cnnlib.LayerNorm((3, 4)),
            (2, 4, 3),
            r"x has shape \(2, 4, 3\); expected the last axes to be \(3, 4\)",
        ),
        (lambda: cnnlib.LayerNorm((3, 4)), (4,), r"x has shape \(4,\); expected the last axes"),
        (lambda: cnnlib.LayerNorm(3, eps=-1), None, "eps is -1; expected a finite number"),
    ],
)
def test_a_layer_or_group_norm_that_does_not_fit_is_named(make, shape, message):
    with pytest.raises(ValueError, match=rf"^(Group|Layer)Norm: {message}"):
        make()(np.ones(shape or (2, 3)))


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
