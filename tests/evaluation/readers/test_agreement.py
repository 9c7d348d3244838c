"""Coefficients of agreement against published examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats import inter_rater

from evaluation.readers.agreement import (
    Undefined,
    cohen_kappa,
    expected_kappa,
    fleiss_kappa,
    gwet_ac1,
    kappas_of_independent_readers,
    krippendorff_alpha,
)
from evaluation.readers.intervals import Interval

NAN = np.nan
# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)


def pairs(counts: dict[tuple[int, int], int]) -> np.ndarray:
    """Decisions of two readers, shape (2, cases), from how often each pair of them occurs."""
    return np.array([pair for pair, count in counts.items() for _ in range(count)], dtype=float).T


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorffs_own(metric: Any, alpha: float) -> None:
    assert krippendorff_alpha(OBSERVERS, metric).estimate == pytest.approx(alpha, abs=0.0005)


def test_high_prevalence_brings_kappa_down_and_not_ac1() -> None:
    # Gwet 2008: 118 of 125 cases positive to both, 5 and 2 to one, none to neither.
    decisions = pairs({(1, 1): 118, (1, 0): 5, (0, 1): 2})
    assert cohen_kappa(*decisions).estimate == pytest.approx(-0.0234, abs=0.00005)
    assert gwet_ac1(decisions).estimate == pytest.approx(0.9408, abs=0.00005)


def test_kappa_is_cohens() -> None:
    # The usual example: 20 and 15 agreed of 50, 5 and 10 not: κ = (0.7 − 0.5) / 0.5.
    decisions = pairs({(1, 1): 20, (1, 0): 5, (0, 1): 10, (0, 0): 15})
    kappa = cohen_kappa(*decisions)
    assert kappa.estimate == pytest.approx(0.4)
    # Fleiss, Cohen and Everitt's large-sample error of this table is 0.1264.
    assert kappa.low is not None
    assert (kappa.estimate - kappa.low) / 1.96 == pytest.approx(0.1264, abs=0.006)


def test_kappa_of_many_readers_is_fleiss() -> None:
    # Four cases, three readers: ones 3, 0, 2, 1. P = (1 + 1 + ⅓ + ⅓)/4, share ½.
    decisions = np.array([[1, 0, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]], dtype=float)
    assert fleiss_kappa(decisions).estimate == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))


@pytest.mark.parametrize("seed", range(4))
def test_kappas_are_those_of_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    table = (random.normal(0, 1, 60) + random.normal(0, 1, (5, 60)) > 0.4).astype(float)
    counts, _ = inter_rater.aggregate_raters(table.T.astype(int))
    assert fleiss_kappa(table).estimate == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-8)
    crossed = np.histogram2d(table[0], table[1], bins=2)[0]
    cohen = inter_rater.cohens_kappa(crossed)
    assert cohen_kappa(table[0], table[1]).estimate == pytest.approx(cohen.kappa, abs=1e-8)


def test_cases_with_unequal_numbers_of_readers_are_gwets() -> None:
    # Gwet's own example is Krippendorff's table; the R package irrCAC prints these of its cac.raw4raters.
    assert fleiss_kappa(OBSERVERS).estimate == pytest.approx(0.76117, abs=5e-6)
    assert gwet_ac1(OBSERVERS).estimate == pytest.approx(0.77544, abs=5e-6)
    assert krippendorff_alpha(OBSERVERS, "nominal").estimate == pytest.approx(0.74342, abs=5e-6)


def error_by_hand(figure: Callable[[np.ndarray], Interval], table: np.ndarray) -> float:
    """Jackknife error by leaving out every case and counting anew."""
    values = [figure(np.delete(table, case, axis=1)).estimate for case in range(table.shape[1])]
    return float(np.sqrt((len(values) - 1) * np.var(values)))


@pytest.mark.parametrize(
    "figure",
    [
        fleiss_kappa,
        gwet_ac1,
        *(partial(krippendorff_alpha, metric=metric) for metric in ("nominal", "ordinal", "interval")),
        lambda table: cohen_kappa(table[0], table[1]),
        lambda table: expected_kappa(np.where(table > 3, 1.0, 0.0), table[3] > 3),
    ],
    ids=["Fleiss", "AC1", "nominal", "ordinal", "interval", "Cohen", "expected"],
)
def test_the_interval_is_that_of_leaving_out_every_case_in_turn(figure: Callable[[np.ndarray], Interval]) -> None:
    random = np.random.default_rng(4)
    table = np.clip(np.rint(random.normal(3.5, 1, 30) + random.normal(0, 1, (4, 30))), 1, 6)
    interval = figure(table)
    assert interval.low is not None
    assert (interval.estimate - interval.low) / norm.ppf(0.975) == pytest.approx(error_by_hand(figure, table))


def test_independent_readers_agree_by_the_square_of_their_skill() -> None:
    # Jang 2023: accuracy 67.42 %, κ 0.12 expected of unbiased readers where half the films are real.
    hits, alarms = np.full((2, 1), 0.6742), np.full((2, 1), 1 - 0.6742)
    kappa = kappas_of_independent_readers(hits, alarms, np.array([0.5]))
    assert kappa.item() == pytest.approx((2 * 0.6742 - 1) ** 2)


def test_the_expected_kappa_is_what_independent_readers_show() -> None:
    random = np.random.default_rng(1)
    synthetic = random.random(100_000) < 0.3
    rates = [np.where(synthetic, 0.8, 0.3), np.where(synthetic, 0.6, 0.2)]
    said = np.array([random.random(100_000) < rate for rate in rates], dtype=float)
    expected = expected_kappa(said, synthetic)
    assert cohen_kappa(*said).estimate == pytest.approx(expected.estimate, abs=0.01)


def test_two_thousand_cases_of_twenty_readers_on_a_fine_scale_take_no_time() -> None:
    ratings = np.random.default_rng(1).integers(0, 101, (20, 2000)).astype(float)
    begun = perf_counter()
    assert krippendorff_alpha(ratings, "ordinal").estimate == pytest.approx(0, abs=0.02)
    assert perf_counter() - begun < 5


def test_limits_stay_on_the_scale_and_full_agreement_has_none() -> None:
    few = cohen_kappa(np.array([1, 0, 1, 0, 1, 1.0]), np.array([1, 0, 0, 0, 1, 0.0]))
    assert few.low is not None
    assert few.high is not None
    assert -1 <= few.low <= few.estimate <= few.high <= 1
    whole = cohen_kappa(np.array([1, 0, 1, 0.0]), np.array([1, 0, 1, 0.0]))
    assert (whole.estimate, whole.low, whole.high) == (1.0, None, None)


def test_where_all_decisions_are_alike_kappa_is_undefined() -> None:
    with pytest.raises(Undefined, match="All decisions are alike"):
        fleiss_kappa(np.ones((3, 5)))
    with pytest.raises(Undefined, match="No case was read by two"):
        fleiss_kappa(np.array([[1, NAN], [NAN, 0]]))
    with pytest.raises(Undefined, match="agrees with nobody"):
        expected_kappa(np.array([[1.0, 0.0]]), np.array([True, False]))
    with pytest.raises(Undefined, match="can disagree"):
        expected_kappa(np.ones((2, 4)), np.array([True, False, True, False]))
