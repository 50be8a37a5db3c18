"""The questions of the chapters as Moodle XML, with what is said to each listed mistake.

Moodle reads such a file in the question bank, under Import. Each chapter is a category; questions
that are variants of one are a category in it, from which a quiz takes one at random. A number is a
numerical question, a choice one of multiple choice, and a table a cloze question with a field for
each of its numbers.
"""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import numpy as np

from cnnlib.exercises import CHECKS
from cnnlib.widgets import Check
from tools.answer_key import of_book

ROOT = Path(__file__).parents[1]
EXECUTED = ROOT / "_build" / "jupyter_execute" / "chapters"
BOOK = "Convolutional networks"
VIEW, STATE = (f"application/vnd.jupyter.widget-{kind}+json" for kind in ("view", "state"))
OF_EXERCISE = re.compile(r'check\("(.*)"\)')
MATRIX = re.compile(r"\[\[[-\d.,\s[\]]*\]\]")
CONTROL = re.compile("[~}]")  # of a cloze question
CLOSE = 0.005  # to two decimals: near, where more are asked for

Question = dict[str, Any]


def checks(path: Path, seed: int) -> Iterator[tuple[str, Sequence[Question]]]:
    """The name and the questions of each check of a chapter that was run.

    Exercises with drawn numbers are drawn anew: the page shows the answers of its own.
    """
    notebook = json.loads(path.read_text("utf-8"))
    states = notebook["metadata"].get("widgets", {}).get(STATE, {"state": {}})["state"]
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            name = output.get("data", {}).get(VIEW, {}).get("model_id")
            state = states.get(name, {"state": {}})["state"]
            if state.get("_anywidget_id") != f"{Check.__module__}.{Check.__qualname__}":
                continue
            if label := OF_EXERCISE.fullmatch("".join(cell["source"])):
                rng, exercise = np.random.default_rng(seed), CHECKS[label[1]]
                drawn = Check.drawn(lambda: exercise.draw(rng), exercise.count)  # noqa: B023
                yield label[1], drawn.questions
            else:
                yield cell["id"], state["questions"]


def number(value: float) -> str:
    """A number as Moodle reads it."""
    return f"{value + 0.0:.10g}"


def as_html(text: str) -> str:
    """Text as HTML; what stands in `backticks` is code, and a matrix a table."""

    def code(part: str) -> str:
        if not MATRIX.fullmatch(part):
            return f"<code>{escape(part, quote=False)}</code>"
        return table([[number(value) for value in row] for row in json.loads(part)])

    parts = escape(" ".join(text.split()), quote=False).split("`")
    plain = " ".join(text.split()).split("`")
    return "".join(code(plain[n]) if n % 2 else part for n, part in enumerate(parts))


def beginning(text: str, most: int = 70) -> str:
    """The first words of a question: by these a teacher knows it in the question bank."""
    words = " ".join(text.replace("`", "").split())
    return words if len(words) <= most else f"{words[:most].rpartition(' ')[0]} …"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, which are HTML, as a table."""
    cells = [
        "".join(
            f'<td style="border: 1px solid; padding: 2px 8px; text-align: right">{cell}</td>'
            for cell in row
        )
        for row in rows
    ]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table style="border-collapse: collapse"><tbody>{body}</tbody></table>'


def tolerance(question: Question) -> float:
    """How far a number may be off: half a unit of the last decimal that is asked for."""
    return 0.5 * 10.0 ** -question["decimals"]


def wrong_numbers(question: Question) -> Iterator[tuple[float, float, str]]:
    """What is said to wrong numbers: each with its tolerance, the first that fits counts."""
    answer, off = question["answer"], tolerance(question)
    said: dict[str, list[str]] = {}
    for value, sentence in question["mistakes"]:
        said.setdefault(number(value), []).append(sentence)
    for value, sentences in said.items():
        yield float(value), off, " Or: ".join(dict.fromkeys(sentences))
    if all(abs(float(value) + answer) > 2 * off for value in said) and abs(answer) > 2 * off:
        yield -answer, off, "The size is right, the sign is not."
    if off < CLOSE:
        yield answer, CLOSE, f"Close. Give it to {question['decimals']} decimals."


def not_listed(question: Question) -> str:
    """What is said to a wrong answer that is not listed: the first step, unless it is the last."""
    return " ".join(["Not that.", *question["steps"][:-1][:1]])


def cloze(question: Question, i: int, j: int) -> str:
    """The field for one number of a table."""
    off, right = tolerance(question), question["answer"][i][j]
    said: dict[str, list[str]] = {}
    for answer, sentence in question["mistakes"]:
        if abs(answer[i][j] - right) > 2 * off:
            said.setdefault(number(answer[i][j]), []).append(sentence)
    fields = [f"={number(right)}:{off:g}#Right."]
    for value, sentences in said.items():
        words = CONTROL.sub(r"\\\g<0>", as_html(" Or: ".join(dict.fromkeys(sentences))))
        fields.append(f"%0%{value}:{off:g}#{words}")
    return f"{{1:NUMERICAL:{'~'.join(fields)}}}"


def add(parent: xml.Element, tag: str, text: str | None = None, **attributes: str) -> xml.Element:
    """A new element; text stands in one of its own, as Moodle has it."""
    element = xml.SubElement(parent, tag, attributes)
    if text is not None:
        xml.SubElement(element, "text").text = text
    return element


def add_html(parent: xml.Element, tag: str, text: str, **attributes: str) -> xml.Element:
    """A new element with HTML made of a text."""
    return add(parent, tag, as_html(text), format="html", **attributes)


def add_answer(question: xml.Element, text: str, said: str, right: bool = False) -> xml.Element:
    """A possible answer, and what is said to it."""
    answer = add(question, "answer", text, fraction="100" if right else "0", format="html")
    add_html(answer, "feedback", said)
    return answer


def add_question(quiz: xml.Element, name: str, one: Question) -> None:
    """Add a question, which Moodle knows by this name when it comes again.

    What a kind of question needs is said in Moodle's "Moodle XML format".
    """
    grid, choice = isinstance(one["answer"], list), bool(one["choices"])
    kind = "cloze" if grid else "multichoice" if choice else "numerical"
    element = xml.SubElement(quiz, "question", type=kind)
    add(element, "name", beginning(one["text"]))
    text = as_html(one["text"])
    if grid:
        rows = [[cloze(one, i, j) for j in range(len(row))] for i, row in enumerate(one["answer"])]
        text += table(rows)
    add(element, "questiontext", text, format="html")
    add_html(element, "generalfeedback", " ".join(one["steps"]))
    xml.SubElement(element, "penalty").text = "0.3333333"
    xml.SubElement(element, "hidden").text = "0"
    xml.SubElement(element, "idnumber").text = name
    if choice:
        add_choices(element, one)
    elif not grid:
        add_numbers(element, one)
    for step in one["steps"][:-1]:
        add_html(element, "hint", step)


def add_choices(element: xml.Element, one: Question) -> None:
    """What is there to choose from."""
    xml.SubElement(element, "single").text = "true"
    xml.SubElement(element, "shuffleanswers").text = "true"
    xml.SubElement(element, "answernumbering").text = "none"
    said = dict(one["mistakes"])
    for choice in one["choices"]:
        right = choice == one["answer"]
        words = "Right." if right else said.get(choice, not_listed(one))
        add_answer(element, as_html(choice), words, right)


def add_numbers(element: xml.Element, one: Question) -> None:
    """The right number, the listed mistakes and all else, in the order in which they are tried."""
    off = tolerance(one)
    answers = [(one["answer"], off, "Right.", True)]
    answers += [(*wrong, False) for wrong in wrong_numbers(one)]
    for value, near, said, right in answers:
        answer = add_answer(element, number(value), said, right)
        xml.SubElement(answer, "tolerance").text = f"{near:g}"
    answer = add_answer(element, "*", not_listed(one))
    xml.SubElement(answer, "tolerance").text = "0"
    percent = "percent" in one["text"]  # and so a sign of percent may follow
    if percent:
        unit = xml.SubElement(xml.SubElement(element, "units"), "unit")
        xml.SubElement(unit, "multiplier").text = "1"
        xml.SubElement(unit, "unit_name").text = "%"
    xml.SubElement(element, "unitgradingtype").text = "0"
    xml.SubElement(element, "showunits").text = "0" if percent else "3"


def add_category(quiz: xml.Element, *names: str) -> None:
    """What follows belongs to this category."""
    path = "/".join(["$course$", "top", *(name.replace("/", "//") for name in (BOOK, *names))])
    add(add(quiz, "question", type="category"), "category", path)


def add_chapter(quiz: xml.Element, place: str, title: str, path: Path, seed: int) -> int:
    """Add a chapter's questions to a quiz; return how many."""
    found = list(checks(path, seed))
    add_category(quiz, f"{place} {title}")
    for name, questions in sorted(found, key=lambda one: len(one[1]) > 1):
        if len(questions) > 1:
            add_category(quiz, f"{place} {title}", name)
        for count, question in enumerate(questions, 1):
            number_of = f" {count}" if len(questions) > 1 else ""
            add_question(quiz, f"{path.stem}: {name}{number_of}", question)
    return sum(len(questions) for _, questions in found)


def save(quiz: xml.Element, path: Path) -> None:
    """Write a quiz to a file."""
    xml.indent(quiz)
    xml.ElementTree(quiz).write(path, "UTF-8", xml_declaration=True)


def write(folder: Path, seed: int) -> int:
    """Write a file for each chapter, and one for all, to a folder; return how many questions."""
    every, total = xml.Element("quiz"), 0
    for place, name in enumerate(of_book(), 1):
        path = EXECUTED / f"{name}.ipynb"
        if not path.exists():
            continue
        cells = json.loads(path.read_text("utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
        quiz = xml.Element("quiz")
        total += add_chapter(quiz, f"{place:02}", title, path, seed)
        every.extend(quiz)
        save(quiz, folder / f"{name}.xml")
    save(every, folder / "all.xml")
    return total
