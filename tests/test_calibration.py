"""Calibration: the functions against arithmetic and torch, the widget, its page in a browser."""

import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import Calibration
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]

TEN = np.array([0.6, 0.6, 0.6, 0.6, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8])
THREE_AND_FOUR = np.array([True, True, True, False, False, True, True, True, True, False])


def answers(seed, n=211, classes=7):
    """Logits (n, classes) and labels of which many are those of the largest logits."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.standard_normal((n, classes))
    labels = np.where(rng.random(n) < 0.7, logits.argmax(1), rng.integers(0, classes, n))
    return logits, labels


def test_ten_answers_are_as_sure_as_they_are_right():
    found = cnnlib.reliability(TEN, THREE_AND_FOUR)
    assert found.answers.tolist() == [0, 0, 0, 0, 0, 5, 0, 5, 0, 0]
    np.testing.assert_allclose(found.confidence[[5, 7]], [0.6, 0.8])
    np.testing.assert_allclose(found.accuracy[[5, 7]], [3 / 5, 4 / 5])
    assert np.isnan(found.accuracy[[0, 9]]).all()
    assert cnnlib.expected_calibration_error(TEN, THREE_AND_FOUR) == pytest.approx(0)


def test_the_error_is_the_mean_gap_weighted_by_the_answers_of_each_bin():
    confidence, right = np.array([0.9, 0.9, 0.9, 0.5]), np.array([True, True, False, True])
    gap, other = 0.9 - 2 / 3, 1 - 0.5
    error = cnnlib.expected_calibration_error(confidence, right)
    assert error == pytest.approx(3 / 4 * gap + 1 / 4 * other)


def test_gaps_in_one_bin_cancel_and_finer_bins_find_them():
    confidence, right = np.array([0.71, 0.79]), np.array([True, False])
    coarse, fine = (cnnlib.expected_calibration_error(confidence, right, bins) for bins in (1, 20))
    assert coarse == pytest.approx(0.75 - 0.5)
    assert fine == pytest.approx(((1 - 0.71) + 0.79) / 2)


@pytest.mark.parametrize("bins", [1, 3, 10, 15])
def test_an_edge_belongs_to_the_bin_below_it_and_0_to_the_first(bins):
    edges = np.array([0, *(np.arange(1, bins + 1) / bins)])
    count = cnnlib.reliability(edges, np.ones(bins + 1, bool), bins).answers
    assert count.tolist() == [2] + [1] * (bins - 1)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_bins_leave_out_no_answer(seed, bins):
    rng = np.random.default_rng(seed)
    confidence, right = rng.random(97), rng.random(97) < 0.6
    found = cnnlib.reliability(confidence, right, bins)
    full = found.answers > 0
    assert found.answers.sum() == 97
    assert (found.answers * found.confidence)[full].sum() == pytest.approx(confidence.sum())
    assert (found.answers * found.accuracy)[full].sum() == pytest.approx(right.sum())
    error = cnnlib.expected_calibration_error(confidence, right, bins)
    assert abs(confidence.mean() - right.mean()) - 1e-12 <= error <= 1


@pytest.mark.parametrize("seed", range(3))
def test_the_temperature_has_the_smallest_loss_and_torch_finds_the_same(seed):
    logits, labels = answers(seed)
    best = cnnlib.fit_temperature(logits, labels)
    z, y = torch.tensor(logits), torch.tensor(labels)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe")

    def loss():
        search.zero_grad()
        value = F.cross_entropy(z / log_t.exp(), y)
        value.backward()
        return value

    search.step(loss)
    assert best == pytest.approx(log_t.detach().exp().item(), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 4])
def test_larger_logits_have_a_temperature_as_much_larger(factor):
    logits, labels = answers(1)
    best = cnnlib.fit_temperature(logits, labels)
    assert cnnlib.fit_temperature(factor * logits, labels) == pytest.approx(factor * best)
    single = cnnlib.fit_temperature(logits.astype(np.float32), labels)
    assert single == pytest.approx(best, rel=1e-5)


def test_without_a_minimum_the_temperature_ends_where_the_search_does():
    logits = np.eye(4) + 1
    assert cnnlib.fit_temperature(logits, np.arange(4)) == pytest.approx(0.01)  # all are right
    assert cnnlib.fit_temperature(-logits, np.arange(4)) == pytest.approx(100)  # worse than chance


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"confidence": [0.5]}, TypeError, "confidence is a list"),
        ({"confidence": np.array([0.5, 1.5])}, ValueError, "confidence holds 1.5; expected prob"),
        ({"confidence": np.array([-0.5, 0.5])}, ValueError, "confidence holds -0.5"),
        ({"confidence": np.array([0.5, math.nan])}, ValueError, "confidence holds nan"),
        ({"right": np.array([1, 0])}, TypeError, "right is int64; expected True or False"),
        ({"right": np.array([True])}, ValueError, r"right has shape \(1,\); expected \(2,\)"),
        ({"bins": 0}, ValueError, "bins is 0; expected at least 1"),
    ],
)
def test_what_is_no_confidence_or_no_verdict_is_named(change, error, message):
    given = {"confidence": np.array([0.5, 0.9]), "right": np.array([True, False])} | change
    with pytest.raises(error, match=f"reliability: {message}"):
        cnnlib.reliability(**given)
    with pytest.raises(error, match=f"expected_calibration_error: {message}"):
        cnnlib.expected_calibration_error(**given)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"logits": np.zeros(3)}, ValueError, r"logits has shape \(3,\); expected 2 axes"),
        ({"labels": np.zeros(2)}, TypeError, "labels is float64; expected whole numbers"),
        ({"labels": np.zeros(3, int)}, ValueError, r"labels has shape \(3,\); expected \(2,\)"),
        ({"labels": np.array([0, 4])}, ValueError, "labels has class 4; expected 0 to 3"),
        ({"labels": np.array([-1, 0])}, ValueError, "labels has class -1; expected 0 to 3"),
    ],
)
def test_what_has_no_temperature_is_named(change, error, message):
    given = {"logits": np.zeros((2, 4)), "labels": np.array([0, 3])} | change
    with pytest.raises(error, match=f"fit_temperature: {message}"):
        cnnlib.fit_temperature(**given)


LOGITS, LABELS = [[2.0, 0, 0], [0, 3.0, 1], [1, 0, 0.5], [0, 0, 4.0]], [0, 1, 2, 2]


def test_the_widget_states_its_answers_and_what_they_come_to():
    widget = Calibration(LOGITS, LABELS)
    tops = [2, 3, 1, 4]
    confidence = [np.exp(top) / np.exp(row).sum() for row, top in zip(LOGITS, tops, strict=True)]
    np.testing.assert_allclose(widget.confidence, confidence)
    assert widget.right.tolist() == [True, True, False, True]
    assert widget.error == pytest.approx(
        cnnlib.expected_calibration_error(widget.confidence, widget.right)
    )
    assert repr(widget).splitlines() == [
        "Calibration: 4 answers, 3 right",
        f"temperature 1: mean confidence {np.mean(confidence):.4f}, ECE {widget.error:.4f}, "
        f"loss {widget.loss:.4f}",
        "in each bin [0, 0, 0, 0, 0, 1, 0, 1, 1, 1]",
    ]


def test_the_bin_that_adds_most_to_the_error_is_open_at_first():
    assert Calibration(LOGITS, LABELS).chosen == 5  # sure by 0.51, and wrong
    assert Calibration(LOGITS, LABELS, chosen=9).chosen == 9


def test_a_temperature_makes_all_answers_less_sure_and_no_answer_another():
    cold, hot = (Calibration(LOGITS, LABELS, temperature=t) for t in (1, 3))
    assert (hot.confidence < cold.confidence).all()
    assert hot.right.tolist() == cold.right.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": [1.0, 2]}, r"logits has shape \(2,\); expected \(answers, classes\)"),
        ({"logits": np.zeros((4, 1))}, r"logits has shape \(4, 1\); expected up to 2000 rows"),
        ({"logits": np.zeros((2001, 3))}, r"logits has shape \(2001, 3\); expected up to 2000"),
        ({"labels": [0, 1]}, "labels has 2 classes; expected 4, one for each row"),
        ({"labels": [0, 1, 2, 3]}, "labels has class 3; expected at most 2"),
        ({"labels": [0, 1, -1, 2]}, "labels holds other numbers; expected whole numbers"),
        ({"labels": [0.5, 1, 1, 2]}, "labels holds other numbers; expected whole numbers"),
        ({"temperature": 0}, "temperature is 0; expected a number from 0.1 to 10"),
        ({"temperature": 11}, "temperature is 11; expected a number from 0.1 to 10"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    with pytest.raises(traitlets.TraitError, match=f"Calibration: {message}"):
        Calibration(**({"logits": LOGITS, "labels": LABELS} | change))
    widget = Calibration(LOGITS, LABELS)
    ((name, value),) = change.items()
    with pytest.raises(traitlets.TraitError, match=f"Calibration: {message}"):
        setattr(widget, name, value)


class Diagram(OnPage):
    """The diagram of the chapter, and the same answers in Python."""

    chapter, selector = "honest_answers", ".calibration"

    def __init__(self, page, site):
        super().__init__(page, site)
        text = page.locator('script[type="application/vnd.jupyter.widget-state+json"]').inner_text()
        models = json.loads(text)["state"].values()
        (model,) = (one for one in models if "labels" in one["state"])
        parts = page.evaluate("widgetScripts")  # what is large lies in a file
        state = model["state"] | {trait: parts[name] for trait, name in model["files"].items()}
        names = Calibration.class_own_traits()
        self.widget = Calibration(**{k: v for k, v in state.items() if k in names})

    def at(self, temperature):
        return Calibration(self.widget.logits, self.widget.labels, temperature=temperature)

    @property
    def slider(self):
        return self.root.get_by_role("slider", name="Temperature")

    @property
    def counts(self):
        return [int(text) for text in self.texts("Answers by confidence")[0]]


@pytest.fixture
def diagram(page, site):
    return Diagram(page, site)


def in_words(widget):
    return f"Expected calibration error: {widget.error:.4f}".rstrip("0") + "."


def test_every_bin_shows_its_count_and_the_open_one_its_part(diagram):
    widget = diagram.widget
    count, said, was = widget.reliability
    assert diagram.counts == count.tolist()
    here, n = int(count[widget.chosen]), len(widget.labels)
    right = round(here * was[widget.chosen])
    assert f"{here} of {n} answers, {right} right, {right}/{here} = " in diagram.sum
    part = here / n * abs(was[widget.chosen] - said[widget.chosen])
    assert f"= {round(part, 4):g}." in diagram.sum
    assert in_words(widget) in diagram.sum


def test_a_bar_is_as_high_as_its_share_and_the_line_stands_at_its_confidence(diagram):
    _, said, was = diagram.widget.reliability
    box = diagram.root.locator(".columns").bounding_box()
    for bin in np.flatnonzero(diagram.widget.reliability.answers):
        column = diagram.root.locator(".column").nth(bin)
        bar, line = (column.locator(part).bounding_box() for part in (".bar", ".said"))
        assert bar["height"] / box["height"] == pytest.approx(was[bin], abs=0.02)
        middle = line["y"] + line["height"] / 2
        assert (box["y"] + box["height"] - middle) / box["height"] == pytest.approx(
            said[bin], abs=0.02
        )


def test_a_click_on_a_column_and_the_arrow_keys_open_a_bin(diagram, page):
    diagram.root.locator(".column").nth(8).click(position={"x": 5, "y": 5})
    assert diagram.sum.startswith("0.8 to 0.9: ")
    diagram.cell("Answers by confidence", 1, 9).click()
    page.keyboard.press("ArrowRight")
    assert diagram.sum.startswith("0.9 to 1: ")
    assert "0.9 to 1: " in diagram.said
    page.keyboard.press("Home")
    assert diagram.sum.startswith("0 to 0.1: none of 400 answers.")


def test_the_temperature_moves_the_answers_by_mouse_and_keys(diagram, page):
    diagram.slider.fill("0.3")
    hot = diagram.at(2)
    assert diagram.text(".temperature") == "2"
    assert diagram.counts == hot.reliability.answers.tolist()
    assert in_words(hot) in diagram.sum
    assert f"mean confidence {round(hot.confidence.mean(), 4):g}, " in diagram.sum
    assert diagram.said.startswith("Temperature 2. Expected calibration error: ")
    diagram.slider.press("ArrowRight")
    assert diagram.text(".temperature") == "2.09"
    assert diagram.slider.get_attribute("aria-valuetext") == "2.09"


def test_the_smallest_loss_is_found_and_reset_brings_1_back(diagram):
    best = cnnlib.fit_temperature(diagram.widget.logits, diagram.widget.labels)
    diagram.press("Smallest loss")
    assert diagram.text(".temperature") == f"{best:.2f}"
    assert in_words(diagram.at(round(best, 2))) in diagram.sum
    diagram.press("Reset")
    assert diagram.text(".temperature") == "1"
    assert in_words(diagram.widget) in diagram.sum


def test_a_finger_opens_a_bin_and_all_fits_a_phone(phone, site):
    diagram = Diagram(phone, site)
    diagram.root.locator(".column").nth(9).tap()
    assert diagram.sum.startswith("0.9 to 1: ")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(diagram, axe_faults):
    assert axe_faults(diagram.root) == []
