"""Measure how soon a cell of the pages shows its output: python -m tools.bench_python

From the press of Run, with Python not yet there, to the output: at the first visit, and again when
the browser has the files. The pages come as for tools/bench_pages.py.
"""

import gzip
import statistics
import time

from playwright.sync_api import Page, sync_playwright

from tools.bench_pages import SITE, host, new_context
from tools.browser import launch

RUNS = 5
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


def main() -> None:
    """Print the weight and the times."""
    folder = SITE / "_static" / "python"
    files = [file for file in folder.rglob("*") if file.is_file() and "cells" not in file.parts]
    bytes_ = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)
    print(f"{'Python in the page, all files, packed':44} {bytes_ / 1e6:6.1f} MB")
    print(f"{'to the first output':44} {'first':>8} {'at most':>8} {'again':>8} {'at most':>8}")
    with host(SITE) as site, sync_playwright() as playwright:
        browser = launch(playwright)
        for chapter, cell, what, first, again in CELLS:
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(RUNS):
                context = new_context(browser)
                for of_one in times:
                    page = context.new_page()
                    of_one.append(press(page, f"{site}/chapters/{chapter}.html", cell))
                    page.close()
                context.close()
            medians = [statistics.median(of_one) for of_one in times]
            print(f"{what:44} {medians[0]:6.1f} s {first:6} s {medians[1]:6.1f} s {again:6} s")


if __name__ == "__main__":
    main()
