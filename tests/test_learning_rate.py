"""LearningRate: the recorded runs, and the slider in a browser."""

import numpy as np
import pytest
import traitlets

from cnnlib.widgets import LearningRate
from tests.browser import visit

pytest_plugins = ["tests.browser"]


def test_the_runs_are_those_of_the_record_from_slow_to_fast():
    rates = [run["lr"] for run in LearningRate().runs]
    assert rates == sorted(rates)
    assert len(rates) == 9


def test_repr_states_each_run():
    lines = repr(LearningRate()).splitlines()
    assert lines[1].startswith("learning rate 0.001: loss 2.3344 to ")
    assert len(lines) == 1 + 9


def test_a_run_that_does_not_exist_is_refused():
    with pytest.raises(traitlets.TraitError, match="chosen is 9; expected at most 8"):
        LearningRate(chosen=9)


@pytest.fixture
def rates(page, site):
    visit(page, f"{site}/chapters/optimizers.html")
    root = page.locator(".learning-rate")
    root.scroll_into_view_if_needed()
    return root


def test_the_slider_chooses_a_run_and_its_figures(rates):
    for chosen, run in enumerate(LearningRate().runs):
        rates.get_by_label("Learning rate", exact=True).last.fill(str(chosen))
        words = " ".join(rates.locator(".rate-words").inner_text().split())
        mean = round(float(np.mean(run["loss"][-10:])), 3)
        assert f"Last 10 batches: {mean:g}." in words
        assert f"Right in validation: {round(100 * run['accuracy'], 1):g}%." in words
        assert rates.locator(".rate-value").inner_text() == f"{run['lr']:g}"


def test_the_curve_is_the_mean_of_ten_losses_drawn_to_scale(rates):
    points = rates.locator(".rate-chosen").get_attribute("points").split()
    losses = LearningRate().runs[4]["loss"]
    assert len(points) == len(losses)
    heights = np.array([float(point.split(",")[1]) for point in points])
    means = np.array([np.mean(losses[max(0, i - 9) : i + 1]) for i in range(len(losses))])
    drawn = np.polyfit(means, heights, 1)
    np.testing.assert_allclose(np.polyval(drawn, means), heights, atol=0.06)
    assert drawn[0] < 0


def test_the_other_runs_can_be_hidden(rates):
    assert rates.locator(".rate-other").count() == 8
    rates.get_by_label("Show the others").uncheck()
    assert rates.locator(".rate-other").count() == 0


def test_the_arrow_keys_move_the_slider(rates, page):
    rates.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert rates.locator(".rate-value").inner_text() == "0.3"


def test_it_fits_a_phone(phone, site):
    visit(phone, f"{site}/chapters/optimizers.html")
    box = phone.locator(".learning-rate").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    visit(page, f"{site}/chapters/optimizers.html")
    assert axe_faults(page.locator(".learning-rate")) == []
