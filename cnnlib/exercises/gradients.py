"""Exercises of the chapter "The idea of a gradient"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try, both_ways, layer


def written(number: float, form: str = "g") -> str:
    """A number with the sign that a text has."""
    return format(number, form).replace("-", "−")


def slope_of_a_weight(rng: np.random.Generator) -> Any:
    """A question: the slope of the loss for one weight of a score."""
    from cnnlib.widgets import Question

    p, number = int(rng.integers(5, 95)) / 100, int(rng.integers(20, 90)) / 10
    y = int(rng.integers(0, 2))
    right = (p - y) * number
    return Question(
        f"A weight multiplies the number {number:g} on the way to a score. The score's class has "
        f"the probability {p:g}, and it is {'' if y else 'not '}the right class. What is the slope "
        "of the loss for the weight? (Two decimals.)",
        right,
        [
            (-right, "The sign is turned round: the slope of a score is p − y, not y − p."),
            (p - y, "That is the slope of the score. The weight multiplies a number on its way."),
            ((p - 1 + y) * number, "y is 1 for the right class, and 0 for every other."),
            (number, "That is the slope of the score for the weight. The loss lies behind it."),
        ],
        steps=[
            f"The target y is {y} for this class, so the score has the slope p − y = "
            f"{written(p - y, '.2f')}.",
            f"The weight moves the score {number:g} times as fast: "
            f"{number:g}·({written(p - y, '.2f')}) = {written(right, '.2f')}.",
        ],
    )


def place_of_the_kink(rng: np.random.Generator) -> Any:
    """A question: the value of a weight where its neuron's sum is 0."""
    from cnnlib.widgets import Question

    weight, number = int(rng.integers(-9, 10)) / 10, int(rng.integers(2, 16))
    total = int(rng.integers(11, 90)) / 10
    rest = total - weight * number
    return Question(
        f"The sum of a neuron is {total:g}, its ReLU lets it through. One of its weights is "
        f"{written(weight)} and multiplies {number}. At which value of this weight is the kink? "
        "(Two decimals.)",
        -rest / number,
        [
            (-total / number, "That is how far the weight has to move. Start from where it is."),
            (rest / number, "The sign: the weight's product has to undo the rest of the sum."),
            (weight + total / number, "That way the sum grows. It has to fall to 0."),
            (-rest, f"That is what the product has to be. Divide it by {number}."),
            (0, "A weight of 0 takes its own product away. The rest of the sum is still there."),
        ],
        steps=[
            f"Without the weight's product the sum is {total:g} − ({written(weight)})·{number}"
            f" = {written(rest, '.1f')}.",
            f"The kink is where the product is {written(-rest, '.1f')}: at "
            f"{written(-rest, '.1f')} / {number} = {written(-rest / number, '.2f')}.",
        ],
    )


def numbers_and_gradients(rng: np.random.Generator) -> list[Try]:
    """Arrays of one, two and four axes, each with what comes back."""
    shapes = [(3,), (2, 4), (2, 3, 1, 5)]
    return [(rng.integers(-9, 10, s) / 2 + 0.25, rng.integers(-9, 10, s) / 4) for s in shapes]


EXERCISES = {
    "gradients-hand": Drawn(slope_of_a_weight),
    "gradients-kink": Drawn(place_of_the_kink),
    "gradients-square": Exercise(
        "Square",
        layer(lambda x: x**2, lambda grad, x: 2 * grad * x),
        numbers_and_gradients,
        [
            (
                layer(lambda x: x**2, lambda grad, x: 2 * x),
                "`backward` gives the slope of the layer alone. Multiply it by `grad_output`.",
            ),
            (
                layer(lambda x: x**2, lambda grad, x: grad * x**2),
                "`backward` multiplies by the output. It is the slope of x² that belongs there: "
                "nudge a number to see it.",
            ),
            (
                layer(lambda x: x**2, lambda grad, x: grad * x),
                "Half of the slope is missing: nudging 3 gives 6, and not 3.",
            ),
            (
                layer(lambda x: x**2, lambda grad, x: 2 * grad),
                "`backward` does not use x. The slope of x² is another at each number.",
            ),
            (
                layer(lambda x: x**2, lambda grad, x: grad),
                "`backward` passes the gradient on as it is. Multiply it by the slope.",
            ),
            (
                layer(lambda x: 2 * x, lambda grad, x: 2 * grad),
                "`forward` doubles the numbers. It should multiply each by itself.",
            ),
        ],
        [
            "`forward` has to keep what `backward` needs: `self.saved = x`.",
            "In `backward`, `x = self.recall()` gives it back. The slope of x² is 2x.",
            "The gradient of the input is the slope times what comes back: "
            "`grad_output * 2 * self.recall()`.",
        ],
        both_ways,
    ),
}
