"""Batch normalization and dropout: two layers that behave differently while training."""

import numpy as np

from cnnlib import checks, memory
from cnnlib.layer import Layer, Parameter

EACH_CHANNEL = (0, 2, 3)  # the axes of (N, C, H, W) that a channel's mean is taken over


def batch_norm(
    x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray, weight: np.ndarray,
    bias: np.ndarray, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> np.ndarray:  # fmt: skip
    """Give each channel mean 0 and variance 1, then scale by weight and shift by bias.

    x: (N, C, H, W). The other arrays: (C,). When training, mean and variance are the batch's, and
    the running ones are moved towards them in place: `running += momentum * (batch - running)`,
    with the variance that divides by count - 1, as in torch. Otherwise the running ones are used.
    Returns (N, C, H, W). Raises ValueError when training on a single value per channel.
    Ioffe and Szegedy, "Batch normalization" (2015), algorithms 1 and 2.
    """
    _check("batch_norm", x, running_mean, running_var, weight, bias)
    checks.number("batch_norm", "eps", eps, 0)
    checks.number("batch_norm", "momentum", momentum, 0, 1)
    mean, var = running_mean, running_var
    if checks.flag("batch_norm", "training", training):
        count = x.size // x.shape[1]
        found = f"batch_norm: x has shape {x.shape}"
        checks.require(count > 1, f"{found}; expected 2 values per channel to train on")
        mean, var = _statistics(x)
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (var * (count / (count - 1)) - running_var)
    scale = weight / np.sqrt(var + eps)
    output = np.multiply(x, _column(scale, x), out=memory.empty_like(x))
    output += _column(bias - mean * scale, x)
    return output


def batch_norm_backward(
    grad_output: np.ndarray, x: np.ndarray, running_mean: np.ndarray, running_var: np.ndarray,
    weight: np.ndarray, training: bool = False, eps: float = 1e-5,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients for x, weight and bias.

    With x^ the normalized x: dweight = sum(g * x^), dbias = sum(g), and when training
    dx = weight / std * (g - mean(g) - x^ * mean(g * x^)), because each pixel also moves its
    channel's mean and variance (Ioffe and Szegedy, section 3).
    """
    _check("batch_norm_backward", x, running_mean, running_var, weight)
    checks.array("batch_norm_backward", "grad_output", grad_output, shape=x.shape)
    checks.number("batch_norm_backward", "eps", eps, 0)
    mean, var = _statistics(x) if training else (running_mean, running_var)
    inverse_std = 1 / np.sqrt(var + eps)
    normal = np.subtract(x, _column(mean, x), out=memory.empty_like(x))
    normal *= _column(inverse_std, x)
    grad_bias = grad_output.sum(EACH_CHANNEL)
    product = np.multiply(grad_output, normal, out=memory.empty_like(x))
    grad_weight = product.sum(EACH_CHANNEL)
    scale = _column(weight * inverse_std, x)
    if not training:
        return np.multiply(grad_output, scale, out=product), grad_weight, grad_bias
    count = x.size // x.shape[1]
    normal *= _column(grad_weight / count, x)
    grad_x = np.subtract(grad_output, normal, out=product)
    grad_x -= _column(grad_bias / count, x)
    grad_x *= scale
    return grad_x, grad_weight, grad_bias


def _statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each channel; the variance from differences, which do not cancel."""
    mean = x.mean(EACH_CHANNEL)
    centered = np.subtract(x, _column(mean, x), out=memory.empty_like(x))
    centered *= centered
    return mean, centered.mean(EACH_CHANNEL)


def _column(channels: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One number per channel, (C,), in the dtype of x and so that it meets (N, C, H, W)."""
    return channels.astype(x.dtype, copy=False)[:, None, None]


def _check(function: str, x: np.ndarray, *arrays: np.ndarray) -> None:
    checks.array(function, "x", x, 4)
    for name, array in zip(("running_mean", "running_var", "weight", "bias"), arrays, strict=False):
        count = len(checks.array(function, name, array, 1))
        found = f"{function}: {name} expects {count} channels, x has {x.shape[1]}"
        checks.require(count == x.shape[1], found)


def dropout_mask(
    shape: tuple[int, ...], p: float, rng: np.random.Generator, dtype: type = np.float32
) -> np.ndarray:
    """0 with probability p, otherwise 1 / (1 - p), which keeps the expected sum.

    Srivastava et al., "Dropout" (2014), in the inverted form: nothing to do when not training.
    """
    p = checks.number("dropout_mask", "p", p, 0, 1)
    checks.instance("dropout_mask", "rng", rng, np.random.Generator)
    kept = rng.random(checks.sizes("dropout_mask", "shape", shape), np.float32) >= p
    return kept * np.dtype(dtype).type(1 / (1 - p) if p < 1 else 0)


def dropout(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """x times a `dropout_mask` of its shape."""
    checks.array("dropout", "x", x)
    checks.array("dropout", "mask", mask, shape=x.shape)
    return x * mask


def dropout_backward(grad_output: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The gradient for x: what was dropped learns nothing."""
    checks.array("dropout_backward", "mask", mask)
    checks.array("dropout_backward", "grad_output", grad_output, shape=mask.shape)
    return grad_output * mask


class BatchNorm2d(Layer):
    """`batch_norm` with its parameters and running statistics: torch.nn.BatchNorm2d."""

    buffers = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, *,
        dtype: type = np.float32,
    ) -> None:  # fmt: skip
        checks.integer("BatchNorm2d", "num_features", num_features, 1)
        self.eps = checks.number("BatchNorm2d", "eps", eps, 0)
        self.momentum = checks.number("BatchNorm2d", "momentum", momentum, 0, 1)
        self.weight = Parameter(np.ones(num_features, dtype))
        self.bias = Parameter(np.zeros(num_features, dtype))
        self.running_mean = np.zeros(num_features, dtype)
        self.running_var = np.ones(num_features, dtype)
        self.num_batches_tracked = np.array(0)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.saved = None
        arrays = (self.running_mean, self.running_var, self.weight.data, self.bias.data)
        output = batch_norm(x, *arrays, self.training, self.momentum, self.eps)
        self.num_batches_tracked += self.training
        self.saved = x, *arrays[:3], self.training
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        gradients = batch_norm_backward(grad_output, *self.recall(), self.eps)
        self.weight.accumulate(gradients[1])
        self.bias.accumulate(gradients[2])
        return gradients[0]


class Dropout(Layer):
    """While training, sets numbers to 0 with probability p, drawn from `rng`: torch.nn.Dropout."""

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        self.p = checks.number("Dropout", "p", p, 0, 1)
        self.rng = checks.generator("Dropout", rng)

    def forward(self, x: np.ndarray) -> np.ndarray:
        checks.array("Dropout", "x", x)
        mask = dropout_mask(x.shape, self.p, self.rng, x.dtype) if self.training else None
        self.saved = (mask,)
        return x if mask is None else dropout(x, mask)

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        (mask,) = self.recall()
        return grad_output if mask is None else dropout_backward(grad_output, mask)
