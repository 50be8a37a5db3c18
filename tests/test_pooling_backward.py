"""PoolingBackward: its traits, the page's pooling backward against cnnlib, and its pages."""

from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import PoolingBackward
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]
POOLING = Path(cnnlib.__file__).parent / "widgets" / "shared" / "pooling.js"
G = np.array([[1.0, 2], [3, 4]])


def test_the_default_routes_to_the_worked_example_s_winners():
    assert PoolingBackward().output.tolist() == [[15, 8], [20, 5]]
    assert PoolingBackward().gradient.tolist() == np.pad(G, 1).tolist()


def test_an_average_divides():
    widget = PoolingBackward(np.ones((2, 4)), [[4, 8]], mode="average")
    assert widget.gradient.tolist() == [[4 / 4, 4 / 4, 8 / 4, 8 / 4]] * 2


def test_the_stride_is_the_kernel_s_size_unless_it_is_given():
    assert PoolingBackward(np.ones((6, 6)), kernel_size=3).grad_output.shape == (2, 2)
    assert PoolingBackward(np.ones((6, 6)), kernel_size=3, stride=1).grad_output.shape == (4, 4)


def test_repr_states_the_numbers_and_no_address():
    assert repr(PoolingBackward([[1, 3], [2, 3]])) == (
        "PoolingBackward: image [[1, 3], [2, 3]], grad_output [[1]], "
        "mode=max, kernel_size=2, stride=2, padding=0\ndX [[0.0, 1.0], [0.0, 0.0]]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((4, 11)), r"image has shape \(4, 11\); expected at most 10 rows"),
        ("image", np.ones((1, 4)), "image does not fit.*kernel extends over 2 rows"),
        ("image", np.ones((1, 4, 4)), r"image has shape \(1, 4, 4\); expected \(rows, columns\)"),
        ("grad_output", [[1]], r"grad_output has shape \(1, 1\); expected \(2, 2\)"),
        ("padding", 2, "padding does not fit.*at most half of"),
        ("stride", 1, r"grad_output has shape \(2, 2\); expected \(3, 3\)"),
        ("kernel_size", 0, "kernel_size is 0; expected an integer of at least 1"),
        ("position", 4, "position is 4; expected at most 3"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PoolingBackward()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=f"PoolingBackward: {message}"):
        setattr(widget, name, value)
    assert getattr(widget, name) is before


@pytest.fixture(scope="module")
def page_backward(open_module):
    """pool2dBackward of the widgets' script, called from Python."""
    page = open_module(POOLING, "pooling")
    return lambda *arguments: page.evaluate("args => pooling.pool2dBackward(...args)", arguments)


@given(data=st.data())
def test_the_page_computes_the_gradients_that_cnnlib_computes(page_backward, data):
    kernel = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    stride = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    padding = tuple(data.draw(st.integers(0, size // 2)) for size in kernel)
    size = [k + data.draw(st.integers(0, 5)) for k in kernel]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-1, 3, size).astype(float)  # few values: many ties
    options = {"kernel_size": kernel, "stride": stride, "padding": padding}
    grad = rng.normal(size=cnnlib.max_pool2d(x[None], kernel, stride, padding)[0].shape)
    for mode, ours in {
        "max": cnnlib.max_pool2d_backward,
        "average": cnnlib.avg_pool2d_backward,
    }.items():
        theirs = page_backward(grad.tolist(), x.tolist(), options | {"mode": mode})
        expected = ours(grad[None], x[None], kernel, stride, padding)[0]
        np.testing.assert_allclose(theirs, expected, atol=1e-12)


class Widget(OnPage):
    chapter, selector = "backward_geometry", ".pooling-backward"


@pytest.fixture
def first(page, site):
    return Widget(page, site, 0)


def test_each_window_s_gradient_goes_to_its_winner(first):
    assert first.sum == (
        "the first largest gets all "
        "2 gets 0·1 = 0, 12 gets 0·1 = 0, 0 gets 0·1 = 0, 15 gets 1·1 = 1"
    )
    for _ in range(3):
        first.press("Step forward")
    assert first.numbers("Gradient dX") == np.pad(G, 1).tolist()


def test_an_average_gives_equal_shares(first):
    first.choose("Pooling", "average")
    first.choose("Walk through", "pixels")
    assert first.numbers("Gradient dX") == np.kron(G, np.full((2, 2), 1 / 4)).tolist()
    first.cell("Gradient dX", 4, 4).click()
    assert first.sum == "dX, row 4, column 4: share·g 1/4·4 = 1"


def test_overlapping_windows_add_up_and_of_equals_the_first_wins(first):
    for row, column in [(2, 2), (2, 3), (3, 2), (3, 3)]:
        first.edit(first.cell("Map X", row, column), "30")
    first.root.get_by_text("Size, window, stride, padding").click()
    first.choose("Stride", "1")
    first.choose("G", "1, 2, 3, …")
    first.choose("Walk through", "pixels")
    x = np.array([[2.0, 12, 7, 0], [0, 30, 30, 0], [0, 30, 30, 0], [0, 14, 4, 0]])
    grad = np.arange(1.0, 10).reshape(3, 3)
    expected = cnnlib.max_pool2d_backward(grad[None], x[None], 2, 1)[0]
    assert first.numbers("Gradient dX") == expected.tolist()
    first.cell("Gradient dX", 2, 2).click()
    assert first.sum.endswith("1·1 + 1·2 + 1·4 + 1·5 = 12")


def test_predict_first_names_the_text_s_mistake(first):
    first.choose("Pooling", "average")
    first.root.get_by_label("Predict first").check()

    def answer(text):
        first.root.get_by_label("Your prediction").fill(text)
        first.press("Check")
        return first.root.get_by_role("status").inner_text()

    assert answer("1") == (
        "That gives every number the whole gradient. A mean divides it by the window's size."
    )
    assert answer("1/4") == "0.25 is right."


def test_padding_wider_than_half_the_window_is_refused(first):
    first.root.get_by_text("Size, window, stride, padding").click()
    first.choose("Padding", "2")
    assert first.error == "The padding is at most half the window."
    assert first.root.get_by_role("combobox", name="Padding").input_value() == "0"


def test_steps_are_spoken_and_keys_move(first, page):
    first.grid("Gradient dX").locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert first.said == "dX, row 2, column 2: 1·1 is 1"
    page.keyboard.press("Space")
    assert first.root.get_by_role("button", name="Pause").is_visible()


def test_it_fits_a_phone(phone, site):
    widget = Widget(phone, site, 1)
    widget.cell("Gradient G", 1, 2).tap()
    assert widget.sum.startswith("each gets an equal share")
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
