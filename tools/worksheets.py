"""Worksheets to print: the arithmetic of a chapter with blanks, drawn from a seed, and their keys.

cnnlib computes what belongs into the blanks.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import cnnlib
from tools.moodle import as_html
from tools.printed import page

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


def convolution(rng: np.random.Generator) -> list[Task]:
    """A feature map, and the products behind one of its numbers."""
    image, kernel = integers(rng, 0, 9, 5, 5), integers(rng, -1, 2, 3, 3)
    bias = integers(rng, 1, 5, 1)
    small, weights = integers(rng, 0, 9, 3, 4), integers(rng, -3, 3, 2, 2)
    return [
        Task(
            "Slide the kernel over the image: at each place multiply, add up, add the bias.",
            [
                given("image", image),
                given("kernel", kernel),
                given("bias", bias),
                asked("feature map", cnnlib.conv2d(image[None], kernel[None, None], bias)[0]),
            ],
        ),
        Task(
            "First the four products at row 1, column 2, then the whole map. The bias is 0.",
            [
                given("second image", small),
                given("second kernel", weights),
                asked("products", small[1:3, 2:4] * weights),
                asked("second map", cnnlib.conv2d(small[None], weights[None, None])[0]),
            ],
        ),
    ]


def channels(rng: np.random.Generator) -> list[Task]:
    """Two channels, two filters."""
    image, filters = integers(rng, 0, 5, 2, 3, 3), integers(rng, -2, 2, 2, 2, 2, 2)
    bias = integers(rng, -2, 2, 2)
    maps = cnnlib.conv2d(image, filters, bias)
    pixels = [given(f"image, channel {c}", image[c]) for c in (0, 1)]
    first, second = (
        [
            *(given(f"{name} filter, channel {c}", filters[f, c]) for c in (0, 1)),
            given(f"{name} bias", bias[f]),
            asked(f"{name} map", maps[f]),
        ]
        for f, name in enumerate(("first", "second"))
    )
    return [
        Task(
            "A filter has a kernel for each channel. Add up the products of both channels and the "
            "filter's bias.",
            [*pixels, *first],
        ),
        Task("The same image, and a second filter.", second),
    ]


def shapes(rng: np.random.Generator) -> list[Task]:
    """Output sizes of windows."""
    rows = []
    while len(rows) < 8:
        n, k, s, p, d = (
            int(rng.integers(*ends)) for ends in [(7, 33), (2, 6), (1, 4), (0, 3), (1, 3)]
        )
        if d * (k - 1) + 1 <= n + 2 * p and p <= k // 2:
            rows.append([n, k, s, p, d, cnnlib.conv_output_size(n, k, s, p, d)])
    head = ["rows", "kernel", "stride", "padding", "dilation", "rows of the map"]
    return [
        Task(
            "How many rows has the map? (n + 2p − d(k − 1) − 1) / s, rounded down, plus 1.",
            [Grid("sizes", rows, {5}, head)],
        )
    ]


def activations(rng: np.random.Generator) -> list[Task]:
    """ReLU and its relatives, forward and backward."""
    x, grad = integers(rng, -6, 6, 3, 4), integers(rng, -3, 3, 3, 4)
    x[x == 0] = 1
    return [
        Task(
            "Apply each function to every number. Leaky ReLU has a slope of 0.1 below 0; hardtanh "
            "cuts at −1 and 1.",
            [
                given("x", x),
                asked("ReLU", cnnlib.relu(x)),
                asked("leaky ReLU", cnnlib.leaky_relu(x, 0.1)),
                asked("hardtanh", cnnlib.hardtanh(x)),
            ],
        ),
        Task(
            "The gradient arrives at the output of the ReLU. Which gradient has x?",
            [given("gradient", grad), asked("gradient of x", cnnlib.relu_backward(grad, x))],
        ),
    ]


def pooling(rng: np.random.Generator) -> list[Task]:
    """Largest numbers and means of windows."""
    x, other = integers(rng, -9, 9, 4, 6), integers(rng, -9, 9, 4, 5)
    return [
        Task(
            "Windows of 2×2 with a stride of 2.",
            [
                given("map", x),
                asked("max pooling", cnnlib.max_pool2d(x[None], 2)[0]),
                asked("average pooling", cnnlib.avg_pool2d(x[None], 2)[0]),
            ],
        ),
        Task(
            "Windows of 3×3 with a stride of 1, and the whole map as one window.",
            [
                given("second map", other),
                asked("max pooling, 3×3", cnnlib.max_pool2d(other[None], 3, stride=1)[0]),
                asked("global max pooling", other.max()),
            ],
        ),
    ]


def dense(rng: np.random.Generator) -> list[Task]:
    """A dense layer and ReLU."""
    x, weight, bias = (
        integers(rng, -3, 5, 1, 4),
        integers(rng, -3, 3, 3, 4),
        integers(rng, -4, 4, 3),
    )
    y = cnnlib.linear(x, weight, bias)
    return [
        Task(
            "A row of weights for each output: multiply it by x, add up, add the output's bias.",
            [given("x", x), given("weight", weight), given("bias", bias), asked("outputs", y)],
        ),
        Task("And after ReLU?", [asked("after ReLU", cnnlib.relu(y))]),
        Task(
            "How many weights and biases has a dense layer?",
            [
                Grid(
                    "parameters",
                    [
                        [n, m, cnnlib.linear_parameters(n, m)]
                        for n, m in rng.integers(2, 30, (4, 2)).tolist()
                    ],
                    {2},
                    ["inputs", "outputs", "weights and biases"],
                )
            ],
        ),
    ]


def loss(rng: np.random.Generator) -> list[Task]:
    """Softmax, cross-entropy and its gradient."""
    logits, target = rng.permutation(np.arange(-1.0, 4))[None, :4], rng.integers(0, 4, 1)
    p, powers = cnnlib.softmax(logits), np.exp(logits)
    rows = [*zip(logits[0], powers[0], p[0], strict=True)]
    return [
        Task(
            "To three decimals; a calculator is of use. e⁻¹ = 0.368, e¹ = 2.718, e² = 7.389, "
            "e³ = 20.086. Divide each power by their sum.",
            [
                Grid("softmax", rows, {1, 2}, ["logit", "power of e", "probability"], 3),
                asked("sum of the powers", powers.sum(), 3),
            ],
        ),
        Task(
            "The loss is minus the natural logarithm of the target's probability. Its gradient is "
            "the probability, less 1 for the target.",
            [
                given("target (counted from 0)", target),
                asked("loss", cnnlib.cross_entropy(logits, target), 3),
                asked(
                    "gradient of the logits", cnnlib.cross_entropy_backward(1.0, logits, target), 3
                ),
            ],
        ),
    ]


def counting(rng: np.random.Generator) -> list[Task]:
    """Shapes and parameters of a whole network."""
    first, second, k = (int(rng.integers(*ends)) for ends in [(3, 9), (6, 17), (1, 3)])
    k, size = 2 * k + 1, int(rng.integers(5, 9)) * 4
    after = cnnlib.conv_output_size(size, k, padding=k // 2) // 2
    last = after // 2
    rows = [
        ["input", 1, size, 0],
        [
            f"{first} filters of {k}×{k}, padding {k // 2}",
            first,
            size,
            cnnlib.conv2d_parameters(1, first, k),
        ],
        ["max pooling, 2×2", first, after, 0],
        [
            f"{second} filters of 3×3, padding 1",
            second,
            after,
            cnnlib.conv2d_parameters(first, second, 3),
        ],
        ["max pooling, 2×2", second, last, 0],
        ["flatten", second * last * last, 1, 0],
        ["dense, 10 outputs", 10, 1, cnnlib.linear_parameters(second * last * last, 10)],
    ]
    head = ["layer", "channels or numbers", "rows", "weights and biases"]
    return [
        Task(
            f"One gray image of {size}×{size}. Which shape leaves each layer, and how many numbers "
            "does it learn? A row of numbers has 1 row.",
            [
                Grid("network", rows, {1, 2, 3}, head),
                asked("weights and biases together", sum(row[3] for row in rows)),
            ],
        )
    ]


def backward_dense(rng: np.random.Generator) -> list[Task]:
    """The gradients of a dense layer."""
    x, weight = integers(rng, -3, 5, 1, 4), integers(rng, -3, 3, 3, 4)
    grad = integers(rng, -2, 2, 1, 3)
    grad_x, grad_weight, grad_bias = cnnlib.linear_backward(grad, x, weight)
    return [
        Task(
            "The gradient arrives at the three outputs. A weight's is that of its output times its "
            "input.",
            [
                given("x", x),
                given("gradient of the outputs", grad),
                asked("gradient of the weight", grad_weight),
                asked("gradient of the bias", grad_bias),
            ],
        ),
        Task(
            "An input gets from each output its gradient times the weight between the two.",
            [given("weight", weight), asked("gradient of x", grad_x)],
        ),
    ]


def backward_convolution(rng: np.random.Generator) -> list[Task]:
    """The gradients of a convolution."""
    image, kernel = integers(rng, 0, 5, 4, 4), integers(rng, -2, 2, 2, 2)
    grad = integers(rng, -2, 2, 3, 3)
    back = cnnlib.conv2d_backward(grad[None, None], image[None, None], kernel[None, None])
    return [
        Task(
            "A weight has met nine pixels, one at each place. Multiply each by the gradient of its "
            "place, and add up. The bias was added nine times.",
            [
                given("image", image),
                given("gradient of the map", grad),
                asked("gradient of the kernel", back[1][0, 0]),
                asked("gradient of the bias", back[2]),
            ],
        ),
        Task(
            "Lay the kernel, times the gradient of each place, onto the image, and add up what "
            "meets.",
            [given("kernel", kernel), asked("gradient of the image", back[0][0, 0])],
        ),
    ]


def backward_geometry(rng: np.random.Generator) -> list[Task]:
    """Gradients through pooling, and with a stride."""
    x = rng.permutation(np.arange(-7, 9.0)).reshape(4, 4)
    grad = integers(rng, -4, 4, 2, 2)
    kernel, other = integers(rng, -2, 2, 2, 2), integers(rng, -3, 3, 2, 2)
    strided = cnnlib.conv2d_backward(
        other[None, None], np.zeros((1, 1, 4, 4)), kernel[None, None], stride=2
    )
    return [
        Task(
            "Windows of 2×2 with a stride of 2. Max pooling gives the gradient to the number that "
            "won, average pooling a quarter to each.",
            [
                given("map", x),
                given("gradient of the pooled map", grad),
                asked("after max pooling", cnnlib.max_pool2d_backward(grad[None], x[None], 2)[0]),
                asked(
                    "after average pooling", cnnlib.avg_pool2d_backward(grad[None], x[None], 2)[0]
                ),
            ],
        ),
        Task(
            "A convolution with a stride of 2, of an image of 4×4.",
            [
                given("kernel", kernel),
                given("gradient of the map", other),
                asked("gradient of the image", strided[0][0, 0]),
            ],
        ),
    ]


def one_step(rng: np.random.Generator) -> list[Task]:
    """A step of SGD, and one with momentum."""
    weight, grad = integers(rng, -9, 9, 3, 3), integers(rng, -5, 5, 3, 3)
    small, slope = integers(rng, -9, 9, 1, 3), integers(rng, -5, 5, 1, 3)
    second = integers(rng, -5, 5, 1, 3)
    plain, moved = cnnlib.Parameter(weight.copy()), cnnlib.Parameter(small.copy())
    plain.grad = grad
    cnnlib.SGD([plain], lr=0.1).step()
    optimizer, steps = cnnlib.SGD([moved], lr=0.1, momentum=0.5), []
    for moved.grad in (slope, second):
        optimizer.step()
        steps.append(moved.data.copy())
    return [
        Task(
            "One step with a learning rate of 0.1: each weight less 0.1 times its gradient.",
            [given("weight", weight), given("gradient", grad), asked("new weight", plain.data)],
        ),
        Task(
            "Two steps with a learning rate of 0.1 and a momentum of 0.5. Each weight less 0.1 "
            "times its velocity: at first that is the gradient, then half of the one before, plus "
            "the gradient.",
            [
                given("weights", small),
                given("first gradient", slope),
                asked("after one step", steps[0]),
                given("second gradient", second),
                asked("after two steps", steps[1]),
            ],
        ),
    ]


# By the names of the chapters, with their titles.
SHEETS: dict[str, tuple[str, Callable[[np.random.Generator], list[Task]]]] = {
    "convolution": ("Convolution", convolution),
    "channels": ("Channels and filters", channels),
    "shapes": ("Output sizes", shapes),
    "activations": ("Activations", activations),
    "pooling": ("Pooling", pooling),
    "dense": ("Dense layers", dense),
    "loss": ("Softmax and cross-entropy", loss),
    "counting": ("Counting a network", counting),
    "backward_dense": ("Backward through a dense layer", backward_dense),
    "backward_convolution": ("Backward through a convolution", backward_convolution),
    "backward_geometry": ("Backward through pooling and strides", backward_geometry),
    "one_step": ("Steps of the optimizer", one_step),
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
