"""PhotoKernel: its traits in Python, its arithmetic against cnnlib, and its page in a browser."""

import contextlib
import io
import itertools
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from playwright.sync_api import expect

import cnnlib
from cnnlib import widgets, worked_example
from cnnlib.classifiers import trained_cifar10_network, trained_mnist_network
from cnnlib.widgets import PhotoKernel
from tests.browser import GIVEN, OnPage
from tests.test_math import CROSSING, from_page, to_page
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
SHARED = Path(widgets.__file__).parent / "shared"
VIEW, PHOTO = SHARED / "view", SHARED / "math" / "photo.js"


def picture(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


# --- Python ---


def test_the_default_is_a_photograph_in_gray_and_the_worked_examples_kernel():
    widget = PhotoKernel()
    gray = widget.image.mean(axis=0, keepdims=True)
    expected = cnnlib.conv2d(gray, worked_example.kernel[None, None])
    np.testing.assert_array_equal(widget.output, expected)
    assert widget.image.shape == (3, 240, 320)
    assert widget.signed


def test_bytes_and_fractions_become_the_same_fractions():
    pixels = picture((3, 5, 7))
    for given in (pixels, pixels / 255, (pixels / 255).astype(np.float32)):
        np.testing.assert_array_equal(PhotoKernel(given).image, pixels / 255)
    assert PhotoKernel(pixels[0]).image.shape == (1, 5, 7)


def test_the_page_gets_a_photograph_by_its_name_and_another_image_as_bytes():
    widget = PhotoKernel("flower")
    assert widget.get_state("image")["image"] == "flower"
    assert "bytes" in PhotoKernel("flower", photographs=["china"]).get_state("image")["image"]
    widget.image = widget.image[:, ::3, ::2]
    sent = widget.get_state("image")["image"]
    assert tuple(sent["shape"]) == (3, 80, 160)
    widget.image = "china"
    widget.set_state({"image": sent})
    np.testing.assert_array_equal(widget.image, PhotoKernel("flower").image[:, ::3, ::2])
    widget.set_state({"image": "china", "second": [[1, 2]]})
    assert widget.get_state("image")["image"] == "china"
    assert widget.second.tolist() == [[1, 2]]


def test_both_photographs_take_less_than_60_kilobytes():
    sent = PhotoKernel().get_state("photographs")["photographs"]
    assert list(sent) == ["china", "flower"]
    assert sum(len(text) * 3 / 4 for text in sent.values()) < 60_000
    assert list(PhotoKernel(photographs=["flower"]).get_state()["photographs"]) == ["flower"]


def test_kernels_that_networks_have_learned_are_those_of_their_first_layers():
    kernels = {one["name"]: one["weight"] for one in PhotoKernel().kernels}
    first = trained_mnist_network()[0].weight.data
    assert first.shape == (16, 1, 5, 5)
    assert kernels["MNIST, filter 11"] == first[11, 0].tolist()
    color = trained_cifar10_network()[0].weight.data
    assert color.shape == (24, 3, 3, 3)
    np.testing.assert_allclose(kernels["CIFAR-10, filter 5"], color[5], atol=5e-5)
    alive = [f"CIFAR-10, filter {k}" for k, one in enumerate(color) if np.abs(one).max() > 0]
    assert [name for name in kernels if name.startswith("CIFAR-10")] == alive
    assert len(kernels) == 16 + (24 - 6) + 8


@pytest.mark.parametrize(
    ("weight", "channels", "signed"),
    [
        ([[1 / 9] * 3] * 3, "gray", False),
        ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], "apart", False),
        ([[1, -1]], "gray", True),
        ([[[0.299]], [[0.587]], [[0.114]]], "added", False),
        ([[1]], "added", True),
    ],
)
def test_a_kernel_that_keeps_the_brightness_is_shown_as_light(weight, channels, signed):
    assert PhotoKernel(weight=weight, channels=channels).signed is signed


CHANGES = [
    {},
    {"stride": (2, 3), "padding": (1, 2)},
    {"dilation": (2, 1), "padding": "same"},
    {"relu": True, "bias": -0.25, "padding": 3, "pool": 3},
    {"relu": True, "second": [[1.5, -2, 0.5, 1]], "padding": (0, 1), "pool": 2},
    {"stride": 2, "second": [[1.0], [-2]], "bias": 0.5},
]


def by_torch(widget):
    """What torch makes of it."""
    x = torch.tensor(widget.image)
    x = x.mean(dim=0, keepdim=True) if widget.channels == "gray" else x
    planes = len(x)
    own = torch.tensor(widget.weight.astype(float)).expand(planes, *widget.weight.shape[1:])
    apart = widget.channels != "added"
    weight = own[:, None] if apart else own[None]
    bias = torch.full((len(weight),), float(widget.bias), dtype=torch.float64)
    options = [widget.stride, widget.padding, widget.dilation]
    y = F.conv2d(x, weight, bias, *options, planes if apart else 1)
    y = y.relu() if widget.relu else y
    if widget.second is not None:
        second = torch.tensor(widget.second.astype(float))
        weight = second.expand(len(y), 1, *second.shape)
        y = F.conv2d(y, weight, padding=widget.padding, groups=len(y))
        y = y.relu() if widget.relu else y
    return F.max_pool2d(y, widget.pool).numpy() if widget.pool > 1 else y.numpy()


def cases():
    """Widgets of all kinds: images, kernels and settings in which no two sizes are alike."""
    rng = np.random.default_rng(4)
    shapes = {"gray": [(2, 3), (1, 5, 4)], "apart": [(4, 3), (3, 2, 5)], "added": [(3, 2, 4)]}
    for channels, kernels in shapes.items():
        for kernel, changes in itertools.product(kernels, CHANGES):
            weight = rng.standard_normal(kernel).round(2)
            yield PhotoKernel(picture((3, 17, 23)), weight, channels=channels, **changes)
    for changes in CHANGES:
        weight = rng.standard_normal((3, 2)).round(2)
        yield PhotoKernel(picture((13, 19)), weight, channels="added", **changes)


def test_what_comes_out_is_what_torch_computes():
    for widget in cases():
        np.testing.assert_allclose(widget.output, by_torch(widget), atol=1e-12, err_msg=str(widget))


def test_repr_states_the_data_and_no_address():
    widget = PhotoKernel(np.eye(4), [[1, -2]], 0.5, relu=True, second=[[1], [3]], pool=2)
    # In the rows that cross the one: 1.5, -1.5, and 0.5 elsewhere; ReLU; the next row three times.
    assert repr(widget) == (
        "PhotoKernel: image 1x4x4, gray, weight 1x1x2, bias 0.5, stride=1, padding=0, dilation=1, "
        "relu=True, second 2x1, pool=2\noutput 1x1x1, from 5.0000 to 5.0000"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", "roses", "image is 'roses'; expected 'china' or 'flower', or an array"),
        ("image", np.zeros((5, 6, 3)), r"image has shape \(5, 6, 3\); expected 1 or 3 channels"),
        ("image", np.zeros((3, 427, 640)), r"\(3, 427, 640\); expected at most 320 rows and col"),
        ("image", np.full((6, 6), 1.5), "image holds numbers from 1.5 to 1.5; .*fractions from 0"),
        ("image", np.zeros((2, 9)), "image does not fit. .*extends over 3 rows"),
        ("weight", np.zeros((8, 2)), r"weight has shape \(1, 8, 2\); expected at most 7 rows"),
        ("weight", np.zeros((3, 2, 2)), "weight does not fit. the gray image has 1 channel"),
        ("second", np.zeros((1, 8)), r"second has shape \(1, 8\); expected at most 7 rows"),
        ("dilation", 9, "dilation does not fit. .*extends over 19 rows"),
        ("padding", "full", "padding is 'full'; expected"),
        ("bias", np.inf, "bias is inf; expected a finite number"),
        ("pool", 5, "(?i).*pool.*5"),
        ("row", 9, "row is 9; expected at most 8"),
        ("column", 10, "column is 10; expected at most 9"),
        ("channel", 1, "channel is 1; expected at most 0"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PhotoKernel(picture((3, 11, 12)))
    check_refused(widget, name, value, message)


# --- the arithmetic of the page ---


@pytest.fixture(scope="module")
def math(open_module):
    """math(body, given): what JavaScript returns, with what photo.js exports as `photo`."""
    page = open_module(PHOTO, "photo")
    return lambda body, given: from_page(
        page.evaluate(f"(given) => {{ {CROSSING} {body} }}", to_page(given))
    )


def traits(widget):
    names = "weight bias stride padding dilation channels relu second pool".split()
    return {name: widget.get_state(name)[name] for name in names}


def test_the_page_computes_what_cnnlib_computes(math):
    for widget in cases():
        found = math(
            "return write(photo.convolved(read(given[0]), given[1]).output)",
            [np.array(widget.image), traits(widget)],
        )
        np.testing.assert_allclose(found, widget.output, atol=1e-12, err_msg=str(widget))


TRACED = """
  const result = photo.convolved(read(given[0]), given[1]);
  const size = photo.sizeOf(given[0].shape.slice(1), given[1]);
  return given[2].map(([map, row, column]) => {
    const { cells, sums, value, field } = photo.traced(result, map, row, column);
    const written = sums.map(({ terms, bias, total }) =>
      [terms.reduce((sum, term) => sum + term.pixel * term.weight, bias), total]);
    const { row: top, column: left, rows, columns } = field;
    const best = Math.max(...cells.map((cell) => cell.value));
    return [size, value, best, written, [top, left, rows, columns]];
  });"""


def test_every_sum_that_is_written_out_gives_the_number_and_depends_on_nothing_else(math):
    rng = np.random.default_rng(0)
    for widget in list(cases())[::3]:
        maps, rows, columns = widget.output.shape
        places = [[0, 0, 0], [maps - 1, rows - 1, columns - 1], [maps - 1, rows // 2, columns // 3]]
        found = math(TRACED, [np.array(widget.image), traits(widget), places])
        for place, (size, value, best, written, field) in zip(places, found, strict=True):
            exact = pytest.approx(widget.output[tuple(place)], abs=1e-12)
            assert size == [rows, columns]
            assert value == best == exact
            for total, sum_of_page in written:
                assert total == pytest.approx(sum_of_page, abs=1e-12)
            last = written[-1][0]
            assert (max(last, 0) if widget.relu else last) == exact
            top, left, high, wide = field
            other = rng.integers(0, 256, widget.image.shape) / 255
            inside = (
                slice(None),
                slice(max(top, 0), max(top + high, 0)),
                slice(max(left, 0), max(left + wide, 0)),
            )
            other[inside] = widget.image[inside]
            before, widget.image = widget.image, other
            assert widget.output[tuple(place)] == exact
            widget.image = before


def test_the_presets_do_what_their_sentences_say(open_module):
    page = open_module(VIEW / "photo_presets.js", "presets")
    found = page.evaluate("presets.EVERY_KERNEL")
    kernels = {one["name"]: np.array(one["weight"], float) for one in found}
    assert kernels["worked example"].tolist() == worked_example.kernel.tolist()
    assert kernels["horizontal edges"].tolist() == worked_example.horizontal_edge.tolist()
    for one in found:
        assert len(one["about"]) > 30
        assert kernels[one["name"]].sum() == pytest.approx(0 if one["signed"] else 1, abs=1e-9)
    level, corner = np.zeros((2, 9, 9))
    level[4:], corner[4:, 4:] = 1, 1

    def largest(name, image):
        return np.abs(cnnlib.conv2d(image[None], kernels[name][None, None])).max()

    assert largest("corner", level) == largest("corner", level.T) == 0
    assert largest("corner", corner) > 0
    rows, columns = np.mgrid[:15, :15]
    stripes = np.cos(2 * np.pi * (rows + columns) / np.sqrt(2) / 4)
    assert largest("Gabor", stripes) > 5 * largest("Gabor", stripes[:, ::-1])


# --- the built page ---


class Photo(OnPage):
    chapter, selector = "convolution", ".photo-kernel"

    def __init__(self, page, site, chapter=None):
        super().__init__(page, site, chapter=chapter)
        self.ready()

    def ready(self):
        """Wait until there is a result; the photographs are decoded beside the page."""
        self.root.locator("[data-took]").wait_for(state="attached")

    @property
    def number(self):
        """The number at the chosen place, as the page states it at the end."""
        parts = self.root.locator(".stage:visible > .sum, .pooled:visible").all()
        text = parts[-1].inner_text().replace("−", "-")
        return float(re.findall(r"-?[\d.]+", text)[-1])

    @property
    def results(self):
        return self.root.locator(".pictures .caption").all_inner_texts()

    def photo(self, name="Photograph"):
        return self.root.get_by_role("application", name=re.compile(f"^{name} of"))

    def point(self, name, row, column, size):
        """Where on the screen a pixel of a picture is."""
        box = self.photo(name).bounding_box()
        return (
            box["x"] + box["width"] * (column + 0.5) / size[1],
            box["y"] + box["height"] * (row + 0.5) / size[0],
        )

    def colors(self, index=1):
        """The pixels of a canvas, (rows, columns, 4)."""
        canvas = self.root.locator(".photo canvas").nth(index)
        data = canvas.evaluate(
            """(one) => [one.height, one.width,
                 [...one.getContext("2d").getImageData(0, 0, one.width, one.height).data]]"""
        )
        return np.array(data[2]).reshape(data[0], data[1], 4)

    def unfold(self, words):
        summary = self.root.locator("summary").filter(has_text=words)
        if not summary.locator("xpath=..").evaluate("one => one.open"):
            summary.click()

    def give(self, file):
        self.root.get_by_label("Picture file").set_input_files(file)


@pytest.fixture
def photo(page, site):
    return Photo(page, site)


def gray(name="china"):
    return PhotoKernel(name).image.mean(axis=0)


def convolved(image, kernel, **options):
    return cnnlib.conv2d(image[None], np.array(kernel, float)[None, None], **options)[0]


def test_the_page_shows_the_photograph_as_python_has_it(photo):
    pixels = PhotoKernel("china").image
    photo.choose("Channels", "apart")
    shown = photo.colors(0)
    assert np.abs(shown[..., :3].transpose(2, 0, 1) / 255 - pixels).max() < 1e-9


def test_the_page_opens_with_the_sum_in_the_middle(photo):
    expected = convolved(gray(), worked_example.kernel)
    assert photo.results == ["Photograph 240 × 320", "Result 238 × 318"]
    assert photo.number == pytest.approx(expected[119, 159], abs=6e-5)
    window = gray()[119:122, 159:162]
    np.testing.assert_allclose(photo.numbers("Window"), window, atol=0.0051)
    assert photo.texts("Kernel") == [["1", "0", "-1"]] * 3


def test_the_result_has_two_colors_and_a_scale(photo):
    expected, shown = convolved(gray(), worked_example.kernel), photo.colors()
    top = np.abs(expected).max()
    assert photo.text(".scale").replace("−", "-").startswith(f"-{top:.2f} {top:.2f} from ")
    strength = np.round(255 * np.abs(expected) / top)
    np.testing.assert_allclose(shown[..., 3], strength, atol=1)
    strong = strength > 60
    assert (shown[strong & (expected > 0)][:, 0] > shown[strong & (expected > 0)][:, 2]).all()
    assert (shown[strong & (expected < 0)][:, 0] < shown[strong & (expected < 0)][:, 2]).all()


def test_a_kernel_that_keeps_the_brightness_gives_light(photo):
    photo.choose("Kernel", "blur")
    expected = convolved(gray(), np.full((5, 5), 1 / 25))
    np.testing.assert_allclose(photo.colors()[..., 0], 255 * expected, atol=0.51)
    assert "The mean of 25 pixels" in photo.text(".about")
    photo.choose("Kernel", "sharpen")
    expected = convolved(gray(), [[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    np.testing.assert_allclose(photo.colors()[..., 1], 255 * expected.clip(0, 1), atol=0.51)
    assert "it is cut off" in photo.text(".scale")


def test_pointing_previews_a_place_in_either_picture_and_leaving_restores(photo, page):
    expected, before = convolved(gray(), worked_example.kernel), photo.number
    page.mouse.move(*photo.point("Result", 60, 200, (238, 318)))
    assert photo.number == pytest.approx(expected[60, 200], abs=6e-5)
    # A pixel of the photograph is the middle of its window.
    page.mouse.move(*photo.point("Photograph", 101, 31, (240, 320)))
    assert photo.number == pytest.approx(expected[100, 30], abs=6e-5)
    page.mouse.move(0, 0)
    assert photo.number == before


def test_a_press_keeps_a_place_and_the_same_one_is_marked_in_both_pictures(photo, page):
    page.mouse.click(*photo.point("Photograph", 51, 81, (240, 320)))
    page.mouse.move(0, 0)
    assert photo.number == pytest.approx(convolved(gray(), worked_example.kernel)[50, 80], abs=6e-5)
    style = "one => [one.style.top, one.style.left, one.style.height].map(parseFloat)"
    window = photo.root.locator(".place.window").evaluate(style)
    assert window == pytest.approx([100 * 50 / 240, 100 * 80 / 320, 100 * 3 / 240], abs=0.01)
    here = photo.root.locator(".place.here").evaluate(style)
    assert here == pytest.approx([100 * 50 / 238, 100 * 80 / 318, 100 / 238], abs=0.01)


def test_the_arrow_keys_move_the_place_and_it_is_spoken(photo, page):
    photo.photo("Result").focus()
    for key in ["ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Home", "ArrowRight"]:
        page.keyboard.press(key)
    value = convolved(gray(), worked_example.kernel)[120, 1]
    assert photo.number == pytest.approx(value, abs=6e-5)
    assert photo.said.startswith("row 120, column 1: ")
    assert photo.said.replace("−", "-").endswith(f"plus 0: {value:.4f}".rstrip("0"))
    photo.photo("Photograph").focus()
    page.keyboard.press("End")
    value = convolved(gray(), worked_example.kernel)[120, 317]
    assert photo.number == pytest.approx(value, abs=6e-5)


def test_a_weight_and_the_bias_can_be_typed(photo):
    photo.edit(photo.cell("Kernel", 2, 3), "0.5")
    photo.edit(photo.cell("Bias", 1), "0.25")
    kernel = worked_example.kernel.copy()
    kernel[1, 2] = 0.5
    expected = convolved(gray(), kernel)[119, 159] + 0.25
    assert photo.number == pytest.approx(expected, abs=6e-5)
    assert photo.root.get_by_role("combobox", name="Kernel", exact=True).input_value() == "edited"
    photo.press("Reset")
    value = convolved(gray(), worked_example.kernel)[119, 159]
    assert photo.number == pytest.approx(value, abs=6e-5)


def test_stride_padding_dilation_and_size_are_those_of_conv2d(photo, page):
    photo.unfold("Size, stride")
    photo.choose("Kernel rows", "5")
    photo.choose("Dilation", "3")
    photo.choose("Stride", "2")
    photo.choose("Padding", "3")
    kernel = np.zeros((5, 3))
    kernel[1:4] = worked_example.kernel
    expected = convolved(gray(), kernel, stride=2, padding=3, dilation=3)
    assert photo.results[1] == f"Result {expected.shape[0]} × {expected.shape[1]}"
    page.mouse.click(*photo.point("Result", 0, 0, expected.shape))
    assert photo.number == pytest.approx(expected[0, 0], abs=6e-5)
    photo.choose("Padding", "same")
    assert "Padding 'same' expects stride 1" in photo.error
    assert photo.results[1] == f"Result {expected.shape[0]} × {expected.shape[1]}"


def test_relu_a_second_kernel_and_pooling_follow_each_other(photo, page):
    photo.unfold("ReLU")
    photo.root.get_by_label("ReLU").check()
    photo.choose("Second kernel", "horizontal edges")
    photo.choose("Max pooling", "3")
    photo.edit(photo.cell("Second kernel", 2, 1), "-2")
    second = worked_example.horizontal_edge.copy()
    second[1, 0] = -2
    first = cnnlib.relu(convolved(gray(), worked_example.kernel))
    then = cnnlib.relu(convolved(first, second))
    expected = cnnlib.max_pool2d(then[None], 3)[0]
    assert photo.results[1] == "Result 78 × 105"
    row, column = np.unravel_index(expected.argmax(), expected.shape)
    page.mouse.click(*photo.point("Result", row, column, expected.shape))
    assert photo.number == pytest.approx(expected.max(), abs=6e-5)
    i, j = np.argwhere(then == expected.max())[0]
    np.testing.assert_allclose(
        photo.numbers("Window of the second kernel"), first[i : i + 3, j : j + 3], atol=0.0051
    )
    np.testing.assert_allclose(
        photo.numbers("Window"), gray()[i + 1 : i + 4, j + 1 : j + 4], atol=0.0051
    )


def test_each_channel_by_itself_gives_a_colored_picture_or_one_of_three_maps(photo):
    photo.choose("Kernel", "identity")
    photo.choose("Channels", "apart")
    pixels = PhotoKernel("china").image
    assert photo.results[1] == "Result 3 × 238 × 318"
    inner = pixels[:, 1:-1, 1:-1].transpose(1, 2, 0)
    np.testing.assert_allclose(photo.colors()[..., :3], 255 * inner, atol=0.51)
    photo.press("blue")
    assert photo.number == pytest.approx(pixels[2, 120, 160], abs=6e-5)
    photo.root.get_by_label("A kernel for each channel").check()
    photo.edit(photo.cell("Kernel for blue", 1, 1), "-1")
    photo.root.get_by_label("Two colors").check()
    blue = pixels[2, 1:-1, 1:-1] - pixels[2, :-2, :-2]
    strength = np.round(255 * np.abs(blue) / np.abs(blue).max())
    np.testing.assert_allclose(photo.colors()[..., 3], strength, atol=1)
    photo.press("red")
    assert photo.number == pytest.approx(pixels[0, 120, 160], abs=6e-5)


def test_in_channels_a_kernel_of_one_pixel_mixes_the_colors(page, site):
    photo = Photo(page, site, chapter="channels")
    red, green, blue = PhotoKernel("flower").image
    assert photo.number == pytest.approx(red[120, 160] - green[120, 160], abs=6e-5)
    for name, text in {"red": "0.299", "green": "0.587", "blue": "0.114"}.items():
        photo.edit(photo.cell(f"Kernel for {name}", 1), text)
    photo.root.get_by_label("Two colors").uncheck()
    mixed = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(photo.colors()[..., 2], 255 * mixed, atol=0.51)
    assert photo.root.locator(".sum").first.inner_text().startswith("channel 0, red ")
    offered = photo.root.get_by_role("combobox", name="Photograph").locator("option")
    assert offered.all_inner_texts() == ["flower", "your own"]


def test_a_learned_kernel_can_be_chosen(photo):
    photo.choose("Kernel", "MNIST, filter 3")
    kernel = trained_mnist_network()[0].weight.data[3, 0].astype(float)
    assert photo.number == pytest.approx(convolved(gray(), kernel)[119, 159], abs=6e-5)
    assert "A network has learned it" in photo.text(".about")


def test_a_learned_kernel_with_a_plane_for_each_color_reads_all_three(photo):
    photo.choose("Kernel", "CIFAR-10, filter 5")
    kernel = trained_cifar10_network()[0].weight.data[5].astype(float).round(4)
    red, green, blue = PhotoKernel("china").image
    maps = [convolved(plane, part) for plane, part in zip((red, green, blue), kernel, strict=True)]
    assert photo.number == pytest.approx(sum(maps)[119, 159], abs=6e-5)
    assert photo.root.get_by_label("Channels").input_value() == "added"
    assert photo.root.get_by_label("Two colors").is_checked()
    assert "A network has learned it" in photo.text(".about")
    photo.choose("Kernel", "identity")
    total = (red + green + blue)[120, 160]
    assert photo.number == pytest.approx(total, abs=6e-5)


# --- a reader's own picture ---


@pytest.mark.parametrize("shape", [(17, 29, 3), (29, 17)])
def test_python_gets_what_the_page_has_read(open_module, shape):
    pixels, content = picture(shape), io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    page = open_module(VIEW / "picture.js", "pictures")
    sent = page.evaluate(
        """(bytes) => pictures.readPicture(new Blob([new Uint8Array(bytes)]), [320, 240])""",
        list(content.getvalue()),
    )
    widget = PhotoKernel()
    widget.set_state({"image": sent})
    three = np.broadcast_to(pixels.reshape(*shape[:2], -1), (*shape[:2], 3))
    np.testing.assert_array_equal(widget.image, three.transpose(2, 0, 1) / 255)


@pytest.mark.whole_page
def test_a_browser_that_changes_pixels_is_told_of(page, site):
    page.add_init_script(
        """const { getImageData } = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.getImageData = function (...box) {
          const found = getImageData.apply(this, box);
          found.data[0] ^= 1;
          return found;
        }"""
    )
    assert "This browser changes pixels a little" in Photo(page, site).text(".picker .note")


def saved(path, image, kind="PNG", **options):
    image.save(path, kind, **options)
    return path


def test_a_small_picture_keeps_its_pixels(photo, tmp_path):
    pixels = picture((19, 31, 3))
    photo.give(saved(tmp_path / "own.png", Image.fromarray(pixels)))
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 19 × 31")
    photo.choose("Channels", "apart")
    np.testing.assert_array_equal(photo.colors(0)[..., :3], pixels)


def test_a_large_picture_is_scaled_whole_into_the_frame(photo, tmp_path):
    tall = np.zeros((1600, 900, 3), np.uint8)
    tall[:800] = 200
    photo.give(saved(tmp_path / "tall.jpg", Image.fromarray(tall), "JPEG"))
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 320 × 180")
    shown = photo.colors(0)[..., 0]
    assert abs(shown[:155] - 200).max() < 4
    assert shown[165:].max() < 4


def test_a_picture_is_turned_as_its_camera_noted(photo, tmp_path):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :15] = 255
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees clockwise: left becomes top
    photo.give(saved(tmp_path / "turned.jpg", Image.fromarray(pixels), "JPEG", exif=exif))
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 30 × 20")
    shown = photo.colors(0)[..., 0]
    assert shown[:12].min() > 240 and shown[18:].max() < 15


def test_what_is_transparent_is_white(photo, tmp_path):
    pixels = np.zeros((12, 10, 4), np.uint8)
    pixels[:6, :, 3] = 255
    photo.give(saved(tmp_path / "clear.png", Image.fromarray(pixels)))
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 12 × 10")
    shown = photo.colors(0)[..., 0]
    assert shown[:6].max() == 0 and shown[6:].min() == 255


def test_of_an_animation_the_first_frame_is_shown(photo, tmp_path):
    frames = [Image.new("RGB", (14, 9), color) for color in ("red", "blue")]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=10, loop=0)
    photo.give(path)
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 9 × 14")
    photo.choose("Channels", "apart")
    assert photo.colors(0)[4, 7].tolist() == [255, 0, 0, 255]


def test_what_is_no_picture_is_told_in_a_sentence_and_the_old_one_stays(photo, tmp_path):
    before = photo.number
    whole = saved(tmp_path / "whole.png", Image.fromarray(picture((40, 50, 3)))).read_bytes()
    files = {
        "broken.png": (whole[:30], "broken.png: this browser reads no picture from it."),
        "notes.txt": (b"no picture", "notes.txt: this browser reads no picture from it."),
        "empty.jpg": (b"", "empty.jpg: this browser reads no picture from it."),
        "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(40), "phone.heic: a HEIC picture, which"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        photo.give(tmp_path / name)
        expect(photo.root.locator(".error")).to_contain_text(message)
        assert photo.number == before
    photo.give(saved(tmp_path / "tiny.png", Image.fromarray(picture((2, 50, 3)))))
    expect(photo.root.locator(".error")).to_contain_text("The kernel extends over 3 rows")
    assert photo.number == before


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_can_be_dropped_and_pasted(photo, page, tmp_path, kind):
    path = saved(tmp_path / "own.png", Image.fromarray(picture((13, 21, 3))))
    given = [photo.root.locator(".photo").first.element_handle(), kind, list(path.read_bytes())]
    assert page.evaluate(GIVEN, given)
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 13 × 21")
    photo.choose("Photograph", "flower")
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 240 × 320")


CAMERA = """(way) => {
  globalThis.asked = 0;
  const tracks = [];
  globalThis.running = () => tracks.filter((track) => track.readyState === "live").length;
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
  const context = canvas.getContext("2d");
  const paint = () => { context.fillStyle = "#00ff00"; context.fillRect(0, 0, 64, 48); };
  setInterval(paint, 30);
  const getUserMedia = async () => {
    asked++;
    if (way !== "given") throw new DOMException("", way);
    const stream = canvas.captureStream(30);
    tracks.push(...stream.getTracks());
    return stream;
  };
  const mediaDevices = way === "absent" ? undefined : { getUserMedia };
  Object.defineProperty(navigator, "mediaDevices", { value: mediaDevices, configurable: true });
}"""


@pytest.mark.whole_page
def test_the_camera_is_asked_for_at_a_press_and_let_go_afterward(photo, page):
    page.evaluate(CAMERA, "given")
    photo.choose("Kernel", "blur")
    assert page.evaluate("asked") == 0
    photo.press("Camera")
    photo.press("Take the picture")
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 48 × 64")
    assert page.evaluate("[asked, running()]") == [1, 0]
    photo.choose("Channels", "apart")
    red, green, blue, _ = photo.colors(0)[20, 30]
    assert green > 200 and max(red, blue) < 60
    photo.press("Camera")
    photo.press("Close the camera")
    assert page.evaluate("[asked, running()]") == [2, 0]
    expect(photo.root.locator("video")).to_be_hidden()


@pytest.mark.whole_page
def test_a_camera_that_comes_too_late_is_let_go(photo, page):
    page.evaluate(CAMERA, "given")
    opener = photo.root.get_by_role("button", name="Camera", exact=True)
    opener.evaluate("one => { one.click(); one.click(); }")
    photo.press("Close the camera")
    page.wait_for_function("asked === 2 && running() === 0")


def test_a_refusal_is_seen_from_where_the_control_is(phone, site):
    photo = Photo(phone, site)
    photo.unfold("Size, stride")
    photo.choose("Padding", "same")
    photo.choose("Stride", "2")
    assert photo.root.locator(".error").inner_text().startswith("Padding 'same' expects stride 1")
    place = photo.root.locator(".error").bounding_box()
    covers = """([x, y]) => document.elementFromPoint(x, y).matches(".error")"""
    assert phone.evaluate(covers, [place["x"] + 20, place["y"] + 8])


@pytest.mark.whole_page
@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("NotAllowedError", "The camera was refused."),
        ("NotFoundError", "This device has no camera."),
        ("NotReadableError", "The camera does not answer (NotReadableError)."),
        ("absent", "A browser lends the camera only to pages from https"),
    ],
)
def test_a_camera_that_is_refused_or_absent_is_told(photo, page, way, message):
    page.evaluate(CAMERA, way)
    photo.press("Camera")
    expect(photo.root.locator(".error")).to_contain_text(message)


@pytest.mark.whole_page
def test_nothing_leaves_the_device(photo, page, tmp_path):
    """Whatever is pressed and given, the page asks the network for nothing."""
    assert photo.text(".picker .note").endswith("nothing is sent anywhere.")
    page.wait_for_load_state("networkidle")
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        """() => {
          globalThis.sent = [];
          navigator.sendBeacon = (url) => sent.push(url);
          for (const name of ["WebSocket", "EventSource", "XMLHttpRequest", "RTCPeerConnection"])
            globalThis[name] = function () { sent.push(name); };
          globalThis.fetch = async (url) => sent.push(url);
        }"""
    )
    page.evaluate(CAMERA, "given")
    photo.give(saved(tmp_path / "own.png", Image.fromarray(picture((13, 21, 3)))))
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 13 × 21")
    photo.choose("Channels", "added")
    photo.press("Camera")
    photo.press("Take the picture")
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 48 × 64")
    photo.unfold("As code")
    with page.expect_download():
        photo.press("Save the picture as picture.png")
    page.wait_for_timeout(300)
    assert [url for url in asked if not url.startswith("blob:")] == []
    assert page.evaluate("sent") == []


# --- as code ---


def run(code, folder):
    """What a program prints, in a folder: its shape and number."""
    here, printed = Path.cwd(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed):
            exec(code, {})
    finally:
        os.chdir(here)
    shape, number = re.fullmatch(r"\((.*)\) (\S+)\n", printed.getvalue()).groups()
    return [int(side) for side in shape.split(",")], float(number)


def codes(photo):
    photo.unfold("As code")
    for library in ("cnnlib", "torch"):
        photo.choose("Library", library)
        code = photo.root.locator("pre").inner_text()
        assert ("import torch" in code) is (library == "torch")
        yield code


def test_the_code_runs_and_gives_the_number_of_the_page(photo, tmp_path):
    def check(*shape):
        for code in codes(photo):
            assert run(code, tmp_path) == (list(shape), pytest.approx(photo.number, abs=6e-5))

    check(1, 238, 318)
    photo.unfold("Size, stride")
    photo.unfold("ReLU")
    photo.choose("Channels", "apart")
    photo.choose("Kernel", "emboss")
    photo.press("green")
    photo.choose("Stride", "2")
    photo.choose("Padding", "1")
    photo.choose("Dilation", "2")
    photo.root.get_by_label("ReLU").check()
    check(3, 119, 159)
    photo.choose("Second kernel", "soft blur")
    photo.choose("Max pooling", "2")
    photo.root.get_by_label("A kernel for each channel").check()
    photo.edit(photo.cell("Kernel for green", 1, 1), "-3.5")
    photo.edit(photo.cell("Bias", 1), "-0.5")
    check(3, 59, 79)
    photo.choose("Channels", "added")
    check(1, 59, 79)


def test_the_code_reads_a_readers_own_picture_from_the_file_that_the_page_saves(
    photo, page, tmp_path
):
    pixels = picture((23, 31, 3), seed=7)
    photo.give(saved(tmp_path / "own.png", Image.fromarray(pixels)))
    expect(photo.root.locator(".caption").first).to_have_text("Photograph 23 × 31")
    photo.unfold("As code")
    with page.expect_download() as download:
        photo.press("Save the picture as picture.png")
    download.value.save_as(tmp_path / "picture.png")
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "picture.png").convert("RGB")), pixels
    )
    for channels, planes in (("gray", 1), ("apart", 3)):
        photo.choose("Channels", channels)
        for code in codes(photo):
            expected = ([planes, 21, 29], pytest.approx(photo.number, abs=6e-5))
            assert run(code, tmp_path) == expected


# --- for everyone ---


def test_a_3x3_kernel_is_computed_and_drawn_within_a_frame(photo):
    photo.choose("Kernel", "all edges")
    times = []
    for step in range(9):
        photo.edit(photo.cell("Kernel", 1, 1), str(step))
        times.append(float(photo.root.locator("[data-took]").get_attribute("data-took")))
    assert min(times) < 16


def test_a_finger_chooses_a_place_and_the_widget_fits_a_phone(phone, site):
    photo = Photo(phone, site)
    photo.photo("Result").scroll_into_view_if_needed()
    phone.touchscreen.tap(*photo.point("Result", 60, 200, (238, 318)))
    expected = convolved(gray(), worked_example.kernel)[59:62, 199:202]
    assert np.abs(expected - photo.number).min() < 6e-5  # a finger meets a pixel or the next
    box = photo.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    photo = Photo(page, site)
    photo.unfold("Size, stride")
    photo.unfold("ReLU")
    photo.unfold("As code")
    assert axe_faults(photo.root) == []
