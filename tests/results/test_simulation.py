"""Simulated readers see what signal detection theory says they see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from readerstudy.results.simulation import Films


def auc(ratings: np.ndarray, synthetic: np.ndarray) -> float:
    """Empirical AUC by ranks (Mann and Whitney)."""
    ranks = rankdata(ratings)
    n1, n0 = synthetic.sum(), (~synthetic).sum()
    return (ranks[synthetic].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)


@pytest.mark.parametrize("d_prime", [0.0, 0.48, 1.0])
def test_the_mean_auc_is_that_of_d_prime(d_prime: float) -> None:
    roles = ["real"] * 2000 + ["generator"] * 2000
    films = Films(roles, d_prime, seed=1)
    synthetic = np.arange(4000) >= 2000
    areas = [auc(films.read(reader, range(4000)).ratings, synthetic) for reader in range(1, 21)]
    # Φ(d′/√2); six ratings lose a little area, and readers differ by 0.04.
    assert np.mean(areas) == pytest.approx(norm.cdf(d_prime / np.sqrt(2)), abs=0.03)
    assert 0.01 < np.std(areas) < 0.08


def test_ratings_spread_over_the_scale_and_times_are_plausible() -> None:
    films = Films(["real", "generator"] * 500, 1.0, seed=1)
    readings = films.read(1, range(1000))
    shares = np.bincount(readings.ratings, minlength=7)[1:] / 1000
    assert shares.sum() == 1
    assert (shares > 0.03).all()
    assert 3000 < np.median(readings.milliseconds) < 25000
    assert readings.milliseconds.min() >= 1500


def test_nobody_overlooks_the_degraded_control_though_the_generator_is_perfect() -> None:
    films = Films(["real"] * 500 + ["control-real"] * 500 + ["control-degraded"] * 500, 0.0, seed=1)
    ratings = films.read(1, range(1500)).ratings
    assert auc(ratings, np.arange(1500) >= 1000) > 0.95
    assert auc(ratings[:1000], np.arange(1000) >= 500) == pytest.approx(0.5, abs=0.06)


def test_a_repeat_is_like_the_first_look_more_than_like_another_readers() -> None:
    films = Films(["real"] * 3000, 0.5, seed=1)
    twice = films.read(1, [*range(3000), *range(3000)]).ratings
    again = np.corrcoef(twice[:3000], twice[3000:])[0, 1]
    between = np.corrcoef(twice[:3000], films.read(2, range(3000)).ratings)[0, 1]
    # 0.60 and 0.15 before the ratings are cut into six, which takes a little away.
    assert again == pytest.approx(0.57, abs=0.05)
    assert between == pytest.approx(0.14, abs=0.05)


def test_the_seed_gives_the_same_ratings_again() -> None:
    roles, order = ["real", "generator"] * 20, range(40)

    def ratings(seed: int, reader: int) -> list[int]:
        return list(Films(roles, 1.0, seed).read(reader, order).ratings)

    assert ratings(1, 1) == ratings(1, 1)
    assert ratings(1, 1) != ratings(2, 1)
    assert ratings(1, 1) != ratings(1, 2)


@pytest.mark.parametrize("d_prime", [0.0, 0.48, 1.0])
def test_of_two_films_the_synthetic_one_is_chosen_as_often_as_the_auc_says(d_prime: float) -> None:
    films = Films(["real"] * 2000 + ["generator"] * 2000, d_prime, seed=1)
    # In every other pair the synthetic film is on the left.
    pairs = [(film, film + 2000) if film % 2 else (film + 2000, film) for film in range(2000)]
    on_the_left = np.arange(2000) % 2 == 0
    correct = [(films.choose(reader, pairs).left == on_the_left).mean() for reader in range(1, 21)]
    # Green's theorem: the proportion correct of two is the area under the curve of one, Φ(d′/√2).
    assert np.mean(correct) == pytest.approx(norm.cdf(d_prime / np.sqrt(2)), abs=0.02)
    assert films.choose(1, pairs).left.mean() == pytest.approx(0.5, abs=0.04)
