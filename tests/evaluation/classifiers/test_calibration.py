"""Temperatures against SciPy's own minimum, thresholds against counting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from evaluation.classifiers.calibration import best_temperature, calibrated, threshold


def drawn(count: int, hotter: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `hotter` times what they should be, and labels of the right probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(-1, 1.5, count)
    return hotter * logits, (random.random(count) < expit(logits)).astype(float)


@pytest.mark.parametrize("hotter", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_the_logits_are_too_hot(hotter: float) -> None:
    logits, labels = drawn(5000, hotter)
    found = calibrated(logits, labels).temperature
    assert found == pytest.approx(hotter, rel=0.06)

    def loss(temperature: np.ndarray) -> float:
        scaled = logits / temperature[0]
        return -float(np.where(labels == 1, log_expit(scaled), log_expit(-scaled)).mean())

    # Platt's softening of labels is all that is between the two.
    assert found == pytest.approx(minimize(loss, [1.0], method="Nelder-Mead").x[0], rel=5e-3)


def test_the_softened_likelihood_is_minimised() -> None:
    logits, labels = drawn(60, 2.0)
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(temperature: np.ndarray) -> float:
        scaled = logits / temperature[0]
        return -float((targets * log_expit(scaled) + (1 - targets) * log_expit(-scaled)).mean())

    expected = minimize(loss, [1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}).x[0]
    assert best_temperature(logits, labels == 1) == pytest.approx(expected, rel=1e-4)


def test_films_told_apart_without_fault_do_not_ask_for_a_temperature_of_zero() -> None:
    logits = np.concatenate([np.linspace(-4, -1, 20), np.linspace(1, 4, 20)])
    assert 0.2 < calibrated(logits, (logits > 0).astype(float)).temperature < 2


def cut(without: list[float], shown: list[float]) -> float:
    return threshold(np.array([*without, *shown], dtype=float), np.array([False] * len(without) + [True] * len(shown)))


def test_the_threshold_leaves_nineteen_of_twenty_below() -> None:
    twenty = list(map(float, range(20)))
    assert cut(twenty, []) == 18.5
    # Few films with the finding have no say, wherever they lie.
    assert cut(twenty, [-5.0] * 4 + [40.0] * 5) == 18.5
    # With ties at the place, all of them.
    assert 5 < cut([0.0] * 18 + [5.0, 5.0], []) < 5.001
    # Of 21 films twenty must lie below, as nineteen are less than 95 %.
    assert cut([*twenty, 20.0], []) == 19.5
    assert 3 < cut([1.0, 2.0, 3.0], []) < 3.001


def test_the_threshold_lies_between_both_kinds_where_they_are_told_apart() -> None:
    twenty = list(map(float, range(20)))
    assert cut(twenty, [30.0] * 10) == 24.5
    # 0.95 + 1 at 18, against 1 + 0.5 at 19.
    assert cut(twenty, [18.5] * 5 + [30.0] * 5) == 18.25
    # However many films with the finding that would find, it is not below 95 %.
    assert cut(twenty, [0.5] * 10 + [18.5] * 10) == 18.25


def test_the_threshold_is_one_of_calibrated_logits_of_films_without_the_finding() -> None:
    logits, labels = drawn(4000, 2.0)
    found = calibrated(logits.astype(np.float32), labels)
    below = (logits / found.temperature < found.threshold)[labels == 0]
    assert below.sum() >= 0.95 * len(below)


def test_films_of_which_it_is_not_known_have_no_say() -> None:
    logits, labels = drawn(400, 2.0)
    more = np.concatenate([logits, np.full(50, 100.0)]), np.concatenate([labels, np.full(50, np.nan)])
    assert calibrated(*more) == calibrated(logits, labels)


def test_too_few_films_are_said() -> None:
    few = calibrated(np.arange(12.0), np.array([1.0] * 9 + [0.0] * 3))
    assert (few.temperature, few.notes) == (
        1.0,
        (
            "temperature left at 1: 9 calibration films with and 3 without",
            "threshold rough: 3 calibration films without",
        ),
    )
    assert calibrated(np.arange(3.0), np.full(3, np.nan)).threshold == 0
    backwards = calibrated(np.linspace(-3, 3, 40), (np.linspace(-3, 3, 40) < 0).astype(float))
    assert "temperature at the end of its range" in backwards.notes[0]
