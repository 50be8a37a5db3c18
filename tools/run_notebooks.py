"""Run the chapters and store them with their outputs, so that a second run gives the same bytes.

    python tools/run_notebooks.py                 every chapter
    python tools/run_notebooks.py convolution     this one

A chapter that fails is left as it was. Each gets the text of colab_cell.py as its first code cell,
folded in notebooks and absent from the page.
"""

import argparse
import copy
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

CHAPTERS = Path(__file__).parents[1] / "chapters"
# Without the language's version, which differs from one reader's Python to the next.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
COLAB_CELL = nbformat.v4.new_code_cell(
    Path(__file__).with_name("colab_cell.py").read_text(encoding="utf-8").rstrip(),
    id="colab",
    # Folded in Colab, folded in Jupyter, and absent from the page.
    metadata={
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "tags": ["remove-cell"],
    },
)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def run(path: Path) -> str:
    """Return the text of the notebook at `path` after running its cells in order.

    Raises
    ------
    RuntimeError
        When a cell raises, takes over two minutes or ends its kernel: names the chapter, the
        code cell (counted from 1) and the error.

    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = nbformat.from_dict(METADATA)
    # After the title, which has to come first for the page to be named by it.
    cells = [cell for cell in notebook.cells if cell.get("id") != COLAB_CELL.id]
    notebook.cells = [*cells[:1], copy.deepcopy(COLAB_CELL), *cells[1:]]
    client = NotebookClient(
        notebook,
        resources={"metadata": {"path": path.parent}},
        timeout=120,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # else one print may be stored in pieces, cut by chance
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raised = isinstance(error, CellExecutionError)
        reason = f"{error.ename}: {error.evalue}" if raised else str(error)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source]
        number = client.code_cells_executed
        raise RuntimeError(
            f"{path.name}, code cell {number}: {reason}\n\n{cells[number - 1].source}"
        ) from error
    notebook.metadata = nbformat.from_dict(METADATA)  # the kernel has filled in its own
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # it names a model by a random id
    return nbformat.writes(notebook) + "\n"


def main() -> None:
    """Run the chapters named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapter", nargs="*", help="file name without .ipynb; all by default")
    names = parser.parse_args().chapter or sorted(path.stem for path in CHAPTERS.glob("*.ipynb"))
    paths = [CHAPTERS / f"{name}.ipynb" for name in names]
    if missing := [path.stem for path in paths if not path.exists()]:
        parser.error(f"no such chapter: {', '.join(missing)}")

    failures = []
    for path in (bar := tqdm(paths, unit="chapter")):
        bar.set_description(path.stem)
        try:
            text = run(path)
        except RuntimeError as error:
            failures.append(str(error))
            continue
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)  # whole or not at all, even when interrupted
    if failures:
        sys.exit("\n\n".join(["", *failures]))


if __name__ == "__main__":
    main()
