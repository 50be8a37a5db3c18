"""Worksheets to print: the arithmetic of a chapter with blanks, drawn from a seed, and their keys.

cnnlib computes what belongs into the blanks.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tools import sheets_learning as learning
from tools import sheets_maps as maps
from tools import sheets_networks as networks
from tools import sheets_other_data as data
from tools.moodle import as_html
from tools.printed import page
from tools.sheet import Grid, Task

STYLE = """
header { display: flex; justify-content: space-between; gap: 6mm; font-size: 9pt; }
h1 { margin-top: 4mm; }
.task { break-inside: avoid; margin: 4mm 0 6mm; }
.grids { display: flex; flex-wrap: wrap; gap: 3mm 7mm; align-items: flex-start; }
figure { margin: 0; }
figcaption { font-size: 9pt; margin-bottom: 1mm; }
td, th { text-align: center; height: 8mm; min-width: 8.5mm; padding: 0 1.5mm; }
th { font-weight: normal; font-size: 9pt; }
.blank, .answer { min-width: 13mm; border-width: 0.5mm; }
.answer { font-weight: bold; }
"""

# By the names of the chapters, with their titles.
SHEETS: dict[str, tuple[str, Callable[[np.random.Generator], list[Task]]]] = {
    "images": ("Images are numbers", maps.images),
    "convolution": ("Convolution", maps.convolution),
    "channels": ("Channels and filters", maps.channels),
    "shapes": ("Output sizes", maps.shapes),
    "activations": ("Activations", maps.activations),
    "pooling": ("Pooling", maps.pooling),
    "why_convolution": ("Why convolution", maps.why_convolution),
    "dense": ("Dense layers", maps.dense),
    "loss": ("Softmax and cross-entropy", maps.loss),
    "forward": ("The whole forward pass", maps.forward),
    "counting": ("Counting a network", maps.counting),
    "gradients": ("Slopes", learning.gradients),
    "backward_dense": ("Backward through a dense layer", learning.backward_dense),
    "backward_convolution": ("Backward through a convolution", learning.backward_convolution),
    "backward_geometry": ("Backward through pooling and strides", learning.backward_geometry),
    "autograd": ("Backward through a graph", learning.autograd),
    "gradient_check": ("Checking gradients", learning.gradient_check),
    "one_step": ("Steps of the optimizer", learning.one_step),
    "optimizers": ("SGD, momentum and Adam", learning.optimizers),
    "training": ("Batches, epochs, and when to stop", learning.training),
    "fast_convolution": ("A convolution as a matrix product", learning.fast_convolution),
    "mnist": ("Accuracy, and its error", networks.mnist),
    "better_training": ("Dropout, batch normalization, weight decay", networks.better_training),
    "normalization": ("With which numbers?", networks.normalization),
    "gradient_noise": ("The noise of a batch", networks.gradient_noise),
    "watching": ("Clipped gradients", networks.watching),
    "what_did_it_learn": ("Covering pixels", networks.what_did_it_learn),
    "shifts": ("One pixel to the right", networks.shifts),
    "attribution": ("Where does it look?", networks.attribution),
    "adversarial": ("Fooled on purpose", networks.adversarial),
    "draw_a_digit": ("The center of mass", networks.draw_a_digit),
    "honest_answers": ("Honest answers", networks.honest_answers),
    "architectures": ("A residual block", data.architectures),
    "after_resnet": ("Groups and gates", data.after_resnet),
    "receptive_fields": ("How far a number sees", data.receptive_fields),
    "color": ("Color photographs", data.color),
    "color_inside": ("Two class activation maps", data.color_inside),
    "color_ladder": ("Better, or lucky?", data.color_ladder),
    "one_direction": ("Convolution in one direction", data.one_direction),
    "three_directions": ("Convolution in three directions", data.three_directions),
    "detection": ("Boxes", data.detection),
    "segmentation": ("Every pixel an answer", data.segmentation),
    "numpy": ("NumPy", maps.numpy),
}


def as_text(value: Any, decimals: int | None) -> str:
    """A cell as it is printed."""
    if isinstance(value, str):
        return value
    if decimals is not None and value != int(value):
        return f"{value:.{decimals}f}".replace("-", "−")
    return f"{value + 0.0:.10g}".replace("-", "−")


def as_grid(grid: Grid, key: bool) -> str:
    """A grid as HTML, its blanks filled in for the key."""

    def cell(column: int, value: Any) -> str:
        text = as_text(value, grid.decimals)
        if column not in grid.blank:
            return f"<td>{text}</td>"
        return f'<td class="answer">{text}</td>' if key else '<td class="blank"></td>'

    head = "".join(f"<th>{name}</th>" for name in grid.head)
    rows = ["".join(cell(n, value) for n, value in enumerate(row)) for row in grid.rows]
    body = "".join(f"<tr>{row}</tr>" for row in [head, *rows] if row)
    return f"<figure><figcaption>{grid.title}</figcaption><table>{body}</table></figure>"


def sheet(name: str, seed: int, key: bool = False) -> str:
    """A worksheet as a page, or its key."""
    title, make = SHEETS[name]
    tasks = make(np.random.default_rng([seed, *name.encode()]))
    line = f"<span>Sheet {seed}</span>"
    line = f"<span>Key</span>{line}" if key else f"<span>Name:</span><span>Date:</span>{line}"
    parts = [f"<header>{line}</header>", f"<h1>{title}</h1>"]
    for number, task in enumerate(tasks, 1):
        grids = "".join(as_grid(grid, key) for grid in task.grids)
        text = f"<p><b>{number}.</b> {as_html(task.text)}</p>"
        parts.append(f'<div class="task">{text}<div class="grids">{grids}</div></div>')
    return page(f"{title}: {'key' if key else 'worksheet'} {seed}", "\n".join(parts), STYLE)


def write(folder: Path, seed: int) -> None:
    """Write all worksheets and their keys to a folder."""
    for name in SHEETS:
        for key, ending in ((False, ""), (True, "-key")):
            path = folder / f"{name}{ending}.html"
            path.write_text(sheet(name, seed, key), "utf-8")
