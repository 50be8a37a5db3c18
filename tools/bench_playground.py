"""Measure the playground: how soon its first preset learns, and how fast beside TensorFlow.js.

    python -m tools.bench_playground

The preset is trained in a page's worker, as a reader who presses Play sees it, with five seeds.
TensorFlow.js is fetched as in bench_math.py, and used for nothing else.
"""

import statistics

from playwright.sync_api import Page, sync_playwright

from cnnlib.widgets import Playground
from tools import bench_math
from tools.bench_math import start
from tools.browser import launch

SECONDS = 15
GOAL = 0.97  # of the held-out digits
SEEDS = range(5)
ROUNDS = 5  # in which the sides are measured in turn
SIDES = {"ours": 40, "cpu": 8, "wasm": 40}  # batches of a round


def learn(page: Page, seed: int) -> tuple[float, float, float]:
    """Seconds until `GOAL` is reached, the share at the end, and the page's frames per second."""
    playground = Playground(seed=seed)
    given = {"layers": playground.layers, "settings": playground.settings, "seeds": [seed]}
    given |= {"digits": playground.digits, "drawings": []}
    found = page.evaluate("(given) => bench.play(...given)", [given, SECONDS])
    if found["inPage"]:
        raise RuntimeError("the page has no worker")
    shares = [row["validation_accuracy"] for row in found["history"]]
    soon = [time for time, share in zip(found["times"], shares, strict=True) if share >= GOAL]
    return soon[0] if soon else float("inf"), shares[-1], found["frames"]


def report_learning(page: Page) -> None:
    """Print what five seeds reach within the seconds."""
    soon, last, frames = zip(*(learn(page, seed) for seed in SEEDS), strict=True)
    print(f"{GOAL:.0%} of the held-out digits, seeds 0 to 4, seconds: ", end="")
    print(", ".join(f"{one:.1f}" for one in soon), f"(at most {SECONDS})")
    print(f"after {SECONDS} seconds: {', '.join(f'{one:.1%}' for one in last)}", end="; ")
    print(f"mean {statistics.mean(last):.1%}, standard deviation {statistics.stdev(last):.2%}")
    print(f"frames per second meanwhile: {min(frames):.0f} and more")


def report_speed(page: Page, theirs: bool) -> None:
    """Print the median time of a batch of 32, and those of TensorFlow.js."""
    layers, times = Playground().layers, {side: [] for side in SIDES if theirs or side == "ours"}
    for _ in range(ROUNDS):
        for side, runs in times.items():
            runs += page.evaluate("(given) => bench.seconds(...given)", [side, SIDES[side], layers])
    medians = {side: statistics.median(runs) for side, runs in times.items()}
    for side, median in medians.items():
        ratio = medians["ours"] / median
        print(f"a batch of 32, {side}: {median * 1e3:.2f} ms, ratio {ratio:.2f}")


def main() -> None:
    """Measure and print."""
    missing = bench_math.missing()
    with sync_playwright() as playwright:
        page = launch(playwright).new_page()
        start(page, not missing)
        report_speed(page, not missing)
        report_learning(page)
    if missing:
        print(f"NOT COMPARED: {missing}")


if __name__ == "__main__":
    main()
