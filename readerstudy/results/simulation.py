"""Ratings that the program draws for simulated readers: equal-variance signal detection with random readers and cases.

The model is Roe and Metz's (`evaluation.readers.roe_metz`), in which what reader r sees in film c is x = μ + C + E.
Here E has two parts: how this reader sees this film (the same at a repeat), and what is new at every look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.readers.roe_metz import RoeMetz
from readerstudy.studies.models import Arm

# Of x, whose variance is 1 for films of one truth.
READER_CASE_VARIANCE = 0.45
# Nobody who looks overlooks a film that was degraded on purpose.
DEGRADED_D_PRIME = 3.0
# A reading takes about nine seconds, now and then much longer: our choice.
MEDIAN_SECONDS, SECONDS_SD, READER_SECONDS_SD = 9.0, 0.5, 0.3
LEAST_SECONDS, MOST_SECONDS = 1.5, 300.0


@dataclass(frozen=True)
class Readings:
    """What one reader answers, look by look."""

    ratings: npt.NDArray[np.int64]
    """1 … 6."""
    milliseconds: npt.NDArray[np.int64]


class Films:
    """The films of a study as all simulated readers see them."""

    def __init__(self, roles: Sequence[str], d_prime: float, seed: int) -> None:
        """`roles` gives the role of the arm of each film, `d_prime` how far a generator's films stand out."""
        real = [role in (Arm.Role.REAL, Arm.Role.CONTROL_REAL) for role in roles]
        degraded = [role == Arm.Role.CONTROL_DEGRADED for role in roles]
        self.seed = seed
        self.model = RoeMetz(d_prime)
        self.synthetic = ~np.array(real, dtype=bool)
        self.means = np.where(self.synthetic, np.where(degraded, max(DEGRADED_D_PRIME, d_prime), d_prime), 0.0)
        random = np.random.default_rng([seed, 0])
        self.looks = random.normal(0, np.sqrt(self.model.case_correlation), len(roles))

    def read(self, reader: int, order: Sequence[int]) -> Readings:
        """What reader number `reader` (1, 2, …) answers to the films with the indices `order`, one after the other."""
        random = np.random.default_rng([self.seed, reader])
        drawn = self.model.readers(1, random)
        pace = MEDIAN_SECONDS * np.exp(random.normal(0, READER_SECONDS_SD))
        own_looks = random.normal(0, np.sqrt(READER_CASE_VARIANCE), len(self.means))
        films = np.asarray(order, dtype=np.int64)
        new_each_time = 1 - self.model.case_correlation - READER_CASE_VARIANCE
        error = random.normal(0, np.sqrt(new_each_time), len(films))
        seen = (self.means + drawn.skill[0] * self.synthetic + self.looks + own_looks)[films] + error
        seconds = np.clip(pace * np.exp(random.normal(0, SECONDS_SD, len(films))), LEAST_SECONDS, MOST_SECONDS)
        return Readings(1 + np.searchsorted(drawn.criteria[0], seen), np.rint(1000 * seconds).astype(np.int64))
