"""Dense layers: every output is a weighted sum of all inputs."""

import math

import numpy as np
from numpy.typing import DTypeLike

from cnnlib import checks
from cnnlib.fast_convolution import side_by_side
from cnnlib.layer import FunctionLayer, WeightedLayer


def flatten(x: np.ndarray) -> np.ndarray:
    """Lay each image's numbers in a row: (N, C, H, W) to (N, C * H * W), channel by channel."""
    checks.array("flatten", "x", x)
    checks.require(x.ndim > 1, f"flatten: x has shape {x.shape}; expected a batch, 2 axes or more")
    return x.reshape(len(x), -1)


def flatten_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The gradient, put back into the shape of x."""
    checks.array("flatten_backward", "x", x)
    shape = (len(x), math.prod(x.shape[1:]))
    checks.array("flatten_backward", "grad_output", grad_output, shape=shape)
    return grad_output.reshape(x.shape)


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Weighted sums, x times weight transposed, plus bias: torch.nn.functional.linear.

    x: (N, inputs), or (inputs,). weight: (outputs, inputs). bias: (outputs,) or None.
    Returns (N, outputs), or (outputs,).
    """
    _check("linear", x, weight)
    output = x @ weight.T
    if bias is not None:
        checks.array("linear", "bias", bias, shape=weight.shape[:1])
        output += bias
    return output


def linear_backward(
    grad_output: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients for x, weight and bias, of their shapes.

    An input is heard by all outputs, through its weights; a weight carries one input to one output,
    once for each image of the batch.
    """
    _check("linear_backward", x, weight)
    shape = (*x.shape[:-1], len(weight))
    checks.array("linear_backward", "grad_output", grad_output, shape=shape)
    grads, inputs = np.atleast_2d(grad_output), np.atleast_2d(x)
    return grad_output @ weight, grads.T @ inputs, grads.sum(axis=0)


def _check(function: str, x: np.ndarray, weight: np.ndarray) -> None:
    checks.array(function, "x", x, (1, 2))
    inputs = checks.array(function, "weight", weight, 2).shape[1]
    found = x.shape[-1]
    checks.require(found == inputs, f"{function}: weight expects {inputs} inputs, x has {found}")


class Flatten(FunctionLayer):
    """`flatten` as a layer: torch.nn.Flatten."""

    function, derivative = flatten, flatten_backward


class Linear(WeightedLayer):
    """`linear` as a layer, (N, in_features) to (N, out_features): torch.nn.Linear.

    `weight`: (out_features, in_features), `bias`: (out_features,), drawn from `rng` as torch draws
    them.
    """

    function, derivative = linear, linear_backward

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *,
        rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32,
    ) -> None:  # fmt: skip
        self.in_features = checks.integer("Linear", "in_features", in_features, 1)
        self.out_features = checks.integer("Linear", "out_features", out_features, 1)
        self.draw((out_features, in_features), out_features, bias, rng, dtype)

    def forward(self, x: np.ndarray) -> np.ndarray:
        checks.array("linear", "x", x)
        return side_by_side(x.size * self.out_features, lambda: super(Linear, self).forward(x))[0]

    def backward(self, grad_output: np.ndarray) -> np.ndarray:
        checks.array("linear_backward", "grad_output", grad_output)
        products = grad_output.size * self.in_features
        return side_by_side(products, lambda: super(Linear, self).backward(grad_output))[0]
