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
AUGMENTATIONS = ("none", "adaptive")
POSITIVE = (
    *("kimg", "final_kimg", "ema_kimg", "rate", "latent", "fmap_base", "fmap_max"),
    *("r1_interval", "augmentation_kimg", "snapshot_kimg"),
)


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
    """R1 has a step of its own in every so many steps, is weighted accordingly, and Adam is rescaled for it (Karras et
    al. 2020, appendix B)."""
    augmentation: str = "none"
    """“adaptive” shows the discriminator augmented films, as its overfitting asks for: for small collections."""
    augmentation_target: float = 0.6
    """The mean sign of the scores of real films that the strength is steered to (Karras et al. 2020b)."""
    augmentation_kimg: float = 100.0
    """In how many thousand images the strength could go from 0 to 1."""
    ema_kimg: float = 10.0
    """Half-life of the generator's weight average, in thousands of images (0.999 a step is 11 at 16 images a step)."""
    snapshot_kimg: float = 200.0
    """Thousands of images between two snapshots; the end of each phase is one as well."""

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
        for name in POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}.")
        for name in ("stable_kimg", "fade_kimg"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}.")
        if self.loss not in LOSSES:
            raise ValueError(f"The loss {self.loss!r} is not known; choose one of {', '.join(LOSSES)}.")
        if self.augmentation not in AUGMENTATIONS:
            raise ValueError(
                f"The augmentation {self.augmentation!r} is not known; choose one of {', '.join(AUGMENTATIONS)}."
            )
        if self.augmentation == "adaptive" and self.loss == "wgan-gp":
            raise ValueError("Adaptive augmentation follows the signs of scores, which mean nothing under wgan-gp.")

    def batch(self, resolution: int) -> int:
        return dict(self.minibatch)[resolution]

    @property
    def is_lazy(self) -> bool:
        """Whether the discriminator's penalty has steps of its own."""
        return self.loss == "non-saturating-r1"

    def prolonged(self, kimg: float) -> TrainingConfig:
        """The same training with a longer last phase, so that `kimg` thousand images are shown in all.

        Everything up to the end of the shorter one is as it was there. Raises ValueError where `kimg` is less.
        """
        if kimg < self.kimg:
            raise ValueError(f"A training of {self.kimg} thousand images cannot be prolonged to {kimg}.")
        if kimg == self.kimg:
            return self
        sizes = len(resolutions(self.resolution))
        shown = sizes * self.fade_kimg - self.fade_kimg + (sizes - 1) * self.stable_kimg + self.final_kimg
        return replace(self, kimg=kimg, final_kimg=self.final_kimg + (kimg - self.kimg) * shown / self.kimg)

    def continued(self, asked: TrainingConfig) -> TrainingConfig:
        """The configuration with which a run of this one goes on when `asked` is asked for: itself, or a prolonged one.

        Where they differ in anything but their length it is `asked`, which a run of this one then refuses.
        """
        same = replace(asked, kimg=self.kimg, final_kimg=self.final_kimg) == self
        return self.prolonged(asked.kimg) if same and asked.kimg >= self.kimg else asked

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
