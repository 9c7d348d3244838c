"""What is said of readers, and in which words it may be said."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import wording
from evaluation.readers.agreed import intra_reader
from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.options import Options
from evaluation.readers.summary import summarise
from tests.evaluation.readings import drawn, readings


def summary(ratings: Any, synthetic: Any, **options: Any) -> dict[str, Any]:
    figures = summarise(readings(ratings, synthetic), Options(**({"margin": 0.1, "unmet": ()} | options)))
    json.dumps(figures, allow_nan=False)
    return figures


def verdict(estimate: float, se: float, p: float, unmet: tuple[str, ...] = ()) -> str:
    return wording.verdict(two_one_sided_tests(estimate, se, 8, centre=0.5, margin=0.1), p, unmet)


def test_equivalence_is_claimed_only_with_both_tests_passed_and_the_control_detected() -> None:
    claim = "Equivalent to guessing within ± 0.1"
    assert verdict(0.51, 0.02, 0.6).startswith(claim)
    assert (
        verdict(0.51, 0.09, 0.9) == "Not shown to differ from guessing, and not shown to lie within ± 0.1 of it either."
    )
    assert verdict(0.7, 0.02, 0.0001) == "Shown to differ from guessing."
    assert "though a difference smaller than that is shown" in verdict(0.54, 0.01, 0.003)
    for unmet in (wording.NO_CONTROL, wording.CONTROL_NOT_DETECTED, wording.MARGIN_NOT_FIXED):
        said = verdict(0.51, 0.02, 0.6, (unmet,))
        assert claim not in said
        assert unmet in said


def test_a_zero_has_no_sign() -> None:
    assert wording.number(-0.0, 2) == wording.number(-0.004, 2) == "0.00"
    assert wording.number(-0.006, 2) == "−0.01"
    assert wording.percent(-0.0004) == "0.0 %"
    assert wording.number(None) == "–"


def test_nothing_is_ever_called_indistinguishable() -> None:
    cases = product((0.4, 0.5, 0.55, 0.7), (0.01, 0.05, 0.2), (0.001, 0.04, 0.06, 0.9), ((), (wording.NO_CONTROL,)))
    for case in cases:
        said = verdict(*case).lower()
        assert "indistinguishable" not in said
        assert "no difference" not in said
        assert ("shown to differ" in said) or ("within" in said)


def test_without_control_the_command_claims_nothing() -> None:
    ratings, truth = drawn(8, 150, 150, 0.0, seed=5)
    claimed = summary(ratings, truth)["overall"]["equivalence"]
    assert claimed["equivalent"]
    assert claimed["statement"].startswith("Equivalent to guessing within ± 0.1")
    bare = summary(ratings, truth, unmet=Options().unmet)["overall"]["equivalence"]["statement"]
    assert "did not show that it could have detected a difference: there was no degraded control" in bare


def test_every_reader_has_rates_with_exact_intervals_and_an_area() -> None:
    # Real rated 1, 2, 5; synthetic 6, 4, 3. Cut 4: one false alarm of three, one deception of three, four of six right.
    figures = summary([[1, 2, 5, 6, 4, 3]], [0, 0, 0, 1, 1, 1])["readers"]["R1"]
    assert (figures["deception_rate"]["count"], figures["deception_rate"]["of"]) == (1, 3)
    assert figures["false_alarm_rate"]["estimate"] == pytest.approx(1 / 3)
    assert figures["accuracy"]["estimate"] == pytest.approx(4 / 6)
    # Exact limits of 1 in 3: 1 − 0.975^(1/3) and the root of the cubic.
    assert figures["deception_rate"]["low"] == pytest.approx(1 - 0.975 ** (1 / 3))
    assert figures["deception_rate"]["high"] == pytest.approx(0.9057, abs=5e-5)
    # Pairs won: 6 beats all, 4 beats two, 3 beats two.
    assert figures["auc"]["estimate"] == pytest.approx(7 / 9)
    assert figures["median_seconds"] == 5.0


def test_a_bias_towards_real_is_no_deception() -> None:
    """A reader who calls all but one film real is deceived often; against real films rated real this shows nothing."""
    ratings = [[1, 1, 1, 1, 1, 6, 1, 1, 1, 1, 1, 6]] * 3
    means = summary(ratings, [0] * 6 + [1] * 6)["overall"]["reader_means"]
    assert means["deception_rate"]["estimate"] == pytest.approx(5 / 6)
    assert means["deception_rate"]["p"] is None
    assert means["difference_in_rated_real"]["estimate"] == pytest.approx(0)


def test_a_constant_reader_says_nothing_and_is_told() -> None:
    figures = summary([[3] * 6, [1, 2, 5, 6, 4, 3]], [0, 0, 0, 1, 1, 1])
    assert "gave every case the same rating" in " ".join(figures["readers"]["R1"]["undefined"])
    assert figures["readers"]["R1"]["auc"]["low"] is None


def test_a_reason_that_figures_share_is_given_once() -> None:
    figures = summary([[1, 6]], [0, 1])
    assert figures["warnings"][1:] == [
        "There is no interval for the AUC, the deception rate, the share of real films rated real, the false alarm "
        "rate, the balanced accuracy and the difference of the shares rated real. A reader read a single case of one "
        "truth state.",
        "There is no interval for the accuracy. The estimated variance is not above zero: readers that all agree, or "
        "that are all perfect, leave nothing to estimate it from.",
    ]


def test_a_reader_of_one_truth_state_is_left_out_of_the_means_by_name() -> None:
    figures = summary([[1, 2, 5, 6, 4, 3], [1, 2, 3, None, None, None]], [0, 0, 0, 1, 1, 1])
    assert figures["readers"]["R2"]["auc"] is None
    assert any("one truth state only: R2" in warning for warning in figures["warnings"])


def test_a_scale_with_a_midpoint_gives_areas_and_no_decisions() -> None:
    figures = summary([[1, 2, 5, 5, 4, 3]], [0, 0, 0, 1, 1, 1], scale=(1, 5))
    assert figures["readers"]["R1"]["deception_rate"] is None
    assert figures["readers"]["R1"]["auc"] is not None
    assert "give a cut" in figures["readers"]["R1"]["undefined"][0]
    assert figures["overall"]["reader_means"] is None


@given(
    st.lists(
        st.lists(st.none() | st.integers(1, 6), min_size=7, max_size=7).filter(lambda row: any(row)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_table_gives_figures_without_nan_or_a_sentence(ratings: list[list[float | None]]) -> None:
    figures = summary(ratings, [0, 0, 0, 1, 1, 1, 1])
    assert figures["n"]["readers"] == len(ratings)


def test_repeats_are_held_against_the_first_reading() -> None:
    first = readings([[1, 5, 6, 2]], [0, 0, 1, 1])
    again = [
        type(reading)(reading.reader, reading.case, reading.truth, rating, kind="repeat")
        for reading, rating in zip(first, (2, 3, 6, 5), strict=True)
    ]
    figures = intra_reader([*first, *again], Options())["R1"]
    assert figures["n"] == 4
    assert figures["agreement"]["estimate"] == pytest.approx(0.5)
    assert figures["mean_rating_change"] == pytest.approx((1 - 2 + 0 + 3) / 4)


def test_two_arms_share_the_real_films_and_are_compared() -> None:
    (first, truth), (second, _) = drawn(4, 20, 20, 0.3, seed=1), drawn(4, 20, 20, 2.0, seed=2)
    rows = readings(first, truth, arm="A")
    real = [type(row)(row.reader, row.case, "real", row.rating, arm="real") for row in rows if row.truth == "real"]
    synthetic = [row for row in rows if row.truth == "synthetic"]
    other = [row for row in readings(second, truth, arm="B", first_case=100) if row.truth == "synthetic"]
    figures = summarise([*real, *synthetic, *other], Options(arms="arm"))
    (pair,) = figures["comparison"]
    assert pair["arms"] == ["A", "B"]
    assert pair["difference"] < 0
    assert pair["p"] < 0.01
    alone = summarise([*real, *other], Options())
    assert figures["arms"]["B"]["obuchowski_rockette"] == alone["overall"]["obuchowski_rockette"]


def test_no_main_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="no main readings"):
        summarise([], Options())
