"""PixelShuffle: its traits in Python, its arithmetic against NumPy, its page in a browser."""

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import PixelShuffle
from cnnlib.widgets.widget import HERE
from cnnlib.worked_example import image, kernel
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_the_dense_sum_survives_when_the_weights_are_shuffled_alike():
    widget = PixelShuffle()
    left, right = image[:, :3].sum(), image[:, 3:].sum()
    assert widget.dense == (left - right, left - right)
    widget.shuffle_weights = False
    mixed = image.ravel()[widget.order].reshape(6, 6)
    assert widget.dense == (left - right, mixed[:, :3].sum() - mixed[:, 3:].sum())
    assert widget.dense[0] != widget.dense[1]


def test_the_maps_are_those_of_conv2d():
    order = np.arange(20)[::-1]
    x, weights = np.arange(20.0).reshape(4, 5), np.array([[1.0, -2, 3]])
    widget = PixelShuffle(x, kernel=weights, bias=0.5, order=order)
    both = np.stack([x, x[::-1, ::-1]])[:, None]
    expected = cnnlib.conv2d(both, weights[None, None], np.array([0.5]))[:, 0]
    np.testing.assert_array_equal(widget.maps, expected)


def test_repr_states_the_order_and_the_results():
    widget = PixelShuffle([[1, 2]], [[3, 4]], [[5]], order=[1, 0])
    assert repr(widget) == (
        "PixelShuffle: image 1x2, order [1, 0]\ndense neuron 11, shuffled 11; maps\n"
        "[[[ 5. 10.]]\n\n [[10.  5.]]]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((9, 6)), r"image has shape \(9, 6\); expected at most 8 rows"),
        ("weight", np.ones((6, 5)), r"weight has shape \(6, 5\); expected shape \(6, 6\)"),
        ("kernel", np.ones((7, 3)), r"kernel has shape \(7, 3\); expected at most 6 rows"),
        ("order", [0] * 36, r"order is \[0, .*; expected each of 0 to 35 once"),
        ("position", 16, "position is 16; expected at most 15"),
        ("side", 2, "(?i).*side.*"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PixelShuffle()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(widget, name, value)
    assert np.array_equal(getattr(widget, name), before)


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def planes(open_module):
    """The functions of planes.js, called from Python."""
    page = open_module(HERE / "shared" / "math" / "planes.js", "planes")
    return lambda name, *arguments: page.evaluate(
        "([name, arguments]) => planes[name](...arguments)", [name, arguments]
    )


@given(data=st.data())
def test_the_page_shuffles_shifts_and_multiplies_as_numpy_does(planes, data):
    rows, columns = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 7))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    plane, weight = rng.normal(size=(2, rows, columns))
    order = rng.permutation(rows * columns)
    expected = plane.ravel()[order].reshape(plane.shape)
    assert planes("shuffled", plane.tolist(), order.tolist()) == expected.tolist()

    down, right = data.draw(st.integers(-rows, rows)), data.draw(st.integers(-columns, columns))
    wide = np.pad(plane, ((rows, rows), (columns, columns)))
    expected = wide[rows - down : 2 * rows - down, columns - right : 2 * columns - right]
    assert planes("shifted", plane.tolist(), down, right) == expected.tolist()

    terms = planes("planeProducts", plane.tolist(), weight.tolist())
    total = sum(term["pixel"] * term["weight"] for term in terms)
    np.testing.assert_allclose(total, (plane * weight).sum(), atol=1e-12)
    assert [(term["row"], term["column"]) for term in terms] == list(np.ndindex(rows, columns))


# --- the built page ---


class Page(OnPage):
    chapter, selector = "why_convolution", ".pixel-shuffle"

    def array(self, label):
        return np.array(self.numbers(label))


@pytest.fixture
def widget(page, site):
    return Page(page, site)


def expected(**changes):
    """What the chapter's widget shows, by Python."""
    return PixelShuffle(order=np.random.default_rng(0).permutation(36), **changes)


def check(widget, python):
    for side, name in enumerate(["in order", "shuffled"]):
        assert widget.array(f"Dense neuron, {name}").item() == python.dense[side]
        np.testing.assert_array_equal(widget.array(f"Feature map, {name}"), python.maps[side])
    shuffled = python.shuffled(python.image)
    np.testing.assert_array_equal(widget.array("Image, shuffled"), shuffled)


def test_the_page_shows_what_python_computes(widget):
    check(widget, expected())
    assert "Dense neuron: 35 and 35, the same." in widget.root.inner_text()
    assert widget.sum.endswith("+ 0 = 35")


def test_weights_left_in_place_change_the_dense_sum(widget):
    widget.root.get_by_label("Shuffle the dense weights alike").uncheck()
    check(widget, expected(shuffle_weights=False))
    assert "not the same" in widget.root.inner_text()


def test_any_permutation_leaves_the_dense_sum(widget):
    before = widget.array("Image, shuffled")
    widget.press("Another permutation")
    after = widget.array("Image, shuffled")
    assert (before != after).any()
    assert sorted(after.ravel()) == sorted(image.ravel())
    assert widget.array("Dense neuron, shuffled").item() == 35
    widget.press("Reset")
    check(widget, expected())


def test_a_number_of_either_map_is_traced_to_its_sum(widget):
    widget.cell("Feature map, in order", 2, 2).click()
    assert widget.sum == "5·1 + 5·0 + 4·(−1) + 7·1 + 7·0 + 0·(−1) + 7·1 + 7·0 + 2·(−1) + 2 = 15"
    widget.cell("Feature map, shuffled", 3, 2).click()
    python = expected()
    window = python.shuffled(image)[2:5, 1:4]
    assert widget.sum.endswith(f"= {(window * kernel).sum() + 2:g}".replace("-", "−"))
    assert widget.root.locator(".side").first.locator(".number-frame:visible").count() == 0
    widget.cell("Dense neuron, shuffled", 1).click()
    assert widget.sum.endswith("+ 0 = 35")


def test_pointing_at_a_product_marks_its_pixel_and_its_weight_on_both_sides(widget):
    widget.root.locator("[data-term]").nth(7).hover()  # row 1, column 1 of the image
    row, column = divmod(expected().order.index(7), 6)
    for label, at in [("in order", (2, 2)), ("shuffled", (row + 1, column + 1))]:
        for grid in ("Image", "Dense weights"):
            assert "lit" in widget.cell(f"{grid}, {label}", *at).get_attribute("class")
    assert widget.root.locator(".lit").count() == 4


def test_an_edit_on_one_side_is_an_edit_on_the_other(widget):
    python = expected()
    widget.edit(widget.cell("Image, shuffled", 3, 4), "-4")
    changed = image.copy()
    changed[divmod(python.order[2 * 6 + 3], 6)] = -4
    check(widget, expected(image=changed))
    widget.edit(widget.cell("Kernel", 1, 3), "1/2")
    weights = kernel.copy()
    weights[0, 2] = 1 / 2
    check(widget, expected(image=changed, kernel=weights, bias=2))


def test_the_keyboard_reaches_every_result(widget, page):
    widget.grid("Feature map, in order").locator("[tabindex]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert widget.sum.endswith("= 15")
    assert widget.said == "row 1, column 1 of the feature map, pixels in order: 15"


def test_predict_first_asks_for_the_sum(widget):
    widget.root.get_by_label("Predict first").check()
    assert widget.texts("Dense neuron, shuffled") == [["?"]]
    assert widget.texts("Feature map, in order") == [["?"] * 4] * 4
    widget.cell("Dense neuron, shuffled", 1).click()
    widget.root.get_by_label("Your prediction").fill("35")
    widget.press("Check")
    assert widget.root.get_by_role("status").inner_text() == "35 is right."
    assert widget.texts("Dense neuron, shuffled") == [["35"]]
    assert widget.texts("Dense neuron, in order") == [["?"]]
    widget.press("Next")
    widget.press("Show me")
    assert "1 of 2 at the first try" in widget.root.inner_text()


def test_it_fits_a_phone(phone, site):
    widget = Page(phone, site)
    widget.cell("Feature map, shuffled", 1, 1).tap()
    assert widget.sum.endswith(f"= {expected().maps[1, 0, 0]:g}")
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Page(page, site)
    widget.root.get_by_label("Predict first").check()
    assert axe_faults(widget.root) == []
