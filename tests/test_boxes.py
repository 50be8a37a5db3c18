"""Boxes: overlap against counted cells, suppression against loops; the widget and its page."""

from pathlib import Path

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

import cnnlib
from cnnlib import widgets
from cnnlib.widgets import Boxes
from tests.browser import OnPage

pytest_plugins = ["tests.browser"]

THREE = np.array([[0.0, 0, 4, 3], [2, 1, 6, 5], [4, 0, 7, 3]])


def test_the_overlap_is_the_cells_of_both_over_the_cells_of_either():
    iou = cnnlib.box_iou(THREE[:2], THREE)
    both, first, second = 2 * 2, 4 * 3, 4 * 4
    np.testing.assert_allclose(iou[0], [1, both / (first + second - both), 0])
    both, third = 2 * 2, 3 * 3
    np.testing.assert_allclose(iou[1, 2], both / (second + third - both))


def test_boxes_inside_and_beside_and_below_each_other():
    inner, outer = np.array([[1.0, 1, 2, 3]]), np.array([[0.0, 0, 5, 4]])
    assert cnnlib.box_iou(inner, outer) == pytest.approx(1 * 2 / (5 * 4))
    for moved in ([5.0, 0, 10, 4], [0.0, 4, 5, 8], [9.0, 9, 14, 13]):
        assert cnnlib.box_iou(outer, np.array([moved])) == 0


boxes_on_a_grid = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6), st.integers(1, 6)),
    min_size=1,
    max_size=6,
).map(lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows], float))


def cells(box):
    """A grid that has 1 in each cell of a box."""
    x1, y1, x2, y2 = box.astype(int)
    grid = np.zeros((14, 14), bool)
    grid[y1:y2, x1:x2] = True
    return grid


@given(boxes_on_a_grid, boxes_on_a_grid)
def test_the_overlap_is_what_counting_cells_gives(one, other):
    counted = [
        [(cells(a) & cells(b)).sum() / (cells(a) | cells(b)).sum() for b in other] for a in one
    ]
    np.testing.assert_allclose(cnnlib.box_iou(one, other), counted)


@given(boxes_on_a_grid, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2, 0.5, 1.0]))
def test_what_is_kept_is_what_loops_keep(boxes, seed, threshold):
    scores = np.random.default_rng(seed).integers(0, 5, len(boxes)) / 4  # some are equal
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        overlaps = [cnnlib.box_iou(boxes[[k]], boxes[[i]])[0, 0] for k in kept]
        if all(overlap <= threshold for overlap in overlaps):
            kept.append(i)
    assert cnnlib.nms(boxes, scores, threshold).tolist() == kept


def test_the_surest_box_stays_and_its_neighbors_go():
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 2, 10, 12]])
    scores = np.array([0.6, 0.9, 0.3, 0.8])
    assert 9 / 11 > 0.7 > 9 * 8 / (200 - 9 * 8)  # of the surest with the first, with the last
    assert cnnlib.nms(boxes, scores, 0.7).tolist() == [1, 3, 2]
    assert cnnlib.nms(boxes, scores, 0.5).tolist() == [1, 2]
    assert cnnlib.nms(boxes, scores, 1).tolist() == [1, 3, 0, 2]


def test_an_overlap_as_large_as_the_threshold_is_allowed():
    boxes = np.array([[0.0, 0, 2, 2], [0, 0, 2, 1]])
    scores = np.array([0.9, 0.8])
    assert cnnlib.box_iou(boxes, boxes)[0, 1] == 2 / 4
    assert cnnlib.nms(boxes, scores, 0.5).tolist() == [0, 1]
    assert cnnlib.nms(boxes, scores, 0.49).tolist() == [0]


def test_a_box_that_was_dropped_drops_none():
    row = np.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4]])  # each overlaps the next
    assert cnnlib.nms(row, np.array([0.9, 0.8, 0.7]), 0.3).tolist() == [0, 2]
    assert cnnlib.nms(row, np.array([0.8, 0.9, 0.7]), 0.3).tolist() == [1]


def test_where_nothing_was_found_nothing_is_kept():
    none = np.zeros((0, 4))
    assert cnnlib.box_iou(none, THREE).shape == (0, 3)
    assert cnnlib.nms(none, np.zeros(0), 0.5).tolist() == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_of_the_numbers_stays(dtype):
    assert cnnlib.box_iou(THREE.astype(dtype), THREE.astype(dtype)).dtype == dtype


def test_average_precision_of_five_answers():
    right = np.array([True, False, True, True, False])
    # Four things: recall 1/4, 1/4, 2/4, 3/4, 3/4 with precision 1, 1/2, 2/3, 3/4, 3/5.
    expected = 1 / 4 * 1 + 1 / 4 * (3 / 4) + 1 / 4 * (3 / 4)
    assert cnnlib.average_precision(right, 4) == pytest.approx(expected)


def test_average_precision_from_nothing_to_all():
    assert cnnlib.average_precision(np.ones(3, bool), 3) == 1
    assert cnnlib.average_precision(np.ones(3, bool), 6) == pytest.approx(1 / 2)
    assert cnnlib.average_precision(np.zeros(3, bool), 2) == 0
    assert cnnlib.average_precision(np.zeros(0, bool), 2) == 0


@given(st.lists(st.booleans(), max_size=20), st.integers(1, 5))
def test_average_precision_is_the_area_under_the_best_that_is_still_to_come(right, missed):
    total, area = sum(right) + missed, 0.0
    for n, hit in enumerate(right):
        if hit:
            area += max(sum(right[:m]) / m for m in range(n + 1, len(right) + 1)) / total
    assert cnnlib.average_precision(np.array(right, bool), total) == pytest.approx(area)


@pytest.mark.parametrize(
    ("boxes", "error", "message"),
    [
        ([[0, 0, 1, 1]], TypeError, "is a list; expected a NumPy array of floats"),
        (np.array([[0, 0, 1, 1]]), TypeError, "is int64; expected a NumPy array of floats"),
        (np.zeros(4), ValueError, r"has shape \(4,\); expected \(N, 4\)"),
        (np.zeros((2, 5)), ValueError, r"has shape \(2, 5\); expected \(N, 4\)"),
        (np.array([[0.0, 0, 0, 1]]), ValueError, r"has \[0.0, 0.0, 0.0, 1.0\]; expected x1 < x2"),
        (np.array([[0.0, 5, 1, 4]]), ValueError, r"has \[0.0, 5.0, 1.0, 4.0\]; expected x1 < x2"),
        (np.array([[0.0, 0, np.nan, 1]]), ValueError, r"has \[0.0, 0.0, nan, 1.0\]; expected"),
    ],
)
def test_what_is_no_box_is_named(boxes, error, message):
    with pytest.raises(error, match=f"box_iou: boxes1 {message}"):
        cnnlib.box_iou(boxes, THREE)
    with pytest.raises(error, match=f"box_iou: boxes2 {message}"):
        cnnlib.box_iou(THREE, boxes)
    with pytest.raises(error, match=f"nms: boxes {message}"):
        cnnlib.nms(boxes, np.ones(1), 0.5)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"scores": [0.5, 0.6, 0.7]}, TypeError, "scores is a list; expected a NumPy array of fl"),
        ({"scores": np.ones(2)}, ValueError, r"scores has shape \(2,\); expected \(3,\)"),
        ({"scores": np.array([1, np.nan, 0])}, ValueError, "scores holds nan; expected numbers"),
        ({"iou_threshold": 1.5}, ValueError, "iou_threshold is 1.5; expected a finite number"),
    ],
)
def test_what_is_no_score_or_no_threshold_is_named(change, error, message):
    given = {"boxes": THREE, "scores": np.ones(3), "iou_threshold": 0.5} | change
    with pytest.raises(error, match=f"nms: {message}"):
        cnnlib.nms(**given)


@pytest.mark.parametrize(
    ("right", "total", "error", "message"),
    [
        ([1, 0], 2, TypeError, "right is int64, shape"),
        (np.ones((2, 1), bool), 2, TypeError, r"right is bool, shape \(2, 1\); expected True"),
        ([True], 0, ValueError, "total is 0; expected at least 1"),
        ([True, True], 1, ValueError, "total is 1; expected at least the 2 that are right"),
    ],
)
def test_what_has_no_average_precision_is_named(right, total, error, message):
    with pytest.raises(error, match=f"average_precision: {message}"):
        cnnlib.average_precision(right, total)


# --- the widget in Python ---

TWO = [[1, 2, 6, 8], [4, 1, 9, 5]]
FIVE = [[1, 1, 6, 9], [2, 2, 6, 9], [2, 1, 7, 10], [8, 3, 13, 10], [7, 4, 13, 11]]
SCORES = [0.7, 0.9, 0.6, 0.8, 0.75]


def suppressing(**traits):
    return Boxes(**({"boxes": FIVE, "scores": SCORES, "shape": (12, 14)} | traits))


def test_two_boxes_have_their_overlap_and_all_of_several_what_is_kept():
    both, first, second = 2 * 3, 5 * 6, 5 * 4
    assert Boxes().iou[0, 1] == pytest.approx(both / (first + second - both))
    assert Boxes().kept == [0, 1]
    assert suppressing().kept == [1, 3]
    assert suppressing(iou_threshold=0.65).kept == [1, 3, 4, 2]


def test_repr_states_the_boxes_and_what_comes_out():
    assert repr(Boxes(TWO)) == f"Boxes on 10x10 cells: {TWO}\nIoU {6 / 44:.4f}"
    assert repr(suppressing()).splitlines() == [
        f"Boxes on 12x14 cells: {FIVE}",
        f"scores {SCORES}, iou_threshold=0.5, kept B, D",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": np.ones((2, 3))}, r"boxes has shape \(2, 3\); expected 2 to 6 rows of 4"),
        ({"boxes": TWO * 4}, r"boxes has shape \(8, 4\); expected 2 to 6 rows of 4"),
        ({"boxes": FIVE[:4]}, "scores has 5 numbers; expected 4, one for each box"),
        ({"boxes": [[0, 0, 1.5, 2]] * 5}, r"boxes has \[0.0, 0.0, 1.5, 2.0\]; expected whole"),
        ({"boxes": [[3, 0, 3, 2]] * 5}, r"boxes has \[3, 0, 3, 2\]; expected whole numbers, 0 <="),
        ({"boxes": [[-1, 0, 3, 2]] * 5}, r"boxes has \[-1, 0, 3, 2\]; expected whole numbers"),
        ({"boxes": [[1, 2, 15, 4]] * 5}, "boxes reach to 15 and 4; expected at most 14 and 12"),
        ({"boxes": [[1, 2, 4, 13]] * 5}, "boxes reach to 4 and 13; expected at most 14 and 12"),
        ({"scores": []}, "boxes has 5 rows; expected 2 where there are no scores"),
        ({"scores": [0.5] * 4 + [1.5]}, "scores has 1.5; expected numbers from 0 to 1"),
        ({"shape": (12, 15)}, r"shape is \(12, 15\); expected 2 to 14 rows and columns"),
        ({"shape": (9, 14)}, "boxes reach to 13 and 11; expected at most 14 and 9"),
        ({"iou_threshold": 1.2}, "iou_threshold is 1.2; expected a number from 0 to 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    with pytest.raises(traitlets.TraitError, match=f"Boxes: {message}"):
        suppressing(**change)
    widget = suppressing()
    ((name, value),) = change.items()
    with pytest.raises(traitlets.TraitError, match=f"Boxes: {message}"):
        setattr(widget, name, value)
    assert repr(widget) == repr(suppressing())


# --- its arithmetic in the page ---


@pytest.fixture(scope="module")
def math(open_module):
    """A function that calls one of the page's functions of boxes."""
    path = Path(widgets.__file__).parent / "shared" / "math" / "boxes.js"
    page = open_module(path, "boxes")
    return lambda name, *given: page.evaluate(
        "([name, given]) => boxes[name](...given)", [name, given]
    )


@pytest.mark.parametrize("seed", range(4))
def test_overlap_and_steps_in_the_page_are_those_of_cnnlib(math, seed):
    rng = np.random.default_rng(seed)
    corners, sizes = rng.integers(0, 6, (6, 2)), rng.integers(1, 7, (6, 2))
    boxes = np.concatenate([corners, corners + sizes], axis=1).astype(float)
    scores, iou = rng.integers(1, 5, 6) / 5, cnnlib.box_iou(boxes, boxes)
    for i, j in np.ndindex(6, 6):
        assert math("overlap", boxes[i].tolist(), boxes[j].tolist())["iou"] == iou[i, j]
    for threshold in (0, 0.25, 0.5, 1):
        steps = math("suppression", boxes.tolist(), scores.tolist(), threshold)
        assert steps[-1]["kept"] == cnnlib.nms(boxes, scores, threshold).tolist()
        assert sorted(steps[-1]["kept"] + steps[-1]["gone"]) == list(range(6))
        compared = [one for one in steps if "other" in one]
        assert all(one["dropped"] == (one["iou"] > threshold) for one in compared)


# --- the built page ---


class Page(OnPage):
    chapter, selector = "detection", ".boxes"

    def box(self, letter):
        return self.root.get_by_role("button", name=f"Box {letter}:")

    def drag(self, start, across, down):
        """From the middle of an element, by so many cells."""
        cell = self.root.locator(".cells span").first.bounding_box()["width"]
        box = start.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + across * cell, y + down * cell, steps=5)
        self.page.mouse.up()

    def counted(self, kind):
        """The largest number in cells of a kind, and how many there are."""
        numbers = [int(text) for text in self.root.locator(f".cells .{kind}").all_inner_texts()]
        return max(numbers, default=0), len(numbers)


@pytest.fixture
def pair(page, site):
    return Page(page, site, 0)


@pytest.fixture
def several(page, site):
    return Page(page, site, 1)


def test_every_cell_of_the_two_boxes_is_counted(pair):
    assert pair.counted("both") == (2 * 3, 2 * 3)
    assert pair.counted("first")[1] == 5 * 6 - 6
    assert pair.counted("second")[1] == 5 * 4 - 6
    assert max(pair.counted("first")[0], pair.counted("second")[0]) == 30 + 20 - 6
    assert pair.sum == (
        "A: 5·6 = 30 cells. B: 5·4 = 20. Both: 2·3 = 6. Either: 30 + 20 − 6 = 44. "
        "IoU = 6/44 = 0.1364."
    )


def test_a_box_is_dragged_and_its_corner_makes_it_larger(pair):
    pair.drag(pair.box("B"), -1, 2)
    assert pair.numbers("Boxes") == [[1, 2, 6, 8], [3, 3, 8, 7]]
    assert pair.counted("both") == (3 * 4, 3 * 4)
    pair.drag(pair.box("A").locator(".corner"), 2, -1)
    assert pair.numbers("Boxes")[0] == [1, 2, 8, 7]
    pair.drag(pair.box("A").locator(".letter"), 9, 9)
    assert pair.numbers("Boxes")[0] == [3, 5, 10, 10]
    pair.press("Reset")
    assert pair.numbers("Boxes") == TWO


def test_the_arrow_keys_move_a_box_and_with_shift_its_corner(pair, page):
    pair.box("A").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert pair.numbers("Boxes")[0] == [2, 1, 7, 7]
    page.keyboard.press("Shift+ArrowDown")
    assert pair.numbers("Boxes")[0] == [2, 1, 7, 8]
    assert pair.box("A").get_attribute("aria-label").startswith("Box A: x 2 to 7, y 1 to 8. ")
    assert "IoU = " in pair.said
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert pair.numbers("Boxes")[0] == [0, 1, 5, 8]


def test_edges_are_typed_and_what_is_no_box_is_refused(pair):
    pair.edit(pair.cell("Boxes", 2, 3), "7")
    assert pair.counted("both") == (2 * 3, 2 * 3)
    assert "B: 3·4 = 12." in pair.sum
    pair.edit(pair.cell("Boxes", 1, 3), "1")
    assert pair.error.startswith("x2 is 1; edges are whole numbers, x1 < x2 up to 10 and y1")
    assert pair.numbers("Boxes")[0] == [1, 2, 6, 8]


def test_boxes_that_are_apart_share_nothing(pair):
    pair.edit(pair.cell("Boxes", 1, 3), "3")
    assert pair.counted("both") == (0, 0)
    assert "Both: 0. Either: 12 + 20 − 0 = 32. IoU = 0/32 = 0." in pair.sum


def test_suppression_goes_step_by_step(several):
    python = suppressing()
    several.press("To the start")
    assert several.sum == "B has the highest score of those left, 0.9: it is kept."
    sums = []
    for _ in range(7):
        several.press("Step forward")
        sums.append(several.sum)
    assert several.where == "8 / 8"
    assert sums[-1] == "Nothing is left. Kept: B, D. Dropped: A, C, E."
    iou = python.iou
    assert sums[2].endswith(f"IoU = 28/40 = {iou[1, 0]:g}. Above 0.5: A is dropped.")
    assert sums[0].endswith("IoU = 0/63 = 0. Not above 0.5: D stays for now.")
    assert "dropped" in several.box("A").get_attribute("aria-label")
    assert "kept" in several.box("D").get_attribute("aria-label")


def test_the_threshold_and_a_score_change_what_is_kept(several):
    several.root.get_by_role("slider", name="IoU threshold").fill("0.65")
    several.root.get_by_role("slider", name="Step of suppression").press("End")
    assert several.sum == "Nothing is left. Kept: B, D, E, C. Dropped: A."
    several.edit(several.cell("Boxes", 1, 5), "0.95")
    assert several.sum == "Nothing is left. Kept: A, D, E, C. Dropped: B."
    several.edit(several.cell("Boxes", 1, 5), "1.5")
    assert several.error == "A score is 1.5; it is a number from 0 to 1."
    several.press("Reset")
    assert several.text(".threshold") == "0.5"


def test_a_finger_drags_a_box_and_all_fits_a_phone(phone, site):
    pair = Page(phone, site, 0)
    box = pair.box("B").bounding_box()
    cell = pair.root.locator(".cells span").first.bounding_box()["width"]
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = phone.context.new_cdp_session(phone)
    for kind, far in [("Start", 0), *(("Move", k) for k in (0.5, 1, 2)), ("End", None)]:
        points = [] if far is None else [{"x": x - far * cell, "y": y + far * cell}]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    assert pair.numbers("Boxes")[1] == [2, 3, 7, 7]
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("part", [".boxes:not(:has(.player))", ".boxes:has(.player)"])
def test_axe_finds_nothing_wrong(page, site, part, axe_faults):
    Page(page, site, 0)
    assert axe_faults(page.locator(part)) == []
