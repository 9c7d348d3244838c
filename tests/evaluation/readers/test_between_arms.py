"""Arms against each other as plain values: rates beside the AUC, and arms without common readers."""

from __future__ import annotations

import pytest
from scipy import stats

from evaluation.readers import merit
from evaluation.readers.between_arms import comparison
from evaluation.readers.options import Options
from evaluation.readers.ratings import Ratings, ratings_by_modality
from tests.evaluation.readings import drawn, readings

RATES = ("deception_rate", "false_alarm_rate", "accuracy", "balanced_accuracy")


@pytest.fixture(scope="module")
def two() -> Ratings:
    """Six readers who read the same films in two arms."""
    first, truth = drawn(6, 30, 30, 0.7, seed=2)
    second, _ = drawn(6, 30, 30, 1.2, seed=3)
    return ratings_by_modality({"first": readings(first, truth), "second": readings(second, truth)})


@pytest.mark.parametrize("name", RATES)
def test_with_films_fixed_rates_are_compared_by_a_paired_t_test(two: Ratings, name: str) -> None:
    (pair,) = comparison(two, Options(random="readers"), [])["comparison"]
    first, second = getattr(merit, name)(two, 4).estimates
    expected = stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    found = pair["rates"][name]
    assert found["difference"] == pytest.approx((first - second).mean())
    assert (found["p"], found["df2"]) == pytest.approx((expected.pvalue, 5))
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))


def test_false_alarms_on_common_real_films_are_not_compared() -> None:
    ratings, truth = drawn(6, 30, 60, 0.7, seed=4)
    real, first, second = (
        readings(ratings[:, part], truth[part], first_case=part.start)
        for part in (slice(0, 30), slice(30, 60), slice(60, 90))
    )
    arms = ratings_by_modality({"first": [*real, *first], "second": [*real, *second]})
    (pair,) = comparison(arms, Options(), [])["comparison"]
    assert pair["difference"] is not None
    assert {"deception_rate", "accuracy", "balanced_accuracy"} <= set(pair["rates"])
    assert "false_alarm_rate" not in pair["rates"]


def test_on_a_scale_with_a_midpoint_only_areas_are_compared(two: Ratings) -> None:
    (pair,) = comparison(two, Options(scale=(1, 5)), [])["comparison"]
    assert pair["rates"] == {}
    assert pair["p"] is not None


def test_arms_without_common_readers_are_compared_in_one_shot(two: Ratings) -> None:
    values = two.values.copy()
    values[0, 3:] = values[1, :3] = float("nan")
    warnings: list[str] = []
    found = comparison(Ratings(two.modalities, two.readers, two.cases, values, two.synthetic), Options(), warnings)
    (pair,) = found["comparison"]
    assert (pair["method"], found["comparison_overall"], pair["rates"]) == ("one shot", None, {})
    assert pair["difference"] == pytest.approx(
        merit.auc(two).estimates[0, :3].mean() - merit.auc(two).estimates[1, 3:].mean()
    )
    assert any("No reader read both truth states in every arm." in warning for warning in warnings)
