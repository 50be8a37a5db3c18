"""The first page: the worked example to be played, and the next click of three readers."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import OnPage, visit

pytest_plugins = ["tests.browser"]


class Front(OnPage):
    selector = ".playable .sliding-kernel"

    def __init__(self, page, site):
        visit(page, f"{site}/intro.html")
        self.page, self.root = page, page.locator(self.selector)
        self.root.wait_for()


def test_the_worked_example_can_be_played_at_once(page, site):
    front = Front(page, site)
    assert front.sum.endswith("+ 2 = 15")
    assert front.root.bounding_box()["y"] < 450
    front.press("Step forward")
    assert front.sum.endswith("+ 2 = 8")
    front.edit(front.cell("Image", 2, 3), "9")
    assert front.sum.startswith("9·1 ")
    front.press("Play")
    page.wait_for_function("document.querySelector('.playable .where').innerText.startsWith('9')")


@pytest.mark.parametrize("device", ["page", "phone"])
def test_three_readers_find_their_next_click_without_scrolling(request, site, device):
    page = request.getfixturevalue(device)
    front = Front(page, site)
    assert page.evaluate("scrollY") == 0
    height = page.viewport_size["height"]
    links = page.locator(".readers a")
    assert [re.split("[:,]", text)[0] for text in links.all_inner_texts()] == [
        "New to this",
        "You use nn.Conv2d",
        "You teach",
    ]
    boxes = [one.bounding_box() for one in links.all()]
    assert max(box["y"] + box["height"] for box in boxes) < height / 2
    assert min(box["height"] for box in boxes) >= 24  # room for a finger
    play = front.root.get_by_role("button", name="Play", exact=True).bounding_box()
    assert play["y"] + play["height"] <= height
    home, targets = page.url, ["chapters/images.html", "chapters/shapes.html", "#in-class"]
    for link, target in zip(links.all(), targets, strict=True):
        link.click()
        page.wait_for_url(f"**{target}")
        page.goto(home)


def test_what_is_said_at_a_cell_keeps_within_a_phone(phone, site):
    front = Front(phone, site)
    front.cell("Kernel", 2, 3).tap()
    phone.keyboard.type("3,5x")
    expect(front.root.locator(".stepper .fault")).to_have_text("not a number")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_where_no_script_runs_the_picture_stands(open_page, site):
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/intro.html")
    picture = page.locator(".playable img")
    assert picture.is_visible()
    assert picture.bounding_box()["width"] == 600
    assert "their sum, 15, stands in the feature map" in picture.get_attribute("alt")


def test_where_a_script_runs_the_picture_is_not_loaded_and_nothing_is_moved(open_page, site):
    page, asked = open_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(
        """globalThis.moved = 0;
        new PerformanceObserver((list) => {
          for (const { value } of list.getEntries()) moved += value;
        }).observe({ type: "layout-shift", buffered: true })"""
    )
    page.goto(f"{site}/intro.html", wait_until="networkidle")
    page.locator(".playable .sliding-kernel").wait_for()
    page.wait_for_timeout(300)
    assert [url for url in asked if url.endswith(".png")] == []
    assert page.evaluate("moved") < 0.1  # what counts as steady
