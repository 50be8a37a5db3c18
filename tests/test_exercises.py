import json
import re
from pathlib import Path

import numpy as np
import pytest

from cnnlib.exercises import CHECKS
from cnnlib.exercises.checking import Drawn, Exercise, judge

ROOT = Path(__file__).parents[1]
WRITTEN = {label: one for label, one in CHECKS.items() if isinstance(one, Exercise)}
MISTAKES = [
    (label, number) for label, one in WRITTEN.items() for number in range(len(one.mistakes))
]


def cells():
    """(chapter, label, source, cell) of each exercise with a check."""
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            found = re.search(r'^check\("([\w-]+)"\)$', source, re.MULTILINE)
            if cell["cell_type"] == "code" and found:
                yield path.stem, found[1], source, cell


STARTS = {label: (chapter, source, cell) for chapter, label, source, cell in cells()}


@pytest.mark.parametrize("label", WRITTEN)
def test_the_books_own_answer_is_right(label):
    verdict = judge(WRITTEN[label], WRITTEN[label].right)
    assert verdict.right, verdict


@pytest.mark.parametrize(("label", "number"), MISTAKES)
def test_each_mistake_is_told_by_its_own_sentence(label, number):
    mistake, words = WRITTEN[label].mistakes[number]
    verdict = judge(WRITTEN[label], mistake)
    assert not verdict.right
    assert verdict.words == words


@pytest.mark.parametrize("label", WRITTEN)
def test_an_exercise_lists_mistakes_hints_and_tries_that_hide_nothing(label):
    one = WRITTEN[label]
    assert one.name.isidentifier()
    assert len(one.mistakes) >= 2
    assert 1 <= len(one.hints) <= 3
    assert len(one.tries(np.random.default_rng(0))) >= 2
    sentences = [words for _, words in one.mistakes] + list(one.hints)
    assert len(set(sentences)) == len(sentences)
    assert all(words[-1] in ".?" for words in sentences), sentences


@pytest.mark.parametrize(
    "label", [label for label, one in CHECKS.items() if isinstance(one, Drawn)]
)
def test_an_exercise_with_numbers_draws_different_questions(label):
    texts = {question["text"] for question in CHECKS[label].widget().questions}
    assert len(texts) > 1
