"""The worksheets: their keys, computed again by loops from what is printed, and how they print."""

import math
from collections import Counter
from itertools import product

import pytest
from bs4 import BeautifulSoup

from tools import worksheets

pytest_plugins = ["tests.browser"]
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


def one_step(t):
    weight, grad = t["weight"], t["gradient"]
    yield "new weight", grid(3, 3, lambda i, j: weight[i][j] - 0.1 * grad[i][j])
    (w,), (first,), (second,) = t["weights"], t["first gradient"], t["second gradient"]
    once = [w[j] - 0.1 * first[j] for j in range(3)]
    yield "after one step", [once]
    yield "after two steps", [[once[j] - 0.1 * (0.5 * first[j] + second[j]) for j in range(3)]]


LOOPS = [
    convolution,
    channels,
    shapes,
    activations,
    pooling,
    dense,
    loss,
    counting,
    backward_dense,
    backward_convolution,
    backward_geometry,
    one_step,
]


def test_each_sheet_is_computed_again_here():
    assert [one.__name__ for one in LOOPS] == list(worksheets.SHEETS)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loops", LOOPS, ids=lambda one: one.__name__)
def test_a_key_is_what_loops_make_of_the_numbers_that_are_printed(loops, seed):
    html = worksheets.sheet(loops.__name__, seed, key=True)
    printed = tables(html)
    expected = dict(loops(printed))
    for title, rows in expected.items():
        off = 0.0005 + 1e-9 if loops is loss else 1e-9
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


@pytest.mark.parametrize("name", worksheets.SHEETS)
def test_a_seed_gives_one_sheet_and_another_seed_another(name):
    assert worksheets.sheet(name, 7) == worksheets.sheet(name, 7)
    assert len({worksheets.sheet(name, seed).partition("<h1>")[2] for seed in range(20)}) > 17


@pytest.mark.browser
def test_every_sheet_is_printed_on_one_page_black_on_white(page, tmp_path):
    worksheets.write(tmp_path, 7)
    files = sorted(tmp_path.glob("*.html"))
    assert len(files) == 2 * len(worksheets.SHEETS)
    margins = dict.fromkeys(("top", "right", "bottom", "left"), "15mm")
    for file in files:
        page.goto(file.as_uri())
        page.emulate_media(color_scheme="dark", media="print")
        colors = page.evaluate(
            """() => [...document.querySelectorAll("*")].flatMap((one) => {
                const { color, backgroundColor } = getComputedStyle(one);
                return [color, backgroundColor];
            })"""
        )
        black, white, clear = "rgb(0, 0, 0)", "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"
        assert set(Counter(colors)) == {black, white, clear}
        for paper in ("A4", "Letter"):
            assert page.pdf(format=paper, margin=margins).count(b"/Type /Page\n") == 1, file.name
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide)
