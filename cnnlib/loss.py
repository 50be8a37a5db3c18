"""Losses: one number that says how wrong the answers are, and its gradient, where learning starts.

Logits are scores (N, K): one for each of K classes, for each of N images.
"""

import math

import numpy as np

from cnnlib import checks
from cnnlib.layer import FunctionLayer

REDUCTIONS = ("mean", "sum", "none")


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(x) divided by its sum along `axis`: positive numbers that sum to 1.

    Subtracting the largest x first changes nothing and keeps exp from overflowing.
    """
    return np.exp(log_softmax(x, axis))


def softmax_backward(grad_output: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The gradient for x: p * (g - sum(g * p)), with p = softmax(x) and g = grad_output."""
    p = softmax(x, axis)
    checks.array("softmax_backward", "grad_output", grad_output, shape=x.shape)
    return p * (grad_output - (grad_output * p).sum(axis, keepdims=True))


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithm of `softmax`, exact even where the probability itself is too small to hold."""
    checks.array("log_softmax", "x", x)
    checks.integer("log_softmax", "axis", axis, -x.ndim)
    checks.require(axis < x.ndim, f"log_softmax: axis is {axis}; x has {x.ndim} axes")
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def log_softmax_backward(grad_output: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The gradient for x: g - softmax(x) * sum(g), with g = grad_output."""
    p = softmax(x, axis)
    checks.array("log_softmax_backward", "grad_output", grad_output, shape=x.shape)
    return grad_output - p * grad_output.sum(axis, keepdims=True)


def cross_entropy(
    logits: np.ndarray, target: np.ndarray | int, reduction: str = "mean"
) -> np.ndarray:
    """Minus the logarithm of the probability of the right class: torch's cross_entropy.

    logits: (N, K), or (K,) for one image. target: the classes (N,), whole numbers from 0 to K - 1,
    or the probabilities of all classes, of the shape of logits.
    Returns the mean over the images, their sum, or (N,) with reduction "none".
    """
    weights = _as_probabilities("cross_entropy", logits, target)
    losses = -(weights * log_softmax(logits)).sum(axis=-1)
    return _reduce("cross_entropy", losses, reduction)


def cross_entropy_backward(
    grad_output: np.ndarray | float, logits: np.ndarray, target: np.ndarray | int,
    reduction: str = "mean",
) -> np.ndarray:  # fmt: skip
    """The gradient for the logits: softmax(logits) minus the target's probabilities.

    grad_output: a number, or (N,) with reduction "none".
    """
    name = "cross_entropy_backward"
    weights = _as_probabilities(name, logits, target)
    total = weights.sum(axis=-1, keepdims=True)
    share = _share(name, grad_output, logits.shape[:-1], reduction)
    grad = (softmax(logits) * total - weights) * share[..., None]
    return grad.astype(logits.dtype, copy=False)


def mse_loss(x: np.ndarray, target: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """The squared difference of x and target, two arrays of one shape: torch's mse_loss.

    Returns the mean over all numbers, their sum, or one for each with reduction "none".
    """
    checks.array("mse_loss", "x", x)
    checks.array("mse_loss", "target", target, shape=x.shape)
    return _reduce("mse_loss", (x - target) ** 2, reduction)


def mse_loss_backward(
    grad_output: np.ndarray | float, x: np.ndarray, target: np.ndarray, reduction: str = "mean"
) -> np.ndarray:
    """The gradient for x: 2 * (x - target), divided by the count when the loss is a mean."""
    checks.array("mse_loss_backward", "x", x)
    checks.array("mse_loss_backward", "target", target, shape=x.shape)
    share = _share("mse_loss_backward", grad_output, x.shape, reduction)
    return (2 * (x - target) * share).astype(x.dtype, copy=False)


def _as_probabilities(function: str, logits: np.ndarray, target: np.ndarray | int) -> np.ndarray:
    """The target as the probability of each class, in the shape of the logits."""
    checks.array(function, "logits", logits, (1, 2))
    target = np.asarray(target)
    if target.dtype in checks.FLOATS:
        checks.array(function, "target", target, shape=logits.shape)
        return target.astype(logits.dtype, copy=False)
    if not np.issubdtype(target.dtype, np.integer):
        raise TypeError(f"{function}: target is {target.dtype}; expected whole or float numbers")
    *shape, classes = logits.shape
    found = f"{function}: target has shape {target.shape}"
    checks.require(target.shape == tuple(shape), f"{found}; expected {tuple(shape)}")
    for wrong in target[(target < 0) | (target >= classes)].flat:
        raise ValueError(f"{function}: target has class {wrong}; expected 0 to {classes - 1}")
    return np.eye(classes, dtype=logits.dtype)[target]


def _reduce(function: str, losses: np.ndarray, reduction: str) -> np.ndarray:
    checks.choice(function, "reduction", reduction, REDUCTIONS)
    return losses if reduction == "none" else getattr(losses, reduction)()


def _share(
    function: str, grad_output: np.ndarray | float, losses: tuple[int, ...], reduction: str
) -> np.ndarray:
    """The gradient for each of the losses, of this shape, given that for their reduction."""
    checks.choice(function, "reduction", reduction, REDUCTIONS)
    grad = np.asarray(grad_output)
    if not np.issubdtype(grad.dtype, np.number):
        raise TypeError(f"{function}: grad_output is {grad_output!r}; expected a number or array")
    shape = losses if reduction == "none" else ()
    found = f"{function}: grad_output has shape {grad.shape}; expected {shape}"
    checks.require(grad.shape == shape, found)
    return np.broadcast_to(grad / (math.prod(losses) if reduction == "mean" else 1), losses)


class Loss(FunctionLayer):
    """A loss that remembers its last call, so that `backward()` can begin the way back.

    `loss(x, target)` is the loss of the answers x. `backward(grad_output)` gives the gradient for
    x; grad_output, 1 if left out, must be an array when nothing was reduced.
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = checks.choice(type(self).__name__, "reduction", reduction, REDUCTIONS)
        self.options = (reduction,)

    def backward(self, grad_output: np.ndarray | float = 1.0) -> np.ndarray:
        return super().backward(grad_output)


class CrossEntropyLoss(Loss):
    """`cross_entropy` with a memory: torch.nn.CrossEntropyLoss."""

    function, derivative = cross_entropy, cross_entropy_backward


class MSELoss(Loss):
    """`mse_loss` with a memory: torch.nn.MSELoss."""

    function, derivative = mse_loss, mse_loss_backward
