"""Which films a study draws."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readerstudy.studies.selection import (
    Candidate,
    Draw,
    TooFewFilms,
    finding_shares,
    largest_remainders,
    profile_shares,
)


def film(number: int, patient: int | str = "", *profile: str, seed: int | None = None) -> Candidate:
    return Candidate(number, f"hash-{number:05d}", str(patient), seed, tuple(profile))


pools = st.lists(st.tuples(st.integers(0, 15), st.sampled_from([(), ("A",), ("B",), ("A", "B")])), max_size=60).map(
    lambda rows: [film(number, patient, *profile) for number, (patient, profile) in enumerate(rows)]
)


@given(pools, st.integers(1, 10), st.integers(1, 10), st.integers(0, 2**32))
def test_no_patient_is_drawn_twice_over_the_arms(pool: list[Candidate], first: int, second: int, seed: int) -> None:
    draw, random = Draw(), Random(seed)
    drawn: list[Candidate] = []
    try:
        drawn += draw.plainly(pool, first, random)
        drawn += draw.to_mix(pool, second, {("A",): 1, ("B",): 2}, random)
    except TooFewFilms as error:
        wanted, drawn_for_it = (second, drawn[first:]) if drawn else (first, drawn)
        if error.available >= wanted or drawn_for_it:
            raise
    else:
        assert len(drawn) == first + second
    assert len({candidate.patient for candidate in drawn}) == len(drawn)


def test_films_with_the_same_pixels_or_phantom_are_one_patient() -> None:
    twins = [film(1, "a"), Candidate(2, "hash-00001", "b"), film(3, seed=9), film(4, seed=9)]
    assert len(Draw().plainly(twins, 2, Random(0))) == 2
    with pytest.raises(TooFewFilms) as refusal:
        Draw().plainly(twins, 3, Random(0))
    assert refusal.value.available == 2


def test_the_same_seed_draws_the_same_films_whatever_the_database_gives_first() -> None:
    pool = [film(number, number) for number in range(50)]
    assert Draw().plainly(pool, 10, Random("s")) == Draw().plainly(pool[::-1], 10, Random("s"))
    assert Draw().plainly(pool, 10, Random("s")) != Draw().plainly(pool, 10, Random("t"))


def test_patients_have_the_same_chance_however_many_films_they_have() -> None:
    pool = [film(0, "few"), *(film(number, "many") for number in range(1, 10))]
    drawn = Counter(Draw().plainly(pool, 1, Random(seed))[0].patient for seed in range(2000))
    assert abs(drawn["few"] - 1000) < 5 * 22.4


def test_a_mix_is_met_where_the_films_allow() -> None:
    pool = [film(n, n, "Effusion" if n % 2 else "No Finding") for n in range(200)]
    drawn = Draw().to_mix(pool, 40, {("Effusion",): 0.25, ("No Finding",): 0.75}, Random(1))
    assert Counter(c.profile for c in drawn) == {("Effusion",): 10, ("No Finding",): 30}


def test_what_a_profile_lacks_goes_to_the_others_by_their_shares() -> None:
    pool = [film(n, n, "A") for n in range(4)] + [film(100 + n, 100 + n, "B" if n % 2 else "C") for n in range(200)]
    drawn = Draw().to_mix(pool, 40, {("A",): 0.5, ("B",): 0.1, ("C",): 0.4}, Random(1))
    # 20, 4 and 16 at first; the 16 that A lacks are split one to four, 3.2 and 12.8.
    assert Counter(c.profile for c in drawn) == {("A",): 4, ("B",): 7, ("C",): 29}


def test_the_last_films_of_a_mix_are_any_whose_findings_are_known() -> None:
    pool = [film(1, 1, "A"), film(2, 2, "Z"), film(3, 3)]
    assert {c.profile for c in Draw().to_mix(pool, 2, {("A",): 1}, Random(1))} == {("A",), ("Z",)}
    with pytest.raises(TooFewFilms) as refusal:
        Draw().to_mix(pool, 3, {("A",): 1}, Random(1))
    assert refusal.value.available == 2


def test_a_patient_serves_the_scarcer_profile() -> None:
    pool = [film(1, "both", "Scarce"), film(2, "both", "Plenty"), *(film(n, n, "Plenty") for n in range(10, 20))]
    for seed in range(20):
        drawn = Draw().to_mix(pool, 5, {("Plenty",): 0.8, ("Scarce",): 0.2}, Random(seed))
        assert Counter(c.profile for c in drawn) == {("Plenty",): 4, ("Scarce",): 1}


@given(st.dictionaries(st.tuples(st.text(max_size=3)), st.floats(0.01, 100), min_size=1), st.integers(0, 500))
def test_quotas_add_up_and_stay_within_one_of_their_share(shares: dict, count: int) -> None:
    quotas = largest_remainders(shares, count)
    assert sum(quotas.values()) == count
    for name, share in shares.items():
        assert abs(quotas[name] - count * share / sum(shares.values())) < 1 + 1e-9


def test_hamiltons_method_on_a_case_worked_by_hand() -> None:
    # Shares of 47, 16, 15.8, 12, 6.1, 3.1 in 100 for 10 seats: 5, 2, 1, 1, 1, 0 (a textbook case).
    shares = {("a",): 47, ("b",): 16, ("c",): 15.8, ("d",): 12, ("e",): 6.1, ("f",): 3.1}
    assert list(largest_remainders(shares, 10).values()) == [5, 2, 1, 1, 1, 0]


def test_shares_leave_out_films_whose_findings_are_not_known() -> None:
    profiles = [("A",), ("A", "B"), (), ()]
    assert profile_shares(profiles) == {("A",): 0.5, ("A", "B"): 0.5}
    assert finding_shares(profiles) == {"A": 1.0, "B": 0.5}
