"""The chapters as stored: run in order, compared whole, and true in their prose.

`pytest --nbval` compares each cell's stored output with what it prints now; this file checks what
nbval does not see. Pictures, which it does not compare, are compared with those of the built book.
"""

import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from tests.built import BuiltRun
from tests.prose import false_equations, false_products, unproven_numbers
from tools import run_notebooks

pytest_plugins = ["tests.browser"]
CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def faults(path, notebook, cell_type, find):
    """What `find` finds wrong in the cells of a type, in a line each that says where."""
    return [
        f"{path.name}, cell {number}: {fault}"
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == cell_type
        for fault in find(cell)
    ]


def complain(faults):
    """Fail with these lines and nothing else."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_cells_were_run_from_first_to_last(code):
    """nbval compares nothing where the count is missing."""
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_no_cell_holds_a_traceback_or_a_warning(path, notebook):
    def find(cell):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"its stored output is an error: {output.evalue}"
            if output.get("name") == "stderr":
                yield f"its stored output is a warning: {output.text}"

    complain(faults(path, notebook, "code", find))


def test_no_cell_is_kept_from_the_comparison(path, notebook):
    def find(cell):
        tags = cell.metadata.get("tags", [])
        if "raises-exception" in tags or any("nbval" in tag.lower() for tag in tags):
            yield f"its tags, {tags}, keep it from being compared"
        if "NBVAL" in cell.source:
            yield "its word NBVAL keeps it from being compared"

    complain(faults(path, notebook, "code", find))


def pictures(notebook):
    """The pictures of a notebook, as its file holds them."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    found = [output.get("data", {}).get("image/png") for output in outputs]
    return [picture.strip() for picture in found if picture]


def test_the_pictures_are_those_that_building_the_book_has_drawn(path, notebook, book):
    """Byte for byte: `make book` runs every chapter."""
    executed = book.parent / "jupyter_execute" / "chapters" / path.name
    assert pictures(notebook) == pictures(nbformat.read(executed, as_version=4))


def test_every_number_in_the_prose_is_printed_by_a_cell(path, notebook, code):
    outputs = [output for cell in code for output in cell.outputs]
    printed = [output.get("text", output.get("data", {}).get("text/plain")) for output in outputs]
    printed = "\n".join(filter(None, printed))

    def find(cell):
        for number in unproven_numbers(cell.source, printed):
            yield f"{number} is printed by no cell of this chapter"

    complain(faults(path, notebook, "markdown", find))


def test_every_equation_in_the_prose_is_true(path, notebook):
    def find(cell):
        for equation in false_equations(cell.source):
            yield f"{equation} is not true"

    complain(faults(path, notebook, "markdown", find))


def test_every_product_that_is_printed_multiplies_out(path, notebook):
    """A reader with a calculator finds what stands there."""

    def find(cell):
        for output in cell.outputs:
            for line in false_products(output.get("text", "")):
                yield f"the numbers of this line do not give its result: {line}"

    complain(faults(path, notebook, "code", find))


def test_every_exercise_says_how_hard_it_is(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    called = re.findall(r"^`{3,}\{exercise-start\}(.*)$", prose, re.MULTILINE)
    assert set(called) <= {" easy", " medium", " hard"}


def shown(notebook):
    """The code cells that a reader of the page sees without unfolding them."""
    folded = {"remove-cell", "remove-input", "hide-cell", "hide-input"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.source for cell in code if not folded & set(cell.metadata.get("tags", []))]


def test_most_code_that_is_shown_is_no_wider_than_a_phone():
    """A phone of 390 pixels shows 46 letters of a line."""
    cells = [source for path in CHAPTERS for source in shown(nbformat.read(path, as_version=4))]
    wide = [source for source in cells if max(map(len, source.splitlines())) > 46]
    assert len(cells) > 300
    assert len(wide) / len(cells) < 0.12


def visible_code(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code" and cell.id != "colab"]
    return "\n".join(c.source for c in code if "remove-input" not in c.metadata.get("tags", []))


def test_the_numpy_chapter_shows_what_two_chapters_use():
    others = [visible_code(p) for p in CHAPTERS if p.stem != "numpy"]
    used = Counter(n for code in others for n in set(re.findall(r"\bnp\.(?:\w+\.)*(\w+)", code)))
    often = {name for name, chapters in used.items() if chapters > 1}
    assert len(often) > 40
    (page,) = [p for p in CHAPTERS if p.stem == "numpy"]
    assert often - set(re.findall(r"\.(\w+)", visible_code(page))) == set()


def test_a_fault_is_told_in_a_line_with_the_place():
    cells = [nbformat.v4.new_markdown_cell(text) for text in ("# A title", "It has 73,856.")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.raises(
        pytest.fail.Exception,
        match=r"^convolution\.ipynb, cell 2: 73,856 is printed by no cell of this chapter$",
    ):
        test_every_number_in_the_prose_is_printed_by_a_cell(Path("convolution.ipynb"), notebook, [])


@pytest.mark.parametrize(
    ("markdown", "output"),
    [
        ("Write 15 in the place.", "[[ 2 15]\n [ 7 0]]"),
        ("It has 149,798 parameters, $120{,}000$ of them here.", "149798 120,000"),
        ("An array of shape (400,400,3).", "(400, 400, 3)"),
        ("The loss is 0.4649; the map's corner is −9.", "tensor([0.4649, -9.])"),
        ("A 28×28 image", "(28, 28)"),
        ("Nine, 9, or 10 of them; `conv2d` in 1998 (LeCun, 1989) and $x_{11}^{12}$.", ""),
        ("[page 42](https://example.org/77)", "42"),
        ("```{exercise-start}\n:label: ex-12\n```\nTake 36 pixels.\n```{exercise-end}\n```", "36"),
        ("```python\nprint(1234)\n```\n12. twelfth", ""),
    ],
)
def test_prose_that_a_cell_proves_is_accepted(markdown, output):
    assert unproven_numbers(markdown, output) == []


@pytest.mark.parametrize(
    ("markdown", "output", "numbers"),
    [
        ("Write 16 in the place.", "15 160 0.16", ["16"]),
        ("About 0.46.", "0.4649", ["0.46"]),
        ("It is −9, then 5 - 11.", "9", ["-9", "11"]),
        ("28x30", "28", ["30"]),
        ("It has 149,798 parameters.", "149,799", ["149,798"]),
        ("(400,401)", "400", ["400,401"]),
        (
            "```{exercise-start}\n:label: ex-12\n```\nTake 36 pixels.\n```{exercise-end}\n```",
            "",
            ["36"],
        ),
        ("```python\n1\n```\nThen 77.\n```python\n2\n```", "", ["77"]),
    ],
)
def test_a_number_that_no_cell_prints_is_found(markdown, output, numbers):
    assert unproven_numbers(markdown, output) == numbers


@pytest.mark.parametrize(
    "markdown",
    [
        "Together 1 + 7 + 5 = 13. Add 2 and write 15.",
        "($5·1 + 3·(−1) = 2$) and (5 - 4 = 1)",
        r"$n = 7 - 3 + 1 = 5$, $x + 5 - 4 = 2$, $\frac{1}{2} + 3 = 4$, 2 + 3 = 4k, 2 + 3 = 4 + k",
        "- 5 + 4 = 9 in a list, 1/3 = 0.3333, 1,000/10 = 100, n=7, k=3, stride=2",
        "floor((7 - 3)/5) = 0",
    ],
)
def test_true_equations_and_what_is_no_equation_pass(markdown):
    assert false_equations(markdown) == []


@pytest.mark.parametrize(
    "markdown",
    [
        "Together 1 + 7 + 5 = 14.",
        r"$5 \cdot 1 - 3 = 3$",
        "(5 - 4 = 2)",
        "1/3 = 0.334",
        "2·3 = 6 = 7",
    ],
)
def test_a_false_equation_is_found(markdown):
    assert len(false_equations(markdown)) == 1


def test_a_failing_cell_is_named_and_the_stored_chapter_stays(tmp_path, monkeypatch):
    cells = [nbformat.v4.new_code_cell(source) for source in ("print(1)", "1 / 0", "print(2)")]
    path = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    before = path.read_bytes()
    monkeypatch.setattr(run_notebooks, "CHAPTERS", tmp_path)
    monkeypatch.setattr("sys.argv", ["run_notebooks.py"])
    with pytest.raises(SystemExit, match=r"broken.ipynb, code cell 3: ZeroDivisionError: division"):
        run_notebooks.main()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_build_printed_is_answered_and_another_cell_is_refused(tmp_path):
    printed = nbformat.v4.new_output("stream", name="stdout", text="12\n")
    cells = [nbformat.v4.new_code_cell("print(3 * 4)", outputs=[printed])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "built.ipynb")
    run = BuiltRun(tmp_path / "built.ipynb")
    run.execute_cell_input("print(3 * 4)")
    first, last = (run.get_message("iopub") for _ in range(2))
    assert (first["msg_type"], first["content"].text) == ("stream", "12\n")
    assert last["content"] == {"execution_state": "idle"}
    refused = pytest.raises(pytest.fail.Exception, match="built from another version")
    with refused:
        run.execute_cell_input("print(3 * 4)")  # there is no second one
    with refused:
        BuiltRun(tmp_path / "built.ipynb").execute_cell_input("print(3 * 5)")


@pytest.mark.parametrize(
    "output",
    [
        "dk31 = 7·(-0.5) + 8·0.25 = -1.5",
        "stop 2 2·4 = 8, and 1 - 0.462117² = 0.7864",
        "61,706 - 900 = 60,806 parameters and x == 3, n >= 2, k = 3",
        "0.6282·0.3718 = 0.2336; e^7.86 = 2591.52; loss 0.3 = ln 2",
        "     ·    16.6     6.4     bias\n0.1059  1.7579  0.6778   0.1059\nnext 5 6 7",
    ],
)
def test_what_multiplies_out_is_accepted(output):
    assert false_products(output) == []


@pytest.mark.parametrize(
    ("output", "wrong"),
    [
        ("7·(-0.5) + 8·0.25 = -1.6\n2·3 = 6", "7·(-0.5) + 8·0.25 = -1.6"),
        ("8·(-0.0398) = -0.3187", "8·(-0.0398) = -0.3187"),
        ("a 2·3 = 6 and 12 / 5 = 2", "a 2·3 = 6 and 12 / 5 = 2"),
        ("   ·  16.6  6.4\n0.1  1.66  0.64\n0.2  3.32  1.29", "0.2  3.32  1.29"),
    ],
)
def test_a_product_that_does_not_multiply_out_is_found(output, wrong):
    assert false_products(output) == [wrong]
