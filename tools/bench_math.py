"""Measure the arithmetic of the pages against TensorFlow.js, in one page; bench.py calls it.

TensorFlow.js is fetched from the npm registry, once, into _build/tfjs, and used for nothing else.
"""

import base64
import io
import statistics
import tarfile
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from cnnlib.widgets.widget import script
from tools.browser import launch

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "_build" / "tfjs"
VERSION = "4.22.0"
FILES = {  # package: what is taken from it
    "tfjs": ["tf.min.js"],
    "tfjs-backend-wasm": ["tf-backend-wasm.min.js", "tfjs-backend-wasm-simd.wasm"],
}
SIDES = {"ours": 5, "cpu": 1, "wasm": 5}  # runs of each side in a round
LIMITS = {"cpu": 1.0, "wasm": 2.0}  # how many times their time is allowed
WORK = "first layers of the 421,642 parameters, batch 16, in a page"
START = """async ([text, wasm]) => {
    const url = (parts, type) => URL.createObjectURL(new Blob(parts, { type }));
    const bytes = Uint8Array.from(atob(wasm), (letter) => letter.charCodeAt(0));
    const names = ["", "-simd", "-threaded-simd"].map((kind) => `tfjs-backend-wasm${kind}.wasm`);
    const place = url([bytes], "application/wasm");
    if (wasm) tf.wasm.setWasmPaths(Object.fromEntries(names.map((name) => [name, place])));
    globalThis.bench = await import(url([text], "text/javascript"));
}"""


def fetch() -> None:
    """Put the files of TensorFlow.js into their folder; raises OSError when there is no network."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for package, names in FILES.items():
        if all((FOLDER / name).exists() for name in names):
            continue
        address = f"https://registry.npmjs.org/@tensorflow/{package}/-/{package}-{VERSION}.tgz"
        with urllib.request.urlopen(address, timeout=60) as answer:
            archive = io.BytesIO(answer.read())
        with tarfile.open(fileobj=archive) as files:
            for name in names:
                (FOLDER / name).write_bytes(files.extractfile(f"package/dist/{name}").read())


def missing() -> str:
    """Fetch TensorFlow.js; return why it is not there, "" if it is."""
    try:
        fetch()
    except OSError as error:
        return f"TensorFlow.js could not be fetched ({error})"
    return ""


def start(page: Page, theirs: bool) -> None:
    """Load the work into a page, and TensorFlow.js if it is there."""
    wasm = ""
    if theirs:
        for name in ("tf.min.js", "tf-backend-wasm.min.js"):
            page.add_script_tag(path=FOLDER / name)
        wasm = base64.b64encode((FOLDER / FILES["tfjs-backend-wasm"][1]).read_bytes()).decode()
    page.evaluate(START, [script(Path(__file__).with_suffix(".js")), wasm])


def compare(rounds: int) -> tuple[dict[str, float], str]:
    """The median seconds of each side, and why TensorFlow.js is not among them ("" if it is)."""
    why = missing()
    with sync_playwright() as playwright:
        page = launch(playwright).new_page()
        start(page, not why)
        times: dict[str, list[float]] = {side: [] for side in SIDES if not why or side == "ours"}
        for _ in range(rounds):
            for side, runs in times.items():
                runs += page.evaluate("(given) => bench.seconds(...given)", [side, SIDES[side]])
    return {side: statistics.median(runs) for side, runs in times.items()}, why


def report(rounds: int) -> dict[str, float]:
    """Measure, print the times and their ratios, and return them."""
    figures, why = compare(rounds)
    print(f"{WORK}: {figures['ours'] * 1e3:.0f} ms")
    if why:
        print(f"NOT COMPARED: {why}")
    for side, limit in LIMITS.items():
        if side in figures:
            ratio = figures[f"ratio_{side}"] = figures["ours"] / figures[side]
            times = f"{figures[side] * 1e3:.0f} ms, ratio {ratio:.2f} (at most {limit:.1f})"
            print(f"  TensorFlow.js, {side} backend: {times}")
    return figures


if __name__ == "__main__":
    report(3)
