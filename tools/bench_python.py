"""Measure how soon a cell of the pages shows its output: python -m tools.bench_python

From the press of Run, with Python not yet there, to the output: at the first visit, and again when
the browser has the files. The pages come as for tools/bench_pages.py. A browser's own brake of the
CPU does not hold its workers, nor that of the network what they fetch; so for a slow machine the
browser's processes are stopped for three quarters of the time, and the server waits.
"""

import gzip
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tools.bench_pages import SITE, Host, host, new_context
from tools.browser import launch

RUNS = {"full speed": 5, "a quarter of the CPU, 10 Mbit/s": 1}
LINE = 10e6 / 8  # bytes a second
# A chapter, a cell that shows something, what it is, and the goals in seconds: first, and again.
CELLS = [
    ("numpy", "cell-01", "a cell with NumPy alone", 6, 4),
    ("convolution", "cell-02", "a cell that draws", 8, 6),
]
RAN = """id => new Promise((done) => {
  const cell = document.getElementById(id), status = cell.querySelector(".run-tools [role=status]");
  const look = () => status.textContent.startsWith("ran in") && done();
  new MutationObserver(look).observe(status, { childList: true, subtree: true });
  cell.querySelector("button.run").click();
})"""


def press(page: Page, address: str, cell: str) -> float:
    """Seconds from the press to the output."""
    page.goto(address, wait_until="networkidle")
    began = time.perf_counter()
    page.evaluate(RAN, f"code-{cell}")
    return time.perf_counter() - began


class SlowHost(Host):
    """A server at the other end of a line of 10 Mbit/s."""

    line = threading.Lock()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a piece at a time, whoever asks."""
        while part := source.read(1 << 14):
            with self.line:
                time.sleep(len(part) / LINE)
            outputfile.write(part)


@contextmanager
def a_quarter_of_the_cpu() -> Iterator[None]:
    """Stop the browser for 15 of every 20 milliseconds."""
    end = threading.Event()

    def brake() -> None:
        for n in range(10**9):
            if n % 25 == 0:
                all_ = psutil.Process().children(recursive=True)
                browser = [one for one in all_ if "chrom" in one.name()]
            for act, wait in ((psutil.Process.suspend, 0.015), (psutil.Process.resume, 0.005)):
                for one in browser:
                    with suppress(psutil.NoSuchProcess):
                        act(one)
                time.sleep(wait)
            if end.is_set():
                return

    thread = threading.Thread(target=brake)
    thread.start()
    yield
    end.set()
    thread.join()


def measure(browser: Browser, address: str, cell: str, runs: int, slow: bool) -> list[float]:
    """Seconds at a first visit and again, the median of so many."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        context = new_context(browser)
        for of_one in times:
            page = context.new_page()
            page.set_default_timeout(0)
            if slow:
                with a_quarter_of_the_cpu():
                    of_one.append(press(page, address, cell))
            else:
                of_one.append(press(page, address, cell))
            page.close()
        context.close()
    return [statistics.median(of_one) for of_one in times]


def main() -> None:
    """Print the weight and the times."""
    folder = SITE / "_static" / "python"
    files = [file for file in folder.rglob("*") if file.is_file() and "cells" not in file.parts]
    bytes_ = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
    print(f"{'Python in the page, all files, packed':44} {bytes_ / 1e6:6.1f} MB")
    print(f"{'to the first output':44} {'first':>8} {'at most':>8} {'again':>8} {'at most':>8}")
    for speed, runs in RUNS.items():
        slow = speed != "full speed"
        print(speed)
        with host(SITE, SlowHost if slow else Host) as site, sync_playwright() as playwright:
            browser = launch(playwright)
            for chapter, cell, what, *limits in CELLS:
                address = f"{site}/chapters/{chapter}.html"
                times = measure(browser, address, cell, runs, slow)
                goals = ["", ""] if slow else [f"{limit} s" for limit in limits]
                pairs = zip(times, goals, strict=True)
                print(f"{what:44}", *(f"{seconds:6.1f} s {goal:>8}" for seconds, goal in pairs))
            browser.close()


if __name__ == "__main__":
    main()
