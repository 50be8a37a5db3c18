"""Losses: one number that says how wrong the answers are, and its gradient, where learning starts.

Logits are scores (N, K): one for each of K classes, for each of N images.
"""

import math
from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.layer import FunctionLayer

REDUCTIONS = ("mean", "sum", "none")


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(x) divided by its sum along `axis`: positive numbers that sum to 1.

    Subtracting the largest x first changes nothing and keeps exp from overflowing.
    """
    _check_axis("softmax", x, axis)
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def softmax_backward(grad_output: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The gradient for x: p * (g - sum(g * p)), with p = softmax(x) and g = grad_output."""
    _check_axis("softmax_backward", x, axis)
    p = softmax(x, axis)
    checks.array("softmax_backward", "grad_output", grad_output, shape=x.shape)
    return p * (grad_output - (grad_output * p).sum(axis, keepdims=True))


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The logarithm of `softmax`, exact even where the probability itself is too small to hold."""
    _check_axis("log_softmax", x, axis)
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def log_softmax_backward(grad_output: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The gradient for x: g - softmax(x) * sum(g), with g = grad_output."""
    _check_axis("log_softmax_backward", x, axis)
    p = softmax(x, axis)
    checks.array("log_softmax_backward", "grad_output", grad_output, shape=x.shape)
    return grad_output - p * grad_output.sum(axis, keepdims=True)


def cross_entropy(
    logits: np.ndarray, target: np.ndarray | int, reduction: str = "mean",
    weight: np.ndarray | None = None, ignore_index: int = -100, label_smoothing: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Minus the logarithm of the probability of the right class: torch's cross_entropy.

    logits: (N, K), (K,) for one image, or (N, K, H, W) for a class at each place of a map.
    target: the classes, whole numbers from 0 to K - 1, (N,), () or (N, H, W); or the probabilities
    of all classes, of the shape of logits.
    weight: how much each class counts, (K,). ignore_index: a class whose places count nothing.
    label_smoothing: the share of the target that is given to all classes evenly (Szegedy et al.,
    "Rethinking the Inception architecture", 2016, section 7).
    Returns the losses in the shape of the classes with reduction "none", or their sum, or their
    mean: the sum divided by the weights of the right classes, or by the places for probabilities.
    """
    options = weight, ignore_index, label_smoothing
    shares, asked, total = _class_shares("cross_entropy", logits, target, *options)
    axis = _class_axis(logits)
    log_p = np.where(asked, log_softmax(logits, axis), 0)  # an infinite one may go unasked
    return _reduce("cross_entropy", -(shares * log_p).sum(axis), reduction, total)


def cross_entropy_backward(
    grad_output: np.ndarray | float, logits: np.ndarray, target: np.ndarray | int,
    reduction: str = "mean", weight: np.ndarray | None = None, ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """The gradient for the logits: softmax(logits) minus the target's probabilities.

    grad_output: a number, or in the shape of the classes with reduction "none".
    """
    name, options = "cross_entropy_backward", (weight, ignore_index, label_smoothing)
    shares, asked, total = _class_shares(name, logits, target, *options)
    axis = _class_axis(logits)
    counted = asked.any(axis)
    share = np.where(counted, _share(name, grad_output, counted.shape, reduction, total), 0)
    grad = softmax(logits, axis) * shares.sum(axis, keepdims=True) - shares
    return (grad * np.expand_dims(share, axis)).astype(logits.dtype, copy=False)


def mse_loss(x: np.ndarray, target: np.ndarray, reduction: str = "mean") -> np.ndarray:
    """The squared difference of x and target, two arrays of one shape: torch's mse_loss.

    Returns the mean over all numbers, their sum, or one for each with reduction "none".
    """
    checks.array("mse_loss", "x", x)
    checks.array("mse_loss", "target", target, shape=x.shape)
    return _reduce("mse_loss", (x - target) ** 2, reduction, x.size)


def mse_loss_backward(
    grad_output: np.ndarray | float, x: np.ndarray, target: np.ndarray, reduction: str = "mean"
) -> np.ndarray:
    """The gradient for x: 2 * (x - target), divided by the count when the loss is a mean."""
    checks.array("mse_loss_backward", "x", x)
    checks.array("mse_loss_backward", "target", target, shape=x.shape)
    share = _share("mse_loss_backward", grad_output, x.shape, reduction, x.size)
    return (2 * (x - target) * share).astype(x.dtype, copy=False)


def _check_axis(function: str, x: np.ndarray, axis: int) -> None:
    checks.array(function, "x", x)
    checks.integer(function, "axis", axis, -x.ndim)
    checks.require(axis < x.ndim, f"{function}: axis is {axis}; x has {x.ndim} axes")


def _class_axis(logits: np.ndarray) -> int:
    return min(1, logits.ndim - 1)


def _class_shares(
    function: str, logits: np.ndarray, target: np.ndarray | int, weight: np.ndarray | None,
    ignore_index: int, label_smoothing: float,
) -> tuple[np.ndarray, np.ndarray, float]:  # fmt: skip
    """How much each class counts, whether it is asked at all, and what a mean divides by.

    The first two have the shape of the logits. A class with share 0 may be asked all the same.
    """
    checks.array(function, "logits", logits, (1, 2, 3, 4))
    wanted: np.ndarray = np.asarray(target)
    axis = _class_axis(logits)
    classes, places = logits.shape[axis], logits.shape[:axis] + logits.shape[axis + 1 :]
    _check_options(function, weight, ignore_index, label_smoothing)
    weight = np.ones(classes) if weight is None else weight
    checks.array(function, "weight", weight, shape=(classes,))
    if wanted.dtype in checks.FLOATS:
        checks.array(function, "target", wanted, shape=logits.shape)
        found = f"{function}: ignore_index is {ignore_index}; expected a negative one"
        checks.require(ignore_index < 0, f"{found}, because target holds probabilities")
        asked, total = np.ones(logits.shape, bool), float(math.prod(places))
    else:
        _check_classes(function, wanted, places, classes, ignore_index)
        kept = wanted != ignore_index
        total = float(weight[wanted[kept]].sum())
        one_hot = np.eye(classes, dtype=bool)[wanted * kept] & kept[..., None]
        wanted = np.moveaxis(one_hot, -1, axis)
        asked = wanted | np.expand_dims(kept, axis) if label_smoothing else wanted
    shares = (1 - label_smoothing) * wanted + label_smoothing / classes * asked
    shares *= weight.reshape(-1, *[1] * (logits.ndim - 1 - axis))
    return shares.astype(logits.dtype, copy=False), asked, total


def _check_classes(
    function: str, target: np.ndarray, places: tuple[int, ...], classes: int, ignore_index: int
) -> None:
    if not np.issubdtype(target.dtype, np.integer):
        raise TypeError(f"{function}: target is {target.dtype}; expected whole or float numbers")
    found = f"{function}: target has shape {target.shape}"
    checks.require(target.shape == places, f"{found}; expected {places}")
    for wrong in target[((target < 0) | (target >= classes)) & (target != ignore_index)].flat:
        raise ValueError(f"{function}: target has class {wrong}; expected 0 to {classes - 1}")


def _check_options(
    function: str, weight: np.ndarray | None, ignore_index: int, label_smoothing: float
) -> None:
    for value in () if weight is None else checks.array(function, "weight", weight, 1):
        usable = 0 <= value < math.inf
        found = f"{function}: weight holds {value}"
        checks.require(usable, f"{found}; expected finite numbers of at least 0")
    checks.integer(function, "ignore_index", ignore_index)
    checks.number(function, "label_smoothing", label_smoothing, 0, 1)


def _reduce(function: str, losses: np.ndarray, reduction: str, total: float) -> np.ndarray:
    """The losses, their sum, or their mean: the sum divided by `total`."""
    checks.choice(function, "reduction", reduction, REDUCTIONS)
    if reduction == "none":
        return losses
    return losses.sum() / total if reduction == "mean" else losses.sum()


def _share(
    function: str, grad_output: np.ndarray | float, losses: tuple[int, ...], reduction: str,
    total: float,
) -> np.ndarray:  # fmt: skip
    """The gradient for each of the losses, of this shape, given that for their reduction."""
    checks.choice(function, "reduction", reduction, REDUCTIONS)
    grad = np.asarray(grad_output)
    if not np.issubdtype(grad.dtype, np.number):
        raise TypeError(f"{function}: grad_output is {grad_output!r}; expected a number or array")
    shape = losses if reduction == "none" else ()
    found = f"{function}: grad_output has shape {grad.shape}; expected {shape}"
    checks.require(grad.shape == shape, found)
    return np.broadcast_to(grad / (total if reduction == "mean" else 1), losses)


class Loss(FunctionLayer):
    """A loss that remembers its last call, so that `backward()` can begin the way back.

    `loss(x, target)` is the loss of the answers x. `backward(grad_output)` gives the gradient for
    x; grad_output, 1 if left out, must be an array when nothing was reduced.
    """

    ignore_index: int | None = None  # a class that is not counted

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = checks.choice(type(self).__name__, "reduction", reduction, REDUCTIONS)
        self.options = (reduction,)

    def forward(self, x: np.ndarray, target: np.ndarray) -> np.ndarray:
        return super().forward(x, target)

    def weight_of(self, x: np.ndarray, target: np.ndarray) -> float:
        """How much the loss of this batch counts in a mean over several: here its images."""
        return len(x)

    def classes(self, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """The right classes and those of the highest scores, in one row each, without the ignored.

        None when the target holds no classes.
        """
        one_each = target.shape == x.shape[:1] + x.shape[2:]
        if not (one_each and np.issubdtype(target.dtype, np.integer)):
            return None
        known = (target >= 0) & (target < x.shape[1]) & (target != self.ignore_index)
        return target[known], x.argmax(axis=1)[known]

    def backward(self, grad_output: Any = 1.0) -> np.ndarray:
        return super().backward(grad_output)


class CrossEntropyLoss(Loss):
    """`cross_entropy` with a memory: torch.nn.CrossEntropyLoss."""

    function, derivative = cross_entropy, cross_entropy_backward

    def __init__(
        self, reduction: str = "mean", *, weight: np.ndarray | None = None,
        ignore_index: int = -100, label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(reduction)
        options = weight, ignore_index, label_smoothing
        _check_options("CrossEntropyLoss", *options)
        self.options += options
        self.ignore_index = ignore_index

    def weight_of(self, x: np.ndarray, target: np.ndarray) -> float:
        """What the mean divides by: the weights of the right classes, or the places."""
        return _class_shares("cross_entropy", x, target, *self.options[1:])[2]


class MSELoss(Loss):
    """`mse_loss` with a memory: torch.nn.MSELoss."""

    function, derivative = mse_loss, mse_loss_backward
