"""The worksheets: their keys, computed again by loops from what is printed, and how they print."""

import math
import re
from collections import Counter
from itertools import combinations, product
from pathlib import Path
from statistics import mean

import pytest
import yaml
from bs4 import BeautifulSoup

from tools import worksheets

pytest_plugins = ["tests.browser"]
ROOT = Path(__file__).parents[1]
SEEDS = [1, 2, 3, 7]


def value(text):
    try:
        return float(text.replace("−", "-"))
    except ValueError:
        return text


def tables(html):
    """The rows of each table, by its title."""
    found = {}
    for figure in BeautifulSoup(html, "html.parser").select("figure"):
        rows = [[value(td.text) for td in row.select("td")] for row in figure.select("tr")]
        rows = [row for row in rows if row]
        assert figure.figcaption.text not in found
        found[figure.figcaption.text] = rows
    return found


def grid(rows, columns, number):
    return [[number(i, j) for j in range(columns)] for i in range(rows)]


def slide(image, kernel, bias=0):
    rows, columns = len(kernel), len(kernel[0])

    def number(i, j):
        places = product(range(rows), range(columns))
        return bias + sum(image[i + a][j + b] * kernel[a][b] for a, b in places)

    return grid(len(image) - rows + 1, len(image[0]) - columns + 1, number)


def added(one, other, bias):
    return grid(len(one), len(one[0]), lambda i, j: one[i][j] + other[i][j] + bias)


def each(rows, function):
    return [[function(number) for number in row] for row in rows]


def windows(rows, size, stride, function):
    def number(i, j):
        places = product(range(size), range(size))
        return function([rows[i * stride + a][j * stride + b] for a, b in places])

    return grid((len(rows) - size) // stride + 1, (len(rows[0]) - size) // stride + 1, number)


def spread(grad, kernel, rows, columns, stride=1):
    """The kernel, times each gradient, laid onto an image."""
    image = grid(rows, columns, lambda i, j: 0)
    for i, j in product(range(len(grad)), range(len(grad[0]))):
        for a, b in product(range(len(kernel)), range(len(kernel[0]))):
            image[i * stride + a][j * stride + b] += grad[i][j] * kernel[a][b]
    return image


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def spread_of(numbers):
    return math.sqrt(mean((n - mean(numbers)) ** 2 for n in numbers))


def softmax(numbers):
    powers = [math.e**n for n in numbers]
    return [power / sum(powers) for power in powers]


def cells(left, upper, right, lower):
    return set(product(range(left, right), range(upper, lower)))


def images(t):
    planes = [
        [[row[1 + c] for row in t["photo"][2 * i : 2 * i + 2]] for i in (0, 1)] for c in range(3)
    ]
    for name, plane in zip(("red", "green", "blue"), planes, strict=True):
        yield f"{name} plane", plane
    yield "red, as fractions", each(planes[0], lambda byte: byte / 255)
    yield "mean", [[mean(map(mean, planes[0])) / 255]]
    (numbers,) = t["numbers"]
    distances = [n - mean(numbers) for n in numbers]
    variance = mean(n * n for n in distances)
    yield "their mean", [[mean(numbers)]]
    yield "distances from it", [distances]
    yield "variance", [[variance]]
    yield "standard deviation", [[variance**0.5]]
    yield "normalized", [[n / variance**0.5 for n in distances]]


def convolution(t):
    image, kernel = t["second image"], t["second kernel"]
    yield "feature map", slide(t["image"], t["kernel"], t["bias"][0][0])
    yield "products", grid(2, 2, lambda a, b: image[1 + a][2 + b] * kernel[a][b])
    yield "second map", slide(image, kernel)


def channels(t):
    for name in ("first", "second"):
        sums = [slide(t[f"image, channel {c}"], t[f"{name} filter, channel {c}"]) for c in (0, 1)]
        yield f"{name} map", added(*sums, t[f"{name} bias"][0][0])


def shapes(t):
    def places(n, k, s, p, d):
        return sum(1 for first in range(0, n + 2 * p, s) if first + (k - 1) * d < n + 2 * p)

    yield "sizes", [[*row[:5], places(*map(int, row[:5]))] for row in t["sizes"]]


def activations(t):
    x, grad = t["x"], t["gradient"]
    yield "ReLU", each(x, lambda n: n if n > 0 else 0)
    yield "leaky ReLU", each(x, lambda n: n if n > 0 else n / 10)
    yield "hardtanh", each(x, lambda n: 1 if n > 1 else -1 if n < -1 else n)
    yield "gradient of x", grid(3, 4, lambda i, j: grad[i][j] if x[i][j] > 0 else 0)


def pooling(t):
    second = t["second map"]
    yield "max pooling", windows(t["map"], 2, 2, max)
    yield "average pooling", windows(t["map"], 2, 2, lambda numbers: sum(numbers) / 4)
    yield "max pooling, 3×3", windows(second, 3, 1, max)
    yield "global max pooling", [[max(max(row) for row in second)]]


def why_convolution(t):
    rows = t["parameters"]
    yield (
        "parameters",
        [
            [*row[:4], neurons * (n * n * c + 1), neurons * (k * k * c + 1)]
            for row in rows
            for n, c, neurons, k in [row[:4]]
        ],
    )
    (row,), (moved,) = t["row"], t["row moved"]
    assert moved == [0, 0, *row[:-2]]
    maps = slide([row], t["kernel"]), slide([moved], t["kernel"])
    yield "map of the row", maps[0]
    yield "map of the row moved", maps[1]
    yield "neuron, row", [[dot(row, row)]]
    yield "neuron, row moved", [[dot(row, moved)]]
    yield "largest, row", [[max(maps[0][0])]]
    yield "largest, row moved", [[max(maps[1][0])]]


def outputs(t):
    rows, (x,), (bias,) = t["weight"], t["x"], t["bias"]
    pairs = zip(rows, bias, strict=True)
    return [[sum(w * n for w, n in zip(row, x, strict=True)) + b for row, b in pairs]]


def dense(t):
    yield "outputs", outputs(t)
    yield "after ReLU", each(outputs(t), lambda n: n if n > 0 else 0)
    yield "parameters", [[n, m, n * m + m] for n, m, _ in t["parameters"]]


def loss(t):
    powers = [math.e ** row[0] for row in t["softmax"]]
    shares = [power / sum(powers) for power in powers]
    target = int(t["target (counted from 0)"][0][0])
    yield "softmax", [[r[0], a, b] for r, a, b in zip(t["softmax"], powers, shares, strict=True)]
    yield "sum of the powers", [[sum(powers)]]
    yield "loss", [[-math.log(shares[target])]]
    yield "gradient of the logits", [[p - (n == target) for n, p in enumerate(shares)]]


def forward(t):
    found = slide(t["image"], t["kernel"], t["bias"][0][0])
    active = each(found, lambda n: max(n, 0))
    pooled = windows(active, 2, 2, max)
    flat = [*pooled[0], *pooled[1]]
    scores = [dot(row, flat) + b for row, b in zip(t["weight"], t["biases"][0], strict=True)]
    shares = softmax(scores)
    yield "feature map", found
    yield "after ReLU", active
    yield "after pooling", pooled
    yield "flattened", [flat]
    yield "scores", [scores]
    yield "probabilities", [shares]
    yield "loss", [[-math.log(shares[int(t["target (counted from 0)"][0][0])])]]


def counting(t):
    rows, channels, size = t["network"], *t["network"][0][1:3]
    found = [[rows[0][0], 1, size, 0]]
    for name, *_ in rows[1:]:
        parameters = 0
        if "filters" in name:
            filters = int(name.split()[0])
            k = int(name.split("×")[1][0])
            assert name.endswith(f"padding {k // 2}")
            channels, parameters = filters, filters * (k * k * channels) + filters
        elif "pooling" in name:
            size //= 2
        elif name == "flatten":
            channels, size = channels * size * size, 1
        else:
            channels, parameters = 10, channels * 10 + 10
        found.append([name, channels, size, parameters])
    yield "network", found
    yield "weights and biases together", [[sum(row[3] for row in found)]]


def gradients(t):
    def slope(f, x):
        return (f(x + 0.001) - f(x - 0.001)) / 0.002  # exact for a square

    (x, y), (u, v) = ((row[0], row[1]) for row in t["nudges"][:2])
    a = (y / x - v / u) / (x - u)  # from f(x) = a·x·x + b·x
    b = y / x - a * x

    def f(x):
        return a * x * x + b * x

    rows = [[x, f(x), f(x + 0.1)] for x, *_ in t["nudges"]]
    yield (
        "nudges",
        [[*row, row[2] - row[1], 10 * (row[2] - row[1]), slope(f, row[0])] for row in rows],
    )
    found = []
    for a, b, w, *_ in t["chains"]:
        s = a * w + b
        of_w = slope(lambda w, a=a, b=b: (a * w + b) ** 2, w)
        found.append([a, b, w, s, s * s, slope(lambda s: s * s, s), a, of_w, w - 0.01 * of_w])
    yield "chains", found


def backward_dense(t):
    (x,), (grad,), weight = t["x"], t["gradient of the outputs"], t["weight"]
    yield "gradient of the weight", grid(3, 4, lambda i, j: grad[i] * x[j])
    yield "gradient of the bias", [grad]
    yield "gradient of x", [[sum(grad[i] * weight[i][j] for i in range(3)) for j in range(4)]]


def backward_convolution(t):
    grad = t["gradient of the map"]
    yield "gradient of the kernel", slide(t["image"], grad)
    yield "gradient of the bias", [[sum(map(sum, grad))]]
    yield "gradient of the image", spread(grad, t["kernel"], 4, 4)


def backward_geometry(t):
    x, grad = t["map"], t["gradient of the pooled map"]
    won = windows(x, 2, 2, max)
    yield (
        "after max pooling",
        grid(4, 4, lambda i, j: grad[i // 2][j // 2] * (x[i][j] == won[i // 2][j // 2])),
    )
    yield "after average pooling", grid(4, 4, lambda i, j: grad[i // 2][j // 2] / 4)
    other = spread(t["gradient of the map"], t["kernel"], 4, 4, stride=2)
    yield "gradient of the image", other


def autograd(t):
    def graph(x, y, z, da=0, db=0, dc=0):
        a, b = x * y + da, x + z + db
        c = a * b + dc
        return {"a": a, "b": b, "c": c, "L": c + b}

    def choice(p, q, r, dd=0, de=0):
        d = max(p, q) + dd
        e = d * r + de
        return {"d": d, "e": e, "M": e - r}

    def nudged(f, numbers, names, end):
        slopes = {}
        for n, name in enumerate(names):
            up, down = ([*numbers, 0, 0, 0][: len(names)] for _ in "ab")
            up[n], down[n] = up[n] + 0.01, down[n] - 0.01
            slopes[name] = round((f(*up)[end] - f(*down)[end]) / 0.02)
        return slopes

    for title, f, names, end in (("", graph, "xyzabc", "L"), (" again", choice, "pqrde", "M")):
        numbers = [n for _, n in t["also given" if title else "given"]]
        forward, slopes = f(*numbers), nudged(f, numbers, names, end)
        yield f"forward{title}", [[*row[:2], forward[row[0]]] for row in t[f"forward{title}"]]
        yield f"backward{title}", [[*row[:2], slopes[row[0]]] for row in t[f"backward{title}"]]


def gradient_check(t):
    cubes = [[x, (x + 0.1) ** 3, (x - 0.1) ** 3] for x, *_ in t["cubes"]]
    yield "cubes", [[*row, (row[1] - row[2]) / 0.2, 3 * row[0] * row[0]] for row in cubes]
    found = []
    for row in t["pushes"]:
        slope = (row[1] - row[2]) / 0.02
        found.append([*row[:4], slope, "yes" if abs(slope - row[3]) < 1e-9 else "no"])
    assert [row[5] for row in found].count("no") == 1
    yield "pushes", found


def one_step(t):
    weight, grad = t["weight"], t["gradient"]
    yield "new weight", grid(3, 3, lambda i, j: weight[i][j] - 0.1 * grad[i][j])
    (w,), (first,), (second,) = t["weights"], t["first gradient"], t["second gradient"]
    once = [w[j] - 0.1 * first[j] for j in range(3)]
    yield "after one step", [once]
    yield "after two steps", [[once[j] - 0.1 * (0.5 * first[j] + second[j]) for j in range(3)]]


def optimizers(t):
    w = start = t["SGD"][0][1]
    factor, plain, heavy, velocity = t["SGD"][0][2] / w, [], [], 0
    for step in (1, 2, 3):
        plain.append([step, w, factor * w, w - 0.1 * factor * w])
        w = plain[-1][-1]
    w = start
    for step in (1, 2, 3):
        velocity = velocity / 2 + factor * w
        heavy.append([step, w, factor * w, velocity, w - 0.1 * velocity])
        w = heavy[-1][-1]
    yield "SGD", plain
    yield "momentum", heavy
    found = []
    for w, g, *_ in t["Adam"]:
        m, s = 0.1 * g, 0.001 * g * g
        far = (m / 0.1) / (s / 0.001) ** 0.5
        found.append([w, g, m, s, far, w - 0.1 * far])
    yield "Adam", found


def training(t):
    found = []
    for images, size, epochs, *_ in t["batches"]:
        cut = [len(range(int(images))[n : n + int(size)]) for n in range(0, int(images), int(size))]
        found.append([images, size, epochs, len(cut), cut[-1], len(cut) * epochs])
    yield "batches", found
    losses = [row[1] for row in t["epochs"]]
    lowest = [min(losses[: n + 1]) for n in range(8)]
    kept = [n == 0 or losses[n] < lowest[n - 1] for n in range(8)]
    words = ["yes" if one else "no" for one in kept]
    yield "epochs", [[n + 1, losses[n], lowest[n], words[n]] for n in range(8)]
    stops = next(n for n in range(1, 8) if not kept[n] and not kept[n - 1])
    yield "stops after epoch", [[stops + 1]]


def fast_convolution(t):
    image, kernel, (grad,) = t["image"], t["kernel"], t["gradient of the map, as a row"]
    row = [*kernel[0], *kernel[1]]
    places = list(product(range(2), range(2)))
    columns = [[image[i + a][j + b] for i, j in places] for a, b in places]
    found = slide(image, kernel)
    yield "kernel as a row", [row]
    yield "columns", columns
    yield "row times columns", [[*found[0], *found[1]]]
    yield "as a map", found
    yield "gradient of the kernel, as a row", [[dot(grad, numbers) for numbers in columns]]
    yield "gradient of the columns", [[w * g for g in grad] for w in row]
    yield "gradient of the image", spread([grad[:2], grad[2:]], kernel, 3, 3)


def mnist(t):
    table = [row[1:] for row in t["confusion"]]
    called = [sum(row[n] for row in table) for n in range(3)]
    right = [table[n][n] for n in range(3)]
    yield "by digit", [[n, right[n] / sum(table[n]), right[n] / called[n]] for n in range(3)]
    yield "right", [[sum(right)]]
    yield "images", [[sum(called)]]
    yield "accuracy", [[sum(right) / sum(called)]]
    found = []
    for n, wrong, *_ in t["error bars"]:
        p = wrong / n
        bar = math.sqrt(p * (1 - p) / n)
        found.append([n, wrong, p, bar, p - 2 * bar, p + 2 * bar])
    yield "error bars", found


def better_training(t):
    (x,), (coins,), (grad,) = t["numbers"], t["coins"], t["gradient that arrives"]
    yield "after dropout", [[2 * n if coin else 0 for n, coin in zip(x, coins, strict=True)]]
    yield (
        "gradient of the numbers",
        [[2 * n if coin else 0 for n, coin in zip(grad, coins, strict=True)]],
    )
    (batch,), ((gamma,),), ((beta,),) = t["batch"], t["γ"], t["β"]
    middle, deviation = mean(batch), spread_of(batch)
    normal = [(n - middle) / deviation for n in batch]
    yield "mean", [[middle]]
    yield "standard deviation", [[deviation]]
    yield "normalized", [normal]
    yield "times γ, plus β", [[gamma * n + beta for n in normal]]
    yield "running mean", [[0.1 * middle]]
    yield "after a second batch", [[0.9 * 0.1 * middle + 0.1 * middle]]
    (w,), (g,) = t["weights"], t["gradient"]
    yield "weights after the step", [[w[n] - 0.1 * (g[n] + 0.1 * w[n]) for n in range(3)]]


def normalization(t):
    rows, c = [row[1:] for row in t["x"]], int(t["its channel"][0][0])
    sets = {
        "batch": rows[c],
        "layer": [n for row in rows for n in row[:2]],
        "group": rows[c][:2] + rows[c + 1][:2],
        "instance": rows[c][:2],
    }
    found = []
    for name, part in sets.items():
        off = spread_of(part)
        becomes = (t["the number"][0][0] - mean(part)) / off
        found.append([name, len(part), mean(part), off * off, off, becomes])
    yield "four kinds", found
    ((n,),), ((c,),), ((pixels,),) = t["images"], t["channels"], t["pixels"]
    counts = {"batch": c, "layer": n, "group": 3 * n, "instance": n * c}
    sizes = {"batch": n * pixels, "layer": c * pixels, "group": c / 3 * pixels, "instance": pixels}
    yield "means", [[name, counts[name], sizes[name]] for name in counts]


def gradient_noise(t):
    each_ = {row[0]: row[1:3] for row in t["images"]}
    whole = [mean(one[n] for one in each_.values()) for n in (0, 1)]

    def square(one):
        return (one[0] - whole[0]) ** 2 + (one[1] - whole[1]) ** 2

    images = [
        [name, *one, one[0] - whole[0], one[1] - whole[1], square(one)]
        for name, one in each_.items()
    ]
    pairs = []
    for one, other in combinations("ABCD", 2):
        both = [(each_[one][n] + each_[other][n]) / 2 for n in (0, 1)]
        pairs.append([one + other, *both, square(both)])
    noise = mean(row[-1] for row in images)
    yield "images", images
    yield "whole gradient", [whole]
    yield "mean square of images", [[noise]]
    yield "batches", pairs
    yield "mean square of batches", [[mean(row[-1] for row in pairs)]]
    yield "by the rule", [[mean(row[-1] for row in pairs)]]
    yield "noise scale", [[noise / dot(whole, whole)]]


def watching(t):
    found = []
    for row in t["clipping"]:
        length = math.hypot(*row[:3])
        factor = row[3] / length if length > row[3] else 1
        found.append([*row[:4], length, factor, *(factor * n for n in row[:3])])
    yield "clipping", found
    ratios = [[rate, w, g, rate * g, rate * g / w] for rate, w, g, *_ in t["update ratios"]]
    yield "update ratios", ratios


def what_did_it_learn(t):
    x, w = ([row[n] for row in t["pixels"]] for n in (1, 2))

    def fall(n, color):
        return dot(x, w) - dot([*x[:n], color, *x[n + 1 :]], w)

    yield (
        "pixels",
        [[n, x[n], w[n], x[n] * w[n], fall(n, 0), fall(n, 0.5), w[n]] for n in range(4)],
    )
    yield "score", [[dot(x, w)]]
    image, kernel = t["image"], t["kernel"]
    answers = slide(image, kernel)
    falls = [[answers[i][j] for j in (0, 2)] for i in (0, 2)]
    yield "total score", [[sum(map(sum, falls))]]
    yield "map of falls", falls


def shifts(t):
    (row,), (moved,) = t["row"], t["moved"]
    assert moved == [row[-1], *row[:-1]]
    yield "pooled", [[max(row[n : n + 2]) for n in range(0, 8, 2)]]
    yield "pooled after the move", [[max(moved[n : n + 2]) for n in range(0, 8, 2)]]
    maxima = [max(row[n], row[(n + 1) % 8]) for n in range(8)]
    blurred = [(maxima[n - 1] + 2 * maxima[n] + maxima[(n + 1) % 8]) / 4 for n in range(8)]
    for name, numbers, far in ("maxima", maxima, "apart"), ("blurred", blurred, "apart, blurred"):
        yield name, [numbers]
        yield f"{name}, even places", [numbers[::2]]
        yield f"{name}, odd places", [numbers[1::2]]
        yield far, [[abs(numbers[n] - numbers[n + 1]) for n in range(0, 8, 2)]]


def attribution(t):
    one, other, ((w, v),), ((bias,),) = t["map A"], t["map B"], t["weights of A and B"], t["bias"]
    means = [mean(map(mean, one)), mean(map(mean, other))]
    cam = grid(2, 2, lambda i, j: w * one[i][j] + v * other[i][j])
    i, j = max(product(range(2), range(2)), key=lambda place: cam[place[0]][place[1]])
    yield "means of A and B", [means]
    yield "score", [[w * means[0] + v * means[1] + bias]]
    yield "class activation map", cam
    yield "its mean", [[w * means[0] + v * means[1]]]
    yield "row of the largest", [[i]]
    yield "column of the largest", [[j]]
    (a, b), way = t["a and b"][0], t["on the way"]
    slope = way[0][3] - way[0][2]
    found = [[part, part * a, part * b, part * b + slope, part * a] for part, *_ in way]
    assert [part for part, *_ in way] == [1 / 8, 3 / 8, 5 / 8, 7 / 8]
    shares = [a * mean(row[3] for row in found), b * mean(row[4] for row in found)]
    yield "on the way", found
    yield "share of a", [shares[:1]]
    yield "share of b", [shares[1:]]
    yield "score of the picture", [[sum(shares)]]


def adversarial(t):
    (x,), (w,), ((bias,),) = t["pixels"], t["weights"], t["bias"]
    score = dot(x, w) + bias
    ways = product((-0.2, 0.2), repeat=4)
    moved = min(
        ([n + step for n, step in zip(x, way, strict=True)] for way in ways),
        key=lambda x: dot(x, w),
    )
    yield "products", [[a * b for a, b in zip(x, w, strict=True)]]
    yield "score", [[score]]
    yield "moved pixels", [moved]
    yield "new products", [[a * b for a, b in zip(moved, w, strict=True)]]
    yield "new score", [[dot(moved, w) + bias]]
    yield "fall", [[score - dot(moved, w) - bias]]
    sizes = sum(map(abs, w))
    yield "sum of the sizes", [[sizes]]
    yield "just enough", [[score / sizes]]


def draw_a_digit(t):
    ink = [(i, j) for i, row in enumerate(t["drawing"]) for j, n in enumerate(row) if n]
    middles = []
    for axis, name, count in ((0, "row", 6), (1, "column", 5)):
        counts = [sum(1 for place in ink if place[axis] == n) for n in range(count)]
        yield f"ink of the {name}s", [counts] if axis else [[n] for n in counts]
        yield f"{name}s times their ink", [[n * many for n, many in enumerate(counts)]]
        middles.append(mean(place[axis] for place in ink))
        yield f"mean {name}", [middles[-1:]]
        yield f"first {name}", [[math.floor(14 - middles[-1] + 0.5)]]
    yield "ink in all", [[len(ink)]]


def honest_answers(t):
    found = []
    for said, count, right, *_ in t["groups"]:
        gap = abs(right / count - said)
        found.append([said, count, right, right / count, gap, gap * count / 100])
    assert sum(row[1] for row in found) == 100
    yield "groups", found
    yield "expected calibration error", [[sum(row[5] for row in found)]]
    (logits,) = t["logits"]
    halves = [n / 2 for n in logits]
    yield "probabilities", [softmax(logits)]
    yield "divided by 2", [halves]
    yield "softer probabilities", [softmax(halves)]
    one, other = t["only A wrong"][0][0], t["only B wrong"][0][0]
    yield "difference", [[abs(one - other)]]
    yield "one standard deviation", [[math.sqrt(one + other)]]
    yield "how many of them", [[abs(one - other) / math.sqrt(one + other)]]


def architectures(t):
    (x,), (kernel,), (grad,) = t["x"], t["kernel"], t["gradient that arrives"]
    (before,) = slide([[0, *x, 0]], [kernel])
    behind = [g if n > 0 else 0 for g, n in zip(grad, before, strict=True)]
    (back,) = spread([behind], [kernel], 1, 7)
    yield "convolution", [before]
    yield "after ReLU", [[max(n, 0) for n in before]]
    yield "with x added", [[max(before[n], 0) + x[n] for n in range(5)]]
    yield "after ReLU's way back", [behind]
    yield "through the convolution", [back[1:-1]]
    yield "gradient of x", [[back[1 + n] + grad[n] for n in range(5)]]
    yield (
        "many blocks",
        [
            [blocks, f, math.prod([f] * int(blocks)), math.prod([1 + f] * int(blocks))]
            for blocks, f, *_ in t["many blocks"]
        ],
    )


def after_resnet(t):
    yield (
        "products",
        [
            [k, c, d, k * k * c * d, k * k * c * d / 4, k * k * c, c * d, k * k * c + c * d]
            for k, c, d, *_ in t["products"]
        ],
    )
    maps, (down,), (up,) = (t["map A"], t["map B"]), t["weights, down"], t["weights, up"]
    means = [mean(map(mean, one)) for one in maps]
    hidden = max(dot(down, means), 0)
    table = dict(zip(*t["sigmoid"], strict=True))
    gates = [table[hidden * w] for w in up]
    assert all(abs(y - 1 / (1 + math.exp(-x))) < 0.005 for x, y in table.items())
    yield "means", [means]
    yield "after ReLU", [[hidden]]
    yield "two numbers", [[hidden * w for w in up]]
    yield "gates", [gates]
    for name, one, gate in zip("AB", maps, gates, strict=True):
        yield f"map {name}, gated", each(one, lambda n, gate=gate: n * gate)


def receptive_fields(t):
    found, step = [], 1
    for n, (name, k, stride, dilation, *_) in enumerate(t["network"]):
        seen, step = {0}, step * stride  # pixels, walked down from one number of layer n
        for _, size, jump, gap, *_ in reversed(t["network"][: n + 1]):
            seen = {place * jump + a * gap for place in seen for a in range(int(size))}
        found.append([name, k, stride, dilation, max(seen) - min(seen) + 1, step])
    yield "network", found
    for depth in (1, 2, 3):
        ways = Counter(map(sum, product(range(3), repeat=depth)))
        yield f"layers: {depth}", [[ways[n] for n in range(2 * depth + 1)]]
    (first,), (second,) = t["first kernel"], t["second kernel"]
    yield "slopes", spread([second], [first], 1, 5)


def color(t):
    x = each(t["bytes"], lambda n: (n / 255 - 0.5) / 0.25)
    biases = [b for (b,) in t["biases"]]
    answers = [
        [dot(w, pixel) + b for w, b in zip(t["weights"], biases, strict=True)] for pixel in x
    ]
    yield "fractions", each(t["bytes"], lambda n: n / 255)
    yield "normalized", x
    yield "answers", answers
    yield "after ReLU", each(answers, lambda n: max(n, 0))


def color_inside(t):
    maps, names = [t[f"map {name}"] for name in "ABC"], ("cat", "dog")
    means = [mean(map(mean, one)) for one in maps]
    weights, biases = [row[1:] for row in t["weights"]], [b for (b,) in t["biases"]]
    cams = [grid(2, 2, lambda i, j, w=w: dot(w, [one[i][j] for one in maps])) for w in weights]
    scores = [dot(w, means) + b for w, b in zip(weights, biases, strict=True)]
    apart = grid(2, 2, lambda i, j: cams[0][i][j] - cams[1][i][j])
    yield "means", [means]
    yield "scores", [list(pair) for pair in zip(names, scores, strict=True)]
    for name, cam in zip(names, cams, strict=True):
        yield f"map of the {name}", cam
        yield f"mean, {name}", [[mean(map(mean, cam))]]
    yield "cat less dog", apart
    yield "mean of it", [[mean(map(mean, apart))]]
    yield "difference of the scores", [[scores[0] - scores[1]]]


def color_ladder(t):
    rows, luck = [], []
    for numbers in [row[:6] for row in t["comparisons"]]:
        before, after = numbers[:3], numbers[3:]
        rows.append([*numbers, mean(before), mean(after), mean(after) - mean(before)])
        ways = 0
        for one in range(64):  # each of six is chosen or not
            chosen = [n for place, n in enumerate(numbers) if one >> place & 1]
            ways += len(chosen) == 3 and sum(chosen) > sum(after) - 0.01
        luck.append([len(rows), sum(after), ways, ways / 20])
    yield "comparisons", rows
    yield "luck", luck
    few = []
    for n, m, *_ in t["smallest share"]:
        ways = 1
        for one in range(int(m)):
            ways = ways * (n + m - one) / (one + 1)
        few.append([n, m, ways, 1 / ways])
    yield "smallest share", few


def one_direction(t):
    (signal,), kernel = t["signal"], t["kernel"]
    (found,) = slide([signal], kernel)
    yield "map", [found]
    yield "largest of three", [[max(found[n : n + 3]) for n in range(5)]]
    yield "causal map", slide([[0, 0, *signal]], kernel)
    layers = []
    for c, length, filters, k, stride, *_ in t["layers"]:
        places = [n for n in range(0, int(length), int(stride)) if n + k <= length]
        layers.append([c, length, filters, k, stride, len(places), filters * c * k + filters])
    yield "layers", layers


def three_directions(t):
    frames, kernels = (
        [t[f"{name} {n}"] for n in range(end)] for name, end in (("frame", 3), ("kernel, frame", 2))
    )
    for n in (0, 1):
        one, other = (slide(frames[n + k], kernels[k]) for k in (0, 1))
        yield f"map, time {n}", added(one, other, 0)
        minus = each(frames[n], lambda number: -number)
        yield f"frame {n + 1} less frame {n}", added(frames[n + 1], minus, 0)
    yield (
        "parameters",
        [
            [c, filters, deep, filters * c * 9 + filters, filters * c * 9 * deep + filters]
            for c, filters, deep, *_ in t["parameters"]
        ],
    )


def detection(t):
    found = []
    for one, other, *_ in t["pairs"]:
        a, b = (cells(*map(int, re.findall(r"\d+", box))) for box in (one, other))
        both, either = len(a & b), len(a | b)
        found.append([one, other, len(a), len(b), both, either, both / either])
    yield "pairs", found
    rows, kept = t["boxes"], []
    for n in sorted(range(5), key=lambda n: -rows[n][1]):
        assert rows[n][2 + n] == 1
        if all(rows[n][2 + other] <= 0.5 for other in kept):
            kept.append(n)
    yield "boxes", [[*row[:7], "yes" if n in kept else "no"] for n, row in enumerate(rows)]
    right = [row[1] == "yes" for row in t["answers"]]
    precision = [sum(right[:n]) / n for n in range(1, 6)]
    recall = [sum(right[:n]) / 4 for n in range(1, 6)]
    words = [row[1] for row in t["answers"]]
    answers = zip(range(1, 6), words, precision, recall, strict=True)
    yield "answers", [list(row) for row in answers]
    area = sum(max(precision[n:]) / 4 for n in range(5) if right[n])
    yield "average precision", [[area]]


def segmentation(t):
    pairs = [
        pair
        for rows in zip(t["truth"], t["answer"], strict=True)
        for pair in zip(*rows, strict=True)
    ]
    found = []
    for name in "·ab":
        both = sum(one == other == name for one, other in pairs)
        either = sum(name in pair for pair in pairs)
        truth, answer = (sum(pair[n] == name for pair in pairs) for n in (0, 1))
        found.append(
            [name, truth, answer, both, either, both / either, 2 * both / (truth + answer)]
        )
    yield "classes", found
    yield "right pixels, of 30", [[sum(one == other for one, other in pairs)]]
    yield "mean IoU", [[mean(row[5] for row in found)]]
    small, ones = t["map"], [[1, 1, 1]] * 3
    yield "with the kernel of 2×2", spread(small, t["kernel of 2×2"], 4, 4, stride=2)
    yield "with a kernel of 3×3 ones", spread(small, ones, 5, 5, stride=2)


def numpy(t):
    a, (row,), column = t["a"], t["row"], [n for (n,) in t["column"]]
    flat, (one, other) = (
        [n for one in a for n in one],
        [title for title in t if title.startswith(("a[", "a[:"))][:2],
    )
    i, j = map(int, re.findall(r"\d", one))
    assert other == f"a[:, {j}]"
    yield one, [[a[i][j]]]
    yield other, [[numbers[j] for numbers in a]]
    yield "a[1:3, ::2]", [[a[i][0], a[i][2]] for i in (1, 2)]
    yield "a.T", [[numbers[j] for numbers in a] for j in range(4)]
    yield "a.reshape(2, 6)", [flat[:6], flat[6:]]
    yield "a.sum(axis=0)", [[sum(numbers[j] for numbers in a) for j in range(4)]]
    yield "a.sum(axis=1)", [[sum(numbers) for numbers in a]]
    yield "a.max(axis=1)", [[max(numbers) for numbers in a]]
    yield "column + row", grid(3, 4, lambda i, j: column[i] + row[j])
    found = []
    for one, other, _ in t["shapes"]:
        sizes = [list(map(int, re.findall(r"\d+", shape))) for shape in (one, other)]
        sizes = [[1] * (4 - len(shape)) + shape for shape in sizes]
        pairs = list(zip(*sizes, strict=True))
        fits = all(a == b or 1 in (a, b) for a, b in pairs)
        longest = max(one.count(",") - one.count(",)"), other.count(",") - other.count(",)")) + 1
        shape = tuple(max(pair) for pair in pairs)[4 - longest :]
        found.append([one, other, str(shape) if fits else "none"])
    yield "shapes", found


LOOPS = [
    images,
    convolution,
    channels,
    shapes,
    activations,
    pooling,
    why_convolution,
    dense,
    loss,
    forward,
    counting,
    gradients,
    backward_dense,
    backward_convolution,
    backward_geometry,
    autograd,
    gradient_check,
    one_step,
    optimizers,
    training,
    fast_convolution,
    mnist,
    better_training,
    normalization,
    gradient_noise,
    watching,
    what_did_it_learn,
    shifts,
    attribution,
    adversarial,
    draw_a_digit,
    honest_answers,
    architectures,
    after_resnet,
    receptive_fields,
    color,
    color_inside,
    color_ladder,
    one_direction,
    three_directions,
    detection,
    segmentation,
    numpy,
]


# To how many decimals a sheet asks at the least, where its numbers do not come out even.
DECIMALS = dict.fromkeys(
    (loss, forward, mnist, normalization, gradient_noise, watching, adversarial, detection), 3
)
DECIMALS |= {segmentation: 3, color_ladder: 4, draw_a_digit: 2, honest_answers: 2}


def test_each_sheet_is_computed_again_here():
    assert [one.__name__ for one in LOOPS] == list(worksheets.SHEETS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loops", LOOPS, ids=lambda one: one.__name__)
def test_a_key_is_what_loops_make_of_the_numbers_that_are_printed(loops, seed):
    html = worksheets.sheet(loops.__name__, seed, key=True)
    printed = tables(html)
    expected = dict(loops(printed))
    for title, rows in expected.items():
        off = 0.5 * 10 ** -DECIMALS[loops] + 1e-9 if loops in DECIMALS else 1e-9
        assert len(printed[title]) == len(rows)
        for got, wanted in zip(printed[title], rows, strict=True):
            assert [n for n in got if isinstance(n, str)] == [
                n for n in wanted if isinstance(n, str)
            ]
            numbers = [n for n in wanted if not isinstance(n, str)]
            assert [n for n in got if not isinstance(n, str)] == pytest.approx(numbers, 0, off)
    answered = {
        figure.figcaption.text
        for figure in BeautifulSoup(html, "html.parser").select("figure:has(.answer)")
    }
    assert answered == set(expected)


@pytest.mark.parametrize("name", worksheets.SHEETS)
def test_a_sheet_has_the_numbers_of_its_key_and_none_of_the_answers(name):
    sheet = BeautifulSoup(worksheets.sheet(name, 7), "html.parser")
    key = BeautifulSoup(worksheets.sheet(name, 7, key=True), "html.parser")
    assert not sheet.select(".answer") and not key.select(".blank")
    assert {cell.text for cell in sheet.select(".blank")} == {""}
    assert len(sheet.select(".blank")) == len(key.select(".answer")) >= 8
    for one in key.select(".answer"):
        one["class"], one.string = "blank", ""
    assert [str(table) for table in sheet.select("table")] == list(map(str, key.select("table")))


def test_every_chapter_has_a_sheet_or_the_teachers_page_says_why_not():
    chapters = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))["parts"]
    names = [one["file"].partition("/")[2] for part in chapters for one in part["chapters"]]
    names = [name for name in names if (ROOT / f"chapters/{name}.ipynb").exists()]
    ordered = [name for name in worksheets.SHEETS if name in names]
    assert [name for name in names if name in worksheets.SHEETS] == ordered
    text = (ROOT / "chapters/teaching.md").read_text("utf-8")
    (line,) = re.findall(r"- \*\*Worksheets\*\*.*", text)
    without = re.findall(r"<(\w+)>`", line)
    assert set(without) & set(names) == set(names) - set(worksheets.SHEETS)


@pytest.mark.parametrize("name", worksheets.SHEETS)
def test_a_seed_gives_one_sheet_and_another_seed_another(name):
    assert worksheets.sheet(name, 7) == worksheets.sheet(name, 7)
    assert len({worksheets.sheet(name, seed).partition("<h1>")[2] for seed in range(20)}) > 17


@pytest.mark.browser
def test_every_sheet_is_printed_on_one_page_black_on_white(page, tmp_path):
    worksheets.write(tmp_path, 7)
    files = sorted(tmp_path.glob("*.html"))
    assert len(files) == 2 * len(worksheets.SHEETS)
    pages = [file.read_text("utf-8").partition("<body>") for file in files]
    sections = (
        f'<section id="{file.stem}" style="break-before: page">{body.partition("</body>")[0]}'
        "</section>"
        for file, (_, _, body) in zip(files, pages, strict=True)
    )
    page.set_viewport_size({"width": 680, "height": 900})  # 180 mm, what A4 has between its margins
    page.set_content(pages[0][0] + "".join(sections))
    page.emulate_media(color_scheme="dark", media="print")
    colors = page.evaluate(
        """() => [...new Set([...document.querySelectorAll("*")].flatMap((one) => {
            const { color, backgroundColor } = getComputedStyle(one);
            return [color, backgroundColor];
        }))]"""
    )
    black, white, clear = "rgb(0, 0, 0)", "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"
    assert set(colors) == {black, white, clear}
    large = page.evaluate(
        """() => [...document.querySelectorAll("section")].filter(({ offsetHeight, scrollWidth }) =>
            offsetHeight > 940 || scrollWidth > 680).map(({ id }) => id)"""
    )
    assert large == []  # 249 mm high, what Letter has between its margins
    margins = dict.fromkeys(("top", "right", "bottom", "left"), "15mm")
    for paper in ("A4", "Letter"):
        printed = page.pdf(format=paper, margin=margins)
        assert printed.count(b"/Type /Page\n") == len(files), paper
