"""A widget's state as a link, from the page and from Python, and a widget alone on a page."""

import base64
import inspect
import json
import random
import re
from contextlib import contextmanager
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import traitlets
from playwright.sync_api import expect

import cnnlib
from cnnlib import widgets
from cnnlib.widgets import SlidingKernel, links
from cnnlib.widgets.widget import script
from tests.browser import OnPage, address, serve
from tests.test_widget import CLASSES, every_widget, make

pytest_plugins = ["tests.browser"]
HERE = "https://example.org/book"


def state_in(link):
    """The JSON object that a link holds."""
    letters = link.rpartition("/")[2]
    return json.loads(base64.urlsafe_b64decode(letters + "==")) if letters else {}


def fragment(values, name="SlidingKernel", number=2, version=1):
    text = values if isinstance(values, bytes) else json.dumps(values).encode()
    letters = base64.urlsafe_b64encode(text).decode().rstrip("=")
    return f"#w{version}/{name}/{number}/{letters}"


# --- Python ---


def test_a_link_holds_what_differs_from_the_usual():
    link = SlidingKernel(stride=2, position=1).link(book=f"{HERE}/")
    assert link.startswith(f"{HERE}/widget.html#w1/SlidingKernel/1/")
    assert state_in(link) == {"stride": 2, "position": 1}
    assert SlidingKernel().link(book=HERE) == f"{HERE}/widget.html#w1/SlidingKernel/1/"
    assert re.fullmatch(r"[\w-]+", link.rpartition("/")[2])  # what no program cuts off


def test_a_link_to_a_chapter_holds_all_that_it_can():
    link = SlidingKernel(stride=2).link(chapter="shapes", number=3, book=HERE)
    assert link.startswith(f"{HERE}/chapters/shapes.html#w1/SlidingKernel/3/")
    assert state_in(link).keys() == links.schemas(SlidingKernel).keys()


def test_the_address_of_the_book_is_given_or_set(monkeypatch):
    monkeypatch.delenv("BOOK_URL", raising=False)
    with pytest.raises(ValueError, match="link: the address of the book is unknown; expected book"):
        SlidingKernel().link()
    monkeypatch.setenv("BOOK_URL", "https://example.org/other/")
    assert SlidingKernel().link().startswith("https://example.org/other/widget.html#")


class Mine(SlidingKernel):
    pass


def test_what_no_link_can_hold_is_named():
    network = cnnlib.Sequential(cnnlib.Flatten(), cnnlib.Linear(784, 10))
    with pytest.raises(ValueError, match=r"DrawDigit\.link: a link cannot hold .*layers"):
        widgets.DrawDigit(network=network).link(book=HERE)
    photo = widgets.PhotoKernel(np.zeros((3, 200, 200), np.uint8))
    with pytest.raises(ValueError, match=r"a link cannot hold image; chapter='NAME' opens"):
        photo.link(book=HERE)
    with pytest.raises(ValueError, match=r"Mine\.link: the book has no Mine"):
        Mine().link(book=HERE)


@pytest.mark.parametrize("chapter", [None, "convolution"])
def test_what_the_page_would_refuse_is_in_no_link_from_python(chapter):
    large = SlidingKernel(padding=17, bias=1e12)
    with pytest.raises(ValueError, match=r"a link cannot hold bias, padding;"):
        large.link(chapter, book=HERE)
    assert state_in(SlidingKernel(stride=17).link(chapter, book=HERE))["stride"] == 17


@every_widget
def test_what_a_widget_begins_with_fits_its_schemas(cls):
    import jsonschema

    known, now = links.schemas(cls), links.values(make(cls))
    assert known
    for name, schema in known.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(links.as_text(now[name])), schema)


# --- what a reader does ---


class Linked(OnPage):
    """A widget, by its element, with its menu."""

    def __init__(self, page, root):
        self.page, self.root = page, root

    def slide(self, label, value):
        field = self.root.get_by_role("slider", name=label)
        field.evaluate(
            "(one, value) => { one.value = value; one.dispatchEvent(new Event('input', "
            "{ bubbles: true })); one.dispatchEvent(new Event('change', { bubbles: true })); }",
            value,
        )

    def tick(self, label):
        self.root.get_by_role("checkbox", name=label).first.click()

    def first(self, label):
        self.root.get_by_role("button", name=label).first.click()

    def links(self):
        """The texts of the menu: the link and the code, opened if it is closed."""
        menu = self.root.locator(".links")
        if not menu.count():
            self.root.get_by_role("button", name="Link to this, embed this").click()
        menu.wait_for()
        return menu.locator(".link").all_text_contents()


def found(page, kind, number=1):
    """The widget of the page that a link would call so."""
    mark = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", kind).lower()
    mark = {"architecture-builder": "builder", "calibration": "calibration"}.get(mark, mark)
    root = page.locator(f".cnn-widget.{mark}").nth(number - 1)
    root.wait_for()
    return Linked(page, root)


# The numbers and sums that a reader sees, and what is set. After a link something else is called
# "as given", and what the Playground has trained is gone.
LOOK = """(root) => {
  const seen = [...root.querySelectorAll(".number, .sum, .question, [aria-pressed], svg text")]
    .filter((one) => one.checkVisibility() && !one.closest(".playground .main"))
    .map((one) => [one.textContent, one.getAttribute("aria-pressed")]);
  const inputs = root.querySelectorAll("input[type=range], input[type=checkbox]");
  return JSON.stringify([seen, [...inputs].map((one) => [one.value, one.checked])]);
}"""

CHANGES = {
    "ActivationExplorer": ("activations", 1, lambda w: w.press("tanh")),
    "ArchitectureBuilder": ("counting", 1, lambda w: w.press("Add layer")),
    "BatchNorm": ("better_training", 1, lambda w: w.press("10 batches")),
    "Boxes": ("detection", 2, lambda w: w.press("Step forward")),
    "Calibration": ("honest_answers", 1, lambda w: w.press("Smallest loss")),
    "Check": ("loss", 2, lambda w: w.press("Another one")),
    "Confusion": ("mnist", 2, lambda w: w.root.get_by_role("gridcell").nth(7).click()),
    "ConvolutionBackward": ("backward_convolution", 2, lambda w: w.press("Step forward")),
    "ConvolutionMatrix": ("autograd", 1, lambda w: w.tick("Show the transpose")),
    "DrawDigit": ("draw_a_digit", 1, lambda w: w.tick("Scale and center")),
    "GradientChecker": ("gradient_check", 1, lambda w: w.press("Another one")),
    "Im2col": ("fast_convolution", 1, lambda w: w.press("Step forward")),
    "LearningRate": ("optimizers", 1, lambda w: w.slide("Learning rate", 2)),
    "Logits": ("loss", 1, lambda w: w.press("Add 1 to all")),
    "NetworkTrace": ("forward", 1, lambda w: w.edit(w.cell("Image", 1, 1), "9")),
    "Neurons": ("dense", 2, lambda w: w.edit(w.cell("Inputs", 1, 1), "-4")),
    "NormAxes": ("normalization", 1, lambda w: w.press("LayerNorm")),
    "Nudge": ("gradients", 1, lambda w: w.press("Step")),
    "Occlusion": ("what_did_it_learn", 1, lambda w: w.first("Image 3")),
    "OptimizerRace": ("optimizers", 1, lambda w: w.choose("Surface", "saddle")),
    "OutputSize": ("shapes", 1, lambda w: w.slide("stride", 1)),
    "PhotoClassifier": ("color", 1, lambda w: w.root.locator(".strip canvas").nth(2).click()),
    "PhotoKernel": ("channels", 1, lambda w: w.choose("Channels", "apart")),
    "PixelDrawing": ("images", 1, lambda w: w.root.get_by_role("gridcell").nth(5).click()),
    "PixelMagnifier": ("images", 1, lambda w: w.press("green")),
    "PixelShuffle": ("why_convolution", 1, lambda w: w.press("Another permutation")),
    "Playground": ("playground", 1, lambda w: w.choose("Network", "residual")),
    "PoolingBackward": ("backward_geometry", 2, lambda w: w.choose("Pooling", "max")),
    "PoolingExplorer": ("pooling", 2, lambda w: w.press("average")),
    "ShiftExplorer": ("why_convolution", 1, lambda w: w.press("Down")),
    "SlidingKernel": ("convolution", 3, lambda w: w.edit(w.cell("Image", 2, 2), "7")),
    "TrainingPlayback": ("training", 1, lambda w: w.tick("Zoom in")),
}


@every_widget
def test_what_a_reader_has_changed_comes_back_from_its_link(cls, page, site):
    kind = cls.__name__
    chapter, number, change = CHANGES[kind]
    page.goto(f"{site}/chapters/{chapter}.html")
    widget = found(page, kind, number)
    widget.root.scroll_into_view_if_needed()
    change(widget)
    here, code = widget.links()
    changed = widget.root.evaluate(LOOK)
    assert state_in(here)
    assert here.startswith(f"{site}/chapters/{chapter}.html#w1/{kind}/{number}/")
    assert state_in(here).keys() <= links.schemas(cls).keys()
    assert len(here) < 1200

    page.goto(here)  # in the open page; below, the address alone opens one
    expect(page.locator(".link-note")).to_have_text(
        "This shows what the link holds. Show what the page has"
    )
    again = found(page, kind, number)
    expect(again.root).to_be_in_viewport()
    assert again.root.evaluate(LOOK) == changed
    assert again.links() == [here, code]

    page.goto("about:blank")
    page.goto(re.search('src="([^"]*)"', code)[1])
    alone = found(page, kind)
    assert page.locator(".link-note").count() == 0
    assert alone.root.evaluate(LOOK) == changed
    assert alone.links()[1] == code
    page.goto("about:blank")


FROM_PYTHON = {
    "ActivationExplorer": {"function": "tanh", "x": [[1.5, -2, 3]]},
    "ArchitectureBuilder": {"layers": ["Flatten", {"kind": "Linear", "out_features": 3}]},
    "BatchNorm": {"batch": [1, 2, 9], "gamma": 0.5},
    "ConvolutionBackward": {"image": np.ones((2, 4, 3)), "weight": np.ones((3, 2, 2, 2))},
    "ConvolutionMatrix": {"image": np.ones((4, 5)), "kernel": [[1, 2]]},
    "DrawDigit": {"pen": 0.15},
    "GradientChecker": {"exponent": -5},
    "Im2col": {"padding": 1, "stride": 2},
    "LearningRate": {"chosen": 1, "compare": False},
    "Logits": {"logits": [1, 2, 3, 4], "classes": ["ä", "b<i>", "c&", "d"], "target": 3},
    "NetworkTrace": {"mode": "backward", "position": 3, "selected": "map[1,1]"},
    "Neurons": {"x": [1, 2], "weight": [[1, 2], [3, 4], [5, 6]], "bias": [0, 1, 2]},
    "Nudge": {"selected": "kernel[0,0]", "value": 0.25, "target": 0},
    "OptimizerRace": {"surface": "saddle", "start": (-3.5, 0.5)},
    "OutputSize": {"size": 12, "stride": 3, "padding": "valid"},
    "PhotoClassifier": {"selected": ("1", 2, 3, 4)},
    "PhotoKernel": {"image": "flower", "weight": np.ones((5, 3)), "stride": (2, 3), "pool": 2},
    "PixelDrawing": {"image": np.eye(5, 7, dtype=int) * 9, "axes": 3},
    "PixelShuffle": {"order": list(range(36)), "side": 1},
    "Playground": {"layers": ["Flatten", {"kind": "Linear", "out_features": 10}], "seed": 7},
    "PoolingBackward": {"image": np.ones((6, 6)), "kernel_size": 3, "stride": (3, 3)},
    "PoolingExplorer": {"mode": "average", "kernel_size": (2, 3), "padding": 1},
    "ShiftExplorer": {"shift": (1, -2)},
    "SlidingKernel": {"image": np.ones((2, 5, 4)), "weight": np.ones((3, 2, 2, 3)), "filter": 2},
    "TrainingPlayback": {"run": 1, "zoom": True},
}


@pytest.mark.parametrize("name", FROM_PYTHON)
def test_python_s_link_shows_what_python_has(name, page, site):
    widget = make(getattr(widgets, name), **FROM_PYTHON[name])
    link = widget.link(book=site)
    page.goto(link)
    shown = found(page, name)
    assert page.locator(".link-note").count() == 0
    here, _ = shown.links()
    full = json.loads(links.as_text(links.values(widget)))
    # What the page has as the usual is not repeated; a class without one is as in the book.
    assert state_in(here).items() <= full.items()
    usual = json.loads(page.locator("main script[type*=state]").text_content())
    usual = usual["state"]["only"]["state"]
    held = {name: full[name] for name in links.schemas(type(widget))}
    expected = {name: value for name, value in held.items() if usual.get(name) != value}
    assert state_in(here) == expected
    page.goto("about:blank")


def test_a_class_that_has_to_be_given_something_opens_in_a_chapter(page, site):
    given = make(widgets.Calibration, temperature=2.5, chosen=3)
    with pytest.raises(ValueError, match="a link cannot hold logits, labels"):
        given.link(book=site)
    page.goto(given.link(chapter="honest_answers", book=site))
    shown = found(page, "Calibration")
    assert state_in(shown.links()[0])["temperature"] == 2.5
    page.goto("about:blank")


# --- the page that a link leads to ---


def test_reset_brings_back_the_link_s_state_and_a_button_that_of_the_page(page, site):
    page.goto(f"{site}/chapters/convolution.html{fragment({'position': 3})}")
    widget = found(page, "SlidingKernel", 2)
    before = widget.sum
    widget.press("Step forward")
    assert widget.sum != before
    widget.press("Reset")
    assert widget.sum == before
    page.get_by_role("button", name="Show what the page has").click()
    expect(page.locator(".link-note")).to_have_count(0)
    assert page.url == f"{site}/chapters/convolution.html"
    assert state_in(found(page, "SlidingKernel", 2).links()[0]) == {}
    page.goto("about:blank")


def test_a_link_is_followed_in_the_open_page_and_other_widgets_keep_their_numbers(page, site):
    page.goto(f"{site}/chapters/convolution.html")
    first = found(page, "SlidingKernel", 1)
    first.edit(first.cell("Image", 1, 1), "9")
    page.evaluate("hash => { location.hash = hash; }", fragment({"position": 3}))
    note = page.locator(".link-note")
    expect(note).to_have_count(1)
    expect(found(page, "SlidingKernel", 2).root).to_be_in_viewport()
    assert first.texts("Image")[0][0] == "9"
    page.evaluate("hash => { location.hash = hash; }", fragment({"position": 4}, number=1))
    expect(note).to_have_count(2)
    assert first.texts("Image")[0][0] == "5"
    page.goto("about:blank")


def test_the_last_widget_of_a_chapter_is_in_sight_when_all_has_arrived(page, site):
    page.goto(f"{site}/chapters/convolution.html{fragment({'current': 1}, 'Check', 6)}")
    page.wait_for_function("!document.querySelector('.widget-text')")
    page.wait_for_timeout(500)
    root = found(page, "Check", 6).root
    expect(root).to_be_in_viewport()
    top = root.bounding_box()["y"]
    assert 0 <= top < 200
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(300)
    page.evaluate("document.querySelector('article h1').style.height = '20rem'")
    page.wait_for_timeout(300)
    assert root.bounding_box()["y"] > 400  # the reader has gone on
    page.goto("about:blank")


def test_a_link_with_no_state_leads_to_the_widget_as_it_is(page, site):
    page.goto(f"{site}/chapters/convolution.html#w1/SlidingKernel/4/")
    expect(found(page, "SlidingKernel", 4).root).to_be_in_viewport()
    assert page.locator(".link-note").count() == 0
    page.goto("about:blank")


CUT = "This link cannot be read. It may have been cut off."
NOTHING = "This link holds nothing that this widget can show: "
HOSTILE = {
    "no base64": ("#w1/SlidingKernel/2/%%%", CUT),
    "no JSON": (fragment(b'{"stride": 2'), CUT),
    "no UTF-8": (fragment(b'{"\xff": 2}'), CUT),
    "a list": (fragment([2]), CUT),
    "null": (fragment(b"null"), CUT),
    "huge": (fragment({"position": "9" * 100_000}), "This link is too long: "),
    "deep": (fragment(b"[" * 50_000), CUT),
    "newer": (fragment({"stride": 2}, version=2), "This link was made by a newer version"),
    "prototype": (fragment(b'{"__proto__": {"stride": 2}}'), f"{NOTHING}__proto__."),
    "constructor": (fragment({"constructor": 2, "toString": 1}), f"{NOTHING}constructor, toString"),
    "HTML": (fragment({"<img src=x onerror=alert(1)>": 2}), f"{NOTHING}<img src=x "),
    "HTML in a value": (fragment({"padding": "<b>same</b>"}), f"{NOTHING}padding."),
    "NaN": (fragment(b'{"bias": [NaN]}'), CUT),
    "infinite": (fragment(b'{"bias": [1e999]}'), f"{NOTHING}bias."),
    "a text": (fragment({"stride": "2"}), f"{NOTHING}stride."),
    "a fraction": (fragment({"stride": 1.5}), f"{NOTHING}stride."),
    "zero": (fragment({"stride": 0}), f"{NOTHING}stride."),
    "too large": (fragment({"padding": 1000}), f"{NOTHING}padding."),
    "uneven rows": (fragment({"image": [[[1, 2, 3], [1, 2]]]}), f"{NOTHING}image."),
    "too many pixels": (fragment({"image": [[[1] * 17]]}), f"{NOTHING}image."),
    "empty": (fragment({"image": [[[]]]}), f"{NOTHING}image."),
    "one axis too few": (fragment({"image": [[1, 2], [3, 4]]}), f"{NOTHING}image."),
    "an object": (fragment({"stride": {"length": 2}}), f"{NOTHING}stride."),
    "names": (fragment({"channels": ["a", "b"]}), "There is not one name for each channel."),
    "no fit": (fragment({"image": [[[1, 2], [3, 4]]]}), "the kernel extends over 3 rows"),
    "groups": (fragment({"groups": 5}), "expected a multiple of the 5 groups"),
    "what is large": (fragment({"score": [9, 9]}), f"{NOTHING}score."),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_link_changes_nothing_and_says_so(name, page, site):
    hash, sentence = HOSTILE[name]
    # The chapter's second one, alone on a page: its note is the same.
    page.goto(f"{site}/widget.html?in=convolution{hash}")
    widget = found(page, "SlidingKernel")
    expect(page.locator(".link-note")).to_contain_text(sentence)
    assert page.locator(".link-note :not(button)").count() == 0
    assert state_in(widget.links()[0]) == {}
    assert widget.numbers("Image") == cnnlib.worked_example.image.tolist()
    page.goto("about:blank")


def test_what_cannot_be_drawn_after_all_leaves_the_widget_as_it_was(open_page, book, site):
    page = open_page()
    script = (book / "_static/widgets/Boxes.js").read_text("utf-8")
    careless = script.replace(", problem, build", ", build")
    assert careless != script
    page.route("**/Boxes.js*", lambda route: route.fulfill(body=careless))
    hash = fragment({"boxes": [[0, 0, 1, 1]]}, "Boxes", 1)
    page.goto(f"{site}/widget.html?in=detection{hash}")
    expect(page.locator(".link-note")).to_contain_text("does not fit together, so nothing was")
    assert state_in(found(page, "Boxes").links()[0]) == {}


def test_a_link_of_another_version_opens_as_well_as_it_can(page, site):
    values = {"stride": 2, "mirrored": True, "dilation": [1, 2, 3]}
    page.goto(f"{site}/chapters/convolution.html{fragment(values)}")
    expect(page.locator(".link-note")).to_contain_text(
        "Not brought back, because it is unknown or not possible here: mirrored, dilation."
    )
    assert state_in(found(page, "SlidingKernel", 2).links()[0]) == {"stride": 2}
    page.goto("about:blank")


@pytest.mark.parametrize(
    ("hash", "sentence"),
    [
        ("#w1/Kaleidoscope/1/", "a widget that this page does not have: Kaleidoscope 1."),
        ("#w1/SlidingKernel/9/", "a widget that this page does not have: SlidingKernel 9."),
        ("#w1/SlidingKernel", CUT),
    ],
)
def test_a_link_to_a_widget_that_is_not_there_says_so(page, site, hash, sentence):
    page.goto(f"{site}/chapters/convolution.html{hash}")
    expect(page.locator("article > .link-note")).to_contain_text(sentence)
    expect(page.locator("article > .link-note")).to_be_in_viewport()
    page.goto("about:blank")


def test_other_fragments_are_left_alone(page, site):
    page.goto(f"{site}/chapters/convolution.html#the-rule")
    found(page, "SlidingKernel", 2)
    page.wait_for_load_state("load")
    assert page.locator(".link-note").count() == 0
    expect(page.locator("#the-rule")).to_be_in_viewport()
    page.goto("about:blank")


# --- what a link may bring: what Python takes ---

WHERE = Path(widgets.__file__).parent
# Of a place that is not there the nearest is shown, as when an array gets smaller.
NEAREST = {
    "ConvolutionMatrix": {"output", "pixel"},
    "DrawDigit": {"selected"},
    "LearningRate": {"chosen"},
    "PhotoClassifier": {"selected"},
    "PhotoKernel": {"channel", "row", "column"},
}
MISFITS = {
    "Boxes": [
        {"shape": [9999, 9999]},
        {"shape": [1, 1]},
        {"boxes": [[0, 0, 1, 1]]},
        {"boxes": [[0, 0, 1, 1], [9, 9, 11, 11]]},
        {"boxes": [[0, 0, 1, 1], [3, 3, 3, 3]]},
        {"boxes": [[0, 0, 1], [3, 3, 4]]},
        {"boxes": [[0, 0, 1, 1], [0.5, 0, 2, 2]]},
        {"scores": [0.5]},
        {"scores": [0.5, 2]},
        {"iou_threshold": -1},
    ],
    "Calibration": [{"temperature": 0}, {"temperature": 1e-320}, {"temperature": 1e9}],
    "Confusion": [{"cell": [0, 9]}],
    "Im2col": [{"image": [[[1, 2], [3, 4]]] * 3}, {"dilation": 9999}],
    "NetworkTrace": [{"selected": "toString[0,0]"}, {"selected": "image[9,9]"}],
    "Neurons": [{"bias": [1]}, {"x": [1]}, {"weight": [[1, 2]]}],
    "NormAxes": [{"chosen": [9, 9, 9, 9]}, {"num_groups": 3}, {"x": [[[[1]]]]}],
    "Nudge": [{"selected": "__proto__[0,0]"}, {"selected": "loss[0,0]"}, {"h": 0}],
    "Occlusion": [{"network": 9}, {"image": 99}, {"target": 99}],
    "PixelMagnifier": [{"row": 9999}, {"column": 9999}],
    "PixelShuffle": [{"kernel": [[1] * 8]}, {"order": [0] * 36}],
    "Playground": [
        {"settings": {"__proto__": 1}},
        {"settings": {"lr": "9" * 9999}},
        {"layers": [{"kind": "constructor"}]},
    ],
    "ShiftExplorer": [{"kernel": [[1] * 12]}, {"shift": [0, 6]}],
    "SlidingKernel": [{"groups": 5}, {"bias": [1, 2]}, {"image": [[[1, 2, 3]] * 3] * 2}],
    "TrainingPlayback": [{"run": 9}, {"image": 99}],
}  # fmt: skip


def by_chance(schema, rng):
    """A value that fits a schema, small or extreme."""
    if "anyOf" in schema:
        return by_chance(rng.choice([one for one in schema["anyOf"] if one.get("enum") != []]), rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    low, high = (schema.get(end) for end in ("minimum", "maximum"))
    match schema.get("type"):
        case "boolean":
            return rng.random() < 0.5
        case "integer":
            return rng.choice([low, high, *range(max(low, 0), min(high, 5) + 1)])
        case "number":
            low = max(low, schema.get("exclusiveMinimum", -links.LARGEST) + 1e-9)
            return rng.choice([low, high, min(max(rng.randint(-9, 9) / 2, low), high)])
        case "string":
            return rng.choice(["map[1,1]", "toString[0,0]", "<b>x</b>"])
        case "array" if "prefixItems" in schema:
            return [by_chance(part, rng) for part in schema["prefixItems"]]
        case "array" if "items" in schema:
            least = schema.get("minItems", 0)
            size = rng.randint(least, max(least, min(schema["maxItems"], 6)))
            if schema["items"].get("type") != "array":
                return [by_chance(schema["items"], rng) for _ in range(size)]
            return [by_chance(schema["items"], rng)] * size  # rows of one length
        case "object" if "properties" in schema:
            parts = schema["properties"]
            return {name: by_chance(part, rng) for name, part in parts.items()}
    return rng.choice([{"kind": "Flatten"}, {}, [], 7])


RESTORED = """async ([widget, links, cases, stored, schemas]) => {
  const load = async (text) =>
    (await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })))).default;
  const [{ problem }, { restore }] = await Promise.all([widget, links].map(load));
  return cases.map((hash) => {
    const { traits, words } = restore(hash, stored, schemas, problem);
    return [Object.keys(traits), words];
  });
}"""


def refusal(widget, values):
    """Why a widget does not take these traits together, or ""; it stays as it was."""
    before, known = dict(widget._trait_values), widget.traits()
    try:
        with widget.hold_trait_notifications():
            for name, value in values.items():
                is_pair = isinstance(known[name], traitlets.Tuple)
                widget.set_trait(name, tuple(value) if is_pair else value)
    except (traitlets.TraitError, ValueError, TypeError) as error:
        return str(error) or "no"
    finally:
        widget._trait_values = before
    return ""


@every_widget
def test_a_link_brings_what_python_takes_and_refuses_the_rest_in_a_sentence(cls, open_module):
    """What fits the schemas one by one may still not go together."""
    kind, schemas, rng = cls.__name__, links.schemas(cls), random.Random(cls.__name__)
    widget, misfits, count = make(cls), MISFITS.get(kind, []), min(3, len(schemas))
    names = [rng.sample(sorted(schemas), rng.randint(1, count)) for _ in range(12)]
    cases = misfits + [{name: by_chance(schemas[name], rng) for name in some} for some in names]
    page = open_module(WHERE / "shared" / "math" / "lists.js", "lists")
    scripts = [Path(inspect.getfile(cls)).with_suffix(".js"), WHERE / "shared/view/links.js"]
    stored = json.loads(json.dumps(widget.get_state(), default=str))
    hashes = [fragment(values, kind, 1) for values in cases]
    given = [*map(script, scripts), hashes, stored, {"traits": schemas, "left": {}}]
    for values, (brought, words) in zip(cases, page.evaluate(RESTORED, given), strict=True):
        judged = {*values} - {"position", "filter"} - NEAREST.get(kind, set())
        assert len(words) < 400
        assert bool(words) == (brought != [*values]), (values, words)
        why = refusal(widget, {name: values[name] for name in judged & {*(brought or values)}})
        fits = all(links.fits(value, schemas[name]) for name, value in values.items())
        assert not (why and brought), f"{values} is brought, but {why}"
        assert brought or why or not fits, f"{values} is not brought: {words}"
    assert all(refusal(widget, values) for values in misfits)


# --- the menu ---


def test_the_menu_opens_and_closes_with_the_keys_and_has_no_fault(page, site, axe_faults):
    page.goto(f"{site}/chapters/convolution.html")
    widget = found(page, "SlidingKernel", 1)
    button = widget.root.get_by_role("button", name="Link to this, embed this")
    assert button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.keyboard.press("Enter")
    menu = widget.root.locator(".links")
    menu.wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    assert axe_faults(widget.root) == []
    menu.get_by_role("button", name="Link to this").click()
    expect(menu.get_by_role("status").first).not_to_have_text("")
    widget.press("Step forward")
    assert state_in(menu.locator(".link").first.text_content()).keys() == {"position"}
    page.emulate_media(media="print")
    assert not menu.is_visible() and not button.is_visible()
    page.emulate_media(media="screen")
    button.click()
    expect(menu).to_have_count(0)
    assert button.get_attribute("aria-expanded") == "false"
    page.goto("about:blank")


def test_what_links_need_comes_after_the_page_and_before_it_is_asked_for(page, site):
    page.goto(f"{site}/chapters/convolution.html")
    widget = found(page, "SlidingKernel", 1)
    page.wait_for_load_state("networkidle")
    begun, loaded = page.evaluate(
        """() => {
          const times = (kind) => performance.getEntriesByType(kind);
          const script = times("resource").find(({ name }) => name.endsWith("links.js"));
          return [script.startTime, times("navigation")[0].loadEventStart];
        }"""
    )
    assert begun >= loaded > 0
    asked = []
    page.on("request", heard := lambda one: asked.append(one.url))
    widget.links()
    assert asked == []
    page.remove_listener("request", heard)
    page.goto("about:blank")


def test_the_menu_says_what_is_not_in_the_link(page, site):
    page.goto(f"{site}/chapters/draw_a_digit.html")
    widget = found(page, "DrawDigit")
    widget.press("Invert")
    widget.links()
    note = widget.root.locator(".links .note")
    expect(note).to_have_text("Not in the link, because it is large: your drawing.")
    page.goto("about:blank")


# --- alone, in a page of somebody else ---


FRAGMENT = """async ([links, stored, now, traits]) => {
  const url = URL.createObjectURL(new Blob([links], { type: "text/javascript" }));
  const model = { get: (name) => now[name] };
  const given = { name: "SlidingKernel", number: 1, model, stored, schemas: { traits, left: {} } };
  return (await import(url)).default.fragment(given);
}"""


def test_a_change_that_no_link_holds_is_named(open_module):
    page = open_module(WHERE / "shared" / "math" / "lists.js", "lists")
    known, stored = links.schemas(SlidingKernel), {"bias": [0], "stride": 1, "image": [[[1, 2]]]}
    now = {"bias": [1e12], "stride": 17, "image": [[[0.1234567890123] * 16] * 16] * 2}
    given = [script(WHERE / "shared/view/links.js"), stored, now, known]
    made = page.evaluate(FRAGMENT, given)
    assert state_in(made["hash"]) == {"stride": 17}
    assert made["missing"] == ["bias", "image"]


@contextmanager
def course(tmp_path, html):
    """The address of a page of another origin with this in it."""
    text = f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>A course</title>{html}"
    (tmp_path / "index.html").write_text(text, "utf-8")
    with serve(tmp_path) as server:
        yield f"{address(server)}/index.html"
        server.shutdown()


def test_the_copied_code_shows_the_widget_as_high_as_it_is(open_page, site, tmp_path):
    page = open_page()
    page.goto(f"{site}/chapters/convolution.html{fragment({'stride': 2})}")
    _, code = found(page, "SlidingKernel", 2).links()
    with course(tmp_path, code) as other:
        page.goto(other)
        frame = page.frame_locator("iframe")
        frame.locator(".sliding-kernel").wait_for()
        box = page.locator("iframe")

        def fits():
            page.wait_for_timeout(300)
            inner = frame.locator("body").evaluate("one => one.getBoundingClientRect().height")
            return abs(box.bounding_box()["height"] - inner) <= 2

        assert fits()
        assert frame.locator("html").evaluate("() => scrollY") == 0
        before = box.bounding_box()["height"]
        frame.get_by_text("Size, stride, padding, dilation").click()
        assert fits()
        assert box.bounding_box()["height"] > before
        assert frame.get_by_role("combobox", name="Stride").input_value() == "2"
        link = frame.get_by_role("link", name="Convolution")
        with page.context.expect_page() as opened:
            link.click()
        assert opened.value.url.startswith(f"{site}/chapters/convolution.html#w1/SlidingKernel/2/")
        expect(found(opened.value, "SlidingKernel", 2).root).to_be_in_viewport()


def test_scripts_are_all_that_a_sandbox_must_allow(open_page, site, tmp_path):
    """An origin of its own has no storage and may fetch nothing; weights come all the same."""
    url = f"{site}/widget.html?in=draw_a_digit#w1/DrawDigit/1/"
    html = f'<iframe src="{escape(url)}" sandbox="allow-scripts" width=700 height=900></iframe>'
    page = open_page()
    with course(tmp_path, html) as other:
        page.goto(other)
        widget = page.frame_locator("iframe").locator(".draw-digit")
        widget.get_by_role("button", name="Test image 4:").click()
        expect(widget).to_contain_text("4")
        assert page.frame_locator("iframe").locator("html").evaluate("() => origin") == "null"


@pytest.mark.parametrize("dark", [False, True])
def test_where_nothing_may_be_kept_a_page_has_its_menu_its_search_and_its_colors(
    open_page, site, tmp_path, dark
):
    """A frame without an origin forbids what a reader may forbid, too."""
    scheme = "dark" if dark else "light"
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    url = f"{site}/chapters/links.html"
    # Firefox counts what lies under the frame's border as seen.
    style = "<style>body { margin: 0 } iframe { border: 0 }</style>"
    frame = f'{style}<iframe src="{url}" sandbox="allow-scripts" width=390 height=800>'
    with course(tmp_path, frame) as other:
        page.goto(other)
        inner = page.frame_locator("iframe")
        assert inner.locator("html").evaluate("() => origin") == "null"
        expect(inner.locator("html")).to_have_attribute("data-theme", scheme)
        menu = inner.locator(".bd-sidebar-primary")
        expect(menu).not_to_be_in_viewport()
        inner.locator(".primary-toggle").first.click()
        expect(menu).to_be_in_viewport()
        page.keyboard.press("Escape")
        inner.locator(".search-button").first.click()
        expect(inner.locator("input[type=search]").first).to_be_visible()


@pytest.mark.parametrize(("theme", "dark"), [("", True), ("&theme=light", False)])
def test_a_widget_alone_is_as_dark_as_the_device_or_as_it_is_told(page, site, theme, dark):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site}/widget.html?in=loss{theme}#w1/Logits/1/")
    found(page, "Logits")
    assert page.locator("html").get_attribute("data-theme") == ("dark" if dark else "light")
    light = "one => Number(getComputedStyle(one).backgroundColor.match(/\\d+/)[0])"
    for part in ("body", ".cnn-widget"):
        assert (page.locator(part).evaluate(light) < 128) == dark
    page.goto("about:blank")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_widget_alone_has_no_fault_and_fits_a_phone(phone, site, axe_faults, theme):
    phone.emulate_media(color_scheme=theme)
    phone.goto(f"{site}/widget.html?in=convolution#w1/SlidingKernel/1/")
    found(phone, "SlidingKernel").links()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_faults(phone.locator("main")) == []
    phone.goto("about:blank")


def test_a_long_name_in_a_link_does_not_widen_a_phone_s_page(phone, site):
    classes = ["x" * links.NAME, "b", "the name of a class that goes on and on"]
    hash = fragment({"classes": classes, "logits": [1, 2, 3]}, "Logits", 1)
    phone.goto(f"{site}/widget.html?in=loss{hash}")
    assert classes[0] in found(phone, "Logits").root.inner_text()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.goto("about:blank")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "This page shows one widget of the book. Its address comes from"),
        ("#w1/Kaleidoscope/1/", "The book has no widget Kaleidoscope 1: this link may be of"),
        ("#w1/SlidingKernel/2/", "The book has no widget SlidingKernel 2: "),
        ("?in=nothing#w1/SlidingKernel/1/", "no widget SlidingKernel 1 in “nothing”"),
        ("?in=../links#w1/SlidingKernel/1/", "no widget SlidingKernel 1 in “../links”"),
        (f"?in={quote('<b>x</b>')}#w1/Check/1/", "no widget Check 1 in “<b>x</b>”"),
    ],
)
def test_an_address_that_means_no_widget_is_told(open_page, site, address, sentence):
    page = open_page()
    page.route("**/alone/nothing.js", lambda route: route.fulfill(body=""))
    page.route("**/alone/in_nothing.js", lambda route: route.fulfill(body=""))
    page.route("**/alone/Kaleidoscope.js", lambda route: route.fulfill(body=""))
    page.goto(f"{site}/widget.html{address}")
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    assert page.locator("main b").count() == 0


def test_from_disk_links_and_the_page_alone_work_and_the_menu_says_for_whom(page, site_file):
    page.goto(f"{site_file}/chapters/convolution.html{fragment({'stride': 2})}")
    widget = found(page, "SlidingKernel", 2)
    here, code = widget.links()
    assert state_in(here) == {"stride": 2}
    expect(widget.root.locator(".links .note").last).to_contain_text("nowhere but to this device")
    page.goto(re.search('src="([^"]*)"', code)[1])
    assert state_in(found(page, "SlidingKernel").links()[0]) == {"stride": 2}
    page.goto("about:blank")


def test_the_page_on_links_shows_the_code_that_the_menu_copies(page, site):
    """It is written there by hand; with another address it is the same."""
    page.goto(f"{site}/chapters/links.html")
    shown = page.locator("pre", has_text="<iframe").text_content().strip()
    page.goto(f"{site}/chapters/convolution.html{fragment({'stride': 2})}")
    _, code = found(page, "SlidingKernel", 2).links()
    plain = " ".join(code.split()).replace(site, "https://...")
    assert " ".join(shown.split()) == plain
    page.goto("about:blank")


def test_every_class_of_the_book_and_every_chapter_s_widgets_have_a_file(book):
    folder = book / "_static" / "widgets" / "alone"
    names = {file.stem for file in folder.iterdir()}
    assert {one.__name__ for one in CLASSES} <= names
    assert {f"in_{chapter}" for chapter, _, _ in CHANGES.values()} <= names
    offline = json.loads((book / "offline.json").read_text("utf-8"))
    assert {"widget.html", "_static/widgets/links.js"} <= set(offline)
    assert {f"_static/widgets/alone/{name}.js" for name in names} <= set(offline)
