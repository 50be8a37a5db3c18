"""Calibration: the functions against arithmetic and torch, the widget, its page in a browser."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import cnnlib

TEN = np.array([0.6, 0.6, 0.6, 0.6, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8])
THREE_AND_FOUR = np.array([True, True, True, False, False, True, True, True, True, False])


def answers(seed, n=211, classes=7):
    """Logits (n, classes) and labels of which many are those of the largest logits."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.standard_normal((n, classes))
    labels = np.where(rng.random(n) < 0.7, logits.argmax(1), rng.integers(0, classes, n))
    return logits, labels


def test_ten_answers_are_as_sure_as_they_are_right():
    found = cnnlib.reliability(TEN, THREE_AND_FOUR)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 5, 0, 5, 0, 0]
    np.testing.assert_allclose(found.confidence[[5, 7]], [0.6, 0.8])
    np.testing.assert_allclose(found.accuracy[[5, 7]], [3 / 5, 4 / 5])
    assert np.isnan(found.accuracy[[0, 9]]).all()
    assert cnnlib.expected_calibration_error(TEN, THREE_AND_FOUR) == pytest.approx(0)


def test_the_error_is_the_mean_gap_weighted_by_the_answers_of_each_bin():
    confidence, right = np.array([0.9, 0.9, 0.9, 0.5]), np.array([True, True, False, True])
    gap, other = 0.9 - 2 / 3, 1 - 0.5
    error = cnnlib.expected_calibration_error(confidence, right)
    assert error == pytest.approx(3 / 4 * gap + 1 / 4 * other)


def test_gaps_in_one_bin_cancel_and_finer_bins_find_them():
    confidence, right = np.array([0.71, 0.79]), np.array([True, False])
    coarse, fine = (cnnlib.expected_calibration_error(confidence, right, bins) for bins in (1, 20))
    assert coarse == pytest.approx(0.75 - 0.5)
    assert fine == pytest.approx(((1 - 0.71) + 0.79) / 2)


@pytest.mark.parametrize("bins", [1, 3, 10, 15])
def test_an_edge_belongs_to_the_bin_below_it_and_0_to_the_first(bins):
    edges = np.array([0, *(np.arange(1, bins + 1) / bins)])
    count = cnnlib.reliability(edges, np.ones(bins + 1, bool), bins).count
    assert count.tolist() == [2] + [1] * (bins - 1)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_bins_leave_out_no_answer(seed, bins):
    rng = np.random.default_rng(seed)
    confidence, right = rng.random(97), rng.random(97) < 0.6
    found = cnnlib.reliability(confidence, right, bins)
    full = found.count > 0
    assert found.count.sum() == 97
    assert (found.count * found.confidence)[full].sum() == pytest.approx(confidence.sum())
    assert (found.count * found.accuracy)[full].sum() == pytest.approx(right.sum())
    error = cnnlib.expected_calibration_error(confidence, right, bins)
    assert abs(confidence.mean() - right.mean()) - 1e-12 <= error <= 1


@pytest.mark.parametrize("seed", range(3))
def test_the_temperature_has_the_smallest_loss_and_torch_finds_the_same(seed):
    logits, labels = answers(seed)
    best = cnnlib.fit_temperature(logits, labels)
    z, y = torch.tensor(logits), torch.tensor(labels)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([log_t], max_iter=100, line_search_fn="strong_wolfe")

    def loss():
        search.zero_grad()
        value = F.cross_entropy(z / log_t.exp(), y)
        value.backward()
        return value

    search.step(loss)
    assert best == pytest.approx(log_t.detach().exp().item(), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 4])
def test_larger_logits_have_a_temperature_as_much_larger(factor):
    logits, labels = answers(1)
    best = cnnlib.fit_temperature(logits, labels)
    assert cnnlib.fit_temperature(factor * logits, labels) == pytest.approx(factor * best)
    single = cnnlib.fit_temperature(logits.astype(np.float32), labels)
    assert single == pytest.approx(best, rel=1e-5)


def test_without_a_minimum_the_temperature_ends_where_the_search_does():
    logits = np.eye(4) + 1
    assert cnnlib.fit_temperature(logits, np.arange(4)) == pytest.approx(0.01)  # all are right
    assert cnnlib.fit_temperature(-logits, np.arange(4)) == pytest.approx(100)  # worse than chance


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"confidence": [0.5]}, TypeError, "confidence is a list"),
        ({"confidence": np.array([0.5, 1.5])}, ValueError, "confidence holds 1.5; expected prob"),
        ({"confidence": np.array([-0.5, 0.5])}, ValueError, "confidence holds -0.5"),
        ({"confidence": np.array([0.5, math.nan])}, ValueError, "confidence holds nan"),
        ({"right": np.array([1, 0])}, TypeError, "right is int64; expected True or False"),
        ({"right": np.array([True])}, ValueError, r"right has shape \(1,\); expected \(2,\)"),
        ({"bins": 0}, ValueError, "bins is 0; expected at least 1"),
    ],
)
def test_what_is_no_confidence_or_no_verdict_is_named(change, error, message):
    given = {"confidence": np.array([0.5, 0.9]), "right": np.array([True, False])} | change
    with pytest.raises(error, match=f"reliability: {message}"):
        cnnlib.reliability(**given)
    with pytest.raises(error, match=f"reliability: {message}"):
        cnnlib.expected_calibration_error(**given)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"logits": np.zeros(3)}, ValueError, r"logits has shape \(3,\); expected 2 axes"),
        ({"labels": np.zeros(2)}, TypeError, "labels is float64; expected whole numbers"),
        ({"labels": np.zeros(3, int)}, ValueError, r"labels has shape \(3,\); expected \(2,\)"),
        ({"labels": np.array([0, 4])}, ValueError, "labels has class 4; expected 0 to 3"),
        ({"labels": np.array([-1, 0])}, ValueError, "labels has class -1; expected 0 to 3"),
    ],
)
def test_what_has_no_temperature_is_named(change, error, message):
    given = {"logits": np.zeros((2, 4)), "labels": np.array([0, 3])} | change
    with pytest.raises(error, match=f"fit_temperature: {message}"):
        cnnlib.fit_temperature(**given)
