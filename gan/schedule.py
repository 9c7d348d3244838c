"""The schedule of progressive growing: a pure function of the images shown."""

from __future__ import annotations

from dataclasses import dataclass

from gan.config import TrainingConfig
from gan.networks import resolutions


@dataclass(frozen=True)
class Phase:
    """Where a training stands: the resolution, and the weight of that resolution while it fades in (1 when stable)."""

    resolution: int
    alpha: float

    @property
    def fading(self) -> bool:
        return self.alpha < 1

    def __str__(self) -> str:
        return f"{self.resolution}² fading in" if self.fading else f"{self.resolution}² stable"


def spans(config: TrainingConfig) -> list[tuple[int, float, float]]:
    """(resolution, images of its fade, images of its stable phase), scaled to add up to `kimg` thousand."""
    sizes = resolutions(config.resolution)
    rows = [
        (size, config.fade_kimg if size > 4 else 0.0, config.final_kimg if size == sizes[-1] else config.stable_kimg)
        for size in sizes
    ]
    scale = 1000 * config.kimg / sum(fade + stable for _, fade, stable in rows)
    return [(size, fade * scale, stable * scale) for size, fade, stable in rows]


def begin_of_stable(resolution: int, config: TrainingConfig) -> float:
    """The images shown before a resolution is stable."""
    rows = spans(config)
    before = sum(fade + stable for size, fade, stable in rows if size < resolution)
    return before + next(fade for size, fade, _stable in rows if size == resolution)


def phase_at(images: float, config: TrainingConfig) -> Phase:
    """The phase in which the image number `images` (from 0) is shown."""
    start = 0.0
    for resolution, fade, stable in spans(config):
        if images < start + fade:
            return Phase(resolution, (images - start) / fade)
        if images < start + fade + stable:
            return Phase(resolution, 1.0)
        start += fade + stable
    return Phase(config.resolution, 1.0)
