"""The schedule: where a training stands is a matter of the images shown alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.config import preset
from gan.networks import resolutions
from gan.schedule import Phase, phase_at, spans
from tests.gan.made import small_config

PAPER = preset("karras2018")


def test_the_paper_shows_600_thousand_images_in_every_phase() -> None:
    """4² stable, then a fade and a stable phase for each of 8² … 1024²."""
    assert spans(PAPER) == [(4, 0, 600_000)] + [(size, 600_000, 600_000) for size in resolutions(1024)[1:]]
    assert phase_at(0, PAPER) == phase_at(599_999, PAPER) == Phase(4, 1.0)
    for number, size in enumerate(resolutions(1024)[1:]):
        begins = 600_000 + 1_200_000 * number
        assert phase_at(begins - 1, PAPER) == Phase(size // 2, 1.0)
        assert phase_at(begins, PAPER) == Phase(size, 0.0)
        assert phase_at(begins + 150_000, PAPER) == Phase(size, 0.25)
        assert phase_at(begins + 599_999, PAPER) == Phase(size, 599_999 / 600_000)
        assert phase_at(begins + 600_000, PAPER) == phase_at(begins + 1_199_999, PAPER) == Phase(size, 1.0)
    assert phase_at(10_200_000, PAPER) == phase_at(99_000_000, PAPER) == Phase(1024, 1.0)


def test_phases_shrink_and_grow_in_proportion() -> None:
    """small: 10 stable, 20 + 10, … 20 + 200 thousand at the last; 240 of them up to 8², shown in 24 here."""
    config = preset("small", resolution=8, kimg=23)
    assert spans(config) == [(4, 0, pytest.approx(1000)), (8, pytest.approx(2000), pytest.approx(20_000))]
    assert phase_at(500, config) == Phase(4, 1.0)
    assert phase_at(2000, config).alpha == pytest.approx(0.5)
    assert phase_at(3001, config) == Phase(8, 1.0)


def test_one_resolution_has_no_fade() -> None:
    config = small_config(resolution=4)
    assert spans(config) == [(4, 0, 100)]
    assert phase_at(0, config) == Phase(4, 1.0)


@given(
    resolution=st.sampled_from(resolutions(1024)),
    kimg=st.floats(0.01, 1e5),
    stable=st.floats(0, 1000),
    fade=st.floats(0, 1000),
    images=st.lists(st.floats(0, 2e8), min_size=2, max_size=20),
)
def test_a_training_never_goes_back(
    resolution: int, kimg: float, stable: float, fade: float, images: list[float]
) -> None:
    config = preset("karras2018", resolution=resolution, kimg=kimg, stable_kimg=stable, fade_kimg=fade)
    assert sum(fade + stable for _, fade, stable in spans(config)) == pytest.approx(1000 * kimg)
    phases = [phase_at(shown, config) for shown in sorted(images)]
    assert [(phase.resolution, phase.alpha) for phase in phases] == sorted(
        (phase.resolution, phase.alpha) for phase in phases
    )
    assert all(0 <= phase.alpha <= 1 and phase.fading == (phase.alpha < 1) for phase in phases)
    assert phase_at(1000 * kimg, config) == Phase(resolution, 1.0)
