"""The tool that changes cnnlib: what it changes, and that it tells what the tests notice."""

import ast

import pytest

from tools import mutate

SOURCE = '''
"""A text with 1 number and a < b."""
import math

def halves(numbers: int | None = 3, whole=True) -> "1 < 2":
    """Return < nothing."""
    check(numbers)
    if numbers < 2 and not whole:
        numbers -= 1
    return min(-numbers * 0.5, 4), zip(numbers, strict=True)
'''


def test_every_kind_of_change_is_made_and_types_and_texts_are_left_alone():
    tree = ast.parse(SOURCE)
    found = []
    for node, field, new in mutate.changes(tree):
        old = getattr(node, field)
        setattr(node, field, new)
        found.append(ast.unparse(tree).replace("\n", " ").replace("    ", ""))
        setattr(node, field, old)
    whole = ast.unparse(tree).replace("\n", " ").replace("    ", "")
    expected = [
        ("None=3", "None=4"),
        ("whole=True", "whole=False"),
        ("check(numbers)", "None"),
        ("if numbers < 2 and (not whole)", "if not (numbers < 2 and (not whole))"),
        ("2 and (not whole)", "2 or not whole"),
        ("if numbers < 2", "if numbers <= 2"),
        ("numbers < 2 ", "numbers < 3 "),
        ("numbers -= 1", "numbers += 1"),
        ("-= 1", "-= 2"),
        ("min(", "max("),
        ("-numbers * 0.5", "-numbers / 0.5"),
        ("-numbers * 0.5", "+numbers * 0.5"),
        ("0.5", "1.5"),
        (", 4)", ", 5)"),
    ]
    assert sorted(found) == sorted(whole.replace(old, new) for old, new in expected)


MODULE = "def plus_two(x):\n    return 2 + x\n"
TESTS = {
    "exact": ("def test_three():\n    assert plus_two(3) == 5\n", 60, True),
    "lazy": ("def test_zero():\n    assert plus_two(0) == 2\n", 60, False),
    "endless": ("def test_one():\n    while plus_two(1) != 3: pass\n", 2, True),
}


@pytest.mark.skipif(not hasattr(mutate.os, "fork"), reason="Windows has no fork")
@pytest.mark.parametrize(("test", "limit", "fails"), TESTS.values(), ids=TESTS)
def test_a_change_is_noticed_when_the_tests_fail_or_do_not_end(
    tmp_path, monkeypatch, test, limit, fails
):
    path = tmp_path / "adding.py"
    path.write_text(MODULE)
    (tmp_path / "test_adding.py").write_text(f"from adding import plus_two\n\n{test}")
    monkeypatch.chdir(tmp_path)
    tree = ast.parse(MODULE)
    (node, field, new), *_ = mutate.changes(tree)
    setattr(node, field, new)
    assert mutate.noticed(path, tree, [tmp_path / "test_adding.py"], limit) == fails
    assert path.read_text() == MODULE
