"""A question in the page that answers back: right, or which mistake was made."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets

from cnnlib import checks
from cnnlib.widgets.widget import Widget


class MistakeIsRightError(ValueError):
    """A listed mistake of a question leads to the answer."""


@dataclass(frozen=True)
class Question:
    """One question, its answer and what to say about the usual mistakes.

    Parameters
    ----------
    text : str
        The question; what stands in `backticks` is set as code.
    answer : number, str or array of shape (rows, columns)
        A number is typed, a string is one of `choices`, an array is filled in, cell by cell.
    mistakes : sequence of (answer, str)
        Wrong answers that one can arrive at, each with a sentence on how.
    choices : sequence of str
        For a question whose answer is a string.
    decimals : int
        To so many decimals a number has to be right. A mistake has to differ in them.
    steps : sequence of str
        The way to the answer, a sentence each, the last of which ends at it. They are shown when
        the answer is right or asked for; before that, a wrong answer that is not among the
        mistakes gets the next of those before the last.

    Raises
    ------
    ValueError
        When the answer cannot be given, or a mistake leads to it.

    """

    text: str
    answer: Any
    mistakes: Sequence[tuple[Any, str]] = ()
    choices: Sequence[str] = ()
    decimals: int = 2
    steps: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the answer and the mistakes."""
        if isinstance(self.answer, str) and self.answer not in self.choices:
            raise ValueError(
                f"Question: answer is {self.answer!r}; expected one of {list(self.choices)}"
            )
        if not isinstance(self.answer, str) and np.ndim(self.answer) not in (0, 2):
            raise ValueError(
                f"Question: answer has shape {np.shape(self.answer)}; "
                "expected a number or (rows, columns)"
            )
        if isinstance(self.steps, str):
            raise ValueError(f"Question: steps is {self.steps!r}; expected a sequence of sentences")
        for mistake, _ in self.mistakes:
            self._check_mistake(mistake)

    def _check_mistake(self, mistake: Any) -> None:
        if isinstance(self.answer, str):
            if mistake not in self.choices:
                raise ValueError(
                    f"Question: mistakes has {mistake!r}; expected one of {list(self.choices)}"
                )
            near = mistake == self.answer
        else:
            if np.shape(mistake) != np.shape(self.answer):
                raise ValueError(
                    f"Question: mistakes has an answer of shape {np.shape(mistake)}; "
                    f"expected {np.shape(self.answer)}"
                )
            gap = np.abs(np.subtract(mistake, self.answer, dtype=float)).max()
            # Rounded, both would be the same: a whole unit of the last decimal lies between them.
            near = gap <= 10.0**-self.decimals + 1e-9
        if near:
            raise MistakeIsRightError(
                f"Question: mistakes has {plain(mistake)}; "
                f"expected another number than the answer, {plain(self.answer)}, "
                f"to {self.decimals} decimals"
            )

    def as_json(self) -> dict[str, Any]:
        """Return what the page needs, arrays as lists."""
        mistakes = [[plain(answer), text] for answer, text in self.mistakes]
        return vars(self) | {
            "answer": plain(self.answer),
            "mistakes": mistakes,
            "choices": list(self.choices),
            "steps": list(self.steps),
        }


def plain(answer: Any) -> Any:
    """Return an answer as JSON holds it."""
    return answer if isinstance(answer, str) else np.asarray(answer).tolist()


def rounded(answer: Any) -> Any:
    """Return an answer as plain numbers of ten digits, which all computers agree on."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list | tuple):
        return [rounded(part) for part in answer]
    return float(f"{answer:.10g}") + 0.0


def digest(question: dict[str, Any]) -> str:
    """Return a few letters that change with the answer, the mistakes and the choices."""
    told = [
        rounded(question["answer"]),
        [[rounded(answer), text] for answer, text in question["mistakes"]],
        question["choices"],
        question["decimals"],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


class Check(Widget):
    """A question in the page; of several, the reader draws another when one is answered.

    Parameters
    ----------
    *questions : Question
        At least one.

    `current` is the question that is shown, `solved` whether it was answered right. Both are
    synced with the page.

    """

    questions = traitlets.List(traitlets.Dict(), minlen=1).tag(sync=True)
    current = traitlets.Int(0, min=0).tag(sync=True)
    solved = traitlets.Bool(False).tag(sync=True, link=None)

    def __init__(self, *questions: Question, **kwargs: Any) -> None:
        # A saved widget is made again from its traits, without questions as arguments.
        for question in questions:
            checks.instance("Check", "question", question, Question)
        if questions:
            kwargs["questions"] = [question.as_json() for question in questions]
        super().__init__(**kwargs)

    @classmethod
    def drawn(cls, draw: Callable[[], Question], count: int) -> "Check":
        """Return a check of `count` different questions that `draw()` makes at random.

        Where a mistake happens to lead to the answer, and where a question comes twice, it is
        drawn again. Raises ValueError when 100 draws for each question are not enough.
        """
        questions: dict[str, Question] = {}
        for _ in range(100 * count):
            try:
                question = draw()
            except MistakeIsRightError:
                continue
            questions.setdefault(question.text, question)
            if len(questions) == count:
                return cls(*questions.values())
        raise ValueError(
            f"Check.drawn: draw gives {len(questions)} different questions, expected {count}"
        )

    def __repr__(self) -> str:
        """State each question, and its answer as a digest: comparable, but not to be read."""
        return "\n".join(f"Check: {q['text']} [{digest(q)}]" for q in self.questions)
