"""The Fréchet distance of two sets of features, its bias shown and taken away.

‖μ₁ − μ₂‖² + tr S₁ + tr S₂ − 2 tr (S₁ S₂)^½, covariances divided by n − 1 (Dowson and Landau 1982; Heusel et al. 2017).
With centred factors A₁, A₂ the last trace is the nuclear norm of A₁ A₂ᵀ over √((n₁ − 1)(n₂ − 1)), so no root of a
product of covariances is taken and the result is exact also where there are fewer films than features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import linalg

from evaluation.readers.intervals import Interval, t_quantile
from evaluation.readers.ratings import Floats

SPLITS = 10
BLOCKS = 10
SIZES = 5
DRAWS = 4
SHRINK = 3


def frechet(first: Floats, second: Floats) -> float:
    """The Fréchet distance of features of shapes (n₁, d) and (n₂, d), with two rows each or more.

    The result is never below 0: what rounding leaves below is cut off.
    """
    factor1, factor2 = _factor(first), _factor(second)
    apart = float(((first.mean(0) - second.mean(0)) ** 2).sum())
    traces = float((factor1**2).sum() + (factor2**2).sum())
    shared = float(linalg.svdvals(factor1 @ factor2.T).sum())
    return max(0.0, apart + traces - 2 * shared)


def _factor(features: Floats) -> Floats:
    """A matrix of min(n, d) rows whose product with itself is the covariance."""
    centred = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    return linalg.qr(centred, mode="r")[0][: centred.shape[1]]


def floor_splits(
    n_real: int, size: int, seed: int, patients: Sequence[str] | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield `SPLITS` random pairs of disjoint sets of `size` rows of the reals; no patient is in both.

    `patients` names the patient of each row; an empty name is a patient of its own. A pair is smaller than `size` where
    the patients do not divide otherwise, both sets alike.
    """
    names = [name or f"row {row}" for row, name in enumerate(patients or [""] * n_real)]
    _, patient_of = np.unique(names, return_inverse=True)
    random = np.random.default_rng(seed)
    for _ in range(SPLITS):
        order = random.permutation(patient_of.max() + 1)
        rank = np.argsort(order)[patient_of]
        rows = random.permutation(n_real)
        rows = rows[np.argsort(rank[rows], kind="stable")]
        # Cut between two patients, as near to the middle as their films allow.
        ends = np.flatnonzero(np.diff(rank[rows])) + 1
        if not len(ends):
            return
        cut = ends[np.argmin(np.abs(ends - n_real / 2))]
        both = min(size, cut, n_real - cut)
        yield random.permutation(rows[:cut])[:both], random.permutation(rows[cut:])[:both]


def at_equal_n(
    real: Floats, fake: Floats, seed: int, patients: Sequence[str] | None = None
) -> tuple[int, Interval, Interval] | None:
    """Real against real, and fake against the same reals, at one n: (n, floor, distance).

    n is min(n_real // 2, n_fake) where the patients allow it. Estimates are means over `SPLITS` splits, limits the 2.5
    and 97.5 % quantiles over the splits. None where n would be below 2.
    """
    size = min(len(real) // 2, len(fake))
    random = np.random.default_rng(seed + 1)
    splits = list(floor_splits(len(real), size, seed, patients)) if size >= 2 else []
    size = min((len(first) for first, _ in splits), default=0)
    if size < 2:
        return None
    floors, distances = [], []
    for first, second in splits:
        reals = real[first[:size]]
        floors.append(frechet(reals, real[second[:size]]))
        distances.append(frechet(reals, fake[random.permutation(len(fake))[:size]]))
    return size, _spread(floors), _spread(distances)


def extrapolated(real: Floats, fake: Floats, seed: int) -> Interval | None:
    """The distance that infinitely many films would give: a straight line in 1/n through nested subsets of both sides.

    Both sides shrink together, since either one biases the distance (Chong and Forsyth, CVPR 2020, shrink one). The
    interval is of the jackknife that leaves a block of both sides out, Student's t. None where the smallest subset, a
    third of the smaller side, has fewer films than features: the bias is no straight line there.
    """
    size = min(len(real), len(fake))
    if size < SHRINK * max(real.shape[1], BLOCKS):
        return None
    random = np.random.default_rng(seed)
    real, fake = real[random.permutation(len(real))[:size]], fake[random.permutation(len(fake))[:size]]
    whole = _intercept(real, fake, seed)
    block = np.arange(size) * BLOCKS // size
    without = np.array([_intercept(real[block != b], fake[block != b], seed) for b in range(BLOCKS)])
    pseudo = BLOCKS * whole - (BLOCKS - 1) * without
    se = float(pseudo.std(ddof=1) / np.sqrt(BLOCKS))
    reach = t_quantile(0.975, BLOCKS - 1) * se
    return Interval(whole, whole - reach, whole + reach)


def _intercept(real: Floats, fake: Floats, seed: int) -> float:
    random = np.random.default_rng(seed)
    sizes = np.unique(np.rint(len(real) / np.linspace(1, SHRINK, SIZES)).astype(int))
    inverse, values = [], []
    for _ in range(DRAWS):
        order_of_real, order_of_fake = random.permutation(len(real)), random.permutation(len(fake))
        for n in sizes:
            inverse.append(1 / n)
            values.append(frechet(real[order_of_real[:n]], fake[order_of_fake[:n]]))
    return float(np.polyfit(inverse, values, 1)[1])


def _spread(values: Sequence[float]) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high))
