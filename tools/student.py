"""The students' edition: the book without its solutions, made of what `make book` has run.

    python -m tools.student

The pages go to _build/student, the chapters as notebooks to _build/kit/notebooks, and the answer
key beside them. No chapter runs again. What a check asks is computed in the page, and so its
answers are in the site: in files of their own, and not to be read without decoding them.

The option hide_solutions of sphinx-exercise is of no use here: it takes away the beginning of a
solution that spans several cells, leaves its code, and fails at the end that is left over.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from cnnlib.widgets import Check
from tools import answer_key, book_site

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "student"
KIT = ROOT / "_build" / "kit"
MARK = re.compile(r"^(`{3,})\{solution-(start|end)\}.*?^\1[ \t]*\n*", re.MULTILINE | re.DOTALL)
# What is said to teachers alone, and how the chapters are run.
CHANGES = {
    "intro.md": (r"- Solutions are folded away.*\n", ""),
    "_toc.yml": (r" *- file: chapters/teaching\n", ""),
    "_config.yml": ("execute_notebooks: force", "execute_notebooks: off"),
}


def outside(text: str, inside: bool) -> tuple[str, bool]:
    """What stands outside of solutions, and whether one is open at the end."""
    kept, end = "", 0
    for mark in MARK.finditer(text):
        kept += "" if inside else text[end : mark.start()]
        inside, end = mark[2] == "start", mark.end()
    return kept + ("" if inside else text[end:]), inside


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """The notebook without the text, the code and the widgets of its solutions."""
    cells, inside = [], False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source, inside = outside(cell.source, inside)
            cells += [cell] if cell.source.strip() else []
        elif not inside:
            cells.append(cell)
    if inside:
        raise ValueError("student: a solution does not end; expected {solution-end}")
    notebook.cells = cells
    for bundle in notebook.metadata.get("widgets", {}).values():
        bundle["state"] = shown(bundle["state"], cells)
    return notebook


def shown(states: dict, cells: Iterable[NotebookNode]) -> dict:
    """The states of the widgets that the cells show, with what these are made of."""
    text = json.dumps([cell.get("outputs", []) for cell in cells])
    found = {name for name in states if name in text}
    new = found
    while new := {one for one in states for name in new if one in json.dumps(states[name])} - found:
        found |= new
    return {name: states[name] for name in states if name in found}


def chapters(folder: Path) -> Iterator[tuple[str, NotebookNode]]:
    """Each chapter of a folder, by the name of its file, without its solutions."""
    for path in sorted(folder.glob("*.ipynb")):
        yield path.name, without_solutions(nbformat.read(path, as_version=4))


def stage(folder: Path) -> None:
    """Write the sources of the students' book to a folder."""
    shutil.copy(ROOT / "requirements.txt", folder)
    for name, change in CHANGES.items():
        text = re.sub(*change, (ROOT / name).read_text("utf-8"))
        (folder / name).write_text(text, "utf-8")
    for name in ("assets", "tools", "cnnlib", "chapters"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, notebook in chapters(ROOT / "_build" / "jupyter_execute" / "chapters"):
        nbformat.write(notebook, folder / "chapters" / name)


def hide_answers(site: Path) -> None:
    """Take the questions of the checks out of the pages, into files that a reader must decode."""
    parts = site / "_static" / "widgets" / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    kind = f"{Check.__module__}.{Check.__qualname__}"
    plain = set()

    def code(model: dict) -> None:
        if model["state"].get("_anywidget_id") != kind:
            return
        files = model.setdefault("files", {})
        if "questions" in files:
            old = parts.parent / f"{files['questions']}.js"
            text = old.read_text("utf-8").partition(" = ")[2].rstrip().removesuffix(";")
            plain.add(old)
        else:
            text = json.dumps(model["state"].pop("questions"), separators=(",", ":"))
        name = f"parts/{sha256(b'coded' + text.encode()).hexdigest()[:12]}"
        letters = base64.b64encode(text.encode("ascii")).decode()
        script = f'(globalThis.widgetScripts ??= {{}})["{name}"] = JSON.parse(atob("{letters}"));\n'
        (parts.parent / f"{name}.js").write_text(script, "utf-8")
        files["questions"] = name

    def hide(bundle: re.Match) -> str:
        states = json.loads(bundle[2])["state"]
        for model in states.values():
            code(model)
        text = json.dumps({"state": states}, separators=(",", ":")).replace("<", "\\u003c")
        return bundle[1] + text + bundle[3]

    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        if (new := book_site.STATE.sub(hide, text)) != text:
            page.write_text(new, "utf-8")
    for page in (parts.parent / "alone").glob("*.js"):  # those of one widget alone
        begin, _, text = page.read_text("utf-8").partition(" = ")
        content = json.loads(text.rstrip().removesuffix(";"))
        for _, model in content["widgets"]:
            code(model)
        text = json.dumps(content, separators=(",", ":"))
        page.write_text(f"{begin} = {text};\n", "utf-8")
    for file in plain:
        file.unlink()
    book_site.stamp(site)
    book_site.list_for_offline(site)


def build(folder: Path) -> None:
    """Build the book in a folder. Its buttons open STUDENT_REPOSITORY, and are absent without."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment["GITHUB_REPOSITORY"] = os.environ.get("STUDENT_REPOSITORY", "")
    environment["GIT_DIR"] = str(folder / ".git")  # not that of a folder around it
    command = [sys.executable, "-m", "tools.build", "build", ".", "-W", "-n", "--keep-going", "-q"]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def main() -> None:
    """Write the students' pages and notebooks, and the key."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage(folder)
        build(folder)
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.move(folder / "_build" / "html", SITE)
    hide_answers(SITE)
    notebooks = KIT / "notebooks"
    shutil.rmtree(notebooks, ignore_errors=True)
    notebooks.mkdir(parents=True)
    for name, notebook in chapters(ROOT / "chapters"):
        nbformat.write(notebook, notebooks / name)
        if (offered := SITE / "_sources" / "chapters" / name).exists():
            shutil.copy(notebooks / name, offered)
    answer_key.write(KIT / "key.html")
    print("The book without solutions is in _build/student; open _build/student/index.html.")
    print("Its notebooks are in _build/kit/notebooks, the answer key is _build/kit/key.html.")


if __name__ == "__main__":
    main()
