"""First values for weights, drawn so that signals neither grow nor fade from layer to layer.

A weight's shape is (outputs, inputs) or (out_channels, in_channels / groups, rows, columns). Each
function draws an array of `shape` from `rng`, a numpy.random.Generator.
"""

import math

import numpy as np
from numpy.typing import DTypeLike

from cnnlib import checks


def fans(shape: tuple[int, ...], function: str = "fans") -> tuple[int, int]:
    """How many inputs one output sums over (fan_in), and how many outputs one input reaches."""
    shape = checks.sizes(function, "shape", shape)
    checks.require(len(shape) > 1, f"{function}: shape is {shape}; expected at least 2 axes")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def kaiming_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, a: float = 0.0, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Uniform with variance 2 / ((1 + a^2) * fan_in), for layers before a ReLU.

    a: the slope of a leaky ReLU on the negative side.
    He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), equations 10 and 15.
    """
    bound = math.sqrt(3) * _kaiming_std("kaiming_uniform", shape, rng, a, dtype)
    return rng.uniform(-bound, bound, shape).astype(dtype, copy=False)


def kaiming_normal(
    shape: tuple[int, ...], rng: np.random.Generator, a: float = 0.0, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """Normal, otherwise as `kaiming_uniform`."""
    std = _kaiming_std("kaiming_normal", shape, rng, a, dtype)
    return rng.normal(0, std, shape).astype(dtype, copy=False)


def xavier_uniform(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    gain: float = 1.0,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Uniform with variance gain^2 * 2 / (fan_in + fan_out), for layers before a tanh.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010), equation 16.
    """
    bound = math.sqrt(3) * _xavier_std("xavier_uniform", shape, rng, gain, dtype)
    return rng.uniform(-bound, bound, shape).astype(dtype, copy=False)


def xavier_normal(
    shape: tuple[int, ...],
    rng: np.random.Generator,
    gain: float = 1.0,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Normal, otherwise as `xavier_uniform`."""
    std = _xavier_std("xavier_normal", shape, rng, gain, dtype)
    return rng.normal(0, std, shape).astype(dtype, copy=False)


def torch_default(
    shape: tuple[int, ...], fan_in: int, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> np.ndarray:
    """What torch gives Linear and convolutions: uniform within 1 / sqrt(fan_in), biases too."""
    checks.sizes("torch_default", "shape", shape)
    bound = 1 / math.sqrt(checks.integer("torch_default", "fan_in", fan_in, 1))
    _check("torch_default", rng, dtype)
    return rng.uniform(-bound, bound, shape).astype(dtype, copy=False)


def _kaiming_std(
    function: str, shape: tuple[int, ...], rng: np.random.Generator, a: float, dtype: DTypeLike
) -> float:
    _check(function, rng, dtype)
    slope = checks.number(function, "a", a)
    return math.sqrt(2 / ((1 + slope**2) * fans(shape, function)[0]))


def _xavier_std(
    function: str, shape: tuple[int, ...], rng: np.random.Generator, gain: float, dtype: DTypeLike
) -> float:
    _check(function, rng, dtype)
    return checks.number(function, "gain", gain, 0) * math.sqrt(2 / sum(fans(shape, function)))


def _check(function: str, rng: np.random.Generator, dtype: DTypeLike) -> None:
    checks.instance(function, "rng", rng, np.random.Generator)
    checks.floating(function, dtype)
