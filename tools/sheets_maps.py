"""The worksheets of Parts I and II, from pixels to the loss, and of NumPy."""

import numpy as np

import cnnlib
from tools.sheet import Grid, Task, asked, given, integers


def images(rng: np.random.Generator) -> list[Task]:
    """Bytes, planes, and numbers around zero."""
    photo = 51 * integers(rng, 0, 5, 2, 2, 3)
    places = [f"row {i}, column {j}" for i in (0, 1) for j in (0, 1)]
    pixels = [[place, *pixel] for place, pixel in zip(places, photo.reshape(4, 3), strict=True)]
    planes = photo.transpose(2, 0, 1)
    middle, deviation = float(rng.integers(4, 10)), float(rng.choice([2, 4, 6]))
    numbers = middle + deviation * rng.permutation([-1.5, -0.5, 0, 0.5, 1.5])
    names = ["red", "green", "blue"]
    return [
        Task(
            "A file has the three bytes of each pixel side by side, a network wants each color as "
            "a plane of its own: (H, W, C) becomes (C, H, W).",
            [
                Grid("photo", pixels, (), ["pixel", *names]),
                *(asked(f"{name} plane", plane) for name, plane in zip(names, planes, strict=True)),
            ],
        ),
        Task(
            "Divide the red plane by 255, so that it has fractions from 0 to 1. (51 is a fifth of "
            "255.) Then its mean.",
            [asked("red, as fractions", planes[0] / 255), asked("mean", (planes[0] / 255).mean())],
        ),
        Task(
            "Mean 0, standard deviation 1. The variance is the mean of the squared distances from "
            "the mean, the standard deviation is its root. Subtract the mean from each number, and "
            "divide by the standard deviation.",
            [
                given("numbers", numbers),
                asked("their mean", numbers.mean()),
                asked("distances from it", numbers - middle),
                asked("variance", numbers.var()),
                asked("standard deviation", numbers.std()),
                asked("normalized", (numbers - middle) / deviation),
            ],
        ),
    ]


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


def why_convolution(rng: np.random.Generator) -> list[Task]:
    """What weights for every pixel cost, and a pattern that moves."""
    sizes = [(8, 1), (28, 1), (32, 3), (100, 3)]
    rows = []
    for size, channels in sizes:
        neurons, k = int(rng.choice([5, 10, 20, 50])), int(rng.choice([3, 5]))
        dense = cnnlib.linear_parameters(size * size * channels, neurons)
        rows.append(
            [size, channels, neurons, k, dense, cnnlib.conv2d_parameters(channels, neurons, k)]
        )
    pattern = integers(rng, 1, 4, 3) * rng.permutation([1, 1, -1])
    start = int(rng.integers(0, 3))
    row, moved = np.zeros((1, 8)), np.zeros((1, 8))
    row[0, start : start + 3] = moved[0, start + 2 : start + 5] = pattern

    def slide(image: np.ndarray) -> np.ndarray:
        return cnnlib.conv2d(image[None], pattern[None, None, None])[0]

    return [
        Task(
            "Weights and biases of a dense layer that reads all pixels, and of a convolution with "
            "as many filters as the dense layer has neurons.",
            [
                Grid(
                    "parameters",
                    rows,
                    {4, 5},
                    [
                        "rows, and columns",
                        "channels",
                        "neurons, or filters",
                        "kernel's side",
                        "dense layer",
                        "convolution",
                    ],
                )
            ],
        ),
        Task(
            "The same pattern, moved by two. Slide the kernel over both rows.",
            [
                given("row", row),
                given("row moved", moved),
                given("kernel", pattern),
                asked("map of the row", slide(row)),
                asked("map of the row moved", slide(moved)),
            ],
        ),
        Task(
            "A neuron has the row itself as its eight weights, and no bias. What does it answer to "
            "each row? And what is the largest number of each map?",
            [
                asked("neuron, row", cnnlib.linear(row, row)),
                asked("neuron, row moved", cnnlib.linear(moved, row)),
                asked("largest, row", slide(row).max()),
                asked("largest, row moved", slide(moved).max()),
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


def forward(rng: np.random.Generator) -> list[Task]:
    """A whole network, from the pixels to the loss."""
    while True:
        image, kernel = integers(rng, 0, 5, 5, 5), integers(rng, -1, 1, 2, 2)
        bias, weight, shift = (
            integers(rng, -2, 2, 1),
            integers(rng, -1, 1, 2, 4),
            integers(rng, -2, 2, 2),
        )
        feature_map = cnnlib.conv2d(image[None], kernel[None, None], bias)
        active = cnnlib.relu(feature_map)
        pooled = cnnlib.max_pool2d(active, 2)
        scores = cnnlib.linear(pooled.reshape(1, 4), weight, shift)
        near = 0 < abs(scores[0, 0] - scores[0, 1]) <= 3 and np.abs(scores).max() <= 4
        full = np.count_nonzero(weight, axis=1).min() >= 2
        if near and full and np.count_nonzero(pooled) >= 3 and (feature_map < 0).sum() >= 2:
            break
    target = rng.integers(0, 2, 1)
    return [
        Task(
            "One image through a network: a convolution, ReLU, and max pooling with windows of "
            "2×2.",
            [
                given("image", image),
                given("kernel", kernel),
                given("bias", bias),
                asked("feature map", feature_map[0]),
                asked("after ReLU", active[0]),
                asked("after pooling", pooled[0]),
            ],
        ),
        Task(
            "The four numbers that are left, row by row, go through a dense layer.",
            [
                asked("flattened", pooled.reshape(1, 4)),
                given("weight", weight),
                given("biases", shift),
                asked("scores", scores),
            ],
        ),
        Task(
            "To three decimals; a calculator is of use. e to the power of each score, divided by "
            "the sum of both, is its probability. The loss is minus the natural logarithm of the "
            "target's.",
            [
                asked("probabilities", cnnlib.softmax(scores), 3),
                given("target (counted from 0)", target),
                asked("loss", cnnlib.cross_entropy(scores, target), 3),
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


def numpy(rng: np.random.Generator) -> list[Task]:
    """Picking, sums along axes, and shapes that go together."""
    a, row = integers(rng, 0, 9, 3, 4), integers(rng, 1, 9, 4)
    column = 10 * integers(rng, 1, 4, 3, 1)
    i, j = (int(rng.integers(0, end)) for end in (3, 4))
    sizes = rng.permutation(np.arange(2, 10))[:5].tolist()
    n, c, h, w, other = sizes
    shapes = [
        ((h, 1), (w,)),
        ((h, w), (other,)),
        ((n, 1, w), (h, 1)),
        ((n, c, h, w), (c, 1, 1)),
        ((n, c, h, w), (c,)),
    ]
    return [
        Task(
            "Rows and columns are counted from 0. A slice stops before its end.",
            [
                given("a", a),
                asked(f"a[{i}, {j}]", a[i, j]),
                asked(f"a[:, {j}]", a[:, j]),
                asked("a[1:3, ::2]", a[1:3, ::2]),
                asked("a.T", a.T),
                asked("a.reshape(2, 6)", a.reshape(2, 6)),
            ],
        ),
        Task(
            "The axis that is named is the one that goes away.",
            [
                asked("a.sum(axis=0)", a.sum(axis=0)),
                asked("a.sum(axis=1)", a.sum(axis=1)),
                asked("a.max(axis=1)", a.max(axis=1)),
            ],
        ),
        Task(
            "Lay the shapes under each other, aligned at the right. Two lengths go together if "
            "they are the same, or one of them is 1 or missing.",
            [
                given("column", column),
                given("row", row),
                asked("column + row", column + row),
                Grid(
                    "shapes",
                    [[str(one), str(other), together(one, other)] for one, other in shapes],
                    {2},
                    ["one", "the other", "together, or “none”"],
                ),
            ],
        ),
    ]


def together(*shapes: tuple[int, ...]) -> str:
    """The shape that arrays of these shapes have together, as NumPy writes it."""
    try:
        return str(np.broadcast_shapes(*shapes))
    except ValueError:
        return "none"
