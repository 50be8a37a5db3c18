"""Take the picture of the README and of the social cards: a widget of the built book at work.

make book && .venv/bin/python -m tools.screenshot
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.browser import launch

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Select the worked example's 15 in the first SlidingKernel and store what is seen."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1200, "height": 1000}, device_scale_factor=2)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto((ROOT / "_build" / "html" / "chapters" / "convolution.html").as_uri())
        widget = page.locator(".sliding-kernel").first
        widget.get_by_role("gridcell", name="15").first.click()
        page.mouse.move(0, 0)
        widget.screenshot(path=ROOT / "assets" / "sliding-kernel.png")
        browser.close()


if __name__ == "__main__":
    main()
