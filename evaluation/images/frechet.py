"""The Fréchet distance of two sets of features, exact at any number of films.

‖μ₁ − μ₂‖² + tr S₁ + tr S₂ − 2 tr (S₁ S₂)^½, covariances divided by n − 1 (Dowson and Landau 1982; Heusel et al. 2017).
With centred factors A₁, A₂ (AᵀA = S) the last trace is the nuclear norm of A₁ A₂ᵀ, so no root of a product of
covariances is taken and the result is exact also where there are fewer films than features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from evaluation.images.parts import parts
from evaluation.readers.ratings import Floats

# Squares lose half of the digits of what is small. Below this they are not taken.
LEAST_RECIPROCAL_CONDITION = 1e-9


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean of shape (d,) and a factor of at most d rows whose product with itself is the covariance."""

    mean: Floats
    factor: Floats


def frechet(first: Floats, second: Floats) -> float:
    """The Fréchet distance of features of shapes (n₁, d) and (n₂, d), with two rows each or more.

    The result is never below 0: what rounding leaves below is cut off.
    """
    return between(moments(first), moments(second))


def between(first: Moments, second: Moments) -> float:
    """The Fréchet distance of two sets by their moments."""
    apart = float(((first.mean - second.mean) ** 2).sum())
    traces = float((first.factor**2).sum() + (second.factor**2).sum())
    return max(0.0, apart + traces - 2 * _nuclear_norm(first.factor @ second.factor.T, len(first.mean)))


def _nuclear_norm(product: Floats, rank: int) -> float:
    """The sum of the singular values; by the roots of eigenvalues, which is quicker, where all of them are exact."""
    if product.shape == (rank, rank):
        squares = linalg.eigvalsh(product @ product.T, check_finite=False)
        if squares[0] > LEAST_RECIPROCAL_CONDITION * squares[-1]:
            return float(np.sqrt(squares).sum())
    return float(linalg.svdvals(product, check_finite=False).sum())


def moments(features: Floats, rows: np.ndarray | None = None) -> Moments:
    """The moments of features of shape (n, d), or of some of their `rows`.

    Works in double precision and, beside the factor, in memory that does not grow with n; `features` may be mapped
    from a file.
    """
    n, d = len(features) if rows is None else len(rows), features.shape[1]
    mean = sum((part.sum(0) for _, part in parts(features, rows)), np.zeros(d)) / n
    centred = ((part - mean) / np.sqrt(n - 1) for _, part in parts(features, rows))
    if n <= d:
        return Moments(mean, np.concatenate(list(centred)))
    covariance = np.zeros((d, d))
    for part in centred:
        covariance += part.T @ part
    factor = _cholesky(covariance)
    if factor is None:
        factor = np.empty((0, d))
        for _, part in parts(features, rows):
            stacked = np.concatenate([factor, (part - mean) / np.sqrt(n - 1)])
            factor = linalg.qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0][:d]
    return Moments(mean, factor)


def _cholesky(covariance: Floats) -> Floats | None:
    """The triangular factor, quick, but None where the covariance is so ill conditioned that it would not be exact."""
    norm = np.abs(covariance).sum(0).max()
    factor, failed = linalg.lapack.dpotrf(covariance)
    if failed:
        return None
    condition, _ = linalg.lapack.dpocon(factor, norm)
    return factor if condition > LEAST_RECIPROCAL_CONDITION else None
