"""How readings are analysed."""

from __future__ import annotations

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
    for a bootstrap of so many with `seed`.
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

    @property
    def decision_cut(self) -> float | None:
        return rates.midpoint_of(self.scale) if self.cut is None else self.cut
