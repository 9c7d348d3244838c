"""The area under the ROC curve and DeLong's error against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from evaluation.readers.auc import delong, roc_points
from tests.evaluation.readings import drawn

Scores = list[tuple[int, bool]]
both_truths = st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=4, max_size=30).filter(
    lambda scores: 2 <= sum(synthetic for _, synthetic in scores) <= len(scores) - 2
)


def split(scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    return np.array([rating for rating, _ in scores], float), np.array([synthetic for _, synthetic in scores], bool)


def won(synthetic: float, real: float) -> float:
    return float(synthetic > real) + 0.5 * float(synthetic == real)


def by_hand(ratings: np.ndarray, synthetic: np.ndarray) -> tuple[float, float]:
    """Area and variance by counting pairs (DeLong, DeLong and Clarke-Pearson, equations 2 to 6)."""
    xs, ys = ratings[synthetic], ratings[~synthetic]
    area = np.mean([[won(x, y) for y in ys] for x in xs])
    v10 = [np.mean([won(x, y) for y in ys]) for x in xs]
    v01 = [np.mean([won(x, y) for x in xs]) for y in ys]
    s10 = sum((v - area) ** 2 for v in v10) / (len(xs) - 1)
    s01 = sum((v - area) ** 2 for v in v01) / (len(ys) - 1)
    return float(area), float(s10 / len(xs) + s01 / len(ys))


def test_a_small_table_worked_by_hand() -> None:
    # Synthetic 2, 4, 6 against real 1, 4: won 1 + 0, 1 + ½, 1 + 1 of six pairs.
    area = delong(np.array([2, 4, 6, 1, 4.0]), np.array([1, 1, 1, 0, 0], bool))
    assert area.estimate == pytest.approx(4.5 / 6)
    # Placements ½, ¾, 1 and 1, ½: variances 1/16 over 3 and 1/8 over 2.
    assert area.se == pytest.approx(np.sqrt(1 / 48 + 1 / 16))


def test_ct_images_have_the_area_of_another_program() -> None:
    # Hanley and McNeil, Radiology 1982, table I; Stata, manual of roctab: 0.8932, error 0.0307, 0.83295 … 0.95339.
    scale = np.arange(1.0, 6.0)
    ratings = np.concatenate([np.repeat(scale, [33, 6, 6, 11, 2]), np.repeat(scale, [3, 2, 2, 11, 33])])
    area = delong(ratings, np.repeat([False, True], [58, 51]))
    assert (area.estimate, area.se) == pytest.approx((0.8932, 0.0307), abs=5e-5)
    assert (area.low, area.high) == pytest.approx((0.83295, 0.95339), abs=5e-6)


@given(both_truths)
def test_area_and_error_are_those_of_counting_pairs(scores: Scores) -> None:
    ratings, synthetic = split(scores)
    area, variance = by_hand(ratings, synthetic)
    result = delong(ratings, synthetic)
    assert result.estimate == pytest.approx(area)
    assert (result.se or 0) ** 2 == pytest.approx(variance, abs=1e-12)


@given(both_truths)
def test_turning_the_scale_round_turns_the_area_round(scores: Scores) -> None:
    ratings, synthetic = split(scores)
    area, turned = delong(ratings, synthetic), delong(7 - ratings, synthetic)
    assert turned.estimate == pytest.approx(1 - area.estimate)
    assert (turned.se is None) == (area.se is None)


@given(both_truths)
def test_the_area_is_the_one_below_the_points_of_the_curve(scores: Scores) -> None:
    ratings, synthetic = split(scores)
    false_alarms, hits = roc_points(ratings, synthetic)
    assert (false_alarms[0], hits[0], false_alarms[-1], hits[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(hits, false_alarms) == pytest.approx(delong(ratings, synthetic).estimate)


def test_a_perfect_reader_has_no_interval_and_a_constant_one_neither() -> None:
    synthetic = np.array([1, 1, 0, 0], bool)
    assert delong(np.array([6, 5, 2, 1.0]), synthetic).low is None
    constant = delong(np.array([3, 3, 3, 3.0]), synthetic)
    assert (constant.estimate, constant.low) == (0.5, None)


def test_the_area_of_d_prime_is_that_of_theory() -> None:
    ratings, truth = drawn(1, 20000, 20000, 0.7, seed=1)
    # Φ(d′/√2) with the deviation √(0.4² + 0.9²); cutting into six ratings loses a little.
    expected = norm.cdf(0.7 / np.sqrt(2) / np.hypot(0.4, 0.9))
    assert delong(ratings[0], truth == 1).estimate == pytest.approx(expected, abs=0.02)


def test_one_truth_state_has_no_curve() -> None:
    with pytest.raises(ValueError, match="needs real and synthetic"):
        delong(np.array([1.0, 2.0]), np.array([True, True]))
