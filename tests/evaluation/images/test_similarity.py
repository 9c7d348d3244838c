"""Multi-scale SSIM against another program, and sets that are alike against sets that are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from evaluation.images.similarity import SIDE, multi_scale_ssim, similarity
from gan.pixels import FULL_SCALE, Film


def image(seed: int, side: int) -> np.ndarray:
    return np.clip(0.5 + gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), 3) * 3, 0, 1)


@pytest.mark.parametrize(
    ("seeds", "mix", "side", "expected"),
    [
        ((1, 2), 1.0, 176, 0.0190990),
        ((1, 2), 0.3, 176, 0.8821726),
        ((3, 4), 0.5, 256, 0.6561832),
        ((5, 6), 0.1, 200, 0.9875312),
    ],
)
def test_it_is_that_of_another_program(seeds: tuple[int, int], mix: float, side: int, expected: float) -> None:
    """Values of MONAI 1.5.1: MultiScaleSSIMMetric(2, kernel_size=11, kernel_sigma=1.5), in single precision."""
    first, other = (image(seed, side) for seed in seeds)
    second = np.clip((1 - mix) * first + mix * other, 0, 1)
    assert multi_scale_ssim(first, second) == pytest.approx(expected, abs=3e-6)


def film(values: np.ndarray) -> Film:
    return np.rint(values * FULL_SCALE).astype(np.uint16)


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [film(image(seed, 64)) for seed in range(20)]


def test_films_that_are_alike_stand_out(films: list[Film], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.images.similarity.PAIRS", 60)
    one = image(99, 64)
    collapsed = [film(0.8 * one + 0.2 * image(seed, 64)) for seed in range(20)]
    result = similarity(films, collapsed)
    assert result is not None
    assert result["n"] == 20
    assert result["synthetic"]["low"] > result["real"]["high"]
    assert result["synthetic"]["pairs"] == result["real"]["pairs"] == 60
    assert f"{SIDE} × {SIDE}" in result["rule"]


def test_films_of_one_patient_are_no_pair(films: list[Film]) -> None:
    again = [film(values / FULL_SCALE * 0.9) for values in films[:5]]
    result = similarity([*films, *again], films, patients=[f"p{row % 20}" for row in range(25)])
    assert result is not None
    assert result["real"]["pairs"] < result["synthetic"]["pairs"] == 20 * 19 / 2
    assert similarity(films[:19], films) is None
    assert similarity(films, films, patients=["p"] * 20) is None
