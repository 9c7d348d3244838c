"""The binormal ROC curve fitted by maximum likelihood (Dorfman and Alf, J Math Psychol 1969).

What a reader sees of real films is taken as N(0, 1), of synthetic ones as N(a/b, 1/b²), cut into ratings at unknown
points; the curve is hit rate = Φ(a + b z(false alarm rate)) and its area Φ(a/√(1 + b²)).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
from scipy.stats import norm

from evaluation.readers.ratings import Bools, Floats

STEPS = 200
# The log-likelihood has stopped rising.
ENOUGH = 1e-14
# Beyond these the fit is on its way to a curve in the corner, which it never reaches.
STEEPEST, FARTHEST = 50.0, 5.0
FINEST = 20
SINGULAR = 1e12

TOO_FEW = "The binormal curve needs two points between its ends, and these ratings give fewer."
NOT_DETERMINED = "The binormal curve cannot be fitted: these ratings do not determine it."
NO_MAXIMUM = "The binormal curve has no maximum of likelihood for these ratings, as for a perfect reader."
REASONS = TOO_FEW, NOT_DETERMINED, NO_MAXIMUM


class NoFit(ValueError):
    """The curve cannot be fitted to these ratings; the message says why."""


@dataclass(frozen=True, slots=True)
class Binormal:
    """The curve's `a` and `b` and its area with standard error; the 95 % limits are normal on the scale of z(area)."""

    a: float
    b: float
    estimate: float
    se: float
    low: float
    high: float


def fit(ratings: Floats, synthetic: Bools) -> Binormal:
    """Fit the curve to one reader's ratings; both arrays have shape (cases,). Raises NoFit where there is no maximum.

    Error by the expected information, as in the programs ROCFIT and ROCKIT.
    """
    counts = _categories(ratings, synthetic)
    if counts.shape[1] < 3:
        raise NoFit(TOO_FEW)
    parameters = _scored(_start(counts), counts)
    a, b = float(parameters[0]), float(parameters[1])
    if not 1 / STEEPEST < b < STEEPEST or abs(a) > FARTHEST * hypot(1, b):
        raise NoFit(NO_MAXIMUM)
    information = _score_and_information(parameters, counts)[1]
    scales = np.sqrt(np.diag(information))
    if not scales.all() or np.linalg.cond(information / np.outer(scales, scales)) > SINGULAR:
        raise NoFit(NOT_DETERMINED)
    covariance = np.linalg.inv(information)[:2, :2]
    z, slope = a / hypot(1, b), np.array([1, -a * b / (1 + b * b)]) / hypot(1, b)
    error = sqrt(slope @ covariance @ slope)
    reach = float(norm.ppf(0.975)) * error
    return Binormal(
        a, b, float(norm.cdf(z)), float(norm.pdf(z)) * error, float(norm.cdf(z - reach)), float(norm.cdf(z + reach))
    )


def _categories(ratings: Floats, synthetic: Bools) -> Floats:
    """Counts of shape (2, categories), synthetic first. Neighbours of the same single truth are one category.

    They have no bearing on the fit (Metz, Herman and Shen, Stat Med 1998). A scale of more values than `FINEST` is cut
    into so many categories of about equal numbers of cases, as ROCKIT does.
    """
    if len(np.unique(ratings)) > FINEST:
        edges = np.unique(np.quantile(ratings, np.arange(1, FINEST) / FINEST))
        ratings = np.searchsorted(edges, ratings, side="right").astype(float)
    _, place = np.unique(ratings, return_inverse=True)
    size = place.max() + 1
    counts = np.stack([np.bincount(place[of], minlength=size) for of in (synthetic, ~synthetic)]).astype(float)
    same = ((counts[:, 1:] == 0) & (counts[:, :-1] == 0)).any(0)
    return np.add.reduceat(counts, np.flatnonzero(np.concatenate([[True], ~same])), axis=1)


def _start(counts: Floats) -> Floats:
    """a and b by the straight line through the points of the curve on normal paper, cuts half way between both axes."""
    cumulative = (counts.cumsum(1)[:, :-1] + 0.5) / (counts.sum(1, keepdims=True) + 1)
    positive, negative = norm.ppf(cumulative)
    spread = float(np.ptp(positive) / max(np.ptp(negative), 0.1))
    b = min(max(spread, 0.2), 5.0)
    a = float(b * negative.mean() - positive.mean())
    return np.array([a, b, *(negative + (positive + a) / b) / 2])


def _scored(parameters: Floats, counts: Floats) -> Floats:
    """Fisher's scoring from a start to the maximum, steps halved until the likelihood does not fall."""
    reached = _likelihood(parameters, counts)
    for _ in range(STEPS):
        score, information = _score_and_information(parameters, counts)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError as error:
            raise NoFit(NOT_DETERMINED) from error
        if score @ step < ENOUGH:
            return parameters
        while True:
            risen = _likelihood(parameters + step, counts)
            if risen >= reached:
                break
            step = step / 2
            if np.abs(step).max() < ENOUGH:
                return parameters
        parameters, reached = parameters + step, risen
    raise NoFit(NO_MAXIMUM)


def _likelihood(parameters: Floats, counts: Floats) -> float:
    """The log-likelihood; minus infinity where the cuts are out of order or b is not positive."""
    if parameters[1] <= 0 or (np.diff(parameters[2:]) <= 0).any():
        return -np.inf
    shares = _shares(parameters)[0]
    if (shares[counts > 0] <= 0).any():
        return -np.inf
    return float((counts[counts > 0] * np.log(shares[counts > 0])).sum())


def _shares(parameters: Floats) -> tuple[Floats, Floats]:
    """The expected shares of ratings, shape (2, categories), and their slopes, shape (2, categories, parameters)."""
    a, b, cuts = parameters[0], parameters[1], parameters[2:]
    bounds = np.stack([b * cuts - a, cuts])
    below = np.concatenate([np.zeros((2, 1)), norm.cdf(bounds), np.ones((2, 1))], axis=1)
    slopes = np.zeros((2, len(cuts) + 2, len(parameters)))
    inner, densities = np.arange(len(cuts)), norm.pdf(bounds)
    slopes[0, 1:-1, 0], slopes[0, 1:-1, 1] = -densities[0], densities[0] * cuts
    slopes[0, 1 + inner, 2 + inner], slopes[1, 1 + inner, 2 + inner] = b * densities[0], densities[1]
    return np.diff(below, axis=1), np.diff(slopes, axis=1)


def _score_and_information(parameters: Floats, counts: Floats) -> tuple[Floats, Floats]:
    shares, slopes = _shares(parameters)
    safe = np.maximum(shares, 1e-300)
    score = np.einsum("tk,tkp->p", counts / safe, slopes)
    weights = counts.sum(1, keepdims=True) / safe
    return score, np.einsum("tk,tkp,tkq->pq", weights, slopes, slopes)
