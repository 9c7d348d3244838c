"""What simulated readers answer: equal-variance signal detection with random readers and cases.

Ratings and choices come of the same looks: of two films a reader takes the one that looks more synthetic.
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
    """How one reader rates, look by look."""

    ratings: npt.NDArray[np.int64]
    """1 … 6."""
    milliseconds: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Choices:
    """What one reader chooses, pair by pair."""

    left: npt.NDArray[np.bool_]
    """Whether the film on the left was taken for the synthetic one."""
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
        person = _Reader(self, reader)
        seen = person.look(order)
        return Readings(1 + np.searchsorted(person.criteria, seen), person.milliseconds(len(seen)))

    def choose(self, reader: int, pairs: Sequence[tuple[int, int]]) -> Choices:
        """Which film of each pair, left or right by its index, reader number `reader` takes for the synthetic one."""
        person = _Reader(self, reader)
        seen = person.look([film for pair in pairs for film in pair]).reshape(-1, 2)
        return Choices(seen[:, 0] > seen[:, 1], person.milliseconds(len(seen)))


class _Reader:
    """One simulated reader. The order of the draws is fixed, so that the seed gives the same answers again."""

    def __init__(self, films: Films, number: int) -> None:
        self.films = films
        self.random = np.random.default_rng([films.seed, number])
        drawn = films.model.readers(1, self.random)
        self.skill, self.criteria = drawn.skill[0], drawn.criteria[0]
        self.pace = MEDIAN_SECONDS * np.exp(self.random.normal(0, READER_SECONDS_SD))
        self.own_looks = self.random.normal(0, np.sqrt(READER_CASE_VARIANCE), len(films.means))

    def look(self, order: Sequence[int]) -> npt.NDArray[np.float64]:
        """How synthetic the films with these indices look, one after the other."""
        films = np.asarray(order, dtype=np.int64)
        new_each_time = 1 - self.films.model.case_correlation - READER_CASE_VARIANCE
        error = self.random.normal(0, np.sqrt(new_each_time), len(films))
        looks = self.films.means + self.skill * self.films.synthetic + self.films.looks + self.own_looks
        return np.asarray(looks[films] + error)

    def milliseconds(self, answers: int) -> npt.NDArray[np.int64]:
        """How long so many answers take."""
        seconds = self.pace * np.exp(self.random.normal(0, SECONDS_SD, answers))
        return np.rint(1000 * np.clip(seconds, LEAST_SECONDS, MOST_SECONDS)).astype(np.int64)
