"""A pytest plugin: the built book in a real browser that reaches no other host.

Load it in a test module with `pytest_plugins = ["tests.browser"]`. Its fixtures:

browser       one browser for the whole run: of the engine that ENGINE names, else Chromium
site          address of the built book over http on localhost, without the last slash
site_file     the same, from disk: file:///.../_build/html
open_page     open_page(viewport=..., **options) gives a page as below; for special settings
page          a desktop's page, 1440 x 900
phone         a phone's page, 390 x 844, touch, two device pixels to one
open_module   open_module(path, name): a page in which that script's exports are `name`
axe_faults    axe_faults(part): what axe-core finds wrong in a locator, light and dark

`OnPage` drives one widget of such a page; a test module says which, and adds what only it has.

The browser finds no other host. When the test ends it fails if one was tried, if the
console reported an error (a missing file is one), or if a script raised. Opening costs most of a
test's time, so `page` and `phone` stay open from test to test, unless the test is marked
`whole_page`, and `visit` draws the widgets of an open page anew. A test that changes what a page
cannot take back (a script at its start, its size, its speed) uses `open_page`.
"""

import functools
import os
import re
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Touchscreen, sync_playwright

from cnnlib.widgets.widget import script
from tools.browser import executable, launch

ENGINE = os.environ.get("ENGINE", "chromium")
BOOK = Path(__file__).parents[1] / "_build" / "html"


class QuietHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # one connection for all files of a page

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def book():
    """The folder of the built book."""
    assert (BOOK / "index.html").exists(), "the book is not built: run `make book`"
    return BOOK


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a browser that leaves before the answer is no fault


def serve(folder, handler=QuietHandler):
    """A server for a folder, at work until its `shutdown`."""
    handler = functools.partial(handler, directory=folder)
    server = QuietServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def address(server):
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="session")
def site(book):
    with serve(book) as server:
        yield address(server)
        server.shutdown()


@pytest.fixture(scope="session")
def site_file(book):
    return book.as_uri()


MEDIA = {"color_scheme", "reduced_motion", "forced_colors"}
LACKING = [
    (Browser, "new_context", {"java_script_enabled", *MEDIA}),
    (BrowserContext, "new_cdp_session", None),
    (BrowserContext, "set_offline", None),
    (Page, "emulate_media", {"media", *MEDIA}),
    (Page, "expect_download", None),
    (Page, "pdf", None),
    (Page, "tap", None),
    (Locator, "tap", None),
    (Touchscreen, "tap", None),
]
USUAL = {"screen", "light", "none"}


def skip_what_is_lacking(patch):
    """Let what Playwright cannot do with Debian's Firefox skip the test that asks for it."""

    def refusing(own, name, options):
        def method(self, *args, **given):
            asked = {key for key in given if key in (options or ()) and given[key] not in USUAL}
            if asked or options is None:
                pytest.skip(
                    f"Playwright lacks {name}({', '.join(sorted(asked))}) with this Firefox"
                )
            given.pop("has_touch", None)  # there a phone is a narrow window: what taps is skipped
            return own(self, *args, **given)

        return method

    for kind, name, options in LACKING:
        patch.setattr(kind, name, refusing(getattr(kind, name), name, options))
    patch.setattr(Locator, "fill", typing(Locator.fill))
    patch.setattr(Page, "go_back", lambda page: travel(page, -1))
    patch.setattr(Page, "go_forward", lambda page: travel(page, 1))


def travel(page, by):
    """Go through a page's history; this Firefox does not tell Playwright that it went."""
    before = page.evaluate("location.href")
    page.evaluate("by => history.go(by)", by)
    page.wait_for_function("before => location.href !== before", arg=before)


def typing(fill):
    """Type what is to be filled in: after this Firefox's `fill` no change is reported."""

    def type(field, text, **given):
        if not field.evaluate("one => one.matches('textarea, input:not([type=range])')", **given):
            return fill(field, text, **given)
        field.press("ControlOrMeta+a", **given)
        if text:
            field.press_sequentially(text, **given)
        else:
            field.press("Delete", **given)

    return type


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        if ENGINE != "chromium" and not executable(playwright, ENGINE):
            pytest.skip(f"this needs Playwright's {ENGINE}: python -m tools.browser {ENGINE}")
        browser = launch(playwright, ENGINE)
        with pytest.MonkeyPatch.context() as patch:
            if ENGINE == "firefox" and not Path(playwright.firefox.executable_path).exists():
                skip_what_is_lacking(patch)
            yield browser
        browser.close()


DESKTOP = {"width": 1440, "height": 900}

# Draws widgets of a page from their stored states, as if it had just been opened: all of them, or
# those that a selector finds, or one of these, by its index. Views of one model are drawn together.
AGAIN = """async ([selector, index]) => {
  for (const storage of [localStorage, sessionStorage]) storage.clear();
  delete Navigator.prototype.serviceWorker; // or all files would be kept again, for nothing
  document.querySelectorAll("button[aria-label=Pause]").forEach((button) => button.click());
  document.activeElement.blur();
  scrollTo(0, 0);
  const views = [...document.querySelectorAll('script[type*="widget-view"]')];
  const found = [...document.querySelectorAll(selector ?? ".cnn-widget")];
  const asked = new Set(index === null ? found : [found.at(index)]);
  const holds = (view) => [...asked].some((root) => view.nextElementSibling.contains(root));
  const models = new Set(views.filter(holds).map((view) => view.textContent));
  const type = views[0]?.type;
  for (const view of views) {
    if (selector && !models.has(view.textContent)) view.type = "not drawn anew";
    else if (!view.nextElementSibling.matches(".widget-text")) view.nextElementSibling.remove();
  }
  const script = document.querySelector('script[src*="page.js"]').src;
  globalThis.pageScript ??= await (await fetch(script)).text();
  new Function(pageScript)();
  for (const view of views) view.type = type;
  const waits = ({ nextElementSibling: place }) =>
    !place.matches(".widget-failed") && !place.querySelector(".cnn-widget");
  for (const end = performance.now() + 10000; views.some(waits); ) {
    if (performance.now() > end) throw new Error("a widget was not drawn within 10 seconds");
    await new Promise((next) => setTimeout(next, 5));
  }
}"""


# No widget's state is kept, or a test would find what the one before it has set.
FRESH = """
  const put = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    if (!key.startsWith("widget:")) put.call(this, key, value);
  };
"""


class Watched:
    """Pages that reach no other host, and what was wrong in them."""

    def __init__(self, browser):
        self.browser, self.faults, self.contexts = browser, [], []

    def open(self, viewport=None, **options):
        # A service worker's requests are not seen here; tests/test_offline.py has one.
        options = {"viewport": viewport or DESKTOP, "service_workers": "block"} | options
        keeps = options.pop("keeps", False)
        context = self.browser.new_context(**options)
        if not keeps:
            context.add_init_script(FRESH)
        self.contexts.append(context)
        context.on("request", self.see)
        context.on("console", self.report)
        context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        return context.new_page()

    def see(self, request):
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            self.faults.append(f"asked another host: {request.url}")

    def report(self, message):
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location['url']})")

    def close(self):
        for context in self.contexts:
            context.close()
        self.contexts.clear()

    def judge(self):
        faults = list(dict.fromkeys(self.faults))
        self.faults.clear()
        assert not faults, "\n".join(faults)


@pytest.fixture
def open_page(browser):
    """A function that opens a watched page; see the top of this file."""
    watched = Watched(browser)
    yield watched.open
    watched.close()
    watched.judge()


@pytest.fixture(scope="session")
def kept():
    """The pages that stay open from test to test, each with its watch, by kind."""
    kept = {}
    yield kept
    for watched, _ in kept.values():
        watched.close()


@pytest.fixture
def keep(browser, request, open_page, kept):
    """A function that gives the page of a kind, the same one from test to test."""

    @contextmanager
    def keep(kind, **options):
        if request.node.get_closest_marker("whole_page"):
            yield open_page(**options)
            return
        watched, page = kept.pop(kind, (None, None))
        if not page:
            watched = Watched(browser)
            page = watched.open(**options)
        yield page
        if page.evaluate("'__pwClock' in globalThis"):  # a clock that was stopped stays so
            watched.close()
        else:
            page.mouse.up()
            page.mouse.move(0, 0)
            page.emulate_media(media="screen", color_scheme="light", forced_colors="none")
            kept[kind] = watched, page
        watched.judge()

    return keep


@pytest.fixture
def page(keep):
    with keep("page") as page:
        yield page


@pytest.fixture
def phone(keep):
    viewport = {"width": 390, "height": 844}
    with keep("phone", viewport=viewport, has_touch=True, device_scale_factor=2) as page:
        yield page


@pytest.fixture(scope="module")
def open_module(browser):
    """open_module(path, name): a page without a document, with the script's exports as `name`.

    All modules that a test module opens are in the same page.
    """
    page = browser.new_page()

    def open_module(path, name):
        page.evaluate(
            """async ([text, name]) => {
                const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
                globalThis[name] = await import(url);
            }""",
            [script(path), name],
        )
        return page

    yield open_module
    page.close()


# The rest of the page leaves it while axe-core looks at a part, or that would take many seconds.
ALONE = """(part) => {
  part.dataset.part = "";
  globalThis.places = [];
  for (let one = part; one !== document.body; one = one.parentElement)
    for (const other of [...one.parentElement.children])
      if (other !== one) {
        places.push([document.createComment(""), other]);
        other.replaceWith(places.at(-1)[0]);
      }
}"""
TOGETHER = """(part) => {
  for (const [place, other] of places) place.replaceWith(other);
  delete part.dataset.part;
}"""

# Marks the texts whose colors, and those of all that they lie in, are those of a text before them.
ALIKE = """(part) => {
  const seen = new Set();
  const look = (one) => {
    const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight } =
      getComputedStyle(one);
    const own = [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight];
    return [one.className, ...own, one === part ? "" : look(one.parentElement)].join();
  };
  for (const text of part.querySelectorAll("*")) {
    if (text.childElementCount || !text.textContent.trim()) continue;
    const key = look(text);
    text.toggleAttribute("data-alike", seen.has(key));
    seen.add(key);
  }
}"""


@pytest.fixture(scope="session")
def axe_faults():
    """A function: what axe-core finds wrong in a part of a page, and its contrasts light and dark.

    axe_faults(part) gives (theme, rule, the HTML of up to three places) for each fault. Contrast is
    measured once for all texts of the same colors.
    """
    contrast = "color-contrast"
    runs = [
        ("light", {"rules": {contrast: {"enabled": False}}}, []),
        ("light", {"runOnly": [contrast]}, [["[data-alike]"]]),
        ("dark", {"runOnly": [contrast]}, [["[data-alike]"]]),
    ]

    def axe_faults(part):
        faults, page = [], part.page
        if not page.evaluate("'axe' in globalThis"):
            page.evaluate(AXE_SCRIPT)
        part.evaluate(ALONE)
        try:
            for theme, rules, left_out in runs:
                page.emulate_media(color_scheme=theme)
                page.wait_for_function(
                    "t => document.documentElement.dataset.theme === t", arg=theme
                )
                part.evaluate(ALIKE)
                context = {"include": [["[data-part]"]], "exclude": left_out}
                options = {"preload": False, "resultTypes": ["violations"], **rules}
                results = page.evaluate("given => axe.run(...given)", [context, options])
                assert results["passes"], "axe-core looked at nothing"
                faults += [
                    (theme, fault["id"], [node["html"] for node in fault["nodes"][:3]])
                    for fault in results["violations"]
                ]
        finally:
            part.evaluate(TOGETHER)
        return faults

    return axe_faults


# Takes the rest of a page away from around some widgets: most of a test's time goes into it.
ALONE_THERE = """async (selector) => {
  const drawn = (view) => view.nextElementSibling?.matches(".widget-failed, :has(.cnn-widget)");
  const views = [...document.querySelectorAll('script[type*="widget-view"]')];
  while (!views.every(drawn)) await new Promise((next) => setTimeout(next, 5));
  const kept = new Set();
  for (let one of document.querySelectorAll(selector))
    for (; one; one = one.parentElement) kept.add(one);
  const clear = (parent) => {
    for (const child of [...parent.children])
      if (!kept.has(child)) child.matches("script, style, link") || child.remove();
      else if (!child.matches(selector)) clear(child);
  };
  clear(document.body);
}"""


# Gives a picture to a place of the page, as a drop or a paste does; whether the page takes it.
GIVEN = """([place, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "own.png", { type: "image/png" }));
  const [kind, name] =
    type === "paste" ? [ClipboardEvent, "clipboardData"] : [DragEvent, "dataTransfer"];
  const event = new kind(type, { bubbles: true, cancelable: true });
  Object.defineProperty(event, name, { value: data }); // Firefox takes no clipboardData
  place.dispatchEvent(event);
  return event.defaultPrevented;
}"""


def hold(page, pattern, count):
    """Keep back a page's first requests for what the pattern finds: the list of their routes."""
    held = []

    def answer(route):
        if len(held) < count:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile(pattern), answer)
    return held


def allow_clipboard(context):
    """Let the pages of a context read what they copied; in Firefox they may."""
    if ENGINE != "firefox":
        context.grant_permissions(["clipboard-read", "clipboard-write"])


def need_a_finger(page):
    """Skip a test of what only a page that is touched looks like, where no page is."""
    if ENGINE == "firefox" and not page.evaluate("matchMedia('(pointer: coarse)').matches"):
        pytest.skip("Playwright lacks new_context(has_touch) with this Firefox")


def visit(page, url, selector=None, index=None, alone=False):
    """Open a page; if this has opened it before, draw its widgets anew, or those of a selector.

    alone: leave only those on the page.
    """
    there = "document.querySelector('script[src*=\"page.js\"]') && globalThis.visited"
    kept = page.evaluate(there) if page.url == url else None
    if kept in ("all", selector if alone else "all"):
        page.evaluate(AGAIN, [selector, index])
    else:
        page.goto(url)
        page.evaluate("globalThis.visited = 'all'")
    if alone and kept != selector:
        page.evaluate(ALONE_THERE, selector)
        page.evaluate("selector => globalThis.visited = selector", selector)


class OnPage:
    """A widget of the built book, in a reader's words. Rows and columns count from 1."""

    chapter = selector = None  # the page's name without .html, and which elements there

    def __init__(self, page, site, index=None, chapter=None):
        """Without an index there must be only one on the page."""
        url = f"{site}/chapters/{chapter or self.chapter}.html"
        visit(page, url, self.selector, index, alone=True)
        found = page.locator(self.selector)
        self.page, self.root = page, found if index is None else found.nth(index)
        self.root.scroll_into_view_if_needed()

    def grid(self, label):
        return self.root.get_by_role("grid", name=label, exact=True)

    def cell(self, label, row, column=1):
        return self.grid(label).locator(f"[data-row='{row - 1}'][data-column='{column - 1}']")

    def texts(self, label):
        """The rows of a grid as they are written, but with a plain minus."""
        rows = self.grid(label).locator(".number-row").all()
        texts = [row.locator(".number").all_inner_texts() for row in rows]
        return [[text.replace("−", "-") for text in row] for row in texts]

    def numbers(self, label):
        return [[float(text.replace("∞", "inf")) for text in row] for row in self.texts(label)]

    def edit(self, cell, text):
        cell.click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def choose(self, label, value):
        self.root.get_by_role("combobox", name=label, exact=True).select_option(value)

    def text(self, part):
        """The words of the one element that a CSS selector finds, on one line."""
        return " ".join(self.root.locator(part).inner_text().split())

    @property
    def sum(self):
        return self.text(".sum")

    @property
    def where(self):
        return self.root.locator(".where").inner_text()

    @property
    def error(self):
        return self.root.locator(".error").inner_text()

    @property
    def said(self):
        """What a screen reader was last told."""
        return self.root.locator("[aria-live]").inner_text()
