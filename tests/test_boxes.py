"""Boxes: overlap against cells that are counted, suppression against loops, precision by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnnlib

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
