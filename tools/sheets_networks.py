"""The worksheets of Part IV: trained networks, and what is asked of them."""

import numpy as np

import cnnlib
from tools.sheet import Grid, Task, asked, given, integers


def mnist(rng: np.random.Generator) -> list[Task]:
    """A confusion matrix, and how sure an accuracy is."""
    confusion = rng.integers(0, 6, (3, 3))
    confusion[np.diag_indices(3)] = 50 - confusion.sum(axis=1) + confusion.diagonal()
    rows = [[f"is {n}", *row] for n, row in enumerate(confusion.tolist())]
    right, total = int(confusion.trace()), int(confusion.sum())
    bars = []
    for images in (100, 400, 2500, 10_000):
        wrong = int(images * rng.choice([0.02, 0.05, 0.08, 0.1, 0.2]))
        share = wrong / images
        bar = np.sqrt(share * (1 - share) / images)
        bars.append([images, wrong, share, bar, share - 2 * bar, share + 2 * bar])
    return [
        Task(
            "Three digits, 50 images of each. A row has the images of one digit, a column those "
            "that were called so. The recall is the share of a digit's images that were called so, "
            "the precision the share of what was called so that is this digit. To three decimals.",
            [
                Grid("confusion", rows, (), ["", *(f"called {n}" for n in range(3))]),
                Grid(
                    "by digit",
                    [
                        [n, confusion[n, n] / 50, confusion[n, n] / confusion[:, n].sum()]
                        for n in range(3)
                    ],
                    {1, 2},
                    ["digit", "recall", "precision"],
                    3,
                ),
                asked("right", right),
                asked("images", total),
                asked("accuracy", right / total, 3),
            ],
        ),
        Task(
            "How sure is such a number? A share p of n images is wrong, and the share has the "
            "standard deviation √(p(1 − p)/n). In 19 of 20 tests the truth lies within two of "
            "them. To four decimals; a calculator is of use.",
            [
                Grid(
                    "error bars",
                    bars,
                    {2, 3, 4, 5},
                    ["images", "wrong", "share", "standard deviation", "two below", "two above"],
                    4,
                )
            ],
        ),
    ]


def better_training(rng: np.random.Generator) -> list[Task]:
    """Dropout, batch normalization and weight decay."""
    numbers, grad = integers(rng, -5, 9, 1, 6), integers(rng, -3, 3, 1, 6)
    coins = rng.permutation([0.0, 0, 0, 1, 1, 1])[None]
    middle, deviation = float(rng.integers(2, 9)), float(rng.choice([2, 4]))
    batch = middle + deviation * rng.permutation([-1.5, -0.5, 0, 0.5, 1.5])
    gamma, beta = float(rng.choice([2, 3, -2])), float(rng.integers(-3, 4))
    layer = cnnlib.BatchNorm2d(1, eps=1e-12, dtype=np.float64)
    layer.weight.data[:], layer.bias.data[:] = gamma, beta
    out = layer(batch.reshape(5, 1, 1, 1)).round(6)
    weights, slopes = 10 * integers(rng, -5, 5, 1, 3), integers(rng, -5, 5, 1, 3)
    decayed = cnnlib.Parameter(weights.copy())
    decayed.grad = slopes.copy()
    cnnlib.SGD([decayed], lr=0.1, weight_decay=0.1).step()
    return [
        Task(
            "Dropout with a probability of 0.5. Where the coin is 0 the number becomes 0, where it "
            "is 1 the number is doubled. On the way back the gradient meets the same coins.",
            [
                given("numbers", numbers),
                given("coins", coins),
                asked("after dropout", 2 * coins * numbers),
                given("gradient that arrives", grad),
                asked("gradient of the numbers", 2 * coins * grad),
            ],
        ),
        Task(
            "Batch normalization of one channel, a batch of five images with one number each: "
            "subtract the mean, divide by the standard deviation; then times γ, plus β.",
            [
                given("batch", batch),
                given("γ", gamma),
                given("β", beta),
                asked("mean", batch.mean()),
                asked("standard deviation", batch.std()),
                asked("normalized", (batch - middle) / deviation),
                asked("times γ, plus β", out.ravel()),
            ],
        ),
        Task(
            "The running mean was 0 before this batch. It becomes nine tenths of what it was, plus "
            "a tenth of the batch's mean. And after a second batch with the same mean?",
            [
                asked("running mean", middle / 10),
                asked("after a second batch", 0.9 * middle / 10 + middle / 10),
            ],
        ),
        Task(
            "A step with a learning rate of 0.1 and a weight decay of 0.1: a tenth of the weight "
            "is added to its gradient first.",
            [
                given("weights", weights),
                given("gradient", slopes),
                asked("weights after the step", decayed.data),
            ],
        ),
    ]


def square_sets() -> np.ndarray:
    """Four whole numbers from 0 to 12 with a whole mean and a whole standard deviation."""
    sets = np.indices((13,) * 4).reshape(4, -1).T
    means, deviations = sets.mean(axis=1), sets.std(axis=1)
    return sets[(means % 1 == 0) & (deviations % 1 == 0) & (deviations > 0)]


def normalization(rng: np.random.Generator) -> list[Task]:
    """One number among four sets of numbers."""
    sets = square_sets()
    sets = sets[(sets[:, 0] != sets[:, 1]) & (sets[:, :2].sum(axis=1) % 2 == 0)]
    while True:
        group, other = rng.choice(sets, 2)
        whole = np.concatenate([group, other])
        batches = sets[(sets[:, :2] == group[:2]).all(axis=1)]
        if whole.std() % 1 == whole.mean() % 1 == 0:
            break
    x = rng.integers(0, 13, (2, 4, 2)).astype(float)
    channel = int(rng.choice([0, 2]))
    x[0, channel : channel + 2] = group.reshape(2, 2)
    x[0, 2 - channel : 4 - channel] = other.reshape(2, 2)
    x[1, channel] = rng.choice(batches)[2:]
    number = x[0, channel, 0]
    rows = [
        [name, len(part), part.mean(), part.var(), part.std(), (number - part.mean()) / part.std()]
        for name, part in {
            "batch": x[:, channel].ravel(),
            "layer": x[0].ravel(),
            "group": group,
            "instance": x[0, channel],
        }.items()
    ]
    n, c, size = (int(rng.choice(sizes)) for sizes in ([4, 8, 10], [6, 12], [3, 4, 5]))
    means = [["batch", c], ["layer", n], ["group", 3 * n], ["instance", n * c]]
    maps = [[f"channel {k}", *x[0, k], *x[1, k]] for k in range(4)]
    return [
        Task(
            "Two images with four channels of 1×2 pixels. Take the first number of image 0, "
            f"channel {channel}. Batch normalization takes the numbers of its channel in both "
            "images, layer normalization all numbers of its image, group normalization those of "
            f"the channels {channel} and {channel + 1} of its image, instance normalization those "
            "of its channel in its image. The number less the mean, divided by the standard "
            "deviation: what becomes of it? To three decimals.",
            [
                Grid("x", maps, (), ["", "image 0", "image 0", "image 1", "image 1"]),
                given("the number", number),
                given("its channel", channel),
                Grid(
                    "four kinds",
                    rows,
                    {1, 2, 3, 4, 5},
                    ["", "how many", "mean", "variance", "standard deviation", "becomes"],
                    3,
                ),
            ],
        ),
        Task(
            f"A batch of {n} images with {c} channels of {size}×{size} pixels, in 3 groups of "
            "channels. How many means are there, and over how many numbers is each?",
            [
                given("images", n),
                given("channels", c),
                given("pixels", size * size),
                Grid(
                    "means",
                    [[name, count, n * c * size * size // count] for name, count in means],
                    {1, 2},
                    ["", "means", "numbers in each"],
                ),
            ],
        ),
    ]


def gradient_noise(rng: np.random.Generator) -> list[Task]:
    """Four images, the batches of two, and how far they are off."""
    whole = np.array([[3.0, 4], [4, 3], [6, 8], [8, 6]])[rng.integers(4)]
    off = rng.choice([[[6, 8], [-6, -8], [8, -6], [-8, 6]], [[6, 0], [-6, 0], [0, 6], [0, -6]]])
    each = whole + rng.permutation(off)
    images = [
        [name, *gradient, *(gradient - whole), ((gradient - whole) ** 2).sum()]
        for name, gradient in zip("ABCD", each, strict=True)
    ]
    pairs = []
    for one in range(4):
        for other in range(one + 1, 4):
            mean = (each[one] + each[other]) / 2
            pairs.append(["ABCD"[one] + "ABCD"[other], *mean, ((mean - whole) ** 2).sum()])
    noise = float(np.mean([row[-1] for row in images]))
    return [
        Task(
            "Four images, a network with two weights. The whole gradient is the mean of the four. "
            "How far is each off, and what is the square of that distance?",
            [
                Grid(
                    "images",
                    images,
                    {3, 4, 5},
                    ["", "first", "second", "off, first", "off, second", "square"],
                ),
                asked("whole gradient", whole),
                asked("mean square of images", noise),
            ],
        ),
        Task(
            "Now all batches of two. The mean of their squares should be "
            "σ²/n · (N − n)/(N − 1), with σ² the mean square of images, N = 4 and n = 2.",
            [
                Grid("batches", pairs, {1, 2, 3}, ["", "first", "second", "square of off"]),
                asked("mean square of batches", np.mean([row[-1] for row in pairs]), 3),
                asked("by the rule", noise / 2 * 2 / 3, 3),
            ],
        ),
        Task(
            "The noise scale is σ² divided by the square of the whole gradient's length.",
            [asked("noise scale", noise / (whole @ whole), 3)],
        ),
    ]


def watching(rng: np.random.Generator) -> list[Task]:
    """Gradients that are clipped, and how far a step moves the weights."""
    triples = [[1, 2, 2], [2, 3, 6], [1, 4, 8], [4, 4, 7], [2, 6, 9], [3, 4, 12], [2, 5, 14]]
    chosen = rng.permutation(triples)
    limits = [5, 10, int(rng.choice([2, 4]))]
    clipped = []
    for triple, limit in zip(chosen, limits, strict=False):
        gradient = cnnlib.Parameter(np.zeros(3))
        gradient.grad = (rng.permutation(triple) * rng.choice([-1, 1], 3)).astype(float)
        before = gradient.grad.tolist()
        length = cnnlib.clip_grad_norm([gradient], limit)
        factor = min(1, limit / length)
        clipped.append([*before, limit, length, factor, *gradient.grad.tolist()])
    moved = [
        [rate, weight, gradient, rate * gradient, rate * gradient / weight]
        for rate, weight, gradient in zip(
            rng.permutation([0.1, 0.01, 0.001]).tolist(),
            rng.choice([2, 4, 5, 10, 20], 3).tolist(),
            rng.choice([1, 3, 4, 6, 8], 3).tolist(),
            strict=True,
        )
    ]
    return [
        Task(
            "The length of a gradient (a, b, c) is the root of the sum of its squares. A length "
            "above the limit is brought down to it: all numbers are multiplied by limit / length. "
            "To three decimals.",
            [
                Grid(
                    "clipping",
                    clipped,
                    {4, 5, 6, 7, 8},
                    [*"abc", "limit", "length", "factor", *(f"{one}, clipped" for one in "abc")],
                    3,
                )
            ],
        ),
        Task(
            "How far does a step of SGD move the weights, measured by their own length? The step "
            "is the learning rate times the length of the gradient. A rule of thumb wants 0.001.",
            [
                Grid(
                    "update ratios",
                    moved,
                    {3, 4},
                    ["rate", "length of weights", "length of gradient", "step", "step / weights"],
                )
            ],
        ),
    ]


def what_did_it_learn(rng: np.random.Generator) -> list[Task]:
    """Four pixels: covered, and asked for their slopes."""
    x = rng.permutation([0.0, 0.5, 1, 1])
    w = rng.permutation([-3.0, -1, 1, 2, 4, 5])[:4]
    rows = [
        [n, pixel, weight, pixel * weight, pixel * weight, (pixel - 0.5) * weight, weight]
        for n, (pixel, weight) in enumerate(zip(x, w, strict=True))
    ]
    base = integers(rng, 1, 6, 4, 4)
    kernel = rng.choice([-1.0, 1, 2], (2, 2))
    scores = np.array(
        [[(base[i : i + 2, j : j + 2] * kernel).sum() for j in (0, 2)] for i in (0, 2)]
    )
    return [
        Task(
            "A network with four pixels, a weight for each, and a score that is the sum of the "
            "products. By how much does the score fall when a pixel is covered with black (0), by "
            "how much with gray (0.5)? And what is its slope?",
            [
                Grid(
                    "pixels",
                    rows,
                    {3, 4, 5, 6},
                    ["", "pixel", "weight", "product", "fall, black", "fall, gray", "slope"],
                ),
                asked("score", x @ w),
            ],
        ),
        Task(
            "An image of 4×4. The kernel lies on each quarter of it, and the score is the sum of "
            "the four answers. Cover one quarter after the other with 0: the map of falls.",
            [
                given("image", base),
                given("kernel", kernel),
                asked("total score", scores.sum()),
                asked("map of falls", scores),
            ],
        ),
    ]


def shifts(rng: np.random.Generator) -> list[Task]:
    """A row before and after a shift by one, pooled, and blurred first."""
    row = 4 * rng.permutation([0, 0, 0, 1, 1, 1, 2, 2]).astype(float)
    moved = np.roll(row, 1)
    maxima = np.maximum(row, np.roll(row, -1))
    blurred = (np.roll(maxima, 1) + 2 * maxima + np.roll(maxima, -1)) / 4

    def pooled(numbers: np.ndarray) -> np.ndarray:
        return cnnlib.max_pool2d(numbers[None, None], (1, 2))[0]

    return [
        Task(
            "Max pooling with windows of 2 and a stride of 2. Then the row moves to the right by "
            "one; what leaves at the end comes in at the start.",
            [
                given("row", row),
                asked("pooled", pooled(row)),
                given("moved", moved),
                asked("pooled after the move", pooled(moved)),
            ],
        ),
        Task(
            "Now in two steps. First the larger of each number and its right neighbor, at every "
            "place; the last one's neighbor is the first. Then blur: a quarter of the left "
            "neighbor, half of the number, a quarter of the right neighbor.",
            [asked("maxima", maxima), asked("blurred", blurred)],
        ),
        Task(
            "Keep every second number. The even places are the row's answer, the odd ones that of "
            "the row moved by one. How far apart are the two, with the blur and without?",
            [
                asked("maxima, even places", maxima[::2]),
                asked("maxima, odd places", maxima[1::2]),
                asked("apart", np.abs(maxima[::2] - maxima[1::2])),
                asked("blurred, even places", blurred[::2]),
                asked("blurred, odd places", blurred[1::2]),
                asked("apart, blurred", np.abs(blurred[::2] - blurred[1::2])),
            ],
        ),
    ]


def attribution(rng: np.random.Generator) -> list[Task]:
    """A class activation map, and where it points."""
    weights, bias = rng.permutation([-2.0, -1, 2, 3])[:2], integers(rng, -2, 2, 1)
    picture, slope = rng.permutation([2.0, 4, 6, 8])[:2], int(rng.integers(1, 6))
    way = [[n / 8, *(n / 8 * picture), n / 8 * picture[1] + slope] for n in (1, 3, 5, 7)]
    share = float(np.mean([row[3] for row in way]) * picture[0])
    cam = maps = np.zeros((2, 2, 2))
    while len(np.unique(cam)) < 4:
        maps = integers(rng, 0, 9, 2, 2, 2)
        cam = np.tensordot(weights, maps, 1)
    row, column = np.unravel_index(cam.argmax(), cam.shape)
    first = cnnlib.global_avg_pool2d(maps).ravel()
    return [
        Task(
            "A network ends with two maps, their means, and one dense layer. The score of a class "
            "is the sum of the means, each times its weight, plus the bias.",
            [
                given("map A", maps[0]),
                given("map B", maps[1]),
                given("weights of A and B", weights),
                given("bias", bias),
                asked("means of A and B", first),
                asked("score", cnnlib.linear(first.reshape(1, 2), weights[None], bias)),
            ],
        ),
        Task(
            "Weigh the maps first, place by place: that is the class activation map. Its mean plus "
            "the bias is the score again. At which place, counted from 0, does it point?",
            [
                asked("class activation map", cam),
                asked("its mean", cam.mean()),
                asked("row of the largest", row),
                asked("column of the largest", column),
            ],
        ),
        Task(
            f"Integrated gradients of the score a·b + {slope}·a, for a picture of two pixels. Go "
            "from nothing to the picture in four parts, and ask for the slopes in the middle of "
            f"each. The slope for a is b + {slope}, that for b is a. Their mean, times the pixel, "
            "is the pixel's share, and the shares add up to the score.",
            [
                given("a and b", picture),
                Grid(
                    "on the way",
                    [[*row, row[1]] for row in way],
                    {1, 2, 3, 4},
                    ["part of the way", "a there", "b there", "slope for a", "slope for b"],
                ),
                asked("share of a", share),
                asked("share of b", picture.prod() / 2),
                asked("score of the picture", picture.prod() + slope * picture[0]),
            ],
        ),
    ]


def adversarial(rng: np.random.Generator) -> list[Task]:
    """The worst step against four pixels."""
    while True:
        x, w = rng.choice([0.2, 0.4, 0.5, 0.6, 0.8], 4), rng.choice([-4.0, -3, -2, 1, 2, 3, 5], 4)
        bias = float(rng.integers(-4, 4))
        score = (x @ w + bias).round(6)
        if 0.3 <= score <= 0.2 * np.abs(w).sum() - 0.2 and (w < 0).any() and (w > 0).any():
            break
    moved = (x - 0.2 * np.sign(w)).round(6)
    new = (moved @ w + bias).round(6)
    return [
        Task(
            "Four pixels, four weights, a bias. A score above 0 is a yes.",
            [
                given("pixels", x),
                given("weights", w),
                given("bias", bias),
                asked("products", (x * w).round(6)),
                asked("score", score),
            ],
        ),
        Task(
            "Each pixel may move by 0.2. To make the score fall as far as it can, move each "
            "against the sign of its weight. How far does the score fall? That is 0.2 times the "
            "sum of the weights' sizes.",
            [
                asked("moved pixels", moved),
                asked("new products", (moved * w).round(6)),
                asked("new score", new),
                asked("fall", (score - new).round(6)),
            ],
        ),
        Task(
            "How far must each pixel be allowed to move, so that the score can be brought to 0? "
            "Divide the score by the sum of the weights' sizes. To three decimals.",
            [
                asked("sum of the sizes", np.abs(w).sum()),
                asked("just enough", score / np.abs(w).sum(), 3),
            ],
        ),
    ]


def draw_a_digit(rng: np.random.Generator) -> list[Task]:
    """The center of mass of a drawing, and where it is put."""
    drawing = np.zeros((6, 5))
    row, column = 0, int(rng.integers(1, 4))
    while row < 6:
        drawing[row, column] = 1
        step = rng.integers(0, 4)
        row += step > 1
        column = int(np.clip(column + rng.choice([-1, 1]) * (step != 2), 0, 4))
    drawing[0, : int(rng.integers(2, 5))] = 1
    ink = drawing.sum()
    rows, columns = drawing.sum(axis=1), drawing.sum(axis=0)
    middle = rows @ np.arange(6) / ink, columns @ np.arange(5) / ink
    first = [int(np.floor(14 - place + 0.5)) for place in middle]
    return [
        Task(
            "A drawing: 1 is ink. How many pixels of ink has each row, and each column?",
            [
                given("drawing", drawing),
                asked("ink of the rows", rows[:, None]),
                asked("ink of the columns", columns),
                asked("ink in all", ink),
            ],
        ),
        Task(
            "The center of mass is the mean row and the mean column of the ink. Multiply the "
            "number of each row, counted from 0, by its ink, add up, and divide by all ink. To two "
            "decimals.",
            [
                asked("rows times their ink", rows * np.arange(6)),
                asked("mean row", middle[0], 2),
                asked("columns times their ink", columns * np.arange(5)),
                asked("mean column", middle[1], 2),
            ],
        ),
        Task(
            "The drawing is laid into a field of 28×28 so that this center comes to place 14: it "
            "begins at 14 less the mean plus a half, rounded down.",
            [asked("first row", first[0]), asked("first column", first[1])],
        ),
    ]


def honest_answers(rng: np.random.Generator) -> list[Task]:
    """The calibration error of a table, a temperature, and two networks."""
    counts = rng.permutation([10, 20, 20, 50])
    bins = []
    for count, said in zip(counts.tolist(), (0.65, 0.75, 0.85, 0.95), strict=True):
        right = min(count, round(count * (said - rng.integers(-1, 6) / 20)))
        gap = round(abs(right / count - said), 4)
        bins.append([said, count, right, right / count, gap, round(gap * count / 100, 4)])
    logits = rng.permutation([0.0, rng.choice([2, 4])])
    first, second = rng.permutation([4, 8, 12, 17, 21])[:2].tolist()
    root = np.sqrt(first + second)
    return [
        Task(
            "100 answers, sorted by their confidence. Which share of each group is right, how far "
            "is that from the confidence, and what does the group add to the error? Its gap counts "
            "with its share of the 100 answers.",
            [
                Grid(
                    "groups",
                    bins,
                    {3, 4, 5},
                    ["confidence", "answers", "right", "share", "gap", "adds"],
                ),
                asked("expected calibration error", round(sum(row[5] for row in bins), 6)),
            ],
        ),
        Task(
            "Divide the logits by a temperature of 2. e⁰ = 1, e¹ = 2.718, e² = 7.389, e⁴ = 54.598. "
            "To three decimals.",
            [
                given("logits", logits),
                asked("probabilities", cnnlib.softmax(logits[None]), 3),
                asked("divided by 2", logits / 2),
                asked("softer probabilities", cnnlib.softmax(logits[None] / 2), 3),
            ],
        ),
        Task(
            "Two networks, the same images. Only the images on which they disagree say which one "
            "is better. If neither were, their difference would have the standard deviation √ of "
            "how many these are. To two decimals.",
            [
                given("both wrong", int(rng.integers(10, 40))),
                given("only A wrong", first),
                given("only B wrong", second),
                asked("difference", abs(first - second)),
                asked("one standard deviation", root, 2),
                asked("how many of them", abs(first - second) / root, 2),
            ],
        ),
    ]
