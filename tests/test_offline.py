"""What a reader kept on a device, on pages of http whose server is gone."""

import json
import re
import time
from pathlib import Path
from urllib.parse import unquote
from urllib.request import urlopen

import pytest

from tests.browser import QuietHandler, address, hold, serve
from tests.test_pages import PAGES, check_what_is_drawn, open_and_wait

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.whole_page
WAIT = """async (address) => {
  for (const end = performance.now() + 20000; performance.now() < end; ) {
    if (await caches.match(address, { ignoreSearch: true })) return;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error(`${address} was not kept`);
}"""
KEPT = "address => caches.match(address, { ignoreSearch: true }).then(Boolean)"


class OneAnswerHandler(QuietHandler):
    protocol_version = "HTTP/1.0"  # a connection that is kept open would outlive the server


@pytest.fixture
def server(book):
    with serve(book, OneAnswerHandler) as server:
        yield server
        server.shutdown()


@pytest.fixture
def phone(open_page):
    size = {"width": 390, "height": 844}
    return open_page(size, has_touch=True, device_scale_factor=2, service_workers="allow")


def stop(server):
    """Stop the server, and see that it answers no more."""
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError, match=r"refused|reset"):
        urlopen(address(server))


def wait_until_kept(page, url):
    page.evaluate(WAIT, url)  # wait_for_function would not wait for a promise
    page.wait_for_function("() => navigator.serviceWorker.controller")


def wait_until_all_is_kept(page):
    wait_until_kept(page, page.url)
    for name in page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)"):
        if name.startswith("http"):
            wait_until_kept(page, name)


def test_a_page_that_was_opened_once_opens_again_without_a_network(phone, server):
    url = f"{address(server)}/chapters/convolution.html"
    open_and_wait(phone, url)
    wait_until_all_is_kept(phone)
    wait_until_kept(phone, f"{address(server)}/_static/widgets/slides.js")
    stop(server)
    phone.reload()
    open_and_wait(phone, url)
    check_what_is_drawn(phone)
    widget = phone.locator(".sliding-kernel").first
    widget.get_by_role("button", name="Step forward").click()
    assert widget.locator(".where").inner_text() == "7 / 16"
    phone.locator(".btn-slides-button").click()
    phone.get_by_role("dialog", name="Slides").wait_for()


LATE = {
    "a network's weights, far down": r"/widgets/parts/",
    "what makes links": r"/widgets/links\.js",
}


@pytest.mark.parametrize("pattern", LATE.values(), ids=LATE)
def test_what_a_page_loads_when_it_has_arrived_is_kept_too(phone, server, pattern):
    held = hold(phone, pattern, 1)
    phone.goto(f"{address(server)}/chapters/counting.html")
    phone.wait_for_function("() => navigator.serviceWorker.controller")
    held[0].continue_()  # it was asked for before the worker was there
    phone.wait_for_function("() => !document.querySelector('.widget-text')")
    wait_until_kept(phone, held[0].request.url)
    wait_until_all_is_kept(phone)


def test_a_button_keeps_the_whole_book(phone, server):
    phone.goto(f"{address(server)}/intro.html")
    box = phone.locator(".keep-offline")
    assert box.get_by_role("status").inner_text() == ""
    box.get_by_role("button").click()
    box.get_by_text("The whole book is on this device").wait_for()
    stop(server)
    for name in ("", "chapters/draw_a_digit.html", "chapters/sources.html"):
        open_and_wait(phone, f"{address(server)}/{name}")
        check_what_is_drawn(phone)
    phone.goto(f"{address(server)}/search.html?q=pixel")
    phone.locator("#search-results a", has_text="Images are numbers").first.wait_for()
    phone.goto(f"{address(server)}/intro.html")
    assert "on this device" in phone.locator(".keep-offline [role=status]").inner_text()


class Host(OneAnswerHandler):
    """A host with a fault: files that it misses, a pause before each answer, or clean addresses."""

    missing, pause, clean = (), 0, False

    def do_GET(self):
        path = self.path.partition("?")[0]
        del self.headers["If-Modified-Since"]  # it counts seconds, and a release takes less here
        time.sleep(self.pause)
        if path.lstrip("/") in self.missing:
            self.send_error(404)
        elif self.clean and path.endswith(".html"):
            self.send_response(301)
            self.send_header("Location", re.sub(r"(index)?\.html$", "", path))
            self.end_headers()
        else:
            if self.clean and path != "/" and "." not in path:
                self.path = f"{path}.html"
            super().do_GET()

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


@pytest.fixture
def host():
    """A class of its own for each test, to be changed while it serves."""
    return type("Host", (Host,), {})


@pytest.fixture
def release(book, tmp_path):
    """release(version): write a site of two pages, whose script says its version too."""
    for name in ("offline.js", "_static/page.js"):
        (tmp_path / Path(name).name).write_bytes((book / name).read_bytes())
    html = """<html data-content_root="./"><link rel="icon" href="data:,">
        <a href="index.html">one</a> <a href="other.html">two</a> <p>{0}</p><output></output>
        <p class="keep-offline" hidden><button>Keep</button> <span role="status"></span></p>
        <script src="value.js?v={0}"></script><script async src="page.js?v=1"></script></html>"""
    pages = ["index.html", "other.html"]

    def release(version):
        for page in pages:
            (tmp_path / page).write_text(html.format(version))
        text = f"document.querySelector('output').textContent = '{version}'"
        (tmp_path / "value.js").write_text(text)
        listed = [*pages, f"value.js?v={version}", "page.js?v=1", "offline.js"]
        (tmp_path / "offline.json").write_text(json.dumps(listed))

    release("old")
    release.folder = tmp_path
    return release


@pytest.fixture
def tab(browser):
    """A page that no one watches: the browser reports each file that it misses."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def shown(tab):
    """What the page says of its version, and its script."""
    return tab.locator("p").first.inner_text(), tab.locator("output").inner_text()


def keep_all(tab):
    tab.get_by_role("button").click()
    tab.get_by_text("The whole book is on this device").wait_for()


def open_kept(tab, url):
    """Open a page, and wait until the worker is at work."""
    tab.goto(url)
    wait_until_kept(tab, url)


def test_a_release_leaves_each_kept_page_its_own_script(tab, release, host):
    with serve(release.folder, host) as server:
        one, two = (f"{address(server)}/{name}.html" for name in ("index", "other"))
        open_kept(tab, one)
        keep_all(tab)
        release("new")
        tab.goto(one)
        assert shown(tab) == ("new", "new")
        wait_until_kept(tab, f"{address(server)}/value.js?v=new")
        stop(server)
        tab.goto(two)
        assert shown(tab) == ("old", "old")
        tab.goto(one)
        assert shown(tab) == ("new", "new")


def test_a_slow_network_after_a_release_shows_the_kept_page_with_its_script(tab, release, host):
    with serve(release.folder, host) as server:
        url = f"{address(server)}/index.html"
        open_kept(tab, url)
        keep_all(tab)
        release("new")
        host.pause, host.missing = 4, ("value.js",)
        tab.goto(url)
        assert shown(tab) == ("old", "old")
        host.pause, host.missing = 0, ()
        tab.wait_for_timeout(1500)
        tab.goto(url)
        assert shown(tab) == ("new", "new")
        server.shutdown()


def test_an_error_of_the_host_does_not_beat_what_is_kept(tab, release, host):
    with serve(release.folder, host) as server:
        url = f"{address(server)}/index.html"
        open_kept(tab, url)
        keep_all(tab)
        host.missing = ("index.html", "other.html")
        tab.goto(f"{address(server)}/other.html")
        assert shown(tab) == ("old", "old")
        server.shutdown()


def test_a_file_that_failed_is_named_and_can_be_tried_again(tab, release, host):
    with serve(release.folder, host) as server:
        open_kept(tab, f"{address(server)}/index.html")
        host.missing = ("other.html",)
        tab.get_by_role("button").click()
        status = tab.locator(".keep-offline [role=status]")
        again = tab.get_by_role("button", name="Try again")
        again.wait_for()
        assert "5 of 6 files are kept, without other.html: 404" in status.inner_text()
        assert tab.evaluate(KEPT, f"{address(server)}/value.js")
        tab.reload()
        assert "whole book" not in status.inner_text()
        host.missing = ()
        keep_all(tab)
        server.shutdown()


def test_a_full_device_is_named_as_such(tab, release, host):
    tab.add_init_script(
        """Cache.prototype.put = async () => {
             throw new DOMException("no", "QuotaExceededError");
           };"""
    )
    with serve(release.folder, host) as server:
        tab.goto(f"{address(server)}/index.html")
        tab.wait_for_function("() => navigator.serviceWorker.controller")
        tab.get_by_role("button").click()
        tab.get_by_text("this device has no more room").wait_for()
        server.shutdown()


def test_where_nothing_may_be_kept_nothing_is_offered_and_nothing_breaks(tab, release, host):
    faults = []
    tab.on("pageerror", lambda fault: faults.append(fault))
    tab.add_init_script(
        """if (globalThis.caches) // an empty page has none
             caches.open = caches.match = async () => { throw new Error("private"); };"""
    )
    with serve(release.folder, host) as server:
        tab.goto(f"{address(server)}/index.html")
        tab.wait_for_timeout(500)
        assert shown(tab) == ("old", "old")
        assert not tab.get_by_role("button").is_visible()
        assert faults == []
        server.shutdown()


def test_on_a_host_with_clean_addresses_both_names_open_without_a_network(tab, release, host):
    host.clean = True
    with serve(release.folder, host) as server:
        site = address(server)
        open_kept(tab, f"{site}/")
        keep_all(tab)
        release("new")
        tab.goto(f"{site}/other.html")
        assert tab.url == f"{site}/other"
        assert shown(tab) == ("new", "new")
        tab.wait_for_timeout(300)
        stop(server)
        for name in ("other", "other.html"):
            tab.goto(f"{site}/{name}")
            assert tab.locator("p").first.inner_text() in ("old", "new")
            assert len(set(shown(tab))) == 1
        for name in ("", "index.html", "index"):
            tab.goto(f"{site}/{name}")
            assert shown(tab) == ("old", "old")


def test_what_could_not_be_kept_is_said(tab, server):
    url = f"{address(server)}/intro.html"
    tab.goto(url)
    wait_until_kept(tab, url)
    stop(server)
    tab.locator(".keep-offline button").click()
    tab.get_by_text("Not everything could be kept").wait_for()
    assert tab.locator(".keep-offline button").is_enabled()


def test_the_list_has_all_pages_and_what_they_name(book):
    listed = {
        unquote(path.partition("?")[0])
        for path in json.loads((book / "offline.json").read_text("utf-8"))
    }
    assert {f"{name}.html" for name in PAGES} <= listed
    for name in PAGES:
        page = book / f"{name}.html"
        for source in re.findall(r'<(?:script|img)[^>]* src="([^"?:]+)', page.read_text("utf-8")):
            file = (page.parent / source).resolve().relative_to(book.resolve())
            assert file.as_posix() in listed
    assert not [path for path in listed if not (book / path).is_file()]


def test_from_disk_there_is_nothing_to_keep(page, site_file):
    page.goto(f"{site_file}/intro.html")
    page.locator(".keep-offline").wait_for(state="attached")
    page.wait_for_timeout(300)
    assert not page.locator(".keep-offline").is_visible()
