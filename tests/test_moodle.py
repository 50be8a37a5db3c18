"""The questions as Moodle reads them: every file opens, and answers what the pages answer."""

import json
import re
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as xml

import nbformat
import numpy as np
import pytest

from cnnlib.widgets import Question
from tools import moodle

CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))
SEED = 7
# The parts of a cloze question, with the patterns of Moodle's own qtype_multianswer.
ANSWER = r".+?(?<!\\)(?<!&)(?<!&amp;)(?=[~#}]|$)"
ONE = rf"(?:=|%-?[0-9]+%)?{ANSWER}(?:#.*?(?<!\\)(?=[~}}]|$))?"
FIELD = re.compile(rf"\{{[0-9]*:NUMERICAL:({ONE}(?:~{ONE})*)\}}")
ALTERNATIVE = re.compile(rf"(?:(=)|%(-?[0-9]+)%)({ANSWER})#(.*)")
NUMBER = r"-?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][-+]?[0-9]+)?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moodle")
    moodle.write(folder, SEED)
    return folder


def questions(path):
    """The questions of a file."""
    return [one for one in xml.parse(path).getroot() if one.get("type") != "category"]


def text(element, path):
    return element.findtext(f"{path}/text")


def plain(html):
    """The words of HTML made of a text."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def words(sentence):
    """The words of a text with `code`, its matrices as the numbers of a table."""

    def numbers(matrix):
        return "".join(f"{value:.10g}" for row in json.loads(matrix[1]) for value in row)

    return re.sub(r"`(\[\[[-\d.,\s[\]]*\]\])`", numbers, sentence).replace("`", "")


def answer(element, number):
    """The fraction and the words that a number gets: of the first answer that is near enough."""
    for one in element.findall("answer"):
        value, off = one.findtext("text"), float(one.findtext("tolerance"))
        if value == "*" or abs(float(value) - number) <= off + 1e-9:
            return int(one.get("fraction")), plain(text(one, "feedback"))


def fields(element):
    """For each field of a cloze question its alternatives: fraction, number, tolerance, words."""
    found = []
    for field in FIELD.findall(text(element, "questiontext")):
        alternatives = []
        for part in re.split(r"(?<!\\)~", field):
            right, percent, number, said = ALTERNATIVE.fullmatch(part).groups()
            assert re.fullmatch(f"{NUMBER}:{NUMBER}", number)
            value, off = map(float, number.split(":"))
            said = plain(re.sub(r"\\([~}])", r"\1", said))
            alternatives.append((100 if right else int(percent), value, off, said))
        found.append(alternatives)
    return found


def filled(field, number):
    """The fraction and the words that a number gets in a field; nothing where none is near."""
    for fraction, value, off, said in field:
        if abs(value - number) <= off + 1e-9:
            return fraction, said
    return 0, ""


def assert_answers(element, one):
    """A question of a file gives to each answer what the question says."""
    assert plain(text(element, "questiontext")).startswith(words(one["text"]).strip())
    assert plain(text(element, "generalfeedback")) == words(" ".join(one["steps"]))
    hints = [plain(hint.findtext("text")) for hint in element.findall("hint")]
    assert hints == [words(step) for step in one["steps"][:-1]]
    kind = element.get("type")
    if one["choices"]:
        assert kind == "multichoice" and element.findtext("single") == "true"
        given = {plain(a.findtext("text")): a for a in element.findall("answer")}
        assert set(given) == {words(choice) for choice in one["choices"]}
        right = [choice for choice, a in given.items() if a.get("fraction") == "100"]
        assert right == [words(one["answer"])]
        for choice, sentence in one["mistakes"]:
            assert plain(text(given[words(choice)], "feedback")) == words(sentence)
    elif isinstance(one["answer"], list):
        assert kind == "cloze"
        cells, right = fields(element), np.ravel(one["answer"])
        assert len(cells) == len(right)
        assert [filled(*pair) for pair in zip(cells, right, strict=True)] == [
            (100, "Right.")
        ] * len(right)
        for mistake, sentence in one["mistakes"]:
            said = [filled(*pair) for pair in zip(cells, np.ravel(mistake), strict=True)]
            assert 0 in [fraction for fraction, _ in said]
            assert any(words(sentence) in heard for fraction, heard in said if not fraction)
    else:
        assert kind == "numerical"
        off = 0.5 * 10.0 ** -one["decimals"]
        assert answer(element, one["answer"]) == (100, "Right.")
        assert answer(element, one["answer"] + 0.9 * off)[0] == 100
        assert answer(element, one["answer"] + 1.1 * off)[0] == 0
        for mistake, sentence in one["mistakes"]:
            fraction, said = answer(element, mistake)
            assert fraction == 0 and words(sentence) in said, one["text"]
        assert answer(element, 12345.678)[1].startswith("Not that.")


def stored(path):
    """The texts of the questions that a stored chapter shows; None for numbers drawn anew."""
    texts = []
    for cell in nbformat.read(path, as_version=4).cells:
        shown = "".join(
            out.get("data", {}).get("text/plain", "") for out in cell.get("outputs", [])
        )
        drawn = cell.source.startswith("check(")
        found = re.findall(r"^Check: (.*) \[[0-9a-f]{12}\]$", shown, re.MULTILINE)
        texts += [None if drawn else one for one in found]
    return texts


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_file_has_all_questions_of_its_chapter_and_answers_as_the_page_does(folder, path):
    found = questions(folder / f"{path.stem}.xml")
    executed = moodle.EXECUTED / path.name
    asked = [one for _, several in moodle.checks(executed, SEED) for one in several]
    texts = stored(path)
    assert len(found) == len(asked) == len(texts) > 0
    pairs = zip(texts, asked, strict=True)
    assert [None if text is None else one["text"] for text, one in pairs] == texts
    by_text = {one["text"]: one for one in asked}
    for element in found:
        beginning = plain(text(element, "questiontext"))
        longest = max((t for t in by_text if beginning.startswith(words(t).strip())), key=len)
        assert_answers(element, by_text.pop(longest))
    assert by_text == {}


def test_one_file_has_all_chapters_each_in_a_category_of_its_own(folder):
    files = [path for path in folder.glob("*.xml") if path.stem != "all"]
    every = xml.parse(folder / "all.xml").getroot()
    assert len(files) == len(CHAPTERS)
    assert len(questions(folder / "all.xml")) == sum(len(questions(path)) for path in files)
    names = [
        text(one, "idnumber") or one.findtext("idnumber") for one in questions(folder / "all.xml")
    ]
    assert len(set(names)) == len(names) and max(map(len, names)) <= 100
    shown = [text(one, "name") for one in questions(folder / "all.xml")]
    assert all(15 < len(name) <= 72 and "cell-" not in name for name in shown)
    categories = [text(one, "category") for one in every if one.get("type") == "category"]
    assert len(set(categories)) == len(categories)
    assert all(one.startswith("$course$/top/Convolutional networks/") for one in categories)
    chapters = [one for one in categories if one.count("/") == 3]
    assert len(chapters) == len(CHAPTERS) and chapters == sorted(chapters)


def test_a_teacher_knows_a_question_by_its_first_words():
    assert moodle.beginning("How many `rows`\nhas it?") == "How many rows has it?"
    assert moodle.beginning("one two three four", 12) == "one two …"


def test_another_seed_draws_the_exercises_anew_and_the_same_one_does_not(folder, tmp_path):
    path = moodle.EXECUTED / "convolution.ipynb"
    first, again, other = ([*moodle.checks(path, seed)] for seed in (SEED, SEED, SEED + 1))
    assert first == again
    drawn = {name: q for name, q in first if name == "convolution-corner"}
    assert drawn and drawn != {name: q for name, q in other if name == "convolution-corner"}


def test_no_text_holds_what_moodle_would_set_as_a_formula(folder):
    whole = (folder / "all.xml").read_text("utf-8")
    assert not re.search(r"\$\$|\\\(|\\\[", whole)


SIGNS = 'Is `a < b & c` when 2 < 3 & {x} ~ #1 = 50%, "quoted"? $x^2$'
WRONG = "No: 1 < 2 & {1:NUMERICAL:=3} ~ # `[[1, -2.5]]`"


@pytest.mark.parametrize(
    ("right", "wrong", "choices"),
    [
        (2, 3, ()),
        ([[1, 2.5], [3, -4]], [[1, 2.5], [3, 4]], ()),
        ("a < b & c", "`{a}` > ~b", ("a < b & c", "`{a}` > ~b")),
    ],
)
def test_signs_of_xml_of_html_and_of_moodle_come_back_as_they_were(tmp_path, right, wrong, choices):
    steps = ["First `x < y`.", "Then 1 & 2."]
    one = Question(SIGNS, right, [(wrong, WRONG)], choices, steps=steps).as_json()
    quiz = xml.Element("quiz")
    moodle.add_question(quiz, "signs", one)
    moodle.save(quiz, tmp_path / "signs.xml")
    (element,) = questions(tmp_path / "signs.xml")
    assert_answers(element, one)
    assert "<code>a &lt; b &amp; c</code>" in text(element, "questiontext")


def numerical(*arguments, **options):
    quiz = xml.Element("quiz")
    moodle.add_question(quiz, "one", Question(*arguments, **options).as_json())
    return quiz[0]


def test_mistakes_with_one_answer_are_both_named():
    element = numerical("?", 5, [(6, "One."), (6.0, "Two."), (7, "Three.")], steps=["5."])
    assert answer(element, 6) == (0, "One. Or: Two.")
    assert answer(element, 7) == (0, "Three.")


def test_a_lost_sign_and_too_few_decimals_are_told():
    element = numerical("?", 0.1234, decimals=4, steps=["Divide.", "0.1234."])
    assert answer(element, -0.1234) == (0, "The size is right, the sign is not.")
    assert answer(element, 0.12) == (0, "Close. Give it to 4 decimals.")
    assert answer(element, 3) == (0, "Not that. Divide.")


def test_percent_may_be_written_after_a_number_that_is_asked_for_in_percent():
    element = numerical("How many percent?", 50)
    assert [unit.findtext("unit_name") for unit in element.iter("unit")] == ["%"]
    assert element.findtext("showunits") == "0"
    assert numerical("How many?", 50).findtext("showunits") == "3"
