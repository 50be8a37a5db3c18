"""All questions of the chapters: what is right, what is wrong, and what stored outputs tell."""

import re
from pathlib import Path

import numpy as np
import pytest

from cnnlib import widgets
from cnnlib.widgets.check import MistakeIsRightError
from tests.prose import NUMBER, SIGNS, THOUSANDS, false_equations, false_products
from tests.questions import checks

pytest_plugins = ["tests.browser"]
CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))
VIEW = Path(widgets.__file__).parent / "shared" / "view"


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def found(request):
    return list(checks(request.param))


def numbers(answer):
    """The numbers of an answer, none when it is a choice."""
    return [] if isinstance(answer, str) else np.ravel(answer).tolist()


def assert_no_mistake_is_right(question):
    answer, half = numbers(question["answer"]), 10.0 ** -question["decimals"] / 2
    for mistake, sentence in question["mistakes"]:
        if not answer:
            assert mistake != question["answer"], sentence
        else:
            gaps = [abs(a - b) for a, b in zip(answer, numbers(mistake), strict=True)]
            assert max(gaps) > 2 * half, (question["text"], sentence)


def assert_steps_lead_to_the_answer(question):
    """There is a hint before the last step, the last has the answer, and all equations are true."""
    text, steps, answer = (question[name] for name in ("text", "steps", "answer"))
    assert len(steps) >= (1 if question["choices"] else 2), text
    assert [false_equations(step) + false_products(step) for step in steps] == [[]] * len(steps)
    if np.ndim(answer) == 0 and not question["choices"]:
        last = re.sub(r"[()]", " ", steps[-1])
        for sign, plain in SIGNS.items():
            last = last.replace(sign, plain)
        last = THOUSANDS.sub(lambda number: number[0].replace(",", ""), last)
        gaps = [abs(float(number) - answer) for number in NUMBER.findall(last)]
        assert min(gaps) <= 0.5 * 10.0 ** -question["decimals"] + 1e-9, (text, steps[-1])


def test_every_question_has_steps_that_lead_to_its_answer(found):
    for _, check, functions in found:
        for question in check.questions:
            assert_steps_lead_to_the_answer(question)
        for draw in functions:
            for _ in range(50):
                try:
                    question = draw()
                except MistakeIsRightError:
                    continue
                assert_steps_lead_to_the_answer(question.as_json())


def test_no_listed_mistake_is_judged_right(found):
    for _, check, _ in found:
        for question in check.questions:
            assert_no_mistake_is_right(question)


def test_no_mistake_is_right_in_200_draws_and_few_are_drawn_again(found):
    for _, _, functions in found:
        for draw in functions:
            again = 0
            for _ in range(200):
                try:
                    question = draw()
                except MistakeIsRightError:
                    again += 1
                else:
                    assert_no_mistake_is_right(question.as_json())
            assert again < 150, draw.__name__


def test_the_questions_of_a_check_differ(found):
    for _, check, _ in found:
        texts = [question["text"] for question in check.questions]
        assert len(set(texts)) == len(texts)


def printed(number):
    """A number as chapters and pages write it, to as many decimals as matter and more."""
    whole = float(number).is_integer()
    texts = [f"{number:.0f}", f"{number:,.0f}", f"{number:_.0f}"] if whole else []
    texts += [f"{number:.4f}", f"{number:,.4f}", f"{number:+.6f}", f"{number:.12e}", repr(number)]
    spaced = [f"{number:,.4f}".replace(",", space) for space in " \u2009\u202f\u00a0'’"]
    texts += [*spaced, f"{100 * number:.6f}%"]
    return [*texts, *(text.replace("-", "−") for text in texts)]


def test_an_answer_is_right_however_it_is_printed(found, open_module):
    open_module(VIEW / "dom.js", "dom")
    page = open_module(VIEW / "judge.js", "judging")
    for _, check, _ in found:
        for question in check.questions:
            for answer in set(numbers(question["answer"])):
                refused = page.evaluate(
                    """([texts, answer, decimals]) => {
                        const local = answer.toLocaleString("en-US", { maximumFractionDigits: 6 });
                        const fits = Math.abs(answer) < 1000 && decimals < 3;
                        const short = fits ? [dom.brief(answer)] : [];
                        const all = [...texts, dom.format(answer), local, ...short];
                        return all.filter((text) =>
                            !judging.judge(dom.readings(text), answer, [], { decimals }).right);
                    }""",
                    [printed(answer), answer, question["decimals"]],
                )
                assert not refused, question["text"]


def test_stored_outputs_hold_the_questions_and_digests_alone(found):
    """A chapter that was not run, as GitHub shows it, must not give its answers away."""
    for cell, check, functions in found:
        (stored,) = [output["data"]["text/plain"] for output in cell.outputs]
        lines = re.findall(r"^Check: (.*) \[[0-9a-f]{12}\]$", stored, re.MULTILINE)
        assert len(lines) == len(check.questions) == stored.count("\n") + 1
        if functions:  # drawn anew here: other numbers
            assert all(re.search(r"[?.)]$", line) for line in lines)
        else:
            assert lines == [question["text"] for question in check.questions]
