"""The order in which a reader sees the films."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readerstudy.studies.models import Slot
from readerstudy.studies.ordering import draw_order, lag, most_repeats


def cases(kind: str, count: int) -> list[str]:
    return [f"{kind}-{number}" for number in range(count)]


@given(st.integers(0, 8), st.integers(1, 80), st.integers(0, 20), st.data(), st.integers(0, 2**32))
def test_every_film_comes_once_and_a_repeat_comes_late_enough(
    practice: int, main: int, least: int, data: st.DataObject, seed: int
) -> None:
    repeats = data.draw(st.integers(0, most_repeats(main, least)))
    order = draw_order(cases("practice", practice), cases("main", main), repeats, least, Random(seed))
    kinds = [kind for kind, _ in order]
    assert kinds[:practice] == [Slot.Kind.PRACTICE] * practice
    assert Counter(kinds) == Counter(practice=practice, main=main, repeat=repeats)
    place = {(kind, case): position for position, (kind, case) in enumerate(order)}
    assert len(place) == len(order)
    for (kind, code), position in place.items():
        if kind == Slot.Kind.REPEAT:
            between = position - place[Slot.Kind.MAIN, code] - 1
            assert between >= lag(main, least)


def test_the_lag_is_what_was_asked_for_or_a_third_of_few_films() -> None:
    assert [lag(main, 10) for main in (1, 6, 12, 29, 30, 31, 400)] == [0, 2, 4, 9, 10, 10, 10]
    assert [lag(main, 25) for main in (12, 74, 75, 400)] == [4, 24, 25, 25]


def test_more_repeats_than_the_lag_allows_are_refused() -> None:
    with pytest.raises(ValueError, match="At most 20 of 30"):
        draw_order([], cases("main", 30), 21, 10, Random(1))


def test_a_film_is_as_likely_at_one_position_as_at_another() -> None:
    main = cases("main", 5)
    first = Counter(draw_order([], main, 0, 10, Random(seed))[0][1] for seed in range(5000))
    # Five standard deviations of a binomial count around 1,000.
    assert all(abs(first[case] - 1000) < 5 * 28.3 for case in main)
