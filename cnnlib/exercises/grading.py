"""Try the exercises in a folder of notebooks: a table of names and results.

    python -m cnnlib.exercises FOLDER

Each notebook runs in a process of its own, and of it the cells that import and those with an
exercise: what else a reader wrote is not needed, and the book's solutions do not count. The table
is printed and written to results.csv in the folder: a row for each exercise of each notebook, with
what `check` says of it.
"""

import argparse
import ast
import contextlib
import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cnnlib import exercises

CHECK = re.compile(r"^\s*check\(\s*[\"']([\w-]+)[\"']\s*\)", re.MULTILINE)
SECONDS = 120  # for a notebook


def cells(path: Path) -> Iterator[str]:
    """The code of the cells of a notebook that import, or check an exercise."""
    in_solution = False
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            marks = re.findall(r"\{solution-(start|end)\}", source)
            in_solution = marks[-1] == "start" if marks else in_solution
        elif cell["cell_type"] == "code" and cell.get("id") != "colab" and not in_solution:
            imports = re.search(r"^(import|from) ", source, re.MULTILINE)
            if imports or CHECK.search(source):
                yield source


def grade(path: Path) -> dict[str, str]:
    """What is said of each exercise of a notebook, by its label: "right", or what is wrong."""
    results: dict[str, str] = {}
    names: dict = {"__name__": "__main__"}
    for source in cells(path):
        labels = CHECK.findall(source)
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            results |= dict.fromkeys(labels, f"SyntaxError in line {error.lineno}: {error.msg}")
            continue
        calls = [part for part in tree.body if CHECK.match(ast.unparse(part))]
        tree.body = [part for part in tree.body if part not in calls]
        try:
            exec(compile(tree, str(path), "exec"), names)
        except (Exception, SystemExit) as error:
            results |= dict.fromkeys(labels, f"{type(error).__name__}: {error}")
            continue
        for label in labels:
            if isinstance(exercises.CHECKS.get(label), exercises.Exercise):
                verdict = exercises.check(label, names)
                results[label] = "right" if verdict.right else verdict.words
    return results


def grade_apart(path: Path) -> dict[str, str]:
    """`grade` in a process of its own, which may take SECONDS."""
    command = [sys.executable, "-m", "cnnlib.exercises", "--one", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"": f"had not ended after {SECONDS} s"}
    if done.returncode or not done.stdout:
        return {"": (done.stderr.strip().splitlines() or ["ended Python"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Grade the notebooks of a folder."""
    parser = argparse.ArgumentParser("python -m cnnlib.exercises", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        with contextlib.redirect_stdout(io.StringIO()):
            results = grade(options.folder)
        print(json.dumps(results))
        return
    notebooks = sorted(options.folder.rglob("*.ipynb")) if options.folder.is_dir() else []
    if not notebooks:
        parser.error(f"FOLDER is {options.folder}; expected a folder with notebooks")
    table = [("notebook", "exercise", "result")]
    for path in notebooks:
        name = path.relative_to(options.folder).as_posix()
        table += [(name, label, result) for label, result in grade_apart(path).items()]
    for row in table:
        print("\t".join(row))
    with (options.folder / "results.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)
