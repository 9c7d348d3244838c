"""One-shot analysis: the variance of a reader-averaged figure from U-statistics, in any design.

Sources: Gallas, Acad Radiol 2006, and Gallas, Bandos, Samuelson and Wagner, Commun Stat Theory Methods 2009 (moments
and components); Obuchowski, Gallas and Hillis, Acad Radiol 2012 (degrees of freedom). Readers count by the number of
their terms, so that one who read half the films has less weight. Degrees of freedom and intervals follow the program
iMRMC: below the smallest of the factors' own they are raised to it (Gaylor and Hopper, Technometrics 1969), Student's t
takes their whole part, and above 50 the normal distribution stands in for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.readers.covariance import SINGLE_CASE
from evaluation.readers.intervals import t_quantile, two_sided_p
from evaluation.readers.moments import Moments, exactly
from evaluation.readers.mrmc import SMALLEST_VARIANCE, NoVariance, Random
from evaluation.readers.ratings import Floats

Statistic = Literal["U", "V"]

NORMAL_FROM = 50


@dataclass(frozen=True, slots=True)
class OneShot:
    """A reader-averaged figure, or the difference of two, with its interval.

    `statistic` says where `variance` is from: the unbiased U-statistic, or, where that is not positive, the
    V-statistic, to which a bootstrap over readers and cases tends. The two-sided `p` is None if tested against nothing.
    """

    estimate: float
    variance: float
    statistic: Statistic
    df: float
    low: float
    high: float
    p: float | None
    random: Random


def reader_mean(
    moments: Moments,
    against: float | None = 0.5,
    *,
    modality: int = 0,
    random: Random = "both",
    confidence: float = 0.95,
) -> OneShot:
    """The figure of one modality, averaged over readers by their numbers of terms.

    A single reader is fixed whatever `random` says. Raises ValueError where no reader has a term, where a kind of case
    was read once only, or (NoVariance) where neither variance is positive.
    """
    random = _random(moments, [modality], random)
    return _tested(
        _estimate(moments, modality), _variance(moments, modality, modality, random), against, random, confidence
    )


def difference(
    moments: Moments, first: int, second: int, *, random: Random = "both", confidence: float = 0.95
) -> OneShot:
    """Figure of the modality `first` minus that of `second`, tested against 0; readers and cases may be other ones.

    Raises as `reader_mean` does.
    """
    random = _random(moments, [first, second], random)
    one, other = (_variance(moments, index, index, random) for index in (first, second))
    between = _variance(moments, first, second, random)
    parts = _Variance(
        one.u + other.u - 2 * between.u,
        one.v + other.v - 2 * between.v,
        one.effects + other.effects - 2 * between.effects,
        np.minimum(one.dfs, other.dfs),
    )
    gap = _estimate(moments, first) - _estimate(moments, second)
    return _tested(gap, parts, 0.0, random, confidence)


def _random(moments: Moments, modalities: Sequence[int], random: Random) -> Random:
    readers = (moments.sizes[modalities] > 0).sum(1)
    if not readers.all():
        raise ValueError(f"No reader has a case to count the {moments.name} over.")
    return "cases" if readers.min() == 1 else random


def _estimate(moments: Moments, modality: int) -> float:
    return float(moments.totals[modality].sum() / moments.sizes[modality].sum())


@dataclass(frozen=True, eq=False)
class _Variance:
    """Both variances; of each random factor the (biased) component of its main effect, and its degrees of freedom."""

    u: float
    v: float
    effects: Floats
    dfs: Floats


def _variance(moments: Moments, first: int, second: int, random: Random) -> _Variance:
    """The variance of one modality's figure, or the covariance of two modalities' figures."""
    readers = moments.totals.shape[1]
    rows, columns = (slice(index * readers, (index + 1) * readers) for index in (first, second))
    sums, counts = (_by_factor(array[..., rows, columns], random) for array in (moments.sums, moments.counts))
    factors = counts.ndim - 1
    exact_sums, exact_counts = exactly(sums, factors), exactly(counts, factors)
    nothing = (0,) * factors
    if ((counts[nothing] > 0) & (exact_counts[nothing] <= 0)).any():
        raise ValueError(SINGLE_CASE)
    weights = counts[nothing] / counts[nothing].sum()
    coefficients = exact_counts / counts[nothing].sum()
    coefficients[nothing] -= weights
    unbiased, biased = _ratio(exact_sums, exact_counts), _ratio(sums, counts)
    effects, dfs = np.empty(factors), np.empty(factors)
    for factor in range(factors):
        alone = tuple(int(other == factor) for other in range(factors))
        effects[factor] = (weights * np.where(counts[alone] > 0, biased[alone] - biased[nothing], 0)).sum()
        shared = coefficients.take(1, axis=factor).sum()
        dfs[factor] = max(1, round(1 / shared - 1)) if shared > 0 else math.inf
    return _Variance(float((coefficients * unbiased).sum()), float((coefficients * biased).sum()), effects, dfs)


def _by_factor(block: Floats, random: Random) -> Floats:
    """Sums over pairs by the random factors that they share at least: shape (2, …, 2, groups).

    A group is what moments are pooled over: all pairs of readers where readers are random, else each pair by itself.
    """
    if random == "cases":
        return block.reshape(*block.shape[:-2], -1)
    by_reader = np.stack([block.sum((-2, -1)), np.trace(block, axis1=-2, axis2=-1)], axis=-1)
    if random == "readers":
        by_reader = by_reader[(0,) * (by_reader.ndim - 1)]
    return by_reader[..., None]


def _ratio(sums: Floats, counts: Floats) -> Floats:
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)


def _tested(estimate: float, parts: _Variance, against: float | None, random: Random, confidence: float) -> OneShot:
    statistic: Statistic = "U" if parts.u > SMALLEST_VARIANCE else "V"
    variance = parts.u if statistic == "U" else parts.v
    if not variance > SMALLEST_VARIANCE:
        raise NoVariance("Neither the U-statistic's nor the V-statistic's variance is above zero.")
    spread = float((parts.effects**2 / parts.dfs**3).sum())
    df = max(variance**2 / spread, float(parts.dfs.min())) if spread > 0 else math.inf
    se, taken = math.sqrt(variance), math.inf if df > NORMAL_FROM else float(math.floor(df))
    reach = t_quantile(0.5 + confidence / 2, taken) * se
    p = None if against is None else two_sided_p((estimate - against) / se, taken)
    return OneShot(estimate, variance, statistic, df, estimate - reach, estimate + reach, p, random)
