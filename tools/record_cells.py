"""Run every cell of the chapters in the page's Python and record what came of it.

python -m tools.record_cells [CHAPTER ...]

assets/cells.json has, for each chapter, the cells by their names: "same" as what is stored, to the
last letter; "other"; "absent", for want of a library; "error"; and the seconds that it took when
they are many. Pages say of such a cell how long it takes. Some minutes a chapter.
"""

import json
import sys
from pathlib import Path

import nbformat
from playwright.sync_api import Page, sync_playwright

from tools.book_python import LONG, RECORD, cells_of
from tools.browser import launch

ROOT = Path(__file__).parents[1]

# Gives all that the cells send, as the page's own script would hear it.
RUN = """async ([cells, address]) => {
  const worker = new Worker(new URL("worker.js", address), { type: "module" });
  const manifest = await (await fetch(address)).json();
  let heard = [], done;
  worker.onmessage = ({ data }) => {
    if (data.kind === "done" || data.kind === "fault") done(data);
    else if (data.kind !== "loaded" && !data.kind.startsWith("comm")) heard.push(data);
  };
  const ask = (message) => new Promise((then) => ((done = then), worker.postMessage(message)));
  await ask({ kind: "start", folder: new URL(".", address).href, manifest, early: [], solved: {} });
  const results = [];
  for (const { id, source } of cells) {
    heard = [];
    const began = performance.now();
    const { result, text, memory } = await ask({ kind: "run", cell: id, source });
    const seconds = (performance.now() - began) / 1000;
    results.push({ id, result: result ?? text, heard, seconds, memory });
  }
  worker.terminate();
  return results;
}"""


def stored(path: Path) -> dict[str, tuple[str, list[str]]]:
    """What is stored of each cell: the printed text, and the values as text."""
    cells = {}
    for cell in nbformat.read(path, as_version=4).cells:
        outputs = cell.get("outputs", [])
        text = "".join(one.text for one in outputs if one.output_type == "stream")
        values = [one.data["text/plain"] for one in outputs if "data" in one]
        cells[f"code-{cell.id}"] = text, [one for one in values if not one.startswith("<Figure")]
    return cells


def shown(heard: list[dict]) -> tuple[str, list[str]]:
    """The same of what a cell has sent."""
    text = "".join(one["text"] for one in heard if one["kind"] == "stream")
    data = [one["data"] for one in heard if one["kind"] == "display"]
    return text, [one["text/plain"] for one in data if "text/plain" in one]


def record(page: Page, site: str, path: Path) -> dict:
    """What became of each cell of a chapter."""
    expected = stored(path)
    address = f"{site}/_static/python/manifest.json"
    results = page.evaluate(RUN, [cells_of(path), address])
    cells = {}
    for one in results:
        result = one["result"]
        if result == "ok":
            result = "same" if shown(one["heard"]) == expected[one["id"]] else "other"
        long = [round(one["seconds"])] if one["seconds"] >= LONG else []
        cells[one["id"]] = [result, *long]
    return {"memory": round(results[-1]["memory"] / 2**20), "cells": cells}


def main(names: list[str]) -> None:
    """Record the chapters named, or all."""
    from tests.browser import BOOK, serve

    paths = sorted((ROOT / "chapters").glob("*.ipynb"))
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))}: no such chapter")
    with serve(BOOK) as server, sync_playwright() as playwright:
        browser = launch(playwright)
        site = f"http://127.0.0.1:{server.server_port}"
        for path in paths:
            if names and path.stem not in names:
                continue
            page = browser.new_page()
            page.goto(f"{site}/genindex.html")
            one = record(page, site, path)
            page.close()
            all_ = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
            all_[path.stem] = one
            RECORD.write_text(json.dumps(dict(sorted(all_.items())), indent=1) + "\n", "utf-8")
            counts: dict[str, int] = {}
            for result, *_ in one["cells"].values():
                counts[result] = counts.get(result, 0) + 1
            print(path.stem, counts, f"{one['memory']} MB", flush=True)
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1:])
