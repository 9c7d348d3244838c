"""Distances at one n: real films against other real films, and synthetic films against the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evaluation.images.frechet import between, moments
from evaluation.images.patients import numbered, shuffled
from evaluation.readers.intervals import Interval
from evaluation.readers.ratings import Floats

SPLITS = 10
FEWEST = 2


def floor_splits(
    n_real: int, size: int, seed: int, patients: Sequence[str] | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield `SPLITS` random pairs of disjoint sets of `size` rows of the reals; no patient is in both.

    `patients` names the patient of each row; an empty name is a patient of its own. A pair is smaller than `size` where
    the patients do not divide otherwise, both sets alike.
    """
    patient_of = numbered(n_real, patients)
    random = np.random.default_rng(seed)
    for _ in range(SPLITS):
        rows = shuffled(patient_of, random)
        # Cut between two patients, as near to the middle as their films allow.
        ends = np.flatnonzero(np.diff(patient_of[rows])) + 1
        if not len(ends):
            return
        cut = ends[np.argmin(np.abs(ends - n_real / 2))]
        both = min(size, cut, n_real - cut)
        yield random.permutation(rows[:cut])[:both], random.permutation(rows[cut:])[:both]


def largest_n(n_real: int, n_fake: int, seed: int, patients: Sequence[str] | None = None) -> int:
    """The n of a floor: min(n_real // 2, n_fake) where the patients allow it, less where not; 0 where none is 2."""
    size = min(n_real // 2, n_fake)
    splits = floor_splits(n_real, size, seed, patients) if size >= FEWEST else iter(())
    size = min((len(first) for first, _ in splits), default=0)
    return size if size >= FEWEST else 0


def at_equal_n(
    real: Floats,
    fake: Floats,
    seed: int,
    patients: Sequence[str] | None = None,
    n: int | None = None,
    rows: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[int, Interval, Interval] | None:
    """Real against real, and fake against the same reals, at one n: (n, floor, distance).

    `rows` are those of either side that take part, all unless given, and `patients` those of the real ones among them.
    `n` is the largest that there is unless given. Estimates are means over `SPLITS` splits without replacement, limits
    the 2.5 and 97.5 % quantiles over the splits. None where n would be below 2.
    """
    ours, theirs = rows or (np.arange(len(real)), np.arange(len(fake)))
    largest = largest_n(len(ours), len(theirs), seed, patients)
    size = min(largest, n or largest)
    if size < FEWEST:
        return None
    random = np.random.default_rng(seed + 1)
    floors, distances = [], []
    for first, second in floor_splits(len(ours), size, seed, patients):
        reals = moments(real, ours[first[:size]])
        floors.append(between(reals, moments(real, ours[second[:size]])))
        distances.append(between(reals, moments(fake, theirs[random.permutation(len(theirs))[:size]])))
    return size, _spread(floors), _spread(distances)


def _spread(values: Sequence[float]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))
