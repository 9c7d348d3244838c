"""Kernel distance, neighbours and memorisation against double loops, and all distances of two sets together."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.images.distances import distances, protocol
from evaluation.images.euclidean import nearest
from evaluation.images.kernel import kernel_distance
from evaluation.images.memorisation import nearest_real
from evaluation.images.neighbours import neighbours

# Whole coordinates, so that many distances are exactly equal and the rim of a ball is met.
points = arrays(np.float64, st.tuples(st.integers(4, 12), st.just(3)), elements=st.integers(0, 3).map(float))


def features(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def mmd(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased MMD² with the cubic kernel, pair by pair."""

    def mean(a: np.ndarray, b: np.ndarray, *, same: bool) -> float:
        values = [(x @ y / len(x) + 1) ** 3 for i, x in enumerate(a) for j, y in enumerate(b) if not same or i != j]
        return float(np.mean(values))

    return mean(first, first, same=True) + mean(second, second, same=True) - 2 * mean(first, second, same=False)


@pytest.mark.parametrize(("n1", "n2"), [(2, 2), (7, 13), (25, 30)])
def test_the_kernel_distance_is_that_of_all_pairs(n1: int, n2: int) -> None:
    first, second = features(n1, 5, 1), features(n2, 5, 2, shift=0.5)
    assert kernel_distance(first, second).estimate == pytest.approx(mmd(first, second), rel=1e-10)


def test_the_kernel_distance_has_an_error_from_twenty_films_a_side() -> None:
    assert kernel_distance(features(19, 5, 1), features(40, 5, 2)).se is None
    estimates, errors = [], []
    for seed in range(60):
        result = kernel_distance(features(100, 3, seed), features(100, 3, 1000 + seed, shift=0.7), seed)
        estimates.append(result.estimate)
        errors.append(result.se)
    # Of one distribution twice the jackknife errs on the long side, so the errors are tried on two.
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.25)


def test_the_kernel_distance_of_one_distribution_is_about_nothing() -> None:
    estimates = [kernel_distance(features(60, 3, n), features(60, 3, 1000 + n)).estimate for n in range(60)]
    assert abs(np.mean(estimates)) < 3 * np.std(estimates) / np.sqrt(60)
    assert min(estimates) < 0


def by_definition(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage, point by point; the rim belongs to the ball."""

    def gap(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.sqrt(((x - y) ** 2).sum()))

    def radii(rows: np.ndarray) -> list[float]:
        return [sorted(gap(x, y) for j, y in enumerate(rows) if j != i)[k - 1] for i, x in enumerate(rows)]

    of_real, of_fake = radii(real), radii(fake)
    precision = np.mean([any(gap(f, r) <= of_real[i] for i, r in enumerate(real)) for f in fake])
    recall = np.mean([any(gap(r, f) <= of_fake[j] for j, f in enumerate(fake)) for r in real])
    density = sum(gap(f, r) <= of_real[i] for f in fake for i, r in enumerate(real)) / (k * len(fake))
    coverage = np.mean([any(gap(f, r) <= of_real[i] for f in fake) for i, r in enumerate(real)])
    return float(precision), float(recall), float(density), float(coverage)


@given(points, points, st.integers(1, 3))
def test_neighbours_are_those_of_the_definitions(real: np.ndarray, fake: np.ndarray, k: int) -> None:
    result = neighbours(real, fake, k)
    figures = (result.precision, result.recall, result.density, result.coverage)
    assert figures == pytest.approx(by_definition(real, fake, k))


def test_the_rim_belongs_to_the_ball() -> None:
    # Real 0, 1, 2, 3 with k = 1 have radius 1: fake 4 lies on the rim of 3, fake 4.5 beyond; both have radius ½.
    result = neighbours(np.array([[0.0], [1], [2], [3]]), np.array([[4.0], [4.5]]), 1)
    assert (result.precision, result.recall, result.density, result.coverage) == (0.5, 0.0, 0.5, 0.25)


def test_a_set_covers_itself() -> None:
    result = neighbours(features(50, 4, 1), features(50, 4, 1), 5)
    assert (result.precision, result.recall, result.coverage) == (1, 1, 1)


def test_more_rows_than_are_worked_at_once_give_the_same() -> None:
    real, fake = features(2100, 2, 1), features(2500, 2, 2)
    index, squared = nearest(fake, real, 3)
    direct = ((fake[:, None] - real[None]) ** 2).sum(2)
    assert (index == direct.argsort(1)[:, :3]).all()
    assert (squared == np.take_along_axis(direct, index, 1)).all()
    assert kernel_distance(fake, real).estimate == pytest.approx(by_whole_arrays(fake, real), rel=1e-8)


def by_whole_arrays(first: np.ndarray, second: np.ndarray) -> float:
    k11, k22, k12 = ((a @ b.T / 2 + 1) ** 3 for a, b in ((first, first), (second, second), (first, second)))
    within = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (k11, k22))
    return float(within - 2 * k12.mean())


def test_copies_far_from_nothing_lie_at_distance_zero() -> None:
    """Far from the origin x² + y² − 2 x·y leaves noise of what is nought."""
    films = (features(30, 200, 1) + 1e4).astype(np.float32)
    four_times = np.concatenate([films] * 4)
    assert (nearest(films, four_times, 4)[1] == 0).all()
    # With k = 3 every ball has the radius 0 and holds the four copies of its film.
    result = neighbours(four_times, films.repeat(4, axis=0), 3)
    assert (result.precision, result.recall, result.coverage) == (1, 1, 1)
    assert result.density == pytest.approx(4 / 3)


def test_rims_are_met_where_rounding_would_miss_them() -> None:
    # Every point's nearest other point is at the distance 0.1 · √2 exactly alike, by reflections of one difference.
    step = np.array([0.1, -0.1, 0.0])
    real = np.concatenate([[place, place + step] for place in features(40, 3, 3) * 1e3])
    fake = real[:, [0, 1, 2]] + 0.0
    direct = by_definition(real, fake, 1)
    result = neighbours(real, fake, 1)
    assert (result.precision, result.recall, result.density, result.coverage) == pytest.approx(direct)


def test_copies_of_real_films_are_noticed() -> None:
    real, fresh = features(200, 8, 1), features(200, 8, 2)
    assert nearest_real(real, fresh)["share_of_near_synthetic"] == pytest.approx(0.1, abs=0.06)
    copied = nearest_real(real, real[:100] + 1e-3)
    assert copied["share_of_near_synthetic"] == 1
    assert copied["median_of_synthetic"] < copied["median_of_real"] / 10


def test_training_films_of_one_patient_do_not_tell_what_is_authentic() -> None:
    with pytest.raises(ValueError, match="all of one patient"):
        nearest_real(features(5, 3, 1), features(5, 3, 2), held_out=features(5, 3, 3), patients=["p"] * 5)


# All together

KEYS = {
    "n_real", "n_fake", "dim", "frechet", "frechet_infinity", "kernel", "precision", "recall", "density", "coverage",
    "k", "k_rule", "covariance", "floor", "frechet_at_floor_n",
}  # fmt: skip


def test_the_figures_carry_their_circumstances() -> None:
    figures = distances(features(80, 4, 1), features(60, 4, 2), seed=5, patients=[f"p{n // 2}" for n in range(80)])
    assert set(figures) >= KEYS
    assert (figures["n_real"], figures["n_fake"], figures["dim"], figures["k"]) == (80, 60, 4, 5)
    assert (figures["k_rule"], figures["covariance"]) == ("<=", "n-1")
    assert set(figures["frechet_infinity"]) == {"estimate", "low", "high"}
    assert set(figures["kernel"]) == {"estimate", "se"}
    assert figures["floor"]["n"] == 40
    assert figures["undefined"] == []
    line = protocol(figures)
    for part in ("n = 80 real, 60 synthetic", "d = 4", "covariance n-1", "floor n = 40", "patients kept apart", "k = 5",
                 "rule <=", "seed 5"):  # fmt: skip
        assert part in line


def test_what_cannot_be_had_is_null_with_its_reason() -> None:
    figures = distances(features(3, 4, 1), features(5, 4, 2))
    assert figures["floor"] is figures["frechet_at_floor_n"] is figures["frechet_infinity"] is None
    assert figures["precision"] is figures["coverage"] is None
    assert figures["kernel"]["se"] is None
    assert figures["frechet"] > 0
    assert figures["two_sample"] is figures["kernel_p"] is None
    assert len(figures["undefined"]) == 5
    json.dumps(figures, allow_nan=False)


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "The real features need two or more rows"),
        (np.zeros((5, 3)), np.zeros(5), "The synthetic features need two or more rows"),
        (np.zeros((5, 3)), np.zeros((5, 4)), "Real films have 3 features and synthetic ones 4"),
        (np.zeros((5, 0)), np.zeros((5, 0)), "The real features need two or more rows"),
        (np.full((5, 3), np.nan), np.zeros((5, 3)), "The real features hold values that are not finite"),
    ],
)
def test_sets_that_do_not_go_together_are_refused(real: Any, fake: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        distances(real, fake)


def test_the_seed_gives_the_same_figures_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.images.two_sample.PERMUTATIONS", 9)
    real, fake = features(40, 3, 1), features(40, 3, 2)
    first, again, other = (distances(real, fake, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first["floor"] != other["floor"]
