"""Gradient checking: is what `backward` says what a small push of each number does?"""

import math

import numpy as np

from cnnlib import checks
from cnnlib.layer import Layer
from cnnlib.loss import Loss

SMALL = 200  # numbers in an array that are all pushed one by one
DIRECTIONS = 10  # along which a larger array is pushed
ROUNDINGS = 10  # in the last digit, that may add up in a loss


def gradient_check(
    network: Layer, x: np.ndarray, loss: Loss | None = None, target: np.ndarray | None = None, *,
    epsilon: float = 1e-5, tolerance: float = 1e-6, seed: int = 0,
) -> int:  # fmt: skip
    """Compare `backward` with differences, for x and for every parameter; float64 only.

    The slope in a direction d is (L(a + step * d) - L(a - step * d)) / (2 * step). In an array of
    up to 200 numbers d is each of them in turn; in a larger one, 10 random directions, along which
    a wrong number is seen just as well, unless its slope is small beside the others'. The step is
    epsilon, or in an array of small numbers epsilon times their size; where the slopes differ, a
    tenth of it decides. Without a `loss`, L is the sum of the outputs times fixed random numbers.
    Dropout draws the same for each L.

    Returns how many slopes were compared. Raises AssertionError naming the first parameter and
    index whose slope differs by more than `tolerance` times the slope, and by more than rounding
    explains: ten last digits of L over the step, 10 * 2^-52 * (|L| / step + 1).
    A kink (a ReLU at 0, a tie in a maximum) has no slope: keep x away from it.
    """
    checks.array("gradient_check", "x", x)
    arrays = {"x": x.copy()} | {k: p.data for k, p in network.named_parameters().items()}
    for name, array in arrays.items():
        if array.dtype != np.float64:
            found = f"gradient_check: {name} is {array.dtype}; expected float64"
            raise TypeError(f"{found}, because float32 has too few digits for differences")
    rng, state = np.random.default_rng(seed), network.state_dict()
    generators = [(generator, generator.bit_generator.state) for generator in network.generators()]
    output = network.forward(x)
    weights = None if loss else rng.standard_normal(output.shape)
    size = 0.0 if loss else float(np.linalg.norm(output * weights))  # of L, if nothing cancels

    def value() -> float:
        for generator, kept in generators:
            generator.bit_generator.state = kept
        output = network.forward(arrays["x"])
        return float(loss(output, target) if loss else (output * weights).sum())

    def value_at(array: np.ndarray, place: np.ndarray) -> float:
        before = array.copy()
        array[...] = place
        loss_there = value()
        array[...] = before
        return loss_there

    size = max(size, abs(value()))
    network.zero_grad()
    grad_x = network.backward(loss.backward() if loss else weights)
    grads = {"x": grad_x} | {k: p.grad for k, p in network.named_parameters().items()}
    count = 0
    for name, array in arrays.items():
        largest = epsilon * (min(1.0, math.sqrt(np.square(array).mean())) or 1.0)
        for index, direction in _directions(array, rng):
            for step in (largest, largest / 10):
                up, down = array + step * direction, array - step * direction
                expected = (value_at(array, up) - value_at(array, down)) / (2 * step)
                got = float((grads[name] * (up - down)).sum()) / (2 * step)
                rounding = ROUNDINGS * np.finfo(float).eps * (size / step + 1)
                if abs(got - expected) <= max(tolerance * abs(expected), rounding):
                    break
            else:
                found = f"gradient_check: {name}{index}: expected {expected:.10g} (by differences)"
                raise AssertionError(f"{found}, got {got:.10g} (from backward)")
            count += 1
    network.load_state_dict(state)  # batch norm's running statistics have moved
    return count


def _directions(array: np.ndarray, rng: np.random.Generator):  # noqa: ANN202
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
