"""What a teacher takes from the book: answer key, quizzes for Moodle, worksheets and their keys.

    python -m tools.kit 7

The number is the seed: another one gives other numbers in the worksheets, and in those questions
that are drawn. All goes to _build/kit, made of what `make book` has run; index.html has the list.
"""

import argparse
from html import escape
from pathlib import Path

from tools import answer_key, moodle, worksheets
from tools.printed import page

KIT = Path(__file__).parents[1] / "_build" / "kit"


def index(folder: Path, seed: int, questions: int) -> str:
    """The page that lists what is in the folder."""
    sheets = "".join(
        f'<li>{escape(title)}: <a href="worksheets/{name}.html">sheet</a>, '
        f'<a href="worksheets/{name}-key.html">key</a></li>'
        for name, (title, _) in worksheets.SHEETS.items()
    )
    quizzes = "".join(
        f'<li><a href="moodle/{name}.xml" download>{name}.xml</a></li>'
        for name in ("all", *answer_key.of_book())
        if (folder / "moodle" / f"{name}.xml").exists()
    )
    return page(
        "The teacher's kit",
        f"<h1>The teacher's kit</h1><p>Made with the seed {seed}.</p>"
        '<h2>Answer key</h2><p><a href="key.html">All solutions</a>, by chapter and number.</p>'
        f"<h2>Worksheets</h2><ul>{sheets}</ul>"
        f"<h2>Quizzes</h2><p>{questions} questions as Moodle XML: in the question bank of a "
        f"course, under Import.</p><ul>{quizzes}</ul>",
    )


def write(folder: Path, seed: int) -> None:
    """Write the kit to a folder."""
    (folder / "moodle").mkdir(parents=True, exist_ok=True)
    (folder / "worksheets").mkdir(exist_ok=True)
    answer_key.write(folder / "key.html")
    questions = moodle.write(folder / "moodle", seed)
    worksheets.write(folder / "worksheets", seed)
    (folder / "index.html").write_text(index(folder, seed, questions), "utf-8")


def main() -> None:
    """Write the kit for the seed of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seed", nargs="?", type=int, default=1, help="1 by default")
    seed = parser.parse_args().seed
    if seed < 0:
        parser.error(f"seed is {seed}; expected 0 or more")
    write(KIT, seed)
    print("The kit is in _build/kit; open _build/kit/index.html.")


if __name__ == "__main__":
    main()
