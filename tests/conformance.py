"""One helper that holds an operation of cnnlib against torch: its output and every gradient."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

import cnnlib

TOLERANCES = {np.float64: 1e-10, np.float32: 1e-4}


def assert_close(name: str, ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> None:
    """The same shape, the same infinities and nan, and equal within `tolerance` of the largest."""
    assert ours.shape == theirs.shape, f"{name}: {ours.shape}, torch has {theirs.shape}"
    finite = np.isfinite(theirs)
    lost = np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
    assert lost, f"{name}: {ours[~finite]}, torch has {theirs[~finite]}"
    ours, theirs = ours[finite], theirs[finite]
    scale = max(1.0, np.abs(theirs).max(initial=0.0))
    worst = np.abs(ours - theirs).max(initial=0.0)
    assert worst <= tolerance * scale, f"{name}: off by {worst} at values of {scale}"


def assert_function_as_torch(
    name: str, arrays: Sequence[np.ndarray], options: dict[str, object], *,
    ways: Sequence[str] = ("",), taken: int | None = None, spoil: Callable | None = None,
) -> None:  # fmt: skip
    """`cnnlib.NAME` and its backward, in each way that it is written, are torch's of that name.

    The backward takes the first `taken` of the arrays. `spoil` makes the gradient less likely.
    """
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    expected = getattr(F, name)(*tensors, **options)
    grad = np.random.default_rng(0).standard_normal(tuple(expected.shape)).astype(arrays[0].dtype)
    grad = spoil(grad) if spoil else grad
    expected.backward(torch.tensor(grad))
    pairs = [expected.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)]
    for way in ways:
        case = f"{name}{way} of {[array.shape for array in arrays]}, {options}: "
        output = getattr(cnnlib, f"{name}{way}")(*arrays, **options)
        grads = getattr(cnnlib, f"{name}_backward{way}")(grad, *arrays[:taken], **options)
        grads = grads if isinstance(grads, tuple) else (grads,)
        for index, (ours, theirs) in enumerate(zip((output, *grads), pairs, strict=True)):
            assert ours.dtype == theirs.dtype, case
            what = f"gradient {index}" if index else "output"
            assert_close(case + what, ours, theirs, TOLERANCES[theirs.dtype.type])


def assert_as_torch(
    forward: Callable, torch_forward: Callable, *arrays: np.ndarray | None, **options: object
) -> None:
    """`forward` gives what `torch_forward` gives, in float64 and in float32."""
    for dtype, tolerance in TOLERANCES.items():
        inputs = [None if a is None else a.astype(dtype) for a in arrays]
        tensors = [None if a is None else torch.tensor(a) for a in inputs]
        output = forward(*inputs, **options)
        assert output.dtype == dtype
        assert_close("output", output, torch_forward(*tensors, **options).numpy(), tolerance)


def assert_gradients_as_torch(
    backward: Callable, torch_forward: Callable, *arrays: np.ndarray, **options: object
) -> None:
    """`backward(grad_output, *arrays)` gives torch's gradients for the arrays, in their order.

    Arrays that `backward` does not take (a bias) come last and have gradients all the same.
    """
    taken = options.pop("taken", len(arrays))
    for dtype, tolerance in TOLERANCES.items():
        inputs = [a.astype(dtype) for a in arrays]
        tensors = [torch.tensor(a, requires_grad=True) for a in inputs]
        output = torch_forward(*tensors, **options)
        grad_output = np.random.default_rng(0).standard_normal(tuple(output.shape)).astype(dtype)
        output.backward(torch.tensor(grad_output))
        grads = backward(grad_output, *inputs[:taken], **options)
        grads = grads if isinstance(grads, tuple) else (grads,)
        assert len(grads) == len(tensors)
        for index, (grad, tensor) in enumerate(zip(grads, tensors, strict=True)):
            assert grad.dtype == dtype
            assert_close(f"gradient {index}", grad, tensor.grad.numpy(), tolerance)


def assert_layer_as_torch(layer, torch_layer, *shape: int) -> None:
    """The layer, with torch's weights, has torch's output, gradients and buffers, in float64."""
    torch_layer = torch_layer.double()
    layer.load_state_dict({k: v.numpy() for k, v in torch_layer.state_dict().items()})
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch_layer(tensor)
    assert_close("output", layer(x), expected.detach().numpy(), 1e-10)
    grad_output = rng.standard_normal(tuple(expected.shape))
    expected.backward(torch.tensor(grad_output))
    assert_close("gradient of x", layer.backward(grad_output), tensor.grad.numpy(), 1e-10)
    ours = layer.named_parameters()
    for name, parameter in torch_layer.named_parameters():
        assert_close(name, ours[name].grad, parameter.grad.numpy(), 1e-10)
    assert ours.keys() == dict(torch_layer.named_parameters()).keys()
    state = layer.state_dict()
    for name, value in torch_layer.state_dict().items():
        assert_close(name, state[name], value.numpy(), 1e-10)
    assert list(state) == list(torch_layer.state_dict())
