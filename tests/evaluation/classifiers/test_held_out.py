"""AUCs on held-out patients, against hand-worked values and other programs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.held_out import areas_of_drawn_patients, auc_table, weighted_areas
from tests.evaluation.classifiers.made import small_films


def labelled(labels: list[list[float]], patients: str) -> LabelledFilms:
    films = small_films(len(patients)).about(["Mass", "Nodule"])
    return replace(films, labels=np.array(labels, dtype=np.float32), patients=tuple(patients))


def test_an_auc_with_delongs_interval_by_hand() -> None:
    """Positives 3, 1, 4 against negatives 2, 0, 0: placements 1, ⅔, 1 and ⅔, 1, 1; variance 2 · (1/27) / 3."""
    films = labelled([[1, 0], [0, 0], [1, 1], [0, np.nan], [1, np.nan], [0, np.nan]], "abcdef")
    scores = np.array([[3.0, 0], [2, 0], [1, 0], [0, 0], [4, 0], [0, 0]])
    table = auc_table(scores, films, draws=200)
    row = table["findings"]["Mass"]
    reach = 1.959964 * (2 / 81) ** 0.5
    assert (row["n"], row["positives"], row["auc"]) == (6, 3, pytest.approx(8 / 9))
    assert row["delong"] == pytest.approx([8 / 9 - reach, 1.0])
    # All scores alike: one half, and no variance to speak of.
    assert table["findings"]["Nodule"] | {"bootstrap": None} == {
        "n": 3,
        "positives": 1,
        "auc": 0.5,
        "delong": None,
        "bootstrap": None,
        "reason": "too few films or patients for an interval, or scores that do not overlap",
    }
    assert table["macro"]["auc"] == pytest.approx((8 / 9 + 0.5) / 2)


@pytest.mark.parametrize(("label", "said"), [(0, "no film with it"), (1, "no film without it"), (np.nan, "no film of")])
def test_an_auc_that_is_not_defined_is_none_with_a_reason(label: float, said: str) -> None:
    films = labelled([[label, 1], [label, 0], [label, 1], [label, 0]], "abcd")
    table = auc_table(np.arange(8.0).reshape(4, 2), films, draws=50)
    assert table["findings"]["Mass"]["auc"] is None
    assert table["findings"]["Mass"]["reason"].startswith(said)
    assert (table["macro"]["findings"], table["macro"]["auc"]) == (1, table["findings"]["Nodule"]["auc"])


def test_weighted_areas_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    scores, shown = random.integers(0, 6, 40).astype(float), random.random(40) < 0.4
    times = random.integers(0, 4, (5, 40)).astype(float)
    expected = [roc_auc_score(shown, scores, sample_weight=weights) for weights in times]
    assert weighted_areas(scores, shown, times) == pytest.approx(expected)
    assert np.isnan(weighted_areas(scores, shown, np.where(shown, 1.0, 0.0)[None])).all()


def test_the_bootstrap_draws_patients_and_not_films() -> None:
    """Ten patients with thirty films of one score each: as wide as with one film each, not √30 narrower."""
    random = np.random.default_rng(1)
    scores = random.normal(size=(10, 2)) + np.linspace(0, 1, 10)[:, None]
    labels = np.repeat(np.array([[0.0], [1.0]] * 5), 2, axis=1).tolist()
    once = labelled(labels, "abcdefghij")
    often = replace(once.chosen(np.tile(np.arange(10), 30)), names=[str(row) for row in range(300)])
    spread = [
        areas_of_drawn_patients(some, films, draws=500)[:, 0]
        for some, films in ((scores, once), (np.tile(scores, (30, 1)), often))
    ]
    assert np.allclose(*spread, equal_nan=True)
    assert np.nanstd(spread[0]) > 0.1


def test_the_same_seed_draws_the_same_patients_whatever_the_scores() -> None:
    films = small_films(30)
    scores = np.random.default_rng(0).normal(size=(30, 2))
    first = areas_of_drawn_patients(scores, films, draws=50)
    assert np.array_equal(first, areas_of_drawn_patients(3 * scores + 1, films, draws=50))
    assert not np.array_equal(first, areas_of_drawn_patients(scores, films, draws=50, seed=1))


def test_without_films_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="no films to measure on"):
        auc_table(np.empty((0, 2)), small_films(4).chosen([]))
