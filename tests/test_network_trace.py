"""NetworkTrace: its traits in Python, its graph against cnnlib, its page in a browser."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import NetworkTrace
from cnnlib.widgets.network_trace import WORKED
from cnnlib.worked_example import image
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
NETWORK = Path(cnnlib.__file__).parent / "widgets" / "shared" / "view" / "network.js"


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
        ("position", 10, "position is 10; expected at most 9 in mode 'forward'"),
        ("lr", 0.0, r"lr is 0.0; expected a finite number above 0"),
        ("lr", np.inf, r"lr is inf; expected a finite number above 0"),
        ("selected", "tail[0,0]", r"selected is 'tail\[0,0\]'; expected a layer"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = NetworkTrace()
    check_refused(widget, name, value, f"NetworkTrace: {message}")


def test_backward_the_gradients_are_those_of_torch():
    widget = NetworkTrace(mode="backward", target=1)
    expected = torch_gradients(WORKED, 2, 1)
    for name, array in widget.gradients.items():
        np.testing.assert_allclose(array.ravel(), expected[name].numpy().ravel(), atol=1e-12)


def test_backward_starts_at_its_end_and_shows_gradients():
    widget = NetworkTrace(mode="backward")
    assert (widget.position, widget.show_gradients) == (12, True)
    assert NetworkTrace(mode="backward", position=3).position == 3
    assert not NetworkTrace(mode="step").show_gradients


def test_repr_states_the_gradients_backward_and_the_steps_that_were_taken():
    text = repr(NetworkTrace(mode="backward"))
    assert text.startswith("NetworkTrace: target Elephant, backward\nmap [[2.0, 12.0")
    assert "\nd logits [0.1059, 0.2658, -0.3718]\n" in text
    assert text.endswith("\nd bias -0.0579")
    text = repr(NetworkTrace(mode="step", losses=[0.5, 0.4], lr=0.01))
    assert text.startswith("NetworkTrace: target Elephant, 2 steps with lr 0.01\n")


# --- the page's graph ---


@pytest.fixture(scope="module")
def module(open_module):
    """A page with the graph's script, and with three functions of it."""
    page = open_module(NETWORK, "network")
    page.evaluate(
        """() => {
            globalThis.run = (traits, pool) => {
                const tables = network.networkTables(traits);
                const graph = network.networkGraph(tables, pool);
                const numbers = network.networkValues(graph, tables);
                return Object.fromEntries([...graph.layers.keys()].map(
                    (name) => [name, network.layerTable(graph, numbers, name)]));
            };
            globalThis.goBack = (traits, pool = 2) => {
                const tables = network.networkTables(traits);
                const graph = network.networkGraph(tables, pool);
                const numbers = network.networkValues(graph, tables);
                const gradients = network.networkGradients(graph, numbers);
                return { graph, numbers, gradients };
            };
            globalThis.gradients = (traits, pool) => {
                const { graph, gradients } = goBack(traits, pool);
                const slopes = new Map([...gradients].map(([name, one]) => [name, one.gradient]));
                return Object.fromEntries([...graph.layers.keys()].map(
                    (name) => [name, network.layerTable(graph, slopes, name)]));
            };
        }"""
    )
    return page


def draw_network(data, whole=False):
    """Traits of a network of a random shape, its pooling window, and its arrays.

    `whole` numbers from -2 to 2 bring ties into the pooling and zeros before ReLU.
    """
    pool, hidden, classes = (data.draw(st.integers(1, n)) for n in (3, 4, 5))
    kernel = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    size = [k - 1 + pool + data.draw(st.integers(0, 5)) for k in kernel]
    pooled = [(n - k + 1) // pool for n, k in zip(size, kernel, strict=True)]
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    shapes = {"image": size, "kernel": kernel, "bias": [1], "weight_1": [hidden, np.prod(pooled)]}
    shapes |= {"bias_1": [hidden], "weight_2": [classes, hidden], "bias_2": [classes]}
    given = {
        name: rng.integers(-2, 3, shape).astype(float) if whole else rng.normal(size=shape)
        for name, shape in shapes.items()
    }
    target = data.draw(st.integers(0, classes - 1))
    traits = {name: array.tolist() for name, array in given.items()} | {"target": target}
    return traits, pool, given, target


@given(data=st.data())
def test_the_graph_computes_what_cnnlib_computes(module, data):
    traits, pool, given, target = draw_network(data)
    classes = len(given["bias_2"])
    theirs = module.evaluate("([traits, pool]) => run(traits, pool)", [traits, pool])

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


def torch_gradients(given, pool, target):
    """The gradients of every layer and parameter, by torch."""
    kept = {name: torch.tensor(array, requires_grad=True) for name, array in given.items()}
    kept["target"] = torch.eye(len(given["bias_2"]), dtype=torch.float64)[target].requires_grad_()
    kept["map"] = F.conv2d(kept["image"][None], kept["kernel"][None, None], kept["bias"])
    kept["relu"] = F.relu(kept["map"])
    kept["pool"] = F.max_pool2d(kept["relu"], pool)
    kept["flat"] = kept["pool"].flatten()
    kept["sums"] = F.linear(kept["flat"], kept["weight_1"], kept["bias_1"])
    kept["hidden"] = F.relu(kept["sums"])
    kept["logits"] = F.linear(kept["hidden"], kept["weight_2"], kept["bias_2"])
    kept["probability"] = F.softmax(kept["logits"], dim=0)
    loss = -(kept["target"] * kept["probability"].log()).sum()
    names = list(kept)
    return dict(zip(names, torch.autograd.grad(loss, [kept[n] for n in names]), strict=True))


@given(data=st.data(), whole=st.booleans())
def test_every_gradient_of_the_graph_is_torchs_with_ties_and_zeros_too(module, data, whole):
    traits, pool, given, target = draw_network(data, whole)
    theirs = module.evaluate("([traits, pool]) => gradients(traits, pool)", [traits, pool])
    assert theirs.pop("loss") == [[1]]
    expected = torch_gradients(given, pool, target)
    assert set(theirs) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(np.ravel(theirs[name]), array.numpy().ravel(), atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_every_gradient_of_the_widget_is_cnnlibs_where_relu_and_pooling_mask(module, seed):
    rng = np.random.default_rng(seed)
    given = {name: rng.normal(size=array.shape) for name, array in WORKED.items()}
    widget = NetworkTrace(mode="backward", target=seed % 3, **given)
    assert (widget.values["map"] < 0).any()  # something is stopped by ReLU
    traits = {name: array.tolist() for name, array in given.items()} | {"target": seed % 3}
    theirs = module.evaluate("traits => gradients(traits)", traits)
    assert set(theirs) - set(widget.gradients) == {"target", "probability", "loss"}
    for name, array in widget.gradients.items():
        np.testing.assert_allclose(np.ravel(theirs[name]), array.ravel(), atol=1e-12)


def test_of_equal_numbers_in_a_window_the_first_has_the_gradient_as_in_torch(module):
    traits = {name: array.tolist() for name, array in WORKED.items()} | {"target": 0}
    traits["image"] = np.full((6, 6), 5).tolist()  # the map is 2 everywhere, the bias
    theirs = module.evaluate("traits => gradients(traits)", traits)["relu"]
    expected = torch_gradients(WORKED | {"image": np.full((6, 6), 5.0)}, 2, 0)["relu"][0]
    rows, columns = np.nonzero(theirs)
    assert (rows.tolist(), columns.tolist()) == ([0, 0, 2, 2], [0, 2, 0, 2])
    np.testing.assert_allclose(theirs, expected, atol=1e-12)


def test_each_gradient_is_the_sum_of_its_terms(module):
    """Every number that reads it, times that number's own gradient; the page writes them out."""
    traits = {name: array.tolist() for name, array in WORKED.items()} | {"target": 2}
    wrong, counts = module.evaluate(
        """traits => {
            const { gradients, numbers } = goBack(traits), all = [...gradients];
            const off = ([name, { gradient, terms }]) => {
                const total = terms.reduce((sum, term) => sum + term.slope * term.gradient, 0);
                const same = term => gradients.get(term.user).gradient === term.gradient
                    && (!term.by || numbers.get(term.by) === term.slope);
                return Math.abs(total - gradient) > 1e-12 || !terms.every(same);
            };
            const few = ["image[2,2]", "kernel[1,1]", "bias[0,0]", "weight_1[2,3]", "flat[3,0]",
                "logits[0,0]", "probability[0,0]", "loss[0,0]"];
            return [all.filter(off).map(([name]) => name),
                few.map(name => gradients.get(name).terms.length)];
        }""",
        traits,
    )
    assert wrong == ["loss[0,0]"]  # which is 1 by definition
    assert counts == [3 * 3, 4 * 4, 4 * 4, 1, 3, 3, 1, 0]


def test_the_gradient_stays_p_minus_y_where_a_probability_is_too_small_to_hold(module):
    traits = {name: array.tolist() for name, array in WORKED.items()} | {"target": 0}
    traits["bias_2"] = [0, 0, 5000]
    theirs = module.evaluate("traits => gradients(traits)", traits)
    assert theirs["logits"] == [[-1], [0], [1]]
    assert np.isfinite(theirs["kernel"]).all()


@pytest.mark.parametrize("target", [0, 2])
def test_steps_of_the_page_are_those_of_cnnlibs_sgd(module, target):
    network = cnnlib.Sequential(
        cnnlib.Conv2d(1, 1, 3, dtype=np.float64),
        *(cnnlib.ReLU(), cnnlib.MaxPool2d(2), cnnlib.Flatten()),
        cnnlib.Linear(4, 3, dtype=np.float64),
        cnnlib.ReLU(),
        cnnlib.Linear(3, 3, dtype=np.float64),
    )
    names = ["kernel", "bias", "weight_1", "bias_1", "weight_2", "bias_2"]
    for name, parameter in zip(names, network.parameters(), strict=True):
        parameter.data[...] = WORKED[name]
    loss, optimizer = cnnlib.CrossEntropyLoss(), cnnlib.SGD(network.parameters(), lr=0.002)
    traits = {name: array.tolist() for name, array in WORKED.items()} | {"target": target}
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        losses.append(loss(network(image[None, None]), np.array([target])))
        network.backward(loss.backward())
        optimizer.step()
    theirs = module.evaluate(
        "traits => network.networkDescent(goBack(traits).graph, traits, 0.002, 10)", traits
    )
    assert theirs["whole"]
    np.testing.assert_allclose(theirs["losses"], losses, atol=1e-12)
    for name, parameter in zip(names, network.parameters(), strict=True):
        np.testing.assert_allclose(
            np.ravel(theirs["traits"][name]), parameter.data.ravel(), atol=1e-12
        )


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


class Trace(OnPage):
    chapter, selector = "forward", ".network-trace"

    @property
    def sum(self):
        return self.text(".written")

    @property
    def title(self):
        return self.root.locator(".title").inner_text()

    def gradient(self, label, row, column=1):
        return self.cell(f"Gradient: {label}", row, column)

    @property
    def loss(self):
        return self.root.locator(".trace .loss").inner_text()

    def outlined(self, label):
        return self.grid(label).locator(".number.read").count()


@pytest.fixture
def trace(page, site):
    return Trace(page, site)


def loss_of(**changes):
    return NetworkTrace(**changes).values["loss"]


def test_the_page_opens_at_the_loss(trace):
    assert trace.title == "Loss"
    assert trace.sum == "−(0·ln 0.1059 + 0·ln 0.2658 + 1·ln 0.6282) = 0.4649"
    assert trace.loss == "loss 0.4649"
    assert trace.texts("Logits") == [["7.86"], ["8.78"], ["9.64"]]


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
    walk = ["Probabilities, Elephant", "Logits, Elephant", "Dense 1 after ReLU, number 0"]
    walk += ["Sums of dense 1, number 0", "Flattened, number 0", "Pooled map, row 0, column 0"]
    walk += ["Map after ReLU, row 1, column 1", "Feature map, row 1, column 1"]
    for place, term in zip(walk, [2, 2, 0, 0, 0, 0, 3, 0], strict=True):
        trace.root.locator("[data-term]").nth(term).click()
        assert trace.title == place
    trace.root.locator("[data-term]").nth(0).click()
    assert trace.title == "Image, row 1, column 1 = 5"
    assert trace.sum == "Given. 4 numbers are computed with it: follow the dashed lines."
    assert trace.root.locator(".lines path.user").count() == 4
    trace.press("Back")
    assert trace.title == "Feature map, row 1, column 1"


def test_pointing_at_a_term_marks_its_input_and_its_weight(trace):
    trace.cell("Feature map", 2, 2).click()
    trace.root.locator("[data-term]").nth(5).hover()
    assert "lit" in trace.cell("Image", 3, 4).get_attribute("class")
    assert "lit" in trace.cell("Kernel", 2, 3).get_attribute("class")


def test_pointing_at_a_term_leaves_the_lines_as_they_are(trace):
    trace.cell("Pooled map", 1, 1).click()
    trace.root.locator("[data-term]").first.hover()
    assert trace.root.locator(".number.lit").count() == 1
    assert trace.root.locator(".lines path.lit").count() == 1


def test_pixels_weights_biases_and_the_target_change_the_loss(trace, page):
    changed = image.copy()
    changed[3, 2] = 8
    trace.cell("Image", 4, 3).click()
    page.keyboard.press("ArrowUp")
    assert trace.loss == f"loss {loss_of(image=changed):.4f} (−0.0511)"
    page.keyboard.press("Enter")

    weight = WORKED["weight_2"].copy()
    weight[0, 2] = -1.5
    trace.edit(trace.cell("Weights of dense 2", 1, 3), "-1.5")
    bias = np.array([0.2, 0.6, 0.3])
    trace.edit(trace.cell("Biases of dense 1", 2), "0.6")
    trace.choose("Target", "Tiger")
    expected = loss_of(image=changed, weight_2=weight, bias_1=bias, target=1)
    assert trace.loss.startswith(f"loss {expected:.4f} ")
    assert trace.texts("Target") == [["0"], ["1"], ["0"]]
    trace.press("Reset")
    assert trace.loss == "loss 0.4649"


def test_the_player_follows_the_pass_step_by_step(trace, page):
    trace.press("To the start")
    assert trace.title == "Image, row 1, column 1 = 5"
    assert "later" in trace.cell("Feature map", 1, 1).get_attribute("class")
    trace.press("Step forward")
    assert trace.title == "Feature map, row 1, column 1"
    assert "later" not in trace.cell("Feature map", 1, 1).get_attribute("class")
    assert "later" in trace.cell("Map after ReLU", 1, 1).get_attribute("class")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    trace.press("Play")
    page.clock.run_for(10000)
    assert trace.title == "Loss"
    assert trace.where == "10 / 10"


def test_the_keyboard_alone_reaches_numbers_terms_and_the_player(trace, page):
    trace.grid("Feature map").locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert trace.title == "Feature map, row 1, column 1"
    trace.root.locator("[data-term='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert "lit" in trace.cell("Image", 4, 3).get_attribute("class")
    page.keyboard.press("Enter")
    assert trace.title == "Image, row 3, column 2 = 7"
    trace.grid("Loss").locator("[tabindex='0']").focus()
    page.keyboard.press("Space")
    assert trace.root.get_by_role("button", name="Pause").is_visible()


def test_choosing_is_spoken(trace):
    assert trace.said == ""
    trace.cell("Logits", 3).click()
    assert trace.said.startswith(
        "Logits, Elephant: 16.6 times 0.2 + 12.1 times 0.4 + 6.4 times 0.2"
    )


def test_predict_first_hides_what_is_computed_and_names_the_slip(trace):
    trace.root.get_by_label("Predict first").check()
    assert trace.texts("Feature map") == [["?"] * 4] * 4
    assert trace.texts("Flattened") == [["?"]] * 4
    assert trace.loss == "loss ?"

    def answer(text):
        trace.root.get_by_label("Your prediction").fill(text)
        trace.press("Check")
        return trace.root.locator(".verdict").inner_text()

    assert answer("0") == "That is the sum of the products. The bias, 2, is still to be added."
    assert answer("2") == "2 is right."
    trace.press("Next")
    assert trace.title == "Feature map, row 0, column 1"
    assert answer("12") == "12 is right."
    assert "1 of 2 at the first try" in trace.root.inner_text()
    trace.cell("Pooled map", 1, 1).click()
    assert trace.sum == "the largest of ?, ?, ?, ? = ?"
    assert answer("7.25") == "That is the mean. Max pooling takes the largest."
    assert answer("15") == "15 is right."
    assert trace.texts("Flattened")[0] == ["15"]
    trace.cell("Loss", 1).click()
    assert answer("-0.4649").startswith("The logarithm of a probability is negative")


# --- backward ---


@pytest.fixture
def backward(page, site):
    return Trace(page, site, chapter="backward_dense")


def test_backward_the_page_opens_with_the_gradient_that_the_text_explains(backward):
    assert backward.title == "Dense 1 after ReLU, number 0 = 16.6"
    assert backward.sum == (
        "gradient: 0.2·0.1059 + 0.3·0.2658 + 0.2·(−0.3718) = 0.0266 weight · gradient of the sum"
    )
    assert backward.texts("Gradient: Logits") == [[".106"], [".266"], ["-.372"]]
    assert backward.texts("Target") == [["0"], ["0"], ["1"]]
    assert not backward.grid("Logits").is_visible()


def test_backward_every_layer_and_parameter_shows_the_gradient_of_the_number_that_is_chosen(
    backward,
):
    """Of its first and its last number; that every gradient is right needs no page."""
    shown = backward.page.evaluate(
        """async () => {
            const root = document.querySelector(".network-trace"), found = {};
            for (const grid of root.querySelectorAll("[role=grid][aria-label^=Gradient]")) {
                found[grid.ariaLabel] = [];
                const cells = [...grid.querySelectorAll(".number")];
                for (const cell of new Set([...cells.slice(0, 1), ...cells.slice(-1)])) {
                    cell.click();
                    await new Promise((done) => setTimeout(done));
                    found[grid.ariaLabel].push(root.querySelector(".written strong")?.textContent);
                }
            }
            return found;
        }"""
    )
    names = {
        "Image": "image", "Kernel": "kernel", "Bias": "bias", "Feature map": "map",
        "Map after ReLU": "relu", "Pooled map": "pool", "Flattened": "flat",
        "Weights of dense 1": "weight_1", "Biases of dense 1": "bias_1", "Sums of dense 1": "sums",
        "Dense 1 after ReLU": "hidden", "Weights of dense 2": "weight_2",
        "Biases of dense 2": "bias_2", "Logits": "logits",
    }  # fmt: skip
    expected = NetworkTrace(mode="backward").gradients
    assert set(names.values()) == set(expected)
    for label, name in names.items():
        texts = [float(text.replace("−", "-")) for text in shown[f"Gradient: {label}"]]
        numbers = expected[name].ravel().round(4) + 0
        assert texts == (numbers[[0, -1]] if numbers.size > 1 else numbers).tolist()
    assert shown["Gradient: Probabilities"] == ["0", "−1.5918"]
    assert shown["Gradient: Loss"] == ["1"]


@pytest.mark.parametrize(
    ("label", "place", "text"),
    [
        ("Logits", (3, 1), "0·(−0.0666) + 0·(−0.167)"),
        ("Probabilities", (3, 1), "−1.5918·1 = −1.5918 −y / p = −1 / 0.6282"),
        ("Biases of dense 2", (1, 1), "0.1059 = 0.1059 the gradient of the sum it was added to"),
        ("Sums of dense 1", (2, 1), "1·(−0.0744) = −0.0744 ReLU let it pass: factor 1"),
        ("Weights of dense 1", (2, 4), "5·(−0.0744) = −0.3718 the number it met"),
        ("Flattened", (4, 1), "0.1·0.0266 + 0.6·(−0.0744) + 0.2·0.0106 = −0.0398"),
        ("Pooled map", (2, 2), "−0.0398 = −0.0398 moved back to where it came from"),
        ("Map after ReLU", (1, 2), "0·(−0.0005) = 0 not the largest of its window: factor 0"),
        ("Feature map", (2, 1), "0·0 = 0 ReLU stopped it: factor 0"),
        ("Bias", (1, 1), "(−0.0398) + 0 + 0 + 0 + 0 + 0 = −0.0579 the gradients of all sums"),
        ("Image", (3, 3), "1·(−0.0138) + (−1)·0 + 0·(−0.0037) + 1·(−0.0398) = −0.0536"),
    ],
)
def test_backward_the_sum_says_who_sent_what_and_why(backward, label, place, text):
    backward.gradient(label, *place).click()
    if label == "Logits":
        assert "(−1.5918)" in backward.sum
        assert backward.sum.endswith("= −0.3718 together p − y = 0.6282 − 1")
    else:
        assert text in backward.sum


def test_backward_the_kernel_hears_from_its_sixteen_sums_and_terms_lead_there(backward):
    backward.gradient("Kernel", 1, 1).click()
    assert backward.sum.endswith("= −0.3764 the number it met · gradient of the sum")
    outlined = [backward.outlined(f"Gradient: {label}") for label in ("Image", "Feature map")]
    assert outlined == [16, 16]
    assert backward.root.locator(".lines path").count() == 16
    backward.root.locator("[data-term]").nth(5).click()
    assert backward.title == "Feature map, row 1, column 1 = 15"
    backward.press("Back")
    assert backward.title == "Kernel, row 0, column 0 = 1"


def test_backward_the_player_walks_from_the_loss_to_kernel_and_pixels(backward, page):
    backward.press("To the start")
    assert backward.title == "Loss = 0.4649"
    assert backward.sum == "gradient = 1 the loss rises as fast as itself"
    assert "later" in backward.gradient("Probabilities", 1).get_attribute("class")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    backward.press("Play")
    titles = []
    for _ in range(12):
        page.clock.run_for(1000)
        titles.append(backward.title.split(",")[0].split(" =")[0])
    assert titles[:4] == ["Logits", "Weights of dense 2", "Dense 1 after ReLU", "Sums of dense 1"]
    assert titles[-3:] == ["Kernel", "Image", "Image"]
    assert backward.where == "13 / 13"
    assert backward.root.locator(".number.later").count() == 0


def test_backward_a_neuron_that_relu_silences_has_nothing_to_learn(backward):
    backward.root.get_by_label("Show gradients").uncheck()
    backward.edit(backward.cell("Biases of dense 1", 3), "-6.5")
    backward.root.get_by_label("Show gradients").check()
    assert backward.texts("Gradient: Weights of dense 1")[2] == ["0"] * 4
    backward.gradient("Sums of dense 1", 3).click()
    assert backward.sum == "gradient: 0·0.0059 = 0 ReLU stopped it: factor 0"
    backward.press("Reset")
    assert backward.texts("Gradient: Weights of dense 1")[2] == [".159", ".085", ".212", ".053"]


def test_backward_the_keyboard_walks_through_gradients(backward, page):
    backward.grid("Gradient: Weights of dense 2").locator("[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowDown", "End"):
        page.keyboard.press(key)
    assert backward.title == "Weights of dense 2, row 2, column 2 = 0.2"
    assert backward.sum.startswith("gradient: 6.4·(−0.3718) = −2.3794")
    assert backward.said.startswith("Weights of dense 2, row 2, column 2: gradient: 6.4 times ")


def test_backward_predict_first_asks_for_gradients_and_names_the_slip(backward):
    backward.root.get_by_label("Predict first").check()
    assert backward.texts("Gradient: Kernel") == [["?"] * 3] * 3

    def answer(text):
        backward.root.get_by_label("Your prediction").fill(text)
        backward.press("Check")
        return backward.root.locator(".verdict").inner_text()

    backward.gradient("Logits", 3).click()
    assert backward.sum.endswith("= ? together p − y")
    assert answer("0.6282").startswith("That is the probability. Subtract")
    assert answer("0.3718") == "The sign is turned round."
    assert answer("-0.3718") == "−0.3718 is right."
    backward.gradient("Weights of dense 2", 3, 1).click()
    assert answer("16.6").startswith("That leaves the gradients out.")
    assert answer("-6.17") == "−6.1716 is right."
    backward.press("Next")
    assert backward.title == "Weights of dense 2, row 2, column 1 = 0.4"
    backward.gradient("Flattened", 4).click()
    backward.press("Show me")
    assert backward.texts("Gradient: Pooled map")[1][1] == "-.040"  # the same, moved


# --- step ---


@pytest.fixture
def stepper(page, site):
    return Trace(page, site, chapter="one_step")


def trained(steps, lr, target=2):
    """Loss and arrays of the worked network after some steps of torch's SGD."""
    names = [name for name in WORKED if name != "image"]
    tensors = {name: torch.tensor(WORKED[name], requires_grad=True) for name in names}
    optimizer = torch.optim.SGD(tensors.values(), lr=lr)

    def loss():
        t = tensors
        x = F.conv2d(torch.tensor(image)[None, None], t["kernel"][None, None], t["bias"])
        x = F.max_pool2d(F.relu(x), 2).flatten(1)
        x = F.linear(F.relu(F.linear(x, t["weight_1"], t["bias_1"])), t["weight_2"], t["bias_2"])
        return F.cross_entropy(x, torch.tensor([target]))

    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return loss().item(), {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def test_step_a_weight_says_where_it_goes_and_goes_there(stepper):
    assert stepper.title == "Weights of dense 2, row 2, column 0 = 0.2"
    following = stepper.root.locator(".next-step")
    assert following.inner_text() == "next step: 0.2 − 0.001·(−6.1716) = 0.2062"
    stepper.press("Step")
    loss, arrays = trained(1, 0.001)
    assert stepper.loss == f"loss {loss:.4f} (−0.098)"
    assert round(loss, 4) == 0.3669
    assert stepper.title.endswith("= 0.2062")
    assert stepper.numbers("Weights of dense 2") == arrays["weight_2"].round(2).tolist()
    assert stepper.root.locator(".count").inner_text() == "1 step"


def test_step_ten_more_draw_the_curve_and_reset_returns(stepper):
    line = stepper.root.locator(".loss-line")
    stepper.press("Step")
    stepper.press("10 steps")
    assert stepper.loss.startswith(f"loss {trained(11, 0.001)[0]:.4g} ")
    assert stepper.root.locator(".count").inner_text() == "11 steps"
    assert len(line.get_attribute("points").split()) == 1 + 11
    label = stepper.root.get_by_role("img").get_attribute("aria-label")
    assert label == "The loss after each step: from 0.4649 to 0.103 in 11 steps."
    stepper.press("Reset")
    assert stepper.loss == "loss 0.4649"
    assert stepper.root.locator(".count").inner_text() == "0 steps"
    assert stepper.texts("Weights of dense 2")[0][0] == "0.2"


def test_step_the_learning_rate_is_typed_and_a_wrong_one_is_refused(stepper):
    rate = stepper.root.get_by_label("Learning rate")
    rate.fill("1/100")
    stepper.press("10 steps")
    assert stepper.loss.startswith(f"loss {round(trained(10, 0.01)[0], 4):g} ")
    rate.fill("-1")
    alert = stepper.root.locator("[role=alert]")
    assert alert.inner_text() == "“-1” is not a learning rate. Try 0.001 or 1/100."
    rate.blur()
    assert (rate.input_value(), alert.inner_text()) == ("0.01", "")


def test_step_a_step_that_cannot_be_computed_is_not_taken(stepper):
    stepper.root.get_by_label("Learning rate").fill("1" + "0" * 200)
    stepper.press("10 steps")
    alert = stepper.root.locator("[role=alert]")
    assert alert.inner_text().startswith("That step is too long to be computed.")
    assert stepper.root.locator(".count").inner_text() == "0 steps"
    assert "NaN" not in stepper.root.inner_text()
    stepper.press("Reset")
    assert stepper.loss == "loss 0.4649"
    assert alert.inner_text() == ""


def test_step_the_gradients_fade_and_a_changed_number_begins_a_new_curve(stepper):
    stepper.root.get_by_label("Show gradients").check()
    assert stepper.texts("Gradient: Logits") == [[".106"], [".266"], ["-.372"]]
    stepper.press("10 steps")
    assert stepper.texts("Gradient: Logits") == [[".038"], [".068"], ["-.106"]]
    stepper.root.get_by_label("Show gradients").uncheck()
    stepper.cell("Weights of dense 2", 1, 1).click()
    stepper.page.keyboard.press("Escape")
    assert stepper.root.locator(".count").inner_text() == "10 steps"
    stepper.edit(stepper.cell("Image", 4, 3), "9")
    assert stepper.root.locator(".count").inner_text() == "0 steps"
    stepper.choose("Target", "Lion")
    stepper.press("Step")
    assert stepper.root.locator(".count").inner_text() == "1 step"


def test_step_is_spoken(stepper):
    stepper.press("Step")
    assert stepper.said.startswith("Loss 0.3669 after 1 step. Weights of dense 2, row 2")


@pytest.mark.parametrize("chapter", ["backward_dense", "one_step"])
def test_both_ways_fit_a_phone(phone, site, chapter):
    trace = Trace(phone, site, chapter=chapter)
    trace.root.get_by_label("Show gradients").check()
    trace.gradient("Kernel", 3, 3).tap()
    assert trace.title.startswith("Kernel, row 2, column 2 = ")
    box = trace.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    wide = phone.evaluate(
        """() => [...document.querySelectorAll(".network-trace .number")].filter((cell) =>
            cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"""
    )
    assert wide == []


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


@pytest.mark.parametrize("chapter", ["backward_dense", "one_step"])
def test_axe_finds_nothing_wrong(page, site, axe_faults, chapter):
    trace = Trace(page, site, chapter=chapter)
    if chapter == "one_step":
        trace.press("10 steps")
    else:
        trace.root.get_by_label("Predict first").check()
        trace.press("Show me")
    assert axe_faults(trace.root) == []
