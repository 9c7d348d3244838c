"""The Van Dyke readings give the figures that MRMCaov, RJafroc and iMRMC publish for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from evaluation.readers.imrmc import read_imrmc
from evaluation.readers.options import Options
from evaluation.readers.reading import Reading
from evaluation.readers.summary import summarise
from evaluation.readers.table import read_table

SCALE = (1, 5)
MEANS = {"1": 0.8970370, "2": 0.9408374}


@pytest.fixture(scope="module")
def vandyke(real_films: Path) -> list[Reading]:
    return read_table(real_films / "readers" / "vandyke.csv", SCALE, arms="treatment")


def analysed(readings: list[Reading], arms: str = "treatment", **options: Any) -> dict[str, Any]:
    return summarise(readings, Options(scale=SCALE, arms=arms, **options))


def test_the_table_is_read_whole(vandyke: list[Reading]) -> None:
    counts = {"readers": 5, "cases": 114, "real": 69, "synthetic": 45, "readings": 1140}
    assert analysed(vandyke)["n"] == counts


@pytest.mark.parametrize(
    ("method", "components", "f", "df2", "p"),
    [
        ("delong", (0.0007921325, 0.0003420090, 0.0003395265, 0.0002358497), 4.484854, 15.06611, 0.05123303),
        ("jackknife", (0.0008022883, 0.0003466137, 0.0003440748, 0.0002390284), 4.45632, 15.2597, 0.05167),
        ("unbiased", None, 4.489614, 15.03418, 0.0511618),
    ],
)
def test_the_comparison_is_that_of_the_literature(
    vandyke: list[Reading], method: Any, components: tuple[float, ...] | None, f: float, df2: float, p: float
) -> None:
    figures = analysed(vandyke, covariance=method)
    (pair,) = figures["comparison"]
    for arm, mean in MEANS.items():
        assert figures["arms"][arm]["obuchowski_rockette"]["estimate"] == pytest.approx(mean, abs=5e-8)
    assert pair["f"] == pytest.approx(f, abs=5e-6)
    assert (pair["df1"], pair["df2"]) == (1, pytest.approx(df2, abs=5e-5))
    assert pair["p"] == pytest.approx(p, abs=5e-6)
    assert pair["difference"] == pytest.approx(-0.0438003, abs=5e-8)
    if components:
        names = ("variance", "cov1", "cov2", "cov3")
        assert [pair["components"][name] for name in names] == pytest.approx(components, abs=5e-11)


def test_intervals_by_delong_are_those_of_the_literature(vandyke: list[Reading]) -> None:
    figures = analysed(vandyke, covariance="delong")
    (pair,) = figures["comparison"]
    assert (pair["low"], pair["high"]) == pytest.approx((-0.0878672, 0.0002666), abs=5e-8)
    single = {arm: figures["arms"][arm]["obuchowski_rockette"] for arm in MEANS}
    assert (single["1"]["low"], single["1"]["high"]) == pytest.approx((0.8253461, 0.9687280), abs=5e-8)
    assert (single["2"]["low"], single["2"]["high"]) == pytest.approx((0.8942155, 0.9874592), abs=5e-8)


# RJafroc's analysis of its dataset02, which is Van Dyke's, by the jackknife (RJafrocBook, chapter “ORApplications”).
# Its modalities trt0 and trt1 are 1 and 2 here.


def test_mean_squares_and_components_are_those_of_rjafroc(vandyke: list[Reading]) -> None:
    figures = analysed(vandyke)
    (pair,) = figures["comparison"]
    names = ("mst", "msr", "mstr", "variance", "cov1", "cov2", "cov3")
    expected = (0.00479617053, 0.00383619999, 0.00055103062, 0.00080228827, 0.00034661371, 0.00034407483, 0.00023902837)
    assert [pair["components"][name] for name in names] == pytest.approx(expected, abs=5e-12)
    for arm, msr, variance, cov2 in (
        ("1", 0.0030826287, 0.00101410277, 0.00048396180),
        ("2", 0.0013046019, 0.00059047376, 0.00020418785),
    ):
        components = figures["arms"][arm]["obuchowski_rockette"]["components"]
        assert [components[name] for name in ("msr", "variance", "cov2")] == pytest.approx(
            (msr, variance, cov2), abs=5e-11
        )


@pytest.mark.parametrize(
    ("random", "f", "df2", "p", "low", "high"),
    [
        ("both", 4.4563187, 15.259675, 0.051665686, -0.087959499, 0.00035885444),
        ("cases", 5.4759532, None, 0.019279843, -0.080485914, -0.0071147303),
        ("readers", 8.704, 4, 0.041958752, -0.085020224, -0.0025804202),
    ],
)
def test_each_choice_of_random_factors_is_that_of_rjafroc(
    vandyke: list[Reading], random: Any, f: float, df2: float | None, p: float, low: float, high: float
) -> None:
    (pair,) = analysed(vandyke, random=random)["comparison"]
    assert pair["f"] == pytest.approx(f, abs=5e-4 if random == "readers" else 5e-8)
    assert pair["df2"] == (None if df2 is None else pytest.approx(df2, abs=5e-7))
    assert pair["p"] == pytest.approx(p, abs=5e-10)
    assert (pair["low"], pair["high"]) == pytest.approx((low, high), abs=5e-10)


@pytest.mark.parametrize(
    ("random", "arm", "low", "high"),
    [
        ("both", "1", 0.82522360, 0.96885048),
        ("both", "2", 0.89413783, 0.98753689),
        ("cases", "1", 0.84943008, 2 * 0.89703704 - 0.84943008),
        ("cases", "2", 0.90795637, 2 * 0.94083736 - 0.90795637),
    ],
)
def test_single_modalities_are_those_of_rjafroc(
    vandyke: list[Reading], random: Any, arm: str, low: float, high: float
) -> None:
    single = analysed(vandyke, random=random)["arms"][arm]["obuchowski_rockette"]
    assert (single["low"], single["high"]) == pytest.approx((low, high), abs=2e-8)


def test_with_readers_fixed_the_test_is_a_chi_square(vandyke: list[Reading]) -> None:
    (pair,) = analysed(vandyke, random="cases")["comparison"]
    assert pair["f"] == pytest.approx(5.475953, abs=5e-7)
    assert pair["df2"] is None
    assert pair["p"] == pytest.approx(0.01927984, abs=5e-9)


def test_with_readers_fixed_by_delong_it_follows_from_the_published_components(vandyke: list[Reading]) -> None:
    """χ² = MST / [Var − Cov1 + (r − 1)(Cov2 − Cov3)] (Hillis, Stat Med 2007), of RJafroc's MST and MRMCaov's DeLong."""
    error = 0.0007921325 - 0.0003420090 + 4 * (0.0003395265 - 0.0002358497)
    (pair,) = analysed(vandyke, covariance="delong", random="cases")["comparison"]
    assert pair["f"] == pytest.approx(0.00479617053 / error, abs=5e-6)
    assert pair["p"] == pytest.approx(stats.chi2.sf(0.00479617053 / error, 1), abs=1e-7)


def test_unbiased_covariances_follow_from_the_published_f(vandyke: list[Reading]) -> None:
    """MST / F is MSTR + r (Cov2 − Cov3), of RJafroc's mean squares and MRMCaov's F."""
    (pair,) = analysed(vandyke, covariance="unbiased")["comparison"]
    gap = (0.00479617053 / 4.489614 - 0.00055103062) / 5
    assert pair["components"]["cov2"] - pair["components"]["cov3"] == pytest.approx(gap, abs=5e-11)


@pytest.mark.parametrize("covariance", ["delong", "unbiased"])
def test_with_cases_fixed_covariances_play_no_part(vandyke: list[Reading], covariance: Any) -> None:
    (pair,) = analysed(vandyke, covariance=covariance, random="readers")["comparison"]
    assert (pair["df2"], pair["p"]) == (4, pytest.approx(0.041958752, abs=5e-10))


def test_in_one_shot_the_difference_has_the_error_of_unbiased_covariances(vandyke: list[Reading]) -> None:
    """MRMCaov's F with unbiased covariances, 4.489614, is the squared difference over the U-statistic's variance."""
    (pair,) = analysed(vandyke)["comparison"]
    assert pair["one_shot"]["statistic"] == "U"
    assert pair["difference"] ** 2 / pair["one_shot"]["variance"] == pytest.approx(4.489614, abs=5e-7)


def test_the_file_of_imrmc_holds_the_same_readings(vandyke: list[Reading], real_films: Path) -> None:
    same = read_imrmc(real_films / "readers" / "vandyke.imrmc", SCALE)
    (pair,) = analysed(same, arms="arm")["comparison"]
    (expected,) = analysed(vandyke)["comparison"]
    assert pair["f"] == pytest.approx(expected["f"], rel=1e-12)
