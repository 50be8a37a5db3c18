"""Exercises of the chapter "Your own images"."""

from collections.abc import Callable, Iterable
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from cnnlib.exercises.checking import Exercise, Try


def twins(gap: Callable, pairs: Callable = combinations) -> Callable:
    """The pairs of files whose pictures differ, by `gap(one, other)`, by less than a limit."""

    def found(images: np.ndarray, files: list[str], limit: float) -> Iterable[tuple[str, str]]:
        for i, j in pairs(range(len(files)), 2):
            if gap(images[i] - images[j]) < limit:
                yield files[i], files[j]

    return found


def mean_gap(difference: np.ndarray) -> float:
    """The mean difference of a pixel."""
    return float(np.abs(difference).mean())


def ordered(numbers: range, count: int) -> Iterable[tuple[int, int]]:
    """All pairs, in both orders."""
    return ((i, j) for i in numbers for j in numbers if i != j)


def with_itself(numbers: range, count: int) -> Iterable[tuple[int, int]]:
    """All pairs, and each number with itself."""
    return ((i, j) for i in numbers for j in numbers if i <= j)


def neighbors(numbers: range, count: int) -> Iterable[tuple[int, int]]:
    """Each number with the next."""
    return pairwise(numbers)


def as_list(written: Callable, images: np.ndarray, limit: float) -> list[str] | None:
    """The pairs, in the order of the alphabet; the files are a.png, b.png, c.png …"""
    found = written(images, [f"{chr(97 + n)}.png" for n in range(len(images))], limit)
    return found if found is None else sorted(" ".join(pair) for pair in found)


def likenesses(rng: np.random.Generator) -> list[Try]:
    """Images (N, C, H, W), some of them copies and some nearly so; a limit."""
    tries: list[Try] = []
    for shape, limit in [((6, 1, 2, 3), 0.01), ((8, 3, 4, 5), 0.05)]:
        images = rng.uniform(0, 1, shape)
        images[3] = images[0]
        images[2] = images[1] + 0.7 * limit
        images[-1] = images[-2]
        images[-1, 0, 0, 0] += 0.5 * limit
        tries.append((images, limit))
    tries[1][0][5] = tries[1][0][4] + np.array([1, -1, 1, -1, 0]) * 0.2
    return tries


def split_by_group(
    shuffle: bool = True, single: bool = False, turned: bool = False, lost: bool = False,
    masks: bool = False,
) -> Callable:  # fmt: skip
    """A split, with what a mistake changes.

    shuffle: whether chance decides. single: whether pictures are drawn and not groups. turned: the
    order of the two. lost: whether the last group is in neither. masks: whether truths are given
    instead of indices.
    """

    def split(groups: Any, share: float, rng: np.random.Generator) -> list[np.ndarray]:
        groups = np.arange(len(groups)) if single else np.asarray(groups)
        names = rng.permutation(np.unique(groups)) if shuffle else np.unique(groups)
        sizes = [np.sum(groups == name) for name in names]
        enough = np.searchsorted(np.cumsum(sizes), share * len(groups)) + 1
        held_out = np.isin(groups, names[:enough])
        known = ~held_out & (groups != names[-1]) if lost else ~held_out
        both = [known, held_out] if masks else [np.flatnonzero(known), np.flatnonzero(held_out)]
        return both[::-1] if turned else both

    return split


def what_was_split(written: Callable, groups: list[str], share: float) -> dict[str, Any] | None:
    """What is true of a split, whichever groups it has taken."""
    largest = max(map(groups.count, groups))
    splits = [written(groups, share, np.random.default_rng(n)) for n in range(10)]
    if splits[0] is None:
        return None
    known, asked = ([int(n) for n in part] for part in splits[0])
    both = {groups[n] for n in known} & {groups[n] for n in asked}
    gap = np.mean([abs(len(new) - share * len(groups)) for _, new in splits])
    return {
        "each picture is in one of the two": sorted(known + asked) == list(range(len(groups))),
        "groups in both": len(both),
        "validation has about its share": bool(gap <= largest),
        "chance decides": len({tuple(np.ravel(new).tolist()) for _, new in splits}) > 1,
    }


def places(rng: np.random.Generator) -> list[Try]:
    """The groups of pictures, of unequal sizes, and a share."""
    many = list("aaaabbbccdddddeeeffgggg")
    large = list("abcd" + 8 * "e" + "fgh" + "e")
    return [(list("aabbbccc"), 0.25), (many, 0.3), (large, 0.25)]


EXERCISES = {
    "your-own-images-twins": Exercise(
        "twins",
        twins(mean_gap),
        likenesses,
        [
            (
                twins(lambda difference: np.abs(difference).max(initial=0) / 1e-9),
                "You find equal pictures only. A mean difference below `limit` is enough.",
            ),
            (
                twins(lambda difference: float(np.abs(difference).sum())),
                "You compare the sum of all differences. It is their mean that has to be below the "
                "limit.",
            ),
            (
                twins(lambda difference: float(abs(difference.mean()))),
                "Lighter and darker pixels cancel each other. Take each difference's size before "
                "the mean.",
            ),
            (
                twins(mean_gap, ordered),
                "Each pair comes twice, in both orders. Compare a picture with later ones only.",
            ),
            (
                twins(mean_gap, with_itself),
                "Each picture is its own twin. Begin with the one after it.",
            ),
            (
                twins(mean_gap, neighbors),
                "You compare only pictures that follow each other. A copy may lie anywhere.",
            ),
        ],
        [
            "`images.reshape(len(images), -1)` makes a row of numbers of each picture.",
            "`np.abs(flat[i + 1 :] - flat[i]).mean(axis=1)` compares a picture with all later "
            "ones.",
            "`np.flatnonzero` says which of these are below the limit; counted from i + 1.",
        ],
        as_list,
    ),
    "your-own-images-groups": Exercise(
        "split_by_group",
        split_by_group(),
        places,
        [
            (
                split_by_group(single=True),
                "A group is in both sets. Shuffle the groups, not the pictures.",
            ),
            (
                split_by_group(shuffle=False),
                "The same groups are held out each time. Shuffle their names with `rng`.",
            ),
            (
                split_by_group(turned=True),
                "The sets are exchanged: first training, then validation with about its share.",
            ),
            (
                split_by_group(lost=True),
                "Some pictures are in neither set. What is not held out belongs to training.",
            ),
            (
                split_by_group(masks=True),
                "You give truths for all pictures. Indices are asked for: `np.flatnonzero`.",
            ),
        ],
        [
            "`rng.permutation(np.unique(groups))` has the names of the groups in a random order.",
            "Take one whole group after the other until validation has `share * len(groups)` "
            "pictures.",
            "`np.isin(groups, held_out_names)` says which pictures are held out; "
            "`np.flatnonzero` makes indices of it.",
        ],
        what_was_split,
    ),
}
