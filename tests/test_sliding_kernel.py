"""SlidingKernel: its traits in Python, its arithmetic against cnnlib, its pages in a browser."""

import json
import re

import numpy as np
import pytest
import traitlets

import cnnlib
from cnnlib.widgets import SlidingKernel
from cnnlib.worked_example import image, kernels
from tests.browser import OnPage
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


# --- Python ---


def test_the_default_is_the_worked_example():
    widget = SlidingKernel()
    assert widget.output[0, 1, 1] == 5 * 1 + 4 * (-1) + 7 * 1 + 0 * (-1) + 7 * 1 + 2 * (-1) + 2


def test_an_image_and_a_kernel_with_two_axes_become_one_channel_and_one_filter():
    widget = SlidingKernel(np.ones((4, 5)), np.ones((2, 3)))
    assert widget.image.shape == (1, 4, 5)
    assert widget.weight.shape == (1, 1, 2, 3)
    assert widget.bias.tolist() == [0]


def test_the_output_is_that_of_conv2d():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(4, 5, 7)), rng.normal(size=(6, 2, 3, 2)), rng.normal(size=6)
    geometry = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
    widget = SlidingKernel(x, weight, bias, **geometry)
    np.testing.assert_array_equal(widget.output, cnnlib.conv2d(x, weight, bias, **geometry))


def test_repr_states_the_numbers_and_no_address():
    text = repr(SlidingKernel([[1, 2], [3, 4]], [[1, -1]]))
    assert text == (
        "SlidingKernel: image 1x2x2, weight 1x1x1x2, bias [0], "
        "stride=1, padding=0, dilation=1, groups=1\n[[[-1.]\n  [-1.]]]"
    )


def test_names_of_channels_are_one_for_each_channel():
    two, weight, names = np.ones((2, 4, 5)), np.ones((3, 2, 3, 2)), ["red", "green"]
    widget = SlidingKernel(two, weight, channels=names)
    assert widget.channels == names
    message = "channels has 2 names; expected {}, one for each channel of the image"
    with pytest.raises(traitlets.TraitError, match=f"^SlidingKernel: {message.format(1)}$"):
        SlidingKernel(channels=names)
    with (
        pytest.raises(traitlets.TraitError, match=f"^SlidingKernel: {message.format(4)}$"),
        widget.hold_trait_notifications(),
    ):
        widget.image, widget.weight = np.ones((4, 4, 5)), np.ones((3, 4, 3, 2))
    assert widget.image.shape == two.shape


def test_an_edit_in_place_is_an_error_because_the_page_would_not_see_it():
    with pytest.raises(ValueError, match="read-only"):
        SlidingKernel().image[0, 0, 0] = 1


def test_several_traits_can_change_at_once():
    widget = SlidingKernel()
    with widget.hold_trait_notifications():
        widget.weight = kernels[:, None]
        widget.bias = [2, 3, 1]
    assert widget.output.shape == (3, 4, 4)


def test_what_the_page_sends_arrives_as_arrays():
    widget = SlidingKernel()
    edited = widget.image.tolist()
    edited[0][1][1] = 6
    widget.set_state({"image": edited, "stride": 2, "padding": [1, 0]})
    assert widget.image[0, 1, 1] == 6
    assert widget.output.shape == (1, (6 + 2 - 3) // 2 + 1, (6 - 3) // 2 + 1)


def test_an_assignment_is_sent_to_the_page_as_lists():
    widget = SlidingKernel()
    widget.image = np.arange(12).reshape(3, 4)
    assert widget.get_state("image")["image"] == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", [1, 2, 3], r"image has shape \(3,\); expected \(rows, columns\) or"),
        ("image", [[1, 2], [3]], "image has rows of different lengths"),
        ("image", [["a"]], "image holds <U1; expected numbers"),
        ("image", [[np.nan] * 3] * 3, "image holds nan or inf; expected finite numbers"),
        ("image", np.ones((17, 4)), r"image has shape \(1, 17, 4\); expected at most 16 rows"),
        ("image", np.ones((2, 3)), "image does not fit.*kernel extends over 3 rows"),
        ("image", np.ones((2, 4, 4)), "image does not fit.*weight expects 1 input channels"),
        ("weight", np.ones((1, 3, 3)), r"weight has shape \(1, 3, 3\); expected \(rows, columns\)"),
        ("weight", np.ones((2, 1, 3, 3)), "weight does not fit.*bias has shape"),
        ("bias", [1, 2], "bias does not fit.*bias has shape"),
        ("stride", 0, "stride is 0; expected an integer of at least 1"),
        ("stride", 1.5, "stride is 1.5; expected an integer of at least 1, a pair of them"),
        ("padding", "full", "padding is 'full'; expected .*, a pair of them, 'valid', 'same'"),
        ("padding", -1, "padding is -1; expected an integer of at least 0"),
        ("dilation", 3, "dilation does not fit.*kernel extends over 7 rows"),
        ("groups", 2, "groups does not fit"),
        ("filter", 1, "filter is 1; expected at most 0"),
        ("position", 16, "position is 16; expected at most 15"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = SlidingKernel()
    check_refused(widget, name, value, f"SlidingKernel: {message}")


# --- the built page ---


class Widget(OnPage):
    chapter, selector = "convolution", ".sliding-kernel"

    def map(self):
        return self.numbers("Feature map")


@pytest.fixture
def first(page, site):
    return Widget(page, site, 0)


@pytest.mark.parametrize(("label", "count"), [("Image", 6), ("Kernel", 3), ("Feature map", 4)])
def test_rows_and_columns_are_numbered_at_the_edges_from_0(first, label, count):
    shown = first.grid(label).locator("..")
    for side, along in (("row", "y"), ("column", "x")):
        edges = shown.locator(f".edge-{side}")
        assert edges.all_inner_texts() == [str(index) for index in range(count)]
        extent = {"x": "width", "y": "height"}[along]
        for index, edge in enumerate(edges.all()):
            place = (index, 0) if side == "row" else (0, index)
            cell = first.cell(label, *(at + 1 for at in place))
            middles = [
                box[along] + box[extent] / 2 for box in (edge.bounding_box(), cell.bounding_box())
            ]
            assert middles[0] == pytest.approx(middles[1], abs=1.5)


def outputs(x=image, **changes):
    arguments = {"weight": kernels[:1, None], "bias": np.array([2.0])} | changes
    return cnnlib.conv2d(x[None], **arguments).round(2).tolist()


def output(x=image, **changes):
    return outputs(x, **changes)[0]


def test_the_page_opens_with_the_sum_that_the_text_explains(first):
    assert first.map() == output()
    assert first.sum == ("5·1 + 5·0 + 4·(−1) + 7·1 + 7·0 + 0·(−1) + 7·1 + 7·0 + 2·(−1) + 2 = 15")


def test_steps_scrubbing_and_keys_move_the_window(first):
    assert first.where == "6 / 16"
    first.press("Step forward")
    assert first.where == "7 / 16"
    assert first.sum.endswith("= 8")
    first.press("Step back")
    first.press("Step back")
    assert first.where == "5 / 16"
    first.press("To the start")
    assert first.where == "1 / 16"
    first.root.get_by_label("Position of the kernel").fill("15")
    assert first.where == "16 / 16"
    assert first.sum.endswith("= −7")


def test_play_runs_to_the_end_and_pause_stops_it(first, page):
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # else it goes on by itself, and on a slow machine too far
    first.press("To the start")
    first.press("Play")
    assert first.where == "2 / 16"
    page.clock.run_for(3000)
    assert first.where == "5 / 16"
    first.press("Pause")
    page.clock.run_for(3000)
    assert first.where == "5 / 16"
    first.choose("Speed", "4")
    first.press("Play")
    page.clock.run_for(10000)
    assert first.where == "16 / 16"
    assert first.root.get_by_role("button", name="Play", exact=True).is_visible()
    first.press("Play")
    assert first.where == "1 / 16"


def test_pointing_at_a_number_shows_its_sum_and_leaving_restores(first, page):
    first.cell("Feature map", 3, 2).hover()
    assert first.sum.endswith("= 20")
    page.mouse.move(0, 0)
    assert first.sum.endswith("= 15")
    first.cell("Feature map", 3, 2).click()
    page.mouse.move(0, 0)
    assert first.sum.endswith("= 20")


def test_pointing_at_a_product_marks_its_pixel_and_its_weight(first):
    first.root.locator("[data-term]").nth(5).hover()
    assert "lit" in first.cell("Image", 3, 4).get_attribute("class")
    assert "lit" in first.cell("Kernel", 2, 3).get_attribute("class")


def test_typing_changes_a_pixel_a_weight_and_the_bias(first, page):
    changed = image.copy()
    changed[1, 1] = -2.5
    first.edit(first.cell("Image", 2, 2), "-2.5")
    assert first.map() == output(changed)

    first.cell("Kernel", 3, 1).click()
    page.keyboard.type("1/4")
    page.keyboard.press("Tab")
    weight = kernels[:1, None].copy()
    weight[0, 0, 2, 0] = 1 / 4
    assert first.map() == output(changed, weight=weight)

    first.cell("Bias", 1, 1).click()
    page.keyboard.press("ArrowUp")
    assert first.map() == output(changed, weight=weight, bias=np.array([3.0]))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert first.map() == output(changed, weight=weight, bias=np.array([1.0]))

    first.press("Reset")
    assert first.map() == output()


def test_escape_restores_and_nonsense_is_named(first, page):
    first.cell("Image", 1, 1).click()
    page.keyboard.type("7x")
    assert first.error == "“7x” is not a number. Try 3, -1 or 1/9."
    page.keyboard.press("Escape")
    assert first.error == ""
    assert first.map() == output()


def test_the_keyboard_alone_reaches_every_number(first, page):
    first.grid("Image").locator("[tabindex='0']").focus()
    for key in ["ArrowRight", "ArrowDown", "ArrowDown", "Home", "End"]:
        page.keyboard.press(key)
    page.keyboard.type("9")  # typing begins an edit
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("F2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    changed = image.copy()
    changed[2, 5], changed[2, 4] = 9, 7 - 1
    assert first.map() == output(changed)

    page.keyboard.press("Tab")  # one stop for each grid: the kernel, the bias, then the map
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert first.where == "10 / 16"
    page.keyboard.press("ArrowLeft")
    assert first.where == "9 / 16"
    page.keyboard.press("Space")
    assert first.root.get_by_role("button", name="Pause").is_visible()


def test_steps_are_spoken_and_playing_is_not(first, page):
    assert first.said == ""
    first.press("Step forward")
    assert first.said.startswith("row 1, column 2: 5 times 1, plus 4 times 0")
    assert first.said.endswith("plus 2 is 8")
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    first.press("Play")
    said = first.said
    page.clock.run_for(2500)
    assert first.said == said


def test_presets_fill_the_kernel_and_the_image(first):
    first.choose("Kernel", "sharpen")
    sharpen = np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    assert first.map() == output(weight=sharpen[None, None])
    first.choose("Image", "1, 2, 3, …")
    count = np.arange(1.0, 37).reshape(6, 6)
    assert first.map() == output(count, weight=sharpen[None, None])
    first.choose("Kernel", "as given")
    assert first.map() == output(count)


def test_stride_padding_and_dilation_are_those_of_torch(first):
    first.root.get_by_text("Size, stride, padding, dilation").click()
    first.choose("Stride", "2")
    assert first.map() == output(stride=2)
    assert "never read: row 5 and column 5" in first.root.inner_text()
    first.choose("Padding", "2")
    first.choose("Dilation", "2")
    assert first.map() == output(stride=2, padding=2, dilation=2)
    first.choose("Kernel rows", "2")
    first.choose("Image columns", "8")
    wide = np.pad(image, ((0, 0), (0, 2)))
    expected = output(wide, weight=kernels[:1, None, :2], stride=2, padding=2, dilation=2)
    assert first.map() == expected
    assert (
        f"rows: ⌊(6 + 2 + 2 − 2·(2 − 1) − 1) / 2⌋ + 1 = {len(expected)}" in first.root.inner_text()
    )


def test_a_kernel_that_does_not_fit_is_refused_with_the_reason(first):
    first.root.get_by_text("Size, stride, padding, dilation").click()
    first.choose("Dilation", "3")
    assert first.error == "The kernel spans 7 rows with dilation 3, but the image has 6."
    assert first.map() == output()
    assert first.root.get_by_role("combobox", name="Dilation").input_value() == "1"


def test_predict_first_hides_asks_names_the_slip_and_keeps_the_score(first):
    first.root.get_by_label("Predict first").check()
    assert first.texts("Feature map") == [["?"] * 4] * 4
    assert first.sum.endswith("+ 2 = ?")

    def answer(text):
        first.root.get_by_label("Your prediction").fill(text)
        first.press("Check")
        return first.root.get_by_role("status").inner_text()

    assert answer("0") == (
        "That is the sum of the products. The bias, 2, is still to be added."
    )  # 5 + 5 + 5 - 3 - 4 - 0 - ... is 0 without the bias
    assert answer("2") == "2 is right."
    assert "0 of 1 at the first try" in first.root.inner_text()
    first.press("Next")
    assert answer("12") == "12 is right."
    assert "1 of 2 at the first try" in first.root.inner_text()
    assert first.texts("Feature map")[0] == ["2", "12", "?", "?"]
    first.press("Next")
    first.press("Show me")
    assert first.root.get_by_role("status").inner_text() == "It is 7."
    assert "1 of 3 at the first try" in first.root.inner_text()


def test_three_filters_have_three_maps_and_a_choice(page, site):
    widget = Widget(page, site, 1)
    expected = outputs(weight=kernels[:, None], bias=np.array([2.0, 3, 1]))
    for number, one in enumerate(expected):
        assert widget.numbers(f"Feature map, filter {number}") == one
    widget.press("Filter 2")
    assert widget.texts("Kernel of filter 2") == [
        ["0", "-1", "0"],
        ["-1", "4", "-1"],
        ["0", "-1", "0"],
    ]
    assert widget.sum.endswith("= −16")
    widget.cell("Feature map, filter 1", 4, 1).click()
    assert widget.sum.endswith("+ 3 = 6")


def test_channels_are_called_by_number_and_by_the_names_that_are_given(page, site):
    widget = Widget(page, site, 0, "channels")
    red = image
    names = ["channel 0, red", "channel 1, green", "channel 2, blue"]
    for name, plane in zip(names, (red, red[:, ::-1], red.T), strict=True):
        assert widget.numbers(f"Image, {name}") == plane.tolist()
    assert widget.root.locator(".stage .plane-name").all_inner_texts() == [
        *names,
        *names,
        *(f"filter {f}" for f in range(3)),
    ]
    assert widget.root.locator(".sum .plane-name").all_inner_texts() == names
    widget.press("Filter 2")
    assert widget.numbers(f"Kernel of filter 2, {names[1]}") == (-kernels[0]).tolist()


def test_a_filter_of_one_channel_says_which(page, site):
    widget = Widget(page, site, 1, "channels")
    widget.press("Filter 2")
    assert widget.numbers("Kernel of filter 2, channel 2, blue") == kernels[0].tolist()


def test_a_finger_can_do_what_a_mouse_can(phone, site):
    widget = Widget(phone, site, 0)
    widget.cell("Feature map", 3, 2).tap()
    assert widget.sum.endswith("= 20")
    widget.cell("Image", 3, 2).tap()
    widget.root.get_by_role("button", name="Change the sign").first.tap()
    widget.root.get_by_role("button", name="One less").tap()
    changed = image.copy()
    changed[2, 1] = -7 - 1
    assert widget.map() == output(changed)
    for column in (1, 6):
        widget.cell("Image", 1, column).tap()
        for box in (widget.root.bounding_box(), widget.root.locator(".stepper").bounding_box()):
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


def test_reduced_motion_is_honored(open_page, site):
    page = open_page(reduced_motion="reduce")
    frame = Widget(page, site, 0).root.locator(".number-frame").first
    assert frame.evaluate("frame => getComputedStyle(frame).transitionProperty") == "none"


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    widget = Widget(page, site, 0)
    widget.root.get_by_text("Size, stride, padding, dilation").click()
    widget.root.get_by_label("Predict first").check()
    widget.cell("Image", 2, 2).click()
    assert axe_faults(widget.root) == []


def test_every_name_that_a_shared_module_imports_stands_in_the_script_once():
    script = SlidingKernel().get_state("_esm")["_esm"]
    assert "import" not in re.sub(r"//.*|/\*[\s\S]*?\*/", "", script)
    assert script.count("export ") == 1
    assert json.dumps(script)
