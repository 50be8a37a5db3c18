"""The checks every public function makes on its arguments, so that one sentence names the mistake.

Each check takes the name of the function that was called and the name of its argument first,
because the reader of the message knows those and not the line that found the fault.
"""

import functools
import inspect
import math
import operator
import os
from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

FLOATS = (np.float32, np.float64)


def require(condition: bool, message: str) -> None:
    """Raise ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def instance(function: str, name: str, value: object, kind: Any) -> None:
    """Raise TypeError unless `value` is of this class."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        found = f"{function}: {name} is a {type(value).__name__}"
        raise TypeError(f"{found}; expected {article} {kind.__name__}")


def flag(function: str, name: str, value: Any) -> bool:
    """`value`, True or False, as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{function}: {name} is a {type(value).__name__}; expected True or False")
    return bool(value)


def path(function: str, name: str, value: Any, kind: str) -> Path:
    """`value`, the path of a file or a folder, its ~ expanded."""
    if not isinstance(value, str | os.PathLike):
        found = f"{function}: {name} is a {type(value).__name__}"
        raise TypeError(f"{found}; expected the path of a {kind}")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        found = f"{function}: {name} is {str(value)!r}"
        raise FileNotFoundError(f"{found}; there is no such home") from error


def generator(function: str, rng: Any) -> np.random.Generator:
    """`rng` as a generator: itself, one seeded by a whole number, or a fresh one for None."""
    if isinstance(rng, int | None):
        return np.random.default_rng(None if rng is None else integer(function, "rng", rng, 0))
    instance(function, "rng", rng, np.random.Generator)
    return rng


def floating(function: str, dtype: Any) -> np.dtype:
    """`dtype`, which must be one of the two that the layers compute with."""
    for known in map(np.dtype, FLOATS):
        if isinstance(dtype, type | str | np.dtype) and known == dtype:
            return known
    raise TypeError(f"{function}: dtype is {dtype!r}; expected np.float32 or np.float64")


def array(
    function: str, name: str, value: Any, ndim: int | tuple[int, ...] | None = None,
    shape: tuple[int, ...] | None = None,
) -> np.ndarray:  # fmt: skip
    """`value` itself, once it is known to be a non-empty float array of this rank or shape.

    Raises TypeError for another type or dtype, ValueError for another shape or an empty array.
    """
    if not isinstance(value, np.ndarray):
        found = type(value).__name__
        raise TypeError(f"{function}: {name} is a {found}; expected a NumPy array of floats")
    if value.dtype not in FLOATS:
        raise TypeError(
            f"{function}: {name} is {value.dtype}; expected float32 or float64, "
            f"convert with {name}.astype(np.float32)"
        )
    found = f"{function}: {name} has shape {value.shape}"
    ranks = (ndim,) if isinstance(ndim, int) else ndim
    if ranks is not None:
        require(value.ndim in ranks, f"{found}; expected {' or '.join(map(str, ranks))} axes")
    require(shape is None or value.shape == shape, f"{found}; expected {shape}")
    require(value.size > 0, f"{function}: {name} is empty, its shape is {value.shape}")
    return value


def integer(function: str, name: str, value: Any, minimum: int | None = None) -> int:
    """`value` as an int that is at least `minimum`."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"{function}: {name} is {value!r}; expected a whole number")
    enough = minimum is None or number >= minimum
    require(enough, f"{function}: {name} is {number}; expected at least {minimum}")
    return number


def pair(function: str, name: str, value: Any, minimum: int) -> tuple[int, int]:
    """`value`, one whole number or two (rows, columns), as two."""
    if not isinstance(value, tuple | list):
        return (integer(function, name, value, minimum),) * 2
    require(len(value) == 2, f"{function}: {name} is {value}; expected one number or a pair")
    return integer(function, name, value[0], minimum), integer(function, name, value[1], minimum)


def sizes(function: str, name: str, value: Any) -> tuple[int, ...]:
    """`value`, the shape of an array, as whole numbers of at least 1."""
    value = tuple(value) if isinstance(value, list) else value
    instance(function, name, value, tuple)
    return tuple(integer(function, name, size, 1) for size in value)


def groups(function: str, groups: object, found: str, *channels: int) -> int:
    """`groups`, once it is known to divide all of `channels`, of which `found` tells."""
    groups = integer(function, "groups", groups, 1)
    message = f"{function}: {found}; expected a multiple of the {groups} groups"
    require(all(number % groups == 0 for number in channels), message)
    return groups


def channels(function: str, number: object, in_channels: object, out_channels: object) -> None:
    """Check the channels of a convolution with that number of groups."""
    inputs = integer(function, "in_channels", in_channels, 1)
    outputs = integer(function, "out_channels", out_channels, 1)
    found = f"in_channels is {inputs} and out_channels is {outputs}"
    groups(function, number, found, inputs, outputs)


def number(
    function: str, name: str, value: Any, minimum: float = -math.inf, maximum: float = math.inf
) -> float:
    """`value` as a finite float in [minimum, maximum]."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{function}: {name} is {value!r}; expected a number")
    if not (math.isfinite(value) and minimum <= float(value) <= maximum):
        limits = f" of at least {minimum:g}" if minimum > -math.inf else ""
        limits += f" and at most {maximum:g}" if maximum < math.inf else ""
        raise ValueError(f"{function}: {name} is {value}; expected a finite number{limits}")
    return float(value)


def choice(function: str, name: str, value: Any, options: tuple[str, ...]) -> str:
    """`value`, which must be one of `options`."""
    expected = ", ".join(map(repr, options))
    known = isinstance(value, str) and value in options  # an array cannot be looked for
    require(known, f"{function}: {name} is {value!r}; expected one of {expected}")
    return value


def or_one_image(function: Callable) -> Callable:
    """Let a function of a batch take one image (C, H, W) in its place, as a batch of one."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        call = signature.bind(*args, **options)
        if getattr(call.arguments["x"], "ndim", 4) != 3:
            return function(*args, **options)
        for name in ("x", "grad_output"):
            if getattr(call.arguments.get(name), "ndim", 4) == 3:
                call.arguments[name] = call.arguments[name][None]
        result = function(*call.args, **call.kwargs)
        return (result[0][0], *result[1:]) if isinstance(result, tuple) else result[0]

    return wrapper
