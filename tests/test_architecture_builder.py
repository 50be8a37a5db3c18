"""ArchitectureBuilder: its traits, its arithmetic against cnnlib and torch, its page."""

from pathlib import Path

import pytest
import torch
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib.widgets import ArchitectureBuilder
from cnnlib.widgets import architecture_builder as module
from tests.browser import OnPage, allow_clipboard

pytest_plugins = ["tests.browser"]
MATH = Path(cnnlib.__file__).parent / "widgets" / "shared" / "math"


# --- Python ---


def test_the_default_is_the_network_of_149798_parameters():
    rows = cnnlib.summary(ArchitectureBuilder().network, (1, 28, 28))
    expected = [576 + 64, 73728 + 128, 73728 + 64, 1280 + 20, 200 + 10]
    assert [row.parameters for row in rows if row.parameters] == expected


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("three convolutions", 149798),
        ("two convolutions, padded", 320 + 18496 + 401536 + 1290),
        ("LeNet-5, as built today", 156 + 2416 + 48120 + 10164 + 850),
        ("the worked example", 10 + 15 + 12),
    ],
)
def test_the_presets_are_the_networks_of_the_book(name, total):
    preset = ArchitectureBuilder().presets[name]
    widget = ArchitectureBuilder(**preset)
    rows = cnnlib.summary(widget.network, tuple(widget.input_shape))
    assert sum(row.parameters for row in rows) == total


def test_what_is_left_out_has_its_usual_value():
    widget = ArchitectureBuilder(["Conv2d", {"kind": "MaxPool2d", "kernel_size": 3}])
    assert widget.layers[0]["out_channels"] == 8
    assert widget.layers[1] == {
        "kind": "MaxPool2d",
        "kernel_size": 3,
        "stride": 2,
        "padding": 0,
    }


def test_repr_is_the_table_or_the_reason_why_there_is_none():
    assert repr(ArchitectureBuilder()).endswith(
        repr(cnnlib.summary(ArchitectureBuilder().network, (1, 28, 28)))
    )
    assert repr(ArchitectureBuilder(["ReLU", "Linear"])) == (
        "ArchitectureBuilder: input 1×28×28\nReLU, Linear\n"
        "linear: x has shape (1, 1, 28, 28); expected 1 or 2 axes"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("layers", ["Conv3d"], "layers has the kind 'Conv3d'; expected"),
        (
            "layers",
            [{"kind": "Conv2d", "filters": 3}],
            "Conv2d: filters is unknown; did you mean out_ch",
        ),
        ("layers", [{"kind": "Conv2d", "stride": 0}], "Conv2d: stride is 0; expected at least 1"),
        ("layers", [{"kind": "Linear", "out_features": 1.5}], "Linear: out_features is 1.5; exp"),
        ("layers", [{"kind": "Linear", "out_features": 10**6}], "Linear: out_features is 1000000"),
        ("input_shape", [1, 28], r"input_shape is \[1, 28\]; expected \(channels, rows, col"),
        ("input_shape", [1, 0, 28], "input: input_shape is 0; expected at least 1"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(name, value, message):
    widget = ArchitectureBuilder()
    before = getattr(widget, name)
    with pytest.raises(traitlets.TraitError, match=f"ArchitectureBuilder: {message}"):
        setattr(widget, name, value)
    assert getattr(widget, name) == before


# --- the page's arithmetic ---


@pytest.fixture(scope="module")
def page_script(open_module):
    """A function that evaluates JavaScript with the page's module as `architecture`."""
    page = open_module(MATH / "architecture.js", "architecture")
    return page.evaluate


def test_the_page_and_python_know_the_same_layers(page_script):
    theirs = page_script("architecture.LAYERS")
    assert theirs.keys() == module.KINDS.keys()
    for kind, numbers in module.KINDS.items():
        own = {name: (field["least"], field["value"]) for name, field in theirs[kind].items()}
        assert own == numbers


layers = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("Conv2d"),
            "out_channels": st.sampled_from([1, 2, 4, 6]),
            "kernel_size": st.integers(1, 4),
            "stride": st.integers(1, 3),
            "padding": st.integers(0, 2),
            "dilation": st.integers(1, 2),
            "groups": st.sampled_from([1, 1, 1, 2]),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["MaxPool2d", "AvgPool2d"]),
            "kernel_size": st.integers(1, 3),
            "stride": st.integers(1, 3),
            "padding": st.integers(0, 1),
        }
    ),
    st.sampled_from(["ReLU", "Tanh", "BatchNorm2d", "Dropout"]),
)
heads = st.sampled_from(
    [[], ["Flatten"], ["GlobalAvgPool2d", "Flatten", "Linear"], ["Flatten", "Linear", "ReLU"]]
)


@given(
    body=st.lists(layers, min_size=1, max_size=5),
    head=heads,
    shape=st.tuples(st.integers(1, 4), st.integers(5, 16), st.integers(4, 15)),
    misplaced=st.sampled_from([[], [], [], ["Linear"], ["Flatten"]]),
)
def test_the_page_counts_what_cnnlib_and_torch_count(page_script, body, head, shape, misplaced):
    widget = ArchitectureBuilder([*misplaced, *body, *head], input_shape=list(shape))
    rows = page_script(
        "([layers, shape]) => architecture.summarize(layers, shape)", [widget.layers, shape]
    )
    try:
        network = widget.network
    except ValueError:
        assert any("error" in row for row in rows)
        return
    for row, expected in zip(rows, cnnlib.summary(network, shape), strict=True):
        assert "error" not in row
        assert tuple(row["output"]) == expected.output_shape
        assert row["parameters"] == expected.parameters
        assert row["multiplyAdds"] == expected.multiply_adds
        assert row["bytes"] == expected.activation_bytes
        seen = row["field"] and tuple(row["field"]["seen"])
        assert seen == expected.receptive_field

    code = page_script(
        "([layers, shape]) => [true, false].map((torch) => "
        "architecture.program(architecture.summarize(layers, shape), torch))",
        [widget.layers, shape],
    )
    for text in code:
        names = {}
        exec(text, names)
        parameters = sum(
            p.numel() if isinstance(p, torch.Tensor) else p.data.size
            for p in names["model"].parameters()
        )
        assert parameters == sum(row["parameters"] for row in rows)
        if "nn" in names:
            output = names["model"].eval()(torch.zeros(1, *shape))
            assert output.shape[1:] == tuple(rows[-1]["output"])


# --- the built page ---


class Builder(OnPage):
    chapter, selector = "counting", ".builder"

    @property
    def names(self):
        return [
            text.replace("\n", " ").split(" ", 1)[-1].lstrip("0123456789")
            for text in self.root.locator("tbody th button").all_inner_texts()
        ]

    def layer(self, number):
        return self.root.locator("tbody th button").nth(number - 1)

    def row(self, number):
        cells = self.root.locator("tbody tr:has(th button)").nth(number - 1).locator("td")
        return cells.all_inner_texts()

    @property
    def total(self):
        return self.root.locator("tfoot td").all_inner_texts()

    def fill(self, label, value):
        self.root.get_by_label(label, exact=True).fill(value)

    def sums(self):
        keys = self.root.locator("dt").all_inner_texts()
        return dict(zip(keys, self.root.locator("dd").all_inner_texts(), strict=True))

    @property
    def wrong(self):
        return " ".join(self.root.locator(".error").all_inner_texts()).strip()


@pytest.fixture
def builder(page, site):
    return Builder(page, site)


def test_the_page_opens_with_the_table_of_the_text(builder):
    assert builder.total == ["", "149,798", "9,975,496", "518.95 KiB", "22×22"]
    assert builder.row(4) == ["128×11×11", "73,856", "8,921,088", "60.5 KiB", "8×8"]


def test_an_open_layer_writes_its_sums_out(builder):
    builder.layer(4).click()
    assert builder.sums() == {
        "rows": "⌊(13 + 0 + 0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 11",
        "parameters": "128·64·3·3 + 128 = 73,728 + 128 = 73,856",
        "multiply-adds": "128·11·11·64·3·3 = 8,921,088",
        "memory": "128·11·11·4 bytes = 61,952 bytes = 60.5 KiB",
        "sees": "4 + 2·2 = 8 rows; neighbors are 2 apart",
    }
    builder.layer(4).click()
    assert builder.root.locator("dl").count() == 0


def test_a_number_that_changes_is_followed_by_all_layers(builder):
    for number in (1, 4, 7):
        builder.layer(number).click()
        builder.fill("padding", "1")
    assert builder.row(10)[0] == str(64 * 3 * 3)
    assert builder.row(11)[1] == f"{64 * 3 * 3 * 20 + 20:,}"
    builder.fill("rows", "32")
    assert builder.row(10)[0] == str(64 * 4 * 3)
    builder.press("Reset")
    assert builder.total[1] == "149,798"


def test_a_number_that_is_none_is_named_and_restored(builder):
    builder.layer(1).click()
    builder.fill("stride", "0")
    assert builder.wrong == "stride: expected a whole number from 1 to 99999."
    assert builder.total[1] == "149,798"
    builder.root.get_by_label("kernel", exact=True).focus()
    assert builder.wrong == ""
    assert builder.root.get_by_label("stride", exact=True).input_value() == "1"


def test_layers_are_added_moved_and_removed(builder):
    builder.layer(1).click()
    builder.choose("Layer to add", "BatchNorm2d")
    builder.press("Add layer")
    assert builder.names[:3] == ["Conv2d(1, 64, 3)", "BatchNorm2d(64)", "ReLU()"]
    assert builder.row(2)[1] == "128"
    builder.press("↓ Down")
    assert builder.names[:3] == ["Conv2d(1, 64, 3)", "ReLU()", "BatchNorm2d(64)"]
    builder.press("Remove")
    assert builder.total[1] == "149,798"


def test_the_keyboard_alone_is_enough(builder, page):
    builder.layer(1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+ArrowUp")
    assert builder.names[:3] == ["Conv2d(1, 64, 3)", "MaxPool2d(2)", "ReLU()"]
    assert "MaxPool2d is now layer 1." in builder.said
    page.keyboard.press("Delete")
    assert len(builder.names) == 12
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    assert builder.names[-1].endswith(", 11)")
    assert builder.root.locator("tbody th button[tabindex='0']").count() == 1


def test_shapes_that_do_not_fit_are_named(builder):
    builder.layer(10).click()
    builder.press("Remove")
    assert builder.wrong == (
        "Layer 9. Linear: expected a row of numbers, what comes in is 64×1×1. "
        "Put Flatten before it."
    )
    assert builder.row(10)[0] == "does not fit"
    assert builder.row(11)[0] == "–"
    builder.press("Reset")
    builder.fill("rows", "12")
    assert "Layer 6. Conv2d: the kernel extends over 3 rows, what comes in has only 1." in (
        builder.wrong
    )
    builder.root.get_by_text("PyTorch code").click()
    assert builder.root.locator("pre").first.inner_text() == "The shapes do not fit yet."


def test_presets_fill_the_stack(builder):
    builder.choose("Network", "LeNet-5, as built today")
    assert builder.total[1] == "61,706"
    builder.choose("Network", "two convolutions, padded")
    assert builder.total[1] == "421,642"
    builder.layer(1).click()
    builder.fill("filters", "16")
    assert builder.root.get_by_role("combobox", name="Network").input_value() == "edited"


def test_the_code_can_be_copied_and_runs(builder, page):
    allow_clipboard(page.context)
    builder.root.get_by_text("PyTorch code").click()
    builder.root.get_by_role("button", name="Copy").first.click()
    builder.root.get_by_text("Copied.").wait_for()
    names = {}
    exec(page.evaluate("navigator.clipboard.readText()"), names)
    assert sum(p.numel() for p in names["model"].parameters()) == 149798


def test_predict_first_asks_layer_by_layer(builder):
    builder.root.get_by_label("Predict first").check()
    assert builder.row(1)[:2] == ["?", "?"]
    assert builder.total[1] == "?"

    def answer(text):
        builder.root.get_by_label("Your prediction").fill(text)
        builder.press("Check")
        return builder.root.locator(".verdict").inner_text()

    assert answer("25").startswith("One more")
    assert answer("26") == "26 is right."
    assert builder.row(1)[:2] == ["64×26×26", "?"]
    builder.press("Next")
    assert answer("576") == "Those are the weights. The biases are missing."
    assert answer("640") == "640 is right."
    builder.press("Next")
    assert answer("13") == "13 is right."
    assert "1 of 3 at the first try" in builder.root.inner_text()
    assert builder.row(3)[0] == "64×13×13"
    assert builder.row(4)[0] == "?"


def test_a_finger_can_build_on_a_phone(phone, site):
    builder = Builder(phone, site)
    builder.layer(4).tap()
    builder.fill("filters", "32")
    assert builder.root.locator(".builder-total").inner_text().startswith("In all: ")
    builder.root.get_by_role("button", name="Remove").tap()
    assert len(builder.names) == 12
    box = builder.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    wide = phone.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_axe_finds_nothing_wrong(page, site, axe_faults):
    builder = Builder(page, site)
    builder.layer(10).click()
    builder.press("Remove")
    builder.layer(1).click()
    builder.root.get_by_label("Predict first").check()
    builder.root.get_by_text("Predict first").hover()
    assert axe_faults(builder.root) == []
