"""PoolingBackward: its traits, the page's pooling backward against cnnlib, and its pages."""

from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given

import cnnlib
from cnnlib.widgets import PoolingBackward
from tests.browser import OnPage
from tests.geometry import small_poolings
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
CELLS = Path(cnnlib.__file__).parent / "widgets" / "shared" / "math" / "cells.js"
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
        "mode=max, kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False\n"
        "dX [[0.0, 1.0], [0.0, 0.0]]"
    )
    average = PoolingBackward([[1, 3], [2, 3]], mode="average", count_include_pad=False)
    assert "ceil_mode=False, count_include_pad=False\n" in repr(average)


def test_dilation_spreads_the_window_and_the_winner_is_found_in_it():
    x = [[1, 9, 2], [9, 9, 9], [3, 9, 4]]
    assert PoolingBackward(x, [[7]], dilation=2).gradient.tolist() == [[0] * 3, [0] * 3, [0, 0, 7]]


def test_with_ceil_mode_a_last_window_divides_among_fewer():
    widget = PoolingBackward(np.ones((2, 3)), [[4, 8]], mode="average", ceil_mode=True)
    assert widget.gradient.tolist() == [[4 / 4, 4 / 4, 8 / 2]] * 2


def test_padding_that_counts_takes_its_share():
    options = {"mode": "average", "stride": 2, "padding": 1}
    widget = PoolingBackward(np.ones((2, 2)), [[4, 8], [12, 16]], **options)
    assert widget.gradient.tolist() == [[4 / 4, 8 / 4], [12 / 4, 16 / 4]]
    widget.count_include_pad = False
    assert widget.gradient.tolist() == [[4, 8], [12, 16]]


def test_what_the_page_sends_together_is_judged_together():
    widget = PoolingBackward(dilation=2, stride=1)
    widget.set_state({"mode": "average", "dilation": 1, "grad_output": np.ones((3, 3)).tolist()})
    assert widget.gradient[1].tolist() == [2 / 4, 4 / 4, 4 / 4, 2 / 4]


def test_an_average_with_dilation_is_refused_as_torch_has_none():
    message = r"PoolingBackward: .* does not fit. An average has no dilation; expected 1"
    with pytest.raises(traitlets.TraitError, match=message):
        PoolingBackward(stride=1, mode="average", dilation=2)


def test_a_map_that_no_window_fits_is_refused_also_with_a_gradient():
    with pytest.raises(traitlets.TraitError, match=r"PoolingBackward: .*extends over 2 rows"):
        PoolingBackward(np.ones((1, 4)), [[1, 2]])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((4, 11)), r"image has shape \(4, 11\); expected at most 10 rows"),
        ("image", np.ones((1, 4)), "image does not fit.*kernel extends over 2 rows"),
        ("image", np.ones((1, 4, 4)), r"image has shape \(1, 4, 4\); expected \(rows, columns\)"),
        ("grad_output", [[1]], r"grad_output has shape \(1, 1\); expected \(2, 2\)"),
        ("padding", 2, "padding does not fit.*at most half of"),
        ("stride", 1, r"grad_output has shape \(2, 2\); expected \(3, 3\)"),
        ("dilation", 0, "dilation is 0; expected an integer of at least 1"),
        ("dilation", 4, "dilation does not fit.*kernel extends over 5 rows"),
        ("dilation", 2, r"grad_output has shape \(2, 2\); expected \(1, 1\)"),
        ("kernel_size", 0, "kernel_size is 0; expected an integer of at least 1"),
        ("position", 4, "position is 4; expected at most 3"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PoolingBackward()
    check_refused(widget, name, value, f"PoolingBackward: {message}")


def test_ceil_mode_that_makes_more_windows_is_refused_without_their_gradients():
    widget = PoolingBackward(np.ones((4, 5)))
    with pytest.raises(traitlets.TraitError, match=r"shape \(2, 2\); expected \(2, 3\)"):
        widget.ceil_mode = True
    with widget.hold_trait_notifications():
        widget.ceil_mode, widget.grad_output = True, np.ones((2, 3))
    assert widget.gradient.sum() == 6


@pytest.fixture(scope="module")
def page_shares(open_module):
    """Who receives how much of which window, in the widgets' script: (i, j, row, column, share)."""
    page = open_module(CELLS, "cells")
    return lambda *arguments: page.evaluate(
        """(given) => cells.poolShares(...given).map(
            ({ i, j, row, column, share }) => [i, j, row, column, share])""",
        arguments,
    )


def few(rng, size):
    """Integers with many ties."""
    return rng.integers(-1, 3, size).astype(float)


@given(small_poolings(few))
def test_the_page_computes_the_gradients_that_cnnlib_computes(page_shares, drawn):
    x, mode, options = drawn
    pool, ours = {
        "max": (cnnlib.max_pool2d, cnnlib.max_pool2d_backward),
        "average": (cnnlib.avg_pool2d, cnnlib.avg_pool2d_backward),
    }[mode]
    shape = pool(x[None], **options)[0].shape
    grad = np.random.default_rng(0).normal(size=shape)
    theirs = np.zeros_like(x)
    for i, j, row, column, share in page_shares(x.tolist(), options | {"mode": mode}):
        theirs[row, column] += share * grad[i, j]
    np.testing.assert_allclose(theirs, ours(grad[None], x[None], **options)[0], atol=1e-12)


class Widget(OnPage):
    chapter, selector = "backward_geometry", ".pooling-backward"

    def more(self):
        self.root.get_by_text("Window, stride, padding, dilation, ceil_mode, size").click()

    def marked(self, label, mark):
        """The places, counted from 1, of a grid's cells with this mark."""
        cells = self.grid(label).locator(f".number.{mark}").all()
        return [
            tuple(int(cell.get_attribute(f"data-{side}")) + 1 for side in ("row", "column"))
            for cell in cells
        ]

    def framed(self, label):
        """The frame over a grid: its first row and column, then how many of each."""
        frame = self.grid(label).locator("xpath=..").locator(".number-frame")
        names = ("row", "column", "rows", "columns")
        return [
            int(frame.evaluate("(box, name) => box.style.getPropertyValue(name)", f"--{name}"))
            for name in names
        ]


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
    assert first.sum == "dX, row 3, column 3: share·g 1/4·4 = 1"


def test_overlapping_windows_add_up_and_of_equals_the_first_wins(first):
    for row, column in [(2, 2), (2, 3), (3, 2), (3, 3)]:
        first.edit(first.cell("Map X", row, column), "30")
    first.more()
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
        "That gives every number the whole gradient. A mean divides it by how many it counts."
    )
    assert answer("1/4") == "0.25 is right."


def test_predict_first_names_a_wrong_divisor(first):
    first.choose("Pooling", "average")
    first.more()
    first.choose("Padding", "1")
    first.root.get_by_label("Predict first").check()
    first.cell("Gradient dX", 1, 2).click()  # in a window of two pixels and two zeros; 2 came back

    def answer(text):
        first.root.get_by_label("Your prediction").fill(text)
        first.press("Check")
        return first.root.get_by_role("status").inner_text()

    first.choose("G", "1, 2, 3, …")
    assert answer("1") == "The padding's zeros count too: count_include_pad is on."
    assert answer("1/2") == "0.5 is right."
    first.root.get_by_label("count_include_pad").uncheck()
    assert answer("1/2") == ("The padding's zeros do not count: divide by the pixels alone.")
    assert answer("1") == "1 is right."


def test_padding_wider_than_half_the_window_is_refused(first):
    first.more()
    first.choose("Padding", "2")
    assert first.error == "Padding 2 is more than half of a window of 2: at most 1 is allowed."
    assert first.root.get_by_role("combobox", name="Padding").input_value() == "0"


def test_dilation_leaves_gaps_and_is_for_max_alone(first):
    first.more()
    first.choose("Stride", "1")
    first.choose("Dilation", "2")
    first.choose("G", "1, 2, 3, …")
    x = np.array([[2.0, 12, 7, 0], [0, 15, 8, 0], [0, 20, 5, 0], [0, 14, 4, 0]])
    assert first.sum == (
        "the first largest gets all 2 gets 0·1 = 0, 7 gets 1·1 = 1, 0 gets 0·1 = 0, 5 gets 0·1 = 0"
    )
    for label in ("Map X", "Gradient dX"):
        assert first.marked(label, "read") == [(1, 1), (1, 3), (3, 1), (3, 3)]
        assert first.framed(label) == [0, 0, 3, 3]
    assert first.marked("Map X", "winner") == [(1, 3)]
    first.choose("Walk through", "pixels")
    expected = cnnlib.max_pool2d_backward(G[None], x[None], 2, 1, dilation=2)[0]
    assert first.numbers("Gradient dX") == expected.tolist()
    first.choose("Pooling", "average")
    expected = cnnlib.avg_pool2d_backward(
        np.array([[[1.0, 2, 1], [3, 4, 1], [1, 1, 1]]]), x[None], 2, 1
    )[0]
    assert first.numbers("Gradient dX") == expected.tolist()
    assert not first.root.get_by_label("Dilation").is_visible()
    first.choose("Pooling", "max")
    assert first.root.get_by_label("Dilation").input_value() == "1"


def test_a_window_of_padding_alone_hands_nothing_on(first):
    first.more()
    first.choose("Map rows", "2")
    first.choose("Padding", "1")
    first.choose("Dilation", "3")
    assert first.texts("Pooled Y")[0][0] == "-∞"
    assert first.sum == "all is padding: the gradient is lost"
    assert {text for row in first.texts("Gradient dX") for text in row} <= {"", "0"}


def test_with_ceil_mode_a_last_window_reaches_past_the_end_and_divides_by_fewer(first):
    first.more()
    first.choose("Map rows", "5")
    assert len(first.numbers("Gradient G")) == 2
    assert "rows: ⌊(5 + 2·0 − 1·(2 − 1) − 1) / 2⌋ + 1 = 2" in first.root.inner_text()
    assert first.marked("Map X", "skipped") == [(5, column) for column in (1, 2, 3, 4)]
    first.root.get_by_label("ceil_mode").check()
    assert "rows: ⌈(5 + 2·0 − 1·(2 − 1) − 1) / 2⌉ + 1 = 3" in first.root.inner_text()
    first.choose("Pooling", "average")
    first.choose("G", "1, 2, 3, …")
    first.cell("Pooled Y", 3, 2).click()
    x = np.array([[float(text) for text in row if text] for row in first.texts("Map X")[:5]])
    grad = np.arange(1.0, 7).reshape(3, 2)
    expected = cnnlib.avg_pool2d_backward(grad[None], x[None], 2, ceil_mode=True)[0]
    assert first.texts("Gradient dX")[5] == [""] * 4
    assert [[float(text) for text in row] for row in first.texts("Gradient dX")[:5]] == (
        expected.tolist()
    )
    for label in ("Map X", "Gradient dX"):
        assert first.framed(label) == [4, 2, 2, 2]
        assert first.marked(label, "beyond") == [(6, column) for column in (1, 2, 3, 4)]
    assert first.sum == (
        f"each gets an equal share {x[4, 2]:g} gets 1/2·6 = 3, {x[4, 3]:g} gets 1/2·6 = 3"
        " 2 of 4 cells lie past the end and do not count."
    )
    first.press("Reset")
    assert not first.root.get_by_label("ceil_mode").is_checked()
    assert len(first.numbers("Gradient G")) == 2


def test_padding_takes_its_share_unless_it_does_not_count(first):
    first.choose("Pooling", "average")
    first.more()
    first.choose("Padding", "1")
    first.choose("G", "1, 2, 3, …")
    assert first.sum == (
        "each gets an equal share 2 gets 1/4·1 = 0.25"
        " The padding counts too; its share, 3/4, is cropped."
    )
    assert first.texts("Map X")[0] == ["0"] * 6
    first.root.get_by_label("count_include_pad").uncheck()
    assert first.sum == ("each gets an equal share 2 gets 1·1 = 1 3 cells of padding do not count.")
    assert first.texts("Map X")[0] == [""] * 6
    first.choose("Walk through", "pixels")
    grad, x = np.arange(1.0, 10).reshape(3, 3), np.ones((4, 4))
    expected = cnnlib.avg_pool2d_backward(
        grad[None], x[None], 2, padding=1, count_include_pad=False
    )[0]
    inside = [row[1:5] for row in first.texts("Gradient dX")[1:5]]
    assert [[float(text) for text in row] for row in inside] == expected.tolist()
    first.choose("Pooling", "max")
    assert not first.root.get_by_label("count_include_pad").is_visible()
    assert first.texts("Map X")[0] == ["-∞"] * 6


def test_one_window_over_the_whole_map_is_global_pooling(first):
    first.choose("Pooling", "average")
    first.more()
    first.choose("Window", "whole map")
    first.choose("Walk through", "pixels")
    assert first.numbers("Gradient dX") == [[0.06] * 4] * 4
    assert first.sum.endswith("1/16·1 = 0.0625")


def test_steps_are_spoken_and_keys_move(first, page):
    first.grid("Gradient dX").locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert first.said == "dX, row 1, column 1: 1 times 1 is 1"
    page.keyboard.press("Space")
    assert first.root.get_by_role("button", name="Pause").is_visible()


def test_it_fits_a_phone(phone, site):
    widget = Widget(phone, site, 1)
    widget.cell("Gradient G", 1, 2).tap()
    assert widget.sum.startswith("each gets an equal share")
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site, 0)
    widget.more()
    widget.choose("Padding", "1")
    widget.root.get_by_label("ceil_mode").check()
    assert axe_faults(widget.root) == []
