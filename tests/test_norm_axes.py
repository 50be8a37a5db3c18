"""NormAxes: its traits in Python, its arithmetic against cnnlib, its page in a browser."""

import numpy as np
import pytest

from cnnlib.widgets import NormAxes
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
KINDS = {"batch": "BatchNorm", "layer": "LayerNorm", "group": "GroupNorm"}
KINDS |= {"instance": "InstanceNorm"}


# --- Python ---


@pytest.mark.parametrize(
    ("kind", "mean", "variance"), [("batch", 9, 16), ("layer", 8, 16), ("group", 7, 25)]
)
def test_the_default_has_the_sums_of_the_chapter(kind, mean, variance):
    widget = NormAxes(kind=kind)
    assert widget.x[widget.chosen] == 14
    expected = (14 - mean) / np.sqrt(variance + 1e-5)
    assert widget.output()[widget.chosen] == pytest.approx(expected)


def test_groups_lead_from_the_layer_to_the_instance():
    outputs = {groups: NormAxes(kind="group", num_groups=groups).output() for groups in (1, 4)}
    np.testing.assert_array_equal(outputs[1], NormAxes(kind="layer").output())
    np.testing.assert_array_equal(outputs[4], NormAxes(kind="instance").output())


def test_repr_states_the_numbers_and_no_address():
    widget = NormAxes([[[[1, 3]], [[0, 4]]]], kind="group")
    assert repr(widget) == (
        "NormAxes: [[[[1, 3]], [[0, 4]]]], kind group, num_groups 2\n"
        "  [[[-1.0, 1.0]], [[-1.0, 1.0]]]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", np.zeros((1, 4, 1, 1)), r"x has shape \(1, 4, 1, 1\) and numbers from 0 to 0"),
        ("x", np.zeros((5, 4, 1, 2)), r"x has shape \(5, 4, 1, 2\) and .*; expected at most 4"),
        ("x", np.zeros((2, 4, 1, 4)), r"x has shape \(2, 4, 1, 4\) and .* 4 rows and 12 columns"),
        ("x", np.full((3, 4, 1, 2), 1000), r"x has .* from 1000 to 1000; .* from -999 to 999"),
        ("x", np.zeros((3, 3, 1, 2)), "num_groups is 2; expected a divisor of the 3 channels"),
        ("x", np.zeros((3, 2, 1, 2)), r"chosen is \(1, 2, 0, 0\); expected a place in x, whose"),
        ("x", [1, 2], r"x has shape \(2,\); expected \(N, C, H, W\)"),
        ("num_groups", 3, "num_groups is 3; expected a divisor of the 4 channels"),
        ("chosen", (1, 2, 1, 0), r"chosen is \(1, 2, 1, 0\); expected a place in x, whose shape"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = NormAxes()
    check_refused(widget, name, value, f"NormAxes: {message}")


# --- the built page ---


class Axes(OnPage):
    chapter, selector = "normalization", ".norm-axes"

    def images(self, name):
        """The rows of all images, (N, C * W): the default has one row each."""
        return [self.numbers(f"{name}, image {n}")[0] for n in range(3)]

    def framed(self):
        """The places of the framed numbers, image and column."""
        return {
            (n, int(cell.get_attribute("data-column")))
            for n in range(3)
            for cell in self.grid(f"x, image {n}").locator(".lit").all()
        }


@pytest.fixture
def axes(page, site):
    return Axes(page, site)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_computes_as_cnnlib_does(axes, kind):
    axes.press(KINDS[kind])
    widget = NormAxes(kind=kind)
    assert axes.images("x") == widget.x.reshape(3, 8).tolist()
    expected = widget.output().reshape(3, 8)
    np.testing.assert_allclose(axes.images("normalized"), expected, atol=0.00501)


def test_the_numbers_of_the_same_mean_are_framed(axes):
    everywhere = [(n, column) for n in range(3) for column in range(8)]
    assert axes.framed() == {(n, c) for n, c in everywhere if c in (4, 5)}
    axes.press("LayerNorm")
    assert axes.framed() == {(n, c) for n, c in everywhere if n == 1}
    axes.press("GroupNorm")
    assert axes.framed() == {(n, c) for n, c in everywhere if n == 1 and c >= 4}
    axes.press("InstanceNorm")
    assert axes.framed() == {(1, 4), (1, 5)}


def test_the_sums_of_the_chosen_number_are_written_out(axes):
    assert axes.sum == (
        "mean (3 + 9 + 14 + 6 + 14 + 8)/6 = 9 "
        "variance ((−6)² + 0² + 5² + (−3)² + 5² + (−1)²)/6 = 16 "
        "(14 − 9) / √(16 + 0.00001) = 1.25"
    )
    axes.cell("normalized, image 0", 1, 2).click()
    axes.press("InstanceNorm")
    assert axes.sum.startswith("mean (5 + 9)/2 = 7 variance ((−2)² + 2²)/2 = 4 (9 − 7)")
    assert axes.text(".note") == "12 means, one for each channel of each image, over 2 numbers."


def test_the_groups_can_be_chosen_where_there_are_some(axes):
    groups = axes.root.get_by_role("combobox", name="Groups")
    assert not groups.is_visible()
    axes.press("GroupNorm")
    axes.choose("Groups", "4")
    assert axes.framed() == {(1, 4), (1, 5)}
    assert axes.sum.endswith("= 1")


def test_another_image_changes_the_outputs_of_batch_normalization_alone(axes):
    before = {}
    for kind in KINDS:
        axes.press(KINDS[kind])
        before[kind] = axes.images("normalized")[1]
    axes.edit(axes.cell("x, image 0", 1, 5), "20")
    for kind in KINDS:
        axes.press(KINDS[kind])
        assert (axes.images("normalized")[1] != before[kind]) == (kind == "batch")


def test_a_number_too_large_for_a_cell_is_refused_and_reset_brings_all_back(axes):
    axes.cell("x, image 0", 1, 1).click()
    axes.page.keyboard.type("1000")
    assert axes.error == "A number may be at most 999 here."
    axes.page.keyboard.press("Escape")
    axes.press("LayerNorm")
    axes.press("Reset")
    assert axes.images("x") == NormAxes().x.reshape(3, 8).tolist()
    assert axes.sum.endswith("= 1.25")


def test_changes_are_spoken(axes):
    axes.press("InstanceNorm")
    assert axes.said == (
        "image 1, channel 2, row 0, column 0: InstanceNorm makes 1 of 14: "
        "12 means, one for each channel of each image, over 2 numbers"
    )


def test_predict_first_hides_asks_and_names_the_slip(axes):
    axes.root.get_by_label("Predict first").check()
    assert axes.texts("normalized, image 1")[0][4] == "?"
    assert axes.sum.endswith("= ?")
    assert axes.root.get_by_text("What does BatchNorm make of 14?").is_visible()

    def answer(text):
        axes.root.get_by_label("Your prediction").fill(text)
        axes.press("Check")
        return axes.root.get_by_role("status").inner_text()

    assert answer("5") == "Divide by the standard deviation as well."
    assert answer("5/16") == "That is divided by the variance. Take its root first."
    assert answer("1.5") == "That is what LayerNorm gives."
    assert answer("1.25") == "1.25 is right."
    axes.press("Next")
    assert axes.root.get_by_text("What does BatchNorm make of 6?").is_visible()


def test_it_fits_a_phone(phone, site):
    axes = Axes(phone, site)
    width = axes.root.evaluate("(one) => one.scrollWidth - one.clientWidth")
    assert width <= 0


def test_no_accessibility_faults(axes, axe_faults):
    assert axe_faults(axes.root) == []
