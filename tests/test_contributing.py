"""What CONTRIBUTING.md gives to copy works, and what it lists is all there is."""

import importlib.util
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
