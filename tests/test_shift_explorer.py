"""ShiftExplorer: its traits in Python, and moving the image in the page."""

import numpy as np
import pytest
import traitlets

import cnnlib
from cnnlib.widgets import ShiftExplorer
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]

FOUR = np.zeros((8, 8), int)
FOUR[1:6, 1:6] = [
    [0, 1, 0, 1, 0],
    [0, 1, 0, 1, 0],
    [0, 1, 1, 1, 0],
    [0, 0, 0, 1, 0],
    [0, 0, 0, 1, 0],
]
LINE = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]])


def explorer(**traits):
    """The chapter's widget, in Python."""
    return ShiftExplorer(FOUR, LINE, **traits)


# --- Python ---


def test_the_image_moves_and_zeros_come_in():
    widget = ShiftExplorer([[1, 2, 3], [4, 5, 6]], [[1]], shift=(1, -1))
    assert widget.shifted.tolist() == [[0, 0, 0], [2, 3, 0]]


def test_the_map_moves_along_as_long_as_nothing_leaves():
    still, moved = explorer().output, explorer(shift=(1, 2)).output
    np.testing.assert_array_equal(moved[1:, 2:], still[:-1, :-2])


def test_the_dense_neuron_answers_to_its_own_image_where_it_stands():
    assert explorer().dense == FOUR.sum()
    assert explorer(shift=(1, 1)).dense == (FOUR[1:, 1:] * FOUR[:-1, :-1]).sum()


def test_repr_states_the_shift_and_the_results():
    widget = ShiftExplorer([[1, 2]], [[3]], padding=0, shift=(0, 1))
    assert repr(widget) == (
        "ShiftExplorer: image 1x2, kernel 1x1, bias 0, padding=0, shift=(0, 1)\n"
        "dense neuron 2, map\n[[0. 3.]]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((13, 8)), r"image has shape \(13, 8\); expected at most 12 rows"),
        ("kernel", np.ones((11, 3)), r"kernel has shape \(11, 3\); expected at most 10 rows"),
        ("weight", np.ones((8, 7)), r"weight has shape \(8, 7\); expected shape \(8, 8\)"),
        ("shift", (8, 0), r"shift is \(8, 0\); expected less than 8 down"),
        ("position", 64, "position is 64; expected at most 63"),
        ("padding", 3, "(?i).*padding.*"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = explorer()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(widget, name, value)
    assert np.array_equal(getattr(widget, name), before)


# --- the built page ---


class Page(OnPage):
    chapter, selector = "why_convolution", ".shift-explorer"

    def array(self, label):
        """The numbers of a square grid, without its padding."""
        cells = self.grid(label).locator(".number:not(.padding)")
        texts = cells.evaluate_all("cells => cells.map((cell) => cell.firstChild.data)")
        numbers = np.array([float(text.replace("−", "-")) for text in texts])
        return numbers.reshape(round(len(texts) ** 0.5), -1)

    def shows(self, **traits):
        python = explorer(**traits)
        np.testing.assert_array_equal(self.array("Image"), python.shifted)
        np.testing.assert_array_equal(self.array("Feature map"), python.output)
        assert self.array("Dense neuron").item() == python.dense


@pytest.fixture
def widget(page, site):
    return Page(page, site)


def test_the_page_opens_with_the_image_where_it_was_made(widget):
    widget.shows()
    assert "Not moved yet." in widget.root.inner_text()


def test_buttons_and_their_arrow_keys_move_the_image(widget, page):
    widget.press("Right")
    widget.press("Down")
    widget.shows(shift=(1, 1))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    widget.shows(shift=(2, 0))
    assert widget.said.startswith("Moved 2 down. ")
    assert widget.said.endswith(f"Dense neuron: {explorer(shift=(2, 0)).dense:g}.")
    widget.press("Back to the start")
    widget.shows()


def test_dragging_moves_the_image_and_opens_no_pixel(widget, page):
    start = widget.cell("Image", 5, 5).bounding_box()
    goal = widget.cell("Image", 3, 6).bounding_box()
    page.mouse.move(start["x"] + 9, start["y"] + 9)
    page.mouse.down()
    page.mouse.move(goal["x"] + 9, goal["y"] + 9, steps=4)
    page.mouse.up()
    widget.shows(shift=(-2, 1))
    assert widget.root.locator(".editing").count() == 0


def test_inside_the_map_moves_along_and_at_the_border_the_widget_says_what_changed(widget):
    widget.press("Right")
    assert "all of them moved along, unchanged." in widget.root.inner_text()
    assert widget.root.locator(".differs").count() == 0
    for _ in range(2):
        widget.press("Up")
    still, moved = explorer().output, explorer(shift=(-2, 1)).output
    wrong = (moved[:-2, 1:] != still[2:, :-1]).sum()
    assert wrong > 0
    assert f"{wrong} changed at the border" in widget.root.inner_text()
    assert widget.root.locator(".differs").count() == wrong


def test_the_dense_neuron_jumps_and_its_sum_is_written_out(widget):
    widget.cell("Dense neuron", 1).click()
    assert widget.sum.endswith(f"+ 0 = {FOUR.sum()}")
    widget.press("Right")
    assert widget.sum.endswith(f"= {explorer(shift=(0, 1)).dense:g}")
    assert f"{FOUR.sum()} before the move" in widget.root.inner_text()


def test_a_number_of_the_map_is_traced_to_its_sum(widget):
    widget.cell("Feature map", 3, 3).click()
    assert widget.sum == "0·0 + 1·1 + 0·0 + 0·0 + 1·1 + 0·0 + 0·0 + 1·1 + 1·0 + 0 = 3"
    widget.root.locator("[data-term]").nth(4).hover()
    assert "lit" in widget.cell("Image", 3, 3).get_attribute("class")
    assert "lit" in widget.cell("Kernel", 2, 2).get_attribute("class")


def test_typing_changes_the_image_where_it_stands_now(widget, page):
    widget.press("Down")
    widget.edit(widget.cell("Image", 6, 1), "3")
    changed = FOUR.copy()
    changed[5 - 1, 0] = 3
    np.testing.assert_array_equal(
        widget.array("Feature map"), ShiftExplorer(changed, LINE, shift=(1, 0)).output
    )
    widget.cell("Image", 1, 1).click()
    page.keyboard.type("3")
    assert "came in when the image moved" in widget.error


def test_presets_and_padding(widget):
    widget.choose("Padding", "0")
    widget.shows(padding=0)
    widget.choose("Kernel", "box blur")
    blurred = cnnlib.conv2d(FOUR[None].astype(float), np.ones((1, 1, 3, 3)) / 9)[0]
    np.testing.assert_allclose(widget.array("Feature map"), blurred, atol=0.0051)
    widget.press("Reset")
    widget.shows()


def test_predict_first_hides_the_map_and_the_neuron(widget):
    widget.root.get_by_label("Predict first").check()
    widget.press("Right")
    hidden = widget.grid("Feature map").locator(".number")
    assert set(hidden.all_inner_texts()) == {"?"}
    widget.cell("Dense neuron", 1).click()
    widget.root.get_by_label("Your prediction").fill(f"{explorer(shift=(0, 1)).dense:g}")
    widget.press("Check")
    assert widget.root.get_by_role("status").inner_text().endswith("is right.")
    assert "1 of 1 at the first try" in widget.root.inner_text()


def test_it_fits_a_phone_and_a_finger_moves_the_image(phone, site):
    widget = Page(phone, site)
    widget.root.get_by_role("button", name="Down", exact=True).tap()
    widget.shows(shift=(1, 0))
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
