"""Nudge: its traits in Python, its slopes against cnnlib's backward pass, its page in a browser."""

from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect

import cnnlib
from cnnlib.widgets import Nudge
from cnnlib.widgets.network_trace import WORKED
from cnnlib.widgets.nudge import KEYS
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]
VIEW = Path(cnnlib.__file__).parent / "widgets" / "shared" / "view"


# --- Python ---


def test_the_default_is_the_elephants_weight_for_the_second_hidden_number():
    widget = Nudge()
    probability = np.exp(9.64) / (np.exp(7.86) + np.exp(8.78) + np.exp(9.64))
    assert widget.value == 0.4
    assert widget.slope == pytest.approx((probability - 1) * 12.1)
    # A nudge of 0.1 moves the score by 12.1 * 0.1.
    up, down = (
        -np.log(np.exp(s) / (np.exp(7.86) + np.exp(8.78) + np.exp(s)))
        for s in (9.64 + 1.21, 9.64 - 1.21)
    )
    assert widget.secant == pytest.approx((up - down) / 0.2)


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize(
    "selected",
    ["image[1,1]", "kernel[0,2]", "bias[0,0]", "weight_1[2,3]", "bias_1[1,0]", "bias_2[2,0]"],
)
def test_the_slope_is_what_a_small_nudge_measures(selected, target):
    widget = Nudge(selected, target=target, h=1e-5)
    assert widget.slope == pytest.approx(widget.secant, abs=1e-8)
    assert widget.slope != 0


def test_a_value_that_is_not_the_worked_one_is_put_into_the_network():
    widget = Nudge("kernel[0,0]", 0.5, target=1)
    assert widget.loss(1) == pytest.approx(np.log(np.exp([7.86, 8.78, 9.64]).sum()) - 8.78)
    assert widget.slope != pytest.approx(Nudge("kernel[0,0]", target=1).slope)


def test_at_the_kink_the_slope_is_that_of_the_silent_side():
    widget = Nudge("bias_1[2,0]", -6.2, h=0.05)
    assert widget.slope == widget.secant == 0
    widget.value = -6.1 + 1e-6  # 6.4 - 0.3 - 6.1 is where the third neuron's ReLU begins
    assert widget.slope > 0


def test_repr_states_number_and_slopes_and_no_address():
    assert repr(Nudge(h=0.01)) == (
        "Nudge: weight_2[2,1] = 0.4, target Elephant, loss 0.4649, h 0.01: "
        "secant -4.5003, slope -4.4985"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("selected", "map[0,0]", r"selected is 'map\[0,0\]'; expected a given array with row"),
        ("selected", "kernel[3,0]", r"selected is 'kernel\[3,0\]'; expected a given array"),
        ("selected", "bias_1[0,1]", r"selected is 'bias_1\[0,1\]'; expected a given array"),
        ("selected", "kernel", "selected is 'kernel'; expected a given array"),
        ("value", np.inf, "value is inf; expected a finite number"),
        ("h", 0.0, "h is 0.0; expected a number above 0"),
        ("h", np.nan, "h is nan; expected a number above 0"),
        ("lr", -1.0, "lr is -1.0; expected a number above 0"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = Nudge()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=f"Nudge: {message}"):
        setattr(widget, name, value)
    assert getattr(widget, name) == before
    with pytest.raises(traitlets.TraitError, match=f"Nudge: {message}"):
        Nudge(**{name: value})


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def slopes(open_module):
    """A page with the chain rule's script, and with three functions of it."""
    open_module(VIEW / "network.js", "network")
    page = open_module(VIEW / "slopes.js", "slopes")
    page.evaluate(
        """() => {
            const { networkTables, networkGraph, networkValues } = network;
            const { networkSlopes, branches } = slopes;
            const given = (traits) => {
                const tables = networkTables(traits), graph = networkGraph(tables);
                return { tables, graph, numbers: networkValues(graph, tables) };
            };
            globalThis.branchesOf = (traits) => {
                const { graph, numbers } = given(traits);
                return branches(graph, numbers);
            };
            globalThis.slopesOf = (traits) => {
                const { tables, graph, numbers } = given(traits);
                return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name,
                    rows.map((line, i) => line.map((_, j) =>
                        networkSlopes(graph, numbers, `${name}[${i},${j}]`).get("loss[0,0]")))]));
            };
            globalThis.probabilitySlopes = (traits) => {
                const { graph, numbers } = given(traits), three = [0, 1, 2];
                const by = three.map((k) => networkSlopes(graph, numbers, `bias_2[${k},0]`));
                return three.map((i) => by.map((slopes) => slopes.get(`probability[${i},0]`)));
            };
        }"""
    )
    return page


@given(target=st.integers(0, 2), seed=st.integers(0, 2**32 - 1))
def test_the_page_finds_every_slope_that_the_backward_pass_finds(slopes, target, seed):
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(size=array.shape) for name, array in WORKED.items()}
    network = cnnlib.Sequential(
        cnnlib.Conv2d(1, 1, 3, dtype=np.float64), cnnlib.ReLU(), cnnlib.MaxPool2d(2),
        cnnlib.Flatten(), cnnlib.Linear(4, 3, dtype=np.float64), cnnlib.ReLU(),
        cnnlib.Linear(3, 3, dtype=np.float64),
    )  # fmt: skip
    given = arrays | {"kernel": arrays["kernel"][None, None]}
    network.load_state_dict({key: given[name] for name, key in KEYS.items()})
    loss = cnnlib.CrossEntropyLoss()
    loss(network(arrays["image"][None, None]), np.array([target]))
    expected = {"image": network.backward(loss.backward())}
    parameters = network.named_parameters()
    expected |= {name: parameters[key].grad for name, key in KEYS.items()}

    traits = {name: array.tolist() for name, array in arrays.items()} | {"target": target}
    found = slopes.evaluate("traits => slopesOf(traits)", traits)

    for name, array in expected.items():
        np.testing.assert_allclose(np.ravel(found[name]), array.ravel(), atol=1e-12)


def test_a_probability_moves_with_its_own_logit_and_against_the_others(slopes):
    worked = {name: array.tolist() for name, array in WORKED.items()} | {"target": 2}
    p = cnnlib.softmax(np.array([7.86, 8.78, 9.64]))
    found = slopes.evaluate("traits => probabilitySlopes(traits)", worked)
    np.testing.assert_allclose(found, np.diag(p) - np.outer(p, p), atol=1e-12)


def test_a_kink_is_told_from_a_relu_that_the_loss_does_not_hear(slopes):
    worked = {name: array.tolist() for name, array in WORKED.items()} | {"target": 2}

    def branches(**changes):
        return slopes.evaluate("traits => branchesOf(traits)", worked | changes)

    silent = branches(bias_1=[0.2, 0.1, -6.2])  # the third neuron's ReLU
    assert silent != branches()
    corner = WORKED["image"].copy()
    corner[0, 3] = 3.5  # the map's upper right number falls below 0, and 8 is larger anyway
    assert branches(image=corner.tolist()) == branches()
    other = WORKED["image"].copy()
    other[0, 0] = 19  # the map's first number grows from 2 to 16, above the 15 of its window
    assert branches(image=other.tolist()) != branches()


# --- the built page ---


class Plot(OnPage):
    chapter, selector = "gradients", ".nudge"

    @property
    def point(self):
        return self.root.get_by_role("slider")

    def type(self, label, text):
        box = self.root.get_by_role("textbox", name=label, exact=True)
        box.fill(text)
        box.press("Enter")

    def press(self, name, times=1):
        for _ in range(times):
            super().press(name)

    def drag(self, across):
        """Press on the point and move it by a part of the plot's width."""
        box, plot = self.point.bounding_box(), self.root.locator(".nudge-over").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across * plot["width"], y + 30, steps=4)
        self.page.mouse.up()

    @property
    def value(self):
        return float(self.point.get_attribute("aria-valuenow"))

    @property
    def heading(self):
        return self.root.locator(".nudge-loss").inner_text()

    @property
    def lines(self):
        text = self.root.locator(".sum").all_inner_texts()
        return "\n".join(text).replace("\n\n", "\n").split("\n")


@pytest.fixture
def plot(page, site):
    return Plot(page, site)


def test_the_page_opens_with_the_slopes_that_the_text_explains(plot):
    assert plot.heading == "loss 0.4649 at w = 0.4"
    assert plot.lines == [
        "nudged: (L(w + h) − L(w − h)) / 2h",
        "= (L(0.5) − L(0.3)) / (2·0.1)",
        "= (0.162521 − 1.093463) / 0.2 = −4.6547",
        "exact, by the chain rule: −4.4985",
        "step: w − learning rate × slope",
        "= 0.4 − 0.01·(−4.4985) = 0.444985 (loss 0.2952)",
    ]
    assert plot.root.locator(".nudge-end").count() == 1 + 2  # the key, and the two nudged points


def test_steps_follow_the_slope_and_leave_dots(plot):
    widget = Nudge()
    for count in range(1, 5):
        widget.value -= 0.01 * widget.slope
        plot.press("Step")
        assert plot.value == pytest.approx(widget.value, abs=5e-6)
        assert plot.root.locator(".nudge-step").count() == count
    assert plot.heading.startswith("loss 0.1337 at")
    assert "step 4: w 0.5174, loss 0.1337" in plot.root.inner_text()
    assert plot.said == "Step 4: w is 0.5174, loss 0.1337"
    plot.press("Reset")
    assert plot.value == 0.4
    assert plot.root.locator(".nudge-step").count() == 0


def test_the_nudge_is_typed_and_the_secant_follows(plot):
    for h in (0.01, 1e-4):
        plot.type("Nudge h", str(h))
        assert plot.lines[2].split(" = ")[-1] == f"{Nudge(h=h).secant:.5g}".replace("-", "−")
    up, down = (f"{Nudge().loss(w):.9f}".rstrip("0") for w in (0.4 + 1e-4, 0.4 - 1e-4))
    assert plot.lines[2].startswith(f"= ({up} − {down}) / 0.0002")


def test_what_is_no_nudge_is_answered_in_words(plot):
    for text in ("0", "-1", "small"):
        plot.type("Nudge h", text)
        assert plot.root.get_by_role("alert").inner_text() == (
            f"Nudge h is “{text}”. Type a number above 0, such as 0.01."
        )
    assert plot.lines[1] == "= (L(0.5) − L(0.3)) / (2·0.1)"
    plot.type("Nudge h", "1/20")
    assert not plot.root.locator(".error").is_visible()
    assert plot.lines[1] == "= (L(0.45) − L(0.35)) / (2·0.05)"


def test_the_point_is_moved_by_mouse_by_keys_and_by_typing(plot, page):
    plot.drag(-0.1)
    assert 0.3 < plot.value < 0.4
    assert float(f"{Nudge().loss(plot.value):.4f}") == float(plot.heading.split()[1])
    plot.type("w", "0.5")
    assert plot.value == 0.5
    plot.point.focus()
    page.keyboard.press("ArrowRight")
    assert plot.value == pytest.approx(0.5 + 0.4 / 100)
    page.keyboard.press("PageDown")
    assert plot.value == pytest.approx(0.504 - 0.04)
    page.keyboard.press("Home")
    assert plot.value == 0.2
    assert plot.point.get_attribute("aria-valuetext").startswith("0.2: loss 2.0354, slope −10.")
    plot.type("w", "-3")  # beyond the window, which grows
    assert plot.value == -3
    assert float(plot.point.get_attribute("aria-valuemin")) < -3


def test_a_number_is_chosen_from_the_list_and_by_clicking_it(plot, page):
    plot.choose("w is", "pixel, row 0, column 0")
    assert plot.heading == "loss 0.4649 at w = 5"
    assert "The curve is flat here" in plot.root.inner_text()
    plot.cell("Biases of dense 1", 3).click()
    assert plot.root.get_by_role("combobox", name="w is").input_value() == "bias_1[2,0]"
    plot.type("w", "-6.1")
    plot.type("Nudge h", "0.2")
    assert "has a kink: a ReLU or a maximum switches there" in plot.root.inner_text()
    plot.cell("Biases of dense 1", 3).focus()
    page.keyboard.press("ArrowUp")
    assert plot.value == 0.1
    assert "kink" not in plot.root.inner_text()


def test_with_another_target_the_curve_has_a_valley_and_a_step_can_leap_over_it(plot):
    plot.choose("Target", "Tiger")
    plot.choose("w is", "kernel, row 0, column 0")
    assert plot.heading.startswith("loss 1.3249 at w = 1")
    plot.type("Learning rate", "2")
    plot.press("Step")
    assert plot.value == pytest.approx(1 - 2 * Nudge("kernel[0,0]", target=1).slope, abs=1e-6)
    assert Nudge("kernel[0,0]", plot.value, target=1).slope < 0  # on the other side


def test_zooming_in_makes_the_curve_a_line_and_centers_it_on_the_point(plot):
    plot.type("w", "0.5")
    plot.press("Zoom in at the point", times=5)
    low, high = (float(plot.point.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
    assert (low, high) == (0.495, 0.505)
    plot.press("Show more of the curve")
    assert float(plot.point.get_attribute("aria-valuemax")) == 0.51


def test_a_finger_that_scrolls_moves_nothing(phone, site):
    plot = Plot(phone, site)
    plot.press("Step", times=2)
    value, over = plot.value, plot.root.locator(".nudge-over")
    finger = phone.context.new_cdp_session(phone)

    def swipe(*path):
        over.evaluate("plot => plot.scrollIntoView({ block: 'center' })")
        box = over.bounding_box()
        x, y = box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.7
        for kind, places in [("Start", [(0, 0)]), *[("Move", [at]) for at in path], ("End", [])]:
            points = [{"x": x + across, "y": y + along} for across, along in places]
            touch = {"type": f"touch{kind}", "touchPoints": points}
            finger.send("Input.dispatchTouchEvent", touch)

    swipe(*[(1, along) for along in range(-10, -160, -10)])
    assert plot.value == value
    assert "step 2" in plot.root.inner_text()
    swipe((10, 1), (40, 3))
    assert plot.value > value


def test_the_plot_finds_back_from_far_away(plot):
    labels = plot.root.locator(".chart text")
    usual = labels.all_text_contents()
    plot.type("w", "200")
    plot.press("Zoom in at the point")
    plot.type("w", "0.5")
    plot.press("Reset")
    expect(labels).to_have_text(usual)
    plot.type("w", "200")
    expect(labels).not_to_have_text(usual)
    plot.type("w", "0.5")
    expect(labels).to_have_text(usual)
    plot.type("w", "1e9")
    assert "Type a number up to 1,000,000" in plot.error
    plot.press("Step")
    assert plot.error == ""


def test_it_fits_a_phone_and_a_finger_moves_the_point(phone, site):
    plot = Plot(phone, site)
    box = plot.root.locator(".nudge-over").bounding_box()
    phone.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2)
    assert plot.value > 0.5
    plot.press("Step", times=3)
    box = plot.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    plot = Plot(page, site)
    plot.press("Step", times=5)
    assert axe_faults(plot.root) == []
