"""Every widget with the keyboard alone, in few colors, and at four times the size.

One page has all of them; each stands alone on it while it is looked at.
"""

import pytest

from cnnlib import widgets
from tests.browser import Watched
from tests.test_looks import everything, wait_until_drawn  # noqa: F401 (a fixture)

pytest_plugins = ["tests.browser"]

ZOOMED = {"width": 320, "height": 256}  # 1280 x 1024 at 400 %

# The first widget of each kind, and of the checks one that asks for each kind of answer.
SORT_OUT = """() => {
  globalThis.kept = {};
  for (const { drawn, nextElementSibling: place } of
       document.querySelectorAll('script[type*="widget-view"]')) {
    const root = place.querySelector(".cnn-widget"), name = drawn.key.split("/")[0];
    const sort = ["[type=radio]", "[role=grid]"].find((part) => root.querySelector(part)) ?? "";
    kept[name === "Check" ? name + sort : name] ??= root;
  }
  for (const around of document.querySelectorAll(".bd-header-article, .bd-sidebar-primary"))
    around.remove();
  const end = (id) => Object.assign(document.createElement("button"), { id, textContent: id });
  document.querySelector("article").before(end("before"));
  document.querySelector("article").after(end("after"));
}"""
# Alone and unfolded, but for most layers of large networks, which are many and alike.
SHOW = """(kind) => {
  document.querySelector("article").replaceChildren(kept[kind]);
  document.querySelectorAll("article .strips > :nth-child(n + 4)").forEach((one) => one.remove());
  for (const fold of document.querySelectorAll("article details:not(.layered *)")) fold.open = true;
}"""
KINDS = ["Check[type=radio]", "Check[role=grid]", *sorted(set(widgets.__all__) - {"Question"})]


@pytest.fixture(scope="module")
def page_of_all(browser, site, everything):  # noqa: F811
    watched, url = Watched(browser), f"{site}/chapters/everything.html"
    page = watched.open(ZOOMED)
    page.route(url, lambda route: route.fulfill(body=everything, content_type="text/html"))
    page.goto(url, timeout=90_000)
    wait_until_drawn(page)
    page.evaluate(SORT_OUT)
    yield page
    watched.close()
    watched.judge()


@pytest.fixture(params=KINDS)
def page(page_of_all, request):
    """The page with this widget alone."""
    page_of_all.evaluate(SHOW, request.param)
    yield page_of_all
    page_of_all.emulate_media(forced_colors="none")


def test_all_kinds_are_looked_at(page_of_all):
    assert page_of_all.evaluate("Object.keys(kept).sort()") == sorted(KINDS)


# --- with the keyboard ---

LISTEN = """() => {
  globalThis.heard = [];
  globalThis.ear?.disconnect();
  globalThis.ear = new MutationObserver((changes) => {
    const region = ({ target }) =>
      (target.closest ? target : target.parentElement)?.closest("[aria-live], [role=status]");
    const said = new Set(changes.map(region).filter(Boolean));
    for (const one of said) if (one.textContent) heard.push(one.textContent);
  });
  ear.observe(document, { subtree: true, childList: true, characterData: true });
}"""

# What has the focus; how it, and all in it, looks; and whether it is in sight.
FOCUSED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  globalThis.stops.push(one);
  const look = (part) => {
    const { outline, boxShadow, stroke, strokeWidth, opacity } = getComputedStyle(part);
    return [outline, boxShadow, stroke, strokeWidth, opacity].join();
  };
  const looks = () => [one, ...one.querySelectorAll("*")].map(look).join();
  globalThis.unlike = ((focused) => () => looks() !== focused)(looks());
  const middle = (from, to, end) => (Math.max(from, 0) + Math.min(to, end)) / 2;
  const seen = document.elementFromPoint(middle(box.left, box.right, innerWidth),
    middle(box.top, box.bottom, innerHeight));
  return [one.id, one.getAttribute("aria-label") ?? one.outerHTML.slice(0, 90),
    Boolean(seen && (one.contains(seen) || seen.contains(one) || one.labels?.[0] === seen))];
}"""

# Controls that Tab has not come to, by the last stop before each.
LEFT = """() => {
  const able = (one) => one.checkVisibility() && !one.disabled && !one.closest(".stepper");
  const controls = "article :is(button, input, select, summary, [tabindex='0'])";
  const left = new Map(), sort = ({ localName, type }) => [localName, type].join();
  for (const one of document.querySelectorAll(controls)) {
    if (!able(one) || stops.includes(one)) continue;
    const near = (group) =>
      stops.find((stop) => group.contains(stop) && sort(stop) === sort(one))
        ?? near(group.parentElement);
    const stop = near(one);
    if (!left.has(stop)) left.set(stop, []);
    left.get(stop).push(one);
  }
  globalThis.left = [...left];
  return globalThis.left.map(([, all]) => all.length);
}"""


def test_tab_leads_through_a_widget_and_out_of_it_and_the_arrows_to_the_rest(page):
    page.set_viewport_size(ZOOMED)
    page.evaluate("stops = []; document.querySelector('#before').focus()")
    places, faults = [], []
    for _ in range(70):
        page.keyboard.press("Tab")
        if places and not page.evaluate("unlike()"):
            faults.append(f"the focus is not to be seen: {places[-1]}")
        end, place, seen = page.evaluate(FOCUSED)
        if end in ("before", "after"):
            break
        places.append(place)
        if not seen:
            faults.append(f"out of sight: {place}")
    assert faults == []
    assert end == "after", "Tab does not lead out of it"
    for i, count in enumerate(page.evaluate(LEFT)):
        page.evaluate("i => { left[i][0].focus(); met = new Set(); }", i)
        page.keyboard.press("Home")
        page.evaluate("met.add(document.activeElement)")
        for _ in range(count + 1):
            for key in ("ArrowRight", "ArrowDown"):
                page.keyboard.press(key)
                page.evaluate("met.add(document.activeElement)")
        rest = "i => left[i][1].filter((one) => !met.has(one)).map((one) => one.outerHTML)"
        assert page.evaluate(rest, i) == []


UNREADABLE = ("·", "undefined", "NaN", "dashed")


def test_what_a_slider_changes_is_said_once_and_in_words(page):
    page.evaluate(LISTEN)
    sliders = page.locator("article :is([role=slider], [type=range]):visible")
    for slider in sliders.all()[:3]:
        slider.focus()
        page.evaluate("heard.length = 0")
        before = slider.get_attribute("aria-valuetext")
        page.keyboard.press("ArrowRight")
        if slider.get_attribute("aria-valuetext") == before:
            page.keyboard.press("ArrowLeft")
        page.evaluate("new Promise((next) => setTimeout(next))")
        own, heard = slider.get_attribute("aria-valuetext"), page.evaluate("heard")
        assert own and own != before
        assert len(heard) <= 1
        for sentence in [own, *heard]:
            assert [part for part in UNREADABLE if part in sentence] == []
            assert sentence == own or not sentence.startswith(f"{own}: ")


# --- zoomed in ---

CUT = """() => [...document.querySelectorAll("article *")].flatMap((one) => {
  const { overflowX, overflowY, position } = getComputedStyle(one);
  if (!one.checkVisibility() || one.closest(".visually-hidden, svg")) return [];
  const more = [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight];
  const beyond = more.map((by) => by > 1), clips = (how) => /hidden|clip/.test(how);
  const faults = [
    [clips(overflowX) && beyond[0] || clips(overflowY) && beyond[1], "is cut off"],
    [overflowX === "auto" && overflowY === "auto" && beyond.every(Boolean), "scrolls both ways"],
    [["sticky", "fixed"].includes(position), "stays over the page"],
  ].filter(([is]) => is && one.clientWidth);
  return faults.map(([, fault]) => `${one.outerHTML.slice(0, 90)} ${fault}`);
})"""


def test_at_four_times_the_size_nothing_is_cut_off_or_stays_over_the_page(page):
    page.set_viewport_size(ZOOMED)
    fits = "wide => document.documentElement.scrollWidth <= wide"
    page.wait_for_function(fits, arg=ZOOMED["width"], timeout=5000)  # Firefox lays it out later
    assert page.evaluate(CUT) == []


# --- in few colors ---

# A control has an edge in another color than what it lies on; so has what says that it is chosen.
UNSEEN = """() => {
  const drawn = "[type=checkbox], [type=radio], [type=range]"; // by the browser
  const own = `article :is(button:not(.term), select, input:not(${drawn}))`;
  return [...document.querySelectorAll(own)].filter((one) => {
    if (!one.checkVisibility() || one.closest(".tab-list")) return false;
    const style = getComputedStyle(one);
    const edge = ["Top", "Right", "Bottom", "Left"].some((side) =>
      parseFloat(style[`border${side}Width`]) > 0 && style[`border${side}Color`] !== page
      && style[`border${side}Style`] !== "none");
    return !edge && [page, "rgba(0, 0, 0, 0)"].includes(style.backgroundColor);
  }).map((one) => one.outerHTML);
}"""


def test_in_forced_colors_every_control_has_an_edge(page):
    page.emulate_media(forced_colors="active")
    page.evaluate("globalThis.page = getComputedStyle(document.body).backgroundColor")
    assert page.evaluate(UNSEEN) == []
