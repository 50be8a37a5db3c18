"""ConvolutionMatrix: its traits, its matrix against cnnlib, and its entries in a browser."""

import numpy as np
import pytest

import cnnlib
from cnnlib.widgets import ConvolutionMatrix
from cnnlib.worked_example import image, kernel
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_a_row_is_a_window_and_a_row_of_the_transpose_a_pixel():
    row = ConvolutionMatrix().matrix[5].reshape(6, 6)
    assert row[1:4, 1:4].tolist() == kernel.tolist()
    assert np.abs(row).sum() == np.abs(kernel).sum()
    small = ConvolutionMatrix([[1, 2, 3]], [[4, 5]], transposed=True)
    assert small.matrix.tolist() == [[4, 0], [5, 4], [0, 5]]


def test_both_products_are_the_convolution_and_its_backward_pass():
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(4, 7)), rng.normal(size=(2, 3))
    grad = rng.normal(size=(3, 5))
    widget = ConvolutionMatrix(x, weight, grad)
    expected = cnnlib.conv2d(x[None], weight[None, None])[0]
    np.testing.assert_allclose(widget.product, expected, rtol=1e-12)
    widget.transposed = True
    expected = cnnlib.conv2d_backward(grad[None], x[None], weight[None, None])[0][0]
    np.testing.assert_allclose(widget.product, expected, rtol=1e-12)


def test_repr_states_the_numbers():
    widget = ConvolutionMatrix([[1, 2, 3]], [[4, 5]])
    assert repr(widget) == (
        "ConvolutionMatrix: image 1x3, kernel [[4, 5]], matrix 2x3\nY [[14.0, 23.0]]"
    )
    widget.transposed = True
    assert repr(widget) == (
        "ConvolutionMatrix: image 1x3, kernel [[4, 5]], transpose 3x2\ndX [[4.0, 13.0, 10.0]]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((6, 7)), r"image has shape \(6, 7\); expected at most 36 pixels"),
        ("image", np.ones((2, 13)), r"image has shape \(2, 13\).*at most 12 rows and columns"),
        ("image", np.ones((5, 6)), r"grad_output has shape \(4, 4\); expected \(3, 4\)"),
        ("kernel", np.ones((7, 2)), "kernel does not fit.*kernel extends over 7 rows"),
        ("grad_output", np.ones((3, 4)), r"grad_output has shape \(3, 4\); expected \(4, 4\)"),
        ("output", 16, "output is 16; expected at most 15"),
        ("pixel", 36, "pixel is 36; expected at most 35"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = ConvolutionMatrix()
    check_refused(widget, name, value, message)


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "autograd", ".convolution-matrix"

    def numbers(self, label):
        """The numbers of a grid; an entry that no number of the kernel has is 0."""
        return [[float(text or 0) for text in row] for row in self.texts(label)]

    def marked(self, label, mark):
        """The places of the cells with a mark, rows and columns from 0."""
        cells = self.grid(label).locator(f".number.{mark}").all()
        return [tuple(int(c.get_attribute(f"data-{s}")) for s in ("row", "column")) for c in cells]

    @property
    def words(self):
        return self.text(".dock p >> nth=0")


@pytest.fixture
def widget(page, site):
    return Widget(page, site)


def matrix(weight=kernel):
    return ConvolutionMatrix(kernel=weight).matrix


def test_the_page_opens_with_the_matrix_of_the_worked_example(widget):
    assert widget.numbers("Matrix") == matrix().tolist()
    assert widget.numbers("Map") == cnnlib.conv2d(image[None], kernel[None, None])[0].tolist()
    blank = sum(text == "" for row in widget.texts("Matrix") for text in row)
    assert blank == 16 * 36 - 16 * 9
    assert widget.sum == (
        "Row 5 times the image: 1·5 + 0·5 + (−1)·4 + 1·7 + 0·7 + (−1)·0 + 1·7 + 0·7 + (−1)·2 = 13"
    )
    assert "16 × 36 = 576 numbers. 144 of them are one of the kernel's 9" in (
        widget.root.inner_text()
    )


def test_an_entry_shows_its_pixel_its_number_of_the_kernel_and_its_output(widget):
    widget.cell("Matrix", 7, 22).click()  # output row 1, column 2; pixel row 3, column 3
    assert widget.marked("Image", "lit") == [(3, 3)]
    assert widget.marked("Kernel", "lit") == [(2, 1)]
    frame = widget.grid("Map").locator("xpath=..").locator(".number-frame")
    assert [
        frame.evaluate(f"e => e.style.getPropertyValue('--{s}')") for s in ("row", "column")
    ] == [
        "1",
        "2",
    ]
    tied = set(widget.marked("Matrix", "read")) | set(widget.marked("Matrix", "current"))
    expected = {(4 * i + j, 6 * (i + 2) + j + 1) for i in range(4) for j in range(4)}
    assert tied == expected
    assert widget.words == (
        "Row 6, column 21: 0, from row 2, column 1 of the kernel. It links the pixel in row 3, "
        "column 3 to the map's row 1, column 2. 15 other entries hold it, too."
    )


def test_an_empty_entry_says_why_it_is_0(widget):
    widget.cell("Matrix", 1, 36).click()
    assert widget.words == (
        "Row 0, column 35: 0. The window of the map's row 0, column 0 does not reach the pixel in "
        "row 5, column 5."
    )
    assert widget.marked("Kernel", "lit") == widget.marked("Matrix", "read") == []


def test_the_transpose_is_the_backward_pass(widget):
    widget.root.get_by_label("Show the transpose").check()
    grad = np.arange(1.0, 17).reshape(4, 4)
    expected = cnnlib.conv2d_backward(grad[None], image[None], kernel[None, None])[0][0]
    assert widget.numbers("Transpose") == matrix().T.tolist()
    assert widget.numbers("Gradient dX") == expected.tolist()
    widget.cell("Gradient dX", 1, 2).click()
    assert widget.sum == "Row 1 times G: 0·1 + 1·2 = 2"
    widget.edit(widget.cell("Gradient G", 1, 2), "-3.5")
    assert widget.sum == "Row 1 times G: 0·1 + 1·(−3.5) = −3.5"


def test_a_number_of_the_kernel_changes_wherever_it_stands(widget):
    changed = kernel.copy()
    changed[1, 2] = 7
    widget.edit(widget.cell("Kernel", 2, 3), "7")
    assert widget.numbers("Matrix") == matrix(changed).tolist()
    assert len(widget.marked("Matrix", "read")) == 15
    widget.edit(widget.cell("Image", 1, 1), "9")
    assert widget.numbers("Map")[0][0] == (9 - 3) + (5 + 7 * 5) + (5 - 7)
    widget.press("Reset")
    assert widget.numbers("Matrix") == matrix().tolist()


def test_the_player_follows_one_number_of_the_kernel_from_row_to_row(widget):
    widget.press("To the start")
    for row in range(1, 5):
        widget.press("Step forward")
        assert widget.where == f"{row + 1} / 16"
        assert widget.marked("Kernel", "lit") == [(0, 2)]
    assert widget.marked("Image", "lit") == [(1, 2)]
    widget.root.get_by_label("Show the transpose").check()
    widget.press("To the start")  # the corner lies in one window alone
    assert widget.where == "1 / 36"
    assert widget.marked("Kernel", "lit") == [(0, 0)]


def test_a_mouse_over_an_entry_shows_it_and_leaves_what_was_chosen(widget, page):
    before = widget.words
    widget.cell("Matrix", 1, 2).hover()
    assert widget.words.startswith("Row 0, column 1: 0, from row 0, column 1 of the kernel.")
    assert widget.said == ""
    page.mouse.move(0, 0)
    assert widget.words == before


def test_the_keyboard_alone_walks_the_matrix(widget, page):
    widget.grid("Matrix").locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert widget.said.startswith("Row 6, column 10: ")
    assert widget.said.endswith("The row's sum is 6.")
    page.keyboard.press("Home")
    assert widget.words.startswith("Row 6, column 0: 0. The window")


def test_a_finger_chooses_and_all_fits_a_phone(phone, site):
    widget = Widget(phone, site)
    widget.cell("Matrix", 16, 36).tap()
    assert widget.where == "16 / 16"
    widget.root.get_by_label("Show the transpose").check()
    widget.cell("Transpose", 1, 1).tap()
    assert widget.where == "1 / 36"
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site)
    assert axe_faults(widget.root) == []
    widget.root.get_by_label("Show the transpose").check()
    assert axe_faults(widget.root) == []
