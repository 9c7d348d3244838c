"""How readings are analysed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation import wording
from evaluation.readers import rates
from evaluation.readers.covariance import Covariance
from evaluation.readers.mrmc import Random


@dataclass(frozen=True)
class Options:
    """How readings are analysed.

    `cut` makes a rating a decision (synthetic when at least this); None takes the middle of `scale`, unless that is a
    rating itself. `arms` names the column whose values are analysed apart and compared. `unmet` names what a claim of
    equivalence lacks (constants of `evaluation.wording`). `covariates` name columns for the regression, `draws` asks
    for a bootstrap of so many with `seed`. Raises ValueError for a scale, cut or margin that cannot be meant.
    """

    scale: tuple[float, float] = (1, 6)
    cut: float | None = None
    covariance: Covariance = "jackknife"
    random: Random = "both"
    margin: float | None = None
    alpha: float = 0.05
    arms: str | None = None
    unmet: Sequence[str] = (wording.NO_CONTROL, wording.MARGIN_NOT_FIXED)
    covariates: Sequence[str] = ()
    draws: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = self.scale
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"A scale runs from its lowest to its highest rating, not from {low:g} to {high:g}.")
        if self.cut is not None and not low < self.cut <= high:
            raise ValueError(f"A cut of {self.cut:g} makes all ratings of {low:g} to {high:g} the same decision.")
        if self.margin is not None and not 0 < self.margin < 0.5:
            raise ValueError(f"A margin of {self.margin:g} around an AUC of 0.5 is not between 0 and 0.5.")

    @property
    def decision_cut(self) -> float | None:
        return rates.midpoint_of(self.scale) if self.cut is None else self.cut
