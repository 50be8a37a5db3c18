"""Gradient checking: is what `backward` says what a small push of each number does?"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from cnnlib import checks
from cnnlib.layer import Layer
from cnnlib.loss import Loss

SMALL = 200  # numbers in an array that are all pushed one by one
DIRECTIONS = 10  # along which a larger array is pushed
EPS = np.finfo(float).eps
ROUNDINGS = 10  # in the last digit, that may add up in a loss


def gradient_check(
    network: Layer, x: np.ndarray, loss: Loss | None = None, target: np.ndarray | None = None, *,
    epsilon: float = 1e-5, tolerance: float = 1e-6, seed: int = 0,
) -> int:  # fmt: skip
    """Compare `backward` with differences, for x and every parameter that learns; float64 only.

    The slope in a direction d is (L(a + step * d) - L(a - step * d)) / (2 * step). In an array of
    up to 200 numbers d is each of them in turn; in a larger one, 10 random directions, along which
    a wrong number is seen just as well, unless its slope is small beside the others'. The step is
    epsilon, or in an array of small numbers epsilon times their size; where the slopes differ and
    L bends, so that a smaller step gives another slope, a tenth of it decides. Without a `loss`, L
    is the sum of the outputs times fixed random numbers. Dropout draws the same for each L.

    Returns how many slopes were compared; the network is left as it was. Raises AssertionError
    naming the first parameter and index whose slope differs by more than `tolerance` times the
    slope, and by more than rounding explains: ten last digits of L over the step,
    10 * 2^-52 * (|L| / step + 1). Where the differences themselves cannot be trusted, because those
    of the two steps are further apart than from `backward`, it says that instead: at a kink (a ReLU
    at 0, a tie in a maximum), or where a layer enlarges rounding (batch norm of equal numbers).
    """
    arrays = _arrays(network, x, loss, epsilon, tolerance)
    rng = np.random.default_rng(checks.integer("gradient_check", "seed", seed, 0))
    with _left_as_it_was(network) as rewind:
        output = network.forward(arrays["x"])
        weights = rng.standard_normal(output.shape)

        def value() -> float:
            rewind()
            output = network.forward(arrays["x"])
            return float(loss(output, target) if loss else (output * weights).sum())

        def value_at(array: np.ndarray, place: np.ndarray) -> float:
            kept = array.copy()
            array[...] = place
            try:
                return value()
            finally:
                array[...] = kept

        size = 0.0 if loss else float(np.linalg.norm(output * weights))  # of L, if nothing cancels
        size = max(size, abs(value()))
        network.zero_grad()
        grad_x = network.backward(loss.backward() if loss else weights)
        grads = {"x": grad_x} | {k: p.grad for k, p in network.named_parameters().items()}
        count = 0
        for name, array in arrays.items():
            grad = grads[name]
            grad = np.zeros_like(array) if grad is None else grad  # as in torch
            if grad.shape != array.shape:
                found = f"gradient_check: the gradient for {name} has shape {grad.shape}"
                raise AssertionError(f"{found}; expected {array.shape}")
            largest = epsilon * (min(1.0, math.sqrt(np.square(array).mean())) or 1.0)
            for index, direction in _directions(array, rng):
                slopes = []
                for step in (largest, largest / 10):
                    up, down = array + step * direction, array - step * direction
                    slopes.append((value_at(array, up) - value_at(array, down)) / (2 * step))
                    got = float((grad * (up - down)).sum()) / (2 * step)
                    off, rounding = abs(got - slopes[-1]), ROUNDINGS * EPS * (size / step + 1)
                    bends = abs(slopes[0] - slopes[-1]) >= off or step == largest
                    if off <= max(tolerance * abs(slopes[-1]), rounding) and bends:
                        break
                else:
                    raise AssertionError(_verdict(f"{name}{index}", slopes, got))
                count += 1
        return count


def _arrays(
    network: Layer, x: np.ndarray, loss: Loss | None, epsilon: float, tolerance: float
) -> dict[str, np.ndarray]:
    """All arrays that are pushed, by name, once the arguments are known to be usable."""
    function = "gradient_check"
    checks.instance(function, "network", network, Layer)
    checks.instance(function, "loss", Loss() if loss is None else loss, Loss)
    checks.choice(function, "loss.reduction", loss.reduction if loss else "sum", ("mean", "sum"))
    checks.number(function, "epsilon", epsilon, 1e-12)
    checks.number(function, "tolerance", tolerance, 0)
    checks.array(function, "x", x)
    own = network.named_parameters().items()
    arrays = {"x": x.copy()} | {key: p.data for key, p in own if p.requires_grad}
    for name, array in arrays.items():
        if array.dtype != np.float64:
            found = f"gradient_check: {name} is {array.dtype}; expected float64"
            raise TypeError(f"{found}, because float32 has too few digits for differences")
    return arrays


@contextmanager
def _left_as_it_was(network: Layer) -> Iterator[Callable[[], None]]:
    """Give a function that rewinds the random generators, and put everything back at the end."""
    state = network.state_dict()
    grads = [(parameter, parameter.grad) for parameter in network.parameters()]
    generators = [(generator, generator.bit_generator.state) for generator in network.generators()]

    def rewind() -> None:
        for generator, kept in generators:
            generator.bit_generator.state = kept

    try:
        yield rewind
    finally:
        rewind()
        for key, array in network._arrays().items():  # batch norm's running statistics have moved
            array[...] = state[key]
        for parameter, grad in grads:
            parameter.grad = grad


def _verdict(place: str, slopes: list[float], got: float) -> str:
    """What is wrong there: the gradient, or the differences, which no two steps agree on."""
    wide, narrow = slopes
    if abs(wide - narrow) > abs(got - narrow) / 2:
        found = f"gradient_check: {place}: differences give {wide:.10g} and {narrow:.10g}"
        return f"{found}, too far apart to judge {got:.10g} (from backward)"
    found = f"gradient_check: {place}: expected {narrow:.10g} (by differences)"
    return f"{found}, got {got:.10g} (from backward)"


def _directions(array: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[object, np.ndarray]]:
    """Each number of a small array with its index, or random directions of length 1."""
    if array.size <= SMALL:
        for index in np.ndindex(array.shape):
            direction = np.zeros_like(array)
            direction[index] = 1
            yield list(map(int, index)), direction
    else:
        for number in range(DIRECTIONS):
            direction = rng.standard_normal(array.shape)
            yield f" along direction {number}", direction / np.linalg.norm(direction)
