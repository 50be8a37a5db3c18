"""What a reader kept on a device, on pages of http whose server is gone."""

import json
import re
from urllib.parse import unquote
from urllib.request import urlopen

import pytest

from tests.browser import QuietHandler, address, serve
from tests.test_pages import PAGES, check_what_is_drawn, open_and_wait

pytest_plugins = ["tests.browser"]
pytestmark = pytest.mark.whole_page
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
    with pytest.raises(OSError, match="refused"):
        urlopen(address(server))


def wait_until_kept(page, url):
    page.wait_for_function(KEPT, arg=url)
    page.wait_for_function("() => navigator.serviceWorker.controller")


def test_a_page_that_was_opened_once_opens_again_without_a_network(phone, server):
    url = f"{address(server)}/chapters/convolution.html"
    open_and_wait(phone, url)
    wait_until_kept(phone, url)
    for name in phone.evaluate("performance.getEntriesByType('resource').map((one) => one.name)"):
        if name.startswith("http"):
            wait_until_kept(phone, name)
    stop(server)
    phone.reload()
    open_and_wait(phone, url)
    check_what_is_drawn(phone)
    widget = phone.locator(".sliding-kernel").first
    widget.get_by_role("button", name="Step forward").click()
    assert widget.locator(".where").inner_text() == "7 / 16"


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


def test_the_newest_page_is_shown_to_whoever_has_a_network(open_page, book, tmp_path):
    (tmp_path / "offline.js").write_bytes((book / "offline.js").read_bytes())
    script = (book.parents[1] / "assets" / "page.js").read_text("utf-8")
    (tmp_path / "page.js").write_text(script, "utf-8")
    page = open_page(service_workers="allow")
    write = (tmp_path / "index.html").write_text
    html = '<html data-content_root="./"><link rel="icon" href="data:,"><p>{}</p>'
    html += '<script async src="page.js?v={}"></script></html>'
    write(html.format("old", 1))
    server = serve(tmp_path, OneAnswerHandler)
    page.goto(f"{address(server)}/index.html")
    wait_until_kept(page, page.url)
    write(html.format("new", 2))
    page.reload()
    assert page.locator("p").inner_text() == "new"
    count = "caches.open('book').then((c) => c.keys()).then((keys) => keys.map(({ url }) => url))"
    page.wait_for_function(f"() => {count}.then((all) => all.some((url) => url.endsWith('v=2')))")
    assert not [url for url in page.evaluate(count) if url.endswith("v=1")]
    stop(server)
    page.reload()
    assert page.locator("p").inner_text() == "new"


def test_what_could_not_be_kept_is_said(browser, server):
    context = browser.new_context()  # unwatched: it reports each file that it misses
    page = context.new_page()
    url = f"{address(server)}/intro.html"
    page.goto(url)
    wait_until_kept(page, url)
    stop(server)
    page.locator(".keep-offline button").click()
    page.get_by_text("Not everything could be kept").wait_for()
    assert page.locator(".keep-offline button").is_enabled()
    context.close()


def test_the_list_has_all_pages_and_what_they_name(book):
    listed = {unquote(path) for path in json.loads((book / "offline.json").read_text("utf-8"))}
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
