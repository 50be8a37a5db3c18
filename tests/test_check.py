"""Check: questions in Python, and answering them in the page."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from cnnlib import widgets
from cnnlib.widgets import Check, Question
from cnnlib.widgets.widget import script
from tests.browser import ENGINE, visit

pytest_plugins = ["tests.browser"]


def test_a_question_crosses_to_the_page_as_plain_numbers():
    question = Question("Which map?", np.array([[1, -2]]), [(np.array([[3.0, 1]]), "No.")])
    assert question.as_json() == {
        "text": "Which map?",
        "answer": [[1, -2]],
        "mistakes": [[[[3.0, 1.0]], "No."]],
        "choices": [],
        "decimals": 2,
        "steps": [],
    }


def test_repr_states_the_question_and_hides_the_answer():
    check = Check(Question("2 + 3?", 2 + 3), Question("Up?", "yes", choices=["yes", "no"]))
    first, second = repr(check).splitlines()
    assert re.fullmatch(r"Check: 2 \+ 3\? \[[0-9a-f]{12}\]", first)
    assert re.fullmatch(r"Check: Up\? \[[0-9a-f]{12}\]", second)


def test_repr_changes_with_all_that_is_judged():
    questions = [
        Question("?", 5),
        Question("?", 6),
        Question("?", 5, [(7, "No.")]),
        Question("?", 5, [(8, "No.")]),
        Question("?", 5, [(7, "Not so.")]),
        Question("?", 5, decimals=3),
        Question("?", "a", choices=["a", "b"]),
        Question("?", "a", choices=["a", "c"]),
    ]
    assert len({repr(Check(question)) for question in questions}) == len(questions)
    assert repr(Check(Question("?", 0.1 + 0.2))) == repr(Check(Question("?", 0.3)))


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


@pytest.mark.parametrize(
    ("answer", "mistake", "options", "message"),
    [
        (254 / 255, 254 / 256, {}, r"mistakes has 0.9921875; expected another number than"),
        (7, 7, {}, "mistakes has 7; expected another number than the answer, 7"),
        ([[1, 2]], [[1, 2.005]], {}, "mistakes has .* to 2 decimals"),
        ("yes", "yes", {"choices": ["yes", "no"]}, "mistakes has yes"),
        ("yes", "maybe", {"choices": ["yes", "no"]}, "mistakes has 'maybe'; expected one of"),
        ([[1, 2]], [[1], [2]], {}, r"shape \(2, 1\); expected \(1, 2\)"),
    ],
)
def test_a_mistake_that_leads_to_the_answer_is_refused(answer, mistake, options, message):
    with pytest.raises(ValueError, match=message):
        Question("?", answer, [(mistake, "No.")], **options)


def test_more_decimals_tell_a_mistake_from_the_answer():
    Question("?", 254 / 255, [(254 / 256, "No.")], decimals=3)


def test_questions_are_drawn_until_all_differ_and_no_mistake_is_right():
    numbers = iter([3, 3, 0, 4, 0, 5])

    def draw():
        number = next(numbers)
        return Question(f"2·{number}?", 2 * number, [(number, "Twice that.")])

    check = Check.drawn(draw, 3)
    assert [q["text"] for q in check.questions] == ["2·3?", "2·4?", "2·5?"]


def test_draws_that_cannot_differ_are_refused():
    with pytest.raises(ValueError, match="draw gives 1 different questions, expected 2"):
        Check.drawn(lambda: Question("?", 1), 2)


def test_steps_are_sentences_and_not_one_text():
    with pytest.raises(ValueError, match=r"steps is 'Add\.'; expected a sequence of sentences"):
        Question("2 + 3?", 5, steps="Add.")


def test_repr_does_not_change_with_the_steps():
    with_steps = Question("2 + 3?", 5, steps=["Add.", "2 + 3 = 5."])
    assert repr(Check(with_steps)) == repr(Check(Question("2 + 3?", 5)))


@pytest.fixture
def check(page, site):
    """The chapter's check with the given words in it."""
    visit(page, f"{site}/chapters/convolution.html")

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
    assert verdict(root).startswith("Not that. The old bias, 2, is a part of the 8")
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
        for value in np.ravel(rows):
            page.keyboard.type(str(value))
            page.keyboard.press("Enter")
        assert root.get_by_role("button", name="Check").evaluate(
            "b => b === document.activeElement"
        )

    fill([[1, 2, 1], [2, 3, 2], [0, 1, 2]])
    assert verdict(root).startswith("8 of 9 are right. Look again at row 2, column 2: it is not 2.")
    fill([[3, 1, 3], [2, 1, 3], [1, 1, 3]])
    assert verdict(root) == "That is the map of the upright line."
    fill([[1, 2, 1], [2, 3, 2], [0, 1, 1]])
    assert verdict(root) == "Right."


def test_another_question_can_be_drawn(check):
    root = check("What comes out?")
    before = root.locator(".question").inner_text()
    root.get_by_label("Your answer").fill("1000")
    assert verdict(root).startswith("Not that. Multiply each pixel by the weight")
    root.get_by_role("button", name="Another one").click()
    assert root.locator(".question").inner_text() != before
    assert root.get_by_role("status").inner_text() == ""
    assert root.get_by_label("Your answer").input_value() == ""


# What is typed into another process arrives after Firefox's driver has answered: there it is one.
ALLOWED = "allow-scripts allow-same-origin" if ENGINE == "firefox" else "allow-scripts"
SANDBOX = f'<iframe sandbox="{ALLOWED}" srcdoc="<main></main>" width="1200" height="800"></iframe>'
DRAW = """async ([text, css, state]) => {
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const listeners = new Set();
    const model = {
        get: (name) => state[name],
        set(name, value) { state[name] = value; for (const one of listeners) one(); },
        on: (_, one) => listeners.add(one), off: (_, one) => listeners.delete(one),
        save_changes() {},
    };
    const { default: widget } = await import(url);
    widget.render({ model, el: document.querySelector("main") });
}"""


@pytest.fixture
def sandboxed(page):
    """A widget in a frame that may run scripts and nothing else, as viewers of notebooks have."""

    def sandboxed(widget, name, **state):
        page.set_content(SANDBOX)
        frame = page.frames[1]
        frame.wait_for_selector("main", state="attached")
        known = {key: value for key, value in widget.get_state().items() if key[0] != "_"}
        path = Path(widgets.__file__).with_name(f"{name}.js")
        frame.evaluate(DRAW, [script(path), str(widget._css), known | state])
        return frame

    return sandboxed


@pytest.mark.parametrize("way", ["Enter", "click"])
@pytest.mark.parametrize(
    ("widget", "name", "status"),
    [
        (Check(Question("2 + 3?", 5, [(7, "No.")])), "check", "✗|No."),
        (widgets.SlidingKernel(), "sliding_kernel", "Not that."),
        (widgets.OptimizerRace(), "optimizer_race", "Not that."),
    ],
    ids=["check", "predict", "race"],
)
def test_an_answer_is_judged_in_a_frame_that_allows_no_forms(sandboxed, widget, name, status, way):
    frame = sandboxed(widget, name, predict=True, position=1)
    answer = frame.locator("input[aria-label^='Your ']")
    answer.fill("7")
    if way == "Enter":
        answer.press("Enter")
    else:
        frame.get_by_role("button", name="Check", exact=True).click()
    said = frame.locator("[role=status]").first.inner_text()
    assert any(part in said for part in status.split("|"))


def test_a_choice_is_judged_in_a_frame_that_allows_no_forms(sandboxed):
    frame = sandboxed(Check(Question("Up?", "yes", choices=["yes", "no"])), "check")
    frame.get_by_label("yes").check()
    frame.get_by_label("yes").press("Enter")
    assert frame.get_by_role("status").inner_text() == "Right."


@pytest.mark.parametrize("way", ["Enter", "click"])
def test_a_claim_is_judged_in_a_frame_that_allows_no_forms(sandboxed, way):
    frame = sandboxed(widgets.GradientChecker(), "gradient_checker")
    radio = frame.get_by_role("radio").first
    radio.check()
    if way == "Enter":
        radio.press("Enter")
    else:
        frame.get_by_role("button", name="This one is wrong").click()
    assert frame.locator(".verdict").inner_text()


STEPS = ["Multiply each input by its weight.", "2·3 = 6, and 5·1 = 5.", "6 + 5 - 4 = 7."]


def answer(frame, text):
    frame.get_by_label("Your answer").fill(text)
    frame.get_by_label("Your answer").press("Enter")
    return frame.get_by_role("status").inner_text()


def test_a_wrong_answer_that_is_not_listed_gets_the_next_step_but_not_the_last(sandboxed):
    frame = sandboxed(Check(Question("?", 7, [(11, "And the bias?")], steps=STEPS)), "check")
    assert answer(frame, "99") == "Not that. Multiply each input by its weight."
    assert answer(frame, "11") == "And the bias?"
    assert answer(frame, "98") == "Not that. 2·3 = 6, and 5·1 = 5."
    assert answer(frame, "97") == "Not that. 2·3 = 6, and 5·1 = 5."
    assert answer(frame, "-7") == "The size is right, the sign is not. 2·3 = 6, and 5·1 = 5."
    assert frame.locator(".worked").inner_text() == ""


def test_right_is_followed_by_the_worked_line_until_another_answer_is_typed(sandboxed):
    frame = sandboxed(Check(Question("?", 7, steps=STEPS)), "check")
    assert answer(frame, "7") == "Right."
    worked = frame.locator(".worked")
    assert worked.inner_text() == " ".join(STEPS).replace("-", "−")
    assert worked.get_attribute("aria-live") == "polite"
    frame.get_by_label("Your answer").fill("8")
    assert worked.inner_text() == ""


def test_products_and_sums_of_negative_numbers_are_written_with_brackets(sandboxed):
    frame = sandboxed(
        Check(Question("?", -1, steps=["Add.", "3·-1 + -4 - -6 = -1; -2, as ever."])), "check"
    )
    assert answer(frame, "-1") == "Right."
    assert frame.locator(".worked").inner_text() == "Add. 3·(−1) + (−4) − (−6) = −1; −2, as ever."


QUESTIONS = [
    (Question("?", 7.5, steps=["A.", "B."]), "It is 7.5."),
    (Question("?", "up", choices=["up", "down", "left"], steps=["B."]), "This is right:"),
    (Question("?", [[1, -2.5]], steps=["A.", "B."]), "This is right:"),
]


@pytest.mark.parametrize(("question", "said"), QUESTIONS, ids=["number", "choice", "grid"])
def test_the_answer_is_shown_when_asked_for_after_the_second_try(sandboxed, page, question, said):
    frame = sandboxed(Check(question, Question("Another?", 1)), "check")
    press = frame.get_by_role("button", name="Check", exact=True).click
    show = frame.get_by_role("button", name="Show me")

    def give_wrong(value):
        if isinstance(question.answer, str):
            frame.get_by_label(["down", "left"][value]).check()
        elif isinstance(question.answer, list):
            for cell in frame.locator(".number").all():
                cell.click()
                page.keyboard.type(str(value))
                page.keyboard.press("Enter")
        else:
            frame.get_by_label("Your answer").fill(str(value))
        press()

    press()  # an answer that is missing is no try
    give_wrong(0)
    assert not show.is_visible()
    give_wrong(1)
    show.click()
    assert frame.get_by_role("status").inner_text() == said
    assert frame.locator(".worked").inner_text() == " ".join(question.steps)
    press()
    assert frame.get_by_role("status").inner_text() == "Right."
    frame.get_by_role("button", name="Another one").click()
    assert not show.is_visible()


def test_a_matrix_in_a_question_is_drawn_as_a_grid(sandboxed):
    text = "Pixels `[[10, -2.5, 3], [4, 5, 6]]`, shape `(2, 3)`, row `[1, 2]`?"
    frame = sandboxed(Check(Question(text, 1)), "check")
    matrix = frame.get_by_role("img", name="10, -2.5, 3; 4, 5, 6")
    cells = matrix.locator("span").all()
    boxes = [cell.bounding_box() for cell in cells]
    assert [cell.inner_text() for cell in cells] == ["10", "−2.5", "3", "4", "5", "6"]
    assert len({box["x"] for box in boxes}) == 3
    assert len({box["y"] for box in boxes}) == 2
    assert min(min(box["width"], box["height"]) for box in boxes) >= 24
    assert frame.locator(".question code").all_inner_texts() == ["(2, 3)", "[1, 2]"]


def test_enter_goes_through_the_cells_and_then_to_the_button(sandboxed, page):
    frame = sandboxed(Check(Question("Which?", [[1, 2], [3, 4]])), "check")
    frame.locator(".number").first.click()
    assert frame.locator(".number input").get_attribute("enterkeyhint") == "next"
    for text in ("1", "2x", "\b", "3", "4"):
        page.keyboard.type(text) if text != "\b" else page.keyboard.press("Backspace")
        page.keyboard.press("Enter")  # what is no number keeps the reader in its cell
    page.keyboard.press("Enter")
    expect(frame.get_by_role("status")).to_have_text("Right.")


@pytest.mark.parametrize("key", ["4", "−", "-", "+", ".", ","])
def test_a_focused_cell_opens_for_whatever_begins_a_number(sandboxed, page, key):
    frame = sandboxed(Check(Question("Which?", [[45.0, 0.5]])), "check")
    cell = frame.locator(".number").first
    cell.click()
    page.keyboard.press("Escape")
    page.keyboard.insert_text("")
    cell.dispatch_event("keydown", {"key": key, "bubbles": True})
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    values = {"4": "45", "−": "−5", "-": "−5", "+": "5", ".": "0.5", ",": "0.5"}
    assert cell.inner_text() == values[key]


def test_what_cannot_be_read_stays_at_the_cell_and_changes_nothing(sandboxed, page):
    frame = sandboxed(Check(Question("Which?", [[1000, 2]])), "check")
    first, second = frame.locator(".number").all()
    said = frame.get_by_role("status")
    first.click()
    page.keyboard.type("1,000")
    ambiguous = "“1,000” can be 1 or 1000. Write it without a comma."
    assert said.inner_text() == ambiguous
    assert first.locator(".fault").inner_text() == "two meanings"
    page.keyboard.press("Enter")
    assert first.locator("input").input_value() == "1,000"  # still to be mended
    page.keyboard.press("ArrowUp")
    assert first.locator("input").input_value() == "1,000"  # and not stepped from
    page.keyboard.press("Tab")
    expect(first).to_have_text("")
    assert said.inner_text() == f"{ambiguous} The cell stays empty."
    first.click()
    page.keyboard.type("1 000")
    page.keyboard.press("Enter")
    second.click()
    page.keyboard.type("2x")
    page.keyboard.press("Escape")
    second.click()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    frame.get_by_role("button", name="Check", exact=True).click()
    assert said.inner_text() == "Right."


def test_numbers_that_are_judged_differently_look_different(sandboxed, page):
    mistake = ([[0.25, 255 / 256]], "That is divided by 256.")
    frame = sandboxed(Check(Question("Which?", [[0.25, 1]], [mistake], decimals=3)), "check")
    for cell, text in zip(frame.locator(".number").all(), ["0.25", "255/256"], strict=True):
        cell.click()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    assert frame.locator(".number").nth(1).inner_text() == "0.99609"
    frame.get_by_role("button", name="Check", exact=True).click()
    assert frame.get_by_role("status").inner_text() == "That is divided by 256."


def test_an_answer_as_a_page_prints_it_is_right(sandboxed):
    for text, answer, typed in (
        ("How many?", 73856, "73,856"),
        ("How many?", 73856, "73\u2009856"),
        ("Which share?", 0.84, "84%"),
        ("How many percent?", 93.75, "93.75 %"),
    ):
        frame = sandboxed(Check(Question(text, answer)), "check")
        frame.get_by_label("Your answer").fill(typed)
        frame.get_by_label("Your answer").press("Enter")
        assert frame.get_by_role("status").inner_text() == "Right."


def test_axe_finds_nothing_wrong(check, axe_faults):
    asked = check("with a bias of 5"), check("evenly gray"), check("turned to lie flat")
    for root in asked:
        verdict(root)
        assert axe_faults(root) == []
