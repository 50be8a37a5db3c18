"""A widget's state as a link: which traits a link holds, what they may be, and the link itself.

The JSON Schema of a trait's values follows from its type, and its tag `link` adds what the type
does not say. Where that is False a link cannot hold the trait, which is large; nor can it hold a
list or a dict of anything, unless the tag has a schema. None is for what nobody misses, a score.
The tag `left` names for a reader what is left out. `shared/view/links.js` reads the same schemas.
"""

import base64
import functools
import json
import math
import os
import re
from typing import Any

import traitlets

VERSION = 1
LONGEST = 4000  # letters of one trait's value
SIDE = 16  # of an array, along each axis: no widget draws more numbers
COUNT = 9999  # of a whole number that has no limit of its own
LARGEST = 1e9  # of any other number: products of a few of them are still numbers
NAME = 60  # letters of a name
PLACE = {"pattern": r"^\w+\[\d+,\d+\]$"}  # an array, a row and a column: "map[1,1]"
DEEPEST = 64  # layers of a network


def between(least: float, most: float) -> dict[str, Any]:
    """Return the schema of a number from `least` to `most`."""
    return {"type": "number", "minimum": least, "maximum": most}


def array(
    shape: tuple[int, ...], number: dict[str, Any] | None = None, side: int = SIDE
) -> dict[str, Any]:
    """Return the schema of nested lists of this shape; 0 stands for any size up to `side`."""
    schema = number or between(-LARGEST, LARGEST)
    for size in reversed(shape):
        most = {"minItems": size or 1, "maxItems": size or side}
        schema = {"type": "array", "items": schema} | most
    return schema


def limits(trait: Any) -> dict[str, float]:
    """Return the least and the largest value of a trait, as far as it has them."""
    pair = {"minimum": trait.min, "maximum": trait.max}
    return {name: value for name, value in pair.items() if value is not None and abs(value) < 1e300}


def typed(trait: Any) -> dict[str, Any] | None:
    """Return the JSON Schema that follows from a trait's type, or None."""
    if hasattr(trait, "schema"):
        return trait.schema()
    match trait:
        case traitlets.Bool():
            return {"type": "boolean"}
        case traitlets.Enum():
            return {"enum": list(trait.values)}
        case traitlets.Unicode():
            return {"type": "string", "maxLength": NAME}
        case traitlets.Int():
            return {"type": "integer", "minimum": -COUNT, "maximum": COUNT} | limits(trait)
        case traitlets.Float():
            return between(-LARGEST, LARGEST) | limits(trait)
        case traitlets.Tuple():
            parts = [typed(part) for part in trait._traits]
            size = {"minItems": len(parts), "maxItems": len(parts)}
            return {"type": "array", "prefixItems": parts} | size if all(parts) else None
        case traitlets.List():
            items = typed(trait._trait) if trait._trait else None
            return {"type": "array", "items": items, "maxItems": SIDE} if items else None
    return None


def schemas(kind: Any) -> dict[str, dict[str, Any]]:
    """Return the schema of each trait of a class of widgets that a link holds, by its name."""
    found = {}
    for name in kind._arguments():
        trait = kind.class_traits(sync=True).get(name)
        tag = trait.metadata.get("link", {}) if trait else None
        if isinstance(tag, dict) and (schema := (typed(trait) or {}) | tag):
            optional = {"anyOf": [{"type": "null"}, schema]}
            found[name] = optional if trait.allow_none else schema
    return found


def left_out(kind: Any) -> dict[str, str]:
    """Return, in words, what a link leaves out because it is large, by the name of its trait."""
    tags = {name: trait.metadata.get("left") for name, trait in kind.class_traits().items()}
    return {name: tag for name, tag in tags.items() if tag}


KINDS: dict[str, Any] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": int | float,
    "object": dict,
    "string": str,
}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value, as JSON gives it, is what one of these schemas asks for, as in links.js."""
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kind, low, high = schema.get("type"), schema.get("minimum"), schema.get("maximum")
    if kind is None:
        return True
    if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if isinstance(value, str):
        right = re.search(schema.get("pattern", ""), value)
        return bool(right) and len(value) <= schema.get("maxLength", len(value))
    if isinstance(value, list):
        parts = schema.get("prefixItems", [])
        rest = [schema.get("items", {})] * (len(value) - len(parts))
        long = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return long and all(map(fits, value, [*parts, *rest]))
    if isinstance(value, dict):
        parts = schema.get("properties", {one: {} for one in value})
        return value.keys() == parts.keys() and all(fits(value[one], parts[one]) for one in parts)
    if kind not in ("integer", "number"):
        return True
    within = (low is None or value >= low) and (high is None or value <= high)
    return within and value > schema.get("exclusiveMinimum", -math.inf)


def values(widget: Any) -> dict[str, Any]:
    """Return a widget's traits as they cross to the page, without those that no one misses."""
    traits = type(widget).class_traits(sync=True)
    names = [name for name in widget._arguments() if name in traits]
    missed = [name for name in names if traits[name].metadata.get("link", {}) is not None]
    return {name: widget.get_state(name)[name] for name in missed}


def as_text(value: Any) -> str:
    """Return a value as JSON, in as few letters as that has."""
    return json.dumps(value, separators=(",", ":"))


@functools.cache
def usual(kind: Any) -> dict[str, str]:
    """Return what a widget of a class has when nothing is given, by trait; none where it cannot."""
    try:
        return {name: as_text(value) for name, value in values(kind()).items()}
    except (TypeError, traitlets.TraitError):
        return {}


def link(widget: Any, chapter: str | None, number: int, book: str | None) -> str:
    """Return the address of a page that shows the widget as it is: see `Widget.link`."""
    kind, book = type(widget), book or os.environ.get("BOOK_URL")
    owner = f"{kind.__name__}.link"
    if not kind.__module__.startswith("cnnlib.widgets."):
        raise ValueError(f"{owner}: the book has no {kind.__name__}")
    if not book:
        raise ValueError(
            f"{owner}: the address of the book is unknown; expected book='https://...' "
            "or the environment variable BOOK_URL"
        )
    now, known = values(widget), schemas(kind)
    there = {} if chapter else usual(kind)
    held = {name: value for name, value in now.items() if as_text(value) != there.get(name)}
    if chapter:
        held = {name: value for name, value in held.items() if name in known}

    def has_room(name: str) -> bool:
        text = as_text(held[name])
        return name in known and len(text) <= LONGEST and fits(json.loads(text), known[name])

    lost = [name for name in held if not has_room(name)]
    if lost:
        raise ValueError(
            f"{owner}: a link cannot hold {', '.join(lost)}; "
            "chapter='NAME' opens the widget of a chapter, which has its own"
        )
    page = f"chapters/{chapter}" if chapter else "widget"
    text = as_text(held) if held else ""
    letters = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"{book.rstrip('/')}/{page}.html#w{VERSION}/{kind.__name__}/{number}/{letters}"
