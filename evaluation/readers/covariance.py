"""Covariances between readers' figures that come from having read the same cases.

Each function returns a matrix of shape (modalities × readers, modalities × readers), readers running fastest.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from evaluation.readers import moments
from evaluation.readers.auc import placements
from evaluation.readers.merit import Merit, auc
from evaluation.readers.ratings import Floats, Ratings

Covariance = Literal["delong", "jackknife", "unbiased"]

SINGLE_CASE = "A reader read a single case of one truth state."


def of_auc(ratings: Ratings, method: Covariance) -> Floats:
    """Covariances of empirical AUCs by the method named. Raises ValueError where a truth state has only one case."""
    if method == "delong":
        return delong(ratings)
    if method == "unbiased":
        return unbiased(ratings)
    return jackknife(auc(ratings))


def jackknife(merit: Merit) -> Floats:
    """Leave one case out of all readers at once (Efron and Stein, Ann Stat 1981): (N − 1)/N Σ change · change.

    N is the number of cases that enter either figure of a pair. Raises ValueError where a truth state has only one
    case, which cannot be left out.
    """
    changes = merit.changes.reshape(-1, merit.changes.shape[2])
    enters = merit.enters.reshape(changes.shape).astype(float)
    if np.isnan(changes).any():
        raise ValueError(SINGLE_CASE)
    either = enters.sum(1)[:, None] + enters.sum(1)[None, :] - enters @ enters.T
    return (either - 1) / either * (changes @ changes.T)


def delong(ratings: Ratings) -> Floats:
    """From the placements of shared cases (DeLong, DeLong and Clarke-Pearson, Biometrics 1988).

    Cases that only one reader of a pair read add nothing to their covariance.
    """
    cells = ratings.values.reshape(-1, len(ratings.cases))
    deviations = np.zeros_like(cells)
    for row, deviation in zip(cells, deviations, strict=True):
        read = ~np.isnan(row)
        synthetic = ratings.synthetic[read]
        of_positive, of_negative = placements(row[read], synthetic)
        filled = np.empty(read.sum())
        filled[synthetic] = of_positive - of_positive.mean()
        filled[~synthetic] = of_negative - of_negative.mean()
        deviation[read] = filled
    read = ~np.isnan(cells)
    return sum(
        (_covariance_of_means(deviations[:, of], read[:, of]) for of in (ratings.synthetic, ~ratings.synthetic)),
        start=np.zeros((len(cells), len(cells))),
    )


def _covariance_of_means(deviations: Floats, read: np.ndarray) -> Floats:
    """Covariances of means over partly shared cases: n_shared / (n_i n_j) times the covariance over the shared ones."""
    counts = read.sum(1).astype(float)
    if counts.min() < 2:
        raise ValueError(SINGLE_CASE)
    shared = read.astype(float) @ read.T.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        sample = np.where(shared > 1, deviations @ deviations.T / (shared - 1), 0.0)
    return shared / np.outer(counts, counts) * sample


def unbiased(ratings: Ratings) -> Floats:
    """Product of two AUCs minus the mean product over pairs of pairs without a common case (Gallas, Acad Radiol 2006).

    The only one of the three that can come out negative on the diagonal.
    """
    area = moments.auc(ratings)
    apart, pairs_apart = (moments.exactly(at_least, 2)[0, 0] for at_least in (area.sums, area.counts))
    if (pairs_apart <= 0).any():
        raise ValueError(SINGLE_CASE)
    return area.sums[0, 0] / area.counts[0, 0] - apart / pairs_apart
