"""The chapters' figures, drawn with matplotlib."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

GRAY = "#7a7a7a"  # for letters and axes: readable on a white page and on a black one
# The widgets' colors: blue below zero, orange above.
SIGNED = LinearSegmentedColormap.from_list("signed", ["#1a73e8", "#ffffff", "#e8710a"])


def show_images(
    images: Mapping[str, np.ndarray], white: float = 1, numbers: bool = False, columns: int = 2
) -> None:
    """Draw pictures in rows, each under its title; a notebook shows the figure by itself.

    Parameters
    ----------
    images : mapping from str to array of shape (H, W) or (H, W, 3)
        Gray from 0, black, to `white`; an array of shape (H, W) with negative numbers is drawn
        blue below zero and orange above.
    white : float
        The value drawn white.
    numbers : bool
        Write each number into its pixel.
    columns : int
        Pictures in a row. More than two are small on a phone.

    """
    columns = min(len(images), columns)
    rows = -(-len(images) // columns)
    height, width = next(iter(images.values())).shape[:2]
    side = 3.5 if columns < 3 else 7 / columns
    size = (side * columns, rows * (side * height / width + 0.4))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, image) in zip(axes.flat, images.items(), strict=False):
        if image.min() < 0:
            full = np.quantile(np.abs(image), 0.99)  # one stray pixel must not pale all others
            ax.imshow(image, SIGNED, vmin=-full, vmax=full)
        else:
            ax.imshow(np.clip(image, 0, white), "gray", vmin=0, vmax=white)
        if numbers:
            for (row, column), value in np.ndenumerate(image):
                color = "white" if 0 <= value < 0.46 * white else "black"
                ax.text(column, row, f"{value:g}", ha="center", va="center", color=color)
        ax.set_title(title, fontsize=15, color=GRAY)
    figure.patch.set_alpha(0)
    figure.tight_layout()


def show_rows(rows: Mapping[str, Sequence[np.ndarray]], signed: Collection[str] = ()) -> None:
    """Draw rows of small pictures, each row under its name; a notebook shows the figure by itself.

    Pictures are (H, W), gray from 0, black, to 1, white. Those of the rows named in `signed` are
    blue below zero and orange above, all of a row on one scale.
    """
    columns = max(map(len, rows.values()))
    figure = plt.figure(figsize=(7, len(rows) * (6.8 / columns + 0.5)), layout="constrained")
    parts = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for part, (name, pictures) in zip(parts, rows.items(), strict=True):
        part.suptitle(name, fontsize=16, color=GRAY, x=0.01, ha="left")
        part.patch.set_alpha(0)
        numbers = np.concatenate([np.abs(picture).ravel() for picture in pictures])
        full = np.quantile(numbers, 0.99) or 1  # one stray pixel must not pale all others
        pixels = {"cmap": "gray", "vmin": 0, "vmax": 1}
        scale = {"cmap": SIGNED, "vmin": -full, "vmax": full} if name in signed else pixels
        for ax in part.subplots(1, columns, squeeze=False).flat:
            ax.set_axis_off()
        for ax, picture in zip(part.axes, pictures, strict=False):
            ax.imshow(picture, **scale)
    figure.patch.set_alpha(0)


# Readable on a white page and on a black one, and told apart by their dashes as well.
LINES = (
    ("#e8710a", "-"),
    ("#1a73e8", "--"),
    ("#2e9d4f", "-."),
    ("#d6336c", ":"),
    ("#8a63d2", (0, (6, 2, 1, 2, 1, 2))),
    (GRAY, (0, (1, 1))),
)


def show_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
) -> None:
    """Draw up to six curves over the same axes; a notebook shows the figure by itself.

    lines: for each name, its x and its y. log_x, log_y: equal steps along the axis are equal
    factors; with log_x the ticks stand at the x of the last curve.
    """
    figure, ax = plt.subplots(figsize=(7, 3.4))
    for (name, (x, y)), (color, dashes) in zip(lines.items(), LINES, strict=False):
        ax.plot(x, y, color=color, linestyle=dashes, linewidth=2, label=name)
    if log_x:
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xticks(x, [f"{value:g}" for value in x])
    if log_y:
        ax.set_yscale("log")
    ax.set_xlabel(x_label, color=GRAY, fontsize=12)
    ax.set_ylabel(y_label, color=GRAY, fontsize=12)
    ax.tick_params(colors=GRAY, which="both")
    ax.grid(alpha=0.25)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.legend(labelcolor=GRAY, framealpha=0)
    ax.patch.set_alpha(0)
    figure.patch.set_alpha(0)
    figure.tight_layout()


def show_spread(groups: Mapping[str, Sequence[float]], x_label: str) -> None:
    """Draw each group's values as dots in its row, with a bar at their mean.

    The first group is what the others are compared with: a line leads down from its mean.
    """
    figure, ax = plt.subplots(figsize=(7, 0.9 + 0.36 * len(groups)))
    for row, values in enumerate(groups.values()):
        ax.plot(values, [row] * len(values), "o", color="#1a73e8", alpha=0.6, markersize=6)
        ax.plot(np.mean(values), row, "|", color="#e8710a", markersize=18, markeredgewidth=3)
    ax.axvline(float(np.mean(next(iter(groups.values())))), color=GRAY, linestyle=":")
    ax.set_yticks(range(len(groups)), list(groups), fontsize=12)
    ax.invert_yaxis()
    ax.set_xlabel(x_label, color=GRAY, fontsize=12)
    ax.tick_params(colors=GRAY, which="both")
    ax.grid(axis="x", alpha=0.25)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.patch.set_alpha(0)
    figure.patch.set_alpha(0)
    figure.tight_layout()
