"""U- and V-statistics against the program iMRMC, against their definition, and where they must come to other methods.

“iMRMC” below is its class CovMRMC with the degrees of freedom of doAUCmrmcCov and doDFdifference (version 4,
github.com/DIDSR/iMRMC), run on the tables that stand here. A table has a line for each reader; a dot was not read.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evaluation.readers import covariance, merit, moments, mrmc, one_shot
from evaluation.readers.ratings import Ratings
from tests.evaluation.readings import drawn, table

TWO_ARMS = ("first", "second")


def study(truth: str, *arms: list[str]) -> Ratings:
    """Ratings from tables; `truth` has 1 for synthetic films."""
    values = [[[np.nan if mark == "." else float(mark) for mark in row] for row in rows] for rows in arms]
    readers, cases = (tuple(str(index) for index in range(count)) for count in (len(arms[0]), len(truth)))
    return Ratings(TWO_ARMS[: len(arms)], readers, cases, np.array(values), np.array([mark == "1" for mark in truth]))


UNREAD = "." * 18

CROSSED = study(
    "000000000011111111",
    ["446136453145234344", "434342435265244532", "434314532556324465", "125334345444514525", "253364116346465646"],
    ["256114622445464653", "323126344334314322", "362214433455642433", "341332464436533524", "365141444266253526"],
)
# Three in ten readings are missing.
MISSING = study(
    "000000000011111111",
    ["11..65..34445.43..", ".5...23.446432.44.", "...164.4.3..3.6.5.", "532..45362.3.4.343", ".23266.36.6...6446"],
    ["432145433234456.64", "634..424143.3525.3", ".232.41.3.644..545", ".1422.1651555..5..", "44316632...3..6.21"],
)
READERS_OF_THEIR_OWN = study(
    "000000000111111111",
    ["415434151566434566", "533144123365242523", "631232413664416566", UNREAD, UNREAD, UNREAD],
    [UNREAD, UNREAD, UNREAD, "412135245654251556", "514233131614265154", "323123213634546544"],
)
COMMON_REAL_FILMS = study(
    "000000001111111111111111",
    ["1455321356464546........", "1544344424263255........", "1366152312445456........", "3444153444464333........"],
    ["14553213........36344564", "15443444........44315454", "13661523........25335654", "34441534........36546664"],
)
NOTHING_COMMON = study(
    "000000000111111111",
    ["....33114....63341", "....52216....64363", "....44315....53152", UNREAD, UNREAD, UNREAD],
    [UNREAD, UNREAD, UNREAD, "1336.....3435.....", "5544.....5635.....", "4115.....6424....."],
)
NEGATIVE = study("000000111111", ["146341525522", "454123334352", "212446132412", "211654313654"])


@pytest.mark.parametrize(
    ("ratings", "arm", "area", "statistic", "variance", "df"),
    [
        pytest.param(CROSSED, 0, 0.63375, "U", 0.0038166418650793787, 4.185092393174872, id="crossed 1"),
        pytest.param(CROSSED, 1, 0.61375, "U", 0.005280332341269844, 7.56709550558926, id="crossed 2"),
        pytest.param(MISSING, 0, 0.5733333333333334, "V", 0.008443713630310143, 62.47762347645711, id="negative U"),
        pytest.param(MISSING, 1, 0.6972477064220184, "U", 0.016866267738342794, 5.1466676346871365, id="missing"),
        pytest.param(
            READERS_OF_THEIR_OWN, 0, 0.7510288065843621, "U", 0.007234854739284369, 3.6221927480831537, id="nested 1"
        ),
        pytest.param(
            READERS_OF_THEIR_OWN, 1, 0.8045267489711934, "U", 0.008052898863655678, 2.23216597414797, id="nested 2"
        ),
        pytest.param(COMMON_REAL_FILMS, 0, 0.61328125, "U", 0.012752922213807416, 7.429221419879321, id="common real"),
        pytest.param(NOTHING_COMMON, 0, 0.62, "U", 0.03190000000000007, 7.753364907511531, id="unpaired"),
        pytest.param(NOTHING_COMMON, 1, 0.6458333333333334, "U", 0.00969328703703709, 2.0, id="least df"),
        pytest.param(NEGATIVE, 0, 0.5, "V", 0.01258747535150892, 26.84540079876033, id="negative U, crossed"),
    ],
)
def test_an_arm_is_as_in_imrmc(
    ratings: Ratings, arm: int, area: float, statistic: str, variance: float, df: float
) -> None:
    found = one_shot.reader_mean(moments.auc(ratings), modality=arm)
    assert found.statistic == statistic
    assert (found.estimate, found.variance) == pytest.approx((area, variance), abs=1e-12)
    assert found.df == pytest.approx(df, rel=1e-9)


@pytest.mark.parametrize(
    ("ratings", "gap", "variance"),
    [
        pytest.param(CROSSED, 0.02, 0.004601388888888919, id="crossed"),
        pytest.param(MISSING, -0.12391437308868503, 0.019346914382391195, id="missing"),
        pytest.param(READERS_OF_THEIR_OWN, -0.053497942386831254, 0.013868116945249087, id="nested"),
        pytest.param(COMMON_REAL_FILMS, -0.0625, 0.010365181228741527, id="common real"),
        pytest.param(NOTHING_COMMON, -0.025833333333333375, 0.04159328703703716, id="unpaired"),
    ],
)
def test_a_difference_of_arms_is_as_in_imrmc(ratings: Ratings, gap: float, variance: float) -> None:
    found = one_shot.difference(moments.auc(ratings), 0, 1)
    assert (found.estimate, found.variance) == pytest.approx((gap, variance), abs=1e-12)


@pytest.mark.parametrize("ratings", [CROSSED, MISSING])
def test_the_least_degrees_of_freedom_of_a_difference_are_those_of_the_readers(ratings: Ratings) -> None:
    # iMRMC: 4.0 for both.
    assert one_shot.difference(moments.auc(ratings), 0, 1).df == 4


def test_arms_without_anything_in_common_have_the_sum_of_their_variances() -> None:
    area = moments.auc(NOTHING_COMMON)
    apart = [one_shot.reader_mean(area, modality=arm).variance for arm in (0, 1)]
    assert one_shot.difference(area, 0, 1).variance == pytest.approx(sum(apart), abs=1e-15)


def test_students_t_takes_the_whole_part_of_the_degrees_of_freedom() -> None:
    found = one_shot.reader_mean(moments.auc(CROSSED))
    se = 0.0038166418650793787**0.5
    assert (found.low, found.high) == pytest.approx((0.63375 - 2.7764451052 * se, 0.63375 + 2.7764451052 * se))
    assert found.p == pytest.approx(2 * stats.t.sf(0.13375 / se, 4), abs=1e-9)


def test_above_50_degrees_of_freedom_the_normal_distribution_is_taken() -> None:
    found = one_shot.reader_mean(moments.auc(MISSING))
    se = 0.008443713630310143**0.5
    assert found.low == pytest.approx(0.5733333333333334 - 1.9599639845 * se)
    assert found.p == pytest.approx(2 * stats.norm.sf(0.0733333333333334 / se), abs=1e-9)


@pytest.mark.parametrize("random", ["both", "readers", "cases"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_all_have_read_everything_the_variance_is_hillis_with_unbiased_covariances(
    random: Any, seed: int
) -> None:
    """MSR / r + Cov2 (Hillis, Stat Med 2014; Gallas, Acad Radiol 2006); Cov2 is above zero in these tables."""
    whole = table(*drawn(6, 25, 20, 1.0, seed=seed))
    hillis = mrmc.reader_mean(merit.auc(whole).estimates[0], covariance.of_auc(whole, "unbiased"), 0.5, random)
    found = one_shot.reader_mean(moments.auc(whole), random=random)
    assert (found.estimate, found.variance) == pytest.approx((hillis.estimate, hillis.se**2), abs=1e-12)


@pytest.mark.parametrize("name", ["deception_rate", "real_rated_real", "false_alarm_rate", "accuracy"])
@pytest.mark.parametrize("random", ["both", "readers", "cases"])
def test_rates_where_all_have_read_everything_are_hillis_too(name: str, random: Any) -> None:
    whole = table(*drawn(6, 30, 40, 0.7, seed=8))
    figure = getattr(merit, name)(whole, 4)
    hillis = mrmc.reader_mean(figure.estimates[0], covariance.jackknife(figure), 0.5, random)
    found = one_shot.reader_mean(getattr(moments, name)(whole, 4), None, random=random)
    assert (found.estimate, found.variance) == pytest.approx((hillis.estimate, hillis.se**2), abs=1e-12)
    assert found.p is None


@pytest.mark.parametrize("ratings", [CROSSED, MISSING, COMMON_REAL_FILMS])
@pytest.mark.parametrize("random", ["both", "cases"])
def test_balanced_accuracy_is_the_auc_of_the_decisions(ratings: Ratings, random: Any) -> None:
    said = np.where(ratings.read, ratings.values >= 4, np.nan)
    decisions = Ratings(ratings.modalities, ratings.readers, ratings.cases, said, ratings.synthetic)
    right, area = moments.balanced_accuracy(ratings, 4), moments.auc(decisions)
    assert np.allclose(right.sums, area.sums)
    for found, expected in (
        (one_shot.reader_mean(right, random=random), one_shot.reader_mean(area, random=random)),
        (one_shot.difference(right, 0, 1, random=random), one_shot.difference(area, 0, 1, random=random)),
    ):
        assert (found.estimate, found.variance, found.df) == pytest.approx(
            (expected.estimate, expected.variance, expected.df)
        )


@pytest.mark.parametrize("ratings", [CROSSED, MISSING, COMMON_REAL_FILMS])
def test_the_difference_in_rated_real_is_one_less_twice_the_balanced_accuracy(ratings: Ratings) -> None:
    right = one_shot.reader_mean(moments.balanced_accuracy(ratings, 4))
    gap = one_shot.reader_mean(moments.difference_in_rated_real(ratings, 4), 0.0)
    assert gap.estimate == pytest.approx(1 - 2 * right.estimate)
    assert (gap.variance, gap.df, gap.p) == pytest.approx((4 * right.variance, right.df, right.p))


@pytest.mark.parametrize("arm", [0, 1])
def test_the_u_statistic_is_its_definition(arm: int) -> None:
    """A² minus the mean product of pairs of terms that share neither reader nor film (Gallas, Acad Radiol 2006, eq. 7),

    each product of terms that do share something weighing by how often it is part of A².
    """
    rng = np.random.default_rng(arm)
    values = rng.integers(1, 5, (1, 3, 7)).astype(float)
    values[0, rng.integers(0, 3, 3), rng.integers(0, 7, 3)] = np.nan
    truth = np.arange(7) > 3
    ratings = Ratings(("",), tuple("abc"), tuple("1234567"), values, truth)
    terms = {
        (r, i, j): float(np.heaviside(values[0, r, i] - values[0, r, j], 0.5))
        for r, i, j in product(range(3), np.flatnonzero(truth), np.flatnonzero(~truth))
        if not np.isnan(values[0, r, [i, j]]).any()
    }
    shared: dict[tuple[bool, ...], list[float]] = {}
    for one, other in product(terms, terms):
        pattern = tuple(a == b for a, b in zip(one, other, strict=True))
        shared.setdefault(pattern, []).append(terms[one] * terms[other])
    nothing = np.mean(shared[False, False, False])
    pairs = len(terms) ** 2
    variance = sum(len(products) / pairs * np.mean(products) for products in shared.values()) - nothing
    assert one_shot._variance(moments.auc(ratings), 0, 0, "both").u == pytest.approx(variance, abs=1e-14)


def test_many_ratings_and_few_give_the_same_sums() -> None:
    """Films are compared one by one where ratings are many, else rating by rating."""
    values = np.random.default_rng(3).normal(size=(1, 4, 80))
    truth = np.arange(80) > 39
    fine = Ratings(("",), tuple("abcd"), tuple(map(str, range(80))), values, truth)
    coarse = Ratings(("",), tuple("abcd"), fine.cases, np.round(values), truth)
    for ratings in (fine, coarse):
        rows = ratings.values[0]
        won = np.heaviside(rows[:, truth, None] - rows[:, None, ~truth], 0.5)
        found = moments.auc(ratings).sums
        assert np.allclose(found[1, 1], np.einsum("aij,bij->ab", won, won))
        assert np.allclose(found[1, 0], np.einsum("aij,bik->ab", won, won))


def test_a_single_reader_is_fixed() -> None:
    alone = table(*drawn(1, 30, 30, 0.7, seed=2))
    found = one_shot.reader_mean(moments.auc(alone))
    assert found.random == "cases"
    assert found.variance == pytest.approx(covariance.of_auc(alone, "unbiased")[0, 0], abs=1e-15)


def test_fixed_readers_weigh_by_the_pairs_that_they_read() -> None:
    arm = MISSING.of_modality(1)
    area = moments.auc(arm)
    weights = area.sizes[0] / area.sizes.sum()
    expected = weights @ covariance.of_auc(arm, "unbiased") @ weights
    assert one_shot.reader_mean(area, random="cases").variance == pytest.approx(expected, abs=1e-14)


def test_with_cases_fixed_it_is_a_t_test_over_readers() -> None:
    found = one_shot.reader_mean(moments.auc(CROSSED), random="readers")
    expected = stats.ttest_1samp(merit.auc(CROSSED).estimates[0], 0.5)
    assert (found.df, found.p) == pytest.approx((4, expected.pvalue))


def test_a_reader_worse_than_chance_is_not_turned_round() -> None:
    found, turned = (one_shot.reader_mean(moments.auc(ratings)) for ratings in (CROSSED, _turned(CROSSED)))
    assert turned.estimate == pytest.approx(1 - found.estimate)
    assert (turned.variance, turned.p) == pytest.approx((found.variance, found.p))


def _turned(ratings: Ratings) -> Ratings:
    return Ratings(ratings.modalities, ratings.readers, ratings.cases, 7 - ratings.values, ratings.synthetic)


def test_a_reader_of_one_truth_state_counts_for_nothing() -> None:
    synthetic_only = "." * 10 + "66666666"
    more = [*("".join(f"{mark:.0f}" for mark in row) for row in CROSSED.values[0]), synthetic_only]
    found = one_shot.reader_mean(moments.auc(study("000000000011111111", more)))
    assert found == one_shot.reader_mean(moments.auc(CROSSED.of_modality(0)))


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        pytest.param(study("0011", ["1156", "1256", "1166"]), "above zero", id="perfect readers"),
        pytest.param(study("1111", ["1156", "1256", "1166"]), "No reader has a case", id="one truth state only"),
        pytest.param(study("0111", ["1356", "4256", "5166"]), "single case", id="one real film"),
    ],
)
def test_what_cannot_be_said_is_refused(ratings: Ratings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_shot.reader_mean(moments.auc(ratings))
