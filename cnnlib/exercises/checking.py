"""What an exercise is, and how what a reader wrote for it is tried."""

import copy
import dis
import functools
import inspect
import linecache
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from types import CodeType, FrameType
from typing import Any

import numpy as np

Try = Sequence[Any]


def call(written: Callable, *arguments: Any) -> Any:
    """What is done with a function: it is called."""
    return written(*arguments)


def both_ways(written: Callable, x: np.ndarray, grad_output: np.ndarray) -> Any:
    """What is done with a layer: the output for x, then the gradient that it passes back."""
    made = written()
    return made.forward(x), made.backward(grad_output)


def layer(forward: Callable, backward: Callable) -> type:
    """A layer of two functions: forward(x) and backward(grad_output, x)."""

    class Made:
        def forward(self, x: np.ndarray) -> np.ndarray:
            self.x = x
            return forward(x)

        def backward(self, grad_output: np.ndarray) -> np.ndarray:
            return backward(grad_output, self.x)

    return Made


@dataclass(frozen=True)
class Exercise:
    """An exercise that asks for a function or a class.

    Parameters
    ----------
    name : str
        What the reader's function or class is to be called.
    right : callable
        One that is right.
    tries : callable
        Given a random generator, the arguments of several calls, smallest first: not square, not
        symmetric, negative numbers among them.
    mistakes : sequence of (callable, str)
        Each makes one usual mistake, in place of the reader's, and what to say to it. The first
        that gives what the reader's gives, in every try, is taken for the reader's.
    hints : sequence of str
        At most three, each giving away more than the one before.
    use : callable
        What is done with the function or class: `use(written, *arguments)` gives what is compared,
        an array, number, text, or a tuple, list or dict of these.
    rtol, atol : float
        How far a number may be off, as in numpy.allclose.
    ending : str
        How a function gives its result.

    """

    name: str
    right: Callable
    tries: Callable[[np.random.Generator], Sequence[Try]]
    mistakes: Sequence[tuple[Callable, str]]
    hints: Sequence[str] = ()
    use: Callable = call
    rtol: float = 1e-6
    atol: float = 1e-9
    ending: str = "end it with `return`"


@dataclass(frozen=True)
class Drawn:
    """An exercise that asks for a number or a table, with other numbers on request.

    draw: given a random generator, gives a `cnnlib.widgets.Question`. count: how many are drawn.
    """

    draw: Callable[[np.random.Generator], Any]
    count: int = 8

    def widget(self) -> Any:
        """The questions, in a widget."""
        from cnnlib.widgets import Check

        rng = np.random.default_rng(0)
        return Check.drawn(lambda: self.draw(rng), self.count)


@dataclass(frozen=True)
class Verdict:
    """What is said of a solution: in a notebook it shows itself.

    right: whether it is. words: a sentence or two. example: what it was tried on and what came of
    it, as (title, value).
    """

    right: bool
    words: str
    example: Sequence[tuple[str, Any]] = field(default_factory=list)

    def __repr__(self) -> str:
        """The words, and under them the example as text."""
        shown = [f"{title}:\n{as_text(value)}" for title, value in self.example]
        return "\n".join([("Right. " if self.right else "Not yet. ") + self.words, *shown])

    def _repr_html_(self) -> str:
        kind = "right" if self.right else "wrong"
        judged = "Right." if self.right else "Not yet."
        head = f"<p><strong>{judged}</strong> {as_code(self.words)}</p>"
        grids = "".join(
            f"<figure><figcaption>{escape(title)}</figcaption>{as_table(value)}</figure>"
            for title, value in self.example
        )
        more = f'<div class="verdict-example">{grids}</div>' if grids else ""
        return f'<div class="exercise-verdict {kind}">{head}{more}</div>'


def as_code(text: str) -> str:
    """Text as HTML: what stands in `backticks` is code."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))


def as_text(value: Any) -> str:
    """A value as a notebook prints it, its numbers short."""
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {as_text(one)}" for name, one in value.items())
    if isinstance(value, tuple | list):
        parts = [as_text(part) for part in value]
        flat = all(np.isscalar(part) for part in value)
        return f"[{', '.join(parts)}]" if flat else "\n".join(parts)
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, suppress_small=True, threshold=120)
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def as_table(value: Any) -> str:
    """A value as HTML: a small array of one or two axes is a table."""
    if not (isinstance(value, np.ndarray) and 1 <= value.ndim <= 2 and 0 < value.size <= 120):
        return f"<pre>{escape(as_text(value))}</pre>"
    rows = np.atleast_2d(value)
    form = "{:.5g}" if rows.dtype.kind == "f" else "{}"
    cells = ["".join(f"<td>{escape(form.format(one))}</td>" for one in row) for row in rows]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def same(one: Any, other: Any, rtol: float = 1e-6, atol: float = 1e-9) -> bool:
    """Whether two results are equal: shapes and structure exactly, numbers but for rounding."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[k], other[k], rtol, atol) for k in one)
    if several(one) and several(other):
        return len(one) == len(other) and all(
            same(a, b, rtol, atol) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, str | None) or isinstance(other, str | None):
        return type(one) is type(other) and one == other
    try:
        one, other = np.asarray(one), np.asarray(other)
        return one.shape == other.shape and np.allclose(one, other, rtol, atol, equal_nan=True)
    except (TypeError, ValueError):
        return False


def several(value: Any) -> bool:
    """Whether a value is a tuple or a list of more than numbers."""
    return isinstance(value, tuple | list) and not all(
        np.isscalar(part) and not isinstance(part, str) for part in value
    )


class TooLongError(BaseException):
    """A reader's code did not come to an end; its own `except Exception` does not hold this up."""


@functools.cache
def held(code: CodeType) -> list[tuple[int, int]]:
    """The instructions of a function, first to last, whose exceptions it may catch itself."""
    return [(part.start, part.end) for part in dis.Bytecode(code).exception_entries]  # type: ignore[attr-defined]


class Limit:
    """Stops code of the reader's own file when its time is over, on any machine, in any thread.

    A bare `except:` would catch this, and Python traces no more after it has raised once. So it
    waits for a place outside of every `try`; a loop that lies inside of one has none, and is ended
    after `GRACE` seconds more.
    """

    GRACE = 0.2

    def __init__(self, seconds: float, file: str) -> None:
        self.seconds, self.file = seconds, file

    def __enter__(self) -> None:
        self.before, self.end = sys.gettrace(), time.monotonic() + self.seconds
        self.over = False
        sys.settrace(self.trace)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Callable | None:
        """Look at the clock at every operation: a loop in one line is nothing but these."""
        if frame.f_code.co_filename != self.file:
            return None
        frame.f_trace_opcodes = True
        late = time.monotonic() - self.end
        if late > 0 and (late > self.GRACE or not self.is_held(frame)):
            self.over = True
            raise TooLongError
        return self.trace

    def is_held(self, frame: FrameType | None) -> bool:
        """Whether the reader's code may catch what is raised in this frame."""
        while frame:
            place, code = frame.f_lasti, frame.f_code
            if code.co_filename == self.file and any(a <= place < b for a, b in held(code)):
                return True
            frame = frame.f_back
        return False

    def __exit__(self, kind: type | None, error: object, trace: object) -> None:
        sys.settrace(self.before)
        if self.over and kind is not TooLongError:  # it was caught all the same
            raise TooLongError


def file_of(written: Callable) -> str:
    """The name of the file, or of the cell, that a function or class was written in."""
    parts = vars(written).values() if isinstance(written, type) else [inspect.unwrap(written)]
    return next((one.__code__.co_filename for one in parts if hasattr(one, "__code__")), "")


SECONDS = 10.0


def judge(exercise: Exercise, written: Any, seconds: float = SECONDS) -> Verdict:
    """Try what a reader wrote; the first try that differs is shown.

    seconds: after so many a try is ended.
    """
    name = exercise.name
    if not callable(written):
        is_now = f"`{name}` is of type {type(written).__name__}"
        return Verdict(False, f"{is_now}. Define it with `def` or `class`.")
    file = file_of(written)
    tries = exercise.tries(np.random.default_rng(0))
    results = []
    for arguments in tries:
        given, shown = copy.deepcopy(arguments), titled(exercise, arguments)
        try:
            with Limit(seconds, file):
                results.append(exercise.use(written, *given))
        except TooLongError:
            words = f"`{name}` had not ended after {seconds:g} s. Does a loop in it never end?"
            return Verdict(False, words, shown)
        except Exception as error:
            return Verdict(False, explain(name, error, file), shown)
        if exercise.use is call and not same(list(given), list(arguments), 0, 0):
            words = f"`{name}` changes what it is given. Work on a copy, or make a new array."
            return Verdict(False, words, shown)
    for arguments, got in zip(tries, results, strict=True):
        expected = exercise.use(exercise.right, *copy.deepcopy(arguments))
        if not same(got, expected, exercise.rtol, exercise.atol):
            words = named_mistake(exercise, tries, results)
            words = words or difference(exercise, written, expected, got)
            example = [*titled(exercise, arguments), ("expected", expected), ("yours", got)]
            return Verdict(False, words, example)
    return Verdict(True, f"`{name}` gives what is expected in all {len(tries)} tries.")


def titled(exercise: Exercise, arguments: Try) -> list[tuple[str, Any]]:
    """The arguments of a try by their names."""
    function = exercise.right if exercise.use is call else exercise.use
    names = list(inspect.signature(function).parameters)
    return list(zip(names if exercise.use is call else names[1:], arguments, strict=False))


def named_mistake(exercise: Exercise, tries: Sequence[Try], results: Sequence[Any]) -> str:
    """What to say of the first listed mistake that leads to the reader's results, or ""."""
    for mistake, words in exercise.mistakes:
        try:
            made = [exercise.use(mistake, *copy.deepcopy(arguments)) for arguments in tries]
        except Exception:  # a mistake may not fit each try
            continue
        if same(made, list(results), exercise.rtol, exercise.atol):
            return words
    return ""


def difference(exercise: Exercise, written: Any, expected: Any, got: Any) -> str:
    """In what a result differs from the one that was expected."""
    name, of_class = exercise.name, isinstance(written, type)
    if got is None:
        who = f"A method of `{name}`" if of_class else f"`{name}`"
        return f"{who} gives nothing back. Write its code, and {exercise.ending}."
    if several(expected):
        if not several(got) or len(expected) != len(got):
            return f"`{name}` gives {kind(got)}; expected {kind(expected)}."
        pairs = zip(expected, got, strict=True)
        wrong = next(n for n, pair in enumerate(pairs) if not same(*pair))
        words = difference(exercise, written, expected[wrong], got[wrong])
        missing = got[wrong] is None and (of_class or all(one is None for one in got))
        return words if missing else f"Result {wrong}: {words}"
    if isinstance(expected, str | Mapping):
        return f"`{name}` gives another result."
    try:
        expected, got = np.asarray(expected), np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return f"`{name}` gives {kind(got)}; expected {kind(expected)}."
    if got.shape != expected.shape:
        return f"`{name}` gives the shape {got.shape}; expected {expected.shape}."
    place = tuple(np.argwhere(~np.isclose(got, expected, equal_nan=True))[0].tolist())
    at = f" at {list(place)}" if place else ""
    return (
        f"`{name}` gives {as_text(float(got[place]))}{at}; "
        f"expected {as_text(float(expected[place]))}."
    )


def products(numbers: Any, weights: Any) -> str:
    """A sum of products as one writes it: 2·3 + 4·(-1)."""
    pairs = zip(np.ravel(numbers), np.ravel(weights), strict=True)
    return " + ".join(f"{x}·({w})" if w < 0 else f"{x}·{w}" for x, w in pairs)


def kind(value: Any) -> str:
    """What a result is, in words."""
    if several(value):
        return f"{len(value)} results"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return repr(value)


def explain(name: str, error: Exception, file: str) -> str:
    """An exception in the reader's own line."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == file]
    text = f"{type(error).__name__}: {error}"
    if not frames:
        return f"`{name}` could not be called as it is meant to be. {text}."
    line = linecache.getline(file, frames[-1].lineno or 0).strip()
    return f"It stops in line {frames[-1].lineno}, `{line}`, with {text}."
