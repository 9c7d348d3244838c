"""The configuration: presets that can be read, and refusals before a training begins."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from gan.config import TrainingConfig, preset, preset_names
from gan.schedule import spans
from tests.gan.made import small_config


def test_the_preset_of_the_paper_says_what_the_paper_says() -> None:
    config = preset("karras2018")
    assert config == TrainingConfig(resolution=1024, kimg=10_200)
    assert (config.latent, config.loss, config.rate) == (512, "wgan-gp", 0.001)
    assert (config.gradient_penalty, config.drift, config.beta2, config.epsilon) == (10, 0.001, 0.99, 1e-8)
    assert [config.batch(4), config.batch(64), config.batch(1024)] == [128, 32, 4]


def test_the_preset_of_the_source_study_says_what_its_authors_code_says() -> None:
    """0.8 M images at 4², 1.6 M at 8² … 512² each, 2.0 M at 1024²; the first 0.8 M of each new resolution in a fade."""
    config = preset("segal2021")
    lengths = {size: (fade, stable) for size, fade, stable in spans(config)}
    assert lengths.pop(4) == (0, 800_000)
    assert lengths.pop(1024) == (800_000, pytest.approx(1_200_000))
    assert set(lengths.values()) == {(800_000, 800_000)}
    assert config.kimg == 14_000
    # Four cards with 16 films each, at last 14, 8 and 3.
    assert [config.batch(2**k) // 4 for k in range(2, 11)] == [16] * 6 + [14, 8, 3]
    said = (config.loss, config.gradient_penalty, config.drift, config.rate, config.beta2, config.epsilon)
    assert said == ("wgan-gp", 10, 0.001, 0.001, 0.99, 1e-7)
    # An average of 0.999 a step has a half-life of 692.8 steps of 64 images.
    assert config.ema_kimg == pytest.approx(-64 * math.log(2) / math.log(0.999) / 1000, rel=1e-3)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_takes_changes_and_survives_json(name: str) -> None:
    config = preset(name, resolution=32, kimg=2.5, seed=9)
    assert (config.resolution, config.kimg, config.seed) == (32, 2.5, 9)
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_an_unknown_preset_is_answered_with_those_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"no preset 'huge'; choose one of few-films, h100-256, karras2018, segal2021, small\."
    ):
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
        ({"augmentation": "flips"}, "'flips' is not known; choose one of none, adaptive"),
        ({"augmentation": "adaptive"}, "follows the signs of scores, which mean nothing under wgan-gp"),
        ({"fade_kimg": -1}, "fade_kimg must be at least 0, not -1"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_once(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small_config(**change)
