"""Every kind of widget, and what a page does around them, in the engine that ENGINE names.

So few pages that Firefox and WebKit can open them at each change. All is asked for with the four
words that Playwright and tests/webdriver.py share.
"""

import os
import re

import pytest

from cnnlib import widgets
from cnnlib.widgets import SlidingKernel
from tests import webdriver
from tests.browser import ENGINE, QuietHandler, address, serve

pytest_plugins = ["tests.browser"]

# Together they have every widget.
PAGES = """activations autograd backward_geometry better_training channels color counting dense
detection digits fast_convolution forward gradient_check gradients honest_answers images
normalization optimizers playground pooling shapes training what_did_it_learn
why_convolution""".split()

# With "?keep" behind its address, a page finds what one before it has kept.
LISTEN = b"""<head><script>
if (location.search !== "?keep") localStorage.clear();
delete Navigator.prototype.serviceWorker;
globalThis.faults = [];
const report = console.error;
console.error = (...all) => (faults.push(`console: ${all.join(" ")}`), report(...all));
addEventListener("error", ({ message, target }) => {
  if (message?.startsWith("ResizeObserver loop")) return; // the rest comes with the next frame
  faults.push(message ? `script: ${message}` : `did not come: ${target.src ?? target.href}`);
}, true);
addEventListener("unhandledrejection", ({ reason }) => faults.push(`promise: ${reason}`));
</script>"""


class Listening(QuietHandler):
    """No driver of WebKit tells what the console says; here the page keeps it itself."""

    def do_GET(self):
        name = self.translate_path(self.path.partition("?")[0])
        if not name.endswith(".html") or not os.path.exists(name):
            return super().do_GET()
        with open(name, "rb") as file:
            page = file.read().replace(b"<head>", LISTEN, 1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


class InPlaywright:
    def __init__(self, page):
        self.page = page

    def open(self, url):
        self.page.goto(url)

    def resize(self, width, height):
        self.page.set_viewport_size({"width": width, "height": height})

    def run(self, function, *given):
        return self.page.evaluate(f"given => ({function})(...given)", given)

    def click(self, selector):
        self.page.locator(selector).first.click()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)


@pytest.fixture(scope="module")
def tab(request):
    try:
        browser = request.getfixturevalue("browser")
    except pytest.skip.Exception:
        if not webdriver.DRIVER:
            raise
        with webdriver.webkit() as session:
            yield session
    else:
        context = browser.new_context()
        yield InPlaywright(context.new_page())
        context.close()


@pytest.fixture(scope="module")
def listening(book):
    with serve(book, Listening) as server:
        yield address(server)
        server.shutdown()


DRAWN = """async () => {
  const views = [...document.querySelectorAll('script[type*="widget-view"]')];
  const drawn = (view) => view.nextElementSibling?.matches(".widget-failed, :has(.cnn-widget)");
  for (const end = performance.now() + 30000; !views.every(drawn) || document.readyState !== "complete"; )
    if (performance.now() > end) throw new Error("the widgets were not drawn within 30 seconds");
    else await new Promise((next) => setTimeout(next, 20));
}"""  # noqa: E501


@pytest.fixture
def open_page(tab, listening):
    """A function that opens a page and waits for its widgets; what was wrong is told at the end."""

    def open_page(name, width=1200):
        tab.resize(width, 900)
        tab.open(f"{listening}/{name}")
        tab.run(DRAWN)

    yield open_page
    assert tab.run("() => faults") == []


LOOKS = """async () => {
  const wrong = [...document.querySelectorAll(".widget-failed, .widget-text")]
    .map((one) => one.innerText);
  for (const one of document.querySelectorAll(".cnn-widget")) {
    if (/\\bNaN\\b|undefined/.test(one.innerText)) wrong.push(`${one.className}: no numbers`);
    if (one.getBoundingClientRect().height < 40) wrong.push(`${one.className}: nothing to see`);
    const paper = getComputedStyle(one).getPropertyValue("--paper");
    if (!paper) wrong.push(`${one.className}: no style`);
  }
  for (const one of document.querySelectorAll("article math"))
    if (one.checkVisibility() && one.getBoundingClientRect().height < 5)
      wrong.push("a flat formula");
  for (const one of document.images)
    if (!one.complete || !one.naturalWidth) wrong.push(`no picture: ${one.src}`);
  const { documentElement: all, body } = document, wide = () => all.scrollWidth - all.clientWidth;
  for (let n = 0; wide() > 0 && n < 20; n++) {
    await new Promise((next) => setTimeout(next, 100));
    body.hidden = true; // Chromium may keep the width of what was there in a transition
    all.getBoundingClientRect();
    body.hidden = false;
  }
  if (wide() > 0) wrong.push(`the page scrolls ${wide()} px sideways`);
  return wrong;
}"""

# Moves all that can be moved in one widget of each kind, and resets it.
MOVED = """async () => {
  const wrong = [], kinds = new Map(), frame = () => new Promise(requestAnimationFrame);
  for (const root of document.querySelectorAll(".cnn-widget"))
    if (!kinds.has(root.classList[1])) kinds.set(root.classList[1], root);
  for (const [kind, root] of kinds) {
    const all = (selector) => root.querySelectorAll(selector);
    const change = (one) => {
      for (const type of ["input", "change"]) one.dispatchEvent(new Event(type, { bubbles: true }));
    };
    let changes = 0;
    const watch = new MutationObserver(() => changes++);
    watch.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    const [ranges, steps] = [all("input[type=range]:enabled"), all("[aria-label='Step forward']:enabled")];
    for (const one of ranges) {
      one.value = one.value === one.max ? one.min : one.max;
      change(one);
    }
    for (const one of steps) one.click();
    await frame();
    await frame();
    // The playground answers when its worker does; that is another test.
    if (ranges.length + steps.length && !changes && kind !== "playground")
      wrong.push(`${kind}: nothing moved`);
    for (const one of all("select:enabled")) {
      one.value = [...one.options].findLast((option) => !option.disabled && !option.hidden).value;
      change(one);
    }
    for (const one of all(":is([type=checkbox], [type=radio]):enabled")) one.click();
    await frame();
    await frame();
    if (/\\bNaN\\b|undefined/.test(root.innerText)) wrong.push(`${kind}: no numbers`);
    for (const one of all("button")) if (one.textContent === "Reset") one.click();
  }
  return wrong;
}"""  # noqa: E501


# In Chromium the widgets' own tests open them all.
@pytest.mark.parametrize("name", PAGES[:2] if ENGINE == "chromium" else PAGES)
def test_every_kind_of_widget_is_drawn_and_moves(open_page, tab, name):
    open_page(f"chapters/{name}.html")
    assert tab.run(LOOKS) == []
    assert tab.run(MOVED) == []
    tab.resize(447, 900)
    open_page(f"chapters/{name}.html")
    assert tab.run(LOOKS) == []


def test_the_pages_have_every_widget(book):
    found = set()
    for name in PAGES:
        page = (book / f"chapters/{name}.html").read_text("utf-8")
        found |= set(re.findall(r'"_anywidget_id": ?"[\w.]*\.(\w+)"', page))
    assert found == set(widgets.__all__) - {"Question"}


@pytest.fixture
def text(tab):
    """A function: the words of the first element that a selector finds."""
    words = "(selector) => document.querySelector(selector).innerText.trim()"
    return lambda selector: tab.run(words, selector)


PRESS = """(root, name) => [...document.querySelectorAll(`${root} button`)].find(
  (one) => [one.textContent, one.ariaLabel].includes(name)).click()"""
WAIT = """async (selector, words) => {
  const there = () => document.querySelector(selector)?.textContent.includes(words);
  for (const end = performance.now() + 20000; !there(); ) {
    if (performance.now() > end) throw new Error(`there is no ${words} in ${selector}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}"""


def test_a_step_a_typed_number_and_an_arrow_change_the_sum(open_page, tab, text):
    open_page("chapters/convolution.html")
    root = ".sliding-kernel"
    tab.click(f"{root} [aria-label='Step forward']")
    assert text(f"{root} .sum").endswith("7·1 + 2·0 + 6·(−1) + 2 = 8")
    tab.click(f"{root} [aria-label=Image] [data-row='3'][data-column='2']")
    tab.press("9", "Enter")
    assert text(f"{root} .sum").endswith(f"9·1 + 2·0 + 6·(−1) + 2 = {8 + 9 - 7}")
    tab.click(f"{root} [aria-label='Feature map'] [data-row='0'][data-column='0']")
    assert text(f"{root} .where") == "1 / 16"
    tab.press("ArrowRight")
    assert text(f"{root} .where") == "2 / 16"


def test_f_fills_the_window_and_escape_leaves_it(open_page, tab):
    open_page("chapters/convolution.html")
    tab.click(".sliding-kernel [aria-label=Image] [data-row='0'][data-column='0']")
    tab.press("Escape", "f")
    full = "() => Boolean(document.querySelector('dialog[open] .sliding-kernel'))"
    assert tab.run(full)
    tab.press("Escape")
    assert not tab.run(full)


def test_a_clicker_goes_through_the_slides_and_their_steps(open_page, tab, text):
    open_page("chapters/convolution.html")
    tab.click(".btn-slides-button")
    tab.run(WAIT, ".deck-count", "1 / ")
    tab.press("PageDown", "Enter")
    assert text(".deck-count").startswith("3 / ")
    tab.click(".deck-chapter")  # a click on nothing takes the keys from nobody
    tab.press("PageUp")
    assert text(".deck-count").startswith("2 / ")
    tab.click("[title^='Full screen']")
    tab.run("""async () => {
      while (!document.fullscreenElement) await new Promise((next) => setTimeout(next, 20));
      await document.exitFullscreen();
    }""")
    tab.press("End", "Escape")
    assert not tab.run("() => Boolean(document.querySelector('.deck') || location.hash)")


def test_an_answer_is_judged_marked_and_kept(open_page, tab, text):
    open_page("chapters/pooling.html")
    tab.click(".check input")
    tab.press(*str((28 - 3) // 2 + 1), "Enter")
    assert text(".check [role=status]") == "Right."
    mark = ".bd-sidebar .done-mark"
    tab.run(WAIT, mark, "1/")
    of = text(mark)
    open_page("chapters/pooling.html?keep")
    tab.run(WAIT, mark, of)
    tab.run(WAIT, ".solved-mark", "")


def test_a_link_brings_the_state_of_its_widget(open_page, tab, listening):
    link = SlidingKernel(position=2).link(chapter="convolution", book=listening)
    open_page(link.removeprefix(f"{listening}/"))
    tab.run(WAIT, ".sliding-kernel .where", "3 / 16")


THEME = """() => {
  const { color, backgroundColor } = getComputedStyle(document.querySelector(".check"));
  const light = (color) => Math.max(...color.match(/[\\d.]+/g).slice(0, 3));
  return [light(color), light(backgroundColor)];
}"""


def test_dark_is_dark_and_paper_is_white_and_has_all_that_is_folded(open_page, tab):
    open_page("chapters/convolution.html")
    theme = "() => document.documentElement.dataset.theme"
    for _ in range(3):
        if tab.run(theme) != "dark":
            tab.click(".theme-switch-button")
    ink, paper = tab.run(THEME)
    assert tab.run(theme) == "dark" and ink > 180 and paper < 70
    folded = "() => document.querySelectorAll('.tag_hide-cell > details:not([open])').length"
    before = tab.run(folded)
    assert before
    tab.run("() => dispatchEvent(new Event('beforeprint'))")
    ink, paper = tab.run(THEME)
    assert tab.run(theme) == "light" and ink < 90 and paper > 240
    assert tab.run(folded) == 0
    tab.run("() => dispatchEvent(new Event('afterprint'))")
    assert tab.run(theme) == "dark" and tab.run(folded) == before


def test_a_network_learns_beside_the_page(open_page, tab):
    open_page("chapters/playground.html")
    tab.run("() => document.querySelector('.playground').scrollIntoView()")
    tab.run(WAIT, ".playground .where", "epoch 0")
    tab.run(PRESS, ".playground", "One epoch")
    tab.run(WAIT, ".playground .where", "epoch 1")
