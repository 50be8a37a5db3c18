"""The facts of "Checked against the sources": their numbers computed anew, and the page.

The numbers of a fact are those in its text outside of $formulas$ and `code`, in their order.
"""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import nn

import cnnlib
from cnnlib import worked_example as we
from cnnlib.records import record
from tests.prose import THOUSANDS
from tests.test_pages import PAGES
from tools.book_text import SOURCES, VERDICTS

pytest_plugins = ["tests.browser"]

DATA = yaml.safe_load(SOURCES.read_text("utf-8"))
FACTS = {fact["id"]: fact for topic in DATA["topics"] for fact in topic["facts"]}


def numbers(text):
    """The numbers of a fact's text, and with how many decimals each is given."""
    text = re.sub(r"([$`])[^$`]*\1", "", text).replace("−", "-")
    text = THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    found = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)", text)
    return [(float(number), len(number.partition(".")[2])) for number in found]


def conv(shape, weight_shape, **geometry):
    """The shape of a convolution's output, computed by cnnlib and by torch."""
    ours = cnnlib.conv2d(np.ones((1, *shape)), np.ones(weight_shape), **geometry).shape
    theirs = F.conv2d(torch.ones(1, *shape), torch.ones(weight_shape), **geometry).shape
    assert ours == tuple(theirs)
    return ours[1:]


def sides(size, kernel_size, **geometry):
    """Rows and columns of the output of a square image and a square kernel."""
    return conv((1, size, size), (1, 1, kernel_size, kernel_size), **geometry)[1:]


def pooled(function, x, *options):
    """What a pooling function of that name gives, in cnnlib and in torch."""
    ours = getattr(cnnlib, function)(np.asarray(x, float)[None], *options)[0]
    theirs = getattr(F, function)(torch.tensor(x, dtype=torch.float64)[None], *options)[0]
    np.testing.assert_array_equal(ours, theirs)
    return ours


def parameters(layer):
    """Weights and biases of a torch layer, which cnnlib's layer of the same make has too."""
    return [parameter.numel() for parameter in layer.parameters()]


def filters(in_channels, out_channels, kernel_size):
    counts = parameters(nn.Conv2d(in_channels, out_channels, kernel_size))
    assert sum(counts) == cnnlib.conv2d_parameters(in_channels, out_channels, kernel_size)
    return counts


def hidden():
    """The three hidden neurons, from the pixels on."""
    feature_map = cnnlib.conv2d(we.image[None], we.kernel[None, None], np.array([we.bias]))
    inputs = cnnlib.flatten(cnnlib.max_pool2d(cnnlib.relu(feature_map[None]), 2))
    return cnnlib.relu(cnnlib.linear(inputs, we.dense_1_weight, we.dense_1_bias))[0]


def logits():
    return cnnlib.linear(hidden(), we.dense_2_weight, we.dense_2_bias)


def mean_loss():
    """Of the three losses as they are told: the first to six decimals, the others to four."""
    batch = np.array([logits(), we.lion_logits, we.tiger_logits])
    targets = np.array([we.target, we.lion_target, we.tiger_target])
    losses = cnnlib.cross_entropy(batch, targets, reduction="none")
    return np.mean([losses[0].round(6), *losses[1:].round(4)])


def slope(bias=0.0):
    """The map of the numbers 1 to 16 under the sharpening kernel, by function and by layer."""
    x = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    weight = torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])[None, None]
    layer = nn.Conv2d(1, 1, 3)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.fill_(bias)
        by_layer = layer(x)
    by_function = F.conv2d(x, weight, torch.tensor([bias]))
    ours = cnnlib.conv2d(x.numpy(), weight.numpy(), np.array([bias], np.float32))
    np.testing.assert_array_equal(ours, by_function)
    assert torch.equal(by_layer, by_function)
    return ours


def upright_line():
    four = np.array([[0, 1, 0, 1, 0]] * 2 + [[0, 1, 1, 1, 0]] + [[0, 0, 0, 1, 0]] * 2, float)
    line = np.array([[0, 1, 0]] * 3, float)
    ours = cnnlib.conv2d(four[None], line[None, None])[0]
    theirs = F.conv2d(torch.tensor(four)[None, None], torch.tensor(line)[None, None])[0, 0]
    np.testing.assert_array_equal(ours, theirs)
    return [ours[0, 0], ours]


def gradients():
    """Of the small backward example: kernel, bias and input, by cnnlib and by torch."""
    x = np.arange(1.0, 10).reshape(1, 1, 3, 3)
    weight = np.array([[1.0, 0], [2, -1]])[None, None]
    grad = np.array([[1.0, 2], [3, 4]])[None, None]
    grad_x, grad_weight, grad_bias = cnnlib.conv2d_backward(grad, x, weight)
    tensors = [torch.tensor(array, requires_grad=True) for array in (x, weight, np.zeros(1))]
    F.conv2d(*tensors).backward(torch.tensor(grad))
    for ours, tensor in zip((grad_x, grad_weight, grad_bias), tensors, strict=True):
        np.testing.assert_array_equal(ours, tensor.grad)
    return [grad_weight, grad_bias, grad_x]


def widths():
    """The maps of the network with 149,798 parameters, on a digit of 28 pixels."""
    stack = [nn.Conv2d(1, 64, 3), nn.MaxPool2d(2), nn.Conv2d(64, 128, 3), nn.MaxPool2d(2)]
    stack += [nn.Conv2d(128, 64, 3), nn.MaxPool2d(2)]
    x, found = torch.zeros(1, 1, 28, 28), []
    for layer in stack:
        x = layer(x)
        found.append(x.shape[-1])
    assert x.numel() == 64
    return found


def deep_parameters():
    layers = [nn.Conv2d(1, 64, 3), nn.Conv2d(64, 128, 3), nn.Conv2d(128, 64, 3)]
    layers += [nn.Linear(64, 20), nn.Linear(20, 10)]
    counts = [count for layer in layers for count in parameters(layer)]
    return [*counts, sum(counts)]


def shallow_parameters():
    layers = [cnnlib.Conv2d(1, 32, 3), cnnlib.Conv2d(32, 64, 3)]
    layers += [cnnlib.Linear(64 * 7 * 7, 128), cnnlib.Linear(128, 10)]
    counts = [sum(p.data.size for p in layer.parameters()) for layer in layers]
    return [*counts, sum(counts)]


def batch_sizes(images):
    x, labels = np.zeros((images, 1, 1, 1), np.float32), np.zeros(images, int)
    return [len(batch) for batch, _ in cnnlib.batches(x, labels, 10)]


def reproduced():
    """Of the recorded runs: the fewest and the most right, the least and the largest loss."""
    runs = [run for run in record("mnist_421k")["runs"] if not run["validate"]]
    right = [int(np.trace(run["confusion"])) for run in runs]
    losses = [run["loss"] for run in runs]
    deviation = (10_000 * 0.9901 * 0.0099) ** 0.5
    return [min(right), max(right), 10_000, min(losses), max(losses), 10_000, deviation]


def fewer_pixels():
    x = np.zeros((1, 8, 8))
    return 100 * (1 - pooled("max_pool2d", x, 2).size / x.size)


def dot_product():
    layer = cnnlib.Conv2d(3, 1, 5)
    return layer.multiply_adds((1, 3, 5, 5), (1, 1, 1, 1))


color, gray = np.zeros((400, 400, 3)), np.zeros((400, 400, 1))
COMPUTED = {
    "s1-shapes": lambda: [
        gray.shape,
        color.shape,
        gray.transpose(2, 0, 1).shape,
        color.transpose(2, 0, 1).shape,
    ],
    "s1-nchw": lambda: torch.zeros([3, 1, 28, 28]).shape,
    "s1-batches": lambda: [
        len(batch_sizes(1000)),
        1005,
        len(batch_sizes(1005)),
        batch_sizes(1005)[-1],
    ],
    "s3-norm": lambda: [np.iinfo(np.uint8).max, 0 / 255, np.iinfo(np.uint8).max / 255],
    "s1-flatten": lambda: np.zeros((3, 3)).reshape(-1, 1).shape,
    "s2-200": lambda: parameters(nn.Linear(200 * 200 * 3, 1, bias=False)),
    "s3-edge": lambda: we.kernel,
    "s1-vertical": upright_line,
    "s1-ps2": lambda: slope(5.0),
    "s1-ps4": slope,
    "s1-ps3": lambda: (1, *conv((1, 6, 6), (1, 1, 3, 3))),
    "s0-size-1": lambda: sides(6, 4),
    "s0-size-2": lambda: sides(6, 4, stride=2),
    "s0-size-3": lambda: sides(6, 4, stride=2, padding=1),
    "s2-size-ok": lambda: sides(7, 3, stride=2)[0],
    "s2-size-bad": lambda: [
        (7 - 3) / 5 + 1,
        sides(7, 3, stride=5)[0],
        cnnlib.rows_left_over(7, 3, stride=5),
    ],
    "s2-volume": lambda: np.roll(conv((3, 32, 32), (10, 3, 5, 5), padding=2), -1),
    "s2-volume-step": lambda: [32 + 2 * 2 - 5, 1, cnnlib.conv_output_size(32, 5, padding=2)],
    "s3-32": lambda: [
        np.roll(conv((3, 32, 32), (32, 3, 3, 3), padding=1), -1),
        1,
        np.roll(conv((3, 32, 32), (32, 3, 3, 3)), -1),
    ],
    "s0-conv1": lambda: np.roll(conv((1, 6, 6), (3, 1, 3, 3)), -1),
    "s0-conv3": lambda: np.roll(conv((3, 6, 6), (3, 3, 3, 3)), -1),
    "s2-75": dot_product,
    "s0-leaky": lambda: [-2, cnnlib.leaky_relu(np.array([-2.0]))],
    "s0-hardtanh": lambda: cnnlib.hardtanh(np.array([-100.0, 100])),
    "s0-maxpool": lambda: pooled("max_pool2d", np.ones((1, 4, 4)), 2).shape[1:],
    "s0-avgpool": lambda: pooled("avg_pool2d", np.ones((1, 4, 4)), 2).shape[1:],
    "s1-ps1": lambda: pooled(
        "max_pool2d", [[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]], 2
    ),
    "s1-pool-formula": lambda: [
        5,
        2,
        2,
        pooled("max_pool2d", np.ones((1, 5, 5)), 2, 2).shape[1],
        pooled("max_pool2d", np.ones((1, 5, 5)), 2, 2, 0, 1, True).shape[1],
    ],
    "s0-flatten": lambda: cnnlib.flatten(np.array([[[[15.0, 8], [20, 5]]]])),
    "s2-flatten": lambda: cnnlib.flatten(np.zeros((1, 3, 4, 4))).shape,
    "s0-h1": lambda: hidden()[0],
    "s0-h1-expansion": lambda: [
        5,
        we.dense_1_weight[0, 3],
        0.8,
        hidden()[0] + 5 * (0.8 - we.dense_1_weight[0, 3]),
    ],
    "s0-h2": lambda: hidden()[1],
    "s0-h3": lambda: hidden()[2],
    "s0-out1": lambda: logits()[0],
    "s0-out2": lambda: logits()[1],
    "s0-out3": lambda: logits()[2],
    "s0-softmax": lambda: F.softmax(torch.tensor(logits()), 0),
    "s0-ce": lambda: F.cross_entropy(torch.tensor(logits()), torch.tensor(we.target)),
    "s0-batch": mean_loss,
    "s1-params-1": lambda: [*filters(1, 3, 2), sum(filters(1, 3, 2))],
    "s1-params-2": lambda: [*filters(3, 1, 2), sum(filters(3, 1, 2))],
    "s1-params-3": lambda: [*filters(2, 3, 2), sum(filters(2, 3, 2))],
    "s1-out-1": lambda: [sum(filters(1, 1, 3)), *conv((1, 10, 10), (1, 1, 3, 3))],
    "s1-out-2": lambda: [sum(filters(1, 5, 3)), *conv((1, 10, 10), (5, 1, 3, 3))],
    "s1-out-3": lambda: [sum(filters(3, 5, 3)), *conv((3, 10, 10), (5, 3, 3, 3))],
    "s2-volume-params": lambda: [sum(filters(2, 10, 5)), sum(filters(3, 10, 5))],
    "s1-mnist-params": lambda: [*deep_parameters(), *widths()],
    "s3-params": shallow_parameters,
    "s1-half": fewer_pixels,
    "s4-check": gradients,
    "s3-accuracy": reproduced,
}


def flat(values):
    """Numbers, arrays and lists of both as one list of numbers."""
    if isinstance(values, list | tuple):
        return [number for value in values for number in flat(value)]
    return np.asarray(values, float).ravel().tolist()


def test_the_texts_and_the_facts_belong_together():
    assert {key.split("-")[0] for key in FACTS} == set(DATA["texts"])
    assert len(FACTS) == sum(len(topic["facts"]) for topic in DATA["topics"])


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_every_number_of_a_fact_is_computed(fact):
    told, computed = numbers(fact["is"]), flat(COMPUTED.get(fact["id"], list)())
    assert [number for number, _ in told] == [
        round(value, decimals) for value, (_, decimals) in zip(computed, told, strict=True)
    ]


@pytest.mark.parametrize("key", [key for key in COMPUTED if FACTS[key]["verdict"] == "confirmed"])
def test_what_is_confirmed_says_the_computed_numbers(key):
    told, computed = numbers(FACTS[key]["says"]), flat(COMPUTED[key]())
    assert told
    for value, (number, decimals) in zip(computed, told, strict=False):
        assert number == pytest.approx(value, abs=10**-decimals if decimals else 0)


def test_numbers_are_found_in_words_and_formulas_are_left_out():
    assert numbers("(1, 2) and 3×4, $5x$, −0.06, 7,000; `conv2d(5)` [8], 9.") == [
        (1, 0), (2, 0), (3, 0), (4, 0), (-0.06, 2), (7000, 0), (8, 0), (9, 0),
    ]  # fmt: skip


def test_every_fact_names_chapters_of_the_book():
    chapters = {page.removeprefix("chapters/") for page in PAGES}
    named = {name for fact in FACTS.values() for name in fact["chapters"]}
    assert all(fact["chapters"] for fact in FACTS.values())
    assert named <= chapters


def test_the_first_page_counts_them():
    wrong = sum(fact["verdict"] == "corrected" for fact in FACTS.values())
    intro = (SOURCES.parents[1] / "intro.md").read_text("utf-8")
    assert f"Of {len(FACTS)} statements from five texts" in intro
    assert f", {wrong} had to be corrected" in intro


def test_the_page_shows_every_fact_with_links_to_its_chapters(page, site):
    page.goto(f"{site}/chapters/sources.html")
    assert page.locator(".sources tbody tr").count() == len(FACTS)
    for key, fact in FACTS.items():
        row = page.locator(f"#{key}")
        assert row.locator(".verdict").inner_text().strip() == fact["verdict"]
        links = [link.get_attribute("href") for link in row.locator(".chapter-link a").all()]
        assert links == [f"{name}.html" for name in fact["chapters"]]


@pytest.mark.parametrize("device", ["page", "phone"])
def test_a_verdict_can_be_chosen(request, site, device):
    page = request.getfixturevalue(device)
    page.goto(f"{site}/chapters/sources.html")
    for verdict in VERDICTS:
        page.get_by_label(re.compile(verdict)).check()
        right = [key for key, fact in FACTS.items() if fact["verdict"] == verdict]
        shown = page.locator(".sources tbody tr:visible")
        assert [row.get_attribute("id") for row in shown.all()] == right
        topics = [
            topic["title"]
            for topic in DATA["topics"]
            if any(fact["verdict"] == verdict for fact in topic["facts"])
        ]
        headings = page.locator("section.topic h2:visible").all_inner_texts()
        assert [heading.rstrip("#") for heading in headings] == topics
    page.get_by_label(re.compile("all")).check()
    assert page.locator(".sources tbody tr:visible").count() == len(FACTS)
