"""Findings that go together: odds ratios by hand, patients, too few films, and what differs over all pairs."""

from __future__ import annotations

from math import log, nan, sqrt

import numpy as np
import pytest

from evaluation.diversity.shares import Z95
from evaluation.diversity.together import Marked, carried_along, corrected, pair_of, pairs


def films(both: int, first: int, second: int, neither: int) -> np.ndarray:
    """Marks of shape (films, 2)."""
    return np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, first, second, neither], axis=0)


def test_the_log_odds_ratio_of_a_table_by_hand() -> None:
    shown = films(10, 20, 5, 65) == 1
    pair = pair_of(shown[:, 0], shown[:, 1])
    said = pair.to_json()
    middle, error = log(10.5 * 65.5 / (20.5 * 5.5)), sqrt(1 / 10.5 + 1 / 20.5 + 1 / 5.5 + 1 / 65.5)
    # 30 % of the films and 15 % of them: 4.5 of 100, so the two go together 10 / 4.5 times as often.
    assert (said["both"], said["expected"]) == (10, pytest.approx(4.5))
    assert said["log_odds_ratio"] == pytest.approx(middle)
    assert (said["low"], said["high"]) == (pytest.approx(middle - Z95 * error), pytest.approx(middle + Z95 * error))


def test_films_of_one_patient_that_are_alike_say_less() -> None:
    shown = np.repeat(films(10, 20, 5, 65) == 1, 2, axis=0)
    patients = [f"p{film // 2}" for film in range(200)]
    of_films = pair_of(shown[:, 0], shown[:, 1]).log_odds_ratio.variance
    of_patients = pair_of(shown[:, 0], shown[:, 1], patients).log_odds_ratio.variance
    assert of_films == pytest.approx(1 / 20.5 + 1 / 40.5 + 1 / 10.5 + 1 / 130.5)
    # Every patient adds twice what a film adds.
    assert of_patients == pytest.approx(sum(n * (2 / (2 * n + 0.5)) ** 2 for n in (10, 20, 5, 65)))


def test_plain_films_are_compared_with_what_the_same_classifier_sees_in_held_out_ones() -> None:
    names = ["Mass", "Nodule", "Hernia"]
    rare = np.zeros((400, 1))
    rare[:4] = 1
    apart, together = np.hstack([films(10, 90, 30, 270), rare]), np.hstack([films(60, 40, 20, 280), rare])
    unknown = apart.copy()
    unknown[:100] = nan
    table = pairs(names, Marked(unknown), Marked(apart), Marked(together))
    assert [row["findings"] for row in table] == [["Mass", "Nodule"], ["Mass", "Hernia"], ["Nodule", "Hernia"]]
    first, *others = table
    assert first["differs"]
    # It is the one pair that can be compared.
    assert first["p_holm"] == first["p"] < 1e-6
    assert first["plain_by_classifier"]["both"] == 60
    # All films of Mass are among those of which nothing is known.
    assert first["source_by_labels"] is None
    assert all(row["p"] is row["differs"] is None for row in others)
    assert pairs(names, Marked(apart), None, Marked(together))[0]["p"] is None


def test_holm_weighs_all_that_were_compared() -> None:
    rows = corrected([{"p": 0.01}, {"p": None}, {"p": 0.04}, {"p": 0.03}])
    assert [row["p_holm"] for row in rows] == [pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06)]
    assert [row["differs"] for row in rows] == [True, None, False, False]


def test_what_comes_along_with_a_wanted_finding_is_set_beside_real_films_with_it() -> None:
    names = ["Mass", "Nodule"]
    # Of 40 films that were steered to Mass, 30 show Nodule as well; five more were steered to both.
    targets = np.repeat([[True, False], [True, True]], [40, 5], axis=0)
    shown = np.concatenate([np.repeat([[1, 1], [1, 0]], [30, 10], axis=0), np.ones((5, 2))]).astype(float)
    # Of 50 real films with Mass, 10 show it.
    real, labels = films(10, 40, 0, 50).astype(float), films(10, 40, 0, 50).astype(float)
    of_mass, of_nodule = carried_along(names, Marked(shown), targets, Marked(real), labels)
    assert (of_mass["wanted"], of_mass["seen"]) == ("Mass", "Nodule")
    assert (of_mass["archive"]["positive"], of_mass["archive"]["films"]) == (30, 40)
    assert of_mass["difference"]["estimate"] == pytest.approx(30 / 40 - 10 / 50)
    # Agresti and Caffo: one success and one failure more on either side.
    middle, error = 31 / 42 - 11 / 52, sqrt(31 * 11 / 42**3 + 11 * 41 / 52**3)
    assert of_mass["difference"]["low"] == pytest.approx(middle - Z95 * error)
    assert of_mass["differs"]
    # Nothing was steered to Nodule alone.
    assert of_nodule["archive"] is of_nodule["p"] is None
