"""Obuchowski and Rockette's model where it must come down to tests that are known otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from evaluation.readers import covariance, merit, mrmc
from evaluation.readers.auc import delong
from evaluation.readers.ratings import Ratings, ratings_by_modality
from tests.evaluation.readings import drawn, readings, table


@pytest.fixture(scope="module")
def one() -> Ratings:
    """Four readers of one modality."""
    return table(*drawn(4, 20, 20, 0.7, seed=2))


@pytest.fixture(scope="module")
def two() -> Ratings:
    """Four readers who read the same cases in two modalities."""
    first, truth = drawn(4, 20, 20, 0.7, seed=2)
    second, _ = drawn(4, 20, 20, 1.2, seed=3)
    return ratings_by_modality({"first": readings(first, truth), "second": readings(second, truth)})


def areas(ratings: Ratings, cases: np.ndarray) -> np.ndarray:
    """Every cell's area over the cases chosen, by counting pairs."""
    synthetic = ratings.synthetic[cases]
    values = ratings.values.reshape(-1, len(ratings.cases))[:, cases]
    return np.array(
        [
            np.mean([[float(x > y) + 0.5 * float(x == y) for y in row[~synthetic]] for x in row[synthetic]])
            for row in values
        ]
    )


def test_the_jackknife_is_leaving_cases_out_one_by_one(two: Ratings) -> None:
    n = len(two.cases)
    without = np.array([areas(two, np.delete(np.arange(n), case)) for case in range(n)])
    changes = without - areas(two, np.arange(n))
    expected = (n - 1) / n * changes.T @ changes
    assert np.allclose(covariance.of_auc(two, "jackknife"), expected, atol=1e-15)


def test_delongs_variances_are_those_of_single_readers(two: Ratings) -> None:
    variances = np.diag(covariance.of_auc(two, "delong"))
    rows = two.values.reshape(-1, len(two.cases))
    assert variances == pytest.approx([(delong(row, two.synthetic).se or 0) ** 2 for row in rows])


def test_the_unbiased_covariance_is_the_mean_over_pairs_of_pairs_without_a_common_case() -> None:
    ratings, truth = drawn(2, 5, 4, 0.7, seed=5)
    whole = table(ratings, truth)
    x, y = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)

    def won(reader: int, i: int, j: int) -> float:
        return float(ratings[reader, i] > ratings[reader, j]) + 0.5 * float(ratings[reader, i] == ratings[reader, j])

    expected = np.empty((2, 2))
    for a in (0, 1):
        for b in (0, 1):
            area = [np.mean([won(reader, i, j) for i in x for j in y]) for reader in (a, b)]
            apart = [won(a, i, j) * won(b, k, m) for i in x for j in y for k in x for m in y if i != k and j != m]
            expected[a, b] = area[0] * area[1] - np.mean(apart)
    assert np.allclose(covariance.of_auc(whole, "unbiased"), expected, atol=1e-14)


@pytest.mark.parametrize("method", ["jackknife", "delong", "unbiased"])
def test_with_cases_fixed_the_reader_mean_is_a_t_test(one: Ratings, method: Any) -> None:
    estimates = merit.auc(one).estimates[0]
    mean = mrmc.reader_mean(estimates, covariance.of_auc(one, method), 0.5, "readers")
    expected = stats.ttest_1samp(estimates, 0.5)
    interval = expected.confidence_interval(0.95)
    assert mean.p == pytest.approx(expected.pvalue)
    assert (mean.low, mean.high, mean.df) == pytest.approx((interval.low, interval.high, 3))


def test_with_cases_fixed_the_comparison_is_a_paired_t_test(two: Ratings) -> None:
    first, second = merit.auc(two).estimates
    result = mrmc.compare(np.stack([first, second]), covariance.of_auc(two, "delong"), "readers")
    expected = stats.ttest_rel(first, second)
    pair = result.pairs[0, 1]
    assert result.p == pytest.approx(expected.pvalue)
    assert (pair.estimate, pair.p) == pytest.approx(((first - second).mean(), expected.pvalue))


def test_one_reader_is_fixed_and_has_delongs_interval() -> None:
    ratings, truth = drawn(1, 20, 20, 0.7, seed=2)
    alone = table(ratings, truth)
    mean = mrmc.reader_mean(merit.auc(alone).estimates[0], covariance.of_auc(alone, "delong"), 0.5)
    area = delong(ratings[0], truth == 1)
    assert mean.random == "cases"
    assert (mean.estimate, mean.low, mean.high) == pytest.approx((area.estimate, area.low, area.high))


def test_a_single_modality_follows_hillis_by_hand() -> None:
    # Three readers 0.6, 0.7, 0.8: MSR = 0.01. Covariance 0.002 between readers, so 3 · 0.002 is added.
    covariances = np.full((3, 3), 0.002) + np.diag([0.003] * 3)
    mean = mrmc.reader_mean(np.array([0.6, 0.7, 0.8]), covariances, 0.5)
    assert mean.se == pytest.approx(np.sqrt((0.01 + 0.006) / 3))
    assert mean.df == pytest.approx(0.016**2 / (0.01**2 / 2))
    assert mean.p == pytest.approx(2 * stats.t.sf(0.2 / np.sqrt(0.016 / 3), 5.12))


def test_a_negative_covariance_takes_nothing_away() -> None:
    covariances = np.full((3, 3), -0.002) + np.diag([0.005] * 3)
    mean = mrmc.reader_mean(np.array([0.6, 0.7, 0.8]), covariances, 0.5)
    assert (mean.se, mean.df) == pytest.approx((np.sqrt(0.01 / 3), 2))


@pytest.mark.parametrize("readers", [2, 3, 4])
def test_two_or_three_readers_have_limits_in_which_they_do_not_vary_by_less_than_nothing(readers: int) -> None:
    """Var − Cov2 is 0.005, MSR 0.0001; the error as published takes the latter, that of few readers the larger."""
    ends = np.sqrt(0.0001 * (readers - 1) / 2)
    estimates = 0.7 + np.array([-ends, ends, *[0.0] * (readers - 2)])
    covariances = np.full((readers, readers), 0.002) + np.eye(readers) * 0.005
    mean = mrmc.reader_mean(estimates, covariances, 0.5)
    error = 0.0001 + readers * 0.002
    assert mean.components.msr == pytest.approx(0.0001)
    assert (mean.se, mean.df) == pytest.approx((np.sqrt(error / readers), error**2 / (0.0001**2 / (readers - 1))))
    if readers == 4:
        assert mean.few_readers is None
        return
    error, few = 0.005 + readers * 0.002, mean.few_readers
    assert few is not None
    assert (few.se, few.df) == pytest.approx((np.sqrt(error / readers), error**2 / (0.005**2 / (readers - 1))))
    assert few.p == pytest.approx(2 * stats.t.sf(0.2 / few.se, few.df))
    assert few.low == pytest.approx(0.7 - stats.t.ppf(0.975, few.df) * few.se)
    assert mrmc.reader_mean(estimates, covariances, 0.5, "cases").few_readers is None


def test_a_comparison_of_few_readers_has_them_too() -> None:
    """Var − Cov1 − Cov2 + Cov3 is 0.004, MSTR 0.0001."""
    ends = np.sqrt(0.0001 * 2 / 4)
    first = 0.7 + np.array([-ends, ends, 0.0])
    same_reader, same_arm = np.kron(np.ones((2, 2)), np.eye(3)), np.kron(np.eye(2), np.ones((3, 3)))
    covariances = 0.001 + 0.001 * same_reader + 0.0015 * same_arm + 0.004 * same_reader * same_arm
    result = mrmc.compare(np.stack([first, 1.5 - first]), covariances)
    pair = result.pairs[0, 1]
    for found, spread in ((pair, 0.0001), (pair.few_readers, 0.004)):
        assert found is not None
        error = spread + 3 * 0.0015
        assert (found.se, found.df) == pytest.approx((np.sqrt(2 * error / 3), error**2 / (spread**2 / 2)))
    assert result.components.mstr == pytest.approx(0.0001)
    assert result.f == pytest.approx((pair.estimate / pair.se) ** 2)


def test_several_modalities_are_those_of_rjafroc() -> None:
    """RJafroc's dataset04 as ROC data: five modalities, four readers (RJafrocBook, chapter “ORApplications”)."""
    estimates = np.array(
        [
            [0.90425, 0.79820, 0.81175, 0.86645],
            [0.86425, 0.84470, 0.82050, 0.87160],
            [0.81295, 0.81635, 0.75275, 0.85730],
            [0.90235, 0.83150, 0.78865, 0.87980],
            [0.84140, 0.77300, 0.77115, 0.84800],
        ]
    )
    variance, cov1, cov2, cov3 = 7.8911924e-04, 2.9480096e-04, 2.3331406e-04, 2.1212789e-04
    same_reader, same_modality = np.kron(np.ones((5, 5)), np.eye(4)), np.kron(np.eye(5), np.ones((4, 4)))
    covariances = cov3 + (cov1 - cov3) * same_reader + (cov2 - cov3) * same_modality
    covariances += (variance - cov1 - cov2 + cov3) * same_reader * same_modality
    both, readers, cases = (mrmc.compare(estimates, covariances, random) for random in ("both", "readers", "cases"))
    mean_squares = (both.components.mst, both.components.msr, both.components.mstr)
    assert mean_squares == pytest.approx((0.00189695737, 0.00729417750, 0.00046220687), abs=5e-12)
    assert (both.f, both.df1, both.df2) == pytest.approx((3.4682364, 4, 16.803749), abs=5e-6)
    assert both.p == pytest.approx(0.030544556, abs=5e-8)
    assert (both.pairs[1, 2].low, both.pairs[1, 2].high) == pytest.approx((0.00550369549, 0.0753463045), abs=5e-9)
    assert (readers.f, readers.df2, readers.p) == pytest.approx((4.1041306, 12, 0.025328308), abs=5e-8)
    assert (readers.pairs[3, 4].low, readers.pairs[3, 4].high) == pytest.approx((0.0090649986, 0.0753100014), abs=5e-10)
    assert (cases.f * 4, cases.p) == pytest.approx((13.601264, 0.0086826618), abs=5e-7)
    assert (cases.pairs[0, 4].low, cases.pairs[0, 4].high) == pytest.approx((0.0040407614, 0.0695092386), abs=5e-9)


def test_readers_who_are_all_perfect_leave_no_interval() -> None:
    perfect = table([[1, 2, 5, 6], [1, 1, 6, 6]], [0, 0, 1, 1])
    with pytest.raises(mrmc.NoVariance, match="all perfect"):
        mrmc.reader_mean(merit.auc(perfect).estimates[0], covariance.of_auc(perfect, "jackknife"), 0.5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """200 studies of guessing readers: a 95 % interval that covered below 90 % would be far too short."""
    covered = 0
    for seed in range(200):
        study = table(*drawn(4, 25, 25, 0.0, seed=seed))
        mean = mrmc.reader_mean(merit.auc(study).estimates[0], covariance.of_auc(study, "jackknife"), 0.5)
        covered += mean.low <= 0.5 <= mean.high
    assert 0.91 <= covered / 200 <= 0.995


@pytest.mark.parametrize("name", ["deception_rate", "false_alarm_rate", "accuracy", "difference_in_rated_real"])
def test_what_a_rate_loses_with_a_case_is_what_it_loses(name: str) -> None:
    ratings, truth = drawn(2, 6, 5, 0.7, seed=4)
    figure = getattr(merit, name)
    whole = figure(table(ratings, truth), 4)
    for case in range(11):
        rest = np.delete(np.arange(11), case)
        without = figure(table(ratings[:, rest], truth[rest]), 4)
        assert whole.changes[0, :, case] == pytest.approx(without.estimates[0] - whole.estimates[0])


def two_arms(seed: int, cases: int = 40, missing: float = 0.0) -> Ratings:
    """Five readers of real films and of two equally good arms of synthetic ones: the real films stand in both.

    A share of the readings is missing by chance.
    """
    random = np.random.default_rng(seed)
    by_arm = []
    for stands_out in (0.0, 0.5, 0.5):
        look = random.normal(0, 0.4, cases)
        seen = stands_out + look + random.normal(0, 0.9, (5, cases))
        ratings = 1.0 + np.searchsorted([-1.0, -0.4, 0.2, 0.8, 1.4], seen)
        by_arm.append(np.where(random.random(ratings.shape) < missing, None, ratings))
    real = readings(by_arm[0], [0] * cases)
    first, second = (
        readings(ratings, [1] * cases, first_case=start) for ratings, start in zip(by_arm[1:], (100, 200), strict=True)
    )
    return ratings_by_modality({"first": [*real, *first], "second": [*real, *second]})


def test_leaving_out_a_film_of_one_arm_leaves_the_other_arm_as_it_is() -> None:
    arms = two_arms(1, cases=6)
    rows = arms.values.reshape(-1, len(arms.cases))
    read = ~np.isnan(rows)

    def area(row: np.ndarray, cases: np.ndarray) -> float:
        return delong(row[cases], arms.synthetic[cases]).estimate

    changes = np.zeros(rows.shape)
    for cell, row in enumerate(rows):
        for case in np.flatnonzero(read[cell]):
            others = read[cell] & (np.arange(len(row)) != case)
            changes[cell, case] = area(row, others) - area(row, read[cell])
    n = np.array([[(one | other).sum() for other in read] for one in read])
    assert n[0, -1] == 18
    assert np.allclose(covariance.of_auc(arms, "jackknife"), (n - 1) / n * (changes @ changes.T), atol=1e-15)


@pytest.mark.parametrize("method", ["jackknife", "delong", "unbiased"])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_error_of_a_difference_of_arms_is_the_spread_of_its_repetitions(method: Any, missing: float) -> None:
    differences, errors = [], []
    for seed in range(150):
        arms = two_arms(seed, missing=missing)
        pair = mrmc.compare(merit.auc(arms).estimates, covariance.of_auc(arms, method)).pairs[0, 1]
        differences.append(pair.estimate)
        errors.append(pair.se)
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.2)


def test_missing_readings_do_not_make_equal_arms_differ() -> None:
    """400 studies of five readers who have read seven films in ten; the error of 5 % is 1.1 %."""
    found = 0
    for seed in range(400):
        arms = two_arms(1000 + seed, missing=0.3)
        found += mrmc.compare(merit.auc(arms).estimates, covariance.of_auc(arms, "jackknife")).p < 0.05
    assert found / 400 < 0.085
