"""Shares of films of patients: how many independent films they are worth, and the interval that follows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.diversity.shares import share_of
from evaluation.readers.intervals import wilson


def test_films_of_patients_of_their_own_count_each_and_have_wilsons_interval() -> None:
    share = share_of(np.arange(40) < 12)
    assert (share.positive, share.films, share.patients, share.effective) == (12, 40, 40, 40)
    expected = wilson(12, 40)
    assert (share.interval().low, share.interval().high) == pytest.approx((expected.low, expected.high))


def test_films_that_are_alike_within_their_patients_count_as_many_as_there_are_patients() -> None:
    # Ten patients with two films each, all that five of them have positive and nothing else.
    patients = [f"p{film // 2}" for film in range(20)]
    share = share_of(np.arange(20) < 10, patients)
    assert (share.patients, share.effective) == (10, pytest.approx(10))
    # Nor can films of which all are positive show how alike a patient's are.
    assert share_of(np.ones(20, dtype=bool), patients).effective == 10


def test_an_adjusted_share_has_the_successes_and_failures_that_were_added() -> None:
    adjusted = share_of(np.ones(8, dtype=bool)).adjusted(1)
    assert (adjusted.value, adjusted.variance) == (pytest.approx(0.9), pytest.approx(0.9 * 0.1 / 10))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", ""])), min_size=1, max_size=60))
def test_no_share_is_worth_more_films_than_there_are_and_its_interval_holds_it(films: list[tuple[bool, str]]) -> None:
    share = share_of(np.array([positive for positive, _ in films]), [patient for _, patient in films])
    interval = share.interval()
    assert 0 < share.effective <= share.films
    assert 0 <= interval.low <= share.estimate + 1e-12
    assert share.estimate - 1e-12 <= interval.high <= 1


def test_without_films_there_is_no_share() -> None:
    with pytest.raises(ValueError, match="no films"):
        share_of(np.array([], dtype=bool))
