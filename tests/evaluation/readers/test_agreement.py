"""Coefficients of agreement against published examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evaluation.readers.agreement import (
    Undefined,
    cohen_kappa,
    expected_kappa,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
)

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


def test_cases_that_one_reader_read_say_nothing_of_agreement() -> None:
    decisions = np.array([[1, 0, 1, 1, 1], [1, 0, 1, 0, NAN], [1, 0, 0, 0, NAN]])
    assert fleiss_kappa(decisions).estimate == pytest.approx(1 / 3)


def test_independent_readers_agree_by_the_square_of_their_skill() -> None:
    # Jang 2023: accuracy 67.42 %, κ 0.12 expected of unbiased readers where half the films are real.
    hits, alarms = np.full(6, 0.6742), np.full(6, 1 - 0.6742)
    assert expected_kappa(hits, alarms, 0.5) == pytest.approx((2 * 0.6742 - 1) ** 2)


def test_the_expected_kappa_is_what_independent_readers_show() -> None:
    random = np.random.default_rng(1)
    synthetic = random.random(100_000) < 0.3
    rates = [np.where(synthetic, 0.8, 0.3), np.where(synthetic, 0.6, 0.2)]
    said = [random.random(100_000) < rate for rate in rates]
    expected = expected_kappa(np.array([0.8, 0.6]), np.array([0.3, 0.2]), 0.3)
    first, second = said[0].mean(), said[1].mean()
    by_chance = first * second + (1 - first) * (1 - second)
    assert ((said[0] == said[1]).mean() - by_chance) / (1 - by_chance) == pytest.approx(expected, abs=0.01)


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
        expected_kappa(np.array([0.5]), np.array([0.5]), 0.5)
