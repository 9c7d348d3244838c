"""Degradations: what each does to a film or a set of films, and that it does the same every time."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from evaluation.images.degradations import (
    MIXING,
    MODE_DROPPING,
    OF_FILMS,
    OfFilms,
    blurred,
    compressed,
    from_elsewhere,
    left_of_modes,
    marker_mask,
    noisy,
    of_exponent,
    shifted,
    without_markers,
)
from gan.phantom.film import render
from gan.phantom.patient import sample_phantom
from gan.pixels import FULL_SCALE, Film

SIDE = 128
# An L of strokes 3 pixels wide, as it is burnt into a corner.
L = np.zeros((12, 9), dtype=bool)
L[:, :3] = L[-3:] = True


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def film() -> Film:
    return render(sample_phantom(1), SIDE)


@pytest.fixture
def marked() -> Film:
    """A slope of greys with a bright letter in its upper right."""
    film = np.tile(np.linspace(0.1, 0.5, SIDE), (SIDE, 1))
    film[10:22, 108:117][L] = 1
    return (film * FULL_SCALE).astype(np.uint16)


@pytest.mark.parametrize("degradation", OF_FILMS, ids=lambda one: one.name)
def test_every_step_gives_a_film_of_the_same_form_and_the_same_one_again(degradation: OfFilms, film: Film) -> None:
    before = film.copy()
    for strength in degradation.steps:
        first, again = (degradation.apply(film, strength, random(3)) for _ in range(2))
        assert (first.dtype, first.shape) == (film.dtype, film.shape)
        assert np.array_equal(first, again)
    assert np.array_equal(film, before)


@pytest.mark.parametrize("degradation", [*OF_FILMS, MIXING, MODE_DROPPING], ids=lambda one: one.name)
def test_there_are_five_rising_steps(degradation: OfFilms) -> None:
    assert len(degradation.steps) == 5
    assert (np.diff(degradation.steps) > 0).all()


@pytest.mark.parametrize(
    "degradation", [one for one in OF_FILMS if one.name not in ("shift", "marker removal")], ids=lambda one: one.name
)
def test_a_stronger_step_lies_farther_from_the_film(degradation: OfFilms, film: Film) -> None:
    apart = [
        float(np.abs(degradation.apply(film, strength, random()) - film.astype(float)).mean())
        for strength in degradation.steps
    ]
    assert (np.diff(apart) > 0).all()


def test_the_blur_of_a_point_has_the_width_that_was_asked_for() -> None:
    film = np.zeros((101, 101), dtype=np.uint16)
    film[50, 50] = FULL_SCALE
    spread = blurred(film, 2.0).astype(float)
    offset = np.arange(101) - 50
    assert np.sqrt((spread.sum(0) * offset**2).sum() / spread.sum()) == pytest.approx(2.02, rel=0.02)


@pytest.mark.parametrize("side", [64, 256])
def test_noise_has_the_same_power_for_each_area_at_every_matrix(side: int) -> None:
    film = np.full((side, side), FULL_SCALE // 2, dtype=np.uint16)
    added = noisy(film, 4.0, random()).astype(float) / FULL_SCALE - 0.5
    assert added.std() == pytest.approx(0.04 * side / 256, rel=0.05)


def test_a_shift_moves_by_the_way_that_was_asked_for_and_mirrors_the_rim() -> None:
    film = np.zeros((100, 100), dtype=np.uint16)
    film[50, 50] = 1
    for seed in range(5):
        ((row, column),) = np.argwhere(shifted(film, 10, random(seed)))
        assert np.hypot(row - 50, column - 50) == pytest.approx(10, abs=0.8)
    moved = shifted(np.tile(np.arange(100, dtype=np.uint16), (100, 1)), 10, random(0))
    assert set(np.abs(np.diff(moved[0].astype(int)))) <= {0, 1}


def test_the_exponent_bends_the_greys_and_keeps_both_ends() -> None:
    film = np.array([[0, FULL_SCALE], [FULL_SCALE // 2, FULL_SCALE // 4]], dtype=np.uint16)
    greys = of_exponent(film, 2) / FULL_SCALE
    assert greys == pytest.approx(np.array([[0, 1], [0.25, 0.0625]]), abs=1e-4)


def test_jpeg_leaves_eight_bits_and_flat_blocks_at_low_quality(film: Film) -> None:
    def flat_blocks(of: Film) -> int:
        return int((np.ptp(of.reshape(SIDE // 8, 8, SIDE // 8, 8), axis=(1, 3)) == 0).sum())

    good, poor = compressed(film, 5), compressed(film, 90)
    assert not (good % 257).any()
    assert flat_blocks(poor) > 2 * flat_blocks(good)


def test_a_burnt_in_letter_is_painted_over_as_if_it_had_not_been_there(marked: Film) -> None:
    mask = marker_mask(marked)
    assert mask[10:22, 108:117][L].all()
    slope = np.linspace(0.1, 0.5, SIDE) * FULL_SCALE
    mended = without_markers(marked, 100, random())
    # A slope is smooth, so the mean of neighbours gives it back.
    assert np.abs(mended - slope).max() < 2
    assert np.array_equal(mended[~mask], marked[~mask])


def test_where_no_marker_is_found_the_film_stays_as_it_is(marked: Film) -> None:
    amid = np.roll(marked, (50, -50), axis=(0, 1))
    line = marked.copy()
    line[10:22, 108:117] = line[9, 108:117]
    line[5:60, 110:113] = FULL_SCALE
    for film in (amid, line):
        assert not marker_mask(film)[20:100, 20:100].any()
        assert np.array_equal(without_markers(film, 100, random())[20:, 20:100], film[20:, 20:100])


def test_markers_go_from_as_many_films_as_asked_and_more_at_a_stronger_step(marked: Film) -> None:
    gone = {
        percent: {
            seed for seed in range(100) if not np.array_equal(without_markers(marked, percent, random(seed)), marked)
        }
        for percent in (20, 60)
    }
    assert len(gone[20]) == pytest.approx(20, abs=10)
    assert len(gone[60]) == pytest.approx(60, abs=12)
    assert gone[20] < gone[60]


def test_films_give_way_to_others_more_at_a_stronger_step() -> None:
    few, many = (from_elsewhere(80, percent, random()) for percent in (5, 50))
    assert (few.sum(), many.sum()) == (4, 40)
    assert not (few & ~many).any()


def test_modes_are_lost_whole_and_never_more_films_than_asked() -> None:
    modes = ["large"] * 50 + [str(index // 5) for index in range(50)]
    for percent in MODE_DROPPING.steps:
        left = left_of_modes(modes, percent, random(2))
        assert 100 - percent <= len(left) < 100
        kept = Counter(modes[row] for row in left)
        assert all(count == modes.count(mode) for mode, count in kept.items())
    assert len(left_of_modes(modes, 0, random())) == 100
