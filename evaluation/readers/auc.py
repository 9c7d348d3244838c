"""The empirical area under the ROC curve, its DeLong error, and the points of the curve."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import norm, rankdata

from evaluation.readers.ratings import Bools, Floats


@dataclass(frozen=True, slots=True)
class AUC:
    """An area with its standard error and interval. None where DeLong's variance is zero, as for a perfect reader."""

    estimate: float
    se: float | None
    low: float | None
    high: float | None


def placements(ratings: Floats, synthetic: Bools) -> tuple[Floats, Floats]:
    """What share of the real cases is rated below each synthetic one, of the synthetic ones above each real one.

    Ties count one half. Both have the AUC as their mean. `ratings` and `synthetic` have shape (cases,); raises
    ValueError where only one truth state is there. (DeLong, DeLong and Clarke-Pearson, Biometrics 1988.)
    """
    positive, negative = ratings[synthetic], ratings[~synthetic]
    m, n = len(positive), len(negative)
    if not m or not n:
        raise ValueError("An ROC curve needs real and synthetic cases.")
    ranks = rankdata(np.concatenate([positive, negative]))
    of_positive = (ranks[:m] - rankdata(positive)) / n
    of_negative = 1 - (ranks[m:] - rankdata(negative)) / m
    return of_positive, of_negative


def delong(ratings: Floats, synthetic: Bools, confidence: float = 0.95) -> AUC:
    """The empirical AUC of one reader with DeLong's standard error and the normal interval cut at 0 and 1.

    The area is never flipped: below one half the reader took real films for synthetic.
    """
    of_positive, of_negative = placements(ratings, synthetic)
    estimate = float(of_positive.mean())
    if min(len(of_positive), len(of_negative)) < 2:
        return AUC(estimate, None, None, None)
    se = sqrt(of_positive.var(ddof=1) / len(of_positive) + of_negative.var(ddof=1) / len(of_negative))
    if se == 0:
        return AUC(estimate, None, None, None)
    reach = se * float(norm.ppf(0.5 + confidence / 2))
    return AUC(estimate, se, max(0.0, estimate - reach), min(1.0, estimate + reach))


def roc_points(ratings: Floats, synthetic: Bools) -> tuple[Floats, Floats]:
    """False alarm rates and hit rates from (0, 0) to (1, 1), one point for every rating that was given."""
    cuts = np.unique(ratings)[::-1]
    false_alarms = [float((ratings[~synthetic] >= cut).mean()) for cut in cuts]
    hits = [float((ratings[synthetic] >= cut).mean()) for cut in cuts]
    return np.array([0.0, *false_alarms]), np.array([0.0, *hits])
