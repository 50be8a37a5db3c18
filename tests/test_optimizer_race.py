"""OptimizerRace: its traits, its arithmetic against cnnlib, and the race in a browser."""

from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import OptimizerRace
from cnnlib.widgets.optimizer_race import noise
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]
SHARED = Path(cnnlib.__file__).parent / "widgets" / "shared"
SLOPES = {
    "valley": lambda x, y: [x / 10, 4 * y],
    "saddle": lambda x, y: [x / 5, y**3 - y],
}


def places(surface, name, start, lr, momentum, steps):
    """The places of cnnlib's optimizer, the start first."""
    weights = cnnlib.Parameter(np.array(start, float))
    make = {
        "SGD": lambda: cnnlib.SGD([weights], lr),
        "Momentum": lambda: cnnlib.SGD([weights], lr, momentum),
        "Nesterov": lambda: cnnlib.SGD([weights], lr, momentum, nesterov=momentum > 0),
        "Adam": lambda: cnnlib.Adam([weights], lr),
    }
    optimizer, path = make[name](), [weights.data.copy()]
    for _ in range(steps):
        weights.grad = np.array(SLOPES[surface](*weights.data))
        optimizer.step()
        path.append(weights.data.copy())
    return np.array(path)


# --- Python ---


def test_repr_states_the_settings():
    assert repr(OptimizerRace(lr=0.2)) == (
        "OptimizerRace: valley, start (4.0, 1.0), lr 0.2, momentum 0.8"
    )
    assert repr(OptimizerRace(noise=0.5, seed=3)).endswith("momentum 0.8, noise 0.5, seed 3")


def test_noise_is_known_and_has_mean_0_and_variance_1():
    first = [(1664525 * 3 + 1013904223) % 2**32]
    for _ in range(23):
        first.append((1664525 * first[-1] + 1013904223) % 2**32)
    expected = [sum(first[:12]) / 2**32 - 6, sum(first[12:]) / 2**32 - 6]
    assert noise(3, 2).tolist() == expected
    many = noise(0, 20_000)
    assert abs(many.mean()) < 4 / 20_000**0.5
    assert abs(many.var() - 1) < 4 * (2 / 20_000) ** 0.5
    assert abs(np.corrcoef(many[:-1], many[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(many, noise(1, 20_000))[0, 1]) < 0.03


def test_a_path_is_what_the_chapter_s_optimizers_walk():
    race = OptimizerRace(surface="saddle", start=(3.0, 0.5))
    for name in ("SGD", "Momentum", "Nesterov", "Adam"):
        expected = places("saddle", name, (3, 0.5), 0.3, 0.8, 60)
        np.testing.assert_array_equal(race.path(name), expected)
    with pytest.raises(ValueError, match="name is 'RMSprop'; expected one of 'SGD', 'Momentum'"):
        race.path("RMSprop")


def test_with_noise_sgd_steps_against_the_slope_and_the_noise():
    race = OptimizerRace(noise=0.5, seed=7)
    first, second = noise(7, 120)[:2]
    expected = [4 - 0.3 * (0.4 + 0.5 * first), 1 - 0.3 * (4 + 0.5 * second)]
    np.testing.assert_allclose(race.path("SGD")[1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("start", (6.0, 1.0), r"start is \(6.0, 1.0\); expected x from -5 to 5 and y from -2 to 2"),
        ("start", (0.0, float("nan")), "start is .*nan.*; expected x from -5 to 5"),
        ("lr", 0.0, "lr is 0.0; expected above 0 and at most 1"),
        ("lr", 1.5, "lr is 1.5; expected above 0 and at most 1"),
        ("momentum", 1.0, "momentum is 1.0; expected from 0 to 0.98"),
        ("noise", 2.5, "noise is 2.5; expected from 0 to 2"),
        ("noise", float("nan"), "noise is nan; expected from 0 to 2"),
        ("seed", -1, "(?i).*seed.*"),
        ("surface", "hill", "'surface' trait .* any of"),
        ("position", 61, "61"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused(name, value, message):
    with pytest.raises(traitlets.TraitError, match=message):
        OptimizerRace(**{name: value})


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def walk(open_module):
    """The places of an optimizer as the page computes them."""
    page = open_module(SHARED / "math" / "walks.js", "race")
    return lambda *arguments: page.evaluate(
        "arguments => race.walk(...arguments).map(({ place }) => place)", arguments
    )


@given(
    surface=st.sampled_from(sorted(SLOPES)),
    name=st.sampled_from(["SGD", "Momentum", "Nesterov", "Adam"]),
    start=st.tuples(st.floats(-5, 5), st.floats(-2, 2)),
    lr=st.floats(0.01, 0.3),
    momentum=st.floats(0.1, 0.95),
)
def test_the_page_walks_as_cnnlib_does(walk, surface, name, start, lr, momentum):
    theirs = walk(surface, name, list(start), {"lr": lr, "momentum": momentum}, 30)
    ours = places(surface, name, start, lr, momentum, 30)
    np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-9)


@given(
    surface=st.sampled_from(sorted(SLOPES)),
    name=st.sampled_from(["SGD", "Momentum", "Nesterov", "Adam"]),
    lr=st.floats(0.01, 0.3),
    size=st.floats(0.1, 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_with_noise_the_page_walks_as_python_does(walk, surface, name, lr, size, seed):
    race = OptimizerRace(surface=surface, lr=lr, noise=size, seed=seed)
    options = {"lr": lr, "momentum": 0.8, "noise": size, "seed": seed}
    theirs = walk(surface, name, [4, 1], options, 60)
    np.testing.assert_allclose(theirs, race.path(name), rtol=1e-9, atol=1e-9)


# --- the built page ---


class Race(OnPage):
    chapter, selector = "optimizers", ".optimizer-race"

    def place(self, name):
        row = self.root.get_by_role("row").filter(has_text=name)
        text = row.locator("td").first.inner_text().replace("−", "-")
        return [float(part) for part in text.strip("()").split(",")]

    @property
    def sums(self):
        return self.text(".race-sums")


@pytest.fixture
def race(page, site):
    return Race(page, site)


def test_the_second_step_of_momentum_is_written_out_as_in_the_text(race):
    race.press("Step forward")
    race.press("Step forward")
    assert "velocity 0.8·0.4 + 0.388 = 0.708; new 3.88 − 0.3·0.708 = 3.6676" in race.sums
    assert "velocity 0.8·4 + (−0.8) = 2.4; new −0.2 − 0.3·2.4 = −0.92" in race.sums


def test_each_optimizer_can_be_chosen_and_its_sum_read(race):
    race.press("Step forward")
    for name, sentence in [
        ("SGD", "x gradient 0.4; new 4 − 0.3·0.4 = 3.88"),
        ("Nesterov", "move 0.4 + 0.8·0.4 = 0.72; new 4 − 0.3·0.72 = 3.784"),
        ("Adam", "move 0.4 / 0.4 = 1; new 4 − 0.3·1 = 3.7"),
    ]:
        race.root.locator(".race-table").get_by_role("button", name=name).click()
        assert sentence in race.sums


def test_play_runs_scrubbing_moves_and_the_table_has_the_places_of_cnnlib(race, page):
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    race.press("Play")
    page.clock.run_for(3000)
    assert race.where == "5 / 61"
    race.press("Pause")
    race.root.get_by_label("Step", exact=True).fill("60")
    for name in ("SGD", "Momentum", "Nesterov", "Adam"):
        expected = places("valley", name, (4, 1), 0.3, 0.8, 60)[-1]
        np.testing.assert_allclose(race.place(name), expected, atol=6e-5)


def test_learning_rate_momentum_surface_and_start_can_be_changed_and_reset(race):
    race.root.get_by_label("Learning rate").fill("0.5")
    race.root.get_by_label("Momentum", exact=True).fill("0.5")
    race.root.get_by_label("Surface").select_option("saddle")
    race.root.get_by_label("Start x").fill("-3")
    race.root.get_by_label("Start y").fill("0.5")
    race.root.get_by_label("Start y").press("Enter")
    race.root.get_by_label("Step", exact=True).fill("7")
    expected = places("saddle", "Momentum", (-3, 0.5), 0.5, 0.5, 7)[-1]
    np.testing.assert_allclose(race.place("Momentum"), expected, atol=6e-5)
    race.press("Reset")
    expected = places("valley", "Momentum", (4, 1), 0.3, 0.8, 7)[-1]
    np.testing.assert_allclose(race.place("Momentum"), expected, atol=6e-5)


def test_noise_is_added_to_each_gradient_and_another_seed_gives_another(race):
    other = race.root.get_by_role("button", name="Other noise")
    assert not other.is_visible()
    race.root.get_by_label("Noise").fill("0.5")
    race.press("Step forward")
    for name in ("SGD", "Momentum", "Nesterov", "Adam"):
        expected = OptimizerRace(noise=0.5).path(name)[1]
        np.testing.assert_allclose(race.place(name), expected, atol=6e-5)
    off = 0.5 * noise(0, 1)[0]
    written = f"0.4 + {off:.4g}" if off > 0 else f"0.4 + (−{-off:.4g})"
    assert f"gradient {written} = " in race.sums
    other.click()
    assert race.where.startswith("2 / ")
    expected = OptimizerRace(noise=0.5, seed=1).path("SGD")[1]
    np.testing.assert_allclose(race.place("SGD"), expected, atol=6e-5)
    race.press("Reset")
    assert "noise" not in race.root.inner_text().replace("Noise", "")
    assert not other.is_visible()


def test_the_start_is_dragged_and_a_click_on_the_map_moves_it(race, page):
    box = race.root.locator(".race-map").bounding_box()

    def at(x, y):
        return (
            box["x"] + (x + 5) / 10 * box["width"],
            box["y"] + (2 - y) / 4 * box["height"],
        )

    page.mouse.move(*at(4, 1))
    page.mouse.down()
    page.mouse.move(*at(-3, -1), steps=4)
    page.mouse.up()
    np.testing.assert_allclose(race.place("SGD"), [-3, -1], atol=0.06)
    page.mouse.click(*at(2, 1.5))
    np.testing.assert_allclose(race.place("SGD"), [2, 1.5], atol=0.06)


def test_a_runner_that_leaves_the_map_is_said_to_have_left(race):
    race.root.get_by_label("Learning rate").fill("0.6")
    race.root.get_by_label("Step", exact=True).fill("60")
    label = race.root.get_by_role("img").get_attribute("aria-label")
    assert "SGD has left the map" in label
    assert "Adam at" in label


def test_predict_first_hides_the_place_and_names_the_slip(race):
    race.root.locator(".race-table").get_by_role("button", name="SGD").click()
    race.root.get_by_label("Predict first").check()
    assert "= ?" in race.sums

    def answer(text):
        race.root.get_by_label("Your prediction").fill(text)
        race.press("Check")
        return race.root.locator(".race-verdict").inner_text()

    assert answer("4.12") == "That goes uphill: the step is subtracted."
    assert answer("3.6") == "The learning rate is missing."
    assert answer("3.88") == "3.88 is right."
    assert race.sums.startswith("x gradient 0.4; new 4 − 0.3·0.4 = 3.88")


def test_a_question_that_is_not_asked_is_not_answered(race):
    for name in ("Check", "Show me"):
        button = race.root.get_by_role("button", name=name, include_hidden=True)
        button.dispatch_event("click")
    assert race.root.locator(".race-verdict").text_content() == ""
    assert "?" not in race.sums


def test_the_keyboard_steps_and_steps_are_spoken_and_playing_is_not(race, page):
    race.root.get_by_label("Step", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert race.said.startswith("Momentum, step 1: (3.88, −0.2), height")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.keyboard.press("Space")
    said = race.said
    page.clock.run_for(2500)
    assert race.said == said


def test_a_finger_moves_the_start_and_all_fits_a_phone(phone, site):
    race = Race(phone, site)
    box = race.root.locator(".race-map").bounding_box()
    phone.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    np.testing.assert_allclose(race.place("Adam"), [0, 1], atol=0.06)
    assert race.root.bounding_box()["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    race = Race(page, site)
    race.root.get_by_label("Predict first").check()
    assert axe_faults(race.root) == []
