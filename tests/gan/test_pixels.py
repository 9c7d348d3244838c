"""The canonical form: what is in it stays in it, to the last grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gan.pixels import Film, canonical, film_hash, read_values, write_film


@st.composite
def values(draw: st.DrawFn) -> npt.NDArray:
    """Films of any shape and unit, with few greys or many, and with tails of any weight."""
    rows, columns, seed = draw(st.integers(1, 60)), draw(st.integers(1, 60)), draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    tail = draw(st.sampled_from([0.2, 1.0, 3.0, 12.0]))
    drawn = random.random((rows, columns)) ** tail
    unit = draw(st.sampled_from([1, 255, 4095, 65535, 65536, 1e9]))
    scaled = drawn * unit - draw(st.sampled_from([0, 0, unit / 3]))
    return np.rint(scaled) if draw(st.booleans()) else scaled


def form_of(values: npt.NDArray, *, inverted: bool = False) -> Film:
    try:
        return canonical(values, inverted=inverted)
    except ValueError:
        assume(False)
        raise


@given(values(), st.booleans())
def test_the_canonical_form_of_a_canonical_film_is_the_film(values: npt.NDArray, inverted: bool) -> None:
    film = form_of(values, inverted=inverted)
    assert np.array_equal(canonical(film), film)


@pytest.mark.parametrize("side", [200, 201, 401])
def test_that_holds_where_ranks_fall_upon_a_pixel_or_between_two(side: int) -> None:
    random = np.random.default_rng(side)
    film = canonical(random.normal(size=(side, side)))
    assert np.array_equal(canonical(film), film)


def test_a_film_that_only_touches_black_and_white_is_stretched() -> None:
    # Of 10,000 pixels 50 lie beyond the percentile on either side, so one black and one white pixel decide nothing.
    film = np.linspace(20_000, 40_000, 10_000).reshape(100, 100).round()
    film[0, 0], film[-1, -1] = 0, 65535
    low, high = np.percentile(film, [0.5, 99.5])
    stretched = np.rint(np.clip((film - low) / (high - low), 0, 1) * 65535)
    assert np.array_equal(canonical(film), stretched)
    assert not np.array_equal(stretched, film)


def test_a_negative_and_a_padded_film_are_never_taken_for_canonical() -> None:
    film = canonical(np.random.default_rng(1).normal(size=(40, 40)))
    assert np.array_equal(canonical(film, inverted=True) > 32767, film <= 32767)
    outside = np.zeros(film.shape, bool)
    outside[:10] = True
    assert not canonical(film, outside=outside)[:10].any()


def test_a_film_comes_back_from_its_16_bit_png_with_its_hash(tmp_path: Path) -> None:
    film = canonical(np.random.default_rng(2).normal(size=(64, 64)))
    write_film(tmp_path / "film.png", film)
    assert film_hash(canonical(read_values(tmp_path / "film.png"))) == film_hash(film)
