"""The page for teachers: every chapter has its row, and what stands there can be counted."""

import math
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools.answer_key import of_book

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "chapters" / "teaching.md").read_text("utf-8")
ROW = re.compile(
    r"^\{chapter\}`[^`<]+ <(\w+)>`, (\d+) \+ (\d+) minutes\n"
    r": Afterwards one can (.+?) Needs (.+?)\. In class: (.+?)\n",
    re.MULTILINE,
)
ROWS = {name: rest for name, *rest in ROW.findall(TEXT)}
NOTEBOOKS = [name for name in of_book() if (ROOT / "chapters" / f"{name}.ipynb").exists()]
EXERCISES = {"easy": 5, "medium": 10, "hard": 20}


def test_every_chapter_has_one_row_in_the_order_of_the_book():
    assert list(ROWS) == NOTEBOOKS
    assert TEXT.count(" minutes\n: ") == len(ROWS)


def test_what_a_chapter_needs_comes_before_it():
    for name, row in ROWS.items():
        needed = re.findall(r"\{chapter\}`[^`<]+ <(\w+)>`", row[3])
        assert needed or name in ("images", "numpy")
        assert all(NOTEBOOKS.index(one) < NOTEBOOKS.index(name) for one in needed), name


@pytest.mark.parametrize("course", ["A week", "A term"])
def test_a_course_teaches_first_what_is_needed_and_three_hours_are_enough(course):
    days = TEXT.partition(f"**{course}**")[2].partition("\n\n**")[0].split("\n")
    taught = []
    for day in days:
        chapters = re.findall(r"\{chapter\}`[^`<]+ <(\w+)>`", day) if day[:1].isdigit() else []
        assert sum(int(ROWS[name][0]) for name in chapters) <= 180, day
        for name in chapters:
            needed = re.findall(r"\{chapter\}`[^`<]+ <(\w+)>`", ROWS[name][3])
            assert {*needed} <= {*taught}, name
            taught.append(name)
    assert len(taught) > 12


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_minutes_are_reckoned_as_the_page_says(name):
    words = shown = exercises = 0
    inside = False
    for cell in nbformat.read(ROOT / "chapters" / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "markdown":
            for mark in re.findall(r"\{(?:solution|exercise)-(start|end)\}", cell.source):
                inside = mark == "start"
            words += 0 if inside else len(cell.source.split())
            kinds = re.findall(r"\{exercise-start\} (\w+)", cell.source)
            exercises += sum(EXERCISES[kind] for kind in kinds)
        elif not inside:
            texts = [out.get("data", {}).get("text/plain", "") for out in cell.outputs]
            shown += any(re.match(r"[A-Z]\w+: ", text) for text in texts)
    minutes = math.ceil((words / 100 + 3 * shown) / 5) * 5
    told = int(ROWS[name][0]), int(ROWS[name][1])
    assert told == (pytest.approx(minutes, abs=5), pytest.approx(exercises, abs=5)), name


def test_every_link_of_the_page_leads_somewhere(book):
    page = book / "chapters" / "teaching.html"
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    links = [one["href"] for one in soup.select("article a.internal")]
    assert len(links) >= TEXT.count("{chapter}`")
    gone = [link for link in links if not (page.parent / link.partition("#")[0]).exists()]
    assert gone == []
    courses = TEXT.partition("## The kit")[0]
    named = set(re.findall(r"\{chapter\}`[^`<]+ <(\w+)>`", courses))
    assert named == set(NOTEBOOKS)  # each is in one of the courses
