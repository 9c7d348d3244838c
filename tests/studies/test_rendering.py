"""One matrix, one grid, for every case."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gan.pixels import Film, canonical
from readerstudy.studies.rendering import (
    Form,
    block_side,
    common_step,
    fault_of_payload,
    film_of,
    grey_step,
    render,
)


def form(side: int, levels: int, *, step: float = 257, margin: float = 0) -> Form:
    return Form(side, levels, margin, step)


def greys(payload: bytes, side: int) -> np.ndarray:
    return np.frombuffer(payload, dtype="<u2").reshape(side, side)


def ramp(side: int, greys: int) -> Film:
    """A film of greys spread evenly from black to white, as many pixels of each, 2 % black and 2 % white."""
    even = np.clip(np.linspace(-0.02, 1.02, side * side), 0, 1)
    values = np.rint(even * (greys - 1)) * (65535 / (greys - 1))
    return np.rint(np.random.default_rng(5).permutation(values).reshape(side, side)).astype(np.uint16)


def spread(film: Film) -> np.ndarray:
    """A film whose darkest 3 % of the range have become black, the rest spread over the whole range."""
    return np.maximum(film / 65535 - 0.03, 0) / 0.97 * 65535


@pytest.mark.parametrize(("side", "levels", "native"), [(32, 256, 50), (64, 65536, 64), (31, 2, 100)])
def test_a_payload_has_its_length_and_lies_on_its_grid(side: int, levels: int, native: int) -> None:
    film = np.random.default_rng(1).integers(0, 65536, (native, native), dtype=np.uint16)
    payload = render(film, form(side, levels), seed="1")
    assert len(payload) == side * side * 2
    steps = greys(payload, side).astype(float) * (levels - 1) / 65535
    assert np.abs(steps - np.rint(steps)).max() <= 0.5 * (levels - 1) / 65535


def test_noise_of_the_stated_width_is_all_that_is_added_to_a_film_on_the_studys_matrix() -> None:
    film = ramp(128, 64)
    added = greys(render(film, form(128, 65536, step=1000), seed="1"), 128) - spread(film)
    inside = (film > 5000) & (film < 60000)
    # 0.6 of the step; the estimate from 14,000 pixels has an error of 0.6 %.
    assert abs(added[inside].std() / 600 - 1) < 0.03
    assert abs(added[inside].mean()) < 20


def test_noise_is_drawn_by_its_seed_alone() -> None:
    film = ramp(32, 200)
    first = render(film, form(32, 256), seed="7:aa")
    assert render(film, form(32, 256), seed="7:aa") == first
    assert render(film, form(32, 256), seed="7:bb") != first


def comb(payload: bytes, side: int, greys_of_source: int) -> float:
    """Strength of the source's comb in the histogram: 1 for empty levels between full ones, 0 for none."""
    levels = np.rint(greys(payload, side) / 257)
    # Black and white, which are no teeth of it, are spread over the levels beside them.
    seen = levels[(levels > 8) & (levels < 247)]
    return float(np.abs(np.exp(2j * np.pi * seen * 0.97 * (greys_of_source - 1) / 255).mean()))


@pytest.mark.parametrize("source", [100, 150, 200])
def test_no_comb_of_a_coarse_source_is_left(source: int) -> None:
    side = 256
    film = ramp(side, source)
    step = common_step([grey_step(film, side), grey_step(ramp(side, 100), side)], 256)
    shown = render(film, form(side, 256, step=step), seed="1")
    bare = render(film, form(side, 256, step=0), seed="1")
    assert comb(bare, side, source) > 0.25
    # Chance leaves about one part in 256 of so many pixels.
    assert comb(shown, side, source) < 4 / side
    assert len(np.unique(greys(bare, side))) <= source
    assert len(np.unique(greys(shown, side))) == 256


def test_saturated_areas_end_in_any_bit() -> None:
    film = ramp(128, 200)
    film[:64] = 0
    film[64:80] = 65535
    levels = np.rint(greys(render(film, form(128, 256, step=1.4 * 257), seed="1"), 128) / 257).astype(int)
    for area in (levels[:64], levels[64:80]):
        assert abs((area & 1).mean() - 0.5) < 0.05


def test_the_step_of_a_film_is_the_gap_between_its_greys() -> None:
    assert grey_step(ramp(128, 171), 128) == pytest.approx(65535 / 170 / 0.97, abs=1)
    assert grey_step(ramp(128, 171), 100) < 40


def test_the_common_step_is_the_coarsest_but_none_that_would_be_seen() -> None:
    assert common_step([300.0, 400.0], 256) == 400
    assert common_step([3.0], 256) == 257
    assert common_step([300.0, 20000.0], 256) == 300


def test_a_resampled_film_is_as_black_and_white_as_one_that_is_not() -> None:
    random = np.random.default_rng(2)
    values = np.cumsum(np.cumsum(random.normal(size=(256, 256)), 0), 1)
    film = canonical(values + random.normal(size=(256, 256)))
    for side in (256, 64):
        shown = greys(render(film, form(side, 65536, step=0), seed="1"), side)
        assert (shown == 65535).mean() == pytest.approx(0.005, abs=0.0005)
        assert shown.min() == 0


def test_a_film_of_one_grey_is_refused() -> None:
    with pytest.raises(ValueError, match="shows nothing"):
        render(np.full((32, 32), 7, dtype=np.uint16), form(32, 256), seed="1")


def test_a_degraded_film_shows_the_means_of_its_blocks() -> None:
    film = np.zeros((10, 10), dtype=np.uint16)
    film[:4, :4] = np.arange(16).reshape(4, 4) * 1000
    film[8:, 8:] = [[0, 0], [65535, 65535]]
    shown = greys(render(film, form(10, 65536, step=0), degraded=True, seed="1"), 10)
    assert (shown[:4, :4] == round(spread(film)[:4, :4].mean())).all()
    assert (shown[8:, 8:] == 32768).all()
    assert not shown[:4, 4:].any()


def test_a_degraded_film_keeps_its_blocks_under_the_noise() -> None:
    film = np.random.default_rng(3).integers(0, 65536, (64, 64), dtype=np.uint16)
    shown = greys(render(film, form(64, 256, step=1.4 * 257), degraded=True, seed="1"), 64).astype(float)
    blocks = shown.reshape(16, 4, 16, 4)
    within, between = blocks.std(axis=(1, 3)).mean(), blocks.mean(axis=(1, 3)).std()
    assert within < 257 * 1.2 < between / 5


def test_blocks_grow_with_the_film_so_that_nobody_overlooks_them() -> None:
    assert [block_side(side) for side in (32, 64, 256, 257, 512, 1024)] == [4, 4, 4, 5, 8, 16]


def test_a_payload_that_would_tell_its_arm_is_found(tmp_path: Path) -> None:
    path = tmp_path / "case.bin"
    path.write_bytes(np.full((8, 8), 257, dtype="<u2").tobytes())
    assert fault_of_payload(path, 8, 256) is None
    assert (film_of(path.read_bytes(), 8) == 257).all()
    assert "128 bytes instead of 200" in str(fault_of_payload(path, 10, 256))
    assert "grid of 17 levels" in str(fault_of_payload(path, 8, 17))
