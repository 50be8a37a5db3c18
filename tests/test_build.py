"""A change is built without running what it does not touch, and no fault survives in a cache."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).parents[1]
OWN = """
import anywidget, traitlets
class Own(anywidget.AnyWidget):
    _esm = "export default { render() {} }"
    label = traitlets.Unicode("<!-- <script>").tag(sync=True)
Own()
"""
SHARED = "from cnnlib.widgets import SlidingKernel\nSlidingKernel()"
TOC = "{format: jb-book, root: intro, chapters: [{file: chapters/one}, {file: chapters/other}]}"
PIECES = "import time\nprint('in pieces', end='', flush=True)\ntime.sleep(0.2)\nprint(' and whole')"
CELLS = ["print('ran', file=open('runs', 'a'))", OWN, SHARED, PIECES]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A book with three pages, one of them a chapter that writes down that it ran."""
    folder = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "Makefile", "requirements.txt", "assets", "tools", "cnnlib"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "_toc.yml").write_text(TOC)
    (folder / "intro.md").write_text("# Welcome\n\nA book.\n\n```{tableofcontents}\n```\n")
    (folder / "chapters").mkdir()
    (folder / "chapters" / "other.md").write_text("# Another chapter\n\nWords.\n")
    write_chapter(folder, "# The chapter\n\nWith $x^2$.", CELLS)
    return folder


def write_chapter(folder, text, cells):
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), *cells])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, folder / "chapters" / "one.ipynb")


def make(folder, python=False):
    """`make book`, with this Python. Without one in the page, which would take long."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    if not python:
        environment["PYODIDE_WHEELS"] = str(folder / "chapters")  # where there are none
    command = ["make", f"PYTHON={sys.executable}", "-o", ".venv/installed", "book"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def build(folder, python=False):
    made = make(folder, python)
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    return (folder / "_build" / "html" / "chapters" / "one.html").read_text("utf-8")


def runs(folder):
    return (folder / "chapters" / "runs").read_text().count("ran")


def add(file, text):
    file.write_text(file.read_text("utf-8") + text, "utf-8")


def version(page, file):
    (found,) = re.findall(rf'src="\.\./_static/{re.escape(file)}\?v=(\w+)"', page)
    return found


def test_a_chapter_runs_when_it_or_its_code_changed_and_not_for_a_script(checkout):
    page, site = build(checkout), checkout / "_build" / "html"
    assert runs(checkout) == 1
    first = version(page, "widgets/SlidingKernel.js")

    add(checkout / "cnnlib" / "widgets" / "sliding_kernel.js", "void 'another word';\n")
    add(checkout / "cnnlib" / "widgets" / "sliding_kernel.css", "/* another color */\n")
    page_script = version(page, "page.js")
    add(checkout / "assets" / "page.js", "// a third word\n")
    page = build(checkout)
    script = (site / "_static" / "widgets" / "SlidingKernel.js").read_text("utf-8")
    assert "void 'another word';" in script
    assert "/* another color */" in script
    assert "// a third word" in (site / "_static" / "page.js").read_text("utf-8")
    second = version(page, "widgets/SlidingKernel.js")
    assert second != first
    assert version(page, "page.js") != page_script
    listed = json.loads((site / "offline.json").read_text("utf-8"))
    assert f"_static/widgets/SlidingKernel.js?v={second}" in listed
    assert runs(checkout) == 1

    write_chapter(checkout, "# The chapter\n\nWith $x^2$, and more.", CELLS)
    theme, written = (site / "_static" / "theme.js").read_bytes(), make(checkout).stdout
    assert "writing output" in written
    assert re.findall(r"writing output.*(other)", written) == []  # it shows nothing of the change
    assert ", and more." in (site / "chapters" / "one.html").read_text("utf-8")
    assert (site / "_static" / "theme.js").read_bytes() == theme
    assert runs(checkout) == 2

    (checkout / "intro.md").write_text("# Hello\n\nA book.\n\n```{tableofcontents}\n```\n")
    (checkout / "_toc.yml").write_text(TOC.replace("]", ", {file: chapters/two}]"))
    (checkout / "chapters" / "two.md").write_text("# A second\n\nMore.\n")
    page = build(checkout)
    assert 'title="previous page"' in page
    assert "Welcome" not in page  # not even as the way back
    assert "A second" in page
    assert version(page, "widgets/SlidingKernel.js") == second  # Sphinx names contents alike
    assert "chapters/two.html" in json.loads((site / "offline.json").read_text("utf-8"))
    assert runs(checkout) == 2

    (checkout / "_toc.yml").write_text(TOC)
    assert "A second" not in build(checkout)
    assert runs(checkout) == 2

    add(checkout / "cnnlib" / "shapes.py", "# another line\n")
    build(checkout)
    assert runs(checkout) == 3


def test_the_state_of_a_widget_cannot_end_or_swallow_its_script(checkout):
    page = build(checkout)
    (body,) = re.findall(r'widget-state\+json">(.*?)</script>', page, re.DOTALL)
    assert "<" not in body
    states = [model["state"] for model in json.loads(body)["state"].values()]
    assert [state["label"] for state in states if "label" in state] == ["<!-- <script>"]
    # The library's scripts lie in files of their own, others' in the state.
    assert ["export" in state["_esm"] for state in states if "_esm" in state] == [True]


def test_a_print_that_came_in_pieces_stands_on_one_line(checkout):
    assert "in pieces and whole" in build(checkout)


def test_where_a_widget_is_not_drawn_stands_what_it_says(checkout):
    texts = re.findall(r'<div class="widget-text">.*?<pre>(.*?)</pre>', build(checkout), re.DOTALL)
    assert [text[:26] for text in texts] == ["Own", "SlidingKernel: image 1x6x6"], texts


@pytest.mark.parametrize("builder", ["gettext", "epub", "latex"])
def test_other_builders_end_well(checkout, builder):
    own = {"latex_individualpages": False, "external_toc_path": str(checkout / "_toc.yml")}
    config, _ = get_final_config(
        user_yaml=checkout / "_config.yml", sourcedir=checkout, cli_config=own, validate=False
    )
    config["nb_execution_mode"] = "off"
    out = checkout / builder
    with pytest.MonkeyPatch.context() as patch, docutils_namespace():
        patch.syspath_prepend(checkout / "tools")
        Sphinx(checkout, None, out, out, builder, config, status=None, warning=None).build()
    names = {"gettext": "*.pot", "epub": "one.xhtml", "latex": "*.tex"}
    (file,) = [one for one in out.rglob(names[builder]) if "With" in one.read_text("utf-8")]
    formula = "<msup><mi>x</mi><mn>2</mn></msup>" if builder == "epub" else "x^2"
    assert formula in file.read_text("utf-8")


def test_a_fault_is_a_fault_the_second_time_too(checkout):
    build(checkout)
    write_chapter(checkout, "# The chapter", ["1 / 0"])
    for _ in range(2):
        made = make(checkout)
        assert made.returncode
        assert "Executing notebook failed" in made.stdout + made.stderr
    write_chapter(checkout, "# The chapter", CELLS)
    assert "widget-text" in build(checkout)


def test_a_build_that_finds_nothing_new_leaves_the_pages_as_they_are(checkout):
    page = build(checkout)
    (checkout / "_build" / "built").unlink()  # a touched file could be as old, by the clock's ticks
    assert build(checkout) == page


def test_all_pages_follow_when_python_in_the_page_comes_or_goes(checkout):
    build(checkout)
    built = checkout / "_build" / "built"
    built.unlink()
    page, python = build(checkout, python=True), checkout / "_build/html/_static/python"
    if not python.exists():
        pytest.skip("Python in the page cannot be fetched here")
    assert '"manifest": "' in page
    built.unlink()
    assert '"missing": "it could not be fetched' in build(checkout)
    assert not python.exists()
