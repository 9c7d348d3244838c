"""The Van Dyke readings give the figures that MRMCaov, RJafroc and iMRMC publish for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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


def test_with_readers_fixed_the_test_is_a_chi_square(vandyke: list[Reading]) -> None:
    (pair,) = analysed(vandyke, random="cases")["comparison"]
    assert pair["f"] == pytest.approx(5.475953, abs=5e-7)
    assert pair["df2"] is None
    assert pair["p"] == pytest.approx(0.01927984, abs=5e-9)


def test_the_file_of_imrmc_holds_the_same_readings(vandyke: list[Reading], real_films: Path) -> None:
    same = read_imrmc(real_films / "readers" / "vandyke.imrmc", SCALE)
    (pair,) = analysed(same, arms="arm")["comparison"]
    (expected,) = analysed(vandyke)["comparison"]
    assert pair["f"] == pytest.approx(expected["f"], rel=1e-12)
