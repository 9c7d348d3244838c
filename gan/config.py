"""One flat configuration of a training; presets are JSON files beside this one that a person can read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from gan.networks import STD_GROUP, resolutions

PRESETS = Path(__file__).parent / "presets"
LOSSES = ("wgan-gp", "non-saturating-r1")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that a training depends on beside its films.

    The defaults are those of Karras et al. 2018, but for the weight average, which has a half-life in images.
    """

    resolution: int
    kimg: float
    """Real images shown in all, in thousands."""
    seed: int = 0
    latent: int = 512
    fmap_base: int = 8192
    fmap_max: int = 512
    stable_kimg: float = 600
    """Length of each stable phase before the phases shrink or grow in proportion to end at `kimg`."""
    fade_kimg: float = 600
    final_kimg: float = 600
    """Length of the stable phase at the last resolution, likewise."""
    minibatch: tuple[tuple[int, int], ...] = (
        (4, 128),
        (8, 128),
        (16, 128),
        (32, 64),
        (64, 32),
        (128, 16),
        (256, 8),
        (512, 4),
        (1024, 4),
    )
    """Images per step, as pairs of resolution and number: multiples of the standard-deviation group of four."""
    loss: str = "wgan-gp"
    rate: float = 1e-3
    beta2: float = 0.99
    epsilon: float = 1e-8
    gradient_penalty: float = 10.0
    drift: float = 1e-3
    r1_gamma: float = 0.0
    """Weight of R1 for the non-saturating loss; 0 means 0.0002 · resolution² / minibatch."""
    r1_interval: int = 16
    """R1 is computed in every so many steps, and weighted accordingly. Its step is the main loss's own, so Adam is not
    rescaled as it is where R1 has steps apart (Karras et al. 2020)."""
    ema_kimg: float = 10.0
    """Half-life of the generator's weight average, in thousands of images (0.999 a step is 11 at 16 images a step)."""

    def __post_init__(self) -> None:
        for size in resolutions(self.resolution):
            if size not in dict(self.minibatch):
                raise ValueError(f"The configuration names no minibatch for resolution {size}; add it to minibatch.")
        for size, number in self.minibatch:
            if number < 1 or number % min(STD_GROUP, number):
                raise ValueError(f"The minibatch at {size} must be below or a multiple of {STD_GROUP}, not {number}.")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{field.name} must be a finite number, not {value}.")
        for name in ("kimg", "final_kimg", "ema_kimg", "rate", "latent", "fmap_base", "fmap_max", "r1_interval"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}.")
        for name in ("stable_kimg", "fade_kimg"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}.")
        if self.loss not in LOSSES:
            raise ValueError(f"The loss {self.loss!r} is not known; choose one of {', '.join(LOSSES)}.")

    def batch(self, resolution: int) -> int:
        return dict(self.minibatch)[resolution]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainingConfig:
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(
                f"The configuration has fields that this version does not know: {', '.join(sorted(unknown))}."
            )
        pairs = values.get("minibatch", cls.minibatch)
        return cls(**{**values, "minibatch": tuple((int(size), int(number)) for size, number in pairs)})


def preset_names() -> list[str]:
    """The presets there are."""
    return sorted(file.stem for file in PRESETS.glob("*.json"))


def preset(name: str, **changes: Any) -> TrainingConfig:
    """The preset `name` with some fields changed, such as `resolution`, `kimg` and `seed`."""
    path = PRESETS / f"{name}.json"
    if not path.exists():
        raise ValueError(f"There is no preset {name!r}; choose one of {', '.join(preset_names())}.")
    config = TrainingConfig.from_json(json.loads(path.read_text()))
    return replace(config, **{field: value for field, value in changes.items() if value is not None})
