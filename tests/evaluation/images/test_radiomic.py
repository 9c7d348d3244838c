"""Radiomic features against values worked out by hand and published ones."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.images.extractors import extractor_of
from evaluation.images.radiomic import LEVELS, measured
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom


def levels(rows: list[list[int]]) -> np.ndarray:
    """Greys that fall into the middle of these levels."""
    return (np.array(rows) + 0.5) / LEVELS


@pytest.mark.filterwarnings("ignore:divide by zero")  # at distances that so small a film does not have
def test_co_occurrence_is_that_of_the_published_example() -> None:
    """Haralick, Shanmugam and Dinstein 1973, figure 3: the four matrices of a film of 4 × 4 with 4 levels."""
    film = levels([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]])
    # Symmetric counts at distance 1: across, up to the right, down and down to the right.
    matrices = [
        [[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]],
        [[4, 1, 0, 0], [1, 2, 2, 0], [0, 2, 4, 1], [0, 0, 1, 0]],
        [[6, 0, 2, 0], [0, 4, 2, 0], [2, 2, 2, 2], [0, 0, 2, 0]],
        [[2, 1, 3, 0], [1, 2, 1, 0], [3, 1, 0, 2], [0, 0, 2, 0]],
    ]
    shares = [np.array(matrix) / np.sum(matrix) for matrix in matrices]
    apart = np.subtract.outer(np.arange(4), np.arange(4))
    values = measured(film)
    assert values["contrast at 1"] == pytest.approx(np.mean([(share * apart**2).sum() for share in shares]))
    assert values["dissimilarity at 1"] == pytest.approx(np.mean([(share * abs(apart)).sum() for share in shares]))
    assert values["homogeneity at 1"] == pytest.approx(np.mean([(share / (1 + apart**2)).sum() for share in shares]))
    assert values["log ASM at 1"] == pytest.approx(np.log(np.mean([(share**2).sum() for share in shares])))


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_first_order_features_are_those_worked_out_by_hand() -> None:
    values = measured(levels([[0, 0], [0, 4]]))
    assert values["mean"] == pytest.approx(1.5 / LEVELS)
    assert values["standard deviation"] == pytest.approx(np.sqrt(3) / LEVELS)
    # Of a share of a quarter: (1 - 2p) / √(p (1 - p)) and (1 - 6p (1 - p)) / (p (1 - p)).
    assert values["skewness"] == pytest.approx(0.5 / np.sqrt(3 / 16))
    assert values["excess kurtosis"] == pytest.approx((1 - 18 / 16) / (3 / 16))
    assert values["entropy"] == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    assert values["log uniformity"] == pytest.approx(np.log(0.75**2 + 0.25**2))


def test_the_extractor_gives_a_number_for_anything_and_tells_a_noisy_film() -> None:
    film = render(sample_phantom(1), 128)
    noisy = np.clip(film + np.random.default_rng(1).normal(0, 4000, film.shape), 0, 65535).astype(np.uint16)
    extractor = extractor_of("radiomic")
    rows = extractor.features([film, noisy, np.zeros((16, 16), dtype=np.uint16)])
    assert rows.shape == (3, 48)
    assert np.isfinite(rows).all()
    assert np.linalg.norm(rows[1] - rows[0]) > 3
    assert (extractor.name, extractor.sha256) == ("radiomic", None)
