"""Rates, d′, criterion, intervals of proportions, and the equivalence test, against values worked out elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr

from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.intervals import clopper_pearson, wilson
from evaluation.readers.rates import Counts, criterion, midpoint_of, overall_rates, sensitivity, tied_films
from tests.evaluation.readings import table

proportions = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_parks_readers_leaned_towards_real() -> None:
    # Park 2021: 1781 of 3000 right, 779 of 1500 synthetic films caught.
    counts = Counts(synthetic=1500, hits=779, real=1500, false_alarms=1500 - (1781 - 779))
    assert counts.right == 1781
    assert sensitivity(counts).estimate == pytest.approx(0.48, abs=0.005)
    assert criterion(counts).estimate == pytest.approx(0.19, abs=0.005)
    assert ndtr(sensitivity(counts).estimate / np.sqrt(2)) == pytest.approx(0.63, abs=0.005)


def test_a_perfect_reader_has_a_finite_d_prime() -> None:
    # Hautus: 10.5/11 and 0.5/11, so d′ = 2 z(0.9545…) = 3.3812.
    counts = Counts(synthetic=10, hits=10, real=10, false_alarms=0)
    assert sensitivity(counts).estimate == pytest.approx(2 * stats.norm.ppf(10.5 / 11))
    assert criterion(counts).estimate == pytest.approx(0)


def test_the_error_of_d_prime_is_the_spread_of_its_repetitions() -> None:
    random = np.random.default_rng(1)
    hits, alarms = random.binomial(200, 0.7, 4000), random.binomial(200, 0.4, 4000)
    values = [sensitivity(Counts(200, h, 200, f)).estimate for h, f in zip(hits, alarms, strict=True)]
    assert sensitivity(Counts(200, 140, 200, 80)).se == pytest.approx(np.std(values), rel=0.05)


@given(proportions)
def test_the_exact_interval_is_that_of_the_beta_distribution(proportion: tuple[int, int]) -> None:
    successes, trials = proportion
    interval = clopper_pearson(successes, trials)
    low = stats.beta.ppf(0.025, successes, trials - successes + 1) if successes else 0.0
    high = stats.beta.ppf(0.975, successes + 1, trials - successes) if successes < trials else 1.0
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-9)


@given(proportions)
def test_the_score_interval_solves_wilsons_equation(proportion: tuple[int, int]) -> None:
    successes, trials = proportion
    p, z = successes / trials, stats.norm.ppf(0.975)
    centre = (p + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z * np.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    interval = wilson(successes, trials)
    assert (interval.low, interval.high) == pytest.approx((centre - reach, centre + reach), abs=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_a_proportion_that_cannot_be_is_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        clopper_pearson(successes, trials)


def test_one_rate_is_counted_in_three_ways() -> None:
    # Three readers; the third read half of the films. Cut 4. Columns: two real, two synthetic films.
    ratings = table([[1, 5, 6, 2], [1, 1, 5, 3], [6, None, 4, None]], [0, 0, 1, 1])
    rates = overall_rates(ratings, 4)
    # Of 5 synthetic readings 2 said real; of readers ½, ½ and 0; of films 0 and 1.
    assert rates["deception_rate"].judgement == pytest.approx(2 / 5)
    assert rates["deception_rate"].reader == pytest.approx(1 / 3)
    assert rates["deception_rate"].film_majority == pytest.approx(1 / 2)
    # Of 5 real readings 2 said synthetic; the second film is tied and counts one half.
    assert rates["false_alarm_rate"].judgement == pytest.approx(2 / 5)
    assert rates["false_alarm_rate"].reader == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert rates["false_alarm_rate"].film_majority == pytest.approx(1 / 4)
    assert tied_films(ratings, 4) == 1
    # Of synthetic and of real readings 3 of 5 right; of readers ½ + ½, ½ + 1 and 1 + 0; of films ½ and ¾.
    balanced = rates["balanced_accuracy"]
    assert (balanced.judgement, balanced.reader) == pytest.approx((3 / 5, (1 / 2 + 3 / 4 + 1 / 2) / 3))
    assert balanced.film_majority == pytest.approx((1 / 2 + 3 / 4) / 2)


def test_a_reader_of_one_truth_state_has_a_share_in_its_rate_alone() -> None:
    rates = overall_rates(table([[1, 5, 6, 2], [None, None, 6, 6]], [0, 0, 1, 1]), 4)
    assert rates["deception_rate"].reader == pytest.approx((1 / 2 + 0) / 2)
    assert rates["false_alarm_rate"].reader == pytest.approx(1 / 2)
    assert rates["balanced_accuracy"].reader == pytest.approx((1 / 2 + 1 / 2) / 2)


@pytest.mark.parametrize(("scale", "cut"), [((1, 6), 3.5), ((1, 5), None), ((0, 1), 0.5), ((1, 4), 2.5)])
def test_a_scale_without_a_midpoint_has_a_cut(scale: tuple[float, float], cut: float | None) -> None:
    assert midpoint_of(scale) == cut


@pytest.mark.parametrize(
    ("estimate", "se", "equivalent"), [(0.51, 0.03, True), (0.51, 0.06, False), (0.62, 0.03, False), (0.45, 0.02, True)]
)
def test_equivalence_is_the_same_as_an_interval_inside_the_margin(estimate: float, se: float, equivalent: bool) -> None:
    test = two_one_sided_tests(estimate, se, 8, centre=0.5, margin=0.1)
    reach = stats.t.ppf(0.95, 8) * se
    assert (test.low, test.high) == pytest.approx((estimate - reach, estimate + reach))
    assert test.equivalent is equivalent
    assert test.equivalent == (test.low > 0.4 and test.high < 0.6)


def test_the_two_tests_are_scipys_one_sided_t_tests() -> None:
    areas = np.array([0.47, 0.55, 0.52, 0.49, 0.56])
    se = areas.std(ddof=1) / np.sqrt(5)
    test = two_one_sided_tests(areas.mean(), se, 4, centre=0.5, margin=0.1)
    above = stats.ttest_1samp(areas, 0.4, alternative="greater").pvalue
    below = stats.ttest_1samp(areas, 0.6, alternative="less").pvalue
    assert test.p == pytest.approx(max(above, below))


@pytest.mark.parametrize("alpha", [0.0001, 0.05, 0.5])
def test_every_alpha_that_a_plan_can_have_is_taken(alpha: float) -> None:
    assert two_one_sided_tests(0.5, 0.03, 8, centre=0.5, margin=0.1, alpha=alpha).alpha == alpha


@pytest.mark.parametrize("wrong", [{"se": 0.0}, {"margin": 0.0}, {"alpha": 0.6}])
def test_a_test_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    given_values = {"estimate": 0.5, "se": 0.03, "df": 8.0, "centre": 0.5, "margin": 0.1, "alpha": 0.05} | wrong
    with pytest.raises(ValueError, match="needs a positive margin"):
        two_one_sided_tests(**given_values)
