"""PixelDrawing: its traits in Python, and drawing in the page."""

import json
import re

import numpy as np
import pytest

from cnnlib.widgets import PixelDrawing
from tests.browser import visit
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


@pytest.mark.parametrize(("axes", "shape"), [(2, (3, 5)), (3, (1, 3, 5)), (4, (1, 1, 3, 5))])
def test_the_array_has_as_many_axes_as_asked_for(axes, shape):
    assert PixelDrawing(np.ones((3, 5)), axes=axes).array.shape == shape


def test_repr_states_the_array():
    assert repr(PixelDrawing([[0, 9]], axes=3)) == "PixelDrawing: shape (1, 1, 2)\n[[[0 9]]]"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.zeros(3), r"image has shape \(3,\); expected \(rows, columns\)"),
        ("image", np.zeros((3, 17)), r"image has shape \(3, 17\); expected at most 16 rows"),
        ("image", [[0, 10]], "image holds numbers from 0 to 10; expected 0 to 9"),
        ("axes", 5, "(?i).*axes.*"),
        ("ink", 10, "(?i).*ink.*"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PixelDrawing()
    check_refused(widget, name, value, message)


@pytest.fixture
def drawing(page, site):
    return open_drawing(page, site)


def open_drawing(page, site):
    visit(page, f"{site}/chapters/images.html")
    root = page.locator(".pixel-drawing")
    root.scroll_into_view_if_needed()
    return root


def cell(drawing, row, column):
    return drawing.locator(f"[data-row='{row}'][data-column='{column}']")


def array(drawing):
    """What the page writes, read as Python would."""
    return np.array(json.loads(re.sub(r"\s+", ",", drawing.locator("pre").inner_text())))


def test_a_click_draws_and_a_drag_draws_a_line(drawing, page):
    cell(drawing, 7, 0).click()
    assert array(drawing)[7].tolist() == [9, 0, 0, 0, 0, 0, 0, 0]
    cell(drawing, 0, 1).hover()
    page.mouse.down()
    cell(drawing, 0, 2).hover()
    cell(drawing, 0, 3).hover()
    page.mouse.up()
    cell(drawing, 0, 6).hover()
    assert array(drawing)[0].tolist() == [0, 9, 9, 9, 0, 0, 0, 0]


def test_the_ink_can_be_chosen_and_the_drawing_cleared_and_restored(drawing):
    before = array(drawing)
    drawing.get_by_role("combobox", name="Draw with").select_option("3")
    cell(drawing, 7, 7).click()
    assert array(drawing)[7, 7] == 3
    drawing.get_by_role("button", name="Clear").click()
    assert array(drawing).sum() == 0
    drawing.get_by_role("button", name="Reset").click()
    assert array(drawing).tolist() == before.tolist()


def test_keys_move_draw_and_write_numbers(drawing, page):
    drawing.get_by_role("grid").locator("[tabindex='0']").focus()
    for key in ["ArrowDown", "ArrowRight", "Space", "End", "5", "Home", "Enter"]:
        page.keyboard.press(key)
    assert array(drawing)[1].tolist() == [9, 9, 0, 9, 9, 0, 0, 5]
    assert drawing.locator("[aria-live]").inner_text() == "row 1, column 0: 9"


def test_the_shape_follows_the_axes(drawing):
    cell(drawing, 2, 3).click()
    for axes, shape, index in [
        ("(N, C, H, W)", (1, 1, 8, 8), "0, 0, 2, 3"),
        ("(C, H, W)", (1, 8, 8), "0, 2, 3"),
        ("(H, W)", (8, 8), "2, 3"),
    ]:
        drawing.get_by_role("button", name=axes, exact=True).click()
        assert array(drawing).shape == shape
        text = drawing.locator(".shape").inner_text()
        assert f"x.shape == {shape}" in text
        assert f"x[{index}] == 9" in text


def test_a_finger_draws_and_the_widget_fits_a_phone(phone, site):
    drawing = open_drawing(phone, site)
    cell(drawing, 7, 3).tap()
    assert array(drawing)[7].tolist() == [0, 0, 0, 9, 0, 0, 0, 0]
    box = drawing.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
