"""Exercises of the chapter "One pixel to the right"."""

from typing import Any

import numpy as np

from cnnlib.exercises.checking import Drawn, Exercise, Try


def largest(row: np.ndarray) -> np.ndarray:
    """The larger of each number of a row and the next one, around its end."""
    return np.maximum(row, np.roll(row, -1))


def blurred(row: np.ndarray) -> np.ndarray:
    """1, 2, 1 over 4 at every place of a row, around its ends."""
    return (np.roll(row, 1) + 2 * row + np.roll(row, -1)) / 4


def draw_phases(rng: np.random.Generator) -> Any:
    """A row that is pooled, and pooled again after a shift by one."""
    from cnnlib.widgets import Question

    while True:
        row = 4 * rng.integers(0, 4, 6)
        maxima = largest(row)
        if not np.array_equal(maxima[1::2], maxima[::2]):
            break
    answer = np.roll(maxima, 1)[::2]
    words = ", ".join(map(str, row))
    return Question(
        f"The row {words} moves to the right by one; what leaves comes in at the left. What does "
        "max pooling with windows of 2 and a stride of 2 give then?",
        [answer.tolist()],
        [
            ([slip.tolist()], why)
            for slip, why in (
                (maxima[::2], "That is without the shift."),
                (
                    np.roll(maxima[::2], 1),
                    "You shifted the pooled row. The windows stay where they are, and other "
                    "numbers are in them.",
                ),
                (maxima[1::2], "The row moves to the right: its last number is now the first."),
                (
                    np.roll(row, 1).reshape(3, 2).mean(axis=1),
                    "Those are the means. Take the larger of each two.",
                ),
            )
            if not np.array_equal(slip, answer)
        ],
        steps=[
            f"Shifted, the row is {', '.join(map(str, np.roll(row, 1)))}.",
            "The larger of each two: " + ", ".join(map(str, answer)) + ".",
        ],
    )


def blur_pool(row: np.ndarray) -> np.ndarray:
    """Maxima of two, blurred, every second kept: (n,) to (n / 2,)."""
    return blurred(largest(row))[::2]


def rows(rng: np.random.Generator) -> list[Try]:
    """Rows of even length, with negative numbers."""
    first = np.array([0.0, 0, 4, 4])
    return [(first,), *((rng.integers(-9, 10, length) / 1.0,) for length in (6, 8))]


def consistency(before: np.ndarray, moved: np.ndarray) -> float:
    """The share of images whose answer is the same in all moves: (N, K) and (M, N, K)."""
    return float((moved.argmax(axis=-1) == before.argmax(axis=-1)).all(axis=0).mean())


def logits(rng: np.random.Generator) -> list[Try]:
    """Logits of images as they are, and of the same images moved."""
    found: list[Try] = []
    for moves, images, classes in ((2, 5, 3), (4, 12, 4), (3, 20, 2)):
        before = rng.normal(size=(images, classes))
        shared = before + rng.normal(0, 0.9, before.shape)  # some moves agree on another answer
        found.append((before, shared + rng.normal(0, 0.4, (moves, *before.shape))))
    return found


EXERCISES = {
    "shifts-hand": Drawn(draw_phases),
    "shifts-blur": Exercise(
        "blur_pool",
        blur_pool,
        rows,
        [
            (
                lambda row: largest(row)[::2],
                "There is no blur between the maximum and the skipping.",
            ),
            (
                lambda row: blurred(largest(row)[::2]),
                "You skipped first and blurred then. What the skipping has lost, a blur does not "
                "bring back.",
            ),
            (
                lambda row: blurred(row)[::2],
                "The maximum of each two neighbors comes first.",
            ),
            (
                lambda row: blurred(largest(row)),
                "Every number was kept. Take every second one at the end.",
            ),
            (
                lambda row: 4 * blur_pool(row),
                "The blur makes all numbers larger. Divide by the sum of its weights, 4.",
            ),
            (
                lambda row: largest(blurred(row))[::2],
                "You blurred before the maximum. The maximum would make sharp what was soft.",
            ),
        ],
        [
            "`np.roll(row, -1)` has each number's right neighbor in its place.",
            "Three steps: `np.maximum` of the row and its right neighbors, then the blur, then "
            "`[::2]`.",
            "The blur is `(np.roll(m, 1) + 2 * m + np.roll(m, -1)) / 4`.",
        ],
    ),
    "shifts-consistency": Exercise(
        "consistency",
        consistency,
        logits,
        [
            (
                lambda before, moved: (moved.argmax(-1) == before.argmax(-1)).mean(),
                "That is the share of all moved images. Count an image only if its answer stays in "
                "every move.",
            ),
            (
                lambda before, moved: (moved.argmax(-1) == before.argmax(-1)).any(axis=0).mean(),
                "You counted images whose answer stays in one of the moves. It has to stay in all.",
            ),
            (
                lambda before, moved: (moved.argmax(-1) != before.argmax(-1)).any(axis=0).mean(),
                "That is the share that changes. Asked for is the share that stays.",
            ),
            (
                lambda before, moved: (moved.argmax(-1) == moved[0].argmax(-1)).all(axis=0).mean(),
                "The moves were compared with each other. Compare them with the images as they "
                "were.",
            ),
            (
                lambda before, moved: (moved == before).all(axis=(0, 2)).mean(),
                "The logits themselves hardly ever stay. Compare the answers, the places of the "
                "largest logits.",
            ),
        ],
        [
            "`moved.argmax(axis=-1)` has the answers, a row for each move.",
            "Compared with `before.argmax(axis=-1)` it is a table of True and False, (M, N).",
            "`.all(axis=0)` says for each image whether the answer stays in all moves.",
        ],
    ),
}
