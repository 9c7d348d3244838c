"""One matrix, one grid, for every case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from readerstudy.studies.rendering import block_side, fault_of_payload, film_of, render


def greys(payload: bytes, side: int) -> np.ndarray:
    return np.frombuffer(payload, dtype="<u2").reshape(side, side)


@pytest.mark.parametrize(("side", "levels", "native"), [(32, 256, 50), (64, 65536, 64), (31, 2, 100)])
def test_a_payload_has_its_length_and_lies_on_its_grid(side: int, levels: int, native: int) -> None:
    film = np.random.default_rng(1).integers(0, 65536, (native, native), dtype=np.uint16)
    payload = render(film, side, levels)
    assert len(payload) == side * side * 2
    steps = greys(payload, side).astype(float) * (levels - 1) / 65535
    assert np.abs(steps - np.rint(steps)).max() <= 0.5 * (levels - 1) / 65535


def test_a_film_on_the_studys_matrix_and_grid_comes_through_as_it_is() -> None:
    film = (np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) % 256) * 257
    assert np.array_equal(greys(render(film, 32, 256), 32), film)


def test_a_degraded_film_shows_the_means_of_its_blocks() -> None:
    film = np.zeros((10, 10), dtype=np.uint16)
    film[:4, :4] = np.arange(16).reshape(4, 4) * 1000
    film[8:, 8:] = [[100, 200], [300, 400]]
    shown = greys(render(film, 10, 65536, degraded=True), 10)
    assert (shown[:4, :4] == 7500).all()
    assert (shown[8:, 8:] == 250).all()
    assert not shown[:4, 4:].any()


def test_blocks_grow_with_the_film_so_that_nobody_overlooks_them() -> None:
    assert [block_side(side) for side in (32, 64, 256, 257, 512, 1024)] == [4, 4, 4, 5, 8, 16]


def test_a_payload_that_would_tell_its_arm_is_found(tmp_path: Path) -> None:
    path = tmp_path / "case.bin"
    path.write_bytes(np.full((8, 8), 257, dtype="<u2").tobytes())
    assert fault_of_payload(path, 8, 256) is None
    assert (film_of(path.read_bytes(), 8) == 257).all()
    assert "128 bytes instead of 200" in str(fault_of_payload(path, 10, 256))
    assert "grid of 17 levels" in str(fault_of_payload(path, 8, 17))
