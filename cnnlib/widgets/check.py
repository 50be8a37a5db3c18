"""A question in the page that answers back: right, or which mistake was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets

from cnnlib import checks
from cnnlib.widgets.widget import Widget


@dataclass(frozen=True)
class Question:
    """One question, its answer and what to say about the usual mistakes.

    Parameters
    ----------
    text : str
        The question; what stands in `backticks` is set as code.
    answer : number, str or array of shape (rows, columns)
        A number is typed (right to two decimals), a string is one of `choices`, an array is
        filled in, cell by cell.
    mistakes : sequence of (answer, str)
        Wrong answers that one can arrive at, each with a sentence on how.
    choices : sequence of str
        For a question whose answer is a string.

    """

    text: str
    answer: Any
    mistakes: Sequence[tuple[Any, str]] = ()
    choices: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Raise ValueError when the answer cannot be given."""
        if isinstance(self.answer, str) and self.answer not in self.choices:
            raise ValueError(
                f"Question: answer is {self.answer!r}; expected one of {list(self.choices)}"
            )
        if not isinstance(self.answer, str) and np.ndim(self.answer) not in (0, 2):
            raise ValueError(
                f"Question: answer has shape {np.shape(self.answer)}; "
                "expected a number or (rows, columns)"
            )

    def as_json(self) -> dict[str, Any]:
        """Return what the page needs, arrays as lists."""
        mistakes = [[plain(answer), text] for answer, text in self.mistakes]
        return vars(self) | {
            "answer": plain(self.answer),
            "mistakes": mistakes,
            "choices": list(self.choices),
        }


def plain(answer: Any) -> Any:
    """Return an answer as JSON holds it."""
    return answer if isinstance(answer, str) else np.asarray(answer).tolist()


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
    solved = traitlets.Bool(False).tag(sync=True)

    def __init__(self, *questions: Question, **kwargs: Any) -> None:
        # A saved widget is made again from its traits, without questions as arguments.
        for question in questions:
            checks.instance("Check", "question", question, Question)
        if questions:
            kwargs["questions"] = [question.as_json() for question in questions]
        super().__init__(**kwargs)

    def __repr__(self) -> str:
        """State the questions and their answers, so that stored outputs can be compared."""
        return "\n".join(f"Check: {q['text']} {q['answer']}" for q in self.questions)
