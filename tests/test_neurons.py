"""Neurons: its traits in Python, its sums against cnnlib, its page in a browser."""

import numpy as np
import pytest

import cnnlib
from cnnlib.widgets import Neurons
from cnnlib.worked_example import dense_1_bias, dense_1_weight
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_the_default_is_the_worked_examples_first_dense_layer():
    widget = Neurons()
    assert widget.output[0] == pytest.approx(15 * 0.5 + 8 * 0.8 + 20 * 0.1 + 5 * 0.1 + 0.2)
    assert widget.output.round(1).tolist() == [16.6, 12.1, 6.4]


def test_relu_is_applied_unless_it_is_turned_off():
    widget = Neurons([2, 1], [[1, -3], [-1, 1], [0, 2]])
    assert widget.output.tolist() == [0, 0, 2]
    widget.activation = "none"
    assert widget.output.tolist() == [2 - 3, -2 + 1, 2]


def test_repr_states_the_numbers_and_no_address():
    assert repr(Neurons([2, 1], [[1, -3]], [4.5])) == (
        "Neurons: inputs [2, 1], weight [[1, -3]], bias [4.5], activation='relu'\n[3.5]"
    )


def test_several_traits_can_change_at_once():
    widget = Neurons()
    with widget.hold_trait_notifications():
        widget.x = [1, 2]
        widget.weight = [[3, 4]]
        widget.bias = [5]
        widget.position = 1
    assert widget.output.tolist() == [1 * 3 + 2 * 4 + 5]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", [1, 2], "x does not fit. linear: weight expects 4 inputs, x has 2"),
        ("x", np.ones((1, 4)), r"x has shape \(1, 4\); expected \(inputs,\)"),
        ("weight", np.ones((3, 5)), "weight does not fit. linear: weight expects 5 inputs"),
        ("weight", np.ones((9, 4)), r"weight has shape \(9, 4\); expected at most 8 of each"),
        ("bias", [1, 2], "bias does not fit. linear: bias has shape"),
        ("bias", [1, np.inf, 2], "bias holds nan or inf; expected finite numbers"),
        ("position", 12, "position is 12; expected at most 11"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = Neurons()
    check_refused(widget, name, value, f"Neurons: {message}")


# --- the built page ---


class Layer(OnPage):
    chapter, selector = "dense", ".neurons"

    @property
    def after(self):
        return self.root.locator(".after").inner_text()


@pytest.fixture
def layer(page, site):
    return Layer(page, site, 0)


def test_the_page_opens_with_the_sum_that_the_text_explains(layer):
    assert layer.sum == "15·0.5 + 8·0.8 + 20·0.1 + 5·0.1 + 0.2 = 16.6"
    assert layer.after == "Product 4 of 4: 5·0.1 = 0.5; together 16.4. ReLU: max(16.6, 0) = 16.6"
    assert layer.numbers("After ReLU") == [[16.6], [12.1], [6.4]]
    assert layer.root.locator(".lines path").count() == 4 * 3


def test_steps_and_play_go_product_by_product_and_neuron_by_neuron(layer, page):
    layer.press("To the start")
    assert layer.after == "Product 1 of 4: 15·0.5 = 7.5; together 7.5"
    layer.press("Step forward")
    assert layer.after == "Product 2 of 4: 8·0.8 = 6.4; together 13.9"
    assert "lit" in layer.cell("Inputs", 2).get_attribute("class")
    assert "lit" in layer.cell("Weights", 1, 2).get_attribute("class")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    layer.press("Play")
    page.clock.run_for(15000)
    assert layer.after.endswith("ReLU: max(6.4, 0) = 6.4")


def test_a_neuron_is_chosen_by_mouse_and_by_keys(layer, page):
    layer.cell("Sums", 2).click()
    assert layer.sum == "15·0.2 + 8·0.5 + 20·0.1 + 5·0.6 + 0.1 = 12.1"
    page.keyboard.press("ArrowDown")
    assert layer.sum == "15·0.1 + 8·0.2 + 20·0.1 + 5·0.2 + 0.3 = 6.4"
    page.keyboard.press("Space")
    assert layer.root.get_by_role("button", name="Pause").is_visible()


def test_inputs_weights_and_biases_are_edited(layer):
    layer.edit(layer.cell("Inputs", 3), "-20")
    layer.edit(layer.cell("Weights", 1, 4), "1/2")
    layer.edit(layer.cell("Biases", 3), "-6")
    weight, bias = dense_1_weight.copy(), dense_1_bias.copy()
    weight[0, 3], bias[2] = 1 / 2, -6
    expected = cnnlib.relu(cnnlib.linear(np.array([15.0, 8, -20, 5]), weight, bias))
    assert expected[2] == 0
    assert layer.numbers("After ReLU") == expected[:, None].round(2).tolist()
    layer.cell("Sums", 3).click()
    assert layer.after.endswith("ReLU: max(−3.9, 0) = 0")
    layer.press("Reset")
    assert layer.numbers("After ReLU") == [[16.6], [12.1], [6.4]]


def test_without_an_activation_there_is_one_column_of_numbers(page, site):
    layer = Layer(page, site, 1)
    assert layer.texts("Sums") == [["7.86"], ["8.78"], ["9.64"]]
    assert not layer.grid("After ReLU").is_visible()
    layer.choose("Activation", "ReLU")
    assert layer.grid("After ReLU").is_visible()


def test_pointing_at_a_product_marks_its_input_and_its_weight(layer):
    layer.root.locator("[data-term]").nth(1).hover()
    assert "pointed" in layer.cell("Inputs", 2).get_attribute("class")
    assert "pointed" in layer.cell("Weights", 1, 2).get_attribute("class")


def test_steps_are_spoken(layer):
    assert layer.said == ""
    layer.press("Step forward")
    assert layer.said == "neuron 1, input 0: Product 1 of 4: 15 times 0.2 = 3; together 3"


def test_predict_first_hides_asks_and_names_the_slip(layer):
    layer.root.get_by_label("Predict first").check()
    assert layer.texts("Sums") == layer.texts("After ReLU") == [["?"]] * 3
    assert layer.sum.endswith("+ 0.2 = ?")

    def answer(text):
        layer.root.get_by_label("Your prediction").fill(text)
        layer.press("Check")
        return layer.root.get_by_role("status").inner_text()

    assert answer("16.4").startswith("That is the sum of the products. The bias, 0.2, is still")
    assert answer("48.2").startswith("That adds the inputs.")  # 15 + 8 + 20 + 5 + 0.2
    assert answer("16.6") == "16.6 is right."
    layer.press("Next")
    assert answer("12.1") == "12.1 is right."
    assert "1 of 2 at the first try" in layer.root.inner_text()
    assert layer.texts("Sums") == [["16.6"], ["12.1"], ["?"]]


def test_a_finger_can_edit_and_it_fits_a_phone(phone, site):
    layer = Layer(phone, site, 0)
    layer.cell("Inputs", 1).tap()
    layer.root.get_by_role("button", name="One more").tap()
    assert layer.numbers("After ReLU")[0] == [round(16.6 + 0.5, 2)]
    box = layer.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    layer = Layer(page, site, 0)
    layer.root.get_by_label("Predict first").check()
    assert axe_faults(layer.root) == []
