"""Read the files in which readers saved what they solved: a table of them.

    python -m cnnlib.progress FILES... [--csv TABLE]

A file is made by the page "What you have solved"; a folder stands for its files. For each there is
a row: the name in it, when it
was saved, and how many checks and exercises of each chapter are solved, of how many. It proves
nothing: whoever wants to can write such a file.
"""

import argparse
import csv
import io
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST = 5_000_000  # bytes; the page saves no larger ones
MOST = 200  # letters of a name, and tasks of a chapter


@dataclass(frozen=True)
class Progress:
    """What one file holds. chapters: for each page's name, how many are solved, and of how many."""

    name: str
    saved: str
    chapters: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def solved(self) -> int:
        """How many checks and exercises are solved in all."""
        return sum(solved for solved, _ in self.chapters.values())


def read(path: Path) -> Progress:
    """Return what a saved file holds.

    Raises OSError when it cannot be read, ValueError when it is not what the page saves.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is larger than {LARGEST:,} bytes; the page saves no such file")
    try:
        file = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
    if not isinstance(file, dict) or not isinstance(file.get("entries"), dict):
        raise ValueError(f"{path} has no entries; expected a file that the book's page has saved")
    if file.get("version") != 1:
        raise ValueError(f"{path} is of version {file.get('version')}; expected 1")
    chapters = {}
    for key, text in file["entries"].items():
        if key.startswith("done:"):
            chapter = key.removeprefix("done:").removeprefix("chapters/")
            chapters[_line(chapter)] = _counted(path, text)
    name, saved = _line(file.get("name")), _line(file.get("saved"))
    return Progress(name or path.stem, saved[:16].replace("T", " "), chapters)


def _line(value: Any) -> str:
    """A text as one short line that every terminal shows; of what is no text, nothing."""
    letters = value if isinstance(value, str) else ""
    return " ".join("".join(one if one.isprintable() else " " for one in letters).split())[:MOST]


def _counted(path: Path, text: Any) -> tuple[int, int]:
    """How many of a page are solved, and of how many: each is named once."""
    try:
        done = json.loads(text)
        lists, most = [done["checks"], done["exercises"]], done["of"]
        if not all(isinstance(one, list) for one in lists) or not 0 <= most <= MOST:
            raise ValueError
        solved = sum(len({*one}) for one in lists)
        return solved, max(int(most), solved)
    except (KeyError, TypeError, ValueError, RecursionError):
        came = repr(text)[:MOST]
        raise ValueError(f"{path} has an entry that the page does not write: {came}") from None


def table(rows: Sequence[Progress]) -> list[list[str]]:
    """Return the rows of a table: its head, then each file's name, time, sum and chapters.

    A spreadsheet would take "3/10" for a day in March or in October.
    """
    chapters = list(dict.fromkeys(name for row in rows for name in row.chapters))
    head = ["name", "saved", "solved", *chapters]
    cells = []
    for row in rows:
        counts = [row.chapters.get(name) for name in chapters]
        shown = ["" if count is None else f"{count[0]} of {count[1]}" for count in counts]
        cells.append([row.name, row.saved, str(row.solved), *shown])
    return [head, *cells]


def main(words: Sequence[str] | None = None) -> int:
    """Print the table, and return how many files could not be read."""
    parser = argparse.ArgumentParser(
        prog="python -m cnnlib.progress", description="A table of what readers have solved."
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="or a folder of them")
    parser.add_argument("--csv", type=Path, help="write the table into this file, too")
    options = parser.parse_args(words)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file on Windows may not know all letters
        sys.stdout.reconfigure(errors="replace")
    rows, faults = [], 0
    given = [sorted(one.glob("*.json")) if one.is_dir() else [one] for one in options.files]
    for path in itertools.chain(*given):
        try:
            rows.append(read(path))
        except (OSError, ValueError) as error:
            print(f"left out: {error}", file=sys.stderr)
            faults += 1
    found = table(sorted(rows, key=lambda row: row.name.lower()))
    widths = [max(map(len, column)) for column in zip(*found, strict=True)]
    for line in found:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(padded).rstrip())
    if options.csv:
        with options.csv.open("w", encoding="utf-8-sig", newline="") as file:  # or Excel guesses
            csv.writer(file).writerows([plain(cell) for cell in line] for line in found)
    return faults


def plain(cell: str) -> str:
    """A cell as text: a spreadsheet would run one that begins as a formula does."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


if __name__ == "__main__":
    sys.exit(main())
