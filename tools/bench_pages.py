"""Measure what the built pages weigh and how soon they answer: python -m tools.bench_pages

The pages come from a server that packs text, as a host does. Their weight is that of the packed
files; of a further page it is what a reader lacks who has seen the first page and a chapter. The
time is that of a first visit, until the first widget stands on the screen: at full speed, and at a
quarter of it with 10 Mbit/s.

The weights of a trained network are counted apart: pages share them, and a page is read before
they have come.
"""

import functools
import gzip
import io
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tools.browser import launch

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
FIRST, TIMED, RUNS = "intro.html", "chapters/convolution.html", 5
# What a page may weigh, in bytes and requests, and how soon its first widget stands, in ms.
BYTES_FIRST, REQUESTS_FIRST, BYTES_FURTHER = 500_000, 25, 60_000
BYTES_WEIGHTS, BYTES_WEIGHTS_OF = 145_000, {"chapters/color.html": 330_000}
SOON = {"full speed": 500, "a quarter of the CPU, 10 Mbit/s": 1200}
PACKED = (".html", ".css", ".js", ".json", ".svg")
WATCH = """new MutationObserver((_, observer) => {
  if (!document.querySelector(".cnn-widget button, .cnn-widget [role=grid]")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (globalThis.firstWidget = performance.now())));
}).observe(document, { childList: true, subtree: true })"""


@functools.cache
def packed(file: Path) -> bytes:
    """The file's content as a host sends it."""
    content = file.read_bytes()
    return gzip.compress(content, 6) if file.suffix in PACKED else content


def weight(address: str) -> int:
    """The bytes that a host sends for an address of the site."""
    return len(packed(SITE / unquote(urlsplit(address).path).lstrip("/")))


class Host(SimpleHTTPRequestHandler):
    """A server of packed files."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> io.BytesIO | None:
        """Send the head of an answer; return its body."""
        file = Path(self.translate_path(self.path))
        if not file.is_file():
            return super().send_head()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(file)))
        self.send_header("Content-Length", str(len(packed(file))))
        if file.suffix in PACKED:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        return io.BytesIO(packed(file))

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """One that says nothing of browsers that leave before the answer."""

    def handle_error(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def host(site: Path, handler: type[Host] = Host) -> Iterator[str]:
    """Serve the site, and give its address."""
    server = Server(("127.0.0.1", 0), functools.partial(handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def new_context(browser: Browser) -> BrowserContext:
    """A reader who was never here; what a service worker keeps for later is not counted."""
    return browser.new_context(viewport={"width": 1440, "height": 900}, service_workers="block")


def loaded(context: BrowserContext, address: str) -> set[str]:
    """The addresses that a page loads, without those made in it."""
    page, addresses = context.new_page(), set()
    page.on("request", lambda one: one.url.startswith("http") and addresses.add(one.url))
    page.goto(address)
    page.wait_for_function("!document.querySelector('.widget-text')")  # all widgets are drawn
    page.wait_for_load_state("networkidle")
    page.close()
    return addresses


def holds(address: str, name: str) -> bool:
    """Whether an address is that of a part of widgets' states in which something has this name."""
    if "/parts/" not in address:
        return False
    return f'"{name}":'.encode() in (SITE / urlsplit(address).path.lstrip("/")).read_bytes()


def further(pages: dict[str, set[str]]) -> dict[str, tuple[int, int]]:
    """What each page loads, but for its pictures, that the first page and a chapter do not.

    Bytes without the weights of networks, and those of the weights. Images that a widget classifies
    or trains on are pictures, too.
    """
    seen = pages[FIRST] | pages[TIMED]
    sizes = {}
    for name, addresses in pages.items():
        new = [one for one in addresses - seen if "/_images/" not in one]
        new = [one for one in new if not holds(one, "pixels")]
        weights = sum(weight(one) for one in new if holds(one, "data"))
        sizes[name] = sum(map(weight, new)) - weights, weights
    return sizes


def first_widget(browser: Browser, address: str, slow: bool) -> float:
    """How many milliseconds after the click the first widget stands."""
    context = new_context(browser)
    context.add_init_script(WATCH)
    page = context.new_page()
    if slow:
        session = context.new_cdp_session(page)
        speed = 10e6 / 8
        line = {"offline": False, "latency": 20, "downloadThroughput": speed}
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", {**line, "uploadThroughput": speed})
    page.goto(address)
    page.wait_for_function("globalThis.firstWidget")
    time = page.evaluate("globalThis.firstWidget")
    context.close()
    return time


def main() -> None:
    """Print the heaviest pages and the times."""
    names = [FIRST, *sorted(f"chapters/{file.name}" for file in SITE.glob("chapters/*.html"))]
    with host(SITE) as address, sync_playwright() as playwright:
        browser = launch(playwright)
        context = new_context(browser)
        pages = {name: loaded(context, f"{address}/{name}") for name in names}
        rows = [(sum(map(weight, pages[name])), len(pages[name]), name) for name in names]
        print(f"{'a first visit':48} {'bytes':>9} {'at most':>9} {'requests':>9} {'at most':>8}")
        for total, requests, name in [rows[0], max(rows[1:])]:
            print(f"{name:48} {total:9,} {BYTES_FIRST:9,} {requests:9} {REQUESTS_FIRST:8}")
        print(
            f"{'a further page, without its pictures':48} {'bytes':>9} {'at most':>9} "
            f"{'weights':>9} {'at most':>8}"
        )
        ranked = sorted(further(pages).items(), key=lambda row: -sum(row[1]))
        for name, (size, weights) in ranked[:5]:
            most = BYTES_WEIGHTS_OF.get(name, BYTES_WEIGHTS)
            print(f"{name:48} {size:9,} {BYTES_FURTHER:9,} {weights:9,} {most:8,}")
        print(f"{'first widget of ' + TIMED:48} {'median':>9} {'at most':>9} {'fastest':>9}")
        for speed, limit in SOON.items():
            slow = speed != "full speed"
            times = [first_widget(browser, f"{address}/{TIMED}", slow) for _ in range(RUNS)]
            print(
                f"{speed:48} {statistics.median(times):6.0f} ms {limit:6} ms {min(times):6.0f} ms"
            )


if __name__ == "__main__":
    main()
