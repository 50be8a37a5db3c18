"""Logits: its traits in Python, its arithmetic against cnnlib, its page in a browser."""

import numpy as np
import pytest

from cnnlib.widgets import Logits
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_the_default_is_the_worked_example():
    widget = Logits()
    assert widget.probabilities.round(4).tolist() == [0.1059, 0.2658, 0.6282]
    assert widget.loss == pytest.approx(0.464866, abs=1e-6)
    np.testing.assert_allclose(widget.gradient, widget.probabilities - [0, 0, 1])


def test_any_number_of_classes_from_two_to_six_has_names():
    assert Logits([1, 2]).classes == ["class 0", "class 1"]
    assert Logits([1, 2, 3]).classes == ["Lion", "Tiger", "Elephant"]
    assert Logits([1, 2], 1, classes=["cat", "dog"]).loss == pytest.approx(np.log(1 + np.exp(-1)))


def test_repr_states_the_numbers_and_no_address():
    assert repr(Logits([0, 0])) == (
        "Logits: [0, 0], target class 0\np [0.5, 0.5], loss 0.6931, p - y [-0.5, 0.5]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("logits", [1], r"logits is \[1\]; expected 2 to 6 numbers from -1e\+06 to 1e\+06"),
        ("logits", [1, 2, 1e7], "expected 2 to 6 numbers from"),
        ("logits", [1, 2], "classes has 3 names; expected 2, one for each logit"),
        ("logits", [1, 2, np.nan], "logits holds nan or inf; expected finite numbers"),
        ("target", 3, "target is 3; expected at most 2"),
        ("classes", ["a"], "classes has 1 names; expected 3"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = Logits()
    check_refused(widget, name, value, f"Logits: .*{message}|{message}")


# --- the built page ---


class Scores(OnPage):
    chapter, selector = "loss", ".logits"

    def values(self, kind):
        texts = self.root.locator(f".value.{kind}").all_inner_texts()
        return [text.replace("−", "-") for text in texts]

    def slider(self, name):
        return self.root.get_by_role("slider", name=f"Logit of {name}", exact=True)

    def typed(self, name):
        return self.root.get_by_role("textbox", name=f"Logit of {name}, typed")

    def width(self, k):
        """How much of its bar a probability fills, in percent."""
        fill = self.root.locator(".bar.p .fill").nth(k)
        return float(fill.evaluate("fill => fill.style.width").rstrip("%"))

    @property
    def loss(self):
        return self.root.locator(".sum .loss").inner_text()


@pytest.fixture
def scores(page, site):
    return Scores(page, site)


def test_the_page_opens_with_the_worked_example(scores):
    assert scores.values("p") == ["0.1059", "0.2658", "0.6282"]
    assert scores.values("g") == ["0.1059", "0.2658", "-0.3718"]
    assert scores.loss == "0.4649"
    assert scores.width(2) == pytest.approx(62.82, abs=0.01)


def test_keys_on_a_slider_change_its_logit(scores, page):
    scores.slider("Lion").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    logits = [7.86 + 0.1 + 1, 8.78, 9.64]
    assert scores.typed("Lion").input_value() == "8.96"
    assert scores.loss == f"{Logits(logits, 2).loss:.4f}"
    page.keyboard.press("ArrowDown")
    assert scores.typed("Lion").input_value() == "8.86"
    assert scores.slider("Lion").get_attribute("aria-valuetext") == "8.86"


def test_dragging_a_slider_changes_its_logit(scores, page):
    box = scores.slider("Tiger").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    page.mouse.up()
    assert abs(float(scores.typed("Tiger").input_value().replace("−", "-"))) < 1
    assert scores.width(1) < 0.1


def test_a_typed_number_is_taken_and_nonsense_is_named(scores, page):
    scores.typed("Elephant").fill("-2.5")
    page.keyboard.press("Enter")
    assert scores.loss == f"{Logits([7.86, 8.78, -2.5], 2).loss:.4f}"
    scores.typed("Elephant").fill("much")
    page.keyboard.press("Enter")
    assert scores.error == "“much” is not a number. Try 3, -1 or 1/9."
    scores.press("Reset")
    assert scores.loss == "0.4649"
    assert scores.error == ""


def test_the_target_is_chosen_and_decides_the_loss(scores):
    scores.root.get_by_label("Lion is the right class").check()
    assert scores.loss == f"{Logits([7.86, 8.78, 9.64], 0).loss:.4f}"
    assert scores.values("g") == ["-0.8941", "0.2658", "0.6282"]


@pytest.mark.parametrize(
    ("preset", "loss"),
    [("second image, a lion", "1.5975"), ("third image, a tiger", "0.004"), ("chance", "1.0986")],
)
def test_presets_set_logits_and_target(scores, preset, loss):
    scores.choose("Logits", preset)
    assert scores.loss == loss


def test_adding_one_to_all_changes_no_probability(scores):
    scores.press("Add 1 to all")
    assert scores.typed("Lion").input_value() == "8.86"
    assert scores.loss == "0.4649"


def test_overflow_is_shown_and_cured(scores):
    scores.choose("Logits", "overflow")
    assert scores.values("p") == [f"{p:.4f}".rstrip("0") for p in Logits([0, 1, 2]).probabilities]
    scores.root.get_by_label("Subtract the largest first").uncheck()
    assert scores.values("e") == ["∞"] * 3
    assert scores.values("p") == ["not a number"] * 3
    assert scores.loss == "not a number"


def test_changes_are_spoken(scores):
    assert scores.said == ""
    scores.choose("Logits", "chance")
    assert scores.said == "loss 1.0986, Lion 0.3333, Tiger 0.3333, Elephant 0.3333"


def test_predict_first_hides_asks_and_names_the_slip(scores):
    scores.root.get_by_label("Predict first").check()
    assert scores.values("p") == ["?"] * 3
    assert scores.loss == "?"

    def answer(text):
        scores.root.get_by_label("Your prediction").fill(text)
        scores.press("Check")
        return scores.root.get_by_role("status").inner_text()

    assert answer("-0.4649").startswith("ln of a number below 1 is negative.")
    assert (
        answer("0.2019") == "That is the logarithm to base 10. The loss takes the natural one, ln."
    )
    assert answer("2.2449") == "That is the loss for another target."
    assert answer("0.46") == "0.4649 is right."
    assert "0 of 1 at the first try" in scores.root.inner_text()
    assert scores.values("p") == ["0.1059", "0.2658", "0.6282"]
    scores.press("Next")
    assert scores.values("p") == ["?"] * 3


def test_a_finger_can_choose_and_it_fits_a_phone(phone, site):
    scores = Scores(phone, site)
    scores.root.get_by_label("Tiger is the right class").tap()
    assert scores.loss == f"{Logits([7.86, 8.78, 9.64], 1).loss:.4f}"
    box = scores.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_finds_nothing_wrong(phone, site, axe_faults):
    scores = Scores(phone, site)
    scores.root.get_by_label("Predict first").check()
    assert axe_faults(scores.root) == []
