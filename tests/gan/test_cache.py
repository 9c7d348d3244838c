"""The cache: films at every resolution, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan.cache import FilmCache, build
from gan.pixels import resample
from tests.gan.made import random_films, small_cache


def test_it_holds_each_film_at_each_resolution(tmp_path: Path) -> None:
    films = random_films(3, side=32)
    cache = build(films, 3, tmp_path / "cache", resolution=16, levels=256, patient_key="abc")
    opened = FilmCache(tmp_path / "cache")
    for held in (cache, opened):
        assert (len(held), held.resolution, held.levels, held.patient_key) == (3, 16, 256, "abc")
        assert held.provenance == [row for _, row in films]
    for number, (film, _) in enumerate(films):
        values = resample(film, 16)
        for size in (16, 8, 4):
            # Box averages of the film as it was resampled, rounded once.
            expected = np.rint(values.reshape(size, 16 // size, size, 16 // size).mean(axis=(1, 3)))
            got = opened.films(np.array([number]), size)
            assert got.shape == (1, 1, size, size)
            assert np.abs((got[0, 0].numpy() + 1) * 32767.5 - expected).max() < 1.01


def test_films_come_by_index_between_minus_one_and_one(tmp_path: Path) -> None:
    (film, row), (other, other_row) = random_films(2, side=8)
    film[:] = 0
    film[0, 0] = 65535
    cache = build([(film, row), (other, other_row)], 2, tmp_path / "cache", resolution=8, levels=65536)
    got = cache.films(np.array([1, 0, 1]), 8)
    assert got.dtype.is_floating_point
    assert got.shape == (3, 1, 8, 8)
    assert np.array_equal(got[0], got[2])
    assert (got[1, 0, 0, 0].item(), got[1].min().item()) == (1.0, -1.0)
    assert np.allclose(got[0, 0].numpy(), other / 32767.5 - 1, atol=1e-6)


def test_a_film_smaller_than_the_resolution_is_refused_and_what_was_there_stays(tmp_path: Path) -> None:
    before = small_cache(tmp_path, count=2)
    films = [*random_films(2, side=16), *random_films(1, side=8)]
    with pytest.raises(ValueError, match="Film 3 is 8 pixels wide, less than the 16 to train at"):
        build(films, 3, tmp_path / "cache", resolution=16, levels=65536)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert FilmCache(tmp_path / "cache").provenance == before.provenance
    with pytest.raises(ValueError, match="Film 1 is 8 pixels wide"):
        build(random_films(1, side=8), 1, tmp_path / "other", resolution=16, levels=65536)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_film_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    def films():  # type: ignore[no-untyped-def]
        yield from random_films(1)
        raise ValueError("The film is torn.")

    with pytest.raises(ValueError, match="torn"):
        build(films(), 2, tmp_path / "cache", resolution=8, levels=65536)
    assert not list(tmp_path.iterdir())


def test_it_says_before_it_begins_that_there_are_no_films_or_no_room(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no films"):
        build([], 0, tmp_path / "cache", resolution=8, levels=65536)
    with pytest.raises(OSError, match=r"The cache of 1000000000000 films takes \d+\.0 GB, but .* has .* GB left\."):
        build([], 10**12, tmp_path / "cache", resolution=1024, levels=65536)
    assert not list(tmp_path.iterdir())


def test_a_new_cache_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    small_cache(tmp_path, count=2, resolution=16)
    cache = small_cache(tmp_path, count=3, resolution=8, seed=5)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["4.npy", "8.npy", "films.json"]
    assert cache.provenance == [replace(row) for _, row in random_films(3, seed=5)]
