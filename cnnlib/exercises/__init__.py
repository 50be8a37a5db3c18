"""Exercises that answer: what a reader wrote is tried, and a usual mistake is named.

In a chapter, `check("convolution-by-hand")` tries the reader's `my_conv2d`. `CHECKS` has what is
checked, by the labels of the exercises; each chapter's are in the module of its name here.
"""

import difflib
import functools
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import cnnlib
from cnnlib.exercises.checking import Drawn, Exercise, Verdict, judge

OTHERS = {"__main__", "checking", "grading"}


def _all() -> dict[str, Exercise | Drawn]:
    checks: dict[str, Exercise | Drawn] = {}
    for _, name, _ in pkgutil.iter_modules(__path__):
        if name not in OTHERS:
            checks |= importlib.import_module(f"{__name__}.{name}").EXERCISES
    return checks


CHECKS = _all()
# What was written and is right, by the labels of the exercises.
SOLVED: dict[str, Any] = {}


def _exercise(function: str, label: str) -> Exercise | Drawn:
    if label not in CHECKS:
        near = difflib.get_close_matches(str(label), CHECKS, 1)
        advice = f"did you mean {near[0]!r}?" if near else "the book's exercises have their labels"
        raise ValueError(f"{function}: there is no check {label!r}; {advice}")
    return CHECKS[label]


def check(label: str, names: Mapping[str, Any] | None = None) -> Any:
    """Try what was written for an exercise, and say what is wrong with it: a `Verdict`.

    An exercise that asks for a number is a widget, `Check`, with another question on request.
    names: where the function is found by its name; those of the caller, a notebook's cell for
    example, when left out. Raises ValueError when there is no check of this label.
    """
    exercise = _exercise("check", label)
    if isinstance(exercise, Drawn):
        return exercise.widget()
    names = sys._getframe(1).f_globals if names is None else names
    if exercise.name in names:
        verdict = judge(exercise, names[exercise.name])
    else:
        words = (
            f"There is no `{exercise.name}` yet. Run the cell that defines it, then check again."
        )
        verdict = Verdict(False, words)
    if verdict.right:
        SOLVED[label] = names[exercise.name]
    return verdict


def own(label: str) -> Any:
    """The function that was written for an exercise and is right; the book's, where there is none.

    It was checked before in this notebook; or its code stands in the file that the environment's
    CNNLIB_SOLUTIONS names, a JSON object of labels and code, as the book's page keeps it.
    Raises ValueError when there is no check of this label, or it asks for a number.
    """
    exercise = _exercise("own", label)
    if isinstance(exercise, Drawn):
        raise ValueError(f"own: {label!r} asks for a number; expected one that asks for a function")
    if label in SOLVED:
        return SOLVED[label]
    path = os.environ.get("CNNLIB_SOLUTIONS")
    kept = json.loads(Path(path).read_text("utf-8")) if path else {}
    if label not in kept:
        return exercise.right
    return _made(kept[label], exercise.name)


@functools.cache
def _made(code: str, name: str) -> Any:
    """What kept code defines under a name."""
    names = {"np": np, "cnnlib": cnnlib, "own": own}
    exec(code, names)
    return names[name]


def hint(label: str, number: int = 1) -> str:
    """The hint of an exercise with this number; a later one gives more away.

    Raises ValueError when there is no check of this label, or no such hint.
    """
    hints = getattr(_exercise("hint", label), "hints", ())
    if not 1 <= number <= len(hints):
        raise ValueError(f"hint: number is {number}; {label!r} has {len(hints)} hints")
    return hints[number - 1]
