"""The configuration: presets that can be read, and refusals before a training begins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gan.config import TrainingConfig, preset
from tests.gan.made import small_config


def test_the_preset_of_the_paper_says_what_the_paper_says() -> None:
    config = preset("karras2018")
    assert config == TrainingConfig(resolution=1024, kimg=10_200)
    assert (config.latent, config.loss, config.rate) == (512, "wgan-gp", 0.001)
    assert (config.gradient_penalty, config.drift, config.beta2, config.epsilon) == (10, 0.001, 0.99, 1e-8)
    assert [config.batch(4), config.batch(64), config.batch(1024)] == [128, 32, 4]


@pytest.mark.parametrize("name", ["small", "karras2018"])
def test_a_preset_takes_changes_and_survives_json(name: str) -> None:
    config = preset(name, resolution=32, kimg=2.5, seed=9)
    assert (config.resolution, config.kimg, config.seed) == (32, 2.5, 9)
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no preset 'huge'; choose one of karras2018, small\."):
        preset("huge")


def test_unknown_fields_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"does not know: colour, wings\."):
        TrainingConfig.from_json({"resolution": 8, "kimg": 1, "wings": 2, "colour": "red"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"minibatch": ((4, 4),)}, "names no minibatch for resolution 8"),
        ({"minibatch": ((4, 4), (8, 6))}, "at 8 must be below or a multiple of 4, not 6"),
        ({"minibatch": ((4, 0), (8, 4))}, "at 4 must be below or a multiple of 4, not 0"),
        ({"loss": "hinge"}, "'hinge' is not known; choose one of wgan-gp, non-saturating-r1"),
        ({"resolution": 48}, "power of two of at least 4, not 48"),
        ({"kimg": 0}, "kimg must be above 0, not 0"),
        ({"final_kimg": 0}, "final_kimg must be above 0, not 0"),
        ({"ema_kimg": 0}, "ema_kimg must be above 0, not 0"),
        ({"r1_interval": 0}, "r1_interval must be above 0, not 0"),
        ({"fade_kimg": -1}, "fade_kimg must be at least 0, not -1"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_once(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small_config(**change)
