"""What a reader sees where a widget cannot be drawn, and while it is not yet drawn."""

import itertools
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser import QuietHandler, address, hold, serve

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.whole_page
SCRIPT = re.compile(r"/widgets/SlidingKernel\.js")
PAGE = "chapters/channels.html"  # two of these widgets, and few others


@pytest.fixture
def tab(browser):
    """A page that no one watches: it is meant to have faults."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, service_workers="block")
    yield context.new_page()
    context.close()


def holds(script, name="SlidingKernel"):
    """The file of a widget with another script in it."""
    return f"(globalThis.widgetScripts ??= {{}}).{name} = [() => {{ {script} }}, ''];"


def views(tab):
    """How many widgets of this kind the page has, and how many of others."""
    all_of_them = tab.locator('script[type="application/vnd.jupyter.widget-view+json"]').count()
    return tab.locator(".widget-failed").count(), all_of_them


def let_time_pass(tab):
    """The text that stands for a widget shows late: by an animation, which this ends.

    What was scrolled into view only now has its animation after the next frame.
    """
    tab.evaluate(
        """async () => {
            for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
            document.getAnimations().forEach((one) => one.finish());
        }"""
    )


def try_again(place):
    """Press the button in the place of a widget, and wait until its drawing has ended.

    A new place then stands after the widget's data; it is empty until the drawing has ended.
    """
    data = place.evaluate_handle("place => place.previousElementSibling")
    place.get_by_role("button", name="Try again").click()
    drawn = "data => data.nextElementSibling.childElementCount"
    place.page.wait_for_function(drawn, arg=data)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 404, "body": ""}, "its script SlidingKernel.js did not arrive"),
        ("abort", "its script SlidingKernel.js did not arrive"),
        ({"body": "<html>Please log in"}, "SlidingKernel.js arrived, but not as the script"),
        ({"body": holds("return {{")}, "SlidingKernel.js arrived, but not as the script"),
        ({"body": holds("missing()")}, "its script could not be read: missing is not defined"),
        ({"body": holds("return { other: 1 }")}, "its script exports no render"),
        ({"body": holds("return { render() { throw Error('no picture') } }")}, "no picture"),
    ],
)
def test_one_fault_is_said_in_its_place_and_the_others_are_drawn(tab, site, answer, reason):
    def fulfill(route):
        if answer == "abort":
            route.abort()
        else:
            route.fulfill(content_type="text/javascript", **answer)

    tab.route(SCRIPT, fulfill)
    tab.goto(f"{site}/{PAGE}")
    failed = tab.locator(".widget-failed")
    failed.first.wait_for()
    tab.wait_for_function(
        """() => document.querySelectorAll(".widget-failed, .cnn-widget").length ===
             document.querySelectorAll('script[type$="widget-view+json"]').length"""
    )
    count, all_of_them = views(tab)
    assert 0 < count < all_of_them
    said = failed.first.get_by_role("alert").inner_text()
    assert said.startswith("This widget could not be drawn: ")
    assert reason in said
    assert "2023" not in said  # this browser is new enough
    text = tab.locator(".widget-text")
    assert text.count() == count
    assert "SlidingKernel: image 3x6x6" in text.first.inner_text()

    try_again(failed.first)
    assert views(tab) == (count, all_of_them)
    tab.unroute(SCRIPT)
    for _ in range(count):
        try_again(failed.first)
    assert views(tab) == (0, all_of_them)
    assert text.count() == 0
    tab.locator(".sliding-kernel").first.get_by_role("button", name="Step forward").click()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 404, "body": ""}, "its script shared.js did not arrive"),
        ({"body": "<html>Please log in"}, "shared.js arrived, but not as the script"),
        ({"body": holds("missing()", "shared")}, "its script could not be read: missing is not"),
    ],
)
def test_without_what_all_share_each_says_so_and_can_be_tried_again(tab, site, answer, reason):
    script = re.compile(r"/widgets/shared\.js")
    tab.route(script, lambda route: route.fulfill(content_type="text/javascript", **answer))
    tab.goto(f"{site}/{PAGE}")
    tab.locator(".widget-failed").last.wait_for()
    tab.wait_for_load_state()
    count, all_of_them = views(tab)
    assert count == all_of_them > 1
    for said in tab.locator(".widget-failed").get_by_role("alert").all_inner_texts():
        assert reason in said
    tab.unroute(script)
    for _ in range(count):
        try_again(tab.locator(".widget-failed").first)
    assert views(tab) == (0, all_of_them)


def test_a_part_of_a_state_that_did_not_arrive_is_said_and_can_be_tried_again(tab, site):
    part = re.compile(r"/widgets/parts/")
    tab.route(part, lambda route: route.abort())
    tab.goto(f"{site}/chapters/training.html")
    failed = tab.locator(".widget-failed")
    failed.wait_for()
    assert re.search(r"its script parts/\w+\.js did not arrive", failed.inner_text())
    tab.unroute(part)
    try_again(failed)
    assert failed.count() == 0
    assert tab.locator(".training-playback").is_visible()


def test_an_old_browser_is_named_as_the_cause(tab, site):
    tab.add_init_script("delete Array.prototype.findLast")
    tab.route(SCRIPT, lambda route: route.fulfill(body=holds("return {{")))
    tab.goto(f"{site}/{PAGE}")
    said = tab.locator(".widget-failed [role=alert]").first.inner_text()
    assert "This browser is too old for it" in said


def test_an_older_browser_has_no_empty_place(tab, site):
    """What Chrome 91 lacks: each widget says so, or its text stands there with a sentence."""
    tab.add_init_script(
        """delete Array.prototype.findLast;
        delete Array.prototype.at;
        delete Object.hasOwn;
        CSS.supports = () => false;"""
    )
    tab.goto(f"{site}/{PAGE}")
    failed, drawn = tab.locator(".widget-failed"), tab.locator(".cnn-widget")
    tab.wait_for_function(
        """() => document.querySelectorAll(".widget-failed, .cnn-widget").length ===
             document.querySelectorAll('script[type$="widget-view+json"]').length"""
    )
    assert failed.count() and tab.locator(".widget-text").count() == failed.count()
    assert [said for said in failed.all_inner_texts() if "too old for it" not in said] == []
    assert [one for one in drawn.all_inner_texts() if "a browser of 2023 or later" not in one] == []


def test_a_slow_file_keeps_no_other_widget_waiting(tab, site):
    waiting = []
    tab.route(SCRIPT, lambda route: waiting.append(route))
    tab.goto(f"{site}/{PAGE}", wait_until="commit")
    tab.locator(".widget-text", has_text="Check:").first.scroll_into_view_if_needed()
    tab.locator(".cnn-widget").first.wait_for()
    assert tab.locator(".sliding-kernel").count() == 0
    # Its place is held by its text, which can be read when it takes long.
    text = tab.locator(".widget-text").first
    text.scroll_into_view_if_needed()
    assert text.bounding_box()["height"] > 50
    let_time_pass(tab)
    assert "SlidingKernel: image" in text.inner_text()
    for route in waiting:
        route.continue_()
    tab.locator(".sliding-kernel").first.wait_for()
    tab.wait_for_function("() => !document.querySelector('.widget-text')")


DRAWN = "document.querySelectorAll('.cnn-widget').length"
PRINTED = f"""async () => {{
  dispatchEvent(new Event("beforeprint"));
  for (let n = 0; n < 99; n++) await null; // what a browser does before it prints, and no more
  return {DRAWN};
}}"""
COUNT = """globalThis.drawn = [];
new MutationObserver((_, observer) => {
  const count = () => document.querySelectorAll(".cnn-widget").length;
  if (!count()) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => drawn.push(count())));
}).observe(document, { childList: true, subtree: true })"""


def test_when_the_first_widget_stands_the_page_answers_before_it_draws_another(open_page, site):
    page = open_page()
    page.add_init_script(COUNT)
    page.goto(f"{site}/{PAGE}")
    page.wait_for_function("drawn.length")
    count, all_of_them = page.evaluate("drawn[0]"), views(page)[1]
    assert 1 <= count <= 2 < all_of_them


MEASURED = """globalThis.measured = [];
let shown = false;
const { get } = Object.getOwnPropertyDescriptor(HTMLElement.prototype, "offsetHeight");
Object.defineProperty(HTMLElement.prototype, "offsetHeight", { get() {
  if (this.matches(".dock")) measured.push(shown);
  return get.call(this);
} });
new MutationObserver(() => {
  if (document.querySelector(".cnn-widget")) requestAnimationFrame(() => (shown = true));
}).observe(document, { childList: true, subtree: true })"""


def test_nothing_is_measured_before_the_first_widget_is_on_the_screen(open_page, site):
    """It would all be laid out twice."""
    page = open_page()
    page.add_init_script(MEASURED)
    page.goto(f"{site}/{PAGE}")
    page.wait_for_function("measured.length")
    assert page.evaluate("measured[0]")


@pytest.fixture
def arriving(open_page, site):
    """A page that waits for its last pictures, with its first widget drawn; and what is held."""
    page = open_page()
    held = hold(page, r"\.png", 2)
    page.goto(f"{site}/chapters/convolution.html", wait_until="commit")
    page.locator(".sliding-kernel").wait_for()
    page.locator("#what-to-remember").wait_for(state="attached")
    page.wait_for_timeout(300)
    assert page.evaluate(DRAWN) == 1 < views(page)[1]
    return page, held


def test_what_is_far_is_drawn_when_a_reader_comes_near(arriving):
    page, held = arriving
    text = page.locator(".widget-text").last
    text.scroll_into_view_if_needed()
    page.wait_for_function(f"{DRAWN} > 1")
    for route in held:
        route.continue_()
    page.wait_for_function("() => !document.querySelector('.widget-text')")


NOT_COME = """Object.values(JSON.parse(document.querySelector(
  'script[type*="widget-state"]').textContent).state).filter(({ files = {} }) =>
  Object.values(files).some((name) => !(name in widgetScripts))).length"""


def test_what_is_far_is_drawn_for_paper(arriving):
    """But for what lies in a file that has not come: printing waits for none."""
    page, held = arriving
    missing = page.evaluate(NOT_COME)
    assert page.evaluate(PRINTED) == views(page)[1] - missing
    for route in held:
        route.continue_()


class InPieces(QuietHandler):
    """Sends a chapter piece by piece, cut where the scripts name the widgets' models."""

    def do_GET(self):
        if not self.path.startswith("/chapters/"):
            return super().do_GET()
        page = open(self.translate_path(self.path), "rb").read()
        views = [found.end() + 30 for found in re.finditer(b'widget-view.json">', page)]
        cuts = [0, *views[:3], len(page)]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        for begin, end in itertools.pairwise(cuts):
            self.wfile.write(page[begin:end])
            time.sleep(0.1)


def test_a_page_that_comes_in_pieces_is_drawn_without_a_fault(open_page, book):
    page = open_page()
    with serve(book, InPieces) as server:
        page.goto(f"{address(server)}/{PAGE}")
        page.locator(".cnn-widget").first.wait_for()
        server.shutdown()


def test_a_page_without_its_states_says_so(tab, site):
    def without_states(route):
        page = route.fetch().text()
        route.fulfill(body=page.replace("widget-state+json", "lost"), content_type="text/html")

    tab.route(re.compile(PAGE), without_states, times=1)  # not when it is kept for later
    tab.goto(f"{site}/{PAGE}")
    tab.locator(".widget-failed").first.wait_for()
    assert "the page does not hold its state" in tab.locator(".widget-failed").first.inner_text()


def test_a_blocked_page_script_leaves_the_text(tab, site):
    tab.route(re.compile(r"/page\.js"), lambda route: route.abort())
    tab.goto(f"{site}/{PAGE}")
    let_time_pass(tab)
    assert "This is a widget." in tab.locator(".widget-text").first.inner_text()


def test_without_javascript_the_text_stands_there_at_once(browser, site):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{site}/{PAGE}")
    tab.locator(".widget-text").first.scroll_into_view_if_needed()
    assert tab.locator(".widget-text").first.is_visible()
    expect(tab.locator(".widget-text").first).to_contain_text("SlidingKernel: image")
    context.close()
