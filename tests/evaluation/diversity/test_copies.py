"""Variety within a finding: an archive of few films drawn again and again, copies of training films, and one n."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.diversity.copies import (
    Group,
    common_n,
    copies_of_training,
    groups_of,
    nearest_among,
    nearest_training,
    variety,
)


def group(real: int, synthetic: int, patients: list[str] | None = None) -> Group:
    return Group(np.arange(real), np.arange(synthetic), patients)


def test_an_archive_that_draws_the_same_again_covers_little_and_copies_itself() -> None:
    random = np.random.default_rng(0)
    real, varied = random.normal(size=(120, 8)), random.normal(size=(60, 8))
    collapsed = np.repeat(varied[:3], 20, axis=0) + random.normal(size=(60, 8)) * 0.01
    good, bad = (variety(real, films, group(120, 60), n=60, k=5, seed=0) for films in (varied, collapsed))
    assert bad["copies_within_synthetic"]["estimate"] == 1
    assert good["copies_within_synthetic"]["estimate"] < 0.3
    assert bad["coverage_of_synthetic"]["estimate"] < 0.3 < good["coverage_of_synthetic"]["estimate"]
    assert bad["recall_of_synthetic"]["estimate"] < good["recall_of_synthetic"]["estimate"]
    # What other real films reach stands beside either, and is the same.
    assert good["coverage_of_real"] == bad["coverage_of_real"]
    assert abs(good["coverage_of_synthetic"]["estimate"] - good["coverage_of_real"]["estimate"]) < 0.1


def test_all_findings_have_the_n_of_the_smallest_that_has_enough() -> None:
    groups = {"Mass": group(100, 60), "Nodule": group(70, 25), "Hernia": group(39, 60), "Edema": group(100, 19)}
    n, left_out = common_n(groups, seed=0)
    # Halves of 100 and 70 real films, and as many synthetic ones at most.
    assert n == 25
    assert set(left_out) == {"Hernia", "Edema"}
    assert left_out["Hernia"].startswith("39 real and 60 synthetic films")
    # Half of all films are one patient's, whom a half cannot share with the other: 20 patients with one film are left.
    one = {"Mass": group(40, 40, ["p"] * 30 + [f"q{film}" for film in range(10)])}
    assert common_n(one, seed=0)[0] is None


def test_groups_are_of_what_is_labelled_and_of_what_was_wanted() -> None:
    labels = np.array([[1, 0], [np.nan, 1], [1, 1]])
    groups = groups_of(["Mass", "Nodule"], labels, labels == 1, ["a", "b", "c"])
    assert groups["Mass"].real.tolist() == [0, 2]
    assert groups["Nodule"].synthetic.tolist() == [1, 2]
    assert groups["Nodule"].patients == ["b", "c"]


def test_the_nearest_training_film_is_of_another_patient() -> None:
    training = np.array([[0.0], [1.0], [5.0]])
    films = nearest_training(training, np.array([[0.2], [4.0]]), of_training=["a", "b", "c"], of_films=["a", ""])
    assert films.row.tolist() == [1, 2]
    assert films.distance.tolist() == [pytest.approx(0.8), pytest.approx(1)]
    among = nearest_training(training, of_training=["a", "a", "c"])
    assert (among.row.tolist(), among.distance.tolist()) == ([2, 2, 1], [5, 4, 4])
    assert nearest_training(training).distance.tolist() == [1, 1, 4]
    with pytest.raises(ValueError, match="all of one patient"):
        nearest_training(training, of_training=["a", "a", "a"])


def test_copies_of_training_films_are_counted_by_finding_and_named() -> None:
    random = np.random.default_rng(1)
    training, fresh = random.normal(size=(200, 6)), random.normal(size=(100, 6))
    # The first ten are training films, the next thirty are not; they are the films of the finding.
    synthetic = np.concatenate([training[:10], random.normal(size=(90, 6))])
    figures = copies_of_training(
        nearest_training(training, synthetic), nearest_training(training, fresh), np.arange(40), np.arange(50)
    )
    near = figures["share_of_near_synthetic"]
    assert 10 / 40 <= near["estimate"] <= 20 / 40
    assert near["low"] > 0.1
    assert figures["share_of_near_real"]["estimate"] < 0.25
    assert {(pair["synthetic"], pair["real"]) for pair in figures["pairs"][:10]} == {(row, row) for row in range(10)}
    assert [pair["distance"] for pair in figures["pairs"][:10]] == [0] * 10


def test_the_nearest_other_film_of_a_finding_is_never_the_film_itself() -> None:
    films = np.array([[0.0], [9.0], [1.0], [3.0]])
    assert nearest_among(films, np.array([0, 2, 3])) == {0: (2, 1), 2: (0, 1), 3: (2, 2)}
    assert nearest_among(films, np.array([1])) == {}
