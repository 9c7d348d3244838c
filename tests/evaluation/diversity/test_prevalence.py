"""Shares corrected for a test's error: examples of the literature, intervals, ranges, and where nothing is known."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluation.diversity.prevalence import Test as HowRight
from evaluation.diversity.prevalence import agreeing_shares, compared_with_source, rogan_gladen, shifted
from evaluation.diversity.shares import Z95, Moments, Share, share_of
from evaluation.diversity.validation import Setting, coverage, lang_reiczigel


def share(positive: int, films: int) -> Share:
    return share_of(np.arange(films) < positive)


def test_the_examples_of_a_known_program_come_out() -> None:
    # epi.prev of the R package epiR: of 150 cows 23 were positive to a test of sensitivity 96 % and specificity 89 %,
    # which makes 5.1 cases per 100 cows.
    assert rogan_gladen(23 / 150, 0.96, 0.89) == pytest.approx(0.051, abs=5e-4)
    # Moujaber et al. 2008, Helicobacter pylori: 6 of 151 with 96.4 % and 92.7 %; epiR clips what is below 0.
    assert rogan_gladen(6 / 151, 0.964, 0.927) == pytest.approx(-0.0373, abs=5e-4)
    with pytest.raises(ValueError, match="says nothing"):
        rogan_gladen(0.3, 0.4, 0.6)


def test_intervals_of_a_good_test_are_those_of_lang_and_reiczigel() -> None:
    # Their first example: 4,060 of 11,284 positive, 178 of 179 and 358 of 359 right; limits 0.349 and 0.372.
    three = share(4060, 11284).adjusted(Z95**2 / 2), share(178, 179).adjusted(1), share(358, 359).adjusted(1)
    assert lang_reiczigel(*three) == (pytest.approx(0.349, abs=5e-4), pytest.approx(0.372, abs=5e-4))
    assert agreeing_shares(*three) == (pytest.approx(0.349, abs=1e-3), pytest.approx(0.372, abs=1e-3))


def test_a_perfect_test_leaves_the_interval_of_the_share_itself() -> None:
    low, high = agreeing_shares(Moments(0.3, 0.01), Moments(1, 0), Moments(1, 0)) or (0, 0)
    assert (low, high) == (pytest.approx(0.3 - 0.1 * Z95), pytest.approx(0.3 + 0.1 * Z95))


moments = st.builds(Moments, st.floats(0.01, 0.99), st.floats(1e-5, 1e-2))


@given(moments, moments, moments)
def test_the_limits_are_where_the_three_shares_just_agree(apparent: Moments, right: Moments, spared: Moments) -> None:
    limits = agreeing_shares(apparent, right, spared)
    youden = right.value + spared.value - 1
    identified = youden > 0 and youden**2 > Z95**2 * (right.variance + spared.variance)
    assert (limits is not None) == identified
    assume(limits is not None)
    for p in limits or ():
        apart = apparent.value - p * right.value - (1 - p) * (1 - spared.value)
        error = sqrt(apparent.variance + p**2 * right.variance + (1 - p) ** 2 * spared.variance)
        assert abs(apart) == pytest.approx(Z95 * error, rel=1e-4)


def test_the_intervals_hold_the_truth_as_often_as_they_say_even_with_a_weak_test() -> None:
    held = coverage(Setting(share=0.3, sensitivity=0.3, specificity=0.95, with_it=20, without=300), runs=300, seed=1)
    assert held.given > 0.8
    assert held.share > 0.92
    assert held.difference > 0.92


def test_plain_draws_that_have_the_share_of_the_source_are_not_told_from_it() -> None:
    # 0.1 · 0.8 + 0.9 · 0.05 = 0.125
    figures = compared_with_source(share(125, 1000), HowRight(share(80, 100), share(950, 1000)), share(400, 4000))
    assert figures["corrected"]["estimate"] == pytest.approx(0.1)
    assert figures["corrected"]["clipped"] is False
    assert figures["difference"]["estimate"] == pytest.approx(0, abs=1e-12)
    assert figures["difference"]["low"] < 0 < figures["difference"]["high"]
    assert figures["p"] > 0.5
    assert 0 < figures["within"] < figures["difference"]["high"] - figures["difference"]["low"]


def test_p_and_the_interval_of_the_difference_speak_with_one_voice() -> None:
    test = HowRight(share(80, 100), share(950, 1000))
    for called in range(60, 220, 10):
        figures = compared_with_source(share(called, 1000), test, share(400, 4000))
        difference = figures["difference"]
        excluded = difference["low"] > 0 or difference["high"] < 0
        assert excluded == (figures["p"] < 0.05), called


def test_what_follows_from_a_test_that_is_another_on_synthetic_films() -> None:
    test = HowRight(share(80, 100), share(90, 100))
    # (0.2 + Sp − 1) / (Se + Sp − 1) in the four corners: 0.05/0.6, 0.15/0.7, 0.05/0.7, 0.15/0.8.
    assert shifted(0.2, test, 0.05) == {"low": pytest.approx(0.05 / 0.7), "high": pytest.approx(0.15 / 0.7)}
    # A specificity of 0.9 + 0.1 is perfect, and one of 0.8 leaves nothing of so few positives.
    assert shifted(0.05, test, 0.10) == {"low": 0, "high": pytest.approx(0.05 / 0.7)}
    assert shifted(0.2, HowRight(share(30, 100), share(90, 100)), 0.10) is None
    figures = compared_with_source(share(200, 1000), test, share(50, 1000))
    # 0.05 · 0.8 + 0.95 · (1 − Sp) = 0.2; no sensitivity explains it, for 0.095 of the films are false alarms at most.
    assert figures["explained_by"] == {"sensitivity": None, "specificity": pytest.approx(0.79 / 0.95)}


def test_what_had_to_be_clipped_is_said() -> None:
    figures = compared_with_source(share(8, 200), HowRight(share(90, 100), share(95, 100)), share(2, 100))
    corrected = figures["corrected"]
    assert corrected["clipped"]
    assert corrected["before_clipping"] == pytest.approx(-0.01 / 0.85)
    assert corrected["estimate"] == corrected["low"] == 0
    assert corrected["high"] > 0


def test_no_share_is_farther_below_the_sources_than_the_sources_may_be_high() -> None:
    source = share(2, 100)
    difference = compared_with_source(share(8, 200), HowRight(share(30, 50), share(45, 50)), source)["difference"]
    assert difference["low"] == -source.interval().high
    difference = compared_with_source(share(95, 100), HowRight(share(45, 50), share(30, 50)), source)["difference"]
    assert difference["high"] == 1 - source.interval().low


def test_a_test_that_says_nothing_gives_no_share_but_a_reason() -> None:
    figures = compared_with_source(share(60, 400), HowRight(share(3, 12), share(300, 360)), share(40, 400))
    assert figures["corrected"] is figures["difference"] is figures["p"] is None
    assert "Not identified" in figures["undefined"]


def test_shares_that_contradict_each_other_give_no_share_but_a_reason() -> None:
    figures = compared_with_source(share(1, 400), HowRight(share(90, 100), share(800, 1000)), share(40, 400))
    assert figures["corrected"] is None
    assert "must be another" in figures["undefined"]
    # Where the assumption falls, what rests on it falls as well.
    assert figures["p"] is None
