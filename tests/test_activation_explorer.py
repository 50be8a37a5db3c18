"""ActivationExplorer: its traits in Python, its arithmetic against cnnlib, its built page."""

import re

import numpy as np
import pytest
import traitlets

import cnnlib
from cnnlib.widgets import ActivationExplorer
from cnnlib.widgets.activation_explorer import FUNCTIONS
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
WORKED = np.array([[2.0, 12, 7, 0], [-1, 15, 8, -4], [-3, 20, 5, -9], [0, 14, 4, -7]])


# --- Python ---


def test_the_default_is_the_worked_example():
    widget = ActivationExplorer()
    assert widget.x.tolist() == WORKED.tolist()
    assert widget.output[1].tolist() == [0, 15, 8, 0]
    assert widget.slope[1].tolist() == [0, 1, 1, 0]


def test_the_negative_slope_is_used_by_leaky_relu_alone():
    leaky = ActivationExplorer([[-4, 2]], function="leaky_relu", negative_slope=0.5)
    assert leaky.output.tolist() == [[-4 * 0.5, 2]]
    assert leaky.slope.tolist() == [[0.5, 1]]
    assert ActivationExplorer([[-4, 2]], negative_slope=0.5).output.tolist() == [[0, 2]]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_one_of_cnnlib(name):
    widget = ActivationExplorer(function=name)
    np.testing.assert_array_equal(widget.output, getattr(cnnlib, name)(WORKED))


def test_repr_states_the_numbers_and_no_address():
    widget = ActivationExplorer([[-4, 2]], function="leaky_relu", negative_slope=0.5)
    assert repr(widget) == (
        "ActivationExplorer: leaky_relu of 1x2, negative_slope=0.5\n[[-2.  2.]]\nslope\n[[0.5 1. ]]"
    )


def test_what_the_page_sends_arrives():
    widget = ActivationExplorer()
    widget.set_state({"function": "hardtanh", "position": None, "point": -2.5, "x": [[3, -7]]})
    assert widget.position is None
    assert widget.output.tolist() == [[1, -1]]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", [1, 2, 3], r"x has shape \(3,\); expected \(rows, columns\)"),
        ("x", np.ones((3, 17)), r"x has shape \(3, 17\); expected at most 16 rows"),
        ("negative_slope", 1.5, "negative_slope is 1.5; expected a number from 0 to 1"),
        ("negative_slope", np.nan, "negative_slope is nan; expected a number from 0 to 1"),
        ("point", np.inf, "point is inf; expected a finite number"),
        ("position", 16, "position is 16; expected at most 15"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = ActivationExplorer()
    check_refused(widget, name, value, f"ActivationExplorer: {message}")


def test_an_unknown_function_is_refused():
    with pytest.raises(traitlets.TraitError, match="'relu', 'leaky_relu', 'tanh'"):
        ActivationExplorer(function="softplus")


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "activations", ".activation-explorer"

    @property
    def slider(self):
        return self.root.get_by_role("slider", name="Input of the activation")

    def at(self, x):
        """A place in the plot above input x of an axis from -5 to 5."""
        box = self.root.locator("svg.plot").bounding_box()
        return box["x"] + box["width"] * (34 + (x + 5) / 10 * 316) / 360, box["y"] + 60

    @property
    def input(self):
        return float(self.slider.get_attribute("aria-valuenow"))

    @property
    def sum(self):
        """Its lines: the value's, then the slope's."""
        return [" ".join(line.split()) for line in self.root.locator(".sum p").all_inner_texts()]


@pytest.fixture
def first(page, site):
    return Widget(page, site)


def test_the_page_opens_with_a_number_that_relu_closes(first):
    assert first.numbers("Output") == cnnlib.relu(WORKED).tolist()
    assert first.numbers("Slope") == (WORKED > 0).astype(float).tolist()
    assert first.sum == ["ReLU of −1: max(−1, 0) = 0", "slope there: 0, because −1 is not positive"]
    assert first.input == -1


@pytest.mark.parametrize(
    ("button", "name", "lines"),
    [
        ("leaky ReLU", "leaky_relu", ["−4·0.01 = −0.04", "0.01, because −4 is not positive"]),
        (
            "tanh",
            "tanh",
            [
                "−(1 − e^(−2·4)) / (1 + e^(−2·4)) ≈ −(1 − 0.0003) / (1 + 0.0003) ≈ −0.9993",
                "1 − (−0.999329)² ≈ 0.0013",
            ],
        ),
        ("hard tanh", "hardtanh", ["min(max(−4, −1), 1) = −1", "0, because −4 does not lie"]),
        (
            "sigmoid",
            "sigmoid",
            ["1 / (1 + e^4) ≈ 1 / (1 + 54.5982) ≈ 0.018", "0.017986·(1 − 0.017986) ≈ 0.0177"],
        ),
        ("identity", "identity", ["−4 stays −4", "1 everywhere"]),
    ],
)
def test_each_function_changes_the_maps_and_writes_its_sum(first, button, name, lines):
    first.press(button)
    first.cell("Output", 2, 4).click()
    ones = np.ones_like(WORKED)
    assert first.numbers("Output") == (getattr(cnnlib, name)(WORKED).round(2) + 0).tolist()
    slopes = getattr(cnnlib, f"{name}_backward")(ones, WORKED)
    assert first.numbers("Slope") == slopes.round(2).tolist()
    assert first.sum[0] == f"{button} of −4: {lines[0]}"
    assert first.sum[1].startswith(f"slope there: {lines[1]}")


def test_the_negative_slope_can_be_changed(first):
    slope = first.root.get_by_label("Negative slope")
    assert not slope.is_visible()
    first.press("leaky ReLU")
    slope.fill("0.5")
    assert first.numbers("Output") == cnnlib.leaky_relu(WORKED, 0.5).tolist()
    slope.fill("1")
    assert first.numbers("Output") == WORKED.tolist()


def test_the_point_is_dragged_by_mouse_and_follows_no_number_then(first, page):
    page.mouse.move(*first.at(-1))
    page.mouse.down()
    page.mouse.move(*first.at(2.5), steps=4)
    assert first.input == pytest.approx(2.5, abs=0.05)
    assert first.sum[1].startswith("slope there: 1")
    page.mouse.move(*first.at(9))
    assert first.input == 5
    page.mouse.up()
    page.mouse.move(*first.at(0))
    assert first.input == 5
    assert first.root.locator(".number.current").count() == 0


def test_the_point_is_moved_by_keys_and_speaks(first, page):
    first.slider.focus()
    for key in ["Home", "ArrowRight", "ArrowUp", "PageUp"]:
        page.keyboard.press(key)
    assert first.input == pytest.approx(-5 + 0.1 + 0.1 + 1)
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert first.input == -5
    page.keyboard.press("End")
    assert first.slider.get_attribute("aria-valuetext") == "input 5: ReLU 5, slope 1"


def test_choosing_a_number_moves_the_point_and_widens_the_axis(first, page):
    first.cell("Output", 3, 2).click()
    assert first.input == 20
    axis = first.root.get_by_role("combobox", name="Inputs")
    assert axis.input_value() == "25"
    page.keyboard.press("ArrowRight")
    assert (first.input, axis.input_value()) == (5, "5")
    assert first.said == "row 2, column 2: ReLU of 5 is 5, slope 1, because 5 is positive"
    page.keyboard.press("End")
    assert (first.input, axis.input_value()) == (-9, "10")
    axis.select_option("5")
    assert first.input == -5
    axis.select_option("25")
    first.slider.focus()
    page.keyboard.press("End")
    assert first.input == 25


def test_typing_changes_the_map(first, page):
    first.edit(first.cell("Input", 2, 4), "6")
    changed = WORKED.copy()
    changed[1, 3] = 6
    assert first.numbers("Output") == cnnlib.relu(changed).tolist()
    assert first.sum[0] == "ReLU of 6: max(6, 0) = 6"
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("-1000")
    page.keyboard.press("Enter")
    first.press("sigmoid")
    assert first.sum[0] == "sigmoid of −1000: 1 / (1 + e^1000) ≈ 1 / (1 + ∞) ≈ 0"
    first.press("Reset")
    assert first.numbers("Input") == WORKED.tolist()


def test_predict_first_hides_asks_names_the_slip_and_keeps_the_score(first):
    first.root.get_by_label("Predict first").check()
    assert first.texts("Output") == [["?"] * 4] * 4
    assert first.texts("Slope") == [["?"] * 4] * 4
    assert first.sum == ["ReLU of 2 = ?"]
    assert first.slider.get_attribute("aria-valuetext") == "input 2: ReLU hidden"

    def answer(text):
        first.root.get_by_label("Your prediction").fill(text)
        first.press("Check")
        return first.root.get_by_role("status").inner_text()

    assert answer("2") == "2 is right."
    first.cell("Output", 2, 4).click()
    assert answer("-4") == "ReLU lets no negative number through: it becomes 0."
    assert answer("4") == "ReLU does not turn the sign round: negative numbers become 0."
    assert answer("0") == "0 is right."
    assert "1 of 2 at the first try" in first.root.inner_text()
    first.press("leaky ReLU")
    assert answer("0").startswith("That is ReLU.")
    assert answer("0.01") == (
        "A negative number is multiplied by 0.01, not replaced by it. Or: That is the slope."
    )
    assert answer("0.04") == "A negative number stays negative."
    assert answer("-0.04") == "−0.04 is right."
    first.press("hard tanh")
    assert answer("0") == "The lower limit is −1, not 0. Or: That is the slope."
    first.press("Show me")
    first.press("Next")
    assert first.sum == ["hard tanh of −3 = ?"]


def test_a_finger_can_do_what_a_mouse_can(phone, site):
    widget = Widget(phone, site)
    phone.touchscreen.tap(*widget.at(3))
    assert widget.input == pytest.approx(3, abs=0.05)
    widget.cell("Output", 2, 4).tap()
    assert widget.input == -4
    widget.cell("Input", 2, 4).tap()
    widget.root.get_by_role("button", name="Change the sign").first.tap()
    assert widget.sum[0] == "ReLU of 4: max(4, 0) = 4"
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site)
    widget.press("leaky ReLU")
    widget.root.get_by_label("Predict first").check()
    widget.cell("Input", 2, 2).click()
    assert axe_faults(widget.root) == []


def test_every_name_that_a_shared_module_imports_stands_in_the_script_once():
    text = ActivationExplorer().get_state("_esm")["_esm"]
    assert "import" not in re.sub(r"//.*|/\*[\s\S]*?\*/", "", text)
    assert text.count("export ") == 1
