"""The students' edition: nothing of the solutions is left, and all else is."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from tests.questions import bound, used
from tools import student

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
TOC = """format: jb-book
root: intro
parts:
  - numbered: true
    chapters:
      - file: chapters/one
"""
CHECK = (
    "from cnnlib.widgets import *\nCheck(Question('How many?', 9176254, steps=['x', '9176254.']))"
)
CELLS = [
    "# The chapter\n\nWords.",
    "print('ran', file=open('runs', 'a'))\nprint('shown ' + str(6 * 7))",
    CHECK,
    "```{exercise-start} easy\n:label: one-first\n```\nWhat is $x^2$?\n```{exercise-end}\n```",
    "```{solution-start} one-first\n:class: dropdown\n```\nHush, secretwords and $y^3$.",
    "secretcode = 'secret' + 'output'\nprint(secretcode)\nSlidingKernel(bias=-987654.0)",
    "```{solution-end}\n```\n\n```{exercise-start} hard\n:label: one-second\n```\nThe second.\n"
    "```{exercise-end}\n```\n```{solution-start} one-second\n```\nAnd secretwords.\n"
    "```{solution-end}\n```\n\n## The end\n\nLast words.",
    "print('after ' + str(6 * 8))",
]
SECRETS = ["secretwords", "secretcode", "secretoutput", "987654", "solution-"]


def write_chapter(path):
    new = [
        nbformat.v4.new_code_cell if code(cell) else nbformat.v4.new_markdown_cell for cell in CELLS
    ]
    cells = [make(cell) for make, cell in zip(new, CELLS, strict=True)]
    cells[2].metadata.tags = ["remove-input"]  # as in the chapters
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, path)


def code(cell):
    return not re.match(r"[#`]", cell)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small book, and what `make book SOLUTIONS=no` makes of it."""
    folder = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "Makefile", "requirements.txt", "assets", "tools", "cnnlib"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "_toc.yml").write_text(TOC)
    (folder / "intro.md").write_text("# Welcome\n\n- A book.\n- Solutions are folded away.\n")
    (folder / "chapters").mkdir()
    write_chapter(folder / "chapters" / "one.ipynb")
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYODIDE_WHEELS": str(folder)}
    environment["GITHUB_REPOSITORY"] = "owner/with-solutions"
    command = ["make", f"PYTHON={sys.executable}", "-o", ".venv/installed", "book", "SOLUTIONS=no"]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return folder


def files(folder):
    """Each file of a folder, and its text."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes().decode("utf-8", "replace")


def test_nothing_of_a_solution_is_in_the_site_or_in_its_notebooks(made):
    whole = (made / "_build" / "html" / "chapters" / "one.html").read_text("utf-8")
    assert all(secret in whole for secret in SECRETS[:-1])
    found = [*files(made / "_build" / "student"), *files(made / "_build" / "kit" / "notebooks")]
    told = [(path, secret) for path, text in found for secret in SECRETS if secret in text]
    # The style sheets and the library are of all pages.
    assert [(path, secret) for path, secret in told if path.suffix in (".html", ".ipynb")] == []
    assert [secret for path, secret in told if path.name == "searchindex.js"] == []
    assert {secret for _, secret in told} <= {"solution-"}


def test_what_is_no_solution_stays_as_it_was_and_no_chapter_runs_again(made):
    pages = [
        BeautifulSoup(
            (made / "_build" / name / "chapters" / "one.html").read_text("utf-8"), "html.parser"
        )
        for name in ("html", "student")
    ]
    for solution in pages[0].select(".solution"):
        solution.decompose()
    whole, student = (
        [" ".join(one.text.split()) for one in page.select("article")] for page in pages
    )
    assert whole == student
    for words in ("shown 42", "after 48", "Exercise 1.2 (hard)"):
        assert words in student[0]
    assert (made / "chapters" / "runs").read_text().count("ran") == 1


def test_the_notebook_that_a_page_offers_is_the_stored_chapter_without_solutions(made):
    offered = made / "_build" / "student" / "_sources" / "chapters" / "one.ipynb"
    assert (
        offered.read_bytes() == (made / "_build" / "kit" / "notebooks" / "one.ipynb").read_bytes()
    )
    cells = nbformat.read(offered, as_version=4).cells
    assert [cell.source for cell in cells] == [*CELLS[:4], cells[4].source, CELLS[7]]
    assert (
        cells[4].source.startswith("```{exercise-start} hard") and "Last words." in cells[4].source
    )


def test_no_button_opens_the_repository_that_has_the_solutions(made):
    assert [
        path for path, text in files(made / "_build" / "student") if "with-solutions" in text
    ] == []


def test_the_first_page_speaks_of_no_solutions(made):
    assert "olutions are folded" not in (made / "_build" / "student" / "intro.html").read_text(
        "utf-8"
    )


def test_an_answer_stands_in_no_page_and_the_check_still_knows_it(made, open_page):
    site = made / "_build" / "student"
    told = [
        path for path, text in files(site) if "9176254" in text and path.suffix in (".html", ".js")
    ]
    assert told == []
    page = open_page()
    page.goto((site / "chapters" / "one.html").as_uri())
    page.get_by_role("textbox", name="Your answer").fill("9176254")
    page.get_by_role("button", name="Check").click()
    page.get_by_text("Right.").wait_for()


def test_what_a_check_loads_is_kept_for_readers_without_a_network(made):
    site = made / "_build" / "student"
    listed = json.loads((site / "offline.json").read_text("utf-8"))
    parts = {
        f"_static/widgets/parts/{path.name}?v=0"
        for path in (site / "_static/widgets/parts").iterdir()
    }
    assert parts and parts <= set(listed)


def test_the_key_has_the_solutions_by_number_with_what_is_asked(made):
    key = BeautifulSoup((made / "_build" / "kit" / "key.html").read_text("utf-8"), "html.parser")
    assert [one.text for one in key.select("h2, h3")] == [
        "1. The chapter",
        "Exercise 1.1 (easy)",
        "Exercise 1.2 (hard)",
    ]
    assert [one.text.strip() for one in key.select(".asked")][1] == "The second."
    assert all(secret in str(key) for secret in SECRETS[:-1])
    assert key.select("script, a, [id]") == []


def solutions(path):
    """For each cell of a chapter: is it outside of solutions, and which names does it bind?"""
    inside = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for mark in re.findall(r"\{solution-(start|end)\}", cell.source):
                inside = mark == "start"
        yield cell, not inside


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_keeps_all_but_its_solutions(path):
    left = student.without_solutions(nbformat.read(path, as_version=4)).cells
    code = [cell.id for cell, outside in solutions(path) if outside and cell.cell_type == "code"]
    assert [cell.id for cell in left if cell.cell_type == "code"] == code
    prose = "\n".join(cell.source for cell in left if cell.cell_type == "markdown")
    assert "{solution-" not in prose
    assert not re.search(r"\b[Ss]olutions?\b", prose)
    before = "\n".join(c.source for c, _ in solutions(path) if c.cell_type == "markdown")
    for kind in ("{exercise-start}", "{exercise-end}", "\n## "):
        assert prose.count(kind) == before.count(kind)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_cell_needs_what_a_solution_defines(path):
    last = {}
    for cell, outside in solutions(path):
        if cell.cell_type != "code" or cell.id == "colab":
            continue
        for statement in ast.parse(re.sub(r"^%.*", "", cell.source)).body:
            if outside:
                borrowed = [name for name in used(statement) if last.get(name) is False]
                assert borrowed == [], cell.source
            last |= dict.fromkeys(bound(statement), outside)


def test_a_solution_that_does_not_end_is_refused():
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("```{solution-start} x\n```\nWords.")]
    with pytest.raises(ValueError, match="a solution does not end"):
        student.without_solutions(notebook)


def test_what_is_replaced_stands_in_the_book_once():
    for name, (old, _) in student.CHANGES.items():
        assert len(re.findall(old, (ROOT / name).read_text("utf-8"))) == 1


def test_buttons_open_the_repository_that_is_named_and_no_other(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(student.subprocess, "run", lambda *_, env, **options: ran.append(env))
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/with-solutions")
    student.build(tmp_path)
    monkeypatch.setenv("STUDENT_REPOSITORY", "owner/without")
    student.build(tmp_path)
    assert [env["GITHUB_REPOSITORY"] for env in ran] == ["", "owner/without"]
