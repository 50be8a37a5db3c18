"""Python in the page: runs cells as a kernel would, as far as this book's cells ask for it.

It runs in a web worker (worker.js) and talks to the page (run.js) by messages, one JSON text each.
"""

import ast
import base64
import builtins
import functools
import importlib.abc
import importlib.machinery
import io
import json
import linecache
import os
import re
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Libraries that no browser has: what imports them goes on, and what uses them says so.
ABSENT = {"torch": "PyTorch", "pooch": "A download"}
PAUSE = 0.1  # seconds between two messages of a cell that prints without end
# What phones and texts put in place of the signs of a program.
PLAIN = dict(zip("“”„‘’‚−–—×·÷", "\"\"\"'''---**/", strict=True))
MOST = 50_000  # letters that a cell may print: a page that shows more no longer answers


class AbsentError(Exception):
    """A library was used that does not run in a browser."""


class AbsentModule(types.ModuleType):
    """Stands where such a library is imported."""

    Tensor = type("Tensor", (), {})  # matplotlib asks of all that it draws whether it is one

    def __getattr__(self, name: str) -> Any:
        """A module of the library by its name; anything else is a use of it."""
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("data", "functional", "init", "nn", "optim", "utils"):
            return importlib.import_module(f"{self.__name__}.{name}")
        raise AbsentError(ABSENT[self.__name__.partition(".")[0]])


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what is absent, and does what is to be done before a package is first imported.

    before: by the names of packages.
    """

    def __init__(self, before: dict[str, Callable[[], None]]) -> None:
        self.before = before

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """What is absent is here; all else is found by others."""
        if name.partition(".")[0] in ABSENT:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        if act := self.before.pop(name, None):
            try:
                act()
            except Exception as error:
                self.before[name] = act
                text = f"{name} could not be loaded. Run the cell again when there is a network"
                raise ImportError(text) from error
            importlib.invalidate_caches()
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        """A module of which nothing can be used."""
        return AbsentModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing to run."""


class Stream(io.TextIOBase):
    """What is printed goes to the page, in pieces, while a cell runs."""

    encoding = "utf-8"

    def __init__(self, kernel: "Kernel", name: str) -> None:
        self.kernel, self.name = kernel, name

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self.kernel.flush()

    def write(self, text: str) -> int:
        shown = text[: self.kernel.room]
        if len(shown) < len(text) and self.kernel.room:
            shown += "\n… What the cell prints from here on is not shown.\n"
        self.kernel.room = max(0, self.kernel.room - len(text))
        if shown:
            self.kernel.printed.append((self.name, shown))
        if time.monotonic() - self.kernel.told > PAUSE:
            self.kernel.flush()
        return len(text)


class Kernel:
    """Runs cells and tells the page what they show.

    post: called with each message. fetch: called with the name of a package of `later` when it is
    first imported.
    """

    def __init__(
        self,
        post: Callable[[str], None],
        later: Sequence[str] = (),
        fetch: Callable[[str], None] = str,
    ) -> None:
        self.post = post
        self.cell: str | None = None
        self.printed: list[tuple[str, str]] = []
        self.told = time.monotonic()
        self.room = MOST
        self.absent: dict[str, str] = {}  # names that a cell would have made, with what
        self.solved: dict[str, Any] = {}
        self.main = types.ModuleType("__main__")
        self.names: dict[str, Any] = vars(self.main)
        self.names |= {"display": self.display, "__builtins__": builtins}
        sys.modules["__main__"] = self.main
        before = {name: functools.partial(fetch, name) for name in later}
        sys.meta_path.insert(0, Finder(before | {"ipywidgets": self.use_widgets}))
        self.streams = Stream(self, "stdout"), Stream(self, "stderr")
        builtins.input = self.no_input

    def use_widgets(self) -> None:
        """Let ipywidgets speak with the page."""
        import comm
        from comm.base_comm import BaseComm

        kernel = self

        class PageComm(BaseComm):
            def publish_msg(self, msg_type: str, data: Any = None, **keys: Any) -> None:
                data = data or {}
                state = data.get("state", {})
                if state.get("_anywidget_id", "").startswith("cnnlib."):
                    state.pop("_esm", None), state.pop("_css", None)  # the page has these
                kernel.send(msg_type, comm=self.comm_id, data=data)

        comm.create_comm = PageComm
        self.comms = comm.get_comm_manager()

    def no_input(self, prompt: str = "") -> str:
        """In place of input()."""
        raise RuntimeError(
            "input() cannot ask in this page; write what you would type into the code"
        )

    def send(self, kind: str, **message: Any) -> None:
        """Send a message, after what was printed before it."""
        self.flush()
        self.post(json.dumps({"kind": kind, "cell": self.cell, **message}, default=plain))

    def flush(self) -> None:
        """Send what was printed."""
        while self.printed:
            name, text = self.printed.pop(0)
            while self.printed and self.printed[0][0] == name:
                text += self.printed.pop(0)[1]
            self.post(json.dumps({"kind": "stream", "cell": self.cell, "name": name, "text": text}))
        self.told = time.monotonic()

    def display(self, *values: Any, **options: Any) -> None:
        """Show values in the page, as IPython's display does."""
        for value in values:
            self.send("display", data=bundle(value))

    def clear(self, wait: bool = False) -> None:
        """Remove what the cell has shown so far."""
        self.send("clear")

    def show_figures(self) -> None:
        """Show and close the figures that the cell drew, as matplotlib's inline backend does."""
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            for number in pyplot.get_fignums():
                self.display(pyplot.figure(number))
                pyplot.close(number)

    def run(self, cell: str, source: str) -> str:
        """Run a cell and show its last expression. Return "ok", "absent", "error" or "stopped"."""
        self.cell, name = cell, f"cell {cell}"
        self.room = MOST
        sys.stdout, sys.stderr = self.streams  # a cell may have put its own there
        linecache.cache[name] = len(source), None, source.splitlines(True), name
        tree = None
        try:
            tree = ast.parse(source, name)
            *_, last = tree.body or [None]
            begin = ast.Module(tree.body, [])
            if isinstance(last, ast.Expr):
                begin.body = tree.body[:-1]
            self.forget_former(source, name)
            exec(compile(begin, name, "exec"), self.names)
            if isinstance(last, ast.Expr):
                code = compile(ast.Expression(last.value), name, "eval")
                value = eval(code, self.names)
                if value is not None and not source.rstrip().endswith(";"):
                    self.names["_"] = value
                    self.display(value)
            self.show_figures()
            self.tell_solved(source)
            for made in names_made(tree):
                self.absent.pop(made, None)
            return "ok"
        except KeyboardInterrupt:
            return "stopped"
        except BaseException as error:
            if library := self.absent_library(error, tree):
                self.send("absent", library=library)
                return "absent"
            self.send("error", **explain(error, name))
            return "error"
        finally:
            self.flush()

    def forget_former(self, source: str, file: str) -> None:
        """What a cell defined before it was changed is not what its `check` is to try."""
        exercises = sys.modules.get("cnnlib.exercises")
        for label in re.findall(r"^check\(\"([\w-]+)\"", source, re.M) if exercises else ():
            asked = getattr(exercises.CHECKS.get(label), "name", "")
            if asked in self.names and exercises.checking.file_of(self.names[asked]) == file:
                del self.names[asked]

    def tell_solved(self, source: str) -> None:
        """Let the page keep what was written for an exercise, if its check was right just now."""
        exercises = sys.modules.get("cnnlib.exercises")
        for label, written in exercises.SOLVED.items() if exercises else ():
            is_here = re.search(rf"^(def|class) {exercises.CHECKS[label].name}\b", source, re.M)
            if is_here and self.solved.get(label) is not written:
                self.solved[label] = written
                code = re.sub(r"^check\(.*\n?", "", source, flags=re.MULTILINE)
                self.send("solved", label=label, source=code)

    def absent_library(self, error: BaseException, tree: ast.Module | None) -> str:
        """The library without which a cell could not run, or "".

        What the cell would have made is missing from now on, in cells that use it, too.
        """
        if not tree:  # it could not be read
            return ""
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if not isinstance(error, AbsentError) and not used & set(self.absent):
            return ""
        library = str(error) if isinstance(error, AbsentError) else ""
        library = library or next(self.absent[name] for name in used if name in self.absent)
        self.absent |= dict.fromkeys(names_made(tree), library)
        return library

    def receive(self, comm: str, state: str) -> None:
        """Take a change of a widget in the page."""
        self.cell = None
        data = {"method": "update", "state": json.loads(state), "buffer_paths": []}
        self.comms.comms[comm].handle_msg({"content": {"data": data}, "buffers": []})
        self.flush()


kernel: Kernel  # of this page


def names_made(tree: ast.Module) -> set[str]:
    """The names that a cell assigns to, themselves or an item of them, or defines."""
    made = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(getattr(node, "ctx", None), ast.Store):
            while isinstance(node, ast.Attribute | ast.Subscript):
                node = node.value
            if isinstance(node, ast.Name):
                made.add(node.id)
    return made


def plain(value: Any) -> Any:
    """A value that JSON does not know, as one that it does."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def bundle(value: Any) -> dict[str, Any]:
    """A value in the forms in which the page can show it."""
    figure = sys.modules.get("matplotlib.figure")
    if figure and isinstance(value, figure.Figure):
        return {"image/png": picture(value)}
    forms: Any = {}
    if hasattr(value, "_repr_mimebundle_"):
        forms = value._repr_mimebundle_()
        forms = forms[0] if isinstance(forms, tuple) else forms or {}
    forms = dict(forms)
    for mime, method in {"text/html": "_repr_html_", "image/svg+xml": "_repr_svg_"}.items():
        if mime not in forms and (text := getattr(value, method, lambda: None)()) is not None:
            forms[mime] = text
    return {"text/plain": pretty(value)} | forms


def pretty(value: Any) -> str:
    """A value as IPython prints it: what does not fit a line goes over several."""
    from pprint import PrettyPrinter

    text = repr(value)
    if len(text) > MOST:
        return f"{text[:MOST]}\n… The rest of the {len(text):,} letters is not shown."
    long = isinstance(value, Mapping | list | tuple | set) and len(text) > 79
    return PrettyPrinter(sort_dicts=False).pformat(value) if long else text


def picture(figure: Any) -> str:
    """A figure as a PNG in base64, twice as fine as it is shown."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * figure.dpi, bbox_inches="tight")
    return base64.b64encode(file.getvalue()).decode()


def explain(error: BaseException, name: str) -> dict[str, Any]:
    """What the page says of an error: its line in the cell, and the way to it.

    Frames of this file and of the machinery of imports are left out.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not frame.filename.startswith("<frozen")
    ]
    own = [frame.lineno for frame in frames if frame.filename == name]
    if isinstance(error, SyntaxError) and error.filename == name:
        own.append(error.lineno)
    whole = traceback.TracebackException.from_exception(error)  # which may know what was meant
    text = "".join(whole.format_exception_only()).strip()
    return {
        "name": type(error).__name__,
        "text": str(whole) if not isinstance(error, SyntaxError) else what_is_wrong(error),
        "line": own[-1] if own else None,
        "traceback": "".join(traceback.format_list(frames)) + text,
    }


def what_is_wrong(error: SyntaxError) -> str:
    """The message of a syntax error; neither commands of Jupyter nor signs of print are Python."""
    sign = (error.text or "").lstrip()[:1]
    if sign in ("%", "!"):
        return f"{sign} begins a command of Jupyter, not Python"
    if found := re.match(r"invalid character '(.)'", error.msg):
        return error.msg + (f"; write {PLAIN[found[1]]}" if found[1] in PLAIN else "")
    if error.msg == "invalid non-printable character U+00A0":
        return "a space is of a kind that Python does not read; write it again"
    return error.msg


def replace_matmul() -> None:
    """WebAssembly has no BLAS: the loops of einsum are three times as fast there as matmul's."""
    import numpy

    own = numpy.matmul

    def matmul(a: Any, b: Any, out: Any = None, **options: Any) -> Any:
        fits = numpy.ndim(a) > 1 and numpy.ndim(b) > 1 and a.dtype.kind == "f"
        if options or not fits or a.dtype != b.dtype:
            return own(a, b, out=out, **options) if out is not None else own(a, b, **options)
        if b.shape[-1] > 32 and b.strides[-1] != b.itemsize:  # its loops are along the last axis
            b = b.copy()
        return numpy.einsum("...mk,...kn->...mn", a, b, out=out)

    numpy.matmul = matmul


def start(
    post: Callable[[str], None], later: list[str], fetch: Callable[[str], None], solved: str
) -> Kernel:
    """Make the page's kernel.

    solved: the code that a reader has written for exercises and was right, by their labels, as
    JSON: `cnnlib.exercises.own` takes it where a chapter goes on with the reader's own functions.
    """
    global kernel
    path = Path("solutions.json").resolve()
    path.write_text(solved, "utf-8")
    os.environ["CNNLIB_SOLUTIONS"] = str(path)
    replace_matmul()
    # tqdm would watch over its bars in a thread, and there are none here; a figure is shown when
    # its cell ends.
    for message in ("tqdm:disabling monitor support", "FigureCanvasAgg is non-interactive"):
        warnings.filterwarnings("ignore", message)
    kernel = Kernel(post, later, fetch)
    return kernel
