"""How the pages look where readers see them otherwise: narrow, printed, translated, recolored."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

import cnnlib
from cnnlib import widgets
from tests.browser import OnPage, visit
from tests.test_pages import PAGES

pytest_plugins = ["tests.browser"]
VIEW = Path(cnnlib.__file__).parent / "widgets" / "shared" / "view"
PHONE, PROJECTOR = {"width": 390, "height": 844}, {"width": 1280, "height": 720}

STATE = re.compile(r'(?<=widget-state\+json">).*?(?=</script>)', re.DOTALL)
SHOWN = re.compile(r'<script type="[^"]*widget-view\+json">(.*?)</script>')


@pytest.fixture(scope="module")
def everything(book):
    """The chapter on convolution, and at its end each other kind of widget in each of its modes.

    How a widget looks depends on the widget and on what stands around it, which is alike in all
    chapters; so one page answers for all. Of the checks it has those of this chapter: they ask for
    a number, for a choice and for a grid. What depends on a page's own text is asked of every page
    in tests/test_pages.py.
    """
    host = (book / "chapters" / "convolution.html").read_text("utf-8")
    kinds = {("SlidingKernel", None), ("PhotoKernel", None)}
    states, views = json.loads(STATE.search(host)[0]), ""
    for name in PAGES:
        page = (book / f"{name}.html").read_text("utf-8")
        own = json.loads(STATE.search(page)[0])["state"] if SHOWN.search(page) else {}
        for view in SHOWN.finditer(page):
            state = own[json.loads(view[1])["model_id"]]["state"]
            kind = state["_anywidget_id"].split(".")[-1], state.get("mode")
            if kind[0] != "Check" and kind not in kinds:
                kinds.add(kind)
                views += f'<div class="cell_output">{view[0]}</div>'
                states["state"] |= own
    names = {name for name, _ in kinds}
    assert names == set(widgets.__all__) - {"Check", "Question"}
    scripts = "".join(f'<script src="../_static/widgets/{name}.js"></script>' for name in names)
    page = STATE.sub(lambda _: json.dumps(states), host)
    return page.replace("</article>", f"{scripts}{views}</article>")


DRAWN = """() => [...document.querySelectorAll(
    'script[type="application/vnd.jupyter.widget-view+json"]')].every(
    (view) => view.nextElementSibling?.querySelector(".cnn-widget"))"""


def wait_until_drawn(page):
    page.wait_for_function(DRAWN)
    page.wait_for_function("window.bootstrap")  # the menus' script, which comes last
    page.wait_for_function("!document.getAnimations().length")  # frames glide to their cells


@pytest.fixture
def show_everything(site, everything):
    """A function that shows the page with every widget, or draws the first of a selector anew."""
    url = f"{site}/chapters/everything.html"

    def show_everything(page, selector=None):
        if page.url != url:
            page.route(url, lambda route: route.fulfill(body=everything, content_type="text/html"))
            page.set_default_navigation_timeout(90_000)  # a busy machine draws all of it slowly
        if page.url != url or selector:
            visit(page, url, selector, selector and 0)
            wait_until_drawn(page)
        return page

    return show_everything


@pytest.fixture
def kept_page(keep, show_everything):
    """The page with every widget on a projector, opened once for all tests that leave it so."""
    with keep("looks", viewport=PROJECTOR) as page:
        page.set_viewport_size(PROJECTOR)
        yield show_everything(page)


@pytest.fixture
def kept_phone(keep, show_everything):
    """The same on a phone."""
    with keep("looks on a phone", viewport=PHONE, has_touch=True) as page:
        page.set_viewport_size(PHONE)
        yield show_everything(page)


def picture(part):
    """What is seen of an element, as (rows, columns, 3)."""
    return np.array(Image.open(io.BytesIO(part.screenshot())).convert("RGB")).astype(float)


def wait_for_a_frame(page):
    page.evaluate("new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))")


class Kernel(OnPage):
    chapter, selector = "convolution", ".sliding-kernel"


# --- narrow ---


def test_on_the_narrowest_phone_the_network_is_seen_above_what_is_asked_about(kept_phone):
    kept_phone.set_viewport_size({"width": 320, "height": 568})
    trace = kept_phone.locator(".network-trace").first
    trace.locator(".stage").evaluate("one => one.scrollIntoView()")
    dock = trace.locator(".dock").bounding_box()
    assert dock["height"] < 568 / 3


OUT_OF_DOCK = """async () => {
  const kinds = new Set(), faults = [];
  for (const dock of document.querySelectorAll(".cnn-widget .dock")) {
    const root = dock.closest(".cnn-widget"), kind = root.className;
    if (kinds.has(kind)) continue; // the first of each kind, as its chapter begins
    kinds.add(kind);
    const ticks = [...root.querySelectorAll("label")];
    const tick = ticks.find((one) => one.textContent.includes("Predict first"));
    tick?.click();
    await new Promise((next) => setTimeout(next));
    for (const part of [".sum, .written", ...(tick ? [".predict"] : [])]) {
      root.scrollIntoView({ block: "start", behavior: "instant" });
      const { top, bottom, height } = dock.querySelector(part).getBoundingClientRect();
      if (!height || top < 0 || bottom > innerHeight) faults.push(`${kind}: ${part}`);
    }
    if (dock.offsetHeight >= innerHeight / 2) faults.push(`${kind}: ${dock.offsetHeight} px`);
    tick?.click();
  }
  return [kinds.size, faults];
}"""


def test_on_a_phone_the_sum_and_the_question_stay_in_sight(kept_phone):
    kinds, faults = kept_phone.evaluate(OUT_OF_DOCK)
    assert faults == []
    assert kinds > 9


def test_what_has_the_focus_is_not_under_the_panel(kept_phone, show_everything):
    kept_phone.set_viewport_size({"width": 390, "height": 700})
    root = show_everything(kept_phone, ".sliding-kernel").locator(".sliding-kernel").first
    root.evaluate("one => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    cell = root.get_by_role("grid", name="Feature map").locator(".number").last
    cell.evaluate("one => { one.tabIndex = 0; one.focus(); }")
    dock = root.locator(".dock").bounding_box()
    box = cell.bounding_box()
    assert box["y"] + box["height"] <= dock["y"] + 1


def test_play_scrolls_to_what_is_lit_until_the_reader_scrolls(open_page, site):
    page = open_page({"width": 390, "height": 600}, has_touch=True, reduced_motion="reduce")
    page.clock.install()
    page.goto(f"{site}/chapters/convolution.html")
    page.wait_for_function(DRAWN)
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
    (".shift-explorer", "Image"),
    (".occlusion", "Image with the square"),
    (".pixel-drawing", "Drawing"),
    (".photo-kernel .photo", None),
    (".pixel-magnifier .photo", None),
    (".nudge-plot", None),
    (".activation-explorer .plot", None),
    (".race-map", None),
    (".sliding-kernel", "Image"),
]


@pytest.mark.parametrize(("selector", "label"), SWIPED)
def test_a_swipe_that_begins_on_a_drawing_scrolls_the_page(kept_phone, selector, label):
    page = kept_phone
    root = page.locator(selector).first
    drawing = root.get_by_role("grid", name=label) if label else root
    drawing.evaluate("one => one.scrollIntoView({ block: 'center', behavior: 'instant' })")
    texts, before = root.inner_html(), page.evaluate("scrollY")
    box = drawing.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = page.context.new_cdp_session(page)
    for kind, far in [("Start", 0), *(("Move", 30 * k) for k in range(1, 6)), ("End", None)]:
        points = [] if far is None else [{"x": at["x"], "y": at["y"] - far}]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    page.wait_for_function("before => scrollY > before + 100", arg=before)
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


def test_every_widget_fills_a_projector_with_larger_type_and_all_controls_in_sight(
    open_page, show_everything
):
    page, faults = show_everything(open_page(PROJECTOR)), {}
    # The first of each kind, as its chapter begins.
    found = reversed(page.query_selector_all(".cnn-widget"))
    roots = {root.get_attribute("class"): root for root in found}
    for kind, root in roots.items():
        # Alone, or each try of a size would lay out all the others, too.
        root.evaluate("one => document.querySelector('article').replaceChildren(one)")
        root.query_selector("button[aria-label='Fill the window']").click()
        dialog = page.get_by_role("dialog")
        scale = float(root.evaluate("one => one.style.getPropertyValue('--scale')"))
        if out := dialog.evaluate(OUT_OF_SIGHT):
            faults[kind] = out
        if scale < 1.05:
            faults[f"{kind}, type"] = scale
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")
    assert len(roots) >= 26
    assert faults == {}


def test_lines_between_numbers_meet_them_in_a_full_window(page, site):
    visit(page, f"{site}/chapters/forward.html")
    page.wait_for_function(DRAWN)
    page.locator(".network-trace").get_by_role("button", name="Fill the window").click()
    wait_for_a_frame(page)
    ends = """() => [...document.querySelectorAll("dialog .lines path")].map((path) => {
      const end = path.getPointAtLength(path.getTotalLength());
      const { x, y } = end.matrixTransform(path.getScreenCTM());
      return [x, y];
    })"""
    box = page.locator("dialog .number.current").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    found = page.evaluate(ends)
    page.keyboard.press("Escape")
    assert found
    for end in found:
        assert end == pytest.approx(middle, abs=2)


def test_escape_in_a_cell_leaves_the_cell_and_not_the_full_window(page, site):
    root = Kernel(page, site, index=0).root
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

PLACES = """() => [...document.querySelectorAll(".cnn-widget")].flatMap((root) => {
  const corner = root.getBoundingClientRect();
  const drawn = [...root.querySelectorAll("*")].filter((part) => part.getClientRects().length);
  return drawn.map((part) => part.getBoundingClientRect()).flatMap(
    (box) => [box.x - corner.x, box.y - corner.y]);
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
    assert mirrored == pytest.approx(before, abs=0.5)
    assert set(directions) == {"ltr"}


# --- recolored ---


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colors_pixels_keep_their_brightness(page, site, scheme):
    page.emulate_media(forced_colors="active", color_scheme=scheme)
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
    const choices = root.querySelectorAll("button[aria-pressed=false]:not(.full-window)");
    for (const choice of choices) choice.click();
  }
}"""
WRITTEN = """() => [...document.querySelectorAll(".cnn-widget")].map(
  (one) => one.innerText.replace(/\\s+/g, ""))"""


def use(page):
    """Use all widgets; what they say when nothing changes any more."""
    before = page.evaluate(WRITTEN)
    page.evaluate(USE)
    while before != (before := page.evaluate(WRITTEN)):
        page.wait_for_timeout(100)
    return before


def test_a_translated_page_writes_the_same_numbers(open_page, show_everything):
    page = show_everything(open_page())  # of its own: its text does not stay as it was
    given = page.evaluate(WRITTEN)
    used = use(page)
    assert used != given
    visit(page, page.url)
    wait_until_drawn(page)
    page.evaluate(TRANSLATE)
    assert page.locator("article font").count() > 20
    assert use(page) == used
    numbers = page.locator(":is(.number-grid, svg, .where) font")
    assert numbers.count() == 0


def choose_theme(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_the_map_of_the_race_dark_is_low(kept_page, scheme):
    page = kept_page
    choose_theme(page, scheme)
    race = page.locator(".optimizer-race").first
    assert "dark is low" in race.inner_text()
    seen = picture(race.locator(".race-map canvas")).mean(axis=2)
    rows, columns = seen.shape
    middle = seen[rows // 2 - 8 : rows // 2 + 8, columns // 2 - 8 : columns // 2 + 8]
    assert np.median(seen[:20, :20]) - np.median(middle) > 30


# --- an older browser ---


def test_an_older_browser_is_told_that_colors_are_missing(open_page, show_everything):
    page = open_page()
    page.add_init_script("CSS.supports = () => false")
    show_everything(page)
    texts = page.locator(".cnn-widget").all_inner_texts()
    assert [text for text in texts if "needs a browser of 2023 or later" not in text] == []


def test_a_browser_of_today_is_told_nothing(kept_page):
    texts = kept_page.locator(".cnn-widget").all_inner_texts()
    assert [text for text in texts if "2023" in text] == []


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


def print_page(page):
    """Make the page as it is when it is printed: A4 at 96 dots per inch, less the rim."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")


@pytest.fixture
def printed(kept_page):
    """The page with every widget as it is when it is printed."""
    print_page(kept_page)
    yield kept_page
    kept_page.evaluate("dispatchEvent(new Event('afterprint'))")


def test_a_printed_page_shows_its_solutions_and_nothing_over_a_number(printed):
    page = printed
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


def test_what_is_folded_with_all_it_prints_is_unfolded_on_paper_alone(kept_page):
    folds = kept_page.locator("article .tag_hide-cell > details")
    print_page(kept_page)
    shown = folds.locator(".cell_input, .cell_output").evaluate_all(
        """all => all.map((one) => [
          one.getBoundingClientRect().height, getComputedStyle(one.parentElement).opacity,
          getComputedStyle(one).animationName])"""
    )
    assert len(shown) > 2 and min(height for height, _, _ in shown) > 20
    # It would be printed as it is when it begins to fade in: invisible.
    assert {tuple(rest) for _, *rest in shown} == {("1", "none")}
    assert folds.locator("summary:visible").count() == 0
    kept_page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folds.evaluate_all("all => all.filter((one) => one.open).length") == 0


def test_a_dark_page_is_printed_light(kept_page):
    page = kept_page
    choose_theme(page, "dark")
    print_page(page)
    colors = page.eval_on_selector_all(
        "body, .cnn-widget, article pre, article p",
        """all => all.map((one) => getComputedStyle(one)).map((style) =>
             [style.color, style.backgroundColor].map((color) => color.match(/[\\d.]+/g).map(
               (part, i) => part * (color.startsWith("color") && i < 3 ? 255 : 1)))
           )""",
    )
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    for pair in colors:
        color, back = ([float(part) for part in parts] for parts in pair)
        assert luminance(color[:3]) < 0.3
        assert back[3:] in ([0], [0.1]) or luminance(back[:3]) > 0.8


def test_a_long_cell_begins_where_a_printed_page_has_room_and_ends_on_the_next(open_page, site):
    page = open_page()
    page.goto(f"{site}/chapters/detection.html")
    pages = [one.extract_text() for one in PdfReader(io.BytesIO(page.pdf(format="A4"))).pages]
    assert "import cnnlib" in pages[0]
    assert "def make(count, which, seed):" in pages[1]  # of the same cell
    listing = next(text for text in pages if "import inspect" in text)
    assert "def box_iou" in listing  # what it prints, which is longer than a page


def test_lines_between_numbers_stand_right_on_paper(printed):
    trace = printed.locator(".network-trace").first
    ends = """(root) => {
      const stage = root.querySelector(".stage").getBoundingClientRect();
      return [...root.querySelectorAll(".lines path")].map(
        (path) => path.getPointAtLength(path.getTotalLength())).map(
        ({ x, y }) => [x + stage.x, y + stage.y]);
    }"""
    cell = """(root) => {
      const box = root.querySelector(".number.current").getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    }"""
    to, found = trace.evaluate(cell), trace.evaluate(ends)
    assert found
    for end in found:
        assert end == pytest.approx(to, abs=1.5)


def test_a_phone_shows_46_letters_of_a_line_of_code(kept_phone):
    code = kept_phone.locator(".cell_input pre").first

    def hidden(letters):
        return code.evaluate(
            """(code, letters) => {
                code.textContent = "x".repeat(letters);
                return code.scrollWidth - code.clientWidth;
            }""",
            letters,
        )

    assert [hidden(46) > 0, hidden(60) > 0] == [False, True]
