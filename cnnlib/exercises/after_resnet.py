"""Exercises of the chapter "After ResNet"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def counted_products(rng: np.random.Generator) -> Any:
    """A question: the products of a convolution for one pixel, in groups or depthwise separable."""
    from cnnlib.widgets import Question

    groups, of_each = int(rng.choice([2, 4, 8])), int(rng.choice([3, 4, 6]))
    size, separable = int(rng.choice([3, 5])), bool(rng.integers(0, 2))
    inputs = groups * of_each
    outputs = inputs * int(rng.choice([1, 2]))
    area, full = size**2, size**2 * inputs * outputs
    if separable:
        answer, what = area * inputs + inputs * outputs, "depthwise separable convolution"
        mistakes = [
            (area * inputs, "That is the depthwise part. The 1×1 convolution is still missing."),
            (inputs * outputs, "That is the 1×1 convolution. The depthwise part is missing."),
            (full, "That is a full convolution."),
            (area * inputs * inputs * outputs, "The two parts follow each other: add them."),
        ]
        steps = [
            f"Depthwise: {area}·{inputs} = {area * inputs:,}. 1×1: {inputs}·{outputs} = "
            f"{inputs * outputs:,}.",
            f"{area * inputs:,} + {inputs * outputs:,} = {answer:,}.",
        ]
    else:
        answer, what = full // groups, f"convolution in {groups} groups"
        mistakes = [
            (full, "That is a full convolution: here a filter sees the channels of its group."),
            (full // groups**2, "The inputs of a filter are divided by the groups, once."),
            (full * groups, "Groups make it cheaper."),
        ]
        steps = [
            f"A filter sees {inputs}/{groups} = {of_each} channels: {area}·{of_each} = "
            f"{area * of_each} products.",
            f"{outputs} filters: {outputs}·{area * of_each} = {answer:,}.",
        ]
    return Question(
        f"A {size}×{size} {what}, from {inputs} to {outputs} channels, without biases. How many "
        "products are there for each pixel?",
        answer,
        mistakes,
        steps=steps,
    )


def squeezed(
    squeeze: Callable = lambda x: x.mean((2, 3)), act: Callable = cnnlib.relu,
    gate: Callable = cnnlib.sigmoid, combine: Callable = lambda x, s: x * s,
) -> Callable:  # fmt: skip
    """Squeeze and excitation, with what a mistake changes in each of its four steps."""

    def squeeze_excite(
        x: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray
    ) -> np.ndarray:
        hidden = act(squeeze(x) @ w1.T + b1)
        return combine(x, gate(hidden @ w2.T + b2)[:, :, None, None])

    return squeeze_excite


def maps(rng: np.random.Generator) -> list[Try]:
    """Maps (N, C, H, W) and the weights and biases of two dense layers, C to S and S to C."""
    return [
        (
            rng.normal(1, 2, (n, c, *sides)), rng.normal(size=(s, c)), rng.normal(size=s),
            rng.normal(size=(c, s)), rng.normal(size=c),
        )
        for n, c, s, sides in [(1, 3, 2, (2, 1)), (3, 4, 2, (3, 2)), (2, 6, 3, (4, 5))]
    ]  # fmt: skip


EXERCISES = {
    "after-resnet-products": Drawn(counted_products),
    "after-resnet-squeeze": Exercise(
        "squeeze_excite",
        squeezed(),
        maps,
        [
            (
                squeezed(squeeze=lambda x: x.sum((2, 3))),
                "You have summed each map. The squeeze is its mean.",
            ),
            (
                squeezed(squeeze=lambda x: x.max((2, 3))),
                "You have taken each map's largest number. The squeeze is its mean.",
            ),
            (
                squeezed(act=lambda x: x),
                "Between the two layers the ReLU is missing.",
            ),
            (
                squeezed(gate=lambda x: x),
                "Behind the second layer the sigmoid is missing.",
            ),
            (
                squeezed(gate=lambda x: cnnlib.softmax(x)),
                "A softmax makes the channels compete. Each has a sigmoid of its own.",
            ),
            (
                squeezed(combine=lambda x, s: x + s),
                "You have added the gate. The maps are multiplied by it.",
            ),
        ],
        [
            "The means of the maps are x.mean((2, 3)), of shape (N, C).",
            "A dense layer is s @ w.T + b. There are two, with a ReLU between them and a sigmoid "
            "behind the second.",
            "To multiply each map by its number, bring the gate into the shape (N, C, 1, 1).",
        ],
    ),
}
