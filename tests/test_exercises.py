"""Exercises: what the chapters' checks say, and how what a reader wrote is tried."""

import ast
import importlib
import inspect
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cnnlib import exercises
from cnnlib.exercises import CHECKS, check, hint, own
from cnnlib.exercises.checking import Drawn, Exercise, Verdict, judge, same
from tests import questions

CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))
MODULES = Path(exercises.__file__).parent
BY_CHAPTER = {
    path.stem: set(importlib.import_module(f"cnnlib.exercises.{path.stem}").EXERCISES)
    for path in CHAPTERS
    if (MODULES / f"{path.stem}.py").exists()
}
WRITTEN = {label: one for label, one in CHECKS.items() if isinstance(one, Exercise)}
MISTAKES = [
    (label, number) for label, one in WRITTEN.items() for number in range(len(one.mistakes))
]


@pytest.mark.parametrize("label", WRITTEN)
def test_the_books_own_answer_is_right(label):
    verdict = judge(WRITTEN[label], WRITTEN[label].right)
    assert verdict.right, verdict


@pytest.mark.parametrize(("label", "number"), MISTAKES)
def test_each_mistake_is_told_by_its_own_sentence(label, number):
    mistake, words = WRITTEN[label].mistakes[number]
    verdict = judge(WRITTEN[label], mistake)
    assert not verdict.right
    assert verdict.words == words


@pytest.mark.parametrize("label", WRITTEN)
def test_an_exercise_lists_mistakes_hints_and_tries_that_hide_nothing(label):
    one = WRITTEN[label]
    assert one.name.isidentifier()
    assert len(one.mistakes) >= 2
    assert 1 <= len(one.hints) <= 3
    assert len(one.tries(np.random.default_rng(0))) >= 2
    sentences = [words for _, words in one.mistakes] + list(one.hints)
    assert len(set(sentences)) == len(sentences)
    assert all(words[-1] in ".?" for words in sentences), sentences


@pytest.mark.parametrize(
    "label", [label for label, one in CHECKS.items() if isinstance(one, Drawn)]
)
def test_an_exercise_with_numbers_draws_different_questions(label):
    texts = {question["text"] for question in CHECKS[label].widget().questions}
    assert len(texts) > 1


def double(x):
    """What the tests below ask for."""
    return 2.0 * x


def halves(x):
    """Two results."""
    return x[:1] * 2.0, x[1:] * 2.0


def tries(rng):
    return [(np.array([[1.0, -2, 3]]),), (np.array([[0.5, 4], [-3, 5], [6, 7]]),)]


MISTAKES_OF_DOUBLE = [(lambda x: 3 * x, "That is three times."), (lambda x: x * x, "A square.")]
DOUBLE = Exercise("double", double, tries, MISTAKES_OF_DOUBLE, ["Two.", "Twice."])
HALVES = Exercise("halves", halves, tries, [])


def told(written, exercise=DOUBLE, seconds=5.0):
    """What is said of a solution that is not right."""
    verdict = judge(exercise, written, seconds)
    assert not verdict.right
    return verdict.words


def test_what_is_right_is_said_to_be():
    verdict = judge(DOUBLE, lambda x: x + x)
    assert verdict == Verdict(True, "`double` gives what is expected in all 2 tries.")


def test_a_loop_without_end_is_ended():
    def endless(x):
        n = 0
        while True:
            n += 1

    def in_one_line(x):
        while True: pass  # fmt: skip # noqa: E701

    words = "`double` had not ended after 0.1 s. Does a loop in it never end?"
    assert told(endless, seconds=0.1) == words
    assert told(in_one_line, seconds=0.1) == words
    assert told(lambda x: [n for n in iter(int, 1)], seconds=0.1) == words


def test_a_loop_that_catches_everything_is_ended_too():
    def stubborn(x):
        while True:
            try:
                x = x + 1
            except Exception:
                x = 0 * x

    def more_stubborn(x):
        while True:
            try:
                x = x + 1
            except:  # noqa: E722
                x = 0 * x

    def step(x):
        return x + 1

    def most_stubborn(x):
        while True:
            try:
                x = step(x)
            except BaseException:
                pass

    def inside(x):
        try:
            while True:
                x = x + 1
        except:  # noqa: E722
            return 2 * x

    for written in (stubborn, more_stubborn, most_stubborn, inside) * 3:  # the clock is looked at
        words = told(written, seconds=0.05)  # inside of `try` or outside of it
        assert words.startswith("`double` had not ended after 0.05 s."), written


def test_the_line_that_stops_is_named():
    def part(n):
        return 1 / n

    line = inspect.getsourcelines(part)[1] + 1
    assert told(lambda x: x / part(0)) == (
        f"It stops in line {line}, `return 1 / n`, with ZeroDivisionError: division by zero."
    )


def test_what_cannot_be_called_with_the_arguments_is_told():
    words = told(lambda: 0)
    assert words.startswith("`double` could not be called as it is meant to be. TypeError: ")
    assert words.endswith("takes 0 positional arguments but 1 was given.")


def test_what_is_no_function_is_told():
    for value, kind in [(7, "int"), (np.zeros(2), "ndarray"), (None, "NoneType")]:
        words = f"`double` is of type {kind}. Define it with `def` or `class`."
        assert told(value) == words


def test_a_function_of_python_or_numpy_is_tried_as_any_other():
    assert told(abs) == told(np.abs) == "`double` gives 1 at [0, 0]; expected 2."


def test_a_result_that_is_missing_is_told():
    words = "`double` gives nothing back. Write its code, and end it with `return`."
    assert told(lambda x: None) == words
    words = words.replace("double", "halves")
    assert told(lambda x: (x[:1] * 2.0, None), HALVES) == f"Result 1: {words}"
    assert told(lambda x: (None, None), HALVES) == words


def test_changed_arguments_are_told():
    def changes(x):
        x *= 2
        return x

    words = "`double` changes what it is given. Work on a copy, or make a new array."
    assert told(changes) == words


def test_a_wrong_shape_is_told():
    words = "`double` gives the shape (3, 1); expected (1, 3)."
    assert told(lambda x: 2 * x.T) == words


def test_a_wrong_number_is_told_with_its_place():
    def wrong_once(x):
        y = 2 * x
        y[-1, -1] += 0.25
        return y

    assert told(wrong_once) == "`double` gives 6.25 at [0, 2]; expected 6."


def test_a_list_is_as_good_as_an_array_when_its_rows_are_of_one_length():
    assert judge(DOUBLE, lambda x: (2 * x).tolist()).right
    words = "`double` gives 2 results; expected an array of shape (1, 3)."
    assert told(lambda x: [[2.0], [2.0, 3]]) == words


def test_another_count_of_results_is_told():
    assert told(lambda x: 2 * x, HALVES) == (
        "`halves` gives an array of shape (1, 3); expected 2 results."
    )
    assert told(lambda x: (*halves(x), x), HALVES) == (
        "`halves` gives 3 results; expected 2 results."
    )


def test_text_in_place_of_numbers_is_told():
    assert told(lambda x: "2x") == "`double` gives '2x'; expected an array of shape (1, 3)."


def test_a_listed_mistake_has_to_be_made_in_every_try():
    assert told(lambda x: 3 * x) == "That is three times."
    assert told(lambda x: (3 if len(x) == 1 else 2) * x) == (
        "`double` gives 3 at [0, 0]; expected 2."
    )


def test_the_first_try_that_differs_is_shown():
    verdict = judge(DOUBLE, lambda x: (2 if len(x) == 1 else 3) * x)
    titles = [title for title, _ in verdict.example]
    x, expected, yours = (value for _, value in verdict.example)
    assert titles == ["x", "expected", "yours"]
    assert x.shape == expected.shape == yours.shape == (3, 2)
    np.testing.assert_array_equal(2 * x, expected)
    np.testing.assert_array_equal(3 * x, yours)


def test_a_verdict_shows_its_words_and_its_example_as_text():
    example = [("x", np.array([[1, 2]])), ("expected", 0.5)]
    assert repr(Verdict(True, "It is so.")) == "Right. It is so."
    assert repr(Verdict(False, "It is `not`.", example)) == (
        "Not yet. It is `not`.\nx:\n[[1 2]]\nexpected:\n0.5"
    )


def test_a_verdict_as_html_escapes_what_it_shows():
    example = [("<x>", np.array([1, 2])), ("yours", "<script>")]
    html = Verdict(False, "Is `a < b` & more?", example)._repr_html_()
    assert html == (
        '<div class="exercise-verdict wrong"><p><strong>Not yet.</strong> '
        "Is <code>a &lt; b</code> &amp; more?</p>"
        '<div class="verdict-example"><figure><figcaption>&lt;x&gt;</figcaption>'
        "<table><tr><td>1</td><td>2</td></tr></table></figure>"
        "<figure><figcaption>yours</figcaption><pre>&#x27;&lt;script&gt;&#x27;</pre></figure>"
        "</div></div>"
    )
    assert Verdict(True, "Yes.")._repr_html_() == (
        '<div class="exercise-verdict right"><p><strong>Right.</strong> Yes.</p></div>'
    )


@pytest.fixture
def with_double(monkeypatch):
    monkeypatch.setitem(CHECKS, "chapter-double", DOUBLE)
    monkeypatch.setattr(exercises, "SOLVED", {})


def test_check_finds_the_function_where_it_is_called(with_double):
    space = {"check": check, "double": lambda x: x + x}
    exec("verdict = check('chapter-double')", space)
    assert space["verdict"].right


def test_check_without_the_function_says_to_run_its_cell(with_double):
    verdict = check("chapter-double", {})
    assert not verdict.right
    assert verdict.words == (
        "There is no `double` yet. Run the cell that defines it, then check again."
    )


def test_check_of_an_unknown_label_names_the_nearest(with_double):
    with pytest.raises(ValueError, match=r"^check: there is no check 'chapter-duble'; ") as error:
        check("chapter-duble")
    assert str(error.value).endswith("did you mean 'chapter-double'?")
    with pytest.raises(ValueError, match=r"^own: there is no check '\?'; the book's exercises "):
        own("?")


def test_own_is_the_readers_after_a_right_check_and_the_books_before(with_double):
    def mine(x):
        return x + x

    assert own("chapter-double") is double
    check("chapter-double", {"double": lambda x: 3 * x})
    assert own("chapter-double") is double
    check("chapter-double", {"double": mine})
    assert own("chapter-double") is mine


def test_own_refuses_an_exercise_that_asks_for_a_number(monkeypatch):
    monkeypatch.setitem(CHECKS, "chapter-number", Drawn(lambda rng: None))
    words = "^own: 'chapter-number' asks for a number; expected one that asks for a function$"
    with pytest.raises(ValueError, match=words):
        own("chapter-number")


def test_own_takes_what_the_page_has_kept(with_double, monkeypatch, tmp_path):
    """The code of the cell, in a file that the environment names."""
    kept = tmp_path / "solutions.json"
    kept.write_text(json.dumps({"chapter-double": "def double(x):\n    return np.add(x, x)\n"}))
    monkeypatch.setenv("CNNLIB_SOLUTIONS", str(kept))
    mine = own("chapter-double")
    assert mine is not double
    assert judge(DOUBLE, mine).right
    assert own("chapter-double") is mine


def test_hints_are_counted_from_1(with_double):
    assert [hint("chapter-double"), hint("chapter-double", 2)] == ["Two.", "Twice."]
    for number in (0, 3):
        words = f"^hint: number is {number}; 'chapter-double' has 2 hints$"
        with pytest.raises(ValueError, match=words):
            hint("chapter-double", number)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, np.nan]), [1, np.nan]),
        ({"a": np.ones(2), "b": "c"}, {"b": "c", "a": np.ones(2)}),
        (("a", np.ones(2)), ["a", np.ones(2)]),
        (1, 1 + 1e-9),
        (None, None),
        (np.array([0.0, 1e-12]), np.zeros(2)),
    ],
)
def test_results_that_are_the_same(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, np.nan]), np.array([np.nan, 1])),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}),
        ("1", 1),
        ("a", "b"),
        (None, np.zeros(1)),
        (np.ones(2), np.ones((1, 2))),
        ((np.ones(2), np.ones(3)), (np.ones(2),)),
        (np.ones(2), (np.ones(2), np.ones(3))),
        (1.0, 1.001),
    ],
)
def test_results_that_are_not_the_same(one, other):
    assert not same(one, other)
    assert not same(other, one)


def test_no_label_stands_in_two_chapters():
    assert sum(len(labels) for labels in BY_CHAPTER.values()) == len(CHECKS)


def test_the_book_has_80_checks_or_more():
    assert len(CHECKS) >= 80


def starts(path):
    """(label, number of the cell) of each first check of a label, all cells of the chapter."""
    cells, seen = nbformat.read(path, as_version=4).cells, {}
    for number, cell in enumerate(cells):
        found = re.search(r'^check\("([\w-]+)"\)$', cell.source, re.MULTILINE)
        if cell.cell_type == "code" and found:
            seen.setdefault(found[1], number)
    return seen, cells


def is_empty(function):
    """Whether a function has but a docstring, three dots, and perhaps its base class's start."""
    lines = function.body[1:] if ast.get_docstring(function) else function.body
    return [ast.unparse(line) for line in lines] in (["..."], ["super().__init__()", "..."])


def imports(cells):
    """The statements that import, of these cells."""
    code = [cell.source for cell in cells if cell.cell_type == "code" and cell.id != "colab"]
    statements = [line for source in code for line in ast.parse(source).body]
    return [line for line in statements if isinstance(line, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_two_checks_or_more_and_a_cell_for_each(path):
    seen, _ = starts(path)
    assert set(seen) == BY_CHAPTER[path.stem]
    assert len(seen) >= 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_check_stands_in_its_exercise(path):
    seen, cells = starts(path)
    for label, number in seen.items():
        assert f":label: {label}\n" in cells[number - 1].source, label
        assert "{exercise-start}" in cells[number - 1].source
        assert "{exercise-end}" not in cells[number - 1].source
        assert cells[number + 1].source == "```{exercise-end}\n```"
        tags = cells[number].metadata["tags"]
        if isinstance(CHECKS[label], Drawn):
            assert cells[number].source == f'check("{label}")'
            assert tags == ["remove-input"]
            assert cells[number].metadata["jupyter"]["source_hidden"]
        else:
            assert tags == ["exercise", "remove-output"]
            assert cells[number].source.endswith(f'\n\n\ncheck("{label}")')


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_start_is_empty_and_runs_right_after_the_imports(path):
    seen, cells = starts(path)
    for label, number in seen.items():
        exercise = CHECKS[label]
        if isinstance(exercise, Drawn):
            continue
        space = {}
        before = ast.Module(imports(cells[:number]), [])
        exec(compile(before, "imports", "exec"), space)
        exec(compile(cells[number].source, f"start of {label}", "exec"), space)
        nodes = ast.walk(ast.parse(cells[number].source))
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
        assert functions, label
        assert all(map(is_empty, functions)), label
        verdict = check(label, space)
        assert not verdict.right
        who = f"`{exercise.name}` gives"
        who = f"A method of {who}" if isinstance(space[exercise.name], type) else who
        how = "hand each batch over with `yield`" if label == "training-drop-last" else None
        expected = f"{who} nothing back. Write its code, and {how or 'end it with `return`'}."
        assert verdict.words == expected, label


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_solution_of_an_exercise_passes_its_check(path):
    seen, cells = starts(path)
    for label, number in seen.items():
        exercise = CHECKS[label]
        if isinstance(exercise, Drawn):
            continue
        after = (n for n in range(number + 1, len(cells)) if cells[n].cell_type == "code")
        solution = next(n for n in after if exercise.name in defined(cells[n].source))
        code = [cell.source for cell in cells[: solution + 1] if cell.cell_type == "code"]
        statements = [line for source in code for line in ast.parse(source).body]
        written, _ = questions.run([*statements, *ast.parse(exercise.name).body])
        verdict = judge(exercise, written)
        assert verdict.right, (label, verdict)


def defined(source):
    """The functions and classes that a cell defines."""
    kinds = ast.FunctionDef | ast.ClassDef
    return {line.name for line in ast.parse(source).body if isinstance(line, kinds)}
