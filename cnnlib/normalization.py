"""Batch normalization and dropout: two layers that behave differently while training."""

import numpy as np

from cnnlib import checks, memory
from cnnlib.layer import Layer, Parameter

EACH_CHANNEL = (0, 2, 3)  # the axes of (N, C, H, W) that a channel's mean is taken over


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
        self.saved = None  # frees the memory of the last call for this one
        checks.array("BatchNorm2d", "x", x, 4)
        count, channels = x.size // x.shape[1], len(self.running_mean)
        found = f"BatchNorm2d: running_mean expects {channels} channels, x has {x.shape[1]}"
        checks.require(channels == x.shape[1], found)
        mean, var = self.running_mean, self.running_var
        if self.training:
            found = f"BatchNorm2d: x has shape {x.shape}"
            checks.require(count > 1, f"{found}; expected 2 values per channel to train on")
            mean = x.mean(EACH_CHANNEL)
            squares = np.subtract(x, _column(mean, x), out=memory.empty_like(x))
            squares *= squares
            var = squares.mean(EACH_CHANNEL)  # from differences, which do not cancel
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * (count / (count - 1)) - self.running_var)
            self.num_batches_tracked += 1
        scale = self.weight.data / np.sqrt(var + self.eps)
        output = np.multiply(x, _column(scale, x), out=memory.empty_like(x))
        output += _column(self.bias.data - mean * scale, x)
        self.saved = x, mean, var, self.training
        return output

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        x, mean, var, training = self.recall()
        checks.array("BatchNorm2d.backward", "grad_output", grad_output, shape=x.shape)
        inverse_std = 1 / np.sqrt(var + self.eps)
        normal = np.subtract(x, _column(mean, x), out=memory.empty_like(x))
        normal *= _column(inverse_std, x)
        product = np.multiply(grad_output, normal, out=memory.empty_like(x))
        grad_weight, grad_bias = product.sum(EACH_CHANNEL), grad_output.sum(EACH_CHANNEL)
        self.weight.accumulate(grad_weight)
        self.bias.accumulate(grad_bias)
        grad_x = product  # whose memory is used again
        grad_x[...] = grad_output
        if training:
            count = x.size // x.shape[1]
            normal *= _column(grad_weight / count, x)
            grad_x -= normal
            grad_x -= _column(grad_bias / count, x)
        grad_x *= _column(self.weight.data * inverse_std, x)
        return grad_x


def _column(channels: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One number per channel, (C,), in the dtype of x and so that it meets (N, C, H, W)."""
    return channels.astype(x.dtype, copy=False)[:, None, None]


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
