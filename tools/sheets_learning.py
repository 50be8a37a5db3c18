"""The worksheets of Part III: gradients, and what is done with them."""

import math

import numpy as np

import cnnlib
from tools.sheet import Grid, Task, asked, given, integers


def gradients(rng: np.random.Generator) -> list[Task]:
    """A slope by a nudge, the chain rule, and a step downhill."""
    a, b = int(rng.integers(1, 4)), int(rng.choice([-5, -4, -3, -2, 2, 3, 4, 5]))
    sign = "+" if b > 0 else "−"

    def height(x: float) -> float:
        return a * x * x + b * x

    nudged = []
    for x in rng.permutation([-2, -1, 1, 2, 3])[:3].tolist():
        rise = height(x + 0.1) - height(x)
        nudged.append([x, height(x), height(x + 0.1), rise, rise / 0.1, 2 * a * x + b])
    chained = []
    while len(chained) < 3:
        w, factor, shift = (int(n) for n in (*rng.integers(1, 6, 2), rng.integers(-9, 3)))
        s = factor * w + shift
        if 0 < abs(s) <= 9:
            slope = 2 * s * factor
            new = w - 0.01 * slope
            chained.append([factor, shift, w, s, s * s, 2 * s, factor, slope, new])
    return [
        Task(
            f"f(x) = {a}·x·x {sign} {abs(b)}·x. Nudge x by 0.1: how far does f rise, and how much "
            f"is that for each unit of x? By the rule the slope is {2 * a}·x {sign} {abs(b)}. The "
            "two differ, because the nudge is not small.",
            [
                Grid(
                    "nudges",
                    nudged,
                    {1, 2, 3, 4, 5},
                    ["x", "f(x)", "f(x + 0.1)", "rise", "rise / 0.1", "by the rule"],
                )
            ],
        ),
        Task(
            "s = a·w + b, and the loss is L = s·s. The slope of L when s moves is 2·s, that of s "
            "when w moves is a. Multiply the two. Then take a step with a learning rate of 0.01: w "
            "less 0.01 times its slope.",
            [
                Grid(
                    "chains",
                    chained,
                    {3, 4, 5, 6, 7, 8},
                    ["a", "b", "w", "s", "L", "L by s", "s by w", "L by w", "new w"],
                )
            ],
        ),
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


def autograd(rng: np.random.Generator) -> list[Task]:
    """Two graphs, forward and backward."""
    x, y, z = (int(n) for n in rng.permutation([-3, -2, -1, 2, 3, 4, 5])[:3])
    a, b = x * y, x + z
    ways = [["c", "only to L", 1], ["b", "to c and to L", a + 1], ["a", "to c", b]]
    ways += [["z", "to b", a + 1], ["y", "to a", b * x], ["x", "to a and to b", b * y + a + 1]]
    p, q, r = (int(n) for n in rng.permutation([-4, -2, -1, 1, 3, 5])[:3])
    larger = max(p, q)
    routed = [["e", "only to M", 1], ["d", "to e", r], ["q", "to d", r * (q > p)]]
    routed += [["p", "to d", r * (p > q)], ["r", "to e and to M", larger - 1]]
    head = ["number", "goes", "gradient of L"]
    return [
        Task(
            "The way forward. Draw the graph: an arrow from each number to each that is made of "
            "it.",
            [
                Grid("given", [["x", x], ["y", y], ["z", z]]),
                Grid(
                    "forward",
                    [
                        ["a", "x · y", a],
                        ["b", "x + z", b],
                        ["c", "a · b", a * b],
                        ["L", "c + b", a * b + b],
                    ],
                    {2},
                ),
            ],
        ),
        Task(
            "The way back, from L with a gradient of 1. A sum hands its gradient to both numbers; "
            "of a product each gets the gradient times the other. A number that is used twice adds "
            "up what comes back.",
            [Grid("backward", ways, {2}, head)],
        ),
        Task(
            "With a choice: the larger number gets the gradient, the other one 0. In M = e − r the "
            "r gets the gradient with a minus.",
            [
                Grid("also given", [["p", p], ["q", q], ["r", r]]),
                Grid(
                    "forward again",
                    [
                        ["d", "max(p, q)", larger],
                        ["e", "d · r", larger * r],
                        ["M", "e − r", larger * r - r],
                    ],
                    {2},
                ),
                Grid("backward again", routed, {2}, [*head[:2], "gradient of M"]),
            ],
        ),
    ]


def gradient_check(rng: np.random.Generator) -> list[Task]:
    """Slopes by pushing both ways, and a gradient that is wrong."""
    cubes = []
    for x in sorted(rng.permutation([-2, -1, 1, 2, 3, 4])[:3].tolist()):
        up, down = (x + 0.1) ** 3, (x - 0.1) ** 3
        cubes.append([x, up, down, (up - down) / 0.2, 3 * x * x])
    slopes = rng.permutation([-3, -2, -1.5, 0.5, 1, 2.5, 4])[:5]
    spoiled = int(rng.integers(5))
    pushes = []
    for n, (slope, middle) in enumerate(zip(slopes, rng.integers(20, 90, 5) / 10, strict=True)):
        claimed = slope * rng.choice([-1, 2, 0.5]) if n == spoiled else slope
        words = "yes" if claimed == slope else "no"
        up, down = (round(middle + side * 0.01 * slope, 4) for side in (1, -1))
        pushes.append([f"weight {n}", up, down, claimed, slope, words])
    return [
        Task(
            "f(x) = x·x·x. Push x up and down by 0.1, and divide the difference of the two values "
            "by 0.2. By the rule the slope is 3·x·x.",
            [
                Grid(
                    "cubes",
                    cubes,
                    {1, 2, 3, 4},
                    ["x", "f(x + 0.1)", "f(x − 0.1)", "by pushing", "by the rule"],
                )
            ],
        ),
        Task(
            "Each weight of a network was pushed up and down by 0.01. One of the gradients that "
            "the backward pass has found is wrong. Which one, and what is the likely mistake?",
            [
                Grid(
                    "pushes",
                    pushes,
                    {4, 5},
                    ["", "loss, up", "loss, down", "backward", "by pushing", "the same?"],
                )
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


def optimizers(rng: np.random.Generator) -> list[Task]:
    """Three steps of SGD and with momentum, and the first of Adam."""
    start, factor = int(rng.integers(4, 13)), int(rng.integers(2, 5))

    def steps(momentum: float) -> list[list[float]]:
        w = cnnlib.Parameter(np.array([float(start)]))
        optimizer, rows, velocity = cnnlib.SGD([w], lr=0.1, momentum=momentum), [], 0.0
        for step in (1, 2, 3):
            old = w.data.item()
            w.grad = factor * w.data
            velocity = momentum * velocity + w.grad.item()
            optimizer.step()
            rows.append([step, old, w.grad.item(), velocity, w.data.item()])
        return rows

    plain = [[step, old, slope, new] for step, old, slope, _, new in steps(0)]
    weights = integers(rng, 1, 9, 3)
    slopes = np.array([0.2, 4, -30]) * integers(rng, 1, 3, 3)
    adam = cnnlib.Parameter(weights.copy())
    adam.grad = slopes.copy()
    cnnlib.Adam([adam], lr=0.1).step()
    moved = zip(weights, slopes, 0.1 * slopes, 0.001 * slopes**2, adam.data, strict=True)
    head = ["step", "w before", "gradient", "velocity", "w after"]
    return [
        Task(
            f"The gradient of w is {factor}·w, and w begins at {start}. Three steps of SGD with a "
            "learning rate of 0.1.",
            [Grid("SGD", plain, {1, 2, 3}, [*head[:3], head[4]])],
        ),
        Task(
            "The same with a momentum of 0.5. The velocity is half of the one before, plus the "
            "gradient; w moves by 0.1 times the velocity.",
            [Grid("momentum", steps(0.5), {1, 2, 3, 4}, head)],
        ),
        Task(
            "The first step of Adam for three weights, with a learning rate of 0.1. m is 0.1 times "
            "the gradient, s is 0.001 times its square. Then m / 0.1, divided by the root of "
            "s / 0.001, says how far to go.",
            [
                Grid(
                    "Adam",
                    [[w, g, m, s, np.sign(g), round(new, 6)] for w, g, m, s, new in moved],
                    {2, 3, 4, 5},
                    ["w", "gradient", "m", "s", "how far", "w after"],
                )
            ],
        ),
    ]


def training(rng: np.random.Generator) -> list[Task]:
    """How many batches and steps, and which epoch's weights are kept."""
    rows = []
    while len(rows) < 4:
        images, epochs = int(rng.integers(60, 400)), int(rng.integers(2, 9))
        size = int(rng.choice([10, 16, 20, 25, 32, 50]))
        batches = math.ceil(images / size)
        if images % size:
            last = images - (batches - 1) * size
            rows.append([images, size, epochs, batches, last, batches * epochs])
    falling = np.sort(rng.permutation(np.arange(20, 90))[:8])[::-1] / 100
    best = int(rng.integers(3, 6))
    losses = np.concatenate([falling[:best], falling[best - 1] + rng.permutation(8 - best) / 50])
    losses[best:] += 0.03
    losses[[0, 1]] = losses[[1, 0]]
    lowest = np.minimum.accumulate(losses)
    epochs = [
        [n, loss, low, "yes" if loss == low else "no"]
        for n, (loss, low) in enumerate(zip(losses.round(2), lowest.round(2), strict=True), 1)
    ]
    return [
        Task(
            "How many batches has an epoch, how many images has the last of them, and how many "
            "steps are made in all epochs together?",
            [
                Grid(
                    "batches",
                    rows,
                    {3, 4, 5},
                    ["images", "batch size", "epochs", "batches", "images in the last", "steps"],
                )
            ],
        ),
        Task(
            "After each epoch the loss on the validation set is measured. The weights are kept "
            "whenever it is lower than ever before. The training stops when two epochs in a row "
            "brought nothing: after which one would that be?",
            [
                Grid("epochs", epochs, {2, 3}, ["epoch", "loss", "lowest so far", "kept?"], 2),
                asked("stops after epoch", stop_after(losses)),
            ],
        ),
    ]


def stop_after(losses: np.ndarray) -> int:
    """The epoch, counted from 1, that is the second in a row without a lower loss."""
    lowest, waited = np.inf, 0
    for epoch, loss in enumerate(losses, 1):
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == 2:
            return epoch
    raise ValueError("the loss falls to the end")


def fast_convolution(rng: np.random.Generator) -> list[Task]:
    """The columns of an image, the product, and the way back."""
    image, kernel = integers(rng, 0, 9, 3, 3), rng.choice([-2.0, -1, 1, 2, 3], (2, 2))
    grad = integers(rng, -2, 3, 1, 4)
    row = kernel.reshape(1, 4)
    columns = cnnlib.im2col(image[None, None], kernel_size=2)
    back = row.T @ grad
    return [
        Task(
            "Lay each window of 2×2 down as a column, its numbers from top to bottom in reading "
            "order, and the kernel as a row. The map is the row times each column.",
            [
                given("image", image),
                given("kernel", kernel),
                asked("kernel as a row", row),
                asked("columns", columns),
                asked("row times columns", row @ columns),
                asked("as a map", (row @ columns).reshape(2, 2)),
            ],
        ),
        Task(
            "The gradient of the map comes back as a row. That of the kernel is this row times the "
            "columns laid on their side: its first number is the gradient times the first row of "
            "the columns, number by number, added up.",
            [
                given("gradient of the map, as a row", grad),
                asked("gradient of the kernel, as a row", grad @ columns.T),
            ],
        ),
        Task(
            "Each number of the columns gets its weight times the gradient of its column. A pixel "
            "adds up what comes from all columns in which it stands.",
            [
                asked("gradient of the columns", back),
                asked("gradient of the image", cnnlib.col2im(back, (1, 1, 3, 3), 2)[0, 0]),
            ],
        ),
    ]
