"""Chapters as slides for the lecture hall."""

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.test_pages import PAGES, ROOT

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.whole_page
CHAPTERS = [name for name in PAGES if (ROOT / f"{name}.ipynb").exists()]
HALL = {"width": 1280, "height": 720}


FIND = """async (selector) => {
  const deck = document.querySelector(".deck"), slide = () => deck.querySelector(".deck-slide");
  const press = (key) => deck.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const waits = () => slide().matches(".deck-play") && !slide().querySelector(".cnn-widget");
  for (let last = (press("Home"), null); last !== slide(); press("ArrowDown")) {
    while (waits()) await new Promise((next) => setTimeout(next, 5));
    if (slide().parentElement.querySelector(selector)) return;
    last = slide();
  }
  throw new Error(`no slide has ${selector}`);
}"""


class Deck:
    """The slides of a chapter, in a teacher's words."""

    def __init__(self, page, address):
        page.goto(address)
        self.page, self.slide = page, page.locator(".deck-slide")
        self.dialog = page.get_by_role("dialog", name="Slides")

    def start(self):
        self.page.locator(".btn-slides-button").dispatch_event("click")  # Playwright's own scrolls
        self.slide.wait_for()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def find(self, selector):
        """Go to the first slide that has something, and give it."""
        self.page.evaluate(FIND, selector)
        return self.slide.locator(selector)

    @property
    def numbers(self):
        return [int(one) for one in self.page.locator(".deck-count").inner_text().split(" / ")]

    @property
    def now(self):
        return self.numbers[0]

    @property
    def count(self):
        return self.numbers[1]

    @property
    def title(self):
        return self.slide.get_by_role("heading").inner_text()

    @property
    def hint(self):
        return self.page.locator(".deck-hint").inner_text()


@pytest.fixture
def convolution(open_page, site_file):
    return Deck(open_page(HALL), f"{site_file}/chapters/convolution.html")


def test_the_keys_of_a_clicker_go_through_the_slides_and_back_to_the_chapter(convolution):
    deck, page = convolution, convolution.page
    page.wait_for_function("!document.querySelector('.widget-text')")  # it is as high as it will be
    page.locator("#the-flip").evaluate("one => one.scrollIntoView({ behavior: 'instant' })")
    place = page.evaluate("scrollY")
    deck.start()
    assert deck.title == "2.7. The flip"  # where the chapter was open
    here = deck.now
    page.mouse.move(600, 300)
    page.mouse.wheel(0, 400)
    page.evaluate("() => new Promise((next) => setTimeout(next, 50))")
    assert page.evaluate("scrollY") == place
    assert page.url.endswith(f"#slides/{here}")
    deck.press("Home")
    assert deck.now == 1
    assert deck.slide.inner_text().startswith("2. Convolution")
    deck.press("PageDown", "ArrowRight", "ArrowDown", "Space")
    assert deck.now == 5
    deck.press("PageUp", "ArrowLeft", "ArrowUp", "Shift+Space")
    assert deck.now == 1
    deck.press("Enter")
    assert deck.now == 2
    page.get_by_role("button", name="Back", exact=True).press("Enter")
    assert deck.now == 1
    page.evaluate("document.activeElement.blur()")  # as where the focus has gone with its element
    deck.press("PageDown", "ArrowRight")
    assert deck.now == 3
    stage = page.locator(".deck-stage")
    for key in ("b", "."):
        deck.press(key)
        assert not deck.slide.is_visible()
        assert stage.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(0, 0, 0)"
        deck.press(key)
        assert deck.slide.is_visible()
    deck.press("b", "PageDown")
    assert deck.slide.is_visible()
    assert deck.now == 4
    deck.press("Home")
    deck.press("PageUp")
    assert deck.now == 1
    deck.press("End")
    assert deck.numbers == [deck.count, deck.count]
    assert deck.title == "2.12. What to remember"
    deck.press("PageDown")
    assert deck.now == deck.count
    deck.press("Escape")
    deck.dialog.wait_for(state="hidden")
    assert "#" not in page.url
    assert page.locator("#what-to-remember h2").bounding_box()["y"] < HALL["height"]


def test_a_list_comes_item_by_item_and_what_a_cell_prints_at_a_press(convolution):
    deck = convolution
    deck.start()
    deck.find("ul")
    items, number = deck.slide.locator("li"), deck.now
    seen = lambda: [item.is_visible() for item in items.all()]  # noqa: E731
    assert seen() == [False, False, False, False]  # a sentence stands above
    deck.press("PageDown", "PageDown")
    assert seen() == [True, True, False, False]
    deck.press("PageUp")
    assert seen() == [True, False, False, False]
    deck.press("PageDown", "PageDown", "PageDown", "PageDown")
    assert deck.now == number + 1
    deck.press("PageUp")
    assert seen() == [True, True, True, True]
    printed = deck.find(".deck-code + .deck-printed")
    assert not printed.is_visible()
    number = deck.now
    deck.press("ArrowRight")
    assert printed.is_visible()
    assert deck.now == number


def test_a_widget_is_stepped_through_and_large_and_the_page_keeps_its_own(convolution):
    deck, page = convolution, convolution.page
    page.wait_for_function("!document.querySelector('.widget-text')")
    article = page.locator("article")
    whole = lambda: re.sub(r' tabindex="-?\d"', "", article.inner_html())  # noqa: E731, the theme's
    before = whole()
    deck.start()
    widget = deck.find(".sliding-kernel")
    number, where = deck.now, widget.locator(".where")
    assert where.inner_text() == "1 / 16"
    assert "the next step" in deck.hint
    deck.press("PageDown", "ArrowRight")
    assert where.inner_text() == "3 / 16"
    deck.press("PageUp")
    assert where.inner_text() == "2 / 16"
    widget.get_by_label("Play", exact=True).click()
    deck.press("ArrowDown", "ArrowUp")
    assert widget.get_by_label("Pause").count() == 0
    deck.press("PageUp")
    assert where.inner_text() == "2 / 16"
    # The sum of the second window, at least as large as 1.15 times a page's text.
    assert "12" in widget.locator(".sum").inner_text()
    assert float(widget.evaluate("one => one.style.getPropertyValue('--scale')")) > 1.15
    widget.get_by_role("gridcell").first.click()  # the arrows are the grid's, a clicker's are not
    deck.press("ArrowRight")
    assert where.inner_text() == "2 / 16"
    deck.press(*["PageDown"] * 14)
    assert where.inner_text() == "16 / 16"
    assert (deck.hint, deck.now) == ("", number)
    deck.press("PageDown")
    assert deck.now == number + 1
    deck.press("PageUp")
    assert where.inner_text() == "16 / 16"  # as it was left
    deck.find("[aria-label$='What to remember']")  # past all widgets, each drawn
    deck.press("Escape")
    assert whole() == before
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('widget:'))")
    assert kept == []


def test_a_check_shows_its_answer_at_a_press_and_is_large_on_a_larger_screen(convolution):
    deck, page = convolution, convolution.page
    page.set_viewport_size({"width": 640, "height": 360})
    deck.start()
    check = deck.find(".check")
    number = deck.now
    assert deck.hint.startswith("→ the answer")
    assert check.locator(".verdict").inner_text() == ""
    deck.press("PageDown")
    assert (
        check.locator(".verdict").inner_text() == "It is 11."
    )  # 8 with a bias of 2; with 5 more by 3
    assert deck.now == number
    deck.press("PageDown")
    assert deck.now == number + 1
    assert page.locator("article .check .verdict").first.inner_text() == ""
    deck.press("PageUp")
    page.set_viewport_size(HALL)  # as where the window is moved to the projector
    large = "() => document.querySelector('.deck .check').style.getPropertyValue('--scale') > 2"
    page.wait_for_function(large)


def test_a_slide_has_an_address_that_can_be_reloaded_and_left_for_another(convolution):
    deck, page = convolution, convolution.page
    address = page.url
    deck.start()
    page.evaluate("history.back()")
    deck.dialog.wait_for(state="hidden")
    assert page.evaluate("location.href") == address
    deck.start()
    deck.press("Home", *["ArrowDown"] * 6)
    title = deck.title
    page.reload()
    deck.slide.wait_for()
    assert (deck.now, deck.title) == (7, title)
    page.evaluate("location.hash = '#slides/3'")
    page.wait_for_function("document.querySelector('.deck-count').textContent.startsWith('3 ')")
    page.evaluate("location.hash = '#the-rule'")
    deck.dialog.wait_for(state="hidden")
    assert page.url.endswith("#the-rule")
    page.evaluate("location.hash = '#slides/999'")
    deck.slide.wait_for()
    assert deck.now == deck.count


SWIPE = """(slide, across) => {
  for (const [type, x] of [["touchstart", 600], ["touchend", 600 + across]]) {
    const touch = { clientX: x, clientY: 300 }, touches = type === "touchend" ? [] : [touch];
    const event = new Event(type, { bubbles: true }); // a computer may have no touches of its own
    slide.dispatchEvent(Object.assign(event, { touches, changedTouches: [touch] }));
  }
}"""


def test_a_click_a_swipe_and_the_buttons_go_on_too(open_page, site_file):
    page = open_page(HALL)
    lacks = "Object.defineProperty(Document.prototype, 'fullscreenEnabled', { value: false })"
    page.add_init_script(lacks)  # as a phone's browser
    deck = Deck(page, f"{site_file}/chapters/convolution.html#slides/1")
    assert page.get_by_role("button", name="Full screen").count() == 0
    deck.slide.click()
    assert deck.now == 2
    deck.slide.evaluate(SWIPE, -100)
    assert deck.now == 3
    deck.slide.evaluate(SWIPE, 100)
    deck.slide.evaluate(SWIPE, 30)  # too little
    assert deck.now == 2
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("button", name="Back", exact=True).click()
    assert deck.now == 2
    deck.find(".sliding-kernel").locator(".stage").click(position={"x": 500, "y": 5})
    assert deck.slide.locator(".sliding-kernel").count() == 1  # a widget has a use for a click
    page.set_viewport_size({"width": 390, "height": 844})  # a link to it is opened on a phone
    leave = page.get_by_role("button", name="Leave")
    box = leave.bounding_box()
    assert box["x"] + box["width"] <= 390
    deck.press("Home")
    size = "one => parseFloat(getComputedStyle(one).fontSize)"
    assert deck.slide.get_by_role("paragraph").first.evaluate(size) >= 16
    leave.click()
    deck.dialog.wait_for(state="hidden")


def test_the_slides_have_no_fault_for_those_who_see_or_press_less(open_page, site, axe_faults):
    page = open_page(HALL)
    deck = Deck(page, f"{site}/chapters/convolution.html#slides/1")
    deck.slide.wait_for()
    assert page.evaluate("document.activeElement.className") == "deck-slide deck-front"
    assert deck.slide.get_attribute("aria-label") == f"1 of {deck.count}: 2. Convolution"
    for selector in ("ul", "pre", "math"):
        deck.find(selector)
        body = deck.slide.locator(".deck-body")
        assert body.get_attribute("aria-live") == "polite"  # its steps are heard
        deck.slide.evaluate(
            "one => one.querySelectorAll('.deck-step').forEach((s) => s.className = '')"
        )
        assert axe_faults(deck.dialog) == [], deck.title


def test_for_paper_all_slides_stand_below_each_other(convolution):
    deck, page = convolution, convolution.page
    deck.start()
    deck.press("Home", "ArrowDown")
    count = deck.count
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert deck.slide.count() == count
    assert page.locator(".deck-step").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert (deck.slide.count(), deck.now) == (1, 2)


def test_printed_each_slide_is_a_page_as_wide_as_the_screen(open_page, site_file):
    page = open_page({"width": 1024, "height": 768})
    deck = Deck(page, f"{site_file}/chapters/three_directions.html#slides/4")
    deck.slide.wait_for()
    page.wait_for_function("!document.querySelector('.widget-text')")
    count, title = deck.count, deck.title
    pages = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages
    assert len(pages) == count
    box = pages[0].mediabox
    assert float(box.width / box.height) == pytest.approx(1024 / 768, abs=0.01)
    assert "convolution" in pages[0].extract_text()
    assert "What to remember" in pages[-1].extract_text()
    assert (deck.now, deck.title) == (4, title)


OVER = """async () => {
  await new Promise(requestAnimationFrame);
  const body = document.querySelector(".deck-body");
  return Math.max(body.scrollWidth - body.clientWidth, body.scrollHeight - body.clientHeight);
}"""


def test_a_widget_with_many_numbers_fits_each_screen(open_page, site_file):
    page = open_page(HALL)
    deck = Deck(page, f"{site_file}/chapters/channels.html#slides/1")
    deck.slide.wait_for()
    deck.find("[aria-label$='Three filters, three maps'] .sliding-kernel")
    assert page.evaluate(OVER) <= 1
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.evaluate(OVER) <= 1
    deck = Deck(page, f"{site_file}/chapters/backward_convolution.html#slides/1")
    deck.slide.wait_for()
    deck.find("[aria-label$='Channels and filters'] .backward")
    assert page.evaluate(OVER) <= 1


FAULTS = """() => {
  const faults = [], deck = document.querySelector(".deck");
  const press = (key) => deck.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const count = Number(deck.querySelector(".deck-count").textContent.split("/")[1]);
  for (let number = 1; number <= count; number++, press("ArrowDown")) {
    const slide = deck.querySelector(".deck-slide"), body = slide.querySelector(".deck-body");
    for (const one of [slide, body]) {
      const over = [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight];
      if (Math.max(...over) > 1) faults.push(`slide ${number}: ${over} pixels too large`);
    }
    if (!slide.matches(".deck-play") && !body.textContent.trim() && !body.querySelector("img"))
      faults.push(`slide ${number} is empty`);
    const size = parseFloat(getComputedStyle(body).fontSize);
    if (size < 16) faults.push(`slide ${number}: letters of ${size} pixels`);
    if ([...slide.querySelectorAll("a, [id]")].some((one) => !one.closest(".cnn-widget")))
      faults.push(`slide ${number} has links or names`);
  }
  if (count < 15) faults.push(`${count} slides`);
  return faults;
}"""


@pytest.fixture(scope="module")
def hall(browser):
    """One page, of four to three, for all chapters."""
    page = browser.new_page(viewport={"width": 1024, "height": 768})
    # Widgets are as large as there is room, by a test above; here they would take minutes.
    page.route(re.compile(r"/widgets/(?!shared|slides)"), lambda route: route.abort())
    yield page
    page.close()


@pytest.mark.parametrize("name", CHAPTERS)
def test_nothing_is_too_large_for_its_slide(hall, site_file, name):
    hall.goto(f"{site_file}/{name}.html#slides/1", wait_until="commit")
    hall.locator(".deck-slide").wait_for()
    assert hall.evaluate(FAULTS) == []


def test_slides_that_do_not_arrive_are_said_and_can_be_asked_for_again(browser, site):
    page = browser.new_page(service_workers="block")  # not watched: it is to miss a file
    page.route(file := re.compile("/slides.js"), lambda route: route.abort())
    page.goto(f"{site}/chapters/convolution.html")
    page.locator(".btn-slides-button").click()
    page.get_by_text("The slides cannot be shown: its script slides.js did not arrive").wait_for()
    page.unroute(file)
    page.locator(".btn-slides-button").click()
    page.locator(".deck-slide").wait_for()
    page.close()


def test_only_chapters_have_slides_and_no_page_loads_them_unasked(convolution, book):
    asked = []
    convolution.page.on("request", lambda one: asked.append(one.url))
    convolution.page.reload()
    convolution.page.wait_for_function("!document.querySelector('.widget-text')")
    page = convolution.page
    page.goto(f"{page.url.rpartition('/')[0]}/teaching.html#slides")  # a part of that page
    page.wait_for_load_state()
    assert not [url for url in asked if url.endswith("/slides.js")]
    for name in PAGES:
        text = (book / f"{name}.html").read_text("utf-8")
        assert ("btn-slides-button" in text) == (name in CHAPTERS), name
