"""Normalizations, which set mean and variance, and dropout: the layers that steady training."""

import math

import numpy as np
from numpy.typing import DTypeLike

from cnnlib import checks
from cnnlib.layer import Layer, Parameter

EACH_CHANNEL = (0, 2, 3)  # the axes of (N, C, H, W) that a channel's mean is taken over


def _center(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x minus its mean over `axes`, that mean, and the variance around it.

    In float32 the mean of numbers near 1000 is off in its seventh digit. What is left over is
    small, so that its own mean is exact, and is subtracted as well.
    """
    mean = x.mean(axes, keepdims=True)
    centered = x - mean
    rest = centered.mean(axes, keepdims=True)
    centered -= rest
    rest[~np.isfinite(rest)] = 0  # an infinite mean leaves no number over
    squares = centered * centered
    return centered, mean + rest, squares.mean(axes, keepdims=True)


class BatchNorm2d(Layer):
    """Gives each channel mean 0 and variance 1, then scales and shifts it: torch.nn.BatchNorm2d.

    From (N, C, H, W) to the same shape, by `weight`, the scale (C,), and `bias`, the shift (C,).
    While training, mean and variance are the batch's, and `running_mean` and `running_var`, (C,),
    are moved towards them: `running += momentum * (batch - running)`, with the variance that
    divides by count - 1, as in torch. Otherwise the running ones are used.

    On the way back, with x^ the normalized x and g the grad_output: dweight = sum(g * x^), dbias =
    sum(g), and when training dx = weight / std * (g - mean(g) - x^ * mean(g * x^)), because each
    pixel also moves its channel's mean and variance.
    Raises ValueError when training on a single value per channel.
    Ioffe and Szegedy, "Batch normalization" (2015), algorithms 1 and 2, section 3.
    """

    buffers = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, *,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.num_features = checks.integer("BatchNorm2d", "num_features", num_features, 1)
        self.eps = checks.number("BatchNorm2d", "eps", eps, 0)
        self.momentum = checks.number("BatchNorm2d", "momentum", momentum, 0, 1)
        kind = checks.floating("BatchNorm2d", dtype)
        self.weight = Parameter(np.ones(num_features, kind))
        self.bias = Parameter(np.zeros(num_features, kind))
        self.running_mean = np.zeros(num_features, kind)
        self.running_var = np.ones(num_features, kind)
        self.num_batches_tracked = np.array(0)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.saved = None  # frees the memory of the last call for this one
        self._check(x)
        if self.training:
            centered, mean, var = _center(x, EACH_CHANNEL)
            self._track(mean.ravel(), var.ravel(), x.size // x.shape[1])
        else:
            mean, var = _column(self.running_mean, x), _column(self.running_var, x)
            centered = x - mean
        inverse_std = _column(1 / np.sqrt(var.ravel() + self.eps), x)
        scale = inverse_std * _column(self.weight.data, x)
        output = centered * scale
        output += _column(self.bias.data, x)
        self.saved = centered, inverse_std, self.training
        return output

    def _check(self, x: np.ndarray) -> None:
        checks.array("BatchNorm2d", "x", x)
        found = f"BatchNorm2d: x has shape {x.shape}"
        one = ", for a single image x[None]" if x.ndim == 3 else ""
        checks.require(x.ndim == 4, f"{found}; expected 4 axes, (N, C, H, W){one}")
        channels = len(self.running_mean)
        wrong = f"BatchNorm2d: running_mean expects {channels} channels, x has {x.shape[1]}"
        checks.require(x.shape[1] == channels, wrong)
        found += ", one value per channel, which has no variance"
        enough = x.size > channels or not self.training
        checks.require(enough, f"{found}; expected a batch of 2 or more images to train on")

    def _track(self, mean: np.ndarray, var: np.ndarray, count: int) -> None:
        """Move the running statistics towards those of this batch."""
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (var * (count / (count - 1)) - self.running_var)
        self.num_batches_tracked += 1

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        centered, inverse_std, training = self.recall()
        checks.array("BatchNorm2d.backward", "grad_output", grad_output, shape=centered.shape)
        product = np.multiply(grad_output, centered, out=np.empty_like(centered))
        grad_weight = product.sum(EACH_CHANNEL) * inverse_std.ravel()
        grad_bias = grad_output.sum(EACH_CHANNEL)
        self.weight.accumulate(grad_weight)
        self.bias.accumulate(grad_bias)
        grad_x = product  # whose memory is used again
        if training:
            count = centered.size // len(grad_bias)
            np.multiply(centered, _column(grad_weight / -count, centered) * inverse_std, out=grad_x)
            grad_x += grad_output
            grad_x -= _column(grad_bias / count, centered)
        else:
            grad_x[...] = grad_output
        grad_x *= _column(self.weight.data, centered) * inverse_std
        return grad_x


def _column(channels: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One number per channel, (C,), in the dtype of x and so that it meets (N, C, H, W)."""
    return channels.astype(x.dtype, copy=False)[:, None, None]


class _EachImage(Layer):
    """What LayerNorm and GroupNorm share: a part of one image is normalized, in both modes alike.

    On the way back, with x^ the normalized x and g the grad_output times the weight, dx = 1 / std
    * (g - mean(g) - x^ * mean(g * x^)), where the means are over the part.
    """

    eps: float

    def draw(self, shape: tuple[int, ...], weight: bool, bias: bool, dtype: DTypeLike) -> None:
        """Begin with a scale of 1 and a shift of 0, or with None where there shall be none."""
        kind = checks.floating(type(self).__name__, dtype)
        self.weight = Parameter(np.ones(shape, kind)) if weight else None
        self.bias = Parameter(np.zeros(shape, kind)) if bias else None

    def normalize(self, x: np.ndarray, part: int, column: tuple[int, ...]) -> np.ndarray:
        """x, each `part` numbers in a row normalized, then scaled and shifted.

        column: the shape in which weight and bias meet x.
        """
        self.saved = None  # frees the memory of the last call for this one
        normal, _, var = _center(x.reshape(-1, part), (1,))
        inverse_std = (1 / np.sqrt(var + self.eps)).astype(x.dtype, copy=False)
        normal *= inverse_std
        normal = normal.reshape(x.shape)
        self.saved = normal, inverse_std, column
        output = normal.copy()
        if self.weight:
            output *= self.weight.data.reshape(column)
        if self.bias:
            output += self.bias.data.reshape(column)
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        normal, inverse_std, column = self.recall()
        name = f"{type(self).__name__}.backward"
        checks.array(name, "grad_output", grad_output, shape=normal.shape)
        grad = grad_output
        if self.bias:
            self.bias.accumulate(_sum_to(grad, column).reshape(self.bias.data.shape))
        if self.weight:
            grad_weight = _sum_to(grad * normal, column)
            self.weight.accumulate(grad_weight.reshape(self.weight.data.shape))
            grad = grad * self.weight.data.reshape(column).astype(grad.dtype, copy=False)
        rows = len(inverse_std), -1
        grad, normal = grad.reshape(rows), normal.reshape(rows)
        grad_x = grad - grad.mean(1, keepdims=True)
        grad_x -= normal * (grad * normal).mean(1, keepdims=True)
        grad_x *= inverse_std
        return grad_x.reshape(grad_output.shape)


def _sum_to(array: np.ndarray, column: tuple[int, ...]) -> np.ndarray:
    """The sums over the axes that are not in `column`, or 1 there."""
    column = (1,) * (array.ndim - len(column)) + column
    return array.sum(tuple(axis for axis, size in enumerate(column) if size == 1), keepdims=True)


class LayerNorm(_EachImage):
    """Gives the last axes together mean 0 and variance 1: torch.nn.LayerNorm.

    From (..., *normalized_shape) to the same shape. Each number is scaled by `weight` and shifted
    by `bias`, both of normalized_shape; without elementwise_affine there is neither, and without
    `bias` no shift. normalized_shape: the sizes of the last axes, or one size.
    Raises ValueError when x ends in other sizes.
    Ba, Kiros and Hinton, "Layer normalization" (2016), section 3.
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5,
        elementwise_affine: bool = True, bias: bool = True, *, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        if not isinstance(normalized_shape, tuple | list):
            normalized_shape = (normalized_shape,)
        shape = checks.sizes("LayerNorm", "normalized_shape", tuple(normalized_shape))
        self.normalized_shape = shape
        found = f"LayerNorm: normalized_shape is {shape}"
        checks.require(bool(shape), f"{found}; expected at least one size")
        self.eps = checks.number("LayerNorm", "eps", eps, 0)
        affine = checks.flag("LayerNorm", "elementwise_affine", elementwise_affine)
        self.elementwise_affine = affine
        self.draw(shape, affine, checks.flag("LayerNorm", "bias", bias) and affine, dtype)

    def forward(self, x: np.ndarray) -> np.ndarray:
        checks.array("LayerNorm", "x", x)
        found = f"LayerNorm: x has shape {x.shape}"
        shape = self.normalized_shape
        fits = x.shape[-len(shape) :] == shape
        checks.require(fits, f"{found}; expected the last axes to be {shape}")
        return self.normalize(x, math.prod(shape), shape)


class GroupNorm(_EachImage):
    """Gives each group of an image's channels mean 0 and variance 1: torch.nn.GroupNorm.

    From (N, C, ...) to the same shape; the C = num_channels are taken in num_groups groups of
    neighbors. Each channel is scaled by `weight`, (C,), and shifted by `bias`, (C,); without
    `affine` there is neither.
    Raises ValueError when the channels do not divide into the groups or x has others.
    Wu and He, "Group normalization" (2018), section 3.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *,
        dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.num_groups = checks.integer("GroupNorm", "num_groups", num_groups, 1)
        self.num_channels = checks.integer("GroupNorm", "num_channels", num_channels, 1)
        found = f"GroupNorm: num_channels is {num_channels}"
        expected = f"expected a multiple of num_groups, {num_groups}"
        checks.require(num_channels % num_groups == 0, f"{found}; {expected}")
        self.eps = checks.number("GroupNorm", "eps", eps, 0)
        self.affine = checks.flag("GroupNorm", "affine", affine)
        self.draw((num_channels,), self.affine, self.affine, dtype)

    def forward(self, x: np.ndarray) -> np.ndarray:
        checks.array("GroupNorm", "x", x)
        found = f"GroupNorm: x has shape {x.shape}"
        expected = f"expected (N, {self.num_channels}, ...)"
        right = x.ndim > 1 and x.shape[1] == self.num_channels
        checks.require(right, f"{found}; {expected}")
        part = x[0].size // self.num_groups
        return self.normalize(x, part, (self.num_channels,) + (1,) * (x.ndim - 2))


class Dropout(Layer):
    """While training, sets numbers to 0 with probability p, drawn from `rng`: torch.nn.Dropout.

    The others are divided by 1 - p, which keeps the expected sum: so there is nothing to do when
    not training. What was dropped learns nothing. Srivastava et al., "Dropout" (2014).
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        self.p = checks.number("Dropout", "p", p, 0, 1)
        self.rng = checks.generator("Dropout", rng)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.saved = None
        checks.array("Dropout", "x", x)
        self.saved = (x.shape, None)
        if not self.training:
            return x
        kept = self.rng.random(x.shape, np.float32) >= self.p
        mask = kept * x.dtype.type(1 / (1 - self.p) if self.p < 1 else 0)
        self.saved = (x.shape, mask)
        return x * mask

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        shape, mask = self.recall()
        checks.array("Dropout.backward", "grad_output", grad_output, shape=shape)
        return grad_output if mask is None else grad_output * mask
