"""Check: questions in Python, and answering them in the page."""

from pathlib import Path

import numpy as np
import pytest

from cnnlib import widgets
from cnnlib.widgets import Check, Question

pytest_plugins = ["tests.browser"]


def test_a_question_crosses_to_the_page_as_plain_numbers():
    question = Question("Which map?", np.array([[1, -2]]), mistakes=[(np.float64(3), "No.")])
    assert question.as_json() == {
        "text": "Which map?",
        "answer": [[1, -2]],
        "mistakes": [[3.0, "No."]],
        "choices": [],
    }


def test_repr_states_questions_and_answers():
    check = Check(Question("2 + 3?", 2 + 3), Question("Up?", "yes", choices=["yes", "no"]))
    assert repr(check) == "Check: 2 + 3? 5\nCheck: Up? yes"


@pytest.mark.parametrize(
    ("answer", "choices", "message"),
    [
        ("maybe", ["yes", "no"], r"answer is 'maybe'; expected one of \['yes', 'no'\]"),
        ([1, 2], [], r"answer has shape \(2,\); expected a number or \(rows, columns\)"),
    ],
)
def test_an_answer_that_cannot_be_given_is_refused(answer, choices, message):
    with pytest.raises(ValueError, match=message):
        Question("?", answer, choices=choices)


@pytest.fixture
def check(page, site):
    """The chapter's check with the given words in it."""
    page.goto(f"{site}/chapters/convolution.html")

    def find(words):
        root = page.locator(".check").filter(has_text=words)
        root.scroll_into_view_if_needed()
        return root

    return find


def verdict(root):
    root.get_by_role("button", name="Check").click()
    return root.get_by_role("status").inner_text()


def test_a_number_is_checked_and_the_mistake_is_named(check):
    root = check("with a bias of 5")
    assert verdict(root) == "Type a number, such as 3, -1 or 1/9."
    root.get_by_label("Your answer").fill("13")
    assert verdict(root) == "The old bias, 2, is still inside that 8."
    root.get_by_label("Your answer").fill("99")
    assert verdict(root) == "Not that. Try once more."
    root.get_by_label("Your answer").fill("-11")
    root.get_by_role("button", name="Change the sign").click()
    assert verdict(root) == "Right."


def test_a_choice_is_checked(check):
    root = check("evenly gray")
    assert verdict(root) == "Choose one first."
    root.get_by_label("the gray itself").check()
    assert verdict(root).startswith("For that the weights would have to add up to 1")
    root.get_by_label("zeros").check()
    assert verdict(root) == "Right."


def test_a_verdict_goes_when_the_answer_changes(check):
    root = check("evenly gray")
    root.get_by_label("zeros").check()
    assert verdict(root) == "Right."
    root.get_by_label("the gray itself").check()
    assert root.get_by_role("status").inner_text() == ""


def test_the_place_of_a_choice_does_not_say_whether_it_is_right(open_module):
    page = open_module(Path(widgets.__file__).with_name("check.js"), "check")
    first = 0
    for number in range(40):
        choices = [f"choice {k}" for k in range(4)]
        order = page.evaluate(
            """([text, choices]) => {
                const question = { text, choices, answer: choices[0], mistakes: [] };
                const given = { questions: [question], current: 0 };
                const model = { get: (name) => given[name], on() {} };
                const el = document.createElement("div");
                check.default.render({ model, el });
                return [...el.querySelectorAll("input[type=radio]")].map((one) => one.value);
            }""",
            [f"Question {number}?", choices],
        )
        assert sorted(order) == choices
        first += order[0] == choices[0]
    assert 2 <= first <= 20  # 10 by chance


def test_a_grid_is_filled_by_keyboard_and_checked(check, page):
    root = check("turned to lie flat")
    root.locator(".number").first.click()
    page.keyboard.press("Enter")
    assert verdict(root) == "Fill every cell first."

    def fill(rows):
        root.locator(".number").first.click()
        page.keyboard.press("Enter")
        for row in rows:
            page.keyboard.press("Home")
            for value in row:
                page.keyboard.type(str(value))
                page.keyboard.press("Enter")
                page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowDown")

    fill([[1, 2, 1], [2, 3, 2], [0, 1, 2]])
    assert verdict(root) == "8 of 9 are right. Look again at row 3, column 3: it is not 2."
    fill([[3, 1, 3], [2, 1, 3], [1, 1, 3]])
    assert verdict(root) == "That is the map of the upright line."
    fill([[1, 2, 1], [2, 3, 2], [0, 1, 1]])
    assert verdict(root) == "Right."


def test_another_question_can_be_drawn(check):
    root = check("What comes out?")
    before = root.locator(".question").inner_text()
    root.get_by_label("Your answer").fill("1000")
    assert verdict(root) == "Not that. Try once more."
    root.get_by_role("button", name="Another one").click()
    assert root.locator(".question").inner_text() != before
    assert root.get_by_role("status").inner_text() == ""
    assert root.get_by_label("Your answer").input_value() == ""
