"""What CONTRIBUTING.md gives to copy works, and what it lists is all there is."""

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import nbformat
import pytest

from tests.prose import false_equations, unproven_numbers
from tests.test_book_text import faults_of_links
from tools import run_notebooks

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def templates(heading):
    """The kind and the text of each template under a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## A widget\n")[0]
    return re.findall(r"~~~~(\w+)\n(.*?)\n~~~~", section, re.DOTALL)


def test_a_chapter_from_the_template_runs_and_is_true(tmp_path):
    new = {"md": nbformat.v4.new_markdown_cell, "python": nbformat.v4.new_code_cell}
    path = tmp_path / "chapter.ipynb"
    cells = [new[kind](text) for kind, text in templates("A chapter")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    cells = nbformat.reads(run_notebooks.run(path), as_version=4).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    printed = [out.text for cell in cells for out in cell.get("outputs", [])]
    assert printed == ["12\n", "30\n"]
    assert unproven_numbers(prose, "".join(printed)) == []
    assert false_equations(prose) == []
    assert faults_of_links(prose) == []


@pytest.fixture
def doubling(tmp_path):
    """The widget of the template."""
    section = TEXT.partition("\n## A widget\n")[2]
    (tmp_path / "shared").symlink_to(ROOT / "cnnlib/widgets/shared")
    for kind, text in re.findall(r"~~~~(\w+)\n(.*?)\n~~~~", section, re.DOTALL):
        suffix = {"python": "py", "js": "js"}[kind]
        (tmp_path / f"doubling.{suffix}").write_text(text + "\n", "utf-8")
    spec = importlib.util.spec_from_file_location("doubling", tmp_path / "doubling.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "doubling", module)
        spec.loader.exec_module(module)
    return module.Doubling()


def test_a_widget_from_the_template_is_alive(doubling, page):
    assert repr(doubling) == "Doubling: 3, 6"
    page.evaluate(
        """async (text) => {
            const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
            const state = { value: 3 }, bus = new EventTarget();
            const model = {
                get: (name) => state[name],
                set: (name, value) => {
                    state[name] = value;
                    bus.dispatchEvent(new Event("change"));
                },
                on: (name, heard) => bus.addEventListener(name, heard),
                off: (name, heard) => bus.removeEventListener(name, heard),
                save_changes: () => {},
            };
            (await import(url)).default.render({ model, el: document.body });
        }""",
        str(doubling._esm),
    )
    slider = page.get_by_role("slider", name="Number")
    slider.focus()
    slider.press("ArrowRight")
    page.get_by_text("Its double is 8.").wait_for()


TOGETHER = TEXT.partition("\n## What belongs together\n")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| \[(\w+)\]\(chapters/\1\.ipynb\) \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
CHAPTERS = {
    chapter: [set(re.findall(r"`(\w+)`", names)) for names in row]
    for chapter, *row in ROW.findall(TOGETHER)
}
TABLES = TOGETHER.partition("| Chapter |")[2]
NAMED = set(re.findall(r"`((?:cnnlib|tests|tools)/[\w/]+\.py)`", TABLES))


def known(node, names):
    """What a name, or a name of a name's, stands for; None where only running the code tells."""
    if isinstance(node, ast.Attribute):
        return getattr(known(node.value, names), node.attr, None)
    return names.get(node.id) if isinstance(node, ast.Name) else None


def used(tree, names):
    """The modules that define what a part of a chapter's code takes from cnnlib."""
    found = [known(node, names) for node in ast.walk(tree)]
    modules = {one.__name__ for one in found if inspect.ismodule(one)}
    modules |= {getattr(one, "__module__", None) or "" for one in found}
    return {name for name in modules if name.startswith("cnnlib.")}


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_chapter_has_a_row_with_what_it_prints_and_shows(path):
    code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    tree = ast.parse("\n".join(code[1:]))  # without the cell for Colab
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and "cnnlib" in ast.unparse(node):
            exec(ast.unparse(node), names)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    sources = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "getsource"]
    printed = set().union(*(used(call, names) for call in sources))
    modules, widgets = CHAPTERS[path.stem]
    modules = {f"cnnlib.{name}" for name in modules}
    assert printed <= modules <= used(tree, names)
    shown = {n.rpartition(".")[2] for n in used(tree, names) if n.startswith("cnnlib.widgets.")}
    assert shown - {"check"} == widgets


def test_what_belongs_together_is_listed_once_and_exists():
    assert set(CHAPTERS) == {path.stem for path in (ROOT / "chapters").glob("*.ipynb")}
    modules, widgets = (set().union(*column) for column in zip(*CHAPTERS.values(), strict=True))
    listed = {f"cnnlib/{name}.py" for name in modules}
    listed |= {f"cnnlib/widgets/{name}.py" for name in widgets}
    assert listed & NAMED == {"cnnlib/classifiers.py"}  # whose test has another name
    assert [name for name in listed | NAMED if not (ROOT / name).exists()] == []
    files = [*(ROOT / "cnnlib").glob("*.py"), *(ROOT / "cnnlib/widgets").glob("*.py")]
    files = {path.relative_to(ROOT).as_posix() for path in files}
    assert files - listed - NAMED == set()


def test_a_file_and_its_test_have_one_name_or_a_line_that_says_what_belongs_to_what():
    folders = "cnnlib", "cnnlib/widgets", "tools"
    files = {path for folder in folders for path in (ROOT / folder).glob("*.py")}
    tests = set((ROOT / "tests").glob("test_*.py"))
    own = {path for path in files if ROOT / f"tests/test_{path.stem}.py" in tests}
    tested = {ROOT / f"tests/test_{path.stem}.py" for path in own}
    others = (files - own) | (tests - tested)
    assert {path.relative_to(ROOT).as_posix() for path in others} <= NAMED


FOLDERS = ["cnnlib/widgets/shared/math", "cnnlib/widgets/shared/view", "tools"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_shared_file_has_its_line(folder):
    files = [path.name for path in (ROOT / folder).iterdir() if path.is_file()]
    assert [name for name in files if f"`{name}`" not in TEXT] == []


def test_no_file_is_listed_that_is_gone():
    listed = re.findall(r"^\| `([\w.]+)` \|", TEXT, re.MULTILINE)
    gone = [
        name for name in listed if not any((ROOT / folder / name).exists() for folder in FOLDERS)
    ]
    assert len(listed) > 30 and gone == []
