"""ConvolutionBackward: its traits, the page's backward arithmetic against cnnlib, and its pages."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from geometry import small_convolutions
from hypothesis import given

import cnnlib
from cnnlib.widgets import ConvolutionBackward
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
TERMS = Path(cnnlib.__file__).parent / "widgets" / "shared" / "math" / "terms.js"
X = np.arange(1.0, 10).reshape(3, 3)
K = np.array([[1.0, 0], [2, -1]])
G = np.array([[1.0, 2], [3, 4]])


# --- Python ---


def test_the_default_is_the_chapter_s_example():
    dx, dk, db = ConvolutionBackward().gradients
    assert dk[0, 0].tolist() == [
        [1 * 1 + 2 * 2 + 4 * 3 + 5 * 4, 2 * 1 + 3 * 2 + 5 * 3 + 6 * 4],
        [4 * 1 + 5 * 2 + 7 * 3 + 8 * 4, 5 * 1 + 6 * 2 + 8 * 3 + 9 * 4],
    ]
    assert dx[0, 1, 1] == (-1) * 1 + 2 * 2 + 0 * 3 + 1 * 4
    assert db.tolist() == [1 + 2 + 3 + 4]


def test_the_gradients_are_those_of_torch():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(4, 5, 7)), rng.normal(size=(6, 2, 3, 2)), rng.normal(size=6)
    options = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    output = torch.nn.functional.conv2d(*tensors, **options)
    grad = rng.normal(size=output.shape)
    output.backward(torch.tensor(grad))
    widget = ConvolutionBackward(x, weight, bias, grad, **options)
    for ours, theirs in zip(widget.gradients, tensors, strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), atol=1e-12)


def test_without_a_gradient_the_outputs_are_counted():
    widget = ConvolutionBackward(np.ones((4, 5)), np.ones((2, 3)), stride=2)
    assert widget.grad_output.tolist() == [[[1, 2], [3, 4]]]


def test_repr_states_the_numbers_and_no_address():
    assert repr(ConvolutionBackward([[1, 2], [3, 4]], [[1, -1]])) == (
        "ConvolutionBackward: image 1x2x2, weight 1x1x1x2, grad_output [[[1], [2]]], "
        "stride=1, padding=0, dilation=1, groups=1\n"
        "dX [[[1.0, -1.0], [2.0, -2.0]]]\ndK [[[[7.0, 10.0]]]]\ndb [3.0]"
    )


def test_a_stride_and_its_smaller_gradient_can_change_at_once():
    widget = ConvolutionBackward(np.ones((6, 6)), np.ones((3, 3)))
    with widget.hold_trait_notifications():
        widget.stride = 2
        widget.grad_output = [[1, 2], [3, 4]]
    assert widget.gradients[1][0, 0].tolist() == [[1 + 2 + 3 + 4] * 3] * 3


def test_what_the_page_sends_arrives_as_arrays():
    widget = ConvolutionBackward()
    widget.set_state({"padding": 1, "grad_output": np.ones((1, 4, 4)).tolist()})
    assert widget.gradients[0][0].tolist() == [[1 + 0 + 2 - 1] * 3] * 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.ones((11, 4)), r"image has shape \(1, 11, 4\); expected at most 10 rows"),
        ("image", np.ones((2, 1)), "image does not fit.*kernel extends over 2 columns"),
        ("image", np.ones((4, 3)), r"grad_output has shape \(1, 2, 2\); expected \(1, 3, 2\)"),
        ("weight", np.ones((2, 1, 2, 2)), "weight does not fit.*bias has shape"),
        ("bias", [1, 2], "bias does not fit"),
        ("grad_output", np.ones((2, 3)), r"grad_output has shape \(1, 2, 3\); expected \(1, 2, 2"),
        ("grad_output", [[np.inf]], "grad_output holds nan or inf"),
        ("stride", 0, "stride is 0; expected an integer of at least 1"),
        ("padding", 1, r"grad_output has shape \(1, 2, 2\); expected \(1, 4, 4\)"),
        ("dilation", 3, "dilation does not fit.*kernel extends over 4 rows"),
        ("groups", 2, "groups does not fit"),
        ("position", 4, "position is 4; expected at most 3"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = ConvolutionBackward()
    check_refused(widget, name, value, f"ConvolutionBackward: {message}")


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def page_meetings(open_module):
    """Every meeting of a pixel and a weight, as the widgets' script lists them."""
    page = open_module(TERMS, "terms")
    contributions = """([grad, x, weight, options]) => JSON.stringify(
      terms.contributions(grad, x, weight, terms.geometry(x, weight, options)))"""

    def meetings(grad, x, weight, options):
        arguments = [grad.tolist(), as_array(x), as_array(weight), options]
        return json.loads(page.evaluate(contributions, arguments))

    return meetings


def as_array(array):
    return {"shape": array.shape, "data": array.ravel().tolist()}


@given(small_convolutions())
def test_the_meetings_add_up_to_the_outputs_and_the_gradients_of_cnnlib(page_meetings, drawn):
    (x, weight, _), options = drawn
    output = cnnlib.conv2d(x, weight, **options)
    grad = np.random.default_rng(0).normal(size=output.shape)
    sums, dx, dw = np.zeros_like(output), np.zeros_like(x), np.zeros_like(weight)
    for t in page_meetings(grad, x, weight, options):
        sums[t["filter"], t["i"], t["j"]] += t["pixel"] * t["weight"]
        dw[t["filter"], t["plane"], t["a"], t["b"]] += t["pixel"] * t["gradient"]
        if 0 <= t["row"] < x.shape[1] and 0 <= t["column"] < x.shape[2]:
            dx[t["channel"], t["row"], t["column"]] += t["weight"] * t["gradient"]
    ours = output, *cnnlib.conv2d_backward(grad, x, weight, **options)
    for theirs, own in zip((sums, dx, dw), ours, strict=False):
        np.testing.assert_allclose(theirs, own, atol=1e-12)


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "backward_convolution", ".convolution-backward"

    def marked(self, label, mark):
        """Row and column of the numbers that have a mark, from 1."""
        cells = self.grid(label).locator(f".{mark}").all()
        get = [cell.get_attribute for cell in cells]
        return [(int(g("data-row")) + 1, int(g("data-column")) + 1) for g in get]

    def notes(self, label):
        cells = self.grid(label).locator("[data-note]").all()
        return [cell.get_attribute("data-note").replace("−", "-") for cell in cells]

    def open_sizes(self):
        self.root.get_by_text("Size, stride, padding, dilation, channels, groups").click()


@pytest.fixture
def first(page, site):
    return Widget(page, site, 0)


def test_the_outputs_add_up_to_the_gradients(first):
    assert first.numbers("Gradient dK") == [[1 * 1, 2 * 1], [4 * 1, 5 * 1]]
    assert first.numbers("Gradient dX") == [[1, 0, 0], [2, -1, 0], [0, 0, 0]]
    assert first.notes("Gradient dX") == ["×1", "×0", "×2", "×-1"]
    assert first.notes("Gradient dK") == ["×1", "×2", "×4", "×5"]
    for _ in range(3):
        first.press("Step forward")
    dx, dk, db = cnnlib.conv2d_backward(G[None], X[None], K[None, None])
    assert first.numbers("Gradient dK") == dk[0, 0].tolist()
    assert first.numbers("Gradient dX") == dx[0].tolist()
    assert first.numbers("Gradient db") == [db.tolist()]
    assert first.sum == (
        "into dK, pixel·g 5·4 = 20, 6·4 = 24, 8·4 = 32, 9·4 = 36 "
        "into dX, weight·g 1·4 = 4, 0·4 = 0, 2·4 = 8, −1·4 = −4 into db, g 4"
    )


def test_a_weight_shows_its_products_and_marks_who_it_met(first):
    first.cell("Gradient dK", 1, 1).click()
    assert first.sum == "dK, row 0, column 0: pixel·g 1·1 + 2·2 + 4·3 + 5·4 = 37"
    assert first.notes("Image X") == ["×1", "×2", "×3", "×4"]
    assert first.notes("Gradient G") == ["×1", "×2", "×4", "×5"]
    assert first.numbers("Gradient dK") == [[37, 47], [67, 77]]


def test_a_pixel_shows_its_products_and_the_kernel_turned(first):
    first.cell("Gradient dX", 2, 2).click()
    assert first.sum == "dX, row 1, column 1: weight·g −1·1 + 2·2 + 0·3 + 1·4 = 7"
    assert first.notes("Gradient G") == ["×-1", "×2", "×0", "×1"]
    assert first.notes("Kernel K") == ["×4", "×3", "×2", "×1"]
    first.cell("Gradient dX", 3, 3).click()
    assert first.sum.endswith("−1·4 = −4")
    assert first.marked("Gradient G", "read") == [(2, 2)]


def test_the_bias_hears_all_of_g(first):
    first.cell("Gradient db", 1, 1).click()
    assert first.sum == "db: sum of G 1 + 2 + 3 + 4 = 10"


def test_pointing_at_a_product_marks_its_three_partners(first):
    first.cell("Gradient dX", 2, 2).click()
    first.root.locator("[data-term]").nth(1).hover()
    assert first.marked("Gradient G", "lit") == [(1, 2)]
    assert first.marked("Kernel K", "lit") == [(2, 1)]
    assert first.marked("Image X", "lit") == [(2, 2)]


def test_every_number_on_the_left_and_g_can_be_changed(first, page):
    changes = {"Image X": (X, -2.5), "Kernel K": (K, 3), "Gradient G": (G, 0.5)}
    arrays = {}
    for label, (array, value) in changes.items():
        first.edit(first.cell(label, 2, 1), str(value))
        arrays[label] = array.copy()
        arrays[label][1, 0] = value
    first.cell("Bias b", 1, 1).click()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    x, k, g = arrays["Image X"][None], arrays["Kernel K"][None, None], arrays["Gradient G"][None]
    dx, dk, db = cnnlib.conv2d_backward(g, x, k)
    assert first.numbers("Map Y") == cnnlib.conv2d(x, k, np.ones(1))[0].tolist()
    assert first.numbers("Gradient dX") == dx[0].tolist()
    assert first.numbers("Gradient dK") == dk[0, 0].tolist()
    assert first.numbers("Gradient db") == [db.tolist()]
    first.press("Reset")
    assert first.numbers("Gradient G") == G.tolist()


def test_presets_of_g_stamp_the_kernel(first):
    first.choose("Walk through", "pixels")
    first.choose("G", "a single 1")
    assert first.numbers("Gradient dX") == np.pad(K, ((0, 1), (0, 1))).tolist()
    assert first.numbers("Gradient dK") == X[:2, :2].tolist()


def test_geometry_is_that_of_cnnlib_and_the_frame_is_cropped(first):
    first.open_sizes()
    first.choose("Image columns", "5")
    first.choose("Kernel rows", "3")
    first.choose("Channels", "2")
    first.choose("Filters", "4")
    first.choose("Padding", "1")
    first.choose("Stride", "2")
    first.choose("Groups", "2")
    first.choose("Walk through", "pixels")
    x = np.stack([first.numbers(f"Image X, channel {c}") for c in (0, 1)])[:, 1:-1, 1:-1]
    kernels = np.stack([first.numbers(f"Kernel K, filter {f}") for f in (0, 1, 2, 3)])[:, None]
    grad = np.stack([first.numbers(f"Gradient G, filter {f}") for f in (0, 1, 2, 3)])
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1)])
    outer = cnnlib.conv2d_backward(grad, padded, kernels, stride=2, groups=2)
    inner = cnnlib.conv2d_backward(grad, x, kernels, stride=2, padding=1, groups=2)
    for c in (0, 1):
        shown = first.numbers(f"Gradient dX, channel {c}")
        assert shown == outer[0][c].tolist()
        assert np.array(shown)[1:-1, 1:-1].tolist() == inner[0][c].tolist()
    for f in range(4):
        assert first.numbers(f"Gradient dK, filter {f}") == inner[1][f, 0].tolist()
    assert first.numbers("Gradient db") == [inner[2].tolist()]
    assert len(first.marked("Gradient dX, channel 0", "cropped")) == 5 * 7 - 3 * 5


def test_what_does_not_fit_is_refused_with_the_reason(first):
    first.open_sizes()
    first.choose("Dilation", "3")
    assert first.error == "The kernel spans 4 rows, but the image has 3."
    first.choose("Groups", "2")
    assert first.error == "2 groups need channels and filters that 2 divides; here are 1 and 1."
    first.choose("Stride", "2")
    assert first.error == ""
    assert first.numbers("Gradient G") == [[1]]


def test_play_adds_up_and_is_not_spoken_but_steps_are(first, page):
    first.press("Step forward")
    assert first.said.startswith("G, row 0, column 1: 2 goes to 4 weights")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    first.press("To the start")
    said = first.said
    first.press("Play")
    page.clock.run_for(1500)
    assert first.said == said
    page.clock.run_for(3500)
    assert first.numbers("Gradient dK") == [[37, 47], [67, 77]]
    assert first.said.startswith("G, row 1, column 1: 4 goes to 4 weights")
    first.cell("Gradient dK", 1, 1).click()
    assert first.said == (
        "dK, row 0, column 0: 1 times 1, plus 2 times 2, plus 4 times 3, plus 5 times 4: 37"
    )


def test_the_keyboard_alone_reaches_every_number(first, page):
    first.grid("Gradient dX").locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert first.sum.endswith("= 7")
    page.keyboard.press("Tab")  # one stop for each grid: the kernel next
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert first.numbers("Kernel K") == [[5, 0], [2, -1]]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert first.sum.endswith("= 67")
    page.keyboard.press("Space")
    assert first.root.get_by_role("button", name="Pause").is_visible()


def test_predict_first_hides_asks_names_the_slip_and_keeps_the_score(first):
    first.root.get_by_label("Predict first").check()
    assert first.texts("Gradient dK") == [["?"] * 2] * 2
    assert first.texts("Gradient dX") == [["?"] * 3] * 3

    def answer(text):
        first.root.get_by_label("Your prediction").fill(text)
        first.press("Check")
        return first.root.get_by_role("status").inner_text()

    assert answer(str(12 * 10)).startswith("That multiplies two sums.")
    assert answer(str(1 * 4 + 2 * 3 + 4 * 2 + 5 * 1)).startswith("You turned G.")
    assert answer("37") == "37 is right."
    first.press("Next")
    assert answer("47") == "47 is right."
    assert "1 of 2 at the first try" in first.root.inner_text()
    first.cell("Gradient dX", 2, 2).click()
    assert answer(str(1 * 1 + 0 * 2 + 2 * 3 - 1 * 4)).startswith(
        "You laid the kernel on G unturned"
    )
    first.press("Show me")
    assert first.root.get_by_role("status").inner_text() == "It is 7."
    assert first.texts("Gradient dX")[1] == ["?", "7", "?"]


def test_a_pixel_hears_from_every_filter(page, site):
    widget = Widget(page, site, 1)
    lines = widget.root.locator(".sum p").all_inner_texts()
    assert [line.split()[:2] for line in lines[:3]] == [
        ["filter", "0"],
        ["filter", "1"],
        ["filter", "2"],
    ]
    expected = widget.texts("Gradient dX, channel 0")[1][1]
    assert lines[3].replace("−", "-").endswith(f"= {expected}")


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_finger_can_do_what_a_mouse_can_and_nothing_sticks_out(phone, site, index):
    widget = Widget(phone, site, index)
    grid = widget.root.get_by_role("grid").filter(has=phone.locator("[data-row='1']")).nth(1)
    grid.locator("[data-row='1'][data-column='1']").tap()
    assert "dX" in widget.sum
    box = widget.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site, 0, chapter="backward_geometry")
    widget.open_sizes()
    widget.root.get_by_label("Predict first").check()
    widget.cell("Kernel K", 2, 2).click()
    assert axe_faults(widget.root) == []
