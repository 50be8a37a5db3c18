"""Activations: a function of one number, applied to each number of an array.

Without one between them, two layers of sums are one layer of sums. Each `NAME_backward` returns
`grad_output * NAME'(x)`: the gradient for x, in the shape of x. Any shape will do. NaN and
infinity go through as in PyTorch: a gradient that is stopped is 0 even if it was infinite.
"""

import math

import numpy as np

from cnnlib import checks
from cnnlib.layer import FunctionLayer


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0) (Nair and Hinton, "Rectified linear units improve Boltzmann machines", 2010)."""
    checks.array("relu", "x", x)
    return np.maximum(x, 0)


def relu_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient where x was positive, 0 elsewhere; at 0 the slope is taken as 0."""
    _check_pair("relu_backward", grad_output, x)
    return _gate(grad_output, x, x <= 0)


def leaky_relu(x: np.ndarray, negative_slope: float = 0.01) -> np.ndarray:
    """x, and negative values times `negative_slope`, so that they stay negative but small.

    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
    """
    checks.array("leaky_relu", "x", x)
    slope = checks.number("leaky_relu", "negative_slope", negative_slope)
    return np.where(x > 0, x, x * x.dtype.type(slope))


def leaky_relu_backward(
    grad_output: np.ndarray, x: np.ndarray, negative_slope: float = 0.01
) -> np.ndarray:
    """The gradient, times `negative_slope` where x was not positive."""
    _check_pair("leaky_relu_backward", grad_output, x)
    slope = checks.number("leaky_relu_backward", "negative_slope", negative_slope)
    return np.where(x > 0, grad_output, grad_output * x.dtype.type(slope))


def tanh(x: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent: an S through 0, from -1 to 1."""
    checks.array("tanh", "x", x)
    return np.tanh(x)


def tanh_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The slope of tanh is 1 - tanh(x)^2."""
    _check_pair("tanh_backward", grad_output, x)
    return grad_output * (1 - np.tanh(x) ** 2)


def hardtanh(x: np.ndarray, min_val: float = -1.0, max_val: float = 1.0) -> np.ndarray:
    """x, clipped to [min_val, max_val]: tanh made of three straight lines."""
    checks.array("hardtanh", "x", x)
    _check_limits("hardtanh", min_val, max_val)
    return np.clip(x, x.dtype.type(min_val), x.dtype.type(max_val))


def hardtanh_backward(
    grad_output: np.ndarray, x: np.ndarray, min_val: float = -1.0, max_val: float = 1.0
) -> np.ndarray:
    """The gradient where x was strictly between the limits, 0 elsewhere."""
    _check_pair("hardtanh_backward", grad_output, x)
    _check_limits("hardtanh_backward", min_val, max_val)
    return _gate(grad_output, x, (x <= min_val) | (x >= max_val))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)): an S from 0 to 1."""
    checks.array("sigmoid", "x", x)
    small = np.exp(-np.abs(x))  # of the two forms below, each is used where exp does not overflow
    return np.where(x >= 0, 1, small) / (1 + small)


def sigmoid_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The slope of the sigmoid s is s * (1 - s)."""
    _check_pair("sigmoid_backward", grad_output, x)
    s = sigmoid(x)
    return grad_output * s * (1 - s)


def silu(x: np.ndarray) -> np.ndarray:
    """x * sigmoid(x): a ReLU without a corner (Elfwing, Uchibe and Doya, 2017, equation 5)."""
    checks.array("silu", "x", x)
    return x * sigmoid(x)


def silu_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """With s = sigmoid(x), the slope of x * s is s + x * s * (1 - s)."""
    _check_pair("silu_backward", grad_output, x)
    s = sigmoid(x)
    return grad_output * s * (1 + x * (1 - s))


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """x times the share of a standard normal distribution that lies below x.

    approximate: "none", or "tanh" for a formula with tanh, off by at most 0.0005 and far faster.
    Hendrycks and Gimpel, "Gaussian error linear units" (2016), section 2.
    """
    checks.array("gelu", "x", x)
    return x * _share_below("gelu", x, approximate)[0]


def gelu_backward(grad_output: np.ndarray, x: np.ndarray, approximate: str = "none") -> np.ndarray:
    """The slope of x times a share is the share plus x times the share's slope."""
    _check_pair("gelu_backward", grad_output, x)
    share, slope = _share_below("gelu_backward", x, approximate)
    return grad_output * (share + x * slope)


def _share_below(function: str, x: np.ndarray, approximate: str) -> tuple[np.ndarray, np.ndarray]:
    """The share of a standard normal distribution that lies below x, and its slope."""
    if checks.choice(function, "approximate", approximate, ("none", "tanh")) == "none":
        erf = np.asarray(np.frompyfunc(math.erf, 1, 1)(x * math.sqrt(0.5)), x.dtype)
        return (1 + erf) / 2, np.exp(-x * x / 2) * math.sqrt(0.5 / math.pi)
    scale = math.sqrt(2 / math.pi)
    t = np.tanh(scale * (x + 0.044715 * x * x * x))
    return (1 + t) / 2, (1 - t * t) * (scale * (0.5 + 1.5 * 0.044715 * x * x))


def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """x, and alpha * (exp(x) - 1) below 0, which levels off at -alpha.

    Clevert, Unterthiner and Hochreiter, "Exponential linear units" (2015), equation 15.
    """
    checks.array("elu", "x", x)
    alpha = checks.number("elu", "alpha", alpha)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(grad_output: np.ndarray, x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """The gradient, times alpha * exp(x) where x was not positive."""
    _check_pair("elu_backward", grad_output, x)
    alpha = checks.number("elu_backward", "alpha", alpha)
    return np.where(x <= 0, grad_output * (alpha * np.exp(np.minimum(x, 0))), grad_output)


def identity(x: np.ndarray) -> np.ndarray:
    """x itself: no activation."""
    return checks.array("identity", "x", x)


def identity_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient itself."""
    _check_pair("identity_backward", grad_output, x)
    return grad_output


def _check_pair(function: str, grad_output: np.ndarray, x: np.ndarray) -> None:
    checks.array(function, "x", x)
    checks.array(function, "grad_output", grad_output, shape=x.shape)


def _gate(grad_output: np.ndarray, x: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """The gradient, laid out in memory as x, and 0 where the gate is closed."""
    with np.errstate(over="ignore", invalid="ignore"):
        output = np.multiply(grad_output, ~closed, out=np.empty_like(x))
        finite = np.isfinite(output.sum())
    if not finite:  # infinity times 0 is NaN
        output[closed] = 0
    return output


def _check_limits(function: str, min_val: float, max_val: float) -> None:
    checks.number(function, "max_val", max_val)
    checks.number(function, "min_val", min_val, maximum=max_val)


class ReLU(FunctionLayer):
    """`relu` as a layer: torch.nn.ReLU."""

    function, derivative = relu, relu_backward

    def forward(self, x: np.ndarray) -> np.ndarray:
        output = super().forward(x)
        self.saved = (output,)  # positive where x is, and kept by the next layer anyway
        return output


class LeakyReLU(FunctionLayer):
    """`leaky_relu` as a layer: torch.nn.LeakyReLU."""

    function, derivative = leaky_relu, leaky_relu_backward

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.options = (checks.number("LeakyReLU", "negative_slope", negative_slope),)


class Tanh(FunctionLayer):
    """`tanh` as a layer: torch.nn.Tanh."""

    function, derivative = tanh, tanh_backward


class Hardtanh(FunctionLayer):
    """`hardtanh` as a layer: torch.nn.Hardtanh."""

    function, derivative = hardtanh, hardtanh_backward

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        _check_limits("Hardtanh", min_val, max_val)
        self.options = (min_val, max_val)


class Sigmoid(FunctionLayer):
    """`sigmoid` as a layer: torch.nn.Sigmoid."""

    function, derivative = sigmoid, sigmoid_backward


class SiLU(FunctionLayer):
    """`silu` as a layer: torch.nn.SiLU."""

    function, derivative = silu, silu_backward


class GELU(FunctionLayer):
    """`gelu` as a layer: torch.nn.GELU."""

    function, derivative = gelu, gelu_backward

    def __init__(self, approximate: str = "none") -> None:
        checks.choice("GELU", "approximate", approximate, ("none", "tanh"))
        self.options = (approximate,)


class ELU(FunctionLayer):
    """`elu` as a layer: torch.nn.ELU."""

    function, derivative = elu, elu_backward

    def __init__(self, alpha: float = 1.0) -> None:
        self.options = (checks.number("ELU", "alpha", alpha),)


class Identity(FunctionLayer):
    """`identity` as a layer: torch.nn.Identity."""

    function, derivative = identity, identity_backward
