"""TrainingPlayback: the recorded frames, and playing them in a browser."""

import gzip
import json
import math

import numpy as np
import pytest
import traitlets

from cnnlib.records import record
from cnnlib.widgets import TrainingPlayback
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]
RECORD = record("training")


def test_repr_states_where_each_run_ends():
    lines = repr(TrainingPlayback()).splitlines()
    for line, run in zip(lines[1:], RECORD["runs"], strict=True):
        loss = run["frames"][-1]["loss"]
        assert line.startswith(f"{run['name']}: after {run['frames'][-1]['step']} steps")
        assert line.endswith(f"{loss[0]:.4f} and {loss[1]:.4f}")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("run", 2, "run is 2; expected at most 1"),
        ("position", 999, "position is 999; expected at most"),
        ("image", 12, "image is 12; expected at most 11"),
    ],
)
def test_what_does_not_exist_is_refused(name, value, message):
    with pytest.raises(traitlets.TraitError, match=f"TrainingPlayback: {message}"):
        TrainingPlayback(**{name: value})


def test_what_is_sent_are_the_changes_in_thousandths_which_take_less():
    sent = TrainingPlayback().get_state("runs")["runs"]
    for run, whole in zip(sent, RECORD["runs"], strict=True):
        for name in ("filters", "probabilities"):
            changes = [frame[name] for frame in run["frames"]]
            frames = [frame[name] for frame in whole["frames"]]
            np.testing.assert_array_equal(np.cumsum(changes, axis=0) / 1000, frames)
        assert [frame["loss"] for frame in run["frames"]] == [
            frame["loss"] for frame in whole["frames"]
        ]
    sizes = [len(gzip.compress(json.dumps(runs).encode())) for runs in (sent, RECORD["runs"])]
    assert sizes[0] < 0.7 * sizes[1]


class Playback(OnPage):
    chapter, selector = "training", ".training-playback"

    def move_to(self, position):
        self.root.get_by_label("Frame").fill(str(position))

    @property
    def words(self):
        return self.text(".playback-words")

    @property
    def answers(self):
        texts = self.root.locator(".playback-images button span").all_inner_texts()
        return [int(text.split()[1]) for text in texts]

    @property
    def probabilities(self):
        return [
            float(t) for t in self.root.locator(".playback-bars td:nth-child(3)").all_inner_texts()
        ]


@pytest.fixture
def playback(page, site):
    return Playback(page, site)


@pytest.mark.parametrize("run", [0, 1])
@pytest.mark.parametrize("position", [0, 17, -1])
def test_curves_filters_and_predictions_are_those_of_the_frame(playback, run, position):
    frames = RECORD["runs"][run]["frames"]
    frame = frames[position]
    playback.root.get_by_label("Trained on").select_option(str(run))
    playback.move_to(position % len(frames))
    assert f"after {frame['step']} steps" in playback.root.inner_text()
    for name, loss, right in zip(
        ["training", "validation"], frame["loss"], frame["accuracy"], strict=True
    ):
        assert (
            f"{name}: loss {round(loss, 3):g}, {round(100 * right, 1):g}% right" in playback.words
        )
    assert playback.answers == np.argmax(frame["probabilities"], axis=1).tolist()
    assert playback.probabilities == frame["probabilities"][0]
    weights = playback.root.locator(".playback-filter span").all_inner_texts()
    shown = [float(text.replace("−", "-")) for text in weights]
    np.testing.assert_allclose(shown, np.ravel(frame["filters"]), atol=0.051)


def lines(playback, part, mark):
    """The points of a drawn line, in the drawing's units."""
    line = playback.root.locator(f".playback-chart >> nth={part}").locator(f"polyline.{mark}.faint")
    return [[float(x) for x in point.split(",")] for point in line.get_attribute("points").split()]


def test_accuracy_has_a_chart_beside_the_loss(playback):
    playback.move_to(30)
    loss, right = (
        RECORD["runs"][0]["frames"][30]["loss"],
        RECORD["runs"][0]["frames"][30]["accuracy"],
    )
    step = RECORD["runs"][0]["frames"][30]["step"]
    labels = [one.get_attribute("aria-label") for one in playback.root.locator("svg.chart").all()]
    assert labels[0].startswith(f"Loss after {step} steps: training {round(loss[0], 3):g},")
    assert labels[1] == (
        f"Share right after {step} steps: training {round(100 * right[0], 1):g}%, "
        f"validation {round(100 * right[1], 1):g}%."
    )
    heights = [y for _, y in lines(playback, 1, "playback-validation")]
    shares = [frame["accuracy"][1] for frame in RECORD["runs"][0]["frames"]]
    np.testing.assert_allclose(np.corrcoef(heights, shares)[0, 1], -1, atol=1e-3)


def test_zoomed_in_the_charts_begin_before_the_lowest_validation_loss(playback):
    playback.root.get_by_label("Trained on").select_option("1")
    frames = RECORD["runs"][1]["frames"]
    before = lines(playback, 0, "playback-validation")
    playback.root.get_by_label("Zoom in on where validation turns").check()
    after = lines(playback, 0, "playback-validation")
    lowest = min(frames, key=lambda frame: frame["loss"][1])
    shown = [frame for frame in frames if frame["step"] >= lowest["step"] / 3]
    assert len(after) == len(shown) < len(before) == len(frames)
    rise = shown[-1]["loss"][1] - lowest["loss"][1]
    assert rise > 0.05
    assert (
        max(y for _, y in after) - after[-1][1] > 0
    )  # what follows the lowest point goes up again
    assert max(y for _, y in after) - after[-1][1] > 2 * (max(y for _, y in before) - before[-1][1])
    ticks = playback.root.locator(".playback-chart").first.locator(".chart-axes text")
    assert "1000" in ticks.all_text_contents()
    assert "10" not in ticks.all_text_contents()


def test_play_moves_all_together_and_pause_stops(playback, page):
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    before = playback.probabilities
    playback.press("Play")
    page.clock.run_for(4000)
    assert playback.where.startswith("6 / ")
    assert playback.probabilities == RECORD["runs"][0]["frames"][5]["probabilities"][0] != before
    playback.press("Pause")
    page.clock.run_for(3000)
    assert playback.where.startswith("6 / ")


def test_an_image_is_chosen_and_its_probabilities_and_loss_are_shown(playback):
    playback.move_to(20)
    playback.root.locator(".playback-images button").nth(4).click()
    expected = RECORD["runs"][0]["frames"][20]["probabilities"][4]
    label = RECORD["shown"]["labels"][4]
    assert playback.probabilities == expected
    loss = round(-math.log(expected[label]), 2)
    assert f"Image 4, a {label}: loss −log {expected[label]:g} = {loss:g}" in (
        playback.root.locator("caption").inner_text()
    )


def test_another_run_begins_at_its_start(playback):
    playback.move_to(30)
    playback.root.get_by_label("Trained on").select_option("1")
    assert playback.where.startswith("1 / ")


def test_the_keyboard_steps_and_steps_are_spoken(playback, page):
    assert playback.said == ""
    playback.root.get_by_label("Frame").focus()
    page.keyboard.press("ArrowRight")
    assert playback.root.get_by_label("Frame").get_attribute("aria-valuetext") == "step 1"
    assert playback.said.startswith("training loss 2.")
    page.keyboard.press("Space")
    assert playback.root.get_by_role("button", name="Pause").is_visible()


def test_a_finger_chooses_an_image_and_all_fits_a_phone(phone, site):
    playback = Playback(phone, site)
    playback.root.locator(".playback-images button").nth(11).tap()
    assert playback.probabilities == RECORD["runs"][0]["frames"][0]["probabilities"][11]
    box = playback.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    playback = Playback(page, site)
    playback.move_to(25)
    assert axe_faults(playback.root) == []
