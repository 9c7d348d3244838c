"""How far a training's snapshots are from real films, one after the other, all at the same number of films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.images.equal_n import at_equal_n
from evaluation.images.patients import numbered, shuffled
from evaluation.readers.intervals import Interval, t_quantile
from evaluation.readers.ratings import Floats

BLOCKS = 10


@dataclass(frozen=True)
class Distance:
    """The Fréchet distance at `n` films a side, and that of real films from other real films at the same n."""

    n: int
    distance: Interval
    floor: Interval


def distance_at_equal_n(
    real: Floats, fake: Floats, *, seed: int = 0, patients: Sequence[str] | None = None
) -> Distance:
    """Estimates at equal n as everywhere, with intervals that hold for other films of the same origin.

    They are of the jackknife that leaves a tenth of both sides out, patients of the reals together, Student's t: unlike
    the spread over splits of the same films they tell sampling error. Raises ValueError where there are too few films.
    """
    random = np.random.default_rng(seed)
    sides = shuffled(numbered(len(real), patients), random), random.permutation(len(fake))
    whole = _estimates(real, fake, seed, patients)
    without = []
    for out_of_real, out_of_fake in zip(*(np.array_split(rows, BLOCKS) for rows in sides), strict=True):
        kept = np.setdiff1d(sides[0], out_of_real)
        theirs = [patients[row] for row in kept] if patients else None
        without.append(_estimates(real[kept], np.delete(fake, out_of_fake, axis=0), seed, theirs)[1:])
    reach = t_quantile(0.975, BLOCKS - 1) * np.std(without, axis=0) * np.sqrt(BLOCKS - 1)
    n, *estimates = whole
    floor, distance = (
        Interval(value, max(0.0, value - float(by)), value + float(by))
        for value, by in zip(estimates, reach, strict=True)
    )
    return Distance(n, distance, floor)


def _estimates(real: Floats, fake: Floats, seed: int, patients: Sequence[str] | None) -> tuple[int, float, float]:
    found = at_equal_n(real, fake, seed, patients)
    if found is None:
        raise ValueError("There are too few films or patients for two disjoint sets of two real films.")
    n, floor, distance = found
    return n, floor.estimate, distance.estimate
