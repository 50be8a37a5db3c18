"""Occlusion: its traits in Python, its arithmetic against cnnlib, the square in the page."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import Occlusion
from cnnlib.widgets.widget import HERE
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


def network(seed=0, rows=6, columns=5):
    """Layers of every kind, with sizes that all differ: 4 classes of 6x5 images."""
    options = {"rng": np.random.default_rng(seed), "dtype": np.float64}
    size = (rows // 2) * ((columns - 1) // 2)
    return cnnlib.Sequential(
        cnnlib.Conv2d(1, 2, (3, 2), padding=(1, 0), **options),
        cnnlib.ReLU(),
        cnnlib.MaxPool2d(2),
        cnnlib.Conv2d(2, 3, 3, padding=1, bias=False, **options),
        cnnlib.ReLU(),
        cnnlib.Flatten(),
        cnnlib.Linear(3 * size, 4, **options),
    )


def pooled_network(seed=0):
    """One that ends with global pooling, its running means and variances not those of a start."""
    rng = np.random.default_rng(seed)
    options = {"rng": rng, "dtype": np.float64}
    net = cnnlib.Sequential(
        cnnlib.Conv2d(1, 2, 3, padding=1, **options),
        cnnlib.BatchNorm2d(2, dtype=np.float64),
        cnnlib.ReLU(),
        cnnlib.Conv2d(2, 3, (2, 3), **options),
        cnnlib.ReLU(),
        cnnlib.GlobalAvgPool2d(),
        cnnlib.Flatten(),
        cnnlib.Linear(3, 4, **options),
    )
    net[1].running_mean[:], net[1].running_var[:] = rng.normal(size=2), rng.uniform(1, 2, 2)
    net[1].weight.data[:], net[1].bias.data[:] = rng.normal(size=2), rng.normal(size=2)
    return net.eval()


def images(count=3, seed=1):
    return np.random.default_rng(seed).uniform(size=(count, 6, 5))


def small(**traits):
    return Occlusion(network(), images(), [1, 2, 3], **traits)


# --- Python ---


@pytest.mark.parametrize("made", [network, pooled_network])
def test_probabilities_are_those_of_the_whole_and_the_covered_image(made):
    widget = Occlusion(made(), images(), [1, 2, 3], image=2, position=8)
    whole = images()[2]
    covered = whole.copy()
    covered[0:3, 2:5] = 0.5  # around row 1, column 3
    x = np.stack([whole, covered])[:, None]
    np.testing.assert_allclose(widget.probabilities, cnnlib.softmax(made()(x)))


@pytest.mark.parametrize(
    ("size", "position", "rows", "columns"),
    [
        (1, 7, slice(1, 2), slice(2, 3)),
        (3, 0, slice(0, 2), slice(0, 2)),
        (3, 29, slice(4, 6), slice(3, 5)),
        (2, 7, slice(1, 3), slice(2, 4)),  # an even square reaches further after its middle
        (4, 17, slice(2, 6), slice(1, 5)),
    ],
)
def test_the_square_lies_around_its_pixel_and_is_cut_at_the_rim(size, position, rows, columns):
    expected = images()[0]
    expected[rows, columns] = 1
    np.testing.assert_array_equal(small(size=size, position=position, fill=1).covered, expected)


def test_repr_states_the_answers_with_and_without_the_square():
    widget = small(position=8)
    (k, p), (j, q) = ((p.argmax(), p.max()) for p in widget.probabilities)
    assert repr(widget) == (
        "Occlusion: 3 images, networks ['network']\n"
        f"image 0, a 1: {k} with {p:.2f}; with 0.5 in a 3x3 square around row 1, column 3: "
        f"{j} with {q:.2f}"
    )


def test_several_networks_have_names():
    widget = Occlusion({"one": network(), "other": network(1)}, images(), [1, 2, 3], network=1)
    x = np.stack([widget.images[0], widget.covered])[:, None]
    np.testing.assert_allclose(widget.probabilities, cnnlib.softmax(network(1)(x)))


def test_a_widget_is_made_again_from_what_was_sent():
    widget = small(position=8)
    state = json.loads(json.dumps(widget.get_state(["networks", "labels", "position"])))
    again = Occlusion(images=widget.images, **state)
    np.testing.assert_array_equal(again.probabilities, widget.probabilities)


def test_a_layer_that_the_page_cannot_compute_is_refused():
    with pytest.raises(ValueError, match="Occlusion: a layer is a Tanh; expected one of Conv2d"):
        Occlusion(cnnlib.Sequential(cnnlib.Tanh()), images(), [1, 2, 3])
    conv = cnnlib.Conv2d(1, 2, 3, padding=1, padding_mode="circular")
    with pytest.raises(ValueError, match="padding_mode is 'circular'; expected 'zeros'"):
        Occlusion(cnnlib.Sequential(conv), images(), [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("images", np.ones((3, 17, 5)), r"images has shape \(3, 17, 5\); expected at most 16 rows"),
        ("images", np.full((3, 6, 5), 2), "images holds numbers from 2 to 2; expected 0 to 1"),
        ("images", np.ones((6, 5)), r"images has shape \(6, 5\); expected \(images, rows"),
        ("labels", [1, 2], "labels has 2 numbers; expected 3"),
        ("network", 1, "network is 1; expected at most 0"),
        ("image", 3, "image is 3; expected at most 2"),
        ("position", 30, "position is 30; expected at most 29"),
        ("target", 4, "target is 4; expected at most 3"),
        ("size", 6, ".*size.*"),
        ("fill", 1.5, ".*fill.*"),
        ("method", "magic", ".*method.*"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = small()
    check_refused(widget, name, value, message)


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def arithmetic(open_module, tmp_path_factory):
    """Functions of the widgets' script, called from Python."""
    main = tmp_path_factory.mktemp("attribution") / "both.js"
    folder = os.path.relpath(HERE / "shared" / "math", main.parent)
    main.write_text(
        "import { covered, forwardValues, gradCam, logitSlopes }"
        f' from "{folder}/attribution.js";\n'
        f'import {{ nested }} from "{folder}/array.js";\n'
        f'import {{ unpackedNetwork }} from "{folder}/packed.js";\n'
        "export { covered, forwardValues, gradCam, logitSlopes, nested, unpackedNetwork };\n"
    )
    page = open_module(main, "attribution")
    return lambda code, *arguments: page.evaluate(
        f"arguments => {{ const s = attribution, [a, b, c, d] = arguments; return {code}; }}",
        arguments,
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    target=st.integers(0, 3),
    made=st.sampled_from([network, pooled_network]),
)
def test_forward_slopes_and_grad_cam_are_those_of_cnnlib(arithmetic, seed, target, made):
    net, x = made(seed), images(1, seed)[None]
    layers = Occlusion(net, x[0], [0]).networks[0]["layers"]
    outputs = [x]
    for layer in net:
        outputs.append(layer.forward(outputs[-1]))
    slopes = [np.eye(4)[[target]]]
    for layer in reversed(net.named.values()):
        slopes.insert(0, layer.backward(slopes[0]))
    worth = slopes[5].mean(axis=(2, 3), keepdims=True)

    given = layers, x[0, 0].tolist(), target
    network_of = "s.unpackedNetwork(a)"
    values = arithmetic(f"s.forwardValues({network_of}, b).map(s.nested)", *given)
    found = arithmetic(f"s.logitSlopes({network_of}, b, c).map(s.nested)", *given)
    for name, mine, theirs in (("value", outputs, values), ("slope", slopes, found)):
        for one, other in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(other, one, atol=1e-12, err_msg=name)
    cam = arithmetic(f"s.gradCam({network_of}, b, c)", *given)
    np.testing.assert_allclose(cam, np.maximum((worth * outputs[5]).sum(1)[0], 0), atol=1e-12)


@given(size=st.integers(1, 5), position=st.integers(0, 29))
def test_the_page_covers_the_pixels_that_python_covers(arithmetic, size, position):
    widget = small(size=size, position=position, fill=0.25)
    place = divmod(position, 5)
    page = arithmetic("s.covered(a, b, c, d)", images()[0].tolist(), place, size, 0.25)
    np.testing.assert_array_equal(page, widget.covered)


# --- the built page ---


class Page(OnPage):
    chapter, selector = "what_did_it_learn", ".occlusion"

    def __init__(self, page, site):
        super().__init__(page, site)
        text = page.locator('script[type="application/vnd.jupyter.widget-state+json"]').inner_text()
        models = json.loads(text)["state"].values()
        (model,) = (one for one in models if "images" in one["state"])
        parts = page.evaluate("widgetScripts")
        state = model["state"] | {trait: parts[name] for trait, name in model["files"].items()}
        # What Python computes from the very weights that the page was given.
        self.python = Occlusion(
            **{k: v for k, v in state.items() if k in Occlusion.class_own_traits()}
        )

    def pixel(self, row, column):
        return self.cell("Image with the square", row, column)

    @property
    def words(self):
        return self.text(".words")

    @property
    def map(self):
        texts = self.root.locator(".number-grid").nth(1).locator(".number").all_inner_texts()
        return np.reshape([float(text.replace("−", "-")) for text in texts], (8, 8))

    def agrees(self, **traits):
        """Whether the page shows what Python computes with these traits set."""
        with self.python.hold_trait_notifications():
            for name, value in traits.items():
                setattr(self.python, name, value)
        texts = self.root.locator(".bars .probability").all_inner_texts()
        return np.allclose([float(t) for t in texts], self.python.probabilities[1], atol=0.0051)

    def drops(self):
        """The map that Python makes by putting the square on one place after the other."""
        k, drops = self.python.probabilities[0].argmax(), []
        for position in range(64):
            self.python.position = position
            whole, covered = self.python.probabilities
            drops.append(whole[k] - covered[k])
        return np.reshape(drops, (8, 8))


@pytest.fixture
def shown(page, site):
    return Page(page, site)


def test_the_page_opens_with_the_corner_of_the_7_covered(shown):
    assert shown.words == (
        "With the square around row 1, column 4 the network says 4. For 7: 0.05, down from 1.00."
    )
    assert shown.agrees(image=7, position=12)


def test_dragging_moves_the_square_and_the_bars_follow(shown, page):
    start, end = (shown.pixel(*place).bounding_box() for place in ((2, 5), (6, 3)))
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(end["x"] + 5, end["y"] + 5, steps=8)
    assert shown.words.startswith("With the square around row 5, column 2 the network")
    page.mouse.up()
    page.mouse.move(start["x"], start["y"])
    assert shown.agrees(position=5 * 8 + 2)


def test_arrows_move_the_square_and_are_spoken(shown, page):
    shown.pixel(2, 5).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert shown.words.startswith("With the square around row 2, column 5 the network")
    assert shown.agrees(position=2 * 8 + 5)
    assert shown.words in shown.said


def test_play_slides_the_square_without_speaking(shown, page):
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    shown.press("Play")
    page.clock.run_for(3000)
    assert shown.where.startswith("17 / 64")
    assert shown.said == ""


def test_the_map_holds_the_drop_for_every_place(shown):
    np.testing.assert_allclose(shown.map, shown.drops(), atol=0.051)
    shown.choose("Square", "2")
    shown.choose("filled with", "1")
    assert shown.agrees(size=2, fill=1)
    np.testing.assert_allclose(shown.map, shown.drops(), atol=0.051)


def test_another_image_another_network_and_reset(shown):
    before = shown.words
    shown.root.locator(".pictures button").nth(10).click()
    assert "For 4" in shown.words  # the 0 that is called 4
    shown.choose("Network", "1")
    assert shown.agrees(image=10, network=1)
    shown.press("Reset")
    assert shown.words == before


def test_saliency_and_grad_cam_are_those_that_the_chapter_prints(shown):
    shown.choose("Map", "saliency")
    shown.choose("for class", "7")
    row = [0.017, -0.032, 0.47, 1.133, 1.623, 1.82, 0.346, 0.057]
    np.testing.assert_allclose(shown.map[1], row, atol=0.051)
    shown.choose("Map", "grad_cam")
    blocks = np.repeat(np.repeat([[0, 0, 0, 0], [0, 0, 0.2, 0]], 2, 0), 2, 1)
    np.testing.assert_allclose(shown.map[:4], blocks, atol=0.051)


def test_a_place_of_the_map_is_chosen(shown):
    shown.root.locator(".number-grid").nth(1).locator(".number").nth(6 * 8 + 5).click()
    assert shown.words.startswith("With the square around row 6, column 5 the network")


def test_a_finger_drags_and_all_fits_a_phone(phone, site):
    shown = Page(phone, site)
    shown.pixel(5, 5).tap()
    assert shown.agrees(position=4 * 8 + 4)
    box = shown.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(shown, axe_faults):
    shown.choose("Map", "saliency")
    assert axe_faults(shown.root) == []
