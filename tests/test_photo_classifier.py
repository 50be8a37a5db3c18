"""PhotoClassifier: its traits in Python, its arithmetic against cnnlib, and its page."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import expect

import cnnlib
from cnnlib import widgets
from cnnlib.classifiers import COLORS, trained_cifar10_network
from cnnlib.data import CIFAR10_CLASSES
from cnnlib.records import cifar10_examples, record
from cnnlib.widgets import PhotoClassifier
from tests.browser import GIVEN, OnPage
from tests.test_photo_kernel import CAMERA
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]
SHARED = Path(widgets.__file__).parent / "shared"
MEAN, DEVIATION = COLORS


def picture(rows, columns, seed=0):
    """A smooth picture in bytes, (rows, columns, 3): noise would tell nothing about scaling."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((columns, rows)))


# --- Python ---


def test_the_default_is_the_trained_network_and_the_first_example():
    widget = PhotoClassifier()
    images, labels, _ = cifar10_examples()
    np.testing.assert_allclose(widget.image, images[0], atol=1e-6)
    assert widget.classes[widget.probabilities.argmax()] == CIFAR10_CLASSES[labels[0]]
    assert widget.probabilities.sum() == pytest.approx(1)
    expected = trained_cifar10_network()((images[:1] - MEAN) / DEVIATION)[0]
    np.testing.assert_allclose(widget.logits, expected, atol=1e-4)


def test_bytes_and_fractions_are_the_same_image_and_python_gets_what_the_page_sends():
    pixels = picture(32, 32).transpose(2, 0, 1)
    widget = PhotoClassifier(pixels)
    np.testing.assert_allclose(PhotoClassifier(pixels / 255).image, widget.image)
    other = PhotoClassifier()
    other.set_state({"image": widget.get_state("image")["image"]})
    np.testing.assert_array_equal(other.image, widget.image)
    np.testing.assert_array_equal(other.logits, widget.logits)


def test_another_network_with_its_classes_and_its_scaling_is_taken():
    network = cnnlib.Sequential(
        cnnlib.Residual(cnnlib.Conv2d(3, 3, 3, padding=1, rng=0)),
        cnnlib.GlobalAvgPool2d(),
        cnnlib.Flatten(),
        cnnlib.Linear(3, 2, rng=0),
    )
    image = picture(32, 32).transpose(2, 0, 1) / 255
    widget = PhotoClassifier(image, network, classes=["mug", "plate"], mean_std=(0.5, 0.25))
    expected = network(((image[None] - 0.5) / 0.25).astype(np.float32))[0]
    np.testing.assert_allclose(widget.logits, expected, atol=1e-3)
    assert widget.examples == []
    widget.selected = ("0.body.0", 2, 31, 0)
    assert re.match(r"PhotoClassifier: image of mean 0\.\d+\n\{'mug': ", repr(widget))


def test_a_saved_widget_is_made_again_from_its_traits():
    widget = PhotoClassifier(picture(32, 32).transpose(2, 0, 1))
    names = ("layers", "classes", "examples", "sheet", "mean_std", "selected")
    again = PhotoClassifier(widget.image, **{name: getattr(widget, name) for name in names})
    np.testing.assert_array_equal(again.logits, widget.logits)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.zeros((3, 32, 31)), r"image has shape \(3, 32, 31\); expected \(3, 32, 32\)"),
        ("image", np.full((3, 32, 32), 1.5), "image holds numbers from 1.5 to 1.5; expected whole"),
        ("classes", ["a", "b"], "classes are 2; expected 10, a name for each logit"),
        ("mean_std", (0.5, 0.0), r"mean_std is \(0.5, 0.0\); expected a deviation above 0"),
        ("selected", ("3.body.9", 0, 0, 0), "selected has layer '3.body.9'; expected one of 0, 1"),
        ("selected", ("7", 0, 16, 0), r"selected has \(map, row, column\) \(0, 16, 0\); layer '7'"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PhotoClassifier()
    check_refused(widget, name, value, f"PhotoClassifier: {message}")


def test_a_network_that_is_too_large_or_gives_no_logits_is_refused():
    large = cnnlib.Sequential(cnnlib.Flatten(), cnnlib.Linear(3072, 100, rng=0))
    with pytest.raises(
        ValueError, match=r"307,300 parameters, packed in 7\d\d kB; expected at most 500 kB"
    ):
        PhotoClassifier(network=large)
    with pytest.raises(ValueError, match=r"network gives \(1, 30, 30\); expected a row of logits"):
        PhotoClassifier(network=cnnlib.Sequential(cnnlib.Conv2d(3, 1, 3, rng=0)))


# --- the page's arithmetic ---


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (240, 320), (97, 41), (33, 50), (20, 27)])
def test_a_picture_is_cut_and_scaled_as_image_folder_does(open_module, size):
    pixels = picture(*size)
    page = open_module(SHARED / "math" / "resizing.js", "resizing")
    data = (pixels.transpose(2, 0, 1) / 255).ravel().tolist()
    found = page.evaluate(
        """([shape, data]) => {
            const fitted = resizing.fitted({ shape, data: Float64Array.from(data) }, 32);
            return [...fitted.data];
        }""",
        [[3, *size], data],
    )
    expected = np.asarray(ImageOps.fit(Image.fromarray(pixels), (32, 32)), int).transpose(2, 0, 1)
    found = np.reshape(found, (3, 32, 32)) * 255
    assert np.abs(found - expected).max() < 1.01
    assert np.abs(found - expected).mean() < 0.1


def test_the_page_computes_what_cnnlib_computes_on_every_example(open_module):
    images = (cifar10_examples().images[::4] - np.float32(MEAN)) / np.float32(DEVIATION)
    page = open_module(SHARED / "math" / "inference.js", "inference")
    logits = page.evaluate(
        """([layers, images]) => {
            const network = inference.inference(layers, [3, 32, 32]);
            return images.map((image) => [...network.run(image)]);
        }""",
        [PhotoClassifier().layers, images.reshape(len(images), -1).tolist()],
    )
    np.testing.assert_allclose(logits, trained_cifar10_network()(images), atol=1e-4)


# --- the built page ---


class Classifier(OnPage):
    chapter, selector = "color", ".photo-classifier"

    def __init__(self, page, site):
        super().__init__(page, site)
        self.root.locator(".example[aria-pressed=true]").wait_for()  # the sheet is read

    def give(self, path, pixels, kind="PNG"):
        Image.fromarray(pixels).save(path, kind)
        self.root.get_by_label("Picture file").set_input_files(path)
        expect(self.root.get_by_role("img", name="The middle of your picture")).to_be_visible()

    def example(self, index):
        self.root.locator(".example").nth(index).click()

    @property
    def answer(self):
        return self.root.locator(".answer strong").inner_text()

    @property
    def chances(self):
        """The numbers beside the bars, in percent; one below 0.1 as 0."""
        texts = self.root.locator(".chance").all_inner_texts()
        return np.array([0 if "<" in text else float(text.rstrip("%")) for text in texts])

    @property
    def input(self):
        """The bytes that the page shows as the network's input, (3, 32, 32)."""
        canvas = self.root.get_by_role("img", name="What the network gets")
        data = canvas.evaluate("one => [...one.getContext('2d').getImageData(0, 0, 32, 32).data]")
        return np.reshape(data, (32, 32, 4))[:, :, :3].transpose(2, 0, 1)

    @property
    def place(self):
        return self.root.locator(".trace .part-title").inner_text()

    @property
    def total(self):
        return float(self.text(".trace .sum strong").replace("−", "-"))

    @property
    def written(self):
        """The sum below the layer, with a plain minus."""
        return self.text(".trace .sum").replace("−", "-")

    def layer(self, label):
        return self.root.get_by_role("slider", name=label, exact=True)


@pytest.fixture
def photo(page, site):
    return Classifier(page, site)


def expected_percent(pixels):
    network = trained_cifar10_network()
    x = ((pixels[None] / 255 - MEAN) / DEVIATION).astype(np.float32)
    return 100 * cnnlib.softmax(network(x))[0]


def test_the_page_opens_with_an_example_and_its_answer(photo):
    images, labels, _ = cifar10_examples()
    assert photo.answer == CIFAR10_CLASSES[labels[0]]
    assert photo.text(".truth") == f"CIFAR-10 says {photo.answer}"
    np.testing.assert_allclose(photo.input, 255 * images[0], atol=1)


def test_every_fourth_example_gets_the_recorded_answer_and_says_what_it_is(photo):
    for index, row in list(enumerate(record("cifar10_examples")["examples"][:40]))[::4]:
        photo.example(index)
        assert photo.answer == CIFAR10_CLASSES[row["answer"]]
        assert photo.text(".truth") == f"CIFAR-10 says {CIFAR10_CLASSES[row['label']]}"
        wrong = photo.root.locator(".truth.wrong").count()
        assert wrong == (row["answer"] != row["label"])
        np.testing.assert_allclose(photo.chances, expected_percent(photo.input), atol=0.1)


def test_a_readers_own_picture_is_cut_scaled_and_answered(photo, tmp_path):
    pixels = picture(180, 240)
    photo.give(tmp_path / "own.png", pixels)
    expected = np.asarray(ImageOps.fit(Image.fromarray(pixels), (32, 32)), int).transpose(2, 0, 1)
    assert np.abs(photo.input - expected).max() <= 1
    np.testing.assert_allclose(photo.chances, expected_percent(photo.input), atol=0.1)
    assert photo.chances.sum() == pytest.approx(100, abs=1)
    assert photo.text(".truth") == ""
    assert (
        photo.said == f"The network says {photo.answer}, {photo.text('.answer p span:not(.truth)')}"
    )
    assert photo.root.locator(".example[aria-pressed=true]").count() == 0
    assert "no share for “none of these”" in photo.text(".answer .note")
    photo.press("Reset")
    expect(photo.root.get_by_role("img", name="The middle of your picture")).to_be_hidden()
    assert photo.text(".truth") == f"CIFAR-10 says {photo.answer}"


def test_the_answer_comes_within_a_tenth_of_a_second(photo):
    times = []
    for index in range(1, 12):
        photo.example(index)
        times.append(float(photo.root.get_attribute("data-answered")))
    assert min(times) < 100


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_can_be_dropped_and_pasted(photo, page, tmp_path, kind):
    path = tmp_path / "own.png"
    Image.fromarray(picture(32, 32)).save(path)
    place = photo.root.locator(".picture").first.element_handle()
    assert page.evaluate(GIVEN, [place, kind, list(path.read_bytes())])
    expect(photo.root.get_by_role("img", name="The middle of your picture")).to_be_visible()
    np.testing.assert_array_equal(photo.input, picture(32, 32).transpose(2, 0, 1))


def test_what_is_no_picture_is_told_and_the_old_one_stays(photo, tmp_path):
    before = photo.input
    (tmp_path / "words.txt").write_text("no picture")
    photo.root.get_by_label("Picture file").set_input_files(tmp_path / "words.txt")
    expect(photo.root.locator(".error")).to_contain_text("this browser reads no picture from it")
    np.testing.assert_array_equal(photo.input, before)


@pytest.mark.whole_page
def test_the_camera_is_asked_for_at_a_press_and_nothing_leaves_the_device(photo, page, tmp_path):
    page.wait_for_load_state("networkidle")
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.evaluate(CAMERA, "given")
    photo.give(tmp_path / "own.png", picture(50, 70))
    assert page.evaluate("asked") == 0
    photo.press("Camera")
    photo.press("Take the picture")
    expect(photo.root.locator("video")).to_be_hidden()
    assert page.evaluate("[asked, running()]") == [1, 0]
    red, green, blue = photo.input[:, 16, 16]
    assert green > 200 and max(red, blue) < 60
    assert [url for url in asked if not url.startswith("blob:")] == []


def test_a_number_of_the_first_layer_is_a_sum_over_red_green_and_blue(photo):
    photo.layer("network[0], Conv2d 3×3").press("End")
    assert photo.place.startswith("network[0] Conv2d 3×3, map 23")
    _, row, column = map(int, re.findall(r"(?:map|row|column) (\d+)", photo.place))
    x = ((photo.input[None] / 255 - MEAN) / DEVIATION).astype(np.float32)
    expected = trained_cifar10_network()[0](x)[0, 23, row, column]
    assert photo.total == pytest.approx(expected, abs=6e-4)
    names = set()
    for channel in range(3):
        photo.root.locator(f".chips [data-channel='{channel}']").click()
        names.add(photo.root.locator(".trace-maps .plane-name").first.inner_text())
    assert names == {"in: the image, red", "in: the image, green", "in: the image, blue"}


@pytest.mark.parametrize(
    ("block", "around"), [(3, "network[2] ReLU"), (7, "network[7].shortcut[1] BatchNorm2d")]
)
def test_a_residual_is_the_sum_of_its_layers_and_what_goes_around(photo, block, around):
    photo.layer(f"network[{block}], Residual").press("Home")
    result = photo.total
    parts = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", photo.written)]
    assert parts[0] + parts[1] == pytest.approx(result, abs=2e-3)
    photo.root.get_by_text(f"Inside network[{block}]").click()
    photo.layer(f"network[{block}].body[4], BatchNorm2d").press("Home")
    assert photo.total == pytest.approx(parts[0], abs=1e-3)
    photo.layer(around.replace(" ", ", ", 1)).press("Home")
    assert photo.total == pytest.approx(parts[1], abs=1e-3)


def test_a_row_of_examples_is_one_tab_stop_and_the_arrows_move(photo, page):
    photo.root.locator(".example").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert photo.answer == CIFAR10_CLASSES[cifar10_examples().answers[2]]
    rows = photo.root.locator(".thumbs").all()
    assert [row.locator(".example[tabindex='0']").count() for row in rows] == [1, 1]


def test_it_fits_a_phone(phone, site):
    photo = Classifier(phone, site)
    box = photo.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    for button in photo.root.locator(".controls button:visible, .example").all():
        assert button.bounding_box()["height"] >= 30


def test_axe_finds_nothing_wrong(photo, axe_faults):
    photo.root.get_by_text("Inside network[3]").click()
    assert axe_faults(photo.root) == []
