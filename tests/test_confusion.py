"""Confusion: what it refuses, and opening its cells in a browser."""

import base64
import io

import numpy as np
import pytest
import traitlets
from PIL import Image
from playwright.sync_api import expect

from cnnlib.records import cifar10_examples, record
from cnnlib.widgets import Confusion
from tests.browser import OnPage, visit

pytest_plugins = ["tests.browser"]
COUNTS = np.array([[50, 2, 0], [1, 60, 7], [0, 3, 40]])
RUNS = record("mnist")["runs"]


def test_it_opens_at_the_commonest_mistake_and_says_what_it_holds():
    widget = Confusion(COUNTS)
    assert widget.cell == (1, 2)
    assert widget.classes == ["0", "1", "2"]
    right, total = 50 + 60 + 40, 52 + 68 + 43
    assert repr(widget) == f"Confusion: {right} of {total} right, 0 pictures; cell (1, 2): 7"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"counts": COUNTS[:2]}, r"counts has shape \(2, 3\); expected a square of at most 12"),
        ({"counts": np.eye(13, dtype=int)}, r"counts has shape \(13, 13\); expected a square"),
        ({"counts": COUNTS / 2}, "counts holds other numbers; expected whole numbers from 0 on"),
        ({"counts": -COUNTS}, "counts holds other numbers"),
        ({"classes": ["cat", "dog"]}, "classes has 2 names; expected 3"),
        ({"pictures": ["AA=="]}, "pictures has 1 items; expected 0"),
        ({"cell": (0, 3)}, r"cell is \(0, 3\); expected at most 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(traitlets.TraitError, match=f"Confusion: {message}"):
        Confusion(**({"counts": COUNTS} | arguments))


class Matrix(OnPage):
    """The first matrix of the page, and the run it shows."""

    chapter, selector = "mnist", ".confusion"
    run = next(run for run in RUNS if "pictures" in run)
    counts = np.array(run["confusion"])

    def number(self, row, column):
        """The cell of a digit and what it was called: both count from 0."""
        return self.root.locator(f'.number[data-row="{row}"][data-column="{column}"]')

    @property
    def words(self):
        return self.root.locator(".sum").inner_text()

    @property
    def labels(self):
        found = self.root.locator(".pictures canvas")
        return [canvas.get_attribute("aria-label") for canvas in found.all()]

    def expected(self, wanted):
        mistakes = [tuple(mistake) for mistake in self.run["mistakes"]]
        return [f"Image {n}, a {i} called {j}" for n, i, j in mistakes if wanted(i, j)]


@pytest.fixture
def matrix(page, site):
    return Matrix(page, site, 0)


def test_every_cell_shows_its_count(matrix):
    shown = [int(text) for text in matrix.root.locator(".number").all_inner_texts()]
    assert shown == matrix.counts.ravel().tolist()


def test_a_click_opens_a_cell_with_its_shares_and_pictures(matrix):
    wrong = matrix.counts - np.diag(np.diag(matrix.counts))
    row, column = divmod(int(wrong.argmax()), 10)
    matrix.number(row, column).click()
    images, called = matrix.counts[row].sum(), matrix.counts[:, column].sum()
    right, hits = matrix.counts[row, row], matrix.counts[column, column]
    assert f"{wrong[row, column]} of {images:,} images of {row} were called {column}" in (
        matrix.words
    )
    assert f"Row {row}: {right:,}/{images:,} = {round(100 * right / images, 2):g}%" in matrix.words
    assert f"{hits:,}/{called:,} = {round(100 * hits / called, 2):g}%" in matrix.words
    assert matrix.labels == matrix.expected(lambda i, j: (i, j) == (row, column)) != []


def test_a_cell_on_the_diagonal_shows_all_mistakes_of_its_class(matrix):
    matrix.number(9, 9).click()
    assert matrix.labels == matrix.expected(lambda i, j: i == 9) != []


def test_a_picture_has_the_pixels_of_the_record(matrix):
    matrix.number(9, 9).click()
    label = matrix.labels[0]
    place = [f"Image {n}, a {i} called {j}" for n, i, j in matrix.run["mistakes"]].index(label)
    expected = np.frombuffer(base64.b64decode(matrix.run["pictures"][place]), np.uint8)
    drawn = matrix.root.locator(".pictures canvas").first.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0)"
    )
    assert drawn == expected.tolist()


def test_arrow_keys_move_and_what_opens_is_spoken(matrix, page):
    assert matrix.said == ""
    matrix.number(3, 5).click()
    page.keyboard.press("ArrowRight")
    assert matrix.said == matrix.words.split("\n")[0]
    assert "images of 3 were called 6" in matrix.said
    page.keyboard.press("End")
    assert "images of 3 were called 9" in matrix.words


def test_a_finger_opens_a_cell_and_all_fits_a_phone(phone, site):
    matrix = Matrix(phone, site, 0)
    matrix.number(4, 4).tap()
    assert matrix.labels == matrix.expected(lambda i, j: i == 4)
    box = matrix.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_axe_finds_nothing_wrong(matrix, axe_faults):
    matrix.number(9, 9).click()
    assert axe_faults(matrix.root) == []


def test_color_pictures_come_out_of_a_sheet(page, site):
    rows = record("cifar10_examples")["examples"][20:]
    visit(page, f"{site}/chapters/color.html", ".confusion")
    root = page.locator(".confusion")
    cat, dog = 3, 5
    root.locator(f"[data-row='{cat}'][data-column='{dog}']").click()
    (number,) = [i for i, row in enumerate(rows) if (row["label"], row["answer"]) == (cat, dog)]
    square = root.get_by_role("img")
    expect(square).to_have_count(1)
    expect(square).to_have_attribute(
        "aria-label", f"Image {rows[number]['index']}, a cat called dog"
    )
    shown = np.asarray(Image.open(io.BytesIO(square.screenshot())).resize((32, 32)), float)
    images = cifar10_examples().images.transpose(0, 2, 3, 1) * 255
    distances = np.abs(images - shown[..., :3]).mean(axis=(1, 2, 3))
    assert distances.argmin() == 20 + number
