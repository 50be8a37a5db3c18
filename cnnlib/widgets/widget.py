"""What every widget shares: its script is one module, its arrays are NumPy arrays in Python."""

import difflib
import inspect
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import traitlets

from cnnlib.widgets import links

# What other libraries call it, and what it may be called here; a typo needs no entry.
ALIASES = {
    "b": ("bias",),
    "dout": ("grad_output",),
    "filters": ("weight", "out_channels"),
    "image": ("x",),
    "input": ("image", "x"),
    "kernel": ("weight", "kernel_size"),
    "kernels": ("weight", "kernel_size"),
    "label": ("target", "labels"),
    "learning_rate": ("lr",),
    "names": ("classes",),
    "photo": ("image",),
    "picture": ("image",),
    "pool_size": ("kernel_size",),
    "W": ("weight",),
    "x": ("image",),
    "y": ("target",),
}
COMMENT = re.compile(r"^ *(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function\*?|class) (\w+))", re.MULTILINE)
EXPORTS = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
HERE = Path(__file__).resolve().parent
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
STYLE = HERE / "shared" / "view" / "widget.css"  # of all widgets
IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
TEXT = re.compile(r'^import (\w+) from "(\.[^"]*)" with \{ type: "text" \};\n', re.MULTILINE)


def script(path: Path) -> str:
    """Return the ES module at `path` with the shared modules it imports written in front of it.

    Front ends load a widget from a blob, where relative imports have nothing to be relative to.
    Raises ImportError as `modules` does.
    """
    return "\n".join(modules(path).values())


def modules(path: Path) -> dict[str, str]:
    """Return the texts of the shared modules that a script needs, in their order, and its own.

    Each shared module becomes a function that is called at once, so that its names are its own,
    and gives an object with its exports, whose name is the key here; the script itself comes last,
    with an empty key. A script that is imported as text, for a worker, becomes a constant, which
    the page puts together from the functions that it has anyway: each object has its own function
    as `$make`. Comments that stand alone are left out: a page loads it. Raises ImportError
    when a module is not there, when modules import each other in a circle or a name that is not
    exported, and for an import or export that is written in another way.
    """
    parts: dict[str, str] = {}
    exports: dict[Path, list[str]] = {}

    def read(module: Path) -> str:
        """The text of a module, its imports as constants."""

        def file(found: re.Match) -> Path:
            other = (module.parent / found[2]).resolve()
            if not other.is_file():
                raise ImportError(f"{module.name} imports {found[2]}, which is not there")
            return other

        def as_text(found: re.Match) -> str:
            needed = modules(file(found))
            own = json.dumps(needed.pop(""))
            parts.update({name: part for name, part in needed.items() if name not in parts})
            pairs = ", ".join(f'["{name}", {name}]' for name in needed)
            made = "([name, { $make }]) => `const ${name} = (${$make})();\\n`"
            return f'const {found[1]} = [{pairs}].map({made}).join("") + {own};\n'

        def constant(found: re.Match) -> str:
            other = file(found)
            add(other)
            names = [name.strip() for name in found[1].split(",") if name.strip()]
            for name in names:
                if name.partition(" as ")[0] not in exports[other]:
                    raise ImportError(f"{module.name}: {other.name} exports no {name}")
            return f"const {{ {', '.join(names).replace(' as ', ': ')} }} = {scope(other)};\n"

        text = TEXT.sub(as_text, module.read_text(encoding="utf-8"))
        text = IMPORT.sub(constant, text)
        text = EXPORTS.sub("", EXPORT.sub("", text)) if module != path else text
        for line in OTHER.findall(text):
            if not (module == path and line.startswith("export ")):
                raise ImportError(
                    f'{module.name}: expected import {{ NAME }} from "./FILE.js"; or export before '
                    f"const, function, class or {{ NAME }};, got {line}"
                )
        return text

    def scope(module: Path) -> str:
        """The name of the object that holds what a module exports."""
        place = module.relative_to(HERE / "shared").with_suffix("")
        return "$" + re.sub(r"\W", "_", place.as_posix())

    def add(module: Path) -> None:
        name = scope(module)
        if module in exports:
            if name not in parts:
                raise ImportError(f"{module.name} imports itself, by way of what it imports")
            return
        text = module.read_text(encoding="utf-8")
        listed = ",".join(EXPORTS.findall(text)).split(",")
        exports[module] = [*EXPORT.findall(text), *filter(None, map(str.strip, listed))]
        text = read(module)
        names = ", ".join(exports[module])
        made = f"() => {{\n{text}return {{ {names} }};\n}}"
        parts[name] = f"const {name} = (($make) => ({{ ...$make(), $make }}))({made});\n"

    path = path.resolve()
    text = read(path)
    return {name: COMMENT.sub("", part) for name, part in (parts | {"": text}).items()}


def unknown(owner: str, name: str, known: list[str]) -> str:
    """Return the sentence that refuses a name and gives the nearest of the known ones."""
    nearest = [alias for alias in ALIASES.get(name, ()) if alias in known]
    nearest += difflib.get_close_matches(name, known, 1)
    expected = ", ".join(known) or "no arguments"
    advice = f"did you mean {nearest[0]}?" if nearest else f"expected {expected}"
    return f"{owner}: {name} is unknown; {advice}"


class Widget(anywidget.AnyWidget):
    """An anywidget whose script and style lie beside its module: NAME.py, NAME.js, NAME.css.

    An unknown argument raises TypeError, an unknown attribute AttributeError: traitlets would
    pass over the first and keep the second, and the page would show something else.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Read the script and the style once, when the class is defined.

        A class without a script beside its module has that of the widget it is derived from.
        """
        super().__init_subclass__(**kwargs)
        if "_esm" in vars(cls):  # the class that anywidget derives to hold the two as traits
            return
        # A class that is defined in a notebook has no file.
        path = Path(getattr(sys.modules.get(cls.__module__), "__file__", None) or "none")
        if hasattr(cls, "_esm") and not path.with_suffix(".js").exists():
            return
        styles = [STYLE, path.with_suffix(".css")]
        cls._esm = script(path.with_suffix(".js"))
        cls._css = "\n".join(style.read_text("utf-8") for style in styles if style.exists())

    def __new__(cls, *args: Any, **kwargs: Any) -> "Widget":
        """Refuse unknown arguments before anything is made of the others."""
        known = cls._arguments()
        for name in kwargs:
            if name not in known and not hasattr(cls, name) and name != "model_id":
                raise TypeError(unknown(cls.__name__, name, known))
        return super().__new__(cls, *args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a trait, or what the class has; refuse a public name that is neither."""
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(unknown(type(self).__name__, name, self._arguments()))
        super().__setattr__(name, value)

    def link(self, chapter: str | None = None, number: int = 1, book: str | None = None) -> str:
        """Return the address of a page of the book that shows this widget as it is.

        Parameters
        ----------
        chapter : str, optional
            A chapter's file without its ending, such as "shapes": its widget of the same class is
            shown there with these values. By default the widget stands alone on its page.
        number : int
            Which of the chapter's widgets of this class, from 1.
        book : str, optional
            The address of the published book; by default that in the environment variable BOOK_URL.
            Python in the page has it.

        Raises
        ------
        ValueError
            When the book's address is unknown, or a link cannot hold what the widget shows: a
            photograph, a drawing, the weights of a trained network.

        """
        return links.link(self, chapter, number, book)

    @classmethod
    def _arguments(cls) -> list[str]:
        """The names that the class itself adds to what every ipywidget takes."""
        parameters = inspect.signature(cls.__init__).parameters.values()
        named = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
        foreign = ipywidgets.DOMWidget.class_trait_names()
        traits = [name for name in cls.class_trait_names(sync=True) if name not in foreign]
        return list(dict.fromkeys(named + [name for name in traits if not name.startswith("_")]))


class Predicting(traitlets.HasTraits):
    """The two traits of a widget that can ask for a number before it shows it."""

    predict = traitlets.Bool(False).tag(sync=True)
    score = traitlets.Tuple(traitlets.Int(0), traitlets.Int(0), default_value=(0, 0))
    score.tag(sync=True, link=None)


class Number(traitlets.Float):
    """A trait that holds a finite number: nan passes every comparison and draws nothing."""

    def validate(self, obj: traitlets.HasTraits, value: Any) -> float:
        """Return `value`, or raise a TraitError that says why not."""
        number = super().validate(obj, value)
        if not math.isfinite(number):
            raise traitlets.TraitError(
                f"{type(obj).__name__}: {self.name} is {number}; expected a finite number"
            )
        return number


class Array(traitlets.TraitType):
    """A trait that holds a read-only NumPy array and crosses to the browser as nested lists.

    Parameters
    ----------
    shapes : dict from int to tuple
        For each number of dimensions that is accepted, the index that brings the array to the
        shape the widget works with: `{3: (), 2: (None,)}` takes (C, H, W) as it is and gives
        (H, W) a first axis of length 1.
    expected : str
        The accepted shapes in words, for the error.
    number : dict, optional
        The JSON Schema of each of its numbers, for links.
    side : int
        How long an axis may be in a link.

    """

    def __init__(
        self,
        shapes: dict[int, tuple],
        expected: str,
        number: dict[str, Any] | None = None,
        side: int = links.SIDE,
    ) -> None:
        super().__init__()
        self.shapes, self.expected = shapes, expected
        self.number, self.side = number, side
        self.tag(sync=True, to_json=lambda array, _: array.tolist())

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the nested lists that a link may hold."""
        axes, index = next(iter(self.shapes.items()))
        return links.array((0,) * (axes + index.count(None)), self.number, self.side)

    def validate(self, obj: traitlets.HasTraits, value: Any) -> np.ndarray:
        """Return `value` as an array of finite numbers, or raise a TraitError that says why not."""
        owner = f"{type(obj).__name__}: {self.name}"
        try:
            array = np.array(value)
        except ValueError:
            raise traitlets.TraitError(f"{owner} has rows of different lengths") from None
        if array.dtype.kind not in "iuf":
            raise traitlets.TraitError(f"{owner} holds {array.dtype}; expected numbers")
        if array.ndim not in self.shapes or array.size == 0:
            raise traitlets.TraitError(f"{owner} has shape {array.shape}; expected {self.expected}")
        if not np.isfinite(array).all():
            raise traitlets.TraitError(f"{owner} holds nan or inf; expected finite numbers")
        array = array[self.shapes[array.ndim]]
        # An edit in place would change the array and not the picture, so it is an error.
        array.flags.writeable = False
        return array
