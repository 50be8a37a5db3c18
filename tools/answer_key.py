"""The answer key: all solutions on one page to print, as the built chapters have them.

By chapter and number, each with what the exercise asks.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from tools.printed import page

ROOT = Path(__file__).parents[1]
CHAPTERS = ROOT / "_build" / "html" / "chapters"
# What only a page on a screen has.
OF_SCREEN = ".run-tools, .hint, .headerlink, summary, .widget-text > p"
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
STYLE = """
.asked { border-left: 1mm solid #999; padding-left: 3mm; }
.cell_input { border-left: 0.25mm solid black; padding-left: 3mm; }
.cell_output { padding-left: 3mm; }
"""


def of_book() -> list[str]:
    """The names of the chapters in _toc.yml, in their order."""
    text = (ROOT / "_toc.yml").read_text("utf-8")
    return re.findall(r"chapters/(\w+)$", text, re.MULTILINE)


def on_paper(part: Tag, folder: Path) -> str:
    """What stands in a part of a page, with its pictures and without what is of no use on paper."""
    for one in part.select(OF_SCREEN):
        one.decompose()
    for one in part.select("a.internal, details, section"):
        one.unwrap()
    for one in part.select("[id]"):
        del one["id"]
    for image in part.select("img"):
        code = base64.b64encode((folder / image["src"]).read_bytes()).decode()
        image["src"] = f"data:image/png;base64,{code}"
    return part.decode_contents().strip()


def solutions(path: Path) -> Iterator[tuple[str, str, str]]:
    """Each solution of a built chapter: its exercise's title, what is asked, and the answer."""
    soup = BeautifulSoup(SCRIPT.sub("", path.read_text("utf-8")), "html.parser")
    exercises = {exercise["id"]: exercise for exercise in soup.select("div.exercise")}
    for solution in soup.select("div.solution"):
        link = solution.select_one(".admonition-title a")
        exercise = exercises[link["href"].partition("#")[2]]
        for cell in exercise.select(".cell, .admonition-title"):
            cell.decompose()
        answer = solution.find("section")
        title = " ".join(link.get_text().split())
        yield title, on_paper(exercise, path.parent), on_paper(answer, path.parent)


def title_of(path: Path) -> str:
    """The heading of a built page."""
    return re.search(r'<h1>(.*)<a class="headerlink"', path.read_text("utf-8"))[1]


def write(file: Path) -> None:
    """Write the key of the book that is built to a file."""
    parts = ["<h1>Answer key</h1>", "<p>For teachers. All solutions, by chapter and number.</p>"]
    for name in of_book():
        path = CHAPTERS / f"{name}.html"
        found = list(solutions(path)) if path.exists() else []
        parts += [f"<h2>{title_of(path)}</h2>"] if found else []
        parts += [
            f'<h3>{title}</h3>\n<div class="asked">{asked}</div>\n{answer}'
            for title, asked, answer in found
        ]
    file.write_text(page("Answer key", "\n".join(parts), STYLE), "utf-8")
