"""Four gradients of one small convolution, one of them wrong: push the numbers and find it."""

from typing import Any

import numpy as np
import traitlets

from cnnlib.convolution import conv2d, conv2d_backward
from cnnlib.loss import mse_loss_backward
from cnnlib.widgets.widget import Widget

# What each planted bug is called, and what it did.
BUGS = {
    "flip": "The pixel's gradient was computed without turning the kernel.",
    "mean": "The bias's gradient is the mean over the positions; it should be their sum.",
    "transpose": "The weight's gradient is that of the weight across the diagonal.",
    "factor": "The weight's gradient lost the factor 2 / n of the mean squared error.",
}


def planted(bug: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return a random convolution, four claimed gradients of its loss, and which one is wrong.

    The image is 3x4, the kernel 2x2, the loss the mean squared error against a target of 2x3.
    The claims are for the weights (0, 1) and (1, 1), the bias and the pixel (1, 1).
    Raises ValueError when `bug` is not one of BUGS.
    """
    if bug not in BUGS:
        raise ValueError(f"planted: bug is {bug!r}; expected one of {list(BUGS)}")
    while True:
        x = rng.integers(0, 10, (1, 1, 3, 4)).astype(float)
        weight = rng.integers(-2, 3, (1, 1, 2, 2)).astype(float)
        bias, target = rng.integers(0, 4, 1).astype(float), rng.integers(-9, 10, (1, 1, 2, 3)) * 1.0
        grad = mse_loss_backward(1.0, conv2d(x, weight, bias), target)
        grad_x, grad_weight, grad_bias = conv2d_backward(grad, x, weight)
        right = [grad_weight[0, 0, 0, 1], grad_weight[0, 0, 1, 1], grad_bias[0], grad_x[0, 0, 1, 1]]
        unturned = conv2d_backward(grad, x, weight[..., ::-1, ::-1])[0][0, 0, 1, 1]
        wrong, value = {
            "transpose": (0, grad_weight[0, 0, 1, 0]),
            "factor": (1, grad_weight[0, 0, 1, 1] * grad.size / 2),
            "mean": (2, grad.mean()),
            "flip": (3, unturned),
        }[bug]
        if abs(value - right[wrong]) > 0.5:  # else the bug does not show in these numbers
            claims = [value if index == wrong else float(one) for index, one in enumerate(right)]
            numbers = {"image": x[0], "weight": weight, "bias": bias, "target": target[0]}
            return {name: array.tolist() for name, array in numbers.items()} | {
                "claims": [float(claim) for claim in claims],
                "wrong": wrong,
                "bug": BUGS[bug],
            }


class GradientChecker(Widget):
    """Which of four gradients is wrong? The reader pushes each number and compares slopes.

    Parameters
    ----------
    bugs : sequence of str
        One case for each, drawn with `planted`; all of BUGS by default.
    seed : int
        Of the random numbers.

    `current` is the case that is shown, `exponent` the step's (the step is 10 to its power, from
    -1 to -14), `solved` whether the wrong gradient was found. They are synced with the page.

    Raises
    ------
    ValueError
        When a bug is unknown.
    TraitError
        When `exponent` is not an integer from -14 to -1.

    """

    cases = traitlets.List(traitlets.Dict(), minlen=1).tag(sync=True)
    current = traitlets.Int(0, min=0).tag(sync=True)
    exponent = traitlets.Int(-3, min=-14, max=-1).tag(sync=True)
    solved = traitlets.Bool(False).tag(sync=True, link=None)

    def __init__(self, bugs: Any = tuple(BUGS), seed: int = 0, **kwargs: Any) -> None:
        rng = np.random.default_rng(seed)
        # A saved widget is made again from its traits, with the cases as the page has them.
        super().__init__(**{"cases": [planted(bug, rng) for bug in bugs], **kwargs})

    def __repr__(self) -> str:
        """State the claims and which is wrong, so that stored outputs can be compared."""
        lines = [f"{np.round(c['claims'], 4).tolist()}, wrong: {c['wrong']}" for c in self.cases]
        return "\n".join(["GradientChecker:", *lines])
