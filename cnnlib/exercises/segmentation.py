"""Exercises of the chapter "Every pixel an answer"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try, both_ways, layer


def draw_iou(rng: np.random.Generator) -> Any:
    """The IoU of one class in two small grids."""
    from cnnlib.widgets import Question

    truth = rng.integers(0, 2, (3, 4))
    answer = np.where(rng.random((3, 4)) < 0.7, truth, rng.integers(0, 2, (3, 4)))
    truth.flat[0], answer.flat[0] = 1, 1
    truth.flat[5], answer.flat[5] = 1, 0
    both, either = int((truth & answer).sum()), int((truth | answer).sum())
    slips = [
        (both / truth.sum(), "Divide by the pixels that either has, not by those of the truth."),
        (both / answer.sum(), "Divide by the pixels that either has, not by the answer's."),
        ((truth == answer).mean(), "That is the share of right pixels, the 0 among them."),
    ]
    grids = [", ".join(f"`{''.join(map(str, row))}`" for row in one) for one in (truth, answer)]
    return Question(
        f"Rows of the truth: {grids[0]}. Of the answer: {grids[1]}. What is the IoU of class 1? "
        "(Three decimals.)",
        both / either,
        [slip for slip in slips if abs(slip[0] - both / either) > 0.0006],
        decimals=3,
        steps=[
            f"Both have a 1 in {both} pixels, either in {either}.",
            f"{both}/{either} = {both / either:.3f}.",
        ],
    )


def mean_iou(
    answer: np.ndarray, truth: np.ndarray, classes: int, first: int = 0, absent: float | None = None
) -> float:
    """The mean IoU from class `first` on; `absent` is what a class counts that is nowhere."""
    ious: list[float] = []
    for c in range(first, classes):
        both, either = (answer == c) & (truth == c), (answer == c) | (truth == c)
        if either.any():
            ious.append(both.sum() / either.sum())
        elif absent is not None:
            ious.append(absent)
    return float(np.mean(ious))


def recall(answer: np.ndarray, truth: np.ndarray, classes: int) -> float:
    """The mean share of each class that was found."""
    return float(np.mean([(answer[truth == c] == c).mean() for c in np.unique(truth)]))


def all_pixels(answer: np.ndarray, truth: np.ndarray, classes: int) -> float:
    """The intersections of all classes over the unions of all."""
    right = (answer == truth).sum()
    return float(right / (2 * truth.size - right))


def maps(rng: np.random.Generator) -> list[Try]:
    """Answers that are right in most pixels; one class is in none of the second."""
    tries: list[Try] = []
    for shape, classes, used in [((3, 4), 3, 3), ((5, 7), 5, 4), ((8, 6), 4, 4)]:
        truth = rng.integers(0, used, shape)
        answer = np.where(rng.random(shape) < 0.6, truth, rng.integers(0, used, shape))
        tries.append((answer, truth, classes))
    return tries


def repeat(x: np.ndarray) -> np.ndarray:
    """Each pixel four times."""
    return x.repeat(2, axis=2).repeat(2, axis=3)


def repeat_backward(grad_output: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The sum of the four."""
    n, c, h, w = x.shape
    return grad_output.reshape(n, c, h, 2, w, 2).sum(axis=(3, 5))


def pictures(rng: np.random.Generator) -> list[Try]:
    """Small maps, not square, and gradients for what is made of them."""
    shapes = [(1, 1, 2, 3), (2, 3, 4, 1), (1, 2, 3, 5)]
    return [
        (rng.integers(-9, 10, s) / 2, rng.integers(-9, 10, (s[0], s[1], 2 * s[2], 2 * s[3])) / 2)
        for s in shapes
    ]


EXERCISES = {
    "segmentation-hand": Drawn(draw_iou),
    "segmentation-mean-iou": Exercise(
        "my_mean_iou",
        mean_iou,
        maps,
        [
            (
                lambda answer, truth, classes: float((answer == truth).mean()),
                "That is the pixel accuracy. Take the IoU of each class, then their mean.",
            ),
            (
                lambda answer, truth, classes: mean_iou(answer, truth, classes, first=1),
                "The background, class 0, is one of the classes.",
            ),
            (
                lambda answer, truth, classes: mean_iou(answer, truth, classes, absent=0.0),
                "A class that is in neither of the two counts as 0. Leave it out of the mean.",
            ),
            (
                lambda answer, truth, classes: mean_iou(answer, truth, classes, absent=1.0),
                "A class that is in neither of the two counts as 1. Leave it out of the mean.",
            ),
            (
                recall,
                "You divide by the pixels of the truth. Divide by those that either has.",
            ),
            (
                all_pixels,
                "You add up all classes before you divide. Divide for each class, then take the "
                "mean.",
            ),
        ],
        [
            "For a class: `both = (answer == c) & (truth == c)`, and `|` for either.",
            "Its IoU is `both.sum() / either.sum()`, if `either.any()`.",
            "Collect them in a list, and give `np.mean` of it.",
        ],
    ),
    "segmentation-repeat": Exercise(
        "Repeat",
        layer(repeat, repeat_backward),
        pictures,
        [
            (
                layer(lambda x: np.tile(x, (1, 1, 2, 2)), repeat_backward),
                "You lay four copies of the map side by side. Each pixel is to be repeated where "
                "it is: `x.repeat(2, axis=2)`.",
            ),
            (
                layer(repeat, lambda grad, x: repeat_backward(grad, x) / 4),
                "The way back takes the mean of the four. They add up.",
            ),
            (
                layer(repeat, lambda grad, x: grad[:, :, ::2, ::2]),
                "The way back takes one of four gradients. They add up.",
            ),
            (
                layer(lambda x: x.repeat(2, axis=2), repeat_backward),
                "Only the rows are repeated. The columns as well: `axis=3`.",
            ),
        ],
        [
            "Forward: `x.repeat(2, axis=2)` for the rows, then the columns with `axis=3`.",
            "Backward: the gradients of the four copies of a pixel are added.",
            "`grad_output.reshape(n, c, h // 2, 2, w // 2, 2).sum(axis=(3, 5))` adds them.",
        ],
        use=both_ways,
    ),
}
