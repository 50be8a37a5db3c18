"""Playground: its traits in Python, and building, training and breaking a network in the page."""

import base64
import contextlib
import io
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import traitlets
from playwright.sync_api import expect

import cnnlib
from cnnlib.widgets import Playground
from cnnlib.widgets.playground import PRESETS, SHAPES, chances, first_network
from tests.browser import OnPage, visit

pytest_plugins = ["tests.browser"]
CHAPTER = Path(__file__).parents[1] / "chapters" / "playground.ipynb"
DIGIT = [0] * 30 + [16, 8, 4, 0] + [0] * 30


# --- Python ---


def test_a_network_has_the_numbers_of_its_layers_and_the_usual_settings():
    widget = Playground([{"kind": "Conv2d", "out_channels": 3}, "Flatten", {"kind": "Linear"}])
    assert widget.layers[0]["kernel_size"] == 3
    assert widget.layers[2] == {"kind": "Linear", "out_features": 10}
    assert Playground(settings={"lr": 0.3}).settings == {**widget.settings, "lr": 0.3}
    assert [row.output_shape for row in cnnlib.summary(widget.network, (1, 8, 8))] == [
        (3, 6, 6),
        (3 * 6 * 6,),
        (10,),
    ]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("data", SHAPES)
def test_every_preset_can_be_built_for_both_kinds_of_images(name, data):
    layers, shape = PRESETS[name], SHAPES[data]
    assert first_network(layers, 2, shape)(np.zeros((4, *shape), np.float32)).shape == (4, 10)


def test_the_first_weights_follow_from_the_seed_and_zero_ones_are_zero():
    one, same, other = (Playground(seed=seed).network for seed in (3, 3, 4))
    first, again, third = (net.parameters()[0].data for net in (one, same, other))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, third)
    assert np.abs(first).max() <= 1 / 3  # one over the root of 1·3·3 products
    assert not any(
        p.data.any() for p in Playground(settings={"zero_weights": True}).network.parameters()
    )


def test_numbers_by_chance_are_spread_over_0_to_1():
    numbers = chances(20_000, 5, 1)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert abs(numbers.mean() - 1 / 2) < 4 * (1 / 12 / 20_000) ** 0.5
    assert len(set(numbers[:100]) & set(chances(100, 5, 2))) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layers": ["Conv3d"]}, "layers has the kind 'Conv3d'; expected"),
        ({"layers": [{"kind": "Linear", "out_features": 0}]}, "Linear: out_features is 0"),
        ({"layers": [{"kind": "Dropout", "p": 1}]}, "Dropout: p is 1; expected"),
        ({"layers": [{"kind": "Residual", "layers": []}]}, r"Residual: layers is \[\]; expected"),
        ({"settings": {"lr": 0}}, "settings: lr is 0; expected more than 0"),
        ({"settings": {"rate": 1}}, "settings: rate is unknown; expected optimizer"),
        ({"settings": {"optimizer": "sgdd"}}, "settings: optimizer is 'sgdd'; expected one of"),
        ({"settings": {"batch_size": 1.5}}, "settings: batch_size is 1.5; expected a whole"),
        ({"settings": {"images": 1298}}, "settings: images is 1298; expected .* at most 1297"),
        ({"settings": {"shuffled_pixels": 1}}, "shuffled_pixels is a int; expected True or False"),
        ({"drawings": [{"pixels": DIGIT, "label": 10}]}, "drawings: label is 10; expected 0 to 9"),
        ({"drawings": [{"pixels": DIGIT[1:], "label": 1}]}, "pixels is no list of 64 numbers"),
    ],
)
def test_a_value_that_is_not_possible_is_refused_in_a_sentence(given, message):
    with pytest.raises(traitlets.TraitError, match=message):
        Playground(**given)


def test_a_stack_that_does_not_fit_is_told():
    widget = Playground([{"kind": "Conv2d", "kernel_size": 9}])
    assert "the kernel extends over 9 rows" in repr(widget)
    with pytest.raises(ValueError, match="the kernel extends over 9 rows"):
        _ = widget.network


def test_repr_states_the_layers_the_data_and_what_is_not_usual():
    text = repr(
        Playground(data="places", settings={"shift": 1}, drawings=[{"pixels": DIGIT, "label": 7}])
    )
    assert text.startswith("Playground: places 1×16×16, 1 drawings, optimizer sgd, lr ")
    assert ", shift 1\n" in text
    assert "8×16×16" in text


@pytest.fixture(autouse=True)
def patience():
    """On a busy machine networks learn slowly."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


# --- the chapter ---


def outputs(number):
    """What the cell of the chapter with this id has printed."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    return "".join(one.get("text", "") for c in cells if c.id == number for one in c.outputs)


def losses(text):
    return re.findall(r"^batch \d+: loss (\S+)$", text, re.MULTILINE)


def test_cnnlib_and_pytorch_print_the_same_in_the_chapter():
    ours, theirs = outputs("as-cnnlib"), outputs("as-torch")
    assert ours == theirs
    assert len(losses(ours)) == 10


# --- the built page ---

REACHED = """count => {
  const text = document.querySelector(".playground .where").textContent;
  return (/batch (\\d+)/.exec(text)?.[1] ?? -1) >= count;
}"""
BETTER = """share => {
  const text = document.querySelector(".playground .headline strong").textContent;
  return parseFloat(text) > share;
}"""


class Page(OnPage):
    chapter, selector = "playground", ".playground"

    def __init__(self, page, site):
        super().__init__(page, site)
        self.root.locator(".where").get_by_text("epoch").wait_for()  # the worker has answered

    def tab(self, name):
        self.root.get_by_role("tab", name=name, exact=True).click()

    @property
    def right(self):
        """The share of the held-out digits that are right."""
        return float(self.root.locator(".headline strong").inner_text().rstrip("%"))

    @property
    def batches(self):
        return int(re.search(r"batch (\d+)", self.where)[1])

    def wait_for_batches(self, count):
        self.page.wait_for_function(REACHED, arg=count, timeout=60_000)

    def code(self, title):
        self.tab("Code")
        box = self.root.locator("details.code", has_text=title)
        box.locator("summary").click()
        return box.locator("code").inner_text()

    @property
    def losses(self):
        self.tab("Code")
        return self.text(".losses").split(":")[1].split()


@pytest.fixture
def play(page, site):
    return Page(page, site)


def test_it_plays_until_the_held_out_digits_are_read_and_can_be_paused(play):
    assert play.right < 40
    play.press("Play")
    play.page.wait_for_function(BETTER, arg=60, timeout=90_000)
    play.press("Pause")
    play.root.get_by_role("button", name="Play", exact=True).wait_for()
    play.page.wait_for_timeout(300)
    before = play.batches
    play.page.wait_for_timeout(500)
    assert play.batches == before
    labels = play.root.locator(".chart").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert re.match(r"Loss after \d+ epochs: training \d\.\d+, held out \d\.\d+\.", labels[0])
    assert re.match(r"Share right after \d+ epochs: training \d\d\.\d%, held out \d\d", labels[1])
    assert re.search(r"Epoch \d+: \d\d\.\d% of the held-out digits are right", play.said)
    play.press("Start again")
    expect(play.root.locator(".where")).to_contain_text("epoch 0, batch 0")
    assert play.right < 40


def test_batches_and_epochs_are_taken_one_by_one(play):
    play.press("One batch")
    play.press("One batch")
    play.wait_for_batches(2)
    play.press("One epoch")
    expect(play.root.locator(".where")).to_contain_text("epoch 1, batch 41")
    play.press("Reset")
    expect(play.root.locator(".where")).to_contain_text("epoch 0, batch 0")


def test_the_page_cnnlib_and_pytorch_have_the_same_first_losses(play):
    for n in range(1, 11):
        play.press("One batch")
        play.wait_for_batches(n)
    assert play.losses == losses(outputs("as-cnnlib"))


@pytest.mark.parametrize("title", ["cnnlib", "PyTorch"])
def test_the_program_of_a_changed_network_prints_the_pages_losses(play, title):
    play.choose("Network", "with batch normalization")
    play.tab("Train")
    play.choose("Optimizer", "adam")
    play.choose("Learning rate", "0.01")
    play.choose("Schedule", "cosine")
    play.press("New weights")
    play.press("Start again")
    for n in range(1, 4):
        play.press("One batch")
        play.wait_for_batches(n)
    program = re.sub(r"(EPOCHS = \d+, \d+, )\d+", r"\g<1>1", play.code(title))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(program, {})
    assert losses(printed.getvalue())[:3] == play.losses


def test_a_layer_is_changed_moved_added_and_removed(play):
    def names():
        texts = play.root.locator("button.card .card-name").all_inner_texts()
        return [text.replace("\u200b", "") for text in texts]

    assert names()[:3] == ["Conv2d 3×3", "ReLU", "MaxPool2d 2×2"]
    play.root.locator("button.card").first.click()
    field = play.root.get_by_role("spinbutton", name="filters")
    field.fill("5")
    field.press("Enter")
    expect(play.root.locator("button.card .card-shape").first).to_have_text("5×8×8")
    total = 5 * 9 + 5 + 16 * 5 * 9 + 16 + 64 * 32 + 32 + 32 * 10 + 10
    assert f"{total:,} parameters" in play.text(".totals")
    play.press("Later →")
    assert names()[:3] == ["ReLU", "Conv2d 3×3", "MaxPool2d 2×2"]
    play.press("Remove")
    assert names()[:2] == ["ReLU", "MaxPool2d 2×2"]
    play.choose("Layer to add", "Tanh")
    play.press("Add layer")
    assert "Tanh" in names()
    play.press("Reset")
    assert names()[:3] == ["Conv2d 3×3", "ReLU", "MaxPool2d 2×2"]


def test_a_number_that_is_refused_gives_way_to_the_last_one_that_was_not(play):
    play.root.locator("button.card").first.click()
    field = play.root.get_by_role("spinbutton", name="filters")
    for text in ("5", "-1", "", "1e99", "1.5"):
        field.fill(text)
        field.press("Enter")
        expect(field).to_have_value("5")
    assert play.error == "filters: expected a whole number from 1 to 256."
    assert play.text(".editor .part-title") == "Layer 0: Conv2d(1, 5, 3, padding=1)"


def test_a_network_too_large_for_a_page_is_told_and_one_that_nobody_waits_for_is_ended(play):
    play.root.locator("button.card").first.click()
    play.root.get_by_role("spinbutton", name="padding").fill("100")
    play.root.get_by_role("spinbutton", name="padding").press("Enter")
    assert play.text(".misfit").startswith("A page is too slow for ")
    play.press("Reset")
    expect(play.root.locator(".where")).to_contain_text("epoch 0")
    for place, filters in ((0, "100"), (3, "256")):
        play.root.locator("button.card").nth(place).click()
        play.root.get_by_role("spinbutton", name="filters").fill(filters)
        play.root.get_by_role("spinbutton", name="filters").press("Enter")
    with play.page.expect_worker():
        play.press("Reset")
    expect(play.root.locator(".where")).to_contain_text("epoch 0")


def test_an_impossible_stack_says_why_and_does_not_train(play):
    expect(play.root.locator(".answer-card .card-name")).to_contain_text("says")
    play.root.locator("button.card").nth(3).click()
    field = play.root.get_by_role("spinbutton", name="kernel")
    field.fill("7")
    field.press("Enter")
    sentence = "Layer 3: Conv2d: the kernel extends over 7 rows, "
    sentence += "what comes in has only 6 with its padding."
    assert play.text(".misfit") == sentence
    assert play.root.get_by_role("button", name="Play", exact=True).is_disabled()
    assert play.text(".answer-card .card-name") == "no answer"
    play.tab("Draw")
    assert play.text(".drawn-answer") == "The layers do not fit, so no network answers."
    play.tab("Build")
    field.fill("5")
    field.press("Enter")
    assert play.text(".misfit") == ""
    expect(play.root.locator(".answer-card .card-name")).to_contain_text("says")
    play.root.get_by_role("button", name="One batch").click()
    play.wait_for_batches(1)
    play.press("Remove")
    for _ in range(3):
        play.root.locator("button.card").last.focus()
        play.page.keyboard.press("Delete")
    assert "expected 10" in play.text(".misfit")


def test_a_learning_rate_that_is_too_large_ends_in_nan_and_can_be_mended(play):
    play.tab("Break it")
    play.press("Learning rate too large")
    stopped = play.root.locator(".stopped")
    expect(stopped).to_contain_text("The loss is nan in epoch 1")
    play.root.get_by_role("button", name="Play", exact=True).wait_for()
    assert "Broken: Learning rate too large." in play.text(".look-for")
    play.press("Mend it")
    expect(stopped).to_be_empty()
    play.press("One batch")
    play.wait_for_batches(1)
    assert float(play.losses[0]) < 3


def test_zero_weights_learn_nothing_but_the_last_bias(play):
    play.tab("Break it")
    play.press("Zero first weights")
    play.wait_for_batches(41)
    play.press("Pause")
    assert all(2.2 < float(loss) < 2.5 for loss in play.losses)
    play.tab("Inside")
    rows = play.root.locator(".sizes tbody tr", has_text="Linear").all_inner_texts()
    assert all(row.split()[2:4] == ["0", "0"] for row in rows), rows


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("No activation", "ReLU"),
        ("Shuffled pixels", None),
        ("Wrong labels", None),
        ("Ten images only", None),
    ],
)
def test_the_other_ways_to_break_it_play_and_keep_what_was_there(play, name, says):
    play.press("One epoch")
    expect(play.root.locator(".where")).to_contain_text("epoch 1, batch 41")
    play.tab("Break it")
    play.press(name)
    play.wait_for_batches(3)
    play.press("Pause")
    assert play.root.locator(".curve-kept.kept-0").count() >= 2  # in both charts
    cards = " ".join(play.root.locator("button.card").all_inner_texts())
    if says:
        assert says not in cards
    if name == "Wrong labels":
        play.tab("Data")
        play.root.locator(".digits .wrong").first.wait_for()
    if name == "Ten images only":
        play.tab("Data")
        expect(play.root.locator(".digits > span")).to_have_count(10)
    play.tab("Break it")
    play.press("Mend it")
    assert "ReLU" in " ".join(play.root.locator("button.card").all_inner_texts())


def draw(play, points):
    play.tab("Draw")
    pad = play.root.get_by_role("application", name="Drawing pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    play.page.mouse.move(*places[0])
    play.page.mouse.down()
    for place in places[1:]:
        play.page.mouse.move(*place, steps=6)
    play.page.mouse.up()


def test_a_drawn_digit_is_answered_and_added_to_a_class(play):
    play.press("Play")
    play.page.wait_for_function(BETTER, arg=85, timeout=120_000)
    play.press("Pause")
    draw(play, [(0.5, 0.1), (0.5, 0.9)])
    answer = play.root.locator(".drawn-answer")
    expect(answer).to_contain_text(re.compile(r"The network says \d: [\d.]+%"))
    digit = re.search(r"says (\d)", answer.inner_text())[1]  # a 1, if it has learned enough
    assert f"says {digit}" in play.root.locator(".answer-card").inner_text()
    play.choose("It is a", "7")
    play.press("Add it to the images to train on")
    button = play.root.get_by_role("button", name="Take away your 7")
    button.wait_for()
    assert play.said == "Added as a 7."
    play.press("One epoch")
    play.page.wait_for_timeout(200)
    button.click()
    button.wait_for(state="detached")


def test_a_drawn_digit_stays_when_the_canvas_becomes_another(play):
    draw(play, [(0.5, 0.1), (0.5, 0.9)])
    answer = play.root.locator(".drawn-answer")
    expect(answer).to_contain_text(re.compile(r"says \d: [\d.]+%"))
    for data in ("places", "digits"):
        play.tab("Data")
        play.choose("Images", data)
        play.tab("Draw")
        play.page.wait_for_timeout(300)
        expect(answer).to_contain_text(re.compile(r"says \d: [\d.]+%"))


def test_there_is_room_for_200_drawings(play, page, site):
    state = [PRESETS["dense only"], "digits", {}, 0, 1, [{"pixels": DIGIT, "label": 3}] * 200]
    layers = [Playground(state[0]).layers, *state[1:]]
    link = base64.urlsafe_b64encode(json.dumps(layers).encode()).decode().rstrip("=")
    page.evaluate("link => { location.hash = `#playground-${link}`; }", link)
    draw(play, [(0.5, 0.1), (0.5, 0.9)])
    play.press("Add it to the images to train on")
    assert play.error == "There is room for 200 digits of your own: take one away first."
    play.root.get_by_role("button", name="Take away your 3").last.click()
    play.press("Add it to the images to train on")
    assert play.root.get_by_role("button", name="Take away your").count() == 200
    page.goto("about:blank")


def test_dropout_is_chosen_while_it_plays_and_the_training_goes_on(play):
    play.press("Play")
    play.wait_for_batches(50)
    play.tab("Train")
    play.choose("Dropout", "0.25")
    play.wait_for_batches(play.batches + 20)
    expect(play.root.locator("button.card", has_text="Dropout")).to_have_count(1)
    play.press("Pause")
    assert play.batches > 50


# It leaves the page, as where another slide is shown, and comes back when it has paused.
AWAY = """async (root) => {
  const place = root.parentElement;
  root.remove();
  for (let n = 0; n < 200 && root.querySelector(".play").ariaLabel !== "Play"; n++)
    await new Promise(requestAnimationFrame);
  place.append(root);
}"""


def test_where_nobody_sees_it_it_pauses_and_nothing_learned_is_lost(play):
    play.press("Play")
    play.wait_for_batches(5)
    before = play.batches
    play.root.evaluate(AWAY)
    play.press("One batch")
    play.wait_for_batches(before + 1)


def test_runs_are_kept_and_several_seeds_are_told_with_their_spread(play):
    play.tab("Compare")
    assert play.root.get_by_role("button", name="Keep this run").is_disabled()
    play.choose("Seeds at once", "3")
    play.press("One epoch")
    sentence = play.root.locator(".seeds")
    expect(sentence).to_contain_text("After 1 epoch, 3 seeds")
    mean, low, high = map(float, re.findall(r"([\d.]+)%", sentence.inner_text()))
    assert low <= mean <= high and low < high
    play.press("Keep this run")
    row = play.root.locator(".kept-runs tbody tr")
    assert row.inner_text().split()[:4] == ["LeNet-like,", "3", "seeds", "1"]
    expect(play.root.locator("polyline.curve-kept")).to_have_count(2)
    play.press("Drop the run LeNet-like, 3 seeds")
    expect(play.root.locator("polyline.curve-kept")).to_have_count(0)


OTHER_LINKS = {
    "unknown kind": [{"kind": "ReLU(), print"}, {"kind": "Flatten"}],
    "no number": [{"kind": "Flatten"}, {"kind": "Linear", "out_features": "10"}],
    "not whole": [{"kind": "Flatten"}, {"kind": "Linear", "out_features": 9.5}],
    "unknown number": [{"kind": "Flatten", "start": 1}, {"kind": "Linear", "out_features": 10}],
    "from the prototype": [{"kind": "constructor"}],
    "no list": {"kind": "Flatten"},
    "too heavy": [
        *[{"kind": "Conv2d", "out_channels": 1024, "kernel_size": 5, "stride": 1, "padding": 2,
           "dilation": 1, "groups": 1}] * 2,
        {"kind": "Flatten"}, {"kind": "Linear", "out_features": 10},
    ],
    "too many": [{"kind": "ReLU"}] * 70,
}  # fmt: skip


def test_a_hostile_link_changes_nothing(play, page, site):
    code = play.root.locator(".code code").first.text_content()
    for name, layers in OTHER_LINKS.items():
        state = json.dumps([layers, "digits", {}, 0, 1, []]).encode()
        link = base64.urlsafe_b64encode(state).decode().rstrip("=")
        page.goto("about:blank")
        page.goto(f"{site}/chapters/playground.html#playground-{link}")
        note = page.locator(".link-note")
        expect(note, name).to_contain_text(re.compile("This link cannot be shown|Not brought back"))
    assert play.root.locator(".code code").first.text_content() == code
    page.goto("about:blank")


# Made by the first version of the book, when links were the Playground's alone.
OLD_LINK = [
    [{"kind": "Flatten"}, {"kind": "Linear", "out_features": 10}],
    *("digits", {"lr": 0.2, "images": 300}, 3, 2, [{"pixels": DIGIT, "label": 3}]),
]


def test_a_link_of_the_first_version_brings_everything_back(play, page, site):
    link = base64.urlsafe_b64encode(json.dumps(OLD_LINK).encode()).decode().rstrip("=")
    page.goto("about:blank")
    page.goto(f"{site}/chapters/playground.html#playground-{link}")
    expect(page.locator(".link-note")).to_contain_text("This shows what the link holds.")
    expect(play.root).to_be_in_viewport()
    expect(play.root.locator("button.card")).to_have_count(2)
    play.tab("Train")
    expect(play.root.get_by_role("combobox", name="Learning rate")).to_have_value("0.2")
    expect(play.root.get_by_role("combobox", name="Batch size")).to_have_value("32")
    play.tab("Draw")
    expect(play.root.get_by_role("button", name="Take away your 3")).to_have_count(1)
    page.goto("about:blank")
    page.goto(f"{site}/chapters/playground.html#playground-{link[:-9]}")
    expect(page.locator(".link-note")).to_contain_text("This link cannot be read.")
    page.goto("about:blank")


def test_drawings_of_a_link_that_are_none_are_refused(play, page, site):
    for drawing in (None, {"pixels": 64, "label": 3}, {"pixels": [17] * 64, "label": 3}):
        state = [*OLD_LINK[:-1], [drawing]]
        link = base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")
        page.goto("about:blank")
        page.goto(f"{site}/chapters/playground.html#playground-{link}")
        expect(page.locator(".link-note")).to_contain_text("This link cannot be shown.")
        expect(play.root.locator("button.card")).to_have_count(10)
    page.goto("about:blank")


def link_of(play):
    play.root.get_by_role("button", name="Link to this, embed this").click()
    return play.root.locator(".links .link").first.text_content()


def test_a_link_is_followed_in_the_open_page(play, page):
    play.choose("Network", "residual")
    link = link_of(play)
    play.choose("Network", "dense only")
    network = play.root.get_by_role("combobox", name="Network")
    page.evaluate("link => { location.href = link; }", link)
    expect(network).to_have_value("residual")
    play.choose("Network", "dense only")
    page.go_back()
    expect(network).to_have_value("dense only")
    page.go_forward()
    expect(network).to_have_value("residual")
    page.goto("about:blank")


def test_what_was_learned_is_in_no_link_and_the_menu_says_so(play, page):
    play.press("One epoch")
    play.root.locator(".where").get_by_text("epoch 1").wait_for()
    assert link_of(play).endswith("#w1/Playground/1/")
    expect(play.root.locator(".links .note")).to_have_text(
        "Not in the link, because it is large: what the networks have learned."
    )
    page.goto("about:blank")


def test_any_number_inside_has_its_sum(play):
    play.tab("Inside")
    total = play.root.locator(".trace .sum strong")
    total.wait_for()
    assert play.text(".trace .part-title").startswith("network[0] Conv2d 3×3, map 0")
    window, kernel = (np.array(play.numbers(name)) for name in ("Window", "Kernel"))
    bias = float(re.search(r"\+ \(?([-−\d.]+)\)? = [-−\d.]+$", play.sum)[1].replace("−", "-"))
    value = float(total.inner_text().replace("−", "-"))
    assert value == pytest.approx((window * kernel).sum() + bias, abs=0.05)
    play.root.get_by_role("slider", name="Map").fill("5")
    assert "map 5" in play.text(".trace .part-title")
    play.root.locator("button.card").nth(9).click()
    assert play.text(".trace .part-title").startswith("network[9] Linear")
    play.press("Image →")
    expect(play.root.locator(".controls", has_text="held-out image 1")).to_be_visible()


def test_mistakes_are_counted_and_lead_inside(play):
    play.press("One epoch")
    expect(play.root.locator(".where")).to_contain_text("epoch 1, batch 41")
    play.tab("Mistakes")
    expect(play.root.locator(".wrong-images button").first).to_be_visible()
    cells = play.root.locator(".confusions td").all_inner_texts()
    assert sum(int(cell or 0) for cell in cells) == 500
    right = sum(
        int(cell or 0) for cell in play.root.locator(".confusions td.right").all_inner_texts()
    )
    assert right / 5 == pytest.approx(play.right)
    wrong = play.root.locator(".wrong-images button").first
    label = wrong.get_attribute("aria-label")
    wrong.click()
    is_, called = re.match(r"A (\d), called (\d)", label).groups()
    expect(play.root.locator(".answer-card .card-name")).to_have_text(f"says {called}, is {is_}")


def test_the_keys_do_all_of_it(play, page):
    play.root.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("Enter")
    play.wait_for_batches(2)
    page.keyboard.press("Enter")
    play.root.get_by_role("tab", name="Build").focus()
    page.keyboard.press("ArrowRight")
    expect(play.root.get_by_role("tab", name="Data")).to_be_focused()
    page.keyboard.press("End")
    assert play.root.get_by_role("tab", name="Code").get_attribute("aria-selected") == "true"
    page.keyboard.press("Home")
    cards = play.root.locator("button.card")
    cards.first.focus()
    page.keyboard.press("ArrowRight")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("Alt+ArrowRight")
    assert "Pool2d" in cards.nth(1).inner_text()
    page.keyboard.press("Delete")
    assert cards.count() == 9
    play.tab("Inside")
    play.root.get_by_role("slider", name="Map").focus()
    page.keyboard.press("Space")  # where nothing else takes it, it plays
    play.root.get_by_role("button", name="Pause", exact=True).wait_for()
    play.press("Pause")


def test_the_focus_stays_in_the_widget_when_what_had_it_goes(play, page):
    def has_focus(name, role="button"):
        expect(play.root.get_by_role(role, name=name, exact=True)).to_be_focused()

    play.root.locator("button.card").first.click()
    play.root.get_by_role("button", name="Later →").focus()
    for _ in range(9):
        page.keyboard.press("Enter")
    assert "Layer 9: Conv2d" in play.text(".editor .part-title")
    has_focus("← Earlier")
    play.press("Reset")
    play.tab("Mistakes")
    play.root.locator(".wrong-images button").first.focus()
    page.keyboard.press("Enter")
    has_focus("Inside", "tab")
    play.press("One batch")
    play.press("One epoch")
    expect(play.root.locator(".where")).to_contain_text("epoch 1, batch 41")
    play.tab("Break it")
    play.press("Zero first weights")
    play.root.get_by_role("button", name="Mend it").focus()
    page.keyboard.press("Enter")
    has_focus("Zero first weights")
    play.tab("Compare")
    play.root.get_by_role("button", name="Drop the run LeNet-like").focus()
    page.keyboard.press("Enter")
    expect(play.root.locator(".kept-runs")).to_be_hidden()
    expect(play.root.get_by_role("combobox", name="Seeds at once")).to_be_focused()
    for _ in range(2):
        draw(play, [(0.5, 0.1), (0.5, 0.9)])
        play.press("Add it to the images to train on")
    play.root.get_by_role("button", name="Take away your 0").first.focus()
    page.keyboard.press("Enter")
    has_focus("Take away your 0")
    page.keyboard.press("Enter")
    expect(play.root.get_by_role("application", name="Drawing pad")).to_be_focused()


def test_on_a_phone_the_reason_is_seen_where_a_layer_is_changed(phone, site):
    play = Page(phone, site)
    play.root.locator("button.card").last.tap()
    field = play.root.get_by_role("spinbutton", name="outputs")
    for text, part in (("-1", ".error"), ("9", ".misfit")):
        field.tap()
        field.fill(text)
        field.press("Enter")
        expect(play.root.locator(part)).not_to_be_empty()
        expect(play.root.locator(part)).to_be_in_viewport(ratio=1)


def test_a_phone_shows_play_the_share_right_and_the_curves_on_its_first_screen(phone, site):
    play = Page(phone, site)
    play.root.evaluate("one => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    top = play.root.bounding_box()["y"]
    for part in (".play", ".headline strong", ".curves"):
        box = play.root.locator(part).bounding_box()
        assert box["y"] + box["height"] - top < 700, part
    names = play.root.get_by_role("tab").all_inner_texts()
    for name in names:
        play.root.get_by_role("tab", name=name, exact=True).tap()
        assert phone.evaluate("document.documentElement.scrollWidth") == 390, name
    play.root.get_by_role("button", name="Play", exact=True).tap()
    play.wait_for_batches(5)
    play.root.get_by_role("button", name="Pause", exact=True).tap()


def test_axe_finds_nothing_wrong(play, axe_faults):
    faults = {}
    for name in play.root.get_by_role("tab").all_inner_texts():
        play.tab(name)
        play.page.wait_for_timeout(200)
        if found := axe_faults(play.root):
            faults[name] = found
    assert faults == {}


def test_without_a_worker_the_page_trains(open_page, site):
    page = open_page()
    page.add_init_script("delete globalThis.Worker")
    play = Page(page, site)
    play.press("One batch")
    play.wait_for_batches(1)
    assert len(play.losses) == 1


def test_where_a_page_allows_no_script_it_is_said(open_page, site):
    page = open_page()
    page.add_init_script(
        "delete globalThis.Worker; globalThis.Function = () => { throw new EvalError(); }"
    )
    visit(page, f"{site}/chapters/playground.html")
    page.locator(".playground").scroll_into_view_if_needed()
    expect(page.locator(".playground .stopped")).to_contain_text("allows no script")
    page.locator(".playground").get_by_role("button", name="Play", exact=True).click()


def test_it_trains_from_disk(open_page, site_file):
    play = Page(open_page(), site_file)
    play.press("One batch")
    play.wait_for_batches(1)
    assert float(play.losses[0]) == pytest.approx(2.3, abs=0.1)


def test_what_python_sets_is_trained_and_what_is_measured_comes_back(page, site):
    """The widget with a model of its own, as a kernel's would be."""
    visit(page, f"{site}/chapters/playground.html")
    page.locator(".playground").first.wait_for()
    widget = Playground(PRESETS["dense only"], settings={"images": 50})
    foreign = {"layout", "tabbable", "tooltip"}
    names = [name for name in widget.traits(sync=True) if name[0] != "_" and name not in foreign]
    page.evaluate(
        """async ([script, state]) => {
            const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
            const { default: made } = await import(url);
            const listeners = new Set();
            globalThis.state = state;
            globalThis.model = {
              get: (name) => state[name], save_changes() {},
              set(name, value) {
                if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
                state[name] = value;
                for (const one of listeners) one();
              },
              on: (_, listener) => listeners.add(listener),
              off: (_, listener) => listeners.delete(listener),
            };
            const el = document.createElement("div");
            el.id = "made";
            document.querySelector("article").prepend(el);
            globalThis.close = made.render({ model, el });
        }""",
        [Playground._esm, {name: widget.get_state(name)[name] for name in names}],
    )
    made = page.locator("#made")
    made.locator(".where").get_by_text("epoch").wait_for()
    made.get_by_role("button", name="One epoch").click()
    expect(made.locator(".where")).to_contain_text("epoch 1, batch 2")
    page.wait_for_function("state.history.length === 2")
    widget.history = page.evaluate("state.history")
    first, last = widget.history
    assert (first["loss"], last["epoch"], last["batches"]) == (None, 1, 2)
    assert 0 <= last["validation_accuracy"] <= 1
    page.evaluate("model.set('seed', 9)")
    expect(made.locator(".where")).to_contain_text("epoch 0, batch 0")
    assert json.dumps(page.evaluate("state.layers")) == json.dumps(widget.layers)
    page.evaluate("close()")
    assert page.locator("#made *").count() == 0
