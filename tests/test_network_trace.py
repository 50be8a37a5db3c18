"""NetworkTrace: its traits in Python, its graph against cnnlib, its page in a browser."""

from pathlib import Path

import numpy as np
import pytest
import traitlets
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import NetworkTrace
from cnnlib.widgets.network_trace import WORKED
from cnnlib.widgets.widget import script
from cnnlib.worked_example import image

pytest_plugins = ["tests.browser"]
NETWORK = Path(cnnlib.__file__).parent / "widgets" / "shared" / "network.js"


# --- Python ---


def test_the_default_is_the_worked_network():
    values = NetworkTrace().values
    assert values["pool"].tolist() == [[15, 8], [20, 5]]
    assert values["hidden"][0] == pytest.approx(15 * 0.5 + 8 * 0.8 + 20 * 0.1 + 5 * 0.1 + 0.2)
    assert values["logits"].round(2).tolist() == [7.86, 8.78, 9.64]
    assert values["loss"].round(6) == 0.464866


def test_what_the_page_changes_arrives_in_the_values():
    widget = NetworkTrace()
    changed = widget.image.tolist()
    changed[1][1] = 6
    widget.set_state({"image": changed, "target": 0})
    assert widget.values["map"][1, 1] == 15 + 1
    probabilities = widget.values["probability"]
    assert widget.values["loss"] == pytest.approx(-np.log(probabilities[0]))


def test_repr_states_every_layer_and_no_address():
    text = repr(NetworkTrace())
    assert text.startswith("NetworkTrace: target Elephant\nmap [[2.0, 12.0, 7.0, 0.0], ")
    assert text.endswith("\nprobability [0.1059, 0.2658, 0.6282]\nloss 0.4649")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((5, 6)), r"image has shape \(5, 6\); expected \(6, 6\)"),
        ("image", np.ones(36), r"image has shape \(36,\); expected \(6, 6\)"),
        ("weight_1", np.ones((4, 3)), r"weight_1 has shape \(4, 3\); expected \(3, 4\)"),
        ("bias", [1, 2], r"bias has shape \(2,\); expected \(1,\)"),
        ("bias_2", ["a", "b", "c"], "bias_2 holds <U1; expected numbers"),
        ("selected", "map", "selected is 'map'; expected a layer with row and column"),
        ("selected", "map[4,0]", r"selected is 'map\[4,0\]'; expected a layer with row"),
        ("selected", "flat[0,1]", r"selected is 'flat\[0,1\]'; expected a layer"),
        ("selected", "tail[0,0]", r"selected is 'tail\[0,0\]'; expected a layer"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = NetworkTrace()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=f"NetworkTrace: {message}"):
        setattr(widget, name, value)
    assert getattr(widget, name) is before


# --- the page's graph ---


@pytest.fixture(scope="module")
def module(browser):
    """The graph's script in a page without a document of its own."""
    page = browser.new_page()
    text = script(NETWORK)
    page.evaluate(
        """async (text) => {
            const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
            globalThis.network = await import(url);
            globalThis.run = (traits, pool) => {
                const tables = network.networkTables(traits);
                const graph = network.networkGraph(tables, pool);
                const numbers = network.networkValues(graph, tables);
                return Object.fromEntries([...graph.layers.keys()].map(
                    (name) => [name, network.layerTable(graph, numbers, name)]));
            };
        }""",
        text,
    )
    yield page
    page.close()


@given(data=st.data())
def test_the_graph_computes_what_cnnlib_computes(module, data):
    pool, hidden, classes = (data.draw(st.integers(1, n)) for n in (3, 4, 5))
    kernel = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    size = [k - 1 + pool + data.draw(st.integers(0, 5)) for k in kernel]
    pooled = [(n - k + 1) // pool for n, k in zip(size, kernel, strict=True)]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    shapes = {"image": size, "kernel": kernel, "bias": [1], "weight_1": [hidden, np.prod(pooled)]}
    shapes |= {"bias_1": [hidden], "weight_2": [classes, hidden], "bias_2": [classes]}
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    target = data.draw(st.integers(0, classes - 1))

    arrays = {name: array.tolist() for name, array in given.items()}
    theirs = module.evaluate(
        "([traits, pool]) => run(traits, pool)", [arrays | {"target": target}, pool]
    )

    expected = {
        "map": cnnlib.conv2d(given["image"][None], given["kernel"][None, None], given["bias"])
    }
    expected["relu"] = cnnlib.relu(expected["map"])
    expected["pool"] = cnnlib.max_pool2d(expected["relu"], pool)
    expected["flat"] = cnnlib.flatten(expected["pool"])
    expected["sums"] = cnnlib.linear(expected["flat"], given["weight_1"], given["bias_1"])
    expected["hidden"] = cnnlib.relu(expected["sums"])
    expected["logits"] = cnnlib.linear(expected["hidden"], given["weight_2"], given["bias_2"])
    expected["probability"] = cnnlib.softmax(expected["logits"])
    expected["loss"] = cnnlib.cross_entropy(expected["logits"], np.array([target]))
    for name, array in expected.items():
        np.testing.assert_allclose(np.ravel(theirs[name]), array.ravel(), atol=1e-12)
    np.testing.assert_array_equal(np.ravel(theirs["target"]), np.eye(classes)[target])


def test_the_loss_stays_finite_where_a_probability_is_too_small_to_hold(module):
    traits = {name: array.tolist() for name, array in WORKED.items()} | {"target": 0}
    traits["bias_2"] = [0, 0, 5000]
    values = module.evaluate("traits => run(traits, 2)", traits)
    assert values["probability"][0][0] == 0
    assert values["loss"][0][0] == pytest.approx(5000 + 9.64 - 0.2 - (7.86 - 0.2), abs=1e-9)


def test_every_input_knows_its_users_and_every_user_its_inputs(module):
    traits = {name: array.tolist() for name, array in WORKED.items()} | {"target": 2}
    counts = module.evaluate(
        """(traits) => {
            const graph = network.networkGraph(network.networkTables(traits));
            const users = network.networkUsers(graph);
            const known = [...graph.nodes.values()].every((node) =>
                [...node.inputs.flatMap(({ from, factor }) => [from, factor]), node.bias]
                    .every((name) => name === null || users.get(name).includes(node)));
            return [known, ["image[0,0]", "image[2,2]", "kernel[1,1]", "bias[0,0]", "flat[3,0]",
                "weight_1[2,3]", "target[0,0]", "loss[0,0]"].map((name) => users.get(name).length)];
        }""",
        traits,
    )
    assert counts == [True, [1, 3 * 3, 4 * 4, 4 * 4, 3, 1, 1, 0]]


# --- the built page ---


class Trace:
    """The widget in a reader's words."""

    def __init__(self, page, site):
        self.page = page
        page.goto(f"{site}/chapters/forward.html")
        self.root = page.locator(".network-trace")
        self.root.scroll_into_view_if_needed()

    def cell(self, label, row, column=1):
        grid = self.root.get_by_role("grid", name=label, exact=True)
        return grid.locator(f"[data-row='{row - 1}'][data-column='{column - 1}']")

    def numbers(self, label):
        grid = self.root.get_by_role("grid", name=label, exact=True)
        return [cell.inner_text().replace("−", "-") for cell in grid.locator(".number").all()]

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    @property
    def sum(self):
        return " ".join(self.root.locator(".written").inner_text().split())

    @property
    def title(self):
        return self.root.locator(".title").inner_text()

    @property
    def loss(self):
        return self.root.locator(".trace .loss").inner_text()

    def outlined(self, label):
        grid = self.root.get_by_role("grid", name=label, exact=True)
        return grid.locator(".number.read").count()


@pytest.fixture
def trace(page, site):
    return Trace(page, site)


def loss_of(**changes):
    return NetworkTrace(**changes).values["loss"]


def test_the_page_opens_at_the_loss(trace):
    assert trace.title == "Loss"
    assert trace.sum == "−(0·ln 0.1059 + 0·ln 0.2658 + 1·ln 0.6282) = 0.4649"
    assert trace.loss == "loss 0.4649"
    assert trace.numbers("Logits") == ["7.86", "8.78", "9.64"]


def test_a_number_shows_its_sum_its_inputs_and_its_lines(trace):
    trace.cell("Feature map", 2, 2).click()
    assert trace.sum == "5·1 + 5·0 + 4·(−1) + 7·1 + 7·0 + 0·(−1) + 7·1 + 7·0 + 2·(−1) + 2 = 15"
    assert [trace.outlined(label) for label in ("Image", "Kernel", "Bias")] == [9, 9, 1]
    assert trace.root.locator(".lines path").count() == 9
    trace.cell("Sums of dense 1", 1).click()
    assert trace.sum == "15·0.5 + 8·0.8 + 20·0.1 + 5·0.1 + 0.2 = 16.6"
    trace.cell("Pooled map", 1, 1).click()
    assert trace.sum == "the largest of 2, 12, 0, 15 = 15"
    assert trace.root.locator(".lines path.lit").count() == 1
    trace.cell("Probabilities", 3).click()
    assert trace.sum.endswith(") = 0.6282")


def test_terms_lead_back_from_the_loss_to_a_pixel_and_back_returns(trace):
    walk = ["Probabilities, Elephant", "Logits, Elephant", "Dense 1 after ReLU, number 1"]
    walk += ["Sums of dense 1, number 1", "Flattened, number 1", "Pooled map, row 1, column 1"]
    walk += ["Map after ReLU, row 2, column 2", "Feature map, row 2, column 2"]
    for place, term in zip(walk, [2, 2, 0, 0, 0, 0, 3, 0], strict=True):
        trace.root.locator("[data-term]").nth(term).click()
        assert trace.title == place
    trace.root.locator("[data-term]").nth(0).click()
    assert trace.title == "Image, row 2, column 2 = 5"
    assert trace.sum == "Given. 4 numbers are computed with it: follow the dashed lines."
    assert trace.root.locator(".lines path.user").count() == 4
    trace.press("Back")
    assert trace.title == "Feature map, row 2, column 2"


def test_pointing_at_a_term_marks_its_input_and_its_weight(trace):
    trace.cell("Feature map", 2, 2).click()
    trace.root.locator("[data-term]").nth(5).hover()
    assert "lit" in trace.cell("Image", 3, 4).get_attribute("class")
    assert "lit" in trace.cell("Kernel", 2, 3).get_attribute("class")


def test_pixels_weights_biases_and_the_target_change_the_loss(trace, page):
    changed = image.copy()
    changed[3, 2] = 8
    trace.cell("Image", 4, 3).click()
    page.keyboard.press("ArrowUp")
    assert trace.loss == f"loss {loss_of(image=changed):.4f} (−0.0511)"
    page.keyboard.press("Enter")

    weight = WORKED["weight_2"].copy()
    weight[0, 2] = -1.5
    trace.cell("Weights of dense 2", 1, 3).click()
    page.keyboard.type("-1.5")
    page.keyboard.press("Enter")
    bias = np.array([0.2, 0.6, 0.3])
    trace.cell("Biases of dense 1", 2).click()
    page.keyboard.type("0.6")
    page.keyboard.press("Enter")
    trace.root.get_by_role("combobox", name="Target").select_option("Tiger")
    expected = loss_of(image=changed, weight_2=weight, bias_1=bias, target=1)
    assert trace.loss.startswith(f"loss {expected:.4f} ")
    assert trace.numbers("Target") == ["0", "1", "0"]
    trace.press("Reset")
    assert trace.loss == "loss 0.4649"


def test_the_player_follows_the_pass_step_by_step(trace, page):
    trace.press("To the start")
    assert trace.title == "Image, row 2, column 2 = 5"
    assert "later" in trace.cell("Feature map", 1, 1).get_attribute("class")
    trace.press("Step forward")
    assert trace.title == "Feature map, row 2, column 2"
    assert "later" not in trace.cell("Feature map", 1, 1).get_attribute("class")
    assert "later" in trace.cell("Map after ReLU", 1, 1).get_attribute("class")
    page.clock.install()
    trace.press("Play")
    page.clock.run_for(10000)
    assert trace.title == "Loss"
    assert trace.root.locator(".where").inner_text() == "10 / 10"


def test_the_keyboard_alone_reaches_numbers_terms_and_the_player(trace, page):
    grid = trace.root.get_by_role("grid", name="Feature map", exact=True)
    grid.locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert trace.title == "Feature map, row 2, column 2"
    trace.root.locator("[data-term='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert "lit" in trace.cell("Image", 4, 3).get_attribute("class")
    page.keyboard.press("Enter")
    assert trace.title == "Image, row 4, column 3 = 7"
    trace.root.get_by_role("grid", name="Loss").locator("[tabindex='0']").focus()
    page.keyboard.press("Space")
    assert trace.root.get_by_role("button", name="Pause").is_visible()


def test_choosing_is_spoken(trace):
    live = trace.root.locator("[aria-live]").first
    assert live.inner_text() == ""
    trace.cell("Logits", 3).click()
    assert live.inner_text().startswith("Logits, Elephant: 16.6·0.2 + 12.1·0.4 + 6.4·0.2")


def test_predict_first_hides_what_is_computed_and_names_the_slip(trace):
    trace.root.get_by_label("Predict first").check()
    assert trace.numbers("Feature map") == ["?"] * 16
    assert trace.numbers("Flattened") == ["?"] * 4
    assert trace.loss == "loss ?"

    def answer(text):
        trace.root.get_by_label("Your prediction").fill(text)
        trace.press("Check")
        return trace.root.locator(".verdict").inner_text()

    assert answer("0") == "That is the sum of the products. The bias, 2, is still to be added."
    assert answer("2") == "2 is right."
    trace.press("Next")
    assert trace.title == "Feature map, row 1, column 2"
    assert answer("12") == "12 is right."
    assert "1 of 2 at the first try" in trace.root.inner_text()
    trace.cell("Pooled map", 1, 1).click()
    assert trace.sum == "the largest of ?, ?, ?, ? = ?"
    assert answer("7.25") == "That is the mean. Max pooling takes the largest."
    assert answer("15") == "15 is right."
    assert trace.numbers("Flattened")[0] == "15"
    trace.cell("Loss", 1).click()
    assert answer("-0.4649").startswith("The logarithm of a probability is negative")


def test_it_fits_a_phone_and_the_sum_stays_in_view(phone, site):
    trace = Trace(phone, site)
    box = trace.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    trace.cell("Feature map", 2, 2).tap()
    assert trace.sum.endswith("= 15")
    written = trace.root.locator(".written").bounding_box()
    assert 0 < written["y"] < 844 - written["height"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong(open_page, site, theme):
    trace = Trace(open_page(color_scheme=theme), site)
    trace.root.get_by_label("Predict first").check()
    trace.press("Show me")
    results = Axe().run(trace.page, context=".network-trace", options={"preload": False}).response
    found = [(v["id"], [node["html"] for node in v["nodes"][:3]]) for v in results["violations"]]
    assert found == []
    assert len(results["passes"]) > 10
