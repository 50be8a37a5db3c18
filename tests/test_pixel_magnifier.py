"""PixelMagnifier: its traits in Python, and the lens in the page."""

import base64

import numpy as np
import pytest

import cnnlib
from cnnlib.widgets import PixelMagnifier
from tests.browser import visit
from tests.widgets import check_refused

pytest_plugins = ["tests.browser"]


def photo():
    """The chapter's photograph, as bytes (3, 96, 128)."""
    flower = cnnlib.photographs()["flower"][:, 20:404:4, 60:572:4]
    return (flower * 255).round().astype(int)


# --- Python ---


def test_fractions_become_the_bytes_that_they_stand_for():
    widget = PixelMagnifier(np.full((3, 6, 7), 51 / 255), row=2, column=6)
    assert widget.image.dtype == np.uint8
    assert widget.pixel.tolist() == [51, 51, 51]


def test_a_gray_image_has_one_channel():
    widget = PixelMagnifier(np.arange(35).reshape(5, 7), row=4, column=1)
    assert widget.image.shape == (1, 5, 7)
    assert widget.pixel.tolist() == [4 * 7 + 1]


def test_the_page_gets_shape_and_bytes():
    image = np.arange(3 * 5 * 6).reshape(3, 5, 6)
    sent = PixelMagnifier(image).get_state("image")["image"]
    assert tuple(sent["shape"]) == (3, 5, 6)
    assert list(base64.b64decode(sent["bytes"])) == list(range(3 * 5 * 6))


def test_repr_states_the_pixel_and_no_address():
    assert repr(PixelMagnifier(photo(), row=30, column=60)) == (
        "PixelMagnifier: image 3x96x128, image[:, 30, 60] = [233, 135, 62]"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", np.zeros((5, 6, 3)), r"image has shape \(5, 6, 3\); expected 1 or 3 channels"),
        ("image", np.zeros((4, 6)), r"image has shape \(1, 4, 6\); expected 5 to 200 rows"),
        ("image", np.zeros((5, 201)), r"image has shape \(1, 5, 201\); expected 5 to 200 rows"),
        ("image", np.full((6, 6), 256), "image holds numbers from 256 to 256; expected whole"),
        ("image", np.full((6, 6), 1.5), "image holds numbers from 1.5 to 1.5; .*fractions from 0"),
        ("image", np.full((6, 6), -1), "image holds numbers from -1 to -1; expected"),
        ("row", 6, "row is 6; expected at most 5"),
        ("column", 8, "column is 8; expected at most 7"),
        ("row", -1, "(?i).*row.*"),
        ("plane", "purple", "(?i).*plane.*"),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused_and_nothing_changes(name, value, message):
    widget = PixelMagnifier(np.zeros((6, 8), int))
    check_refused(widget, name, value, message)


# --- the built page ---


@pytest.fixture
def lens(page, site):
    return open_lens(page, site)


def open_lens(page, site):
    visit(page, f"{site}/chapters/images.html")
    root = page.locator(".pixel-magnifier")
    root.scroll_into_view_if_needed()
    return root


def numbers(lens, name):
    rows = lens.get_by_role("grid", name=f"{name} plane under the lens").locator(".number-row")
    texts = [row.locator(".number").all_inner_texts() for row in rows.all()]
    return [[float(text) for text in row] for row in texts]


def under(row, column):
    """The three planes of the 5 x 5 pixels around a place."""
    return photo()[:, row - 2 : row + 3, column - 2 : column + 3].tolist()


def shown(lens):
    return [numbers(lens, name) for name in ("red", "green", "blue")]


def middle(lens, row, column):
    """Where on the screen a pixel of the photograph is."""
    box = lens.locator(".photo canvas").bounding_box()
    return (
        box["x"] + box["width"] * (column + 0.5) / 128,
        box["y"] + box["height"] * (row + 0.5) / 96,
    )


def test_the_page_opens_with_the_pixel_that_the_text_explains(lens):
    assert shown(lens) == under(30, 60)
    assert "[233, 135, 62]" in lens.locator(".index").inner_text()


def test_pointing_previews_a_place_and_leaving_restores(lens, page):
    page.mouse.move(*middle(lens, 70, 20))
    assert shown(lens) == under(70, 20)
    page.mouse.move(0, 0)
    assert shown(lens) == under(30, 60)


def test_pressing_keeps_a_place_and_dragging_takes_the_lens_along(lens, page):
    page.mouse.move(*middle(lens, 70, 20))
    page.mouse.down()
    page.mouse.move(*middle(lens, 50, 80))
    page.mouse.up()
    page.mouse.move(0, 0)
    assert shown(lens) == under(50, 80)


def test_keys_move_the_lens_and_are_spoken(lens, page):
    lens.get_by_role("application").focus()
    for key in ["ArrowRight", "ArrowDown", "ArrowDown", "Shift+ArrowLeft"]:
        page.keyboard.press(key)
    assert shown(lens) == under(32, 51)
    red, green, blue = photo()[:, 32, 51]
    said = lens.locator("[aria-live]").inner_text()
    assert said == f"row 32, column 51: red {red}, green {green}, blue {blue}"


def test_at_the_edge_the_lens_stays_inside_and_the_frame_goes_on(lens, page):
    lens.get_by_role("application").focus()
    page.keyboard.press("End")
    assert shown(lens)[0] == photo()[0, 28:33, 123:128].tolist()
    assert f"{photo()[:, 30, 127].tolist()}" in lens.locator(".index").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    assert shown(lens)[2] == photo()[2, 28:33, :5].tolist()


def test_a_plane_shows_one_lamp_alone(lens):
    lens.get_by_role("button", name="green", exact=True).click()
    canvas = lens.locator(".photo canvas")
    pixel = "c => [...c.getContext('2d').getImageData(60, 30, 1, 1).data]"
    assert canvas.evaluate(pixel) == [0, 135, 0, 255]
    lens.get_by_role("button", name="all three").click()
    assert canvas.evaluate(pixel) == [233, 135, 62, 255]


def test_numbers_can_be_shown_from_0_to_1(lens):
    lens.get_by_role("combobox", name="Numbers").select_option("1")
    np.testing.assert_allclose(shown(lens), np.array(under(30, 60)) / 255, atol=0.0051)
    assert f"{233 / 255:.4f}" in lens.locator(".index").inner_text()


def test_a_finger_moves_the_lens_and_the_widget_fits_a_phone(phone, site):
    lens = open_lens(phone, site)
    phone.touchscreen.tap(*middle(lens, 50, 40))
    assert shown(lens) == under(50, 40)
    box = lens.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    assert axe_faults(open_lens(page, site)) == []
