"""The frame that every widget stands in: traits, Reset, errors, what is said, drawing once."""

import os
from pathlib import Path

import pytest

from cnnlib import widgets

pytest_plugins = ["tests.browser"]
VIEW = Path(widgets.__file__).parent / "shared" / "view"

# A widget that doubles a number, and asks for the double; `other` is kept, but no number it shows.
WIDGET = """
import { trait, tick } from "VIEW/controls.js";
import { button, h } from "VIEW/dom.js";
import { frame, group } from "VIEW/frame.js";
import { player } from "VIEW/player.js";
import { predictFirst } from "VIEW/predict.js";

export const counts = { drawn: 0, stopped: 0, forgotten: [] };
function build(own) {
  const bar = player(own, "Step");
  const ask = predictFirst(own, { explain: () => ({ slips: [], otherwise: "No." }),
    next: () => own.set({ value: own.get("value") + 1 }) });
  const text = h("p", { class: "double" });
  const refuse = button("Refuse", () => own.complain("Not that."));
  const part = { element: text, stop: () => (counts.stopped += 1), update({ value, hidden }) {
    counts.drawn += 1;
    refuse.disabled = value === 0;
    text.textContent = hidden ? "?" : String(2 * value);
  } };
  return {
    bar, forget: (anew) => counts.forgotten.push(anew),
    state() {
      const value = own.get("value"), hidden = ask.hidden(value);
      const task = value < 0 ? null : { key: value, where: "the double", total: 2 * value };
      return { value, hidden, position: own.get("position"), count: 3, where: "here", task };
    },
    parts: [group({ class: "inner" }, part), bar, ask, own.error,
      group({ class: "controls" }, tick("Other", trait(own, "other")), ask.tick, own.reset,
        refuse)],
    say: ({ value, hidden }) => (value === 7 ? undefined : hidden ? "hidden"
      : value === 8 ? "here: 2·8" : `double ${2 * value}`),
  };
}
export default frame({ mark: "doubling", label: "Doubling", data: ["value"],
  kept: ["other", "position"], build });
"""
# As in a front end: a change is told at once, and only when there is one.
MODEL = """
(state) => {
  globalThis.leave?.();
  document.body.replaceChildren();
  const bus = new EventTarget(), heard = new Map();
  globalThis.saved = 0;
  globalThis.model = {
    get: (name) => state[name],
    set(name, value) {
      if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
      state[name] = value;
      bus.dispatchEvent(new Event("change"));
    },
    on: (name, listener) => bus.addEventListener(name, listener),
    off: (name, listener) => bus.removeEventListener(name, listener),
    save_changes: () => (saved += 1),
  };
  Object.assign(widget.counts, { drawn: 0, stopped: 0, forgotten: [] });
  globalThis.leave = widget.default.render({ model, el: document.body });
}
"""
STATE = {"value": 4, "other": False, "position": 0, "predict": False, "score": [0, 0]}


class Doubling:
    def __init__(self, page):
        self.page, self.root = page, page.locator(".doubling")

    def open(self, **state):
        self.page.evaluate(MODEL, STATE | state)
        return self

    def set(self, **traits):
        """Set traits one after another, as a kernel does, and let the page draw."""
        code = "async (all) => { for (const [name, value] of Object.entries(all)) "
        self.page.evaluate(code + "model.set(name, value); await 0; }", traits)

    def get(self, name):
        return self.page.evaluate("name => model.get(name)", name)

    def count(self, name):
        return self.page.evaluate("name => widget.counts[name]", name)

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def answer(self, text):
        self.root.get_by_label("Your prediction").fill(text)
        self.root.get_by_label("Your prediction").press("Enter")

    def text(self, part):
        return self.root.locator(part).inner_text()


@pytest.fixture(scope="module")
def loaded(open_module, tmp_path_factory):
    main = tmp_path_factory.mktemp("frame") / "doubling.js"
    main.write_text(WIDGET.replace("VIEW", os.path.relpath(VIEW, main.parent)))
    page = open_module(main, "widget")
    page.add_style_tag(path=VIEW / "widget.css")
    return page


@pytest.fixture
def widget(loaded):
    """The widget on its page, in which no script may raise."""
    faults = []

    def heard(error):
        faults.append(str(error))

    loaded.on("pageerror", heard)
    yield Doubling(loaded).open()
    loaded.remove_listener("pageerror", heard)
    assert faults == []


def test_however_many_traits_change_they_are_drawn_once(widget):
    assert widget.count("drawn") == 1
    widget.set(value=5, other=True, position=2)
    assert widget.count("drawn") == 2
    assert widget.text(".double") == str(2 * 5)
    assert widget.root.get_by_label("Other").is_checked()
    assert widget.root.locator(".where").inner_text() == "3 / 3"


def test_the_page_sets_traits_together_and_tells_the_kernel_once(widget):
    widget.root.get_by_label("Other").check()
    assert widget.get("other") is True
    assert widget.page.evaluate("saved") == 1


def test_reset_brings_everything_back_as_it_was_given(widget):
    widget.open(value=3, other=True, predict=True)
    widget.answer("6")
    widget.root.get_by_label("Other").uncheck()
    widget.root.get_by_label("Predict first").uncheck()
    widget.set(value=9, position=1)
    widget.press("Refuse")
    widget.press("Reset")
    expected = {"value": 3, "other": True, "position": 0, "predict": True, "score": [0, 0]}
    assert {name: widget.get(name) for name in expected} == expected
    assert widget.text(".double") == "?"
    assert widget.text(".error") == ""
    assert widget.root.get_by_label("Your prediction").input_value() == ""


def test_reset_stops_the_player(widget):
    widget.press("Play")
    widget.press("Reset")
    assert widget.root.get_by_role("button", name="Play", exact=True).is_visible()
    assert widget.get("position") == 0


def test_an_error_stays_until_a_trait_changes(widget):
    widget.press("Refuse")
    widget.page.evaluate("new Promise(requestAnimationFrame)")
    assert widget.text(".error") == "Not that."
    widget.set(value=5)
    assert widget.text(".error") == ""


def said(widget):
    return widget.root.locator("[aria-live]").text_content()


def test_what_changes_is_said_but_neither_at_first_nor_while_it_plays(widget):
    assert said(widget) == ""
    widget.set(other=True)
    assert said(widget) == ""
    widget.set(value=5)
    assert said(widget) == "double 10"
    widget.set(value=7)  # of which nothing is to be said
    assert said(widget) == "double 10"
    widget.press("Play")
    widget.set(value=6)
    assert said(widget) == "double 10"
    widget.press("Pause")
    assert said(widget) == "double 12"
    widget.set(value=5)
    assert said(widget) == "double 10"


def test_what_the_slider_says_is_not_said_again_and_a_dot_is_read(widget):
    widget.set(value=8)
    assert said(widget) == "here: 2 times 8"
    widget.root.get_by_label("Step", exact=True).focus()
    widget.set(value=9)
    widget.set(value=8)
    assert said(widget) == "2 times 8"


def test_a_button_that_is_switched_off_hands_its_focus_on(widget):
    button = widget.root.get_by_role("button", name="Refuse")
    button.focus()
    widget.set(value=0)
    assert button.is_disabled()
    assert active(widget) == "Fill the window"


def test_other_numbers_are_forgotten_but_not_for_another_look(widget):
    widget.set(other=True, position=1)
    assert widget.count("forgotten") == []
    widget.set(value=5)
    assert widget.count("forgotten") == [False]
    widget.press("Reset")
    assert widget.count("forgotten") == [False, True, False]


def test_predict_first_hides_asks_once_and_keeps_the_score(widget):
    assert not widget.root.get_by_label("Your prediction").is_visible()
    widget.root.get_by_label("Predict first").check()
    assert widget.text(".double") == "?"
    widget.answer("9")
    assert widget.text(".verdict") == "No."
    widget.answer("8")
    assert (widget.text(".verdict"), widget.text(".double")) == ("8 is right.", "8")
    assert widget.text(".score") == "0 of 1 at the first try"
    widget.answer("8")
    assert widget.text(".score") == "0 of 1 at the first try"
    widget.press("Next")
    assert (widget.text(".verdict"), widget.text(".double")) == ("", "?")
    widget.answer("10")
    assert widget.text(".score") == "1 of 2 at the first try"
    widget.root.get_by_label("Predict first").uncheck()
    widget.root.get_by_label("Predict first").check()
    assert (widget.text(".verdict"), widget.text(".double")) == ("", "?")
    assert widget.get("score") == [0, 0]


def test_a_question_that_is_not_asked_is_not_answered(widget):
    widget.root.get_by_label("Predict first").check()
    widget.set(value=-1)
    assert not widget.root.locator(".predict").is_visible()
    for name in ("Check", "Show me"):
        button = widget.root.get_by_role("button", name=name, include_hidden=True)
        button.dispatch_event("click")
    assert widget.get("score") == [0, 0]
    assert widget.root.locator(".verdict").text_content() == ""


def test_space_plays_unless_the_player_is_hidden(widget):
    widget.root.get_by_label("Step", exact=True).focus()
    widget.page.keyboard.press("Space")
    assert widget.get("position") == 1
    widget.page.keyboard.press("Space")
    widget.page.evaluate("document.querySelector('.player').hidden = true")
    widget.root.get_by_label("Other").evaluate("one => one.parentElement.tabIndex = 0")
    widget.root.locator("label:has-text('Other')").first.focus()
    widget.page.keyboard.press("Space")
    assert widget.get("position") == 1


def test_a_widget_that_goes_stops_and_hears_nothing_more(widget):
    widget.press("Play")
    widget.page.evaluate("leave()")
    assert widget.root.count() == 0
    assert widget.count("stopped") == 1
    drawn = widget.count("drawn")
    widget.set(value=5)
    assert widget.count("drawn") == drawn
    widget.page.wait_for_timeout(1100)
    assert widget.get("position") == 1


# --- a window full of it ---


def full(widget):
    return widget.page.get_by_role("dialog", name="Doubling", exact=True)


def active(widget):
    """The name of the element that has the focus."""
    return widget.page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_the_button_lets_a_widget_fill_the_window_with_larger_type_and_brings_it_back(widget):
    button = widget.root.get_by_role("button", name="Fill the window")
    before = widget.root.bounding_box()
    line = widget.root.locator(".double").bounding_box()["height"]
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    size = widget.page.viewport_size
    box = widget.root.bounding_box()
    assert full(widget).is_visible()
    assert (box["x"], box["y"]) == (0, 0)
    assert box["width"] == pytest.approx(size["width"], abs=1)
    assert box["height"] == pytest.approx(size["height"], abs=1)
    assert widget.root.locator(".double").bounding_box()["height"] > 1.5 * line
    assert button.get_attribute("aria-pressed") == "true"
    assert active(widget) == "Fill the window"
    button.click()
    full(widget).wait_for(state="hidden")
    assert widget.root.bounding_box() == before
    assert button.get_attribute("aria-pressed") == "false"
    assert active(widget) == "Fill the window"


def test_two_quick_presses_leave_the_widget_where_it_was_and_three_fill_the_window(widget):
    button = widget.root.get_by_role("button", name="Fill the window")
    before = widget.root.bounding_box()
    button.evaluate("one => { one.click(); one.click(); }")
    assert not full(widget).is_visible()
    assert widget.root.bounding_box() == before
    button.evaluate("one => { one.click(); one.click(); one.click(); }")
    widget.page.wait_for_timeout(100)  # the events that the dialog was closed come late
    assert full(widget).is_visible()


def test_the_key_f_fills_the_window_and_escape_leaves_it_and_the_focus_stays(widget):
    step = widget.root.get_by_label("Step", exact=True)
    step.focus()
    widget.page.keyboard.press("f")
    assert full(widget).is_visible()
    assert active(widget) == "Step"
    widget.page.keyboard.press("ArrowRight")
    assert widget.get("position") == 1
    widget.page.keyboard.press("Escape")
    full(widget).wait_for(state="hidden")
    assert active(widget) == "Step"
    assert widget.get("position") == 1
    assert "beside" not in widget.root.get_attribute("class")
    widget.page.keyboard.press("f")
    widget.page.keyboard.press("f")
    full(widget).wait_for(state="hidden")


def test_the_rest_of_the_page_cannot_be_reached_from_a_full_window(widget):
    widget.page.evaluate("document.body.append(document.createElement('button'))")
    widget.root.get_by_label("Step", exact=True).focus()
    widget.page.keyboard.press("f")
    for _ in range(12):
        widget.page.keyboard.press("Tab")
        outside = "document.activeElement.matches('body > button')"
        assert not widget.page.evaluate(outside)


def test_an_f_that_is_typed_is_a_letter(widget):
    widget.root.get_by_label("Predict first").check()
    field = widget.root.get_by_label("Your prediction")
    field.focus()
    widget.page.keyboard.press("f")
    assert field.input_value() == "f"
    widget.root.get_by_label("Speed").focus()
    widget.page.keyboard.press("f")
    widget.root.get_by_label("Step", exact=True).focus()
    widget.page.keyboard.press("Control+f")
    assert not full(widget).is_visible()


def test_without_a_focus_the_key_f_means_the_widget_under_the_mouse(widget):
    widget.page.evaluate("document.activeElement.blur()")
    widget.page.mouse.move(640, 700)
    widget.page.keyboard.press("f")
    assert not full(widget).is_visible()
    widget.root.locator(".double").hover()
    widget.page.keyboard.press("f")
    assert full(widget).is_visible()


def test_a_widget_that_goes_while_it_fills_the_window_leaves_nothing_behind(widget):
    widget.root.get_by_label("Step", exact=True).focus()
    widget.page.keyboard.press("f")
    widget.page.evaluate("leave()")
    assert widget.page.locator("dialog").count() == 0
    assert widget.root.count() == 0
    widget.page.keyboard.press("f")
    assert widget.page.locator("dialog").count() == 0


def test_type_shrinks_when_more_comes_than_has_room(widget):
    widget.root.get_by_label("Step", exact=True).focus()
    widget.page.keyboard.press("f")
    lines = "<p>one</p>" * 12
    widget.root.locator(".double").evaluate("(one, html) => (one.innerHTML = html)", lines)
    widget.page.evaluate(
        "new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))"
    )
    high = widget.page.viewport_size["height"]
    for control in widget.root.get_by_role("button").all():
        box = control.bounding_box()
        assert box["y"] + box["height"] <= high
