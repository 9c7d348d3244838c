"""What is said of readers, and in which words it may be said."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import wording
from evaluation.readers.agreed import intra_reader
from evaluation.readers.arms import modalities_of
from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.one_reader import holm
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


# The exact tests of one reader


def test_fishers_test_is_the_lady_tasting_tea() -> None:
    # Fisher, The Design of Experiments, 1935: of 8 cups 3 of 4 told right; 34 of 70 arrangements are as odd.
    tests = summary([[6, 6, 6, 1, 6, 1, 1, 1]], [1, 1, 1, 1, 0, 0, 0, 0])["readers"]["R1"]["tests"]
    assert tests["fisher"]["p"] == pytest.approx(34 / 70)
    # The binomial test of 6 right in 8: 2 (28 + 8 + 1) / 256.
    assert tests["binomial"]["p"] == pytest.approx(74 / 256)
    assert summary([[6, 6, 1]], [1, 1, 0])["readers"]["R1"]["tests"]["binomial"] is None


@pytest.mark.parametrize(("right", "films", "beats_chance"), [(61, 100, True), (60, 100, False), (115, 200, True)])
def test_a_reader_needs_so_many_films_to_beat_chance(right: int, films: int, beats_chance: bool) -> None:
    # Tables of the binomial distribution, two-sided 0.05.
    half = films // 2
    ratings = [6] * half + [1] * (right - half) + [6] * (films - right)
    p = summary([ratings], [1] * half + [0] * half)["readers"]["R1"]["tests"]["binomial"]["p"]
    assert (p < 0.05) is beats_chance


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        # R, p.adjust(p, "holm").
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.6, 0.9], [1.0, 1.0]),
        ([], []),
    ],
)
def test_p_values_over_readers_are_adjusted_by_holm(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


def test_adjusted_values_stand_beside_the_reader_who_has_them() -> None:
    ratings, truth = drawn(4, 30, 30, 0.9, seed=2)
    figures = summary(ratings, truth)["readers"]
    for name in ("fisher", "binomial"):
        tests = [reader["tests"][name] for reader in figures.values()]
        assert [test["p_holm"] for test in tests] == pytest.approx(holm([test["p"] for test in tests]))


# Designs with gaps


def test_where_one_truth_state_was_read_its_rates_stand_and_nothing_else() -> None:
    # Two readers of four synthetic films: 1 and 2 of 4 rated real.
    figures = summary([[1, 6, 6, 6], [1, 2, 5, 6]], [1, 1, 1, 1])
    over = figures["overall"]
    assert (over["obuchowski_rockette"], over["one_shot"], over["equivalence"]) == (None, None, None)
    assert over["rates"]["deception_rate"] == {"judgement": 3 / 8, "reader": 3 / 8, "film_majority": 1.5 / 4}
    assert over["rates"]["false_alarm_rate"] is None
    assert over["rates"]["balanced_accuracy"] is None
    assert over["reader_means"]["deception_rate"]["estimate"] == 3 / 8
    assert over["reader_means"]["false_alarm_rate"] is None
    assert "No reader read both real and synthetic films, so there is no AUC." in figures["warnings"]
    reader = figures["readers"]["R2"]
    # Clopper and Pearson's limits of 2 in 4.
    assert (reader["deception_rate"]["low"], reader["deception_rate"]["high"]) == pytest.approx(
        (0.0676, 0.9324), abs=5e-5
    )
    assert reader["auc"] is None
    assert "one truth state only" in reader["undefined"][0]


def test_a_perfect_reader_and_one_who_is_always_wrong_are_not_turned_round() -> None:
    truth = [0] * 10 + [1] * 10
    figures = summary([[1] * 10 + [6] * 10, [6] * 10 + [1] * 10], truth)["readers"]
    assert (figures["R1"]["auc"]["estimate"], figures["R2"]["auc"]["estimate"]) == (1, 0)
    # Hautus 1995: 10.5 of 11 and 0.5 of 11, so d′ = ±3.3812 and no bias.
    assert figures["R1"]["d_prime"]["estimate"] == pytest.approx(3.3812, abs=5e-5)
    assert figures["R2"]["d_prime"]["estimate"] == pytest.approx(-3.3812, abs=5e-5)
    assert figures["R1"]["criterion"]["estimate"] == pytest.approx(0)
    assert figures["R2"]["accuracy"]["estimate"] == 0


def test_arms_with_readers_and_films_of_their_own_are_compared_in_one_shot() -> None:
    (first, truth), (second, _) = drawn(5, 25, 25, 0.3, seed=1), drawn(4, 25, 25, 1.5, seed=2)
    other = [replace(row, reader=f"S{row.reader}") for row in readings(second, truth, arm="B", first_case=100)]
    rows = [*readings(first, truth, arm="A"), *other]
    figures = summarise(rows, Options(arms="arm"))
    (pair,) = figures["comparison"]
    one, two = (figures["arms"][arm]["one_shot"] for arm in "AB")
    assert pair["method"] == "one shot"
    assert pair["difference"] == pytest.approx(one["auc"] - two["auc"])
    # Nothing is shared, so variances add up.
    assert pair["se"] ** 2 == pytest.approx(one["variance"] + two["variance"])
    assert figures["comparison_overall"] is None
    assert figures["n"]["readers"] == 9


def test_readers_of_some_arms_are_in_the_one_shot_comparison_alone() -> None:
    (first, truth), (second, _) = drawn(5, 20, 20, 0.3, seed=1), drawn(5, 20, 20, 1.5, seed=2)
    rows = [*readings(first, truth, arm="A"), *readings(second, truth, arm="B")]
    part = [row for row in rows if (row.reader, row.arm) != ("R5", "B")]
    four = [row for row in rows if row.reader != "R5"]
    figures, of_four = (summarise(given, Options(arms="arm")) for given in (part, four))
    (pair,), (pair_of_four,) = figures["comparison"], of_four["comparison"]
    assert pair["method"] == "Obuchowski-Rockette"
    assert pair["difference"] == pytest.approx(pair_of_four["difference"])
    assert pair["one_shot"]["estimate"] != pytest.approx(pair_of_four["one_shot"]["estimate"])
    assert any("takes R5 too" in warning for warning in figures["warnings"])


def test_cases_of_a_later_sitting_are_repeats_of_the_first() -> None:
    ratings, truth = drawn(3, 10, 10, 0.8, seed=1)
    once = readings(ratings, truth)
    again = [replace(row, sitting="10", rating=7 - row.rating) for row in once]
    later = [replace(row, sitting="9") for row in again]
    figures = summarise([*again, *once, *later], Options())
    assert figures["overall"] == summarise(once, Options())["overall"]
    assert any("several sittings" in warning for warning in figures["warnings"])
    by_sitting = summarise([*once, *again], Options(arms="sitting"))
    assert by_sitting["comparison"][0]["arms"] == ["1", "10"]


def test_the_common_real_arm_serves_every_other_value() -> None:
    real, both = readings([[1, 2]], [0, 0], arm="real"), readings([[1, 6, 5]], [0, 1, 1], arm="B", first_case=20)
    (synthetic,) = readings([[5]], [1], arm="A", first_case=10)
    modalities = modalities_of([*real, synthetic, *both], "arm")
    assert {name: [row.case for row in rows] for name, rows in modalities.items()} == {
        "A": ["c0", "c1", "c10"],
        "B": ["c0", "c1", "c20", "c21", "c22"],
    }
    with pytest.raises(ValueError, match="The arm “A” has no real films and there is no common real arm"):
        modalities_of([synthetic, *both], "arm")
    with pytest.raises(ValueError, match="has only real films"):
        modalities_of(real, "arm")


# What is there only where it is asked for


def test_a_bootstrap_and_a_regression_stand_beside_where_they_are_asked_for() -> None:
    ratings, truth = drawn(6, 30, 30, 0.8, seed=3)
    rows = [
        replace(row, position=number % 60, extra={"marker": "yes" if number % 3 else "no"})
        for number, row in enumerate(readings(ratings, truth))
    ]
    plain = summarise(rows, Options())["overall"]
    assert "bootstrap" not in plain
    asked = summarise(rows, Options(covariates=("position", "marker"), draws=400, seed=1))["overall"]
    assert asked["bootstrap"]["estimate"] == pytest.approx(plain["one_shot"]["auc"])
    assert {term["covariate"] for term in asked["regression"]["terms"]} == {"truth", "position", "marker"}
    assert asked["regression"]["exploratory"]
    json.dumps(asked, allow_nan=False)
    refused = summarise(readings(ratings[:3], truth), Options(covariates=("nothing",), draws=10))
    assert (refused["overall"]["regression"], refused["overall"]["bootstrap"]) == (None, None)
    assert any("no value in any reading" in warning for warning in refused["warnings"])
    assert any("needs 6 of them or more" in warning for warning in refused["warnings"])


def test_every_pair_of_readers_has_a_kappa_beside_what_is_expected_of_independent_ones() -> None:
    # Readers 1 and 2 agree on 6 of 8: shares ½ and ½, κ = ½. Hits ¾ and ¾, false alarms ¼ and ¼: expected ¼.
    figures = summary([[1, 1, 1, 6, 6, 6, 6, 1], [1, 1, 6, 1, 6, 6, 6, 1]], [0, 0, 0, 0, 1, 1, 1, 1])["agreement"]
    (pair,) = figures["cohen_kappa"]
    assert (pair["readers"], pair["n"]) == (["R1", "R2"], 8)
    assert pair["estimate"] == pytest.approx(0.5)
    assert pair["expected"]["estimate"] == pytest.approx(0.25)
    assert figures["kappa_expected_from_accuracy"]["estimate"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"scale": (6, 1)}, "not from 6 to 1"),
        ({"cut": 9}, "the same decision"),
        ({"cut": float("nan")}, "the same decision"),
        ({"margin": 0.5}, "not between 0 and 0.5"),
        ({"margin": -0.1}, "not between 0 and 0.5"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Options(**options)


def test_perfect_readers_have_no_interval_by_either_method_and_no_p_value() -> None:
    """Of 22 films their moments are 1 but for rounding, which must not pass for a variance."""
    truth = [0] * 12 + [1] * 10
    over = summary([[1] * 12 + [6] * 10] * 3, truth)["overall"]
    for name in ("obuchowski_rockette", "one_shot"):
        assert (over[name]["auc"], over[name]["low"], over[name]["p"]) == (1, None, None)


def test_arms_without_a_variance_still_have_their_difference() -> None:
    truth = [0, 0, 0, 1, 1, 1]
    right, wrong = ([ratings] * 3 for ratings in ([1, 1, 1, 6, 6, 6], [6, 6, 6, 1, 1, 1]))
    rows = [*readings(right, truth, arm="A"), *readings(wrong, truth, arm="B", first_case=10)]
    (pair,) = summarise(rows, Options(arms="arm"))["comparison"]
    assert (pair["difference"], pair["se"], pair["p"]) == (1, None, None)


def test_what_is_null_over_all_readers_has_its_reason_beside() -> None:
    of_one_truth = summary([[1, 6, 6, 6]] * 2, [1, 1, 1, 1])["overall"]
    assert of_one_truth["obuchowski_rockette"] is None
    assert "no AUC" in of_one_truth["undefined"][0]
    of_perfect = summary([[1, 1, 1, 6, 6, 6]] * 3, [0, 0, 0, 1, 1, 1])["overall"]
    assert "There is no interval for the AUC" in of_perfect["undefined"][0]
    crossed = [*readings([[1, 6]], [0, 1], arm="A"), *readings([[1, 6]], [0, 1], arm="B")]
    assert "several arms" in summarise(crossed, Options(arms="arm"))["overall"]["undefined"][0]
    assert summary(*drawn(4, 10, 10, 0.5, seed=1))["overall"]["undefined"] == []


def test_a_scale_with_a_midpoint_says_why_there_are_no_rates_and_no_kappa() -> None:
    figures = summary([[1, 2, 5, 5, 4, 3], [1, 3, 2, 5, 4, 4]], [0, 0, 0, 1, 1, 1], scale=(1, 5))
    assert figures["overall"]["rates"] is None
    assert "give a cut" in figures["overall"]["undefined"][0]
    agreed = figures["agreement"]
    assert agreed["fleiss_kappa"] is None
    assert agreed["krippendorff_alpha"]["ordinal"] is not None
    assert "give a cut" in agreed["undefined"][0]
