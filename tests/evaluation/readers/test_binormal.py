"""The fitted ROC curve against other programs and against the ratings that it was drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from evaluation.readers.binormal import NoFit, fit
from tests.evaluation.readings import drawn

# Hanley and McNeil, Radiology 1982, table I: 109 CT images in five categories, 58 normal and 51 abnormal.
CT = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]


def rated(real: list[int], synthetic: list[int]) -> tuple[np.ndarray, np.ndarray]:
    scale = np.arange(1.0, len(real) + 1)
    ratings = np.concatenate([np.repeat(scale, real), np.repeat(scale, synthetic)])
    return ratings, np.repeat([False, True], [sum(real), sum(synthetic)])


def test_the_curve_of_ct_images_is_that_of_another_program() -> None:
    # Stata, manual of rocfit: intercept 1.656782, slope 0.713002, area 0.911331, error 0.0295 (observed information).
    curve = fit(*rated(*CT))
    assert (curve.a, curve.b) == pytest.approx((1.656782, 0.713002), abs=1e-6)
    assert curve.estimate == pytest.approx(0.911331, abs=1e-6)
    assert curve.se == pytest.approx(0.029506, abs=2e-4)


def test_turning_the_scale_round_turns_the_curve_round() -> None:
    ratings, synthetic = rated(*CT)
    curve, turned, swapped = fit(ratings, synthetic), fit(-ratings, synthetic), fit(-ratings, ~synthetic)
    assert turned.estimate == pytest.approx(1 - curve.estimate)
    assert (turned.low, turned.high) == pytest.approx((1 - curve.high, 1 - curve.low))
    assert (swapped.a, swapped.b) == pytest.approx((curve.a / curve.b, 1 / curve.b))


def test_two_truths_rated_alike_have_the_diagonal() -> None:
    curve = fit(*rated([5, 7, 9], [5, 7, 9]))
    assert (curve.a, curve.b, curve.estimate) == pytest.approx((0, 1, 0.5))


def test_many_ratings_give_back_what_they_were_drawn_from() -> None:
    ratings, truth = drawn(1, 20000, 20000, 0.7, seed=1)
    curve = fit(ratings[0], truth == 1)
    assert curve.b == pytest.approx(1, abs=0.03)
    assert curve.estimate == pytest.approx(norm.cdf(0.7 / np.sqrt(2) / np.hypot(0.4, 0.9)), abs=0.01)


def test_the_error_is_the_spread_of_repetitions_on_a_fine_scale() -> None:
    random = np.random.default_rng(2)
    synthetic = np.repeat([False, True], 80)
    curves = [
        fit(np.round(50 + 10 * np.concatenate([random.normal(0, 1, 80), random.normal(1, 1.4, 80)])), synthetic)
        for _ in range(300)
    ]
    areas = [curve.estimate for curve in curves]
    assert np.mean([curve.se for curve in curves]) == pytest.approx(np.std(areas), rel=0.12)
    true = norm.cdf(1 / np.hypot(1, 1.4))
    assert np.mean(areas) == pytest.approx(true, abs=0.01)
    assert 0.92 < np.mean([curve.low < true < curve.high for curve in curves]) < 0.98


@pytest.mark.parametrize(
    ("real", "synthetic", "reason"),
    [
        ([5, 2], [1, 6], "two points between its ends"),
        ([5, 2, 0, 0], [0, 0, 3, 4], "two points between its ends"),
        ([5, 2, 1, 0], [0, 0, 1, 6], "no maximum"),
        ([1, 0, 0, 0, 3], [0, 1, 1, 1, 4], "no maximum"),
        ([0, 5, 0], [3, 0, 3], "do not determine it"),
    ],
)
def test_ratings_without_a_curve_are_told(real: list[int], synthetic: list[int], reason: str) -> None:
    with pytest.raises(NoFit, match=reason):
        fit(*rated(real, synthetic))
