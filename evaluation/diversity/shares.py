"""Shares of films, where films of one patient are less than as many independent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from evaluation.images.patients import numbered
from evaluation.readers.intervals import Interval, t_quantile
from evaluation.readers.ratings import Bools

Z95, Z90 = (t_quantile(probability, float("inf")) for probability in (0.975, 0.95))


@dataclass(frozen=True, slots=True)
class Moments:
    """An estimate and its variance."""

    value: float
    variance: float


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many films. `effective` is the number of independent films that would tell as much (0 … films)."""

    positive: int
    films: int
    patients: int
    effective: float

    @property
    def estimate(self) -> float:
        return self.positive / self.films

    def interval(self, z: float = Z95) -> Interval:
        """The score interval (Wilson, JASA 1927) at the effective number (Korn and Graubard, Surv Methodol 1998)."""
        n, share = self.effective, self.estimate
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        reach = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        return Interval(share, max(0.0, centre - reach), min(1.0, centre + reach))

    def adjusted(self, added: float) -> Moments:
        """The share and its variance once `added` successes and as many failures are thought to be there.

        That keeps the variance of a share of 0 or 1 above 0 (Agresti and Coull, Am Stat 1998).
        """
        n = self.effective + 2 * added
        value = (self.effective * self.estimate + added) / n
        return Moments(value, value * (1 - value) / n)

    def to_json(self) -> dict[str, Any]:
        interval = self.interval()
        return {
            "estimate": interval.estimate,
            "low": interval.low,
            "high": interval.high,
            "positive": self.positive,
            "films": self.films,
            "patients": self.patients,
            "effective_films": self.effective,
        }


def share_of(positive: Bools, patients: Sequence[str] | None = None) -> Share:
    """The share of films that are positive, of shape (films,), with what their `patients` take from their number.

    The effective number is p (1 − p) over the variance between patients (the linearised ratio), no more than there are
    films; all alike tell nothing of that variance, and then each patient counts once. An empty name is a patient of
    its own. Raises ValueError without films.
    """
    films = len(positive)
    if not films:
        raise ValueError("There are no films to take a share of.")
    patient_of = numbered(films, patients)
    count = int(patient_of.max()) + 1
    share = float(positive.mean())
    totals = np.bincount(patient_of, positive - share)
    between = float((totals**2).sum()) / films**2
    if positive.all() or not positive.any():
        effective = float(count)
    else:
        effective = min(float(films), share * (1 - share) / between) if between > 0 else float(films)
    return Share(int(positive.sum()), films, count, effective)
