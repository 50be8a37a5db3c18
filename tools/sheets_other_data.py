"""The worksheets of Part V: more networks, and other data."""

from itertools import combinations
from math import comb

import numpy as np

import cnnlib
from tools.sheet import Grid, Task, asked, given, integers


def architectures(rng: np.random.Generator) -> list[Task]:
    """A residual block, forward and backward, and what many of them do to a gradient."""
    x, kernel = integers(rng, -3, 5, 1, 5), rng.permutation([-2.0, -1, 1, 2])[None, :3]
    grad = integers(rng, -2, 3, 1, 5)
    around = (0, 1)
    before = cnnlib.conv2d(x[None], kernel[None, None], padding=around)[0]
    through = cnnlib.relu_backward(grad, before)
    back = cnnlib.conv2d_backward(
        through[None, None], x[None, None], kernel[None, None], padding=around
    )[0][0, 0]
    rows = []
    for factor in rng.permutation([0.1, 0.2, 0.3, 0.5, -0.1, -0.5])[:4].tolist():
        blocks = int(rng.integers(2, 4))
        rows.append([blocks, factor, factor**blocks, (1 + factor) ** blocks])
    return [
        Task(
            "A residual block: a convolution with a zero at each end of the row, ReLU, and then x "
            "is added.",
            [
                given("x", x),
                given("kernel", kernel),
                asked("convolution", before),
                asked("after ReLU", cnnlib.relu(before)),
                asked("with x added", cnnlib.relu(before) + x),
            ],
        ),
        Task(
            "The way back. The gradient goes both ways: around the block as it is, and through "
            "ReLU and the convolution. Lay the kernel, times each gradient, onto the row, and add "
            "up; what lies beyond the ends is lost. Then add what went around.",
            [
                given("gradient that arrives", grad),
                asked("after ReLU's way back", through),
                asked("through the convolution", back),
                asked("gradient of x", back + grad),
            ],
        ),
        Task(
            "Each block multiplies a gradient by f. What is left of a gradient of 1 behind all of "
            "them, and what if each block has a way around, so that it multiplies by 1 + f?",
            [
                Grid(
                    "many blocks",
                    rows,
                    {2, 3},
                    ["blocks", "f", "plain", "with ways around"],
                )
            ],
        ),
    ]


def after_resnet(rng: np.random.Generator) -> list[Task]:
    """Products of grouped and depthwise convolutions, and a squeeze gate."""
    rows = []
    for k in (3, 3, 5):
        c, d, groups = int(rng.choice([8, 16, 24])), int(rng.choice([8, 16, 32])), 4
        counts = [cnnlib.conv2d_parameters(c, d, k, g, bias=False) for g in (1, groups)]
        depthwise = cnnlib.conv2d_parameters(c, c, k, c, bias=False)
        mixing = cnnlib.conv2d_parameters(c, d, 1, bias=False)
        rows.append([k, c, d, *counts, depthwise, mixing, depthwise + mixing])
    while True:
        maps = rng.permutation([-2.0, -1, 1, 2, -1, 0, 0, 1]).reshape(2, 2, 2)
        maps += integers(rng, 2, 5, 2, 1, 1) - maps.mean(axis=(1, 2), keepdims=True)
        down, up = rng.choice([-1.0, 1, 2], (1, 2)), rng.choice([-1.0, -0.5, 0.5, 1], (2, 1))
        squeezed = maps.mean(axis=(1, 2))
        hidden = cnnlib.relu(cnnlib.linear(squeezed[None], down))
        opened = cnnlib.linear(hidden, up)
        whole = [*squeezed, *opened[0]]
        if all(n % 1 == 0 for n in [*whole, *maps.flat]) and 0 < np.abs(opened).max() <= 2:
            break
    sigmoid = np.array([-2.0, -1, 0, 1, 2])
    gate = cnnlib.sigmoid(opened[0]).round(2)
    return [
        Task(
            "Products for one pixel: a full convolution, one in 4 groups, and a depthwise one with "
            "a convolution of 1×1 behind it.",
            [
                Grid(
                    "products",
                    rows,
                    {3, 4, 5, 6, 7},
                    ["kernel's side", "in", "out", "full", "4 groups", "depthwise", "1×1", "both"],
                )
            ],
        ),
        Task(
            "Squeeze and excitation. The mean of each map goes through a dense layer to one "
            "number, ReLU, and a dense layer back to two. No biases.",
            [
                given("map A", maps[0]),
                given("map B", maps[1]),
                given("weights, down", down),
                given("weights, up", up.ravel()),
                asked("means", squeezed),
                asked("after ReLU", hidden),
                asked("two numbers", opened),
            ],
        ),
        Task(
            "The sigmoid of each number, from the table, multiplies its map.",
            [
                Grid(
                    "sigmoid",
                    [sigmoid.tolist(), cnnlib.sigmoid(sigmoid).round(2).tolist()],
                ),
                asked("gates", gate),
                asked("map A, gated", (maps[0] * gate[0]).round(6)),
                asked("map B, gated", (maps[1] * gate[1]).round(6)),
            ],
        ),
    ]


def receptive_fields(rng: np.random.Generator) -> list[Task]:
    """How far a number sees, layer by layer, and in how many ways."""
    stack: list[tuple[int, int, int]] = []
    rows = []
    for n in range(6):
        pooling = n in (2, 4)
        layer = (2, 2, 1) if pooling else (int(rng.choice([3, 5])), 1, int(rng.choice([1, 1, 2])))
        stack.append(layer)
        step = int(np.prod([stride for _, stride, _ in stack]))
        name = "pooling" if pooling else "convolution"
        rows.append([name, *layer, cnnlib.receptive_field(stack), step])
    first, second = (rng.choice([-2.0, -1, 1, 2, 3], (1, 3)) for _ in range(2))
    ways = [np.ones(3)]
    for _ in (2, 3):
        ways.append(np.convolve(ways[-1], np.ones(3)))
    slopes = cnnlib.conv2d_backward(second[None, None], np.zeros((1, 1, 1, 5)), first[None, None])[
        0
    ]
    head = ["layer", "kernel", "stride", "dilation", "sees, in pixels", "step, in pixels"]
    return [
        Task(
            "How many pixels in a row does one number of each layer see, and how many pixels lie "
            "between two neighbors of it? A layer adds dilation · (kernel − 1) steps of the layer "
            "before it; its stride multiplies the step. At first both are 1.",
            [Grid("network", rows, {4, 5}, head)],
        ),
        Task(
            "One row of pixels, and kernels of three ones. In how many ways does a number lead "
            "down to each pixel that it sees, after one layer, two and three?",
            [asked(f"layers: {n}", row) for n, row in enumerate(ways, 1)],
        ),
        Task(
            "With other weights each way counts by the product of its weights. The first layer has "
            "the first kernel, the second layer the second. What is the slope of a number of the "
            "second layer for each of the five pixels?",
            [
                given("first kernel", first),
                given("second kernel", second),
                asked("slopes", slopes[0, 0]),
            ],
        ),
    ]


def color(rng: np.random.Generator) -> list[Task]:
    """Pixels on their way into a network, and a kernel that hears three channels."""
    pixels = 51 * integers(rng, 0, 5, 4, 3)
    x = 4 * (pixels / 255 - 0.5)
    weights, bias = rng.choice([-2.0, -1, 0, 1, 2], (2, 3)), integers(rng, -1, 1, 2)
    answers = cnnlib.linear(x, weights, bias).round(6)
    names = ["red", "green", "blue"]
    return [
        Task(
            "Divide each byte by 255 (51 is a fifth of it), subtract the mean 0.5, and divide by "
            "the standard deviation 0.25.",
            [
                Grid("bytes", pixels.tolist(), (), names),
                Grid("fractions", (pixels / 255).tolist(), range(3), names),
                Grid("normalized", x.round(6).tolist(), range(3), names),
            ],
        ),
        Task(
            "Two kernels of 1×1 look at each pixel. A kernel has a weight for each channel; its "
            "answer is the sum of the three products, plus its bias. Then ReLU.",
            [
                Grid("weights", weights.tolist(), (), names),
                given("biases", bias[:, None]),
                Grid("answers", answers.tolist(), {0, 1}, ["kernel 0", "kernel 1"]),
                Grid("after ReLU", cnnlib.relu(answers).tolist(), {0, 1}, ["kernel 0", "kernel 1"]),
            ],
        ),
    ]


def color_inside(rng: np.random.Generator) -> list[Task]:
    """The maps of two classes, and the scores that are their means."""
    maps, weights = integers(rng, 0, 6, 3, 2, 2), rng.choice([-2.0, -1, 1, 2, 3], (2, 3))
    bias = integers(rng, -2, 2, 2)
    cams = np.tensordot(weights, maps, 1)
    means = cnnlib.global_avg_pool2d(maps).ravel()
    scores = cnnlib.linear(means.reshape(1, 3), weights, bias)
    return [
        Task(
            "The network ends with three maps, their means, and a dense layer with a row of "
            "weights for each class.",
            [
                *(given(f"map {name}", one) for name, one in zip("ABC", maps, strict=True)),
                Grid(
                    "weights",
                    [["cat", *weights[0]], ["dog", *weights[1]]],
                    (),
                    ["", "A", "B", "C"],
                ),
                given("biases", bias[:, None]),
                asked("means", means),
                Grid("scores", [["cat", scores[0, 0]], ["dog", scores[0, 1]]], {1}),
            ],
        ),
        Task(
            "Weigh the maps first: a class activation map for each class. Its mean plus the bias "
            "is the score.",
            [
                asked("map of the cat", cams[0]),
                asked("map of the dog", cams[1]),
                asked("mean, cat", cams[0].mean()),
                asked("mean, dog", cams[1].mean()),
            ],
        ),
        Task(
            "Which places speak for the cat and against the dog? Subtract the maps. Their mean, "
            "plus the difference of the biases, is the difference of the scores.",
            [
                asked("cat less dog", cams[0] - cams[1]),
                asked("mean of it", (cams[0] - cams[1]).mean()),
                asked("difference of the scores", scores[0, 0] - scores[0, 1]),
            ],
        ),
    ]


def color_ladder(rng: np.random.Generator) -> list[Task]:
    """Seeds before and after a step: how large is the gain, and could it be luck?"""
    rows, luck, few = [], [], []
    apart = np.array([[-20, 5, 15], [-15, 5, 10], [-10, -5, 15], [-10, 0, 10], [-15, 0, 15]])
    for gain in rng.choice([2, 7, 12, 17, 22], 3, replace=False):  # in tenths; so none are equal
        mean = 5 * rng.integers(120, 160)
        before, after = rng.permuted(mean + rng.choice(apart, 2), axis=1)
        numbers = np.array([*before, *(after + gain)]) / 10
        seen = round(3 * (mean + gain)) / 10
        ways = sum(round(sum(three), 1) >= seen for three in combinations(numbers, 3))
        rows.append([*numbers, mean / 10, (mean + gain) / 10, gain / 10])
        luck.append([len(rows), seen, ways, ways / 20])
    for n, m in rng.permutation([[2, 2], [2, 3], [3, 4], [4, 4], [5, 5]])[:3].tolist():
        few.append([n, m, comb(n + m, m), 1 / comb(n + m, m)])
    return [
        Task(
            "Percent of the test images that are right, with three seeds before an idea was added "
            "and three after it. Find the means and the gain.",
            [
                Grid(
                    "comparisons",
                    rows,
                    {6, 7, 8},
                    [*["before"] * 3, *["after"] * 3, "mean before", "mean after", "gain"],
                )
            ],
        ),
        Task(
            "If the idea does nothing, it was chance which three of the six came after it: one of "
            "20 ways. In how many of them is the sum of the three at least the one that was seen? "
            "Begin with the three largest.",
            [Grid("luck", luck, {1, 2, 3}, ["comparison", "sum seen", "ways of 20", "share"])],
        ),
        Task(
            "With n seeds before and m after: how many ways are there to choose m of all, and what "
            "is the smallest share that a comparison can give?",
            [Grid("smallest share", few, {2, 3}, ["n", "m", "ways", "share"], decimals=4)],
        ),
    ]


def one_direction(rng: np.random.Generator) -> list[Task]:
    """A signal, a kernel, and no look into the future."""
    signal, kernel = integers(rng, -2, 6, 1, 9), rng.choice([-2.0, -1, 1, 2], (1, 3))
    weight = kernel[None, None]
    found = cnnlib.conv2d(signal[None], weight)[0]
    causal = cnnlib.conv2d(np.pad(signal, [(0, 0), (2, 0)])[None], weight)[0]
    peaks = cnnlib.max_pool2d(found[None], (1, 3), stride=1)[0]
    rows = []
    for _ in range(4):
        length, k, stride = (int(rng.choice(n)) for n in ([20, 30, 50], [3, 5, 7], [1, 2, 4]))
        inputs, filters = (int(rng.choice(n)) for n in ([1, 2, 12], [4, 8, 16]))
        out = cnnlib.conv_output_size(length, k, stride)
        rows.append([inputs, length, filters, k, stride, out, filters * (inputs * k + 1)])
    return [
        Task(
            "Slide the kernel along the signal. Then max pooling with windows of 3 and a stride of "
            "1: where a number of the map is the largest of its window, there is a peak.",
            [
                given("signal", signal),
                given("kernel", kernel),
                asked("map", found),
                asked("largest of three", peaks),
            ],
        ),
        Task(
            "A causal convolution: two zeros in front of the first moment and none behind the "
            "last. No number knows what comes after it.",
            [asked("causal map", causal)],
        ),
        Task(
            "How long are the maps, and how many weights and biases has the layer?",
            [
                Grid(
                    "layers",
                    rows,
                    {5, 6},
                    [
                        "channels",
                        "length",
                        "filters",
                        "kernel",
                        "stride",
                        "length of the maps",
                        "weights and biases",
                    ],
                )
            ],
        ),
    ]


def three_directions(rng: np.random.Generator) -> list[Task]:
    """A film, a kernel of two frames, and the difference of frames."""
    film, kernel = integers(rng, 0, 5, 3, 3, 3), rng.choice([-1.0, 0, 1, 2], (2, 2, 2))
    flat = [cnnlib.conv2d(film[t : t + 2], kernel[None])[0] for t in (0, 1)]
    rows = []
    for _ in range(3):
        inputs, filters, frames = (int(rng.choice(n)) for n in ([1, 3, 8], [4, 10], [2, 3, 5]))
        plane = cnnlib.conv2d_parameters(inputs, filters, 3)
        block = filters * (inputs * frames * 9 + 1)
        rows.append([inputs, filters, frames, plane, block])
    return [
        Task(
            "A film of three frames, and a kernel of two. Lay the kernel's frame 0 on a frame of "
            "the film and its frame 1 on the next one: eight products, one sum. There are two "
            "places in time.",
            [
                *(given(f"frame {t}", film[t]) for t in range(3)),
                *(given(f"kernel, frame {t}", kernel[t]) for t in (0, 1)),
                asked("map, time 0", flat[0]),
                asked("map, time 1", flat[1]),
            ],
        ),
        Task(
            "What has changed from frame to frame? Each frame less the one before it.",
            [
                asked("frame 1 less frame 0", film[1] - film[0]),
                asked("frame 2 less frame 1", film[2] - film[1]),
            ],
        ),
        Task(
            "Weights and biases of a layer with kernels of 3×3 for each frame alone, and of one "
            "with blocks of so many frames.",
            [
                Grid(
                    "parameters",
                    rows,
                    {3, 4},
                    ["channels", "filters", "frames of a block", "3×3", "blocks"],
                )
            ],
        ),
    ]


def some_boxes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Five boxes around two things, and their scores; no overlap is near a half."""
    while True:
        things = np.array([[0, 0, 5, 6], [7, 1, 13, 7]]) + np.tile(rng.integers(0, 3, (2, 2)), 2)
        boxes = things[[0, 0, 0, 1, 1]] + rng.integers(-1, 2, (5, 4))
        boxes = rng.permutation(boxes).astype(float)
        overlap = cnnlib.box_iou(boxes, boxes)[np.triu_indices(5, 1)]
        scores = rng.permutation([0.95, 0.9, 0.8, 0.7, 0.6])
        kept = len(cnnlib.nms(boxes, scores, 0.5))
        if boxes.min() >= 0 and np.abs(overlap - 0.5).min() > 0.03 and 2 <= kept <= 3:
            return boxes, scores


def detection(rng: np.random.Generator) -> list[Task]:
    """Overlaps, non-maximum suppression, and average precision."""
    pairs = []
    while len(pairs) < 3:
        corners, sizes = rng.integers(0, 5, (2, 2)), rng.integers(3, 7, (2, 2))
        a, b = np.concatenate([corners, corners + sizes], 1).astype(float)
        iou = cnnlib.box_iou(a[None], b[None]).item()
        size = (a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod()
        if 0.1 < iou < 0.9:
            both = iou * sum(size) / (1 + iou)
            texts = (f"({', '.join(f'{n:g}' for n in box)})" for box in (a, b))
            pairs.append([*texts, *size, round(both), round(sum(size) - both), iou])
    boxes, scores = some_boxes(rng)
    overlap = cnnlib.box_iou(boxes, boxes)
    kept = cnnlib.nms(boxes, scores, 0.5)
    names = "ABCDE"
    found = [[names[n], scores[n], *overlap[n], "yes" if n in kept else "no"] for n in range(5)]
    right = rng.permutation([True, True, True, False, False])
    hits = right.cumsum()
    answers = [
        [n, "yes" if one else "no", hit / n, hit / 4]
        for n, (one, hit) in enumerate(zip(right, hits, strict=True), 1)
    ]
    return [
        Task(
            "A box is (left, upper, right, lower edge). The areas of both, of what they have in "
            "common, of what they cover together, and the IoU, to three decimals. Squared paper "
            "helps.",
            [
                Grid(
                    "pairs",
                    pairs,
                    {2, 3, 4, 5, 6},
                    ["A", "B", "area of A", "area of B", "common", "together", "IoU"],
                    3,
                )
            ],
        ),
        Task(
            "Non-maximum suppression of five boxes, whose IoU with each other are given. Keep the "
            "surest box and drop those whose IoU with it is above 0.5; then the surest of what is "
            "left, and so on.",
            [Grid("boxes", found, {7}, ["", "score", *names, "kept?"], 2)],
        ),
        Task(
            "There are four things to be found, and five answers, the surest first. The precision "
            "is the share of the answers so far that are right, the recall the share of the four "
            "that are found so far. Each right answer adds a quarter of the best precision that is "
            "reached there or later: the average precision. To three decimals.",
            [
                Grid("answers", answers, {2, 3}, ["answer", "right?", "precision", "recall"], 3),
                asked("average precision", cnnlib.average_precision(right, 4), 3),
            ],
        ),
    ]


def segmentation(rng: np.random.Generator) -> list[Task]:
    """Two masks, and maps that are made larger."""
    truth, answer = np.zeros((2, 5, 6), int)
    for n, left in ((1, 0), (2, 3)):
        row, column = int(rng.integers(0, 3)), left + int(rng.integers(0, 2))
        truth[row : row + 3, column : column + 2] = n
        row, left = abs(row + int(rng.choice([-1, 1]))), left + int(rng.integers(0, 2))
        answer[row : row + 3, left : left + 2] = n
    rows = []
    for n, name in enumerate("·ab"):
        both, one, other = (
            int(mask.sum()) for mask in ((truth == n) & (answer == n), truth == n, answer == n)
        )
        either = one + other - both
        rows.append([name, one, other, both, either, both / either, 2 * both / (one + other)])
    small, stamp, wide = integers(rng, -2, 4, 2, 2), integers(rng, 0, 3, 2, 2), np.ones((3, 3))

    def letters(classes: np.ndarray) -> list[list[str]]:
        return [["·ab"[n] for n in row] for row in classes]

    def larger(kernel: np.ndarray) -> np.ndarray:
        return cnnlib.conv_transpose2d(small[None], kernel[None, None], stride=2)[0]

    return [
        Task(
            "Two classes, a and b, on a background. For each of the three: how many pixels has the "
            "truth, how many the answer, both, and either? The IoU is both / either, the Dice "
            "score 2 · both / (truth + answer). To three decimals.",
            [
                Grid("truth", letters(truth)),
                Grid("answer", letters(answer)),
                Grid(
                    "classes",
                    rows,
                    {1, 2, 3, 4, 5, 6},
                    ["class", "truth", "answer", "both", "either", "IoU", "Dice"],
                    3,
                ),
                asked("right pixels, of 30", (truth == answer).sum()),
                asked("mean IoU", np.mean([row[5] for row in rows]), 3),
            ],
        ),
        Task(
            "A transposed convolution with a stride of 2. Lay the kernel, times each number, onto "
            "the larger map, two rows or columns further each time, and add up what meets.",
            [
                given("map", small),
                given("kernel of 2×2", stamp),
                asked("with the kernel of 2×2", larger(stamp)),
                asked("with a kernel of 3×3 ones", larger(wide)),
            ],
        ),
    ]
