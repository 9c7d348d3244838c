"""The Fréchet distance against closed forms and a matrix root, its floor and its extrapolation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from evaluation.images.equal_n import at_equal_n, floor_splits
from evaluation.images.frechet import frechet
from evaluation.images.infinity import extrapolated


def gaussian(n: int, d: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return random.normal(size=(n, d)) @ mixing * scale + shift


def by_root(first: np.ndarray, second: np.ndarray) -> float:
    """The definition, with SciPy's matrix root of the product of covariances."""
    s1, s2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = linalg.sqrtm(s1 @ s2)
    apart = ((first.mean(0) - second.mean(0)) ** 2).sum()
    return float(apart + np.trace(s1) + np.trace(s2) - 2 * np.trace(root).real)


def by_eigenvalues(first: np.ndarray, second: np.ndarray) -> float:
    """The same where covariances are singular: tr (S₁ S₂)^½ = Σ √λ of S₁^½ S₂ S₁^½."""
    s1, s2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(s1)
    half = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(half @ s2 @ half), 0, None)).sum()
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * shared)


@pytest.mark.parametrize(("n1", "n2", "d"), [(60, 80, 8), (200, 120, 64), (400, 300, 128)])
def test_it_is_that_of_the_matrix_root(n1: int, n2: int, d: int) -> None:
    first, second = gaussian(n1, d, 1), gaussian(n2, d, 2, shift=0.3, scale=1.4)
    assert frechet(first, second) == pytest.approx(by_root(first, second), rel=1e-9)


@pytest.mark.parametrize(("n1", "n2", "d"), [(20, 30, 64), (20, 200, 64), (200, 20, 64), (2, 2, 16)])
def test_it_is_exact_with_fewer_films_than_features(n1: int, n2: int, d: int) -> None:
    first, second = gaussian(n1, d, 1), gaussian(n2, d, 2, shift=0.3, scale=1.4)
    assert frechet(first, second) == pytest.approx(by_eigenvalues(first, second), rel=1e-6)


def test_the_shared_trace_is_a_nuclear_norm() -> None:
    first, second = gaussian(30, 12, 1), gaussian(40, 12, 2, shift=1.0)
    a1, a2 = first - first.mean(0), second - second.mean(0)
    shared = np.linalg.norm(a1 @ a2.T, "nuc") / np.sqrt(29 * 39)
    traces = (a1**2).sum() / 29 + (a2**2).sum() / 39
    apart = ((first.mean(0) - second.mean(0)) ** 2).sum()
    assert frechet(first, second) == pytest.approx(apart + traces - 2 * shared, rel=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=20), st.lists(st.floats(-5, 5), min_size=3, max_size=20))
def test_of_one_feature_it_is_the_closed_form(first: list[float], second: list[float]) -> None:
    a, b = np.array(first), np.array(second)
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet(a[:, None], b[:, None]) == pytest.approx(expected, abs=1e-9)


def test_of_many_films_it_comes_near_to_that_of_the_gaussians() -> None:
    # N(0, I) and N(1/4, 4 I) in 16 dimensions: 16 · 1/16 + 16 · (2 − 1)².
    random = np.random.default_rng(1)
    first, second = random.normal(size=(40_000, 16)), 0.25 + 2 * random.normal(size=(40_000, 16))
    assert frechet(first, second) == pytest.approx(17, rel=0.01)


@pytest.mark.parametrize("n", [10, 100])
def test_a_set_is_at_no_distance_from_itself_in_any_order(n: int) -> None:
    features = gaussian(n, 32, 1) + 50
    again = frechet(features, features[::-1])
    assert 0 <= again < 1e-6 * np.cov(features, rowvar=False).trace()


def test_a_constant_feature_adds_nothing() -> None:
    first, second = gaussian(40, 8, 1), gaussian(30, 8, 2, shift=0.2)
    wider = [np.hstack([features, np.full((len(features), 1), 3.0)]) for features in (first, second)]
    assert frechet(*wider) == pytest.approx(frechet(first, second), rel=1e-9)


# The floor


@given(st.lists(st.integers(0, 12), min_size=8, max_size=60), st.integers(0, 5))
@settings(deadline=None)
def test_no_patient_is_on_both_sides_of_a_floor(numbers: list[int], seed: int) -> None:
    patients = [f"p{number}" if number else "" for number in numbers]
    size = len(numbers) // 2
    for first, second in floor_splits(len(numbers), size, seed, patients):
        assert len(first) == len(second) <= size
        assert not set(first) & set(second)
        known = [{patients[row] for row in rows if patients[row]} for rows in (first, second)]
        assert not known[0] & known[1]


def test_the_floor_is_the_mean_over_ten_splits_at_the_smaller_n() -> None:
    real, fake = gaussian(60, 6, 1), gaussian(20, 6, 2, shift=1.0)
    result = at_equal_n(real, fake, seed=3)
    assert result is not None
    n, floor, distance = result
    assert n == 20
    splits = list(floor_splits(60, 20, 3))
    assert len(splits) == 10
    assert floor.estimate == pytest.approx(np.mean([frechet(real[a], real[b]) for a, b in splits]))
    assert distance.estimate > floor.estimate
    bigger = at_equal_n(real, gaussian(100, 6, 2), seed=3)
    assert bigger is not None
    assert bigger[0] == 30


def test_there_is_no_floor_of_one_patient() -> None:
    real = gaussian(20, 4, 1)
    assert at_equal_n(real, real, 0, ["p"] * 20) is None
    assert at_equal_n(real[:3], real, 0) is None


# Infinitely many films


def test_the_extrapolated_distance_of_one_distribution_covers_nothing_left() -> None:
    covered = 0
    for seed in range(40):
        result = extrapolated(gaussian(150, 4, seed), gaussian(150, 4, 1000 + seed), seed)
        assert result is not None
        assert result.low is not None
        assert result.high is not None
        covered += result.low <= 0 <= result.high
    assert covered >= 36


def test_extrapolating_takes_the_bias_away() -> None:
    plain, estimates = [], []
    for seed in range(20):
        first, second = gaussian(150, 8, seed), gaussian(150, 8, 1000 + seed)
        result = extrapolated(first, second, seed)
        assert result is not None
        plain.append(frechet(first, second))
        estimates.append(result.estimate)
    assert abs(np.mean(estimates)) < np.mean(plain) / 4


def test_nothing_is_extrapolated_from_too_few_films() -> None:
    assert extrapolated(gaussian(23, 8, 1), gaussian(100, 8, 2), 0) is None
