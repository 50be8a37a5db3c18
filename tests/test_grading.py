import csv
import subprocess
import sys

import nbformat
import pytest

from cnnlib.exercises import CHECKS, grading

LABEL = "convolution-by-hand"
SOLVED = """import numpy as np
def my_conv2d(image, kernel):
    h, w = kernel.shape
    rows, columns = image.shape[0] - h + 1, image.shape[1] - w + 1
    y = np.empty((rows, columns))
    for i, j in np.ndindex(rows, columns):
        y[i, j] = (image[i : i + h, j : j + w] * kernel).sum()
    return y
"""
CALL = f'\ncheck("{LABEL}")'


def notebook(path, *cells):
    path.parent.mkdir(exist_ok=True)
    new = {"```": nbformat.v4.new_markdown_cell}
    cells = [new.get(cell[:3], nbformat.v4.new_code_cell)(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@pytest.fixture
def folder(tmp_path):
    begin = "from cnnlib.exercises import check"
    notebook(tmp_path / "ann" / "convolution.ipynb", begin, SOLVED + CALL)
    turned = SOLVED.replace("* kernel", "* kernel[::-1, ::-1]")
    # What follows is the book's solution: it does not count.
    begin_solution, end = "```{solution-start} x\n```", "```{solution-end}\n```"
    solution = [begin_solution, SOLVED + CALL, end]
    notebook(tmp_path / "bob.ipynb", begin, "1 / 0", turned + CALL, *solution)
    notebook(tmp_path / "hal.ipynb", begin, "print('nothing')", *solution, "1")
    notebook(tmp_path / "cem.ipynb", begin, "def my_conv2d(image, kernel:\n    pass" + CALL)
    notebook(tmp_path / "dan.ipynb", begin, "raise ValueError('no')" + CALL)
    notebook(tmp_path / "eve.ipynb", begin, "import sys\nsys.exit(3)" + CALL)
    notebook(tmp_path / "gus.ipynb", begin, "import os\nos._exit(0)" + CALL)
    (tmp_path / "fay.ipynb").write_text("no notebook")
    return tmp_path


def test_a_folder_becomes_a_table_of_names_and_results(folder):
    command = [sys.executable, "-m", "cnnlib.exercises", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert done.stdout.splitlines() == ["\t".join(row) for row in rows]
    results = {(name, label): result for name, label, result in rows[1:]}
    assert results["ann/convolution.ipynb", LABEL] == "right"
    assert results["bob.ipynb", LABEL] == CHECKS[LABEL].mistakes[0][1]
    assert results["cem.ipynb", LABEL].startswith("SyntaxError in line 1: ")
    assert results["dan.ipynb", LABEL] == "ValueError: no"
    assert results["eve.ipynb", LABEL] == "SystemExit: 3"
    assert results["gus.ipynb", ""] == "ended Python"
    assert results["fay.ipynb", ""].startswith("json.decoder.JSONDecodeError: ")
    assert len(rows) == 1 + 7


def test_a_notebook_that_does_not_end_is_named(folder, monkeypatch):
    notebook(folder / "gil.ipynb", "import time\ntime.sleep(60)" + CALL)
    monkeypatch.setattr(grading, "SECONDS", 3)
    assert grading.grade_apart(folder / "gil.ipynb") == {"": "had not ended after 3 s"}


def test_a_folder_without_notebooks_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        grading.main([str(tmp_path)])
    assert f"FOLDER is {tmp_path}; expected a folder with notebooks" in capsys.readouterr().err
