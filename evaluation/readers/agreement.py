"""Agreement between readers and of a reader with himself. Low agreement is no sign of realism.

Items are cases. A table of decisions or ratings has shape (readers, cases), NaN where a reader did not read.
Intervals are of the delete-one jackknife over cases, 95 %, normal.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Literal

import numpy as np
from scipy.stats import norm

from evaluation.readers.intervals import Interval
from evaluation.readers.ratings import Floats

Metric = Literal["nominal", "ordinal", "interval"]


class Undefined(ValueError):
    """The figure does not exist for these data; the message says why."""


def cohen_kappa(first: Floats, second: Floats) -> Interval:
    """Cohen's kappa of two sets of decisions of the same cases, both of shape (cases,) (Educ Psychol Meas 1960)."""
    return _with_interval(_cohen, np.stack([first, second]))


def fleiss_kappa(decisions: Floats) -> Interval:
    """Fleiss' kappa, cases read by unequal numbers of readers allowed (Psychol Bull 1971). Decisions are 0 and 1."""
    return _with_interval(_fleiss, decisions)


def gwet_ac1(decisions: Floats) -> Interval:
    """Gwet's AC1, which high prevalence does not bring down (Br J Math Stat Psychol 2008). Decisions are 0 and 1."""
    return _with_interval(_ac1, decisions)


def krippendorff_alpha(ratings: Floats, metric: Metric) -> Interval:
    """Krippendorff's alpha with missing values (Content Analysis, 2004; the coincidence matrix)."""
    return _with_interval(lambda values: _alpha(values, metric), ratings)


def expected_kappa(hits: Floats, false_alarms: Floats, share_synthetic: float) -> float:
    """The kappa that readers with these rates reach when they are independent given the truth, averaged over pairs.

    `hits` and `false_alarms` have shape (readers,). For readers 1 and 2, with J = hit rate − false alarm rate, q the
    share that a reader rates synthetic and π the share of synthetic films:
    κ = 2 π (1 − π) J₁ J₂ / [q₁ (1 − q₂) + q₂ (1 − q₁)].
    """
    if len(hits) < 2:
        raise Undefined("A single reader agrees with nobody.")
    gains = hits - false_alarms
    shares = share_synthetic * hits + (1 - share_synthetic) * false_alarms
    kappas = []
    for first in range(len(hits)):
        for second in range(first + 1, len(hits)):
            q1, q2 = shares[first], shares[second]
            disagreement = q1 * (1 - q2) + q2 * (1 - q1)
            if disagreement > 0:
                product = gains[first] * gains[second]
                kappas.append(2 * share_synthetic * (1 - share_synthetic) * product / disagreement)
    if not kappas:
        raise Undefined("No two readers can disagree: each rates all films alike.")
    return float(np.mean(kappas))


def _cohen(pair: Floats) -> float:
    first, second = pair
    agreed = float((first == second).mean())
    by_chance = sum(float((first == value).mean() * (second == value).mean()) for value in np.unique(pair))
    if by_chance == 1:
        raise Undefined("All decisions are alike, so agreement beyond chance cannot be told.")
    return (agreed - by_chance) / (1 - by_chance)


def _observed_and_shares(decisions: Floats) -> tuple[float, float, float]:
    """Agreement of pairs over cases with two or more readers; the share of ones there, by readings and by cases."""
    readers = (~np.isnan(decisions)).sum(0)
    there = readers > 1
    if not there.any():
        raise Undefined("No case was read by two readers.")
    n, ones = readers[there], np.nansum(decisions, axis=0)[there]
    agreed = (ones * (ones - 1) + (n - ones) * (n - ones - 1)) / (n * (n - 1))
    return float(agreed.mean()), float(ones.sum() / n.sum()), float((ones / n).mean())


def _fleiss(decisions: Floats) -> float:
    observed, share, _ = _observed_and_shares(decisions)
    by_chance = share**2 + (1 - share) ** 2
    if by_chance == 1:
        raise Undefined("All decisions are alike, so agreement beyond chance cannot be told.")
    return (observed - by_chance) / (1 - by_chance)


def _ac1(decisions: Floats) -> float:
    observed, _, share = _observed_and_shares(decisions)
    by_chance = 2 * share * (1 - share)
    return (observed - by_chance) / (1 - by_chance)


def _alpha(ratings: Floats, metric: Metric) -> float:
    values = np.unique(ratings[~np.isnan(ratings)])
    counts = np.stack([(ratings == value).sum(0) for value in values]).astype(float)
    counts = counts[:, counts.sum(0) > 1]
    if not counts.size or counts.shape[1] == 0:
        raise Undefined("No case was read by two readers.")
    per_case = counts.sum(0)
    coincidences = (counts / (per_case - 1)) @ counts.T - np.diag((counts / (per_case - 1)).sum(1))
    marginals = coincidences.sum(1)
    distance = _distances(values, marginals, metric)
    total = marginals.sum()
    expected = float((np.outer(marginals, marginals) * distance).sum() / (total - 1))
    if expected == 0:
        raise Undefined("All ratings are alike, so agreement beyond chance cannot be told.")
    return 1 - float((coincidences * distance).sum()) / expected


def _distances(values: Floats, marginals: Floats, metric: Metric) -> Floats:
    if metric == "nominal":
        return (values[:, None] != values[None, :]).astype(float)
    if metric == "interval":
        return (values[:, None] - values[None, :]) ** 2
    upto = np.cumsum(marginals) - marginals / 2
    return (upto[:, None] - upto[None, :]) ** 2


def _with_interval(figure: Callable[[Floats], float], table: Floats) -> Interval:
    """The figure with a jackknife interval over cases, cut at −1 and 1.

    Without limits where leaving a case out undoes the figure, or where no case changes it.
    """
    estimate = figure(table)
    cases = table.shape[1]
    if cases < 3:
        return Interval(estimate, None, None)
    try:
        without = np.array([figure(np.delete(table, case, axis=1)) for case in range(cases)])
    except Undefined:
        return Interval(estimate, None, None)
    se = sqrt((cases - 1) / cases * float(((without - without.mean()) ** 2).sum()))
    if se == 0:
        return Interval(estimate, None, None)
    reach = float(norm.ppf(0.975)) * se
    return Interval(estimate, max(-1.0, estimate - reach), min(1.0, estimate + reach))
