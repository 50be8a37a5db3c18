"""BatchNorm: its traits in Python, its arithmetic against cnnlib, its page in a browser."""

import numpy as np
import pytest
import traitlets

import cnnlib
from cnnlib.widgets import BatchNorm
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_the_default_is_the_chapters_batch():
    widget = BatchNorm()
    root = np.sqrt(4 + 1e-5)
    expected = [(x - 4) / root * 2 + 1 for x in (1, 3, 4, 5, 7)]
    np.testing.assert_allclose(widget.output(training=True), expected)
    expected = [(x - 0) / np.sqrt(1 + 1e-5) * 2 + 1 for x in (1, 3, 4, 5, 7)]
    np.testing.assert_allclose(widget.output(training=False), expected)


def test_asking_for_an_output_moves_nothing():
    widget = BatchNorm([1, 3])
    widget.output(training=True)
    assert (widget.running_mean, widget.running_var, widget.batches) == (0, 1, 0)


def test_repr_states_the_numbers_and_no_address():
    assert repr(BatchNorm([1, 3], gamma=1, beta=0.5, running_mean=1, running_var=4)) == (
        "BatchNorm: [1, 3], gamma 1, beta 0.5\n"
        "in training [-0.5, 1.5]\n"
        "in evaluation, by mean 1 and variance 4, [0.5, 1.5]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch", [1], r"batch is \[1\]; expected 2 to 8 numbers from -9999 to 9999"),
        (
            "batch",
            [1, 10_000],
            r"batch is \[1, 10000\]; expected 2 to 8 numbers from -9999 to 9999",
        ),
        ("batch", [1, 2, np.nan], "batch holds nan or inf; expected finite numbers"),
        ("chosen", 5, "chosen is 5; expected at most 4"),
        ("gamma", np.nan, "gamma is nan; expected a number from -9999 to 9999"),
        ("beta", 10_000, "beta is 10000.0; expected a number from -9999 to 9999"),
        ("running_mean", -1e5, "running_mean is -100000.0; expected a number from -9999 to 9999"),
        ("running_var", -1, r"running_var is -1.0; expected a number from 0 to 1e\+09"),
        ("source", (0, -1), r"source is \(0.0, -1.0\); expected a mean from -9999 to 9999"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = BatchNorm()
    check_refused(widget, name, value, f"BatchNorm: {message}")


def test_a_shorter_batch_must_hold_the_chosen_number():
    with pytest.raises(traitlets.TraitError, match="chosen is 4; expected at most 2"):
        BatchNorm(chosen=4).batch = [1, 2, 3]


# --- the built page ---


class Layer(OnPage):
    chapter, selector = "better_training", ".batch-norm"

    def mode(self, name):
        return self.root.get_by_role("group", name=name, exact=True)

    def sum(self, mode):
        return " ".join(self.mode(mode).locator(".sum").inner_text().split())

    @property
    def running(self):
        """Running mean, running variance, batches, as they are shown."""
        lines = self.mode("Evaluation").locator(".bn-facts p").all_inner_texts()
        names = ["running mean ", "running variance ", "moved by "]
        assert all(line.startswith(name) for line, name in zip(lines, names, strict=True))
        mean, variance, batches = (line.replace("−", "-").split()[2] for line in lines)
        return float(mean), float(variance), int(batches)


@pytest.fixture
def layer(page, site):
    return Layer(page, site)


def test_the_page_opens_with_the_chapters_batch(layer):
    assert layer.numbers("Batch") == [[1, 3, 4, 5, 7]]
    assert layer.numbers("Normalized in training") == [[-1.5, -0.5, 0, 0.5, 1.5]]
    assert layer.numbers("Output in training") == [[-2, 0, 1, 2, 4]]
    assert layer.numbers("Output in evaluation") == [[3, 7, 9, 11, 15]]
    facts = layer.mode("Training").locator(".bn-facts").inner_text().replace("\xa0", " ")
    assert "mean (1 + 3 + 4 + 5 + 7)/5 = 4" in facts
    assert "variance ((−3)² + (−1)² + 0² + 1² + 3²)/5 = 4" in facts
    assert layer.sum("Training") == "(1 − 4) / √(4 + 0.00001) · 2 + 1 = −2"
    assert layer.sum("Evaluation") == "(1 − 0) / √(1 + 0.00001) · 2 + 1 = 3"


def test_an_edited_number_changes_every_output_in_training_and_one_in_evaluation(layer):
    before = {mode: layer.numbers(f"Output in {mode}") for mode in ("training", "evaluation")}
    layer.edit(layer.cell("Batch", 1, 5), "10")
    assert layer.numbers("Batch") == [[1, 3, 4, 5, 10]]
    after = {mode: layer.numbers(f"Output in {mode}") for mode in ("training", "evaluation")}
    np.testing.assert_allclose(
        after["training"], [BatchNorm([1, 3, 4, 5, 10]).output(training=True)], atol=0.006
    )
    changed = {mode: np.not_equal(before[mode], after[mode]).tolist() for mode in before}
    assert changed["training"] == [[True] * 5]
    assert changed["evaluation"] == [[False] * 4 + [True]]
    assert layer.sum("Training").startswith("(10 − 4.6)")


def test_the_arrow_keys_choose_the_number_that_is_written_out(layer, page):
    layer.cell("Output in evaluation", 1, 2).click()
    page.keyboard.press("ArrowRight")
    assert layer.sum("Evaluation") == "(4 − 0) / √(1 + 0.00001) · 2 + 1 = 9"
    page.keyboard.press("End")
    assert layer.sum("Training") == "(7 − 4) / √(4 + 0.00001) · 2 + 1 = 4"
    last = layer.cell("Output in evaluation", 1, 5)
    assert last.get_attribute("aria-selected") == "true"


def test_gamma_and_beta_are_typed_and_nonsense_is_named(layer, page):
    layer.root.get_by_role("textbox", name="γ").fill("-1")
    page.keyboard.press("Enter")
    layer.root.get_by_role("textbox", name="β").fill("1/2")
    page.keyboard.press("Enter")
    assert layer.numbers("Output in training") == [[2, 1, 0.5, 0, -1]]
    assert layer.sum("Training") == "(1 − 4) / √(4 + 0.00001) · (−1) + 0.5 = 2"
    layer.root.get_by_role("textbox", name="β").fill("much")
    page.keyboard.press("Enter")
    assert layer.error == "“much” is not a number. Try 3, -1 or 1/9."
    layer.root.get_by_role("textbox", name="β").fill("12345")
    page.keyboard.press("Enter")
    assert layer.error == "A number may be at most 9999 here."
    layer.press("Reset")
    assert layer.error == ""
    assert layer.numbers("Output in training") == [[-2, 0, 1, 2, 4]]
    assert layer.root.get_by_role("textbox", name="β").input_value() == "1"


def test_the_same_batch_again_moves_the_running_numbers_as_the_layer_does(layer):
    norm = cnnlib.BatchNorm2d(1, dtype=np.float64)
    for count in (1, 2, 3):
        layer.press("Same batch again")
        norm(np.array([1.0, 3, 4, 5, 7]).reshape(5, 1, 1, 1))
        assert layer.running == (
            pytest.approx(norm.running_mean[0], abs=6e-5),
            pytest.approx(norm.running_var[0], abs=6e-5),
            count,
        )
    assert layer.numbers("Batch") == [[1, 3, 4, 5, 7]]


def test_the_step_of_the_running_numbers_is_written_out(layer):
    text = " ".join(layer.root.locator(".bn-step").inner_text().split())
    assert "running mean 0 + 0.1·(4 − 0) = 0.4 running variance 1 + 0.1·(5 − 1) = 1.4" in text
    assert "Here its variance is 5: the sum of the squares divided by 4, not by 5." in text


def test_the_next_batch_counts_the_one_before_it(layer):
    norm = cnnlib.BatchNorm2d(1, dtype=np.float64)
    for _ in range(4):
        norm(np.array(layer.numbers("Batch")).reshape(5, 1, 1, 1))
        layer.press("Next batch")
    assert layer.numbers("Batch") != [[1, 3, 4, 5, 7]]
    mean, variance, batches = layer.running
    assert mean == pytest.approx(norm.running_mean[0], abs=6e-5)
    assert variance == pytest.approx(norm.running_var[0], abs=6e-5)
    assert batches == 4


def test_many_batches_end_near_the_distribution_they_come_from(layer):
    layer.choose("New numbers", "around −10 ± 1")
    for _ in range(12):
        layer.press("10 batches")
    mean, variance, batches = layer.running
    assert batches == 120
    # Its own standard deviation is 1/√5·√(0.1/1.9) = 0.1: six of them are never seen.
    assert mean == pytest.approx(-10, abs=0.6)
    assert 0.2 < variance < 3


def test_a_number_too_large_for_a_cell_is_refused(layer):
    layer.cell("Batch", 1, 2).click()
    layer.page.keyboard.type("10000")
    assert layer.error == "A number may be at most 9999 here."
    layer.page.keyboard.press("Escape")
    assert layer.numbers("Batch") == [[1, 3, 4, 5, 7]]


def test_in_evaluation_no_batch_moves_anything(layer):
    layer.press("Same batch again")
    layer.press("Evaluation")
    assert "no batch moves" in layer.root.locator(".bn-step").inner_text()
    layer.press("10 batches")
    assert layer.running == (0.4, 1.4, 1)
    assert layer.numbers("Batch") != [[1, 3, 4, 5, 7]]
    pressed = layer.root.get_by_role("button", name="Evaluation", exact=True)
    assert pressed.get_attribute("aria-pressed") == "true"


def test_changes_are_spoken(layer):
    assert layer.said == ""
    layer.press("Same batch again")
    assert layer.said == (
        "1 becomes −2 in training, 2.0142 in evaluation. Running mean 0.4, variance 1.4"
    )


def test_predict_first_hides_asks_and_names_the_slip(layer):
    layer.root.get_by_label("Predict first").check()
    assert layer.texts("Output in training")[0][0] == "?"
    assert layer.sum("Training").endswith("= ?")
    assert layer.root.get_by_text("What comes out for 1 in training?").is_visible()

    def answer(text):
        layer.root.get_by_label("Your prediction").fill(text)
        layer.press("Check")
        return layer.root.get_by_role("status").inner_text()

    assert answer("3") == "That is what the other mode gives."
    assert answer("-1.5").startswith("That is the normalized number.")
    assert answer("-0.5") == "That is divided by the variance. Take its root first."
    assert answer("-2") == "−2 is right."
    assert "0 of 1 at the first try" in layer.root.inner_text()
    assert layer.texts("Output in training")[0][0] == "-2"
    layer.press("Next")
    assert layer.texts("Output in training")[0][1] == "?"


def test_it_fits_a_phone_and_a_finger_can_use_it(phone, site):
    layer = Layer(phone, site)
    layer.root.get_by_role("button", name="Next batch").tap()
    assert layer.running[2] == 1
    # The longest sums there are.
    layer.choose("New numbers", "around 40 ± 20")
    layer.root.get_by_role("button", name="10 batches").tap()
    assert layer.running[2] == 11
    inside = "root => [root, ...root.querySelectorAll('.bn-mode, .sum')]"
    assert layer.root.evaluate(
        f"root => ({inside})(root).every(one => one.scrollWidth <= one.clientWidth)"
    )
    box = layer.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_a_fault_goes_with_the_next_change(page, site):
    layer = Layer(page, site)
    scale = layer.root.get_by_role("textbox", name="γ")
    scale.fill("abc")
    scale.press("Enter")
    assert "is not a number" in layer.error
    layer.press("Next batch")
    assert layer.error == ""


def test_axe_finds_nothing_wrong(phone, site, axe_faults):
    layer = Layer(phone, site)
    layer.root.get_by_label("Predict first").check()
    assert axe_faults(layer.root) == []
