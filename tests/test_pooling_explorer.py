"""PoolingExplorer: its traits in Python, its arithmetic against cnnlib, its pages in a browser."""

import re
from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given

import cnnlib
from cnnlib.widgets import PoolingExplorer
from tests.browser import OnPage
from tests.geometry import small_poolings
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
SHARED = Path(cnnlib.__file__).parent / "widgets" / "shared"
WORKED = np.array([[2.0, 12, 7, 0], [0, 15, 8, 0], [0, 20, 5, 0], [0, 14, 4, 0]])
GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")


# --- Python ---


def test_the_default_is_the_worked_example():
    widget = PoolingExplorer()
    assert widget.image.tolist() == WORKED.tolist()
    assert widget.output.tolist() == [[15, 8], [20, 5]]


def test_the_stride_is_the_window_unless_it_is_given():
    assert PoolingExplorer(kernel_size=(2, 3)).stride == (2, 3)
    assert PoolingExplorer(kernel_size=3, stride=1).stride == 1


def test_the_output_is_that_of_cnnlib():
    x = np.random.default_rng(0).normal(size=(5, 7))
    options = {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0), "ceil_mode": True}
    largest = PoolingExplorer(x, dilation=(2, 1), **options)
    mean = PoolingExplorer(x, mode="average", count_include_pad=False, **options)
    np.testing.assert_array_equal(
        largest.output, cnnlib.max_pool2d(x[None], dilation=(2, 1), **options)[0]
    )
    np.testing.assert_array_equal(
        mean.output, cnnlib.avg_pool2d(x[None], count_include_pad=False, **options)[0]
    )


def test_repr_states_the_numbers_and_no_address():
    assert repr(PoolingExplorer([[1, 2, 3], [4, 5, 9]], (2, 3), mode="average")) == (
        "PoolingExplorer: average of 2x3, kernel_size=(2, 3), stride=(2, 3), padding=0, "
        "dilation=1, ceil_mode=False, count_include_pad=True\n[[4.]]"
    )


def test_what_the_page_sends_together_is_judged_together():
    widget = PoolingExplorer(dilation=2, stride=1)
    widget.set_state({"mode": "average", "dilation": 1, "image": [[1, 2, 3], [4, 5, 6]]})
    assert widget.output.tolist() == [[(1 + 2 + 4 + 5) / 4, (2 + 3 + 5 + 6) / 4]]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", [1, 2, 3], r"image has shape \(3,\); expected \(rows, columns\)"),
        ("image", np.ones((17, 4)), r"image has shape \(17, 4\); expected at most 16 rows"),
        ("image", np.ones((1, 4)), "image does not fit.*kernel extends over 2 rows"),
        ("kernel_size", 5, "kernel_size does not fit.*kernel extends over 5 rows"),
        ("kernel_size", 0, "kernel_size is 0; expected an integer of at least 1"),
        ("stride", 0, "stride is 0; expected an integer of at least 1"),
        ("padding", 2, "padding does not fit.*at most half of"),
        ("padding", "same", "padding is 'same'; expected an integer"),
        ("position", 4, "position is 4; expected at most 3"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PoolingExplorer()
    check_refused(widget, name, value, f"PoolingExplorer: {message}")


def test_an_average_with_dilation_is_refused_as_torch_has_none():
    with pytest.raises(traitlets.TraitError, match="An average has no dilation"):
        PoolingExplorer(stride=1, mode="average", dilation=2)


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def page_pool2d(open_module):
    """The pool2d of the widgets' script, called from Python; −∞ comes back as None."""
    page = open_module(SHARED / "math" / "cells.js", "cells")
    return lambda image, options: page.evaluate(
        "([image, options]) => cells.pool2d(image, options)", [image, options]
    )


@given(small_poolings())
def test_the_page_computes_what_cnnlib_computes(page_pool2d, drawn):
    x, mode, options = drawn
    pool = {"max": cnnlib.max_pool2d, "average": cnnlib.avg_pool2d}[mode]
    theirs = page_pool2d(x.tolist(), {"mode": mode, **options})
    np.testing.assert_allclose(np.array(theirs, float), pool(x[None], **options)[0], atol=1e-12)


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "pooling", ".pooling-explorer"

    def map(self):
        return self.numbers("Pooled map")

    def more(self):
        self.root.get_by_text("Padding, dilation, ceil_mode, size").click()

    @property
    def sum(self):
        return self.text(".sum p")


@pytest.fixture
def first(page, site):
    return Widget(page, site, 0)


def largest(x=WORKED, kernel_size=2, **options):
    return cnnlib.max_pool2d(x[None], kernel_size, **options)[0].round(2).tolist()


def mean(x=WORKED, kernel_size=2, **options):
    return cnnlib.avg_pool2d(x[None], kernel_size, **options)[0].round(2).tolist()


def test_the_page_opens_with_the_largest_of_the_first_window(first):
    assert first.map() == largest()
    assert first.sum == "max of 2, 12, 0, 15 = 15"
    assert "winner" in first.cell("Map", 2, 2).get_attribute("class")
    assert first.cell("Map", 2, 2).get_attribute("data-note") == "★"
    assert first.root.locator(".number.winner").count() == 1


def test_an_average_is_written_as_a_sum_and_a_division(first):
    first.press("average")
    assert first.map() == mean()
    assert first.sum == "(2 + 12 + 0 + 15) / 4 = 7.25"
    assert first.root.locator(".number.winner").count() == 0
    first.edit(first.cell("Map", 1, 1), "-2")
    assert first.sum == "((−2) + 12 + 0 + 15) / 4 = 6.25"


def test_steps_scrubbing_playing_and_keys_move_the_window(first, page):
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    first.press("Step forward")
    assert (first.where, first.sum) == ("2 / 4", "max of 7, 0, 8, 0 = 8")
    first.root.get_by_label("Position of the window").fill("3")
    assert first.sum == "max of 5, 0, 4, 0 = 5"
    first.press("To the start")
    first.press("Play")
    page.clock.run_for(5000)
    assert first.where == "4 / 4"
    first.cell("Pooled map", 1, 1).click()
    page.keyboard.press("ArrowDown")
    assert first.where == "3 / 4"
    page.keyboard.press("Home")
    page.keyboard.press("End")
    assert first.where == "4 / 4"
    page.keyboard.press("Space")
    assert first.root.get_by_role("button", name="Pause").is_visible()


def test_steps_are_spoken_and_playing_is_not(first, page):
    assert first.said == ""
    first.press("Step forward")
    assert first.said == "row 0, column 1: the largest of 7, 0, 8, 0 is 8"
    first.press("average")
    assert first.said == "row 0, column 1: 15 divided by 4 is 3.75"
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    first.press("Play")
    page.clock.run_for(1500)
    assert first.said == "row 0, column 1: 15 divided by 4 is 3.75"


def test_pointing_at_a_result_shows_its_window_and_at_a_number_its_cell(first, page):
    first.cell("Pooled map", 2, 1).hover()
    assert first.sum == "max of 0, 20, 0, 14 = 20"
    page.mouse.move(0, 0)
    assert first.sum.endswith("= 15")
    first.root.locator("[data-term]").nth(1).hover()
    assert "lit" in first.cell("Map", 1, 2).get_attribute("class")


def test_of_equal_numbers_the_first_is_marked(first):
    first.edit(first.cell("Map", 1, 1), "15")
    assert "winner" in first.cell("Map", 1, 1).get_attribute("class")
    assert "2 are equally large; the first of them" in first.root.locator(".sum").inner_text()


def test_stride_window_and_rows_never_read(first):
    first.choose("Stride", "1")
    assert first.map() == largest(stride=1)
    first.choose("Window", "3")
    assert first.map() == largest(kernel_size=3, stride=1)
    first.choose("Stride", "2")
    assert first.map() == largest(kernel_size=3, stride=2)
    assert "never read: row 3 and column 3" in first.root.inner_text()
    first.choose("Window", "whole map")
    assert first.map() == [[20]]
    window = first.root.get_by_role("combobox", name="Window", exact=True)
    assert window.input_value() == "whole map"


def test_ceil_mode_hangs_over_and_what_is_past_the_end_does_not_count(first):
    first.more()
    first.choose("Map rows", "5")
    wide = np.pad(WORKED, ((0, 1), (0, 0)))
    assert first.map() == largest(wide)
    assert "rows: ⌊(5 + 2·0 − 1·(2 − 1) − 1) / 2⌋ + 1 = 2" in first.root.inner_text()
    first.root.get_by_label("ceil_mode").check()
    assert first.map() == largest(wide, ceil_mode=True)
    assert "rows: ⌈(5 + 2·0 − 1·(2 − 1) − 1) / 2⌉ + 1 = 3" in first.root.inner_text()
    first.cell("Pooled map", 3, 1).click()
    assert "2 of 4 cells lie past the end" in first.root.locator(".sum").inner_text()
    first.press("average")
    assert first.sum == "(0 + 0) / 2 = 0"


def test_a_window_that_would_begin_past_the_end_is_left_out_as_in_torch(first):
    first.more()
    first.choose("Padding", "1")
    first.choose("Stride", "3")
    first.root.get_by_label("ceil_mode").check()
    assert first.map() == largest(stride=3, padding=1, ceil_mode=True)
    assert "+ 1 = 3, less one that would begin past the end = 2" in first.root.inner_text()


def test_padding_never_wins_and_counts_in_a_mean_unless_told(first):
    first.more()
    first.choose("Padding", "1")
    assert first.map() == largest(padding=1)
    assert first.sum == "max of −∞, −∞, −∞, 2 = 2"
    first.press("average")
    assert first.map() == mean(padding=1)
    assert first.sum == "(0 + 0 + 0 + 2) / 4 = 0.5"
    first.root.get_by_label("count_include_pad").uncheck()
    assert first.map() == mean(padding=1, count_include_pad=False)
    assert first.sum == "2 / 1 = 2"


def test_dilation_is_for_max_alone(first):
    first.more()
    first.choose("Dilation", "2")
    assert first.map() == largest(dilation=2)
    assert first.sum == "max of 2, 7, 0, 5 = 7"
    first.press("average")
    assert first.map() == mean()
    assert not first.root.get_by_label("Dilation").is_visible()
    first.press("max")
    assert first.root.get_by_label("Dilation").input_value() == "1"


def test_what_torch_refuses_is_refused_with_the_reason(first):
    first.more()
    first.choose("Padding", "2")
    assert first.error == "Padding 2 is more than half of a window of 2: at most 1 is allowed."
    assert first.root.get_by_label("Padding").input_value() == "0"
    first.choose("Window", "5")
    assert first.error == "The window spans 5 rows, but the map has 4."
    assert first.map() == largest()
    first.choose("Window", "3")
    assert first.error == ""


def test_reset_and_presets(first):
    first.more()
    first.choose("Numbers", "1, 2, 3, …")
    assert first.map() == [[6, 8], [14, 16]]
    first.press("average")
    first.press("Reset")
    assert first.map() == largest()


def test_predict_first_hides_asks_names_the_slip_and_keeps_the_score(first):
    first.root.get_by_label("Predict first").check()
    assert first.texts("Pooled map") == [["?", "?"], ["?", "?"]]
    assert first.sum == "max of 2, 12, 0, 15 = ?"
    assert first.root.locator(".winner").count() == 0

    def answer(text):
        first.root.get_by_label("Your prediction").fill(text)
        first.press("Check")
        return first.root.get_by_role("status").inner_text()

    assert answer("7.25") == "That is the mean. Here the largest is asked for."
    assert answer("20") == "That is the largest of the whole map. Look at the framed window."
    assert answer("15") == "15 is right."
    first.press("Next")
    assert answer("8") == "8 is right."
    assert "1 of 2 at the first try" in first.root.inner_text()
    first.press("average")
    assert answer("15") == "That is the sum. Divide it by 4."
    assert answer("8") == "That is the largest. Here the mean is asked for."
    first.press("Show me")
    assert first.root.get_by_role("status").inner_text() == "It is 3.75."


def test_a_finger_can_do_what_a_mouse_can(phone, site):
    widget = Widget(phone, site, 0)
    widget.cell("Pooled map", 2, 1).tap()
    assert widget.sum.endswith("= 20")
    widget.cell("Map", 3, 2).tap()
    widget.root.get_by_role("button", name="Change the sign").first.tap()
    assert widget.sum == "max of 0, −20, 0, 14 = 14"
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site, 0)
    widget.more()
    widget.choose("Padding", "1")
    widget.root.get_by_label("Predict first").check()
    widget.cell("Map", 2, 2).click()
    assert axe_faults(widget.root) == []


def test_every_name_that_a_shared_module_imports_stands_in_the_script_once():
    text = PoolingExplorer().get_state("_esm")["_esm"]
    assert "import" not in re.sub(r"//.*|/\*[\s\S]*?\*/", "", text)
    assert text.count("export ") == 1
