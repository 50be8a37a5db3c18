"""Exercises of the chapter "Better training"."""

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Try


def how_many_batches(rng: np.random.Generator) -> Any:
    """A question: after how many batches a running mean has covered so much of the way."""
    from cnnlib.widgets import Question

    momentum = float(rng.choice([0.01, 0.05, 0.1, 0.2, 0.3]))
    share = float(rng.choice([0.5, 0.9, 0.95, 0.99]))
    exact = np.log(1 - share) / np.log(1 - momentum)
    right = int(np.ceil(exact))
    return Question(
        f"A running mean moves by {momentum:.0%} of what is left with each batch. After how many "
        f"batches has it covered {share:.0%} of the way?",
        right,
        [
            (int(exact), "Then a little is still missing: round up."),
            (round(share / momentum), "Each batch moves a part of what is left, not of the way."),
            (
                int(np.ceil(np.log(share) / np.log(1 - momentum))),
                f"What is left has to fall below {1 - share:.2f}, not below {share:g}.",
            ),
            (
                int(np.ceil(np.log(1 - share) / np.log(momentum))),
                f"After each batch {1 - momentum:g} of what was left is still left.",
            ),
        ],
        steps=[
            f"After n batches {1 - momentum:g} to the power of n is left, and that has to be "
            f"{1 - share:.2f} at most.",
            f"n is the logarithm of {1 - share:.2f} divided by that of {1 - momentum:g}, "
            f"{exact:.2f}: so {right} batches.",
        ],
    )


def fold(
    mean: bool = True, root: bool = True, eps: bool = True, scaled: bool = True,
    shift: bool = True, options: bool = True,
) -> Callable:  # fmt: skip
    """A folding, with what a mistake leaves out.

    mean: the running mean. root: of the variance. eps: the small number. scaled: the convolution's
    bias. shift: the norm's bias. options: stride and padding.
    """

    def folded(conv: Any, norm: cnnlib.BatchNorm2d) -> cnnlib.Conv2d:
        variance = norm.running_var + (norm.eps if eps else 0)
        scale = norm.weight.data / (np.sqrt(variance) if root else variance)
        o, c, *size = conv.weight.data.shape
        geometry: Any = {"stride": conv.stride, "padding": conv.padding} if options else {}
        made: Any = cnnlib.Conv2d(c, o, tuple(size), **geometry, dtype=np.float64)
        made.weight.data[...] = conv.weight.data * scale[:, None, None, None]
        bias = conv.bias.data - (norm.running_mean if mean else 0)
        made.bias.data[...] = (scale * bias if scaled else bias) + (norm.bias.data if shift else 0)
        return made

    return folded


def with_both(
    written: Callable, weight: np.ndarray, bias: np.ndarray, norm: np.ndarray, stride: int,
    padding: int, x: np.ndarray,
) -> Any:  # fmt: skip
    """What the folded convolution makes of x.

    weight (O, C, h, w) and bias (O,) are the convolution's; norm (4, O) has the scale, shift, mean
    and variance of the normalization.
    """
    o, c, *size = weight.shape
    conv: Any = cnnlib.Conv2d(c, o, tuple(size), stride, padding, dtype=np.float64)
    conv.weight.data[...], conv.bias.data[...] = weight, bias
    layer = cnnlib.BatchNorm2d(o, eps=0.01, dtype=np.float64)
    layer.weight.data[...], layer.bias.data[...], layer.running_mean, layer.running_var = norm
    folded = written(conv, layer.eval())
    return folded if folded is None else folded.forward(x)


def layers(rng: np.random.Generator) -> list[Try]:
    """Convolutions with their normalizations, and images."""
    sizes = [(1, 2, 3, 3, 4, 2, 1, 1, 0), (2, 3, 3, 5, 6, 3, 2, 2, 1)]
    return [
        (
            rng.normal(size=(o, c, h, w)),
            rng.normal(size=o),
            np.stack([*rng.normal(size=(3, o)), rng.uniform(0.05, 3, o)]),
            stride,
            padding,
            rng.normal(size=(n, c, rows, columns)),
        )
        for n, c, o, rows, columns, h, w, stride, padding in sizes
    ]


def noise(
    draw: Callable = lambda layer, x: layer.std * layer.rng.normal(size=x.shape),
    modes: tuple[bool, ...] = (True,),
    back: Callable = lambda layer, grad: grad,
) -> type:
    """A layer of noise.

    draw(layer, x): the noise. modes: the values of `training` in which it is added. back(layer,
    grad_output): what is passed back.
    """

    class Noise(cnnlib.Layer):
        def __init__(self, std: float, rng: np.random.Generator) -> None:
            self.std, self.rng = std, rng

        def forward(self, x: np.ndarray) -> np.ndarray:
            self.drawn = draw(self, x)
            return x + self.drawn if self.training in modes else x

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            return back(self, grad_output)

    return Noise


def once(layer: Any, x: np.ndarray) -> np.ndarray:
    """The same noise each time."""
    return layer.std * np.random.default_rng(0).normal(size=x.shape)


def in_both_modes(
    written: Callable, std: float, x: np.ndarray, grad_output: np.ndarray
) -> dict[str, Any] | None:
    """What is true of the noise, and what comes out in evaluation and on the way back."""
    layer, many = written(std, np.random.default_rng(0)), np.full((200, 100), 3.0)
    first, second = layer.forward(many), layer.forward(many)
    if first is None:
        return None
    layer.forward(x)
    passed = layer.backward(grad_output)
    layer.training = False
    return {
        "mean of the noise": round(float((first - many).mean()), 1) + 0.0,
        "its standard deviation": round(float((first - many).std()), 1),
        "its largest is above 3 of them": bool(np.abs(first - many).max() > 3 * std),
        "another noise each time": not np.array_equal(first, second),
        "in evaluation": layer.forward(x),
        "gradient": passed,
    }


def images(rng: np.random.Generator) -> list[Try]:
    """Standard deviations, numbers and what comes back."""
    sizes = [(0.5, (2, 3)), (2.0, (2, 1, 3, 4))]
    return [(std, rng.integers(-9, 10, s) / 2, rng.integers(-9, 10, s) / 4) for std, s in sizes]


EXERCISES = {
    "better-training-momentum": Drawn(how_many_batches),
    "better-training-fold": Exercise(
        "fold",
        fold(),
        layers,
        [
            (
                fold(mean=False),
                "The running mean is missing: subtract it from the bias.",
            ),
            (
                fold(root=False),
                "You divided by the variance. Divide by its root, the standard deviation.",
            ),
            (
                fold(eps=False),
                "`norm.eps` is missing: it is added to the variance, under the root.",
            ),
            (
                fold(scaled=False),
                "The bias is not scaled. What the convolution adds is multiplied as well.",
            ),
            (
                fold(shift=False),
                "The normalization's own bias is missing: it is added at the end.",
            ),
            (
                fold(options=False),
                "Stride and padding are not passed on to the new convolution.",
            ),
        ],
        [
            "In evaluation a channel y becomes `scale * (y - mean) + shift`, with "
            "`scale = norm.weight.data / np.sqrt(norm.running_var + norm.eps)`.",
            "A convolution's channel is w ⋆ x + b. Multiply it out: the new weights are "
            "scale · w, the new bias is scale · (b − mean) + shift.",
            "Each filter has its own scale: `scale[:, None, None, None]` fits the weights.",
        ],
        with_both,
    ),
    "better-training-noise": Exercise(
        "Noise",
        noise(),
        images,
        [
            (
                noise(modes=(True, False)),
                "In evaluation there is noise as well. `self.training` says which mode is on.",
            ),
            (
                noise(modes=(False,)),
                "The modes are exchanged: the noise belongs to training.",
            ),
            (
                noise(lambda layer, x: layer.std**2 * layer.rng.normal(size=x.shape)),
                "The noise is too small or too large: multiply by `std`, not by its square.",
            ),
            (
                noise(lambda layer, x: layer.std * 12**0.5 * (layer.rng.random(x.shape) - 0.5)),
                "The random numbers are spread evenly. Normal ones come from `rng.normal`.",
            ),
            (
                noise(lambda layer, x: layer.std * abs(layer.rng.normal(size=x.shape))),
                "The noise is never negative. It should be 0 on average.",
            ),
            (
                noise(once),
                "The noise is the same each time. Draw anew in each `forward`, with the `rng` that "
                "was given.",
            ),
            (
                noise(back=lambda layer, grad: grad + layer.drawn),
                "On the way back there is noise as well. It does not depend on x: the gradient "
                "passes as it is.",
            ),
            (
                noise(back=lambda layer, grad: grad * layer.drawn),
                "You multiplied the gradient by the noise. It was added: the slope is 1.",
            ),
        ],
        [
            "`if not self.training: return x`.",
            "`self.rng.normal(size=x.shape)` has the standard deviation 1. And on the way back: "
            "how does x + noise change when x does?",
        ],
        in_both_modes,
    ),
}
