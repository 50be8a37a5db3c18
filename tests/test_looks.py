"""How the pages look where readers see them otherwise: narrow, printed, translated, recolored."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnlib
from cnnlib import widgets
from tests.browser import OnPage, visit

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
VIEW = Path(cnnlib.__file__).parent / "widgets" / "shared" / "view"
NOTEBOOKS = sorted((ROOT / "chapters").glob("*.ipynb"))


def with_every_widget():
    """Few chapters that have every widget: always the one that adds most."""
    made = {
        path.stem: set(re.findall(r"\w+(?=\()", path.read_text("utf-8"))) & set(widgets.__all__)
        for path in NOTEBOOKS
    }
    missing, chapters = set(widgets.__all__), []
    while missing:
        chapters.append(max(made, key=lambda name: len(made[name] & missing)))
        assert made[chapters[-1]] & missing, f"no chapter has {missing}"
        missing -= made[chapters[-1]]
    return sorted(chapters)


DRAWN = """() => [...document.querySelectorAll(
    'script[type="application/vnd.jupyter.widget-view+json"]')].every(
    (view) => view.nextElementSibling?.querySelector(".cnn-widget"))"""


@pytest.fixture
def page(open_page):
    """A page of its own for each test: some change what a page cannot take back."""
    return open_page()


@pytest.fixture(scope="module", params=with_every_widget())
def chapter(request):
    return request.param


@pytest.fixture
def kept_page(keep, site, chapter):
    """A chapter's page, opened once for all tests that leave it as it was."""
    with keep("looks") as page:
        url = f"{site}/chapters/{chapter}.html"
        if page.url != url:
            visit(page, url)
            page.wait_for_function(DRAWN)
            page.wait_for_function(
                "!document.getAnimations().length"
            )  # frames glide to their cells
        yield page


def open_chapter(page, site, chapter):
    page.goto(f"{site}/chapters/{chapter}.html")
    page.wait_for_function(DRAWN)
    page.wait_for_function("window.bootstrap")  # the menus' script, which comes last
    return page


def picture(part):
    """What is seen of an element, as (rows, columns, 3)."""
    return np.array(Image.open(io.BytesIO(part.screenshot())).convert("RGB")).astype(float)


class Kernel(OnPage):
    chapter, selector = "convolution", ".sliding-kernel"


# --- narrow ---


def test_on_the_narrowest_phone_the_network_is_seen_above_what_is_asked_about(open_page, site):
    page = open_chapter(open_page({"width": 320, "height": 568}, has_touch=True), site, "forward")
    page.locator(".network-trace .stage").evaluate("one => one.scrollIntoView()")
    dock = page.locator(".network-trace .dock").bounding_box()
    assert dock["height"] < 568 / 3


SMALL = """() => [...document.querySelectorAll(".cnn-widget .number-grid")].map((grid) => {
  const cells = [...grid.querySelectorAll(".number")].filter((cell) => cell.checkVisibility());
  const sides = cells.map((cell) => cell.getBoundingClientRect()).map(
    ({ width, height }) => Math.min(width, height));
  return [grid.closest(".cnn-widget").className, Math.min(...sides)];
}).filter(([, side]) => side < 23.95)"""


def test_on_a_phone_every_cell_is_large_enough_for_a_finger(open_page, site, chapter):
    page = open_chapter(open_page({"width": 390, "height": 844}, has_touch=True), site, chapter)
    for width in (390, 360):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(SMALL) == []


DOCKED = {
    "backward_convolution": ".backward:not(.pooling-backward)",
    "backward_geometry": ".pooling-backward",
    "convolution": ".sliding-kernel",
    "dense": ".neurons",
    "fast_convolution": ".im2col",
    "forward": ".network-trace",
    "loss": ".logits",
    "pooling": ".pooling-explorer",
}
DOCKED = [
    *DOCKED.items(),
    *(("why_convolution", f".{n}") for n in ("shift-explorer", "pixel-shuffle")),
]
IN_SIGHT = """(one) => {
  const { top, bottom } = one.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}"""


@pytest.mark.parametrize(("name", "selector"), DOCKED)
def test_on_a_phone_the_sum_and_the_question_stay_in_sight(open_page, site, name, selector):
    page = open_chapter(open_page({"width": 390, "height": 844}, has_touch=True), site, name)
    root = page.locator(selector).first
    root.get_by_label("Predict first").check()
    for part in (".dock .sum, .dock .written", ".dock .predict"):
        root.evaluate("one => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
        assert root.locator(part).first.evaluate(IN_SIGHT), part
    assert root.locator(".dock").bounding_box()["height"] < 844 / 2


def test_what_has_the_focus_is_not_under_the_panel(open_page, site):
    page = open_chapter(
        open_page({"width": 390, "height": 700}, has_touch=True), site, "convolution"
    )
    root = page.locator(".sliding-kernel").first
    root.evaluate("one => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    cell = root.get_by_role("grid", name="Feature map").locator(".number").last
    cell.evaluate("one => { one.tabIndex = 0; one.focus(); }")
    dock = root.locator(".dock").bounding_box()
    box = cell.bounding_box()
    assert box["y"] + box["height"] <= dock["y"] + 1


def test_play_scrolls_to_what_is_lit_until_the_reader_scrolls(open_page, site):
    page = open_page({"width": 390, "height": 600}, has_touch=True, reduced_motion="reduce")
    page.clock.install()
    open_chapter(page, site, "convolution")
    root = page.locator(".sliding-kernel").first
    current = root.get_by_role("grid", name="Feature map").locator(".current")
    range = root.get_by_label("Position of the kernel")
    range.fill("11")
    root.evaluate("one => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    limit = root.locator(".dock").bounding_box()["y"]
    assert current.bounding_box()["y"] > limit - 30
    root.get_by_role("button", name="Play").click()
    page.clock.run_for(1000)
    box = current.bounding_box()
    assert 0 < box["y"] < root.locator(".dock").bounding_box()["y"] - box["height"]
    page.evaluate("dispatchEvent(new WheelEvent('wheel')); scrollBy(0, -800)")
    before = page.evaluate("scrollY")
    page.clock.run_for(1000)
    assert page.evaluate("scrollY") == before


SWIPED = [
    ("why_convolution", ".shift-explorer", "Image"),
    ("what_did_it_learn", ".occlusion", "Image with the square"),
    ("images", ".pixel-drawing", "Drawing"),
    ("images", ".pixel-magnifier .photo", None),
    ("gradients", ".nudge-plot", None),
    ("activations", ".activation-explorer .plot", None),
    ("optimizers", ".race-map", None),
    ("convolution", ".sliding-kernel", "Image"),
]


@pytest.mark.parametrize(("name", "selector", "label"), SWIPED)
def test_a_swipe_that_begins_on_a_drawing_scrolls_the_page(open_page, site, name, selector, label):
    page = open_chapter(open_page({"width": 390, "height": 844}, has_touch=True), site, name)
    root = page.locator(selector).first
    drawing = root.get_by_role("grid", name=label) if label else root
    drawing.evaluate("one => one.scrollIntoView({ block: 'center', behavior: 'instant' })")
    texts, before = root.inner_html(), page.evaluate("scrollY")
    box = drawing.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = page.context.new_cdp_session(page)
    for kind, far in [("Start", 0), *(("Move", 10 * k) for k in range(1, 16)), ("End", None)]:
        points = [] if far is None else [{"x": at["x"], "y": at["y"] - far}]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") > before + 100
    assert root.inner_html() == texts


# --- full window ---

OUT_OF_SIGHT = """(dialog) => {
  const folded = ".visually-hidden, details:not([open]) > :not(summary)";
  const seen = (one) => one.checkVisibility() && !one.closest(folded);
  const controls = [...dialog.querySelectorAll("button, select, input, summary")].filter(seen);
  const out = controls.filter((one) => {
    const box = one.getBoundingClientRect();
    for (let host = one.parentElement; host !== dialog; host = host.parentElement)
      if (/auto|scroll/.test(getComputedStyle(host).overflow)) return false; // it scrolls by itself
    const beyond = [box.right - innerWidth, box.bottom - innerHeight];
    return Math.max(-box.left, -box.top, ...beyond) > 1;
  });
  return out.map((one) => one.getAttribute("aria-label") ?? one.textContent);
}"""


def test_every_widget_fills_a_projector_with_larger_type_and_all_controls_in_sight(kept_page):
    page = kept_page
    page.set_viewport_size({"width": 1280, "height": 720})
    faults = {}
    for kind in {one.get_attribute("class") for one in page.locator(".cnn-widget").all()}:
        root = page.locator(f".{kind.replace(' ', '.')}").first
        root.get_by_role("button", name="Fill the window").click()
        dialog = page.get_by_role("dialog")
        scale = float(root.evaluate("one => one.style.getPropertyValue('--scale')"))
        if out := dialog.evaluate(OUT_OF_SIGHT):
            faults[kind] = out
        if scale < 1.05:
            faults[f"{kind}, type"] = scale
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
    page.set_viewport_size({"width": 1440, "height": 900})
    assert faults == {}


def test_lines_between_numbers_meet_them_in_a_full_window(open_page, site):
    page = open_chapter(open_page({"width": 1280, "height": 720}), site, "forward")
    page.locator(".network-trace").get_by_role("button", name="Fill the window").click()
    page.wait_for_timeout(100)
    ends = """() => [...document.querySelectorAll(".network-trace .lines path")].map((path) => {
      const end = path.getPointAtLength(path.getTotalLength());
      const { x, y } = end.matrixTransform(path.getScreenCTM());
      return [x, y];
    })"""
    box = page.locator(".network-trace .number.current").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    found = page.evaluate(ends)
    assert found
    for end in found:
        assert end == pytest.approx(middle, abs=2)


def test_escape_in_a_cell_leaves_the_cell_and_not_the_full_window(open_page, site):
    page = open_chapter(open_page({"width": 1280, "height": 720}), site, "convolution")
    root = page.locator(".sliding-kernel").first
    root.get_by_role("button", name="Fill the window").click()
    cell = root.get_by_role("grid", name="Image").locator(".number").nth(8)
    cell.click()
    assert cell.locator("input").count() == 1
    page.keyboard.press("Escape")
    assert cell.locator("input").count() == 0
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert cell.evaluate("one => one === document.activeElement")


# --- from right to left ---

PLACES = """() => [...document.querySelectorAll(".cnn-widget")].map((root) => {
  const corner = root.getBoundingClientRect();
  const drawn = [...root.querySelectorAll("*")].filter((part) => part.getClientRects().length);
  return drawn.map((part) => part.getBoundingClientRect()).map(
    (box) => [box.x - corner.x, box.y - corner.y].map(Math.round).join());
})"""


def test_a_page_that_is_read_from_right_to_left_mirrors_no_picture_and_no_number(
    kept_page,
):
    page, before = kept_page, None
    while before != (before := page.evaluate(PLACES)):  # until nothing moves any more
        page.wait_for_timeout(100)
    page.evaluate("document.documentElement.dir = 'rtl'")
    mirrored = page.evaluate(PLACES)
    # Formulas are left out of these pages, but not the elements that they are set into.
    directions = page.eval_on_selector_all(
        "article :is(pre, code, .math)", "all => all.map((one) => getComputedStyle(one).direction)"
    )
    page.evaluate("document.documentElement.dir = ''")
    assert mirrored == before
    assert set(directions) == {"ltr"}


# --- recolored ---


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colors_pixels_keep_their_brightness(open_page, site, scheme):
    page = open_page(forced_colors="active", color_scheme=scheme)
    widget = Kernel(page, site, index=0)
    widget.grid("Image").scroll_into_view_if_needed()
    bright, dark = [widget.cell("Image", *place) for place in ((3, 2), (2, 5))]
    assert (bright.inner_text(), dark.inner_text()) == ("7", "0")
    assert np.median(picture(bright)) - np.median(picture(dark)) > 150


PRESSED = ".cnn-widget [aria-pressed=true]"
MARKED = """(all) => all.flatMap((pressed) => {
  const other = pressed.closest(".cnn-widget").querySelector("[aria-pressed=false]");
  const look = (one) => {
    const style = getComputedStyle(one);
    return [style.backgroundColor, style.color, style.outline, style.borderColor].join();
  };
  return other && look(other) === look(pressed) ? [pressed.outerHTML] : [];
})"""


def test_in_forced_colors_a_pressed_button_and_a_bar_are_seen(kept_page):
    page = kept_page
    page.emulate_media(forced_colors="active")
    assert page.eval_on_selector_all(PRESSED, MARKED) == []
    invisible = page.eval_on_selector_all(
        ".cnn-widget :is(.bar .fill, .playback-bar, td > .bar, .race-key, .nudge-key)",
        """all => all.filter((one) => {
             const own = getComputedStyle(one), under = getComputedStyle(one.parentElement);
             return own.backgroundColor === under.backgroundColor && own.borderTopWidth === "0px";
           }).map((one) => one.outerHTML)""",
    )
    assert invisible == []


# --- translated ---

# Chrome's translator puts each text into two elements, but for those that say not to.
TRANSLATE = """() => {
  const all = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  const texts = [];
  while (all.nextNode()) texts.push(all.currentNode);
  for (const text of texts) {
    const parent = text.parentElement, kept = "[translate=no], .notranslate, script, style, option";
    if (!text.data.trim() || parent.closest(kept)) continue;
    const [outer, inner] = [document.createElement("font"), document.createElement("font")];
    text.replaceWith(outer);
    outer.append(inner);
    inner.append(text);
  }
}"""
USE = """() => {
  for (const root of document.querySelectorAll(".cnn-widget")) {
    const cell = root.querySelector(".editable .number:not(.padding)");
    cell?.click();
    const input = cell?.querySelector("input");
    if (input) {
      input.value = "5";
      input.dispatchEvent(new Event("input"));
      input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    }
    root.querySelector("[aria-label='Step forward']")?.click();
    for (const press of root.querySelectorAll("button[aria-pressed=false]")) press.click();
  }
  const read = () => [...document.querySelectorAll(".cnn-widget")].map(
    (one) => one.innerText.replace(/\\s+/g, ""));
  return new Promise((done) => setTimeout(() => done(read()), 100));
}"""


def test_a_translated_page_writes_the_same_numbers(kept_page):
    """The last of a chapter's tests: its text does not stay as it was."""
    page = kept_page
    used = page.evaluate(USE)
    visit(page, page.url)
    page.wait_for_function(DRAWN)
    page.evaluate(TRANSLATE)
    assert page.locator("article font").count() > 20
    assert page.evaluate(USE) == used
    numbers = page.locator(":is(.number-grid, svg, .where) font")
    assert numbers.count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_the_map_of_the_race_dark_is_low(open_page, site, scheme):
    page = open_chapter(open_page(color_scheme=scheme), site, "optimizers")
    race = page.locator(".optimizer-race").first
    assert "dark is low" in race.inner_text()
    seen = picture(race.locator(".race-map canvas")).mean(axis=2)
    rows, columns = seen.shape
    middle = seen[rows // 2 - 8 : rows // 2 + 8, columns // 2 - 8 : columns // 2 + 8]
    assert np.median(seen[:20, :20]) - np.median(middle) > 30


# --- an older browser ---


def test_an_older_browser_is_told_that_colors_are_missing(page, site):
    page.add_init_script("CSS.supports = () => false")
    open_chapter(page, site, "convolution")
    texts = page.locator(".cnn-widget").all_inner_texts()
    assert [text for text in texts if "needs a browser of 2023 or later" not in text] == []


def test_a_browser_of_today_is_told_nothing(page, site):
    open_chapter(page, site, "convolution")
    assert "2023" not in page.locator(".cnn-widget").first.inner_text()


# --- pixels ---


def luminance(color):
    """The relative luminance of the Web Content Accessibility Guidelines 2.2."""
    light = np.array(color) / 255
    linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.fixture(scope="module")
def painted(open_module):
    """The 256 cells of a tone: (background, color), as written into their styles."""
    page = open_module(VIEW / "grid.js", "gridModule")
    draw = """(tone) => {
      const one = gridModule.grid({ label: "", tone });
      one.update([Array.from({ length: 256 }, (_, i) => i)], { range: [0, 255] });
      const cells = [...one.element.querySelectorAll(".number")];
      return cells.map(({ style }) => [style.backgroundColor, style.color]);
    }"""
    names = {"rgb(255, 255, 255)": [255] * 3, "rgb(0, 0, 0)": [0] * 3}

    def painted(tone):
        cells = page.evaluate(draw, tone)
        rgb = [[int(part) for part in re.findall(r"\d+", back)] for back, _ in cells]
        return [(back, names[color]) for back, (_, color) in zip(rgb, cells, strict=True)]

    return painted


@pytest.mark.parametrize("tone", ["gray", "red", "green", "blue"])
def test_on_every_brightness_a_number_can_be_read(painted, tone):
    cells = painted(tone)
    light = np.array([[luminance(back), luminance(text)] for back, text in cells])
    contrasts = (light.max(axis=1) + 0.05) / (light.min(axis=1) + 0.05)
    assert contrasts.min() >= 4.5
    assert (np.diff(light[:, 0]) >= 0).all()
    assert light[0, 0] == 0
    # Black digits at one end and white ones at the other, never to and fro.
    turns = np.count_nonzero(np.diff(light[:, 1]))
    assert turns == (1 if tone in ("gray", "green") else 0)


def backgrounds(widget, label="Image"):
    cells = widget.grid(label).locator(".number:not(.padding)")
    return cells.evaluate_all("all => all.map((one) => one.style.backgroundColor)")


def test_a_pixel_brighter_than_white_is_marked_and_the_others_keep_their_light(page, site):
    widget = Kernel(page, site, index=0)
    before = backgrounds(widget)
    cell = widget.cell("Image", 1, 1)
    widget.edit(cell, "90")
    assert backgrounds(widget)[1:] == before[1:]
    assert backgrounds(widget)[0] == "rgb(255, 255, 255)"
    assert cell.get_attribute("title") == "90 is brighter than white, which is 9"
    widget.edit(cell, "-4")
    assert backgrounds(widget)[1:] == before[1:]
    assert backgrounds(widget)[0] == "rgb(0, 0, 0)"
    assert cell.get_attribute("title") == "−4 is darker than black, which is 0"
    assert page.locator(".number.beyond-range").count() == 1
    widget.edit(cell, "9")
    assert cell.get_attribute("title") is None
    assert page.locator(".number.beyond-range").count() == 0


# --- printed ---


def printed(page):
    """The page as it is when it is printed: A4 at 96 dots per inch, less the rim."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    return page


@pytest.mark.parametrize("chapter", ["convolution", "forward", "dense"])
def test_a_printed_page_shows_its_solutions_and_nothing_over_a_number(page, site, chapter):
    printed(open_chapter(page, site, chapter))
    heights = page.eval_on_selector_all(
        ".solution", "all => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert len(heights) > 2
    assert min(heights) > 100
    assert page.locator("article details:not([open]):visible").count() == 0
    positions = page.eval_on_selector_all(
        "article *", "all => all.map((one) => getComputedStyle(one).position)"
    )
    assert not {"sticky", "fixed"} & set(positions)
    # A background that has a meaning is printed although browsers leave backgrounds out.
    cell = page.locator(".cnn-widget .number").first
    assert cell.evaluate("one => getComputedStyle(one).printColorAdjust") == "exact"


@pytest.mark.parametrize("chapter", ["convolution", "optimizers", "training"])
def test_a_dark_page_is_printed_light(open_page, site, chapter):
    page = open_chapter(open_page(color_scheme="dark"), site, chapter)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    printed(page)
    colors = page.eval_on_selector_all(
        "body, .cnn-widget, article pre, article p",
        """all => all.map((one) => getComputedStyle(one)).map((style) =>
             [style.color, style.backgroundColor].map((color) => color.match(/[\\d.]+/g))
           )""",
    )
    for pair in colors:
        color, back = ([float(part) for part in parts] for parts in pair)
        assert luminance(color[:3]) < 0.3
        assert back[3:] in ([0], [0.1]) or luminance(back[:3]) > 0.8


def test_lines_between_numbers_stand_right_on_paper(page, site):
    ends = """() => {
      const stage = document.querySelector(".network-trace .stage").getBoundingClientRect();
      const paths = [...document.querySelectorAll(".network-trace .lines path")];
      return paths.map((path) => path.getPointAtLength(path.getTotalLength())).map(
        ({ x, y }) => [x + stage.x, y + stage.y]);
    }"""
    cell = """() => {
      const box = document.querySelector(".network-trace .number.current").getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    }"""
    printed(open_chapter(page, site, "forward"))
    to = page.evaluate(cell)
    for end in page.evaluate(ends):
        assert end == pytest.approx(to, abs=1.5)


def test_a_phone_shows_46_letters_of_a_line_of_code(phone, site):
    phone.goto(f"{site}/chapters/convolution.html")
    code = phone.locator(".cell_input pre").first

    def hidden(letters):
        return code.evaluate(
            """(code, letters) => {
                code.textContent = "x".repeat(letters);
                return code.scrollWidth - code.clientWidth;
            }""",
            letters,
        )

    assert [hidden(46) > 0, hidden(60) > 0] == [False, True]
