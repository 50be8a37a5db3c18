"""What a worksheet is made of: tasks, and grids of numbers of which some are to be filled in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Numbers in rows; the columns in `blank` are to be filled in.

    decimals: to how many a number is given, where it is not shown as it is.
    """

    title: str
    rows: Sequence[Sequence[Any]]
    blank: Collection[int] = ()
    head: Sequence[str] = ()
    decimals: int | None = None


@dataclass(frozen=True)
class Task:
    """What is to be done, and the numbers for it; what stands in `backticks` is code."""

    text: str
    grids: Sequence[Grid]


def given(title: str, values: Any) -> Grid:
    """Numbers that are given: a table, a row or one."""
    return Grid(title, np.atleast_2d(values).tolist())


def asked(title: str, values: Any, decimals: int | None = None) -> Grid:
    """Numbers that are to be found."""
    rows = np.atleast_2d(values).tolist()
    return Grid(title, rows, range(len(rows[0])), decimals=decimals)


def integers(rng: np.random.Generator, low: int, high: int, *shape: int) -> np.ndarray:
    """Whole numbers from `low` to `high`, as floats."""
    return rng.integers(low, high + 1, shape).astype(float)
