"""OutputSize: its traits in Python, its arithmetic against cnnlib and torch, its page."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.shapes import Windows
from cnnlib.widgets import OutputSize
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]
SHAPES = Path(cnnlib.__file__).parent / "widgets" / "shared" / "math" / "shapes.js"


# --- Python ---


def test_the_output_size_is_that_of_cnnlib():
    widget = OutputSize(size=9, kernel_size=3, stride=2, padding=1, dilation=2)
    assert widget.output_size == (9 + 2 * 1 - 2 * (3 - 1) - 1) // 2 + 1
    assert OutputSize(size=7, kernel_size=3, stride=5).left_over == 7 - 3
    assert OutputSize(size=5, kernel_size=2, stride=2).output_size == 2
    assert OutputSize(size=5, kernel_size=2, stride=2, ceil_mode=True).output_size == 3


def test_repr_states_the_geometry_and_what_comes_out():
    assert repr(OutputSize(padding="same")) == (
        "OutputSize: size=7, kernel_size=3, stride=1, padding='same', dilation=1, "
        "ceil_mode=False\n7 windows, 0 left over"
    )


def test_what_the_page_sends_arrives():
    widget = OutputSize()
    widget.set_state({"size": 4, "kernel_size": 2, "stride": 2, "position": 1})
    assert (widget.output_size, widget.position) == (2, 1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("size", 2, "the kernel extends over 3 rows, the padded input has only 2"),
        ("size", 65, "the padded row has 65 cells; expected at most 64"),
        ("size", 7.5, "size is 7.5; expected a whole number"),
        ("kernel_size", 0, "kernel_size is 0; expected at least 1"),
        ("stride", (1, 2), r"stride is \(1, 2\); expected a whole number"),
        ("padding", -1, "padding is -1; expected at least 0"),
        ("padding", "full", "padding is 'full'; expected one of 'valid', 'same'"),
        ("dilation", 4, "the kernel extends over 9 rows"),
        ("position", 5, "position is 5; expected at most 4"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = OutputSize()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=f"OutputSize: {message}"):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def page_axis(open_module):
    """The axis() of the widgets' script, called from Python."""
    page = open_module(SHAPES, "shapes")
    return lambda *arguments: page.evaluate("arguments => shapes.axis(...arguments)", arguments)


@given(data=st.data())
def test_the_page_counts_what_cnnlib_and_torch_count(page_axis, data):
    kernel, stride, dilation = (data.draw(st.integers(1, n)) for n in (5, 6, 3))
    padding = data.draw(st.integers(0, kernel // 2))
    ceil_mode = data.draw(st.booleans())
    extent = dilation * (kernel - 1) + 1
    size = data.draw(st.integers(max(1, extent - 2 * padding), extent + 12))
    ours = Windows("test", (size, size), kernel, stride, padding, dilation, ceil_mode)
    theirs = page_axis(size, kernel, stride, padding, dilation, ceil_mode)
    pooled = F.max_pool1d(
        torch.zeros(1, 1, size), kernel, stride, padding, dilation, ceil_mode=ceil_mode
    )
    assert theirs["output"] == ours.output_size[0] == pooled.shape[-1]
    assert (theirs["before"], theirs["after"]) == ours.sides[0]
    assert theirs["padded"] == ours.padded_size[0]


@given(size=st.integers(1, 20), kernel=st.integers(1, 6), dilation=st.integers(1, 3))
def test_same_padding_keeps_the_size_in_the_page_too(page_axis, size, kernel, dilation):
    row = page_axis(size, kernel, 1, "same", dilation)
    assert row["output"] == size
    assert (row["before"], row["after"]) == cnnlib.same_padding(kernel, dilation)


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "shapes", ".output-size"

    def slide(self, **values):
        names = {"n": "cells n", "k": "kernel k", "s": "stride s", "p": "padding p"}
        for letter, value in values.items():
            self.root.get_by_label(names.get(letter, "dilation d"), exact=True).fill(str(value))

    @property
    def formula(self):
        return self.text(".output-size-formula")

    def lines(self, kind=""):
        return self.root.locator(f".output-size-line{kind}").count()


@pytest.fixture
def widget(page, site):
    return Widget(page, site)


def test_the_page_opens_with_the_third_case_of_the_text(widget):
    assert widget.formula == "⌊(6 + 1 + 1 − 1·(4 − 1) − 1) / 2⌋ + 1 = ⌊4 / 2⌋ + 1 = 2 + 1 = 3"
    assert widget.lines() == 3
    assert widget.text(".output-size-window") == "Window 0 reads 1 zero and cells 0, 1, 2."


def test_a_stride_that_does_not_divide_leaves_cells_over(widget):
    widget.slide(k=3, p=0, n=7, s=5)
    assert widget.formula == (
        "⌊(7 + 0 + 0 − 1·(3 − 1) − 1) / 5⌋ + 1 = ⌊4 / 5⌋ + 1 = ⌊0.8⌋ + 1 = 0 + 1 = 1"
    )
    assert widget.text(".note") == (
        "Left over after the last window: 4 cells. Never read: 4 cells (3, 4, 5, 6). "
        "One window more would reach 1 cell past the end."
    )
    assert widget.lines(".outside") == 1
    assert widget.root.locator(".skipped").count() == 4


def test_ceil_mode_lets_the_last_window_out(widget):
    widget.slide(k=2, p=0, n=5, s=2)
    assert widget.formula.endswith("= ⌊1.5⌋ + 1 = 1 + 1 = 2")
    widget.root.get_by_label("ceil_mode").check()
    assert widget.formula.endswith("= ⌈1.5⌉ + 1 = 2 + 1 = 3")
    assert "reach 1 cell past the end" in widget.text(".note")


def test_dilation_leaves_gaps(widget):
    widget.slide(k=3, p=0, s=1, d=2)
    assert widget.text(".output-size-window") == "Window 0 reads cells 0, 2, 4."
    assert widget.root.locator(".output-size-cells .read").count() == 3


def test_the_words_for_padding(widget):
    widget.slide(s=1)
    widget.press("same")
    assert widget.formula.startswith("⌊(6 + 1 + 2 − 1·(4 − 1) − 1) / 1⌋ + 1")
    assert widget.formula.endswith("= 6")
    widget.press("full")
    assert widget.formula.endswith(f"= {6 + 4 - 1}")
    widget.press("valid")
    assert widget.formula.endswith("= 3")
    assert widget.root.get_by_role("button", name="valid").get_attribute("aria-pressed") == "true"


def test_what_cannot_be_is_refused_with_the_reason(widget):
    widget.press("same")
    assert "so it needs stride 1" in widget.error
    widget.slide(p=0, d=4)
    assert widget.error == "The kernel spans 13 cells with dilation 4, but the row has 6."
    assert widget.root.get_by_label("dilation d").input_value() == "1"


def test_windows_are_stepped_through_by_mouse_player_and_keys(widget, page):
    widget.press("Step forward")
    assert widget.text(".output-size-window") == "Window 1 reads cells 1, 2, 3, 4."
    assert widget.said == "3 windows. Window 1 reads cells 1, 2, 3, 4."
    widget.root.locator("[data-window='2']").click()
    assert widget.where == "3 / 3"
    widget.root.get_by_label("Window", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    assert widget.where == "2 / 3"
    widget.root.get_by_label("stride s").focus()
    page.keyboard.press("ArrowLeft")
    assert widget.formula.endswith("= 5")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.keyboard.press("Space")
    said = widget.said
    page.clock.run_for(2500)
    assert widget.said == said
    page.clock.run_for(3500)
    assert widget.where == "5 / 5"
    assert widget.said == "5 windows. Window 4 reads 1 zero and cells 3, 4, 5."
    widget.press("Reset")
    assert widget.formula.endswith("= 3")


def test_predict_first_hides_asks_and_names_the_slip(widget):
    widget.root.get_by_label("Predict first").check()
    assert widget.formula.endswith("+ 1 = ?")
    assert widget.lines() == 0

    def answer(text):
        widget.root.get_by_label("Your prediction").fill(text)
        widget.press("Check")
        return widget.root.get_by_role("status").inner_text()

    assert answer("2").startswith("One more: the window also stands at the very start")
    assert answer("3") == "3 is right."
    assert "0 of 1 at the first try" in widget.root.inner_text()
    assert widget.lines() == 3
    widget.press("Next")
    assert widget.formula.endswith("= ?")
    widget.press("Show me")
    assert "0 of 2 at the first try" in widget.root.inner_text()


def test_the_longest_row_fits_a_phone(phone, site):
    widget = Widget(phone, site)
    widget.slide(n=32, s=1, k=11, d=2, p=10)
    assert widget.lines() == 32 + 2 * 10 - 2 * (11 - 1)
    wide = phone.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    widget.root.get_by_role("button", name="Step forward").tap()
    assert widget.where == "2 / 32"


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site)
    widget.slide(k=3, p=0, n=7, s=5)
    assert axe_faults(widget.root) == []
