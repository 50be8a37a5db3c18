"""Im2col: its traits, its arithmetic against cnnlib, and the matrices in a browser."""

import numpy as np
import pytest

import cnnlib
from cnnlib.widgets import Im2col
from cnnlib.worked_example import image, kernels
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_the_default_is_the_worked_example():
    widget = Im2col()
    assert widget.columns[:, 5].tolist() == image[1:4, 1:4].ravel().tolist()
    assert widget.product[0, 5] == 5 * 1 + 4 * (-1) + 7 * 1 + 0 * (-1) + 7 * 1 + 2 * (-1)


def test_the_product_is_the_convolution():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(2, 5, 6)), rng.normal(size=(3, 2, 2, 3))
    widget = Im2col(x, weight, stride=2, padding=1)
    expected = cnnlib.conv2d(x, weight, stride=2, padding=1).reshape(3, -1)
    np.testing.assert_allclose(widget.product, expected)


def test_repr_states_the_numbers():
    text = repr(Im2col([[1, 2], [3, 4]], [[1, -1]]))
    assert text == (
        "Im2col: image 1x2x2, weight 1x1x1x2, stride=1, padding=0, dilation=1, columns 2x2\n"
        "[[-1.0, -1.0]]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((2, 6, 6)), "image does not fit. weight expects 1 channels, image has 2"),
        ("image", np.ones((9, 9)), r"image does not fit. the columns have shape \(9, 49\)"),
        ("dilation", 3, "dilation does not fit.*kernel extends over 7 rows"),
        ("stride", 0, "0"),
        ("position", 16, "position is 16; expected at most 15"),
        ("filter", 3, "filter is 3; expected at most 2"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = Im2col()
    check_refused(widget, name, value, message)


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "fast_convolution", ".im2col"

    def notes(self, label="Image"):
        """Which pixel is which row of the column: {row of the column: (row, column)}."""
        cells = self.grid(label).locator("[data-note]").all()
        read = [
            [int(cell.get_attribute(f"data-{key}")) for key in ("note", "row", "column")]
            for cell in cells
        ]
        return {note: (row + 1, column + 1) for note, row, column in read}

    @property
    def sum(self):
        return self.text(".sum")


@pytest.fixture
def widget(page, site):
    return Widget(page, site)


def columns_of(x=image, k=3, **options):
    return cnnlib.im2col(x[None, None], k, **options)


def test_the_page_opens_with_the_matrices_of_the_worked_example(widget):
    assert widget.numbers("Columns") == columns_of().tolist()
    expected = (kernels.reshape(3, 9) @ columns_of()).tolist()
    assert widget.numbers("Product") == expected
    assert widget.sum == (
        "Row 0 times column 5: 1·5 + 0·5 + (−1)·4 + 1·7 + 0·7 + (−1)·0 + 1·7 + 0·7 + (−1)·2 = 13"
    )


def test_a_column_shows_its_window(widget):
    widget.cell("Columns", 4, 12).click()
    places = widget.notes()
    assert places[0] == (3, 4)
    assert places[8] == (5, 6)
    assert "lit" in widget.cell("Image", 4, 4).get_attribute("class")  # row 3 of the column
    assert "lit" in widget.cell("Filters as rows", 1, 4).get_attribute("class")


def test_a_window_shows_its_column(widget):
    widget.cell("Image", 2, 3).click()
    assert widget.where == "7 / 16"
    assert widget.cell("Columns", 1, 7).get_attribute("aria-selected") == "true"
    widget.cell("Image", 6, 6).click()  # no window begins there, so the last
    assert widget.where == "16 / 16"


def test_an_entry_of_the_product_shows_both_and_the_sum(widget):
    widget.cell("Product", 3, 4).click()
    assert widget.sum.startswith("Row 2 times column 3: ")
    assert widget.sum.endswith("= −17")
    assert widget.notes()[0] == (1, 4)


def test_the_player_steps_from_window_to_window(widget, page):
    widget.press("Step forward")
    assert widget.where == "7 / 16"
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    widget.press("Play")
    page.clock.run_for(2000)
    assert widget.where == "10 / 16"


def test_weights_and_pixels_can_be_changed(widget):
    widget.edit(widget.cell("Filters as rows", 2, 5), "2.5")
    weights = kernels.reshape(3, 9).copy()
    weights[1, 4] = 2.5
    assert widget.numbers("Product") == (weights @ columns_of()).tolist()

    widget.root.get_by_label("Edit the pixels").check()
    widget.edit(widget.cell("Image", 3, 3), "-4")
    changed = image.copy()
    changed[2, 2] = -4
    assert widget.numbers("Columns") == columns_of(changed).tolist()
    widget.press("Reset")
    assert widget.numbers("Columns") == columns_of().tolist()


def test_stride_padding_and_dilation_are_those_of_torch(widget):
    widget.root.get_by_text("Size, channels, stride, padding, dilation").click()
    widget.choose("Stride", "3")
    assert widget.numbers("Columns") == columns_of(stride=3).tolist()
    assert "36 pixels, 9 × 4 = 36 numbers in the columns: 1 times as many" in (
        widget.root.inner_text()
    )
    widget.choose("Padding", "1")
    widget.choose("Dilation", "2")
    assert widget.numbers("Columns") == columns_of(stride=3, padding=1, dilation=2).tolist()


def test_a_second_channel_makes_columns_and_rows_twice_as_long(widget):
    widget.root.get_by_text("Size, channels, stride, padding, dilation").click()
    widget.choose("Channels", "2")
    both = np.stack([image, image[:, ::-1]])[None]
    assert widget.numbers("Columns") == cnnlib.im2col(both, 3).tolist()
    weights = np.concatenate([kernels.reshape(3, 9), np.ones((3, 9))], axis=1)
    assert widget.numbers("Filters as rows") == weights.tolist()


def test_what_is_too_large_to_draw_is_refused_with_the_reason(widget):
    widget.root.get_by_text("Size, channels, stride, padding, dilation").click()
    widget.choose("Padding", "2")
    assert widget.error == "That makes 9 rows and 64 columns; up to 36 are drawn."
    assert widget.numbers("Columns") == columns_of().tolist()
    widget.choose("Dilation", "3")
    assert widget.error == "No window fits: the kernel reaches beyond the image and its padding."


def test_predict_first_hides_the_product_and_keeps_the_score(widget):
    widget.root.get_by_label("Predict first").check()
    assert widget.sum.endswith("= ?")
    assert set(widget.grid("Product").locator(".number").all_inner_texts()) == {"?"}
    widget.root.get_by_label("Your prediction").fill("0")
    widget.press("Check")
    assert widget.root.get_by_role("status").inner_text() == "0 is right."
    widget.press("Next")
    assert widget.where == "2 / 16"
    widget.press("Show me")
    assert "1 of 2 at the first try" in widget.root.inner_text()


def test_the_keyboard_alone_walks_the_matrices(widget, page):
    widget.grid("Columns").locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert widget.where == "7 / 16"
    assert "lit" in widget.cell("Columns", 2, 7).get_attribute("class")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert widget.sum.startswith("Row 1 times column 6: ")
    assert widget.said.startswith("window 6, row 1")


def test_a_finger_chooses_and_all_fits_a_phone(phone, site):
    widget = Widget(phone, site)
    widget.cell("Columns", 2, 16).tap()
    assert widget.where == "16 / 16"
    widget.cell("Image", 1, 1).tap()
    assert widget.where == "1 / 16"
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site)
    widget.root.get_by_text("Size, channels, stride, padding, dilation").click()
    widget.root.get_by_label("Predict first").check()
    assert axe_faults(widget.root) == []
