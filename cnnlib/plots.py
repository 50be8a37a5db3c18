"""The chapters' figures, drawn with matplotlib."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogFormatter

GRAY = "#7a7a7a"  # for letters and axes: readable on a white page and on a black one
# The widgets' colors: blue below zero, orange above.
SIGNED = LinearSegmentedColormap.from_list("signed", ["#1a73e8", "#ffffff", "#e8710a"])


def canvas(columns: float, rows: float) -> Axes:
    """An empty drawing measured in cells: column 0 at the left, row 0 at the top.

    It is to be at most 14 columns wide, or its numbers are too small on a phone.
    """
    figure, ax = plt.subplots(figsize=(6, 6 * rows / columns))
    figure.subplots_adjust(0, 0, 1, 1)
    figure.patch.set_alpha(0)
    ax.set(xlim=(0, columns), ylim=(rows, 0))
    ax.set_axis_off()
    return ax


def draw_cells(
    ax: Axes, numbers: np.ndarray, colors: np.ndarray | str, left: float = 0, top: float = 0
) -> None:
    """Draw an array of numbers as cells that hold them, from a place of a `canvas` on.

    numbers: (rows, columns). colors: (rows, columns, 3), red, green and blue from 0 to 1, or one
    color for all.
    """
    size = min(15, 165 / ax.get_xlim()[1])
    for (row, column), number in np.ndenumerate(numbers):
        color = to_rgb(colors) if isinstance(colors, str) else colors[row, column]
        place = (left + column, top + row)
        ax.add_patch(Rectangle(place, 1, 1, facecolor=color, edgecolor=GRAY, linewidth=0.7))
        bright = np.dot(color, [0.299, 0.587, 0.114])  # to the eye
        write(ax, f"{number:g}", place[0] + 0.5, place[1] + 0.5, size, "k" if bright > 0.5 else "w")


def write(ax: Axes, text: str, x: float, y: float, size: float = 13, color: str = GRAY) -> None:
    """Write a text into a `canvas`, its middle at column `x` and row `y`."""
    text = text.replace("-", "\N{MINUS SIGN}")
    ax.text(x, y, text, ha="center", va="center_baseline", fontsize=size, color=color)


def outline(ax: Axes, left: float, top: float, columns: int, rows: int, color: str) -> None:
    """Draw a frame around some cells of a `canvas`."""
    ax.add_patch(Rectangle((left, top), columns, rows, fill=False, edgecolor=color, linewidth=3))


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

    Pictures are (H, W), gray from 0, black, to 1, white, or (3, H, W), in colors. Those of the rows
    named in `signed` are (H, W), blue below zero and orange above, all of a row on one scale.
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
            ax.imshow(picture if picture.ndim == 2 else picture.transpose(1, 2, 0), **scale)
    figure.patch.set_alpha(0)


def dress(ax: Axes, x_label: str = "", y_label: str = "") -> None:
    """Give axes their names, letters that a phone shows, a grid, and no background of their own."""
    ax.set_xlabel(x_label, color=GRAY, fontsize=14)
    ax.set_ylabel(y_label, color=GRAY, fontsize=14)
    ax.tick_params(colors=GRAY, which="both", labelsize=13)
    ax.grid(alpha=0.25)
    for side in ax.spines.values():
        side.set_visible(False)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(labelcolor=GRAY, framealpha=0, fontsize=13)
    ax.patch.set_alpha(0)
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.patch.set_alpha(0)
        figure.tight_layout()


class _Plain(LogFormatter):
    """Writes 0.01 where matplotlib writes a power of ten, for which a page may lack the fonts."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def plain_numbers(axis: Axis) -> None:
    """Write plain numbers along an axis of equal factors; at the small ticks if there are few."""
    axis.set_major_formatter(_Plain())
    axis.set_minor_formatter(_Plain(labelOnlyBase=False, minor_thresholds=(1, 0.4)))


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
    _, ax = plt.subplots(figsize=(7, 3.4))
    for (name, (x, y)), (color, dashes) in zip(lines.items(), LINES, strict=False):
        ax.plot(x, y, color=color, linestyle=dashes, linewidth=2, label=name)
    if log_x:
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_xticks(x, [f"{value:g}" for value in x])
    if log_y:
        ax.set_yscale("log")
        plain_numbers(ax.yaxis)
    dress(ax, x_label, y_label)


def show_spread(groups: Mapping[str, Sequence[float]], x_label: str) -> None:
    """Draw each group's values as dots in its row, with a bar at their mean.

    The first group is what the others are compared with: a line leads down from its mean.
    """
    _, ax = plt.subplots(figsize=(7, 0.9 + 0.36 * len(groups)))
    for row, values in enumerate(groups.values()):
        ax.plot(values, [row] * len(values), "o", color="#1a73e8", alpha=0.6, markersize=6)
        ax.plot(np.mean(values), row, "|", color="#e8710a", markersize=18, markeredgewidth=3)
    ax.axvline(float(np.mean(next(iter(groups.values())))), color=GRAY, linestyle=":")
    ax.set_yticks(range(len(groups)), list(groups))
    ax.invert_yaxis()
    dress(ax, x_label)
    ax.grid(visible=False, axis="y")
