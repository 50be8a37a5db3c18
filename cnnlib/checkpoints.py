"""Checkpoints: a training run in one file, which says what it belongs to and whether it is whole.

The file is in safetensors: arrays, and as its metadata two texts, the run's state in JSON and the
SHA-256 of the file, taken with zeros where the SHA-256 itself stands.
"""

import copy
import hashlib
import json
import math
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.batching import Data
from cnnlib.layer import Layer, Parameter
from cnnlib.loss import Loss
from cnnlib.optimizers import Optimizer, Schedule

Arrays = dict[str, np.ndarray]
UNSIGNED = b"0" * 64
SIGNATURE = re.compile(rb'"sha256":"([0-9a-f]{64})"')


def replace(path: Path, content: bytes) -> None:
    """Write the file in one step: whatever happens leaves the old one or the new one."""
    beside = path.with_name(path.name + ".partial")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def writable(function: str, path: str | os.PathLike) -> Path:
    """The path, its ~ expanded, once it is known that a file can be written there."""
    path = checks.path(function, "checkpoint", path, "file")
    found = f"{function}: checkpoint is {path}"
    if os.path.isdir(path):  # which is False, and no error, for what cannot be a path
        raise IsADirectoryError(f"{found}, a folder; expected a file")
    if not os.path.isdir(path.parent):
        raise FileNotFoundError(f"{found}; there is no folder {path.parent}")
    beside = path.with_name(path.name + ".partial")
    try:
        beside.write_bytes(b"")
        beside.unlink()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", error)
        raise type(error)(f"{found}; it cannot be written: {why}") from error
    return path


def save(path: Path, arrays: Arrays, state: dict[str, Any]) -> None:
    """Write arrays and state, which is made of what JSON knows and of arrays of whole numbers."""
    import safetensors.numpy

    text = json.dumps(state, default=_plain)
    content = safetensors.numpy.save(arrays, {"run": text, "sha256": UNSIGNED.decode()})
    replace(path, content.replace(UNSIGNED, hashlib.sha256(content).hexdigest().encode(), 1))


def unpack(content: bytes) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the state in a file; raises ValueError unless they are as saved."""
    import safetensors.numpy

    signature = SIGNATURE.search(content)
    whole = False
    if signature:
        start, end = signature.span(1)
        parts = content[:start], UNSIGNED, content[end:]
        whole = hashlib.sha256(b"".join(parts)).hexdigest().encode() == signature[1]
    checks.require(whole, "it is damaged, or something else than a checkpoint")
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return safetensors.numpy.load(content), json.loads(header["__metadata__"]["run"])


def as_json(state: dict[str, Any]) -> dict[str, Any]:
    """The state as it comes back from a file."""
    return json.loads(json.dumps(state, default=_plain))


def _plain(value: Any) -> object:
    """What JSON does not know by itself: the arrays and numbers of NumPy's generators."""
    return value.tolist()


def check_form(name: str, found: Any, expected: Any) -> None:
    """Raise ValueError unless `found` has the keys, the lengths and the types of `expected`."""
    same = type(found) is type(expected)
    if same and isinstance(expected, dict):
        same = found.keys() == expected.keys()
    elif same and isinstance(expected, list):
        same = len(found) == len(expected)
    checks.require(same, f"its {name} is not what fit writes")
    if isinstance(expected, dict | list):
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            check_form(f"{name}.{key}", found[key], expected[key])


def check_history(history: dict[str, list[float]], epochs: int, validated: bool) -> None:
    """Raise ValueError unless so many epochs can have measured these numbers."""
    for name, values in history.items():
        found = f"its history has {len(values)} numbers in {name}"
        measured = validated or not name.startswith("validation")
        checks.require(len(values) == measured * epochs, found)
        for value in values:
            possible = name == "validation_loss" or math.isfinite(value)
            if name.endswith("accuracy"):
                possible = not (value < 0 or value > 1)  # nan is that of no classes
            checks.require(possible, f"its history has {value} in {name}")


def made_with(thing: object, base: type, without: tuple[str, ...] = ()) -> str:
    """The class of a layer, an optimizer or a schedule, and what it was made with.

    That is every attribute which `base` does not know itself: numbers, texts, functions by their
    names, arrays by their contents, and what training changes by its shape alone.
    """
    buffers, parts = getattr(thing, "buffers", ()), [type(thing).__name__]
    for name, value in sorted(vars(thing).items()):
        if not (hasattr(base, name) or name in without or name.startswith("_")):
            text = _shape(value) if name in buffers else described(value)
            parts += [f"{name} {text}"] if text else []
    return ", ".join(parts)


def described(value: object) -> str | None:
    """A number, a text, a function, an array or a row of them in words; None for anything else."""
    if isinstance(value, Parameter):
        return _shape(value.data) + ("" if value.requires_grad else " frozen")
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    if isinstance(value, tuple | list):
        return f"({', '.join(filter(None, map(described, value)))})"
    if isinstance(value, partial):
        rest = {str(index): argument for index, argument in enumerate(value.args)} | value.keywords
        return " ".join(
            [f"{described(value.func)}", *(f"{k}={described(v)}" for k, v in rest.items())]
        )
    if isinstance(value, Layer):
        return None
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, bool | int | float | str | None) else None


def fingerprint(array: np.ndarray) -> str:
    """Type, shape and SHA-256 of an array, however it lies in memory."""
    found = hashlib.sha256()
    for part in range(0, array.size and len(np.atleast_1d(array)), 1000):  # whose copies are small
        found.update(np.atleast_1d(array)[part : part + 1000].tobytes())
    return f"{_shape(array)} with SHA-256 {found.hexdigest()[:16]}"


def _shape(array: np.ndarray) -> str:
    return f"{array.dtype} {array.shape}"


def plan(
    network: Layer, loss: Loss, optimizer: Optimizer, schedule: Schedule | None,
    settings: dict[str, Any],
) -> dict[str, str | None]:  # fmt: skip
    """What a checkpoint belongs to, by names: all that the weights depend on, except the data."""
    optimizer, schedule = copy.copy(optimizer), copy.copy(schedule)
    if schedule:  # which has changed the optimizer's settings: compare those it begins with
        schedule.optimizer, schedule.steps = optimizer, 0
        schedule.set()
    keys = {parameter: key for key, parameter in network.named_parameters().items()}
    layers = {f"layer {key}".rstrip(". "): made_with(v, Layer) for key, v in network.layers()}
    made = (
        layers
        | {
            "loss": made_with(loss, Layer),
            "optimizer": made_with(optimizer, type, ("parameters", "state")),
            "optimizer.parameters": ", ".join(keys[p] for p in optimizer.parameters),
            "schedule": made_with(schedule, type, ("optimizer", "steps")) if schedule else None,
        }
        | {name: described(value) for name, value in settings.items()}
    )
    for name, text in made.items():
        told = "<lambda>" not in (text or "")
        found = f"fit: {name} {'is' if name in settings else 'has'} a lambda"
        checks.require(told, f"{found}; with a checkpoint expected a function with a name, by def")
    return made


def data_plan(train: Data, validation: Data | None) -> dict[str, str | None]:
    """The data as part of a plan."""
    found = {"images": described(train[0]), "labels": described(train[1])}
    if validation is not None:
        found["validation images"], found["validation labels"] = map(described, validation)
    return found


def check_plan(plan: dict[str, str | None], made: dict[str, str | None]) -> None:
    """Raise ValueError, with the first difference, unless the plans are the same."""
    for name in plan | made:
        now, then = plan.get(name), made.get(name)
        checks.require(now == then, f"it was made with {name} {then}; now it is {now}")
