"""Agreement between readers and of a reader with himself. Low agreement is no sign of realism.

Items are cases. A table of decisions or ratings has shape (readers, cases), NaN where a reader did not read.
Intervals are of the delete-one jackknife over cases, 95 %, normal, cut at −1 and 1; there are no limits where leaving a
case out undoes the figure, or where no case changes it.
"""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np
from scipy.stats import norm

from evaluation.readers.intervals import Interval
from evaluation.readers.ratings import Bools, Floats

Metric = Literal["nominal", "ordinal", "interval"]

NOTHING = 1e-12
ALL_ALIKE = "All decisions are alike, so agreement beyond chance cannot be told."
NOT_SHARED = "No case was read by two readers."


class Undefined(ValueError):
    """The figure does not exist for these data; the message says why."""


def cohen_kappa(first: Floats, second: Floats) -> Interval:
    """Cohen's kappa of two sets of decisions of the same cases, both of shape (cases,) (Educ Psychol Meas 1960).

    Cases that either lacks are left out.
    """
    there = ~(np.isnan(first) | np.isnan(second))
    first, second = first[there], second[there]
    if not len(first):
        raise Undefined(NOT_SHARED)
    values = np.unique([first, second])[:, None]
    cases = _without_each(np.ones(len(first)))
    with np.errstate(invalid="ignore"):
        agreed = _without_each(first == second) / cases
        by_chance = (_without_each(first == values) * _without_each(second == values)).sum(0) / cases**2
    return _beyond_chance(agreed, by_chance)


def fleiss_kappa(decisions: Floats) -> Interval:
    """Fleiss' kappa (Psychol Bull 1971); cases may be read by unequal numbers of readers.

    Then each case counts alike, whatever the number of its readers (Gwet, Handbook of Inter-Rater Reliability, 2014).
    """
    agreed, shares = _agreed_and_shares(decisions)
    return _beyond_chance(agreed, (shares**2).sum(0))


def gwet_ac1(decisions: Floats) -> Interval:
    """Gwet's AC1, which high prevalence does not bring down (Br J Math Stat Psychol 2008)."""
    agreed, shares = _agreed_and_shares(decisions)
    return _beyond_chance(agreed, (shares * (1 - shares)).sum(0) / max(len(shares) - 1, 1))


def krippendorff_alpha(ratings: Floats, metric: Metric) -> Interval:
    """Krippendorff's alpha with missing values (Content Analysis, 2004)."""
    values, counts = _counts(ratings)
    counts = counts[:, counts.sum(0) > 1]
    if not counts.size:
        raise Undefined(NOT_SHARED)
    marginals = _without_each(counts).T
    totals = marginals.sum(1)
    if metric == "nominal":
        readers = counts.sum(0)
        observed = _without_each((readers**2 - (counts**2).sum(0)) / (readers - 1))
        expected = totals**2 - (marginals**2).sum(1)
    else:
        # Distances are squared differences of scores: of the values themselves, or of their mean ranks.
        scores = values[None, :] if metric == "interval" else np.cumsum(marginals, axis=1) - marginals / 2
        scores = np.broadcast_to(scores - scores.mean(1, keepdims=True), marginals.shape)
        observed = _squares_within_cases(scores, counts)
        expected = _squares(scores, marginals)
    if expected[0] <= NOTHING:
        raise Undefined("All ratings are alike, so agreement beyond chance cannot be told.")
    with np.errstate(invalid="ignore", divide="ignore"):
        return _with_limits(1 - observed * (totals - 1) / expected)


def expected_kappa(decisions: Floats, synthetic: Bools) -> Interval:
    """The kappa of readers who are independent given the truth, at their hit and false alarm rates; mean over pairs.

    For readers 1 and 2, with J = hit rate − false alarm rate, q the share that a reader rates synthetic and π the share
    of synthetic films: κ = 2 π (1 − π) J₁ J₂ / [q₁ (1 − q₂) + q₂ (1 − q₁)]. Decisions are 0 and 1; readers who read one
    truth state only are left out.
    """
    read = ~np.isnan(decisions)
    both = read[:, synthetic].any(1) & read[:, ~synthetic].any(1)
    if both.sum() < 2:
        raise Undefined("There are no two readers of both truth states, and a single reader agrees with nobody.")
    said = np.nan_to_num(decisions[both])
    with np.errstate(invalid="ignore", divide="ignore"):
        hits = _without_each(said * synthetic) / _without_each(read[both] & synthetic)
        alarms = _without_each(said * ~synthetic) / _without_each(read[both] & ~synthetic)
        share = _without_each(synthetic) / _without_each(np.ones(len(synthetic)))
        kappas = kappas_of_independent_readers(hits, alarms, share)
    defined = kappas[~np.isnan(kappas[:, 0])]
    if not len(defined):
        raise Undefined("No two readers can disagree: each rates all films alike.")
    return _with_limits(defined.mean(0))


def kappas_of_independent_readers(hits: Floats, false_alarms: Floats, share_synthetic: Floats) -> Floats:
    """The formula of `expected_kappa` for every pair of readers, shape (pairs, …); NaN where two cannot disagree.

    `hits` and `false_alarms` have shape (readers, …), `share_synthetic` has the shape of what follows the readers.
    """
    gains = hits - false_alarms
    shares = share_synthetic * hits + (1 - share_synthetic) * false_alarms
    first, second = np.triu_indices(len(hits), k=1)
    disagreement = shares[first] * (1 - shares[second]) + shares[second] * (1 - shares[first])
    agreement = 2 * share_synthetic * (1 - share_synthetic) * gains[first] * gains[second]
    return np.where(disagreement > 0, agreement / np.where(disagreement > 0, disagreement, 1), np.nan)


def _counts(table: Floats) -> tuple[Floats, Floats]:
    """The values that occur, and how many readers gave each case each of them: shapes (values,), (values, cases)."""
    values = np.unique(table[~np.isnan(table)])
    return values, np.array([(table == value).sum(0) for value in values], dtype=float).reshape(len(values), -1)


def _agreed_and_shares(decisions: Floats) -> tuple[Floats, Floats]:
    """Agreement of pairs of readers over cases, and the share of every decision, of all cases and without each."""
    _, counts = _counts(decisions)
    counts = counts[:, counts.sum(0) > 0]
    readers = counts.sum(0)
    shared = readers > 1
    if not shared.any():
        raise Undefined(NOT_SHARED)
    agreed = ((counts**2).sum(0) - readers) / np.where(shared, readers * (readers - 1), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = _without_each(counts / readers) / _without_each(np.ones(len(readers)))
        return _without_each(np.where(shared, agreed, 0)) / _without_each(shared), shares


def _squares(scores: Floats, weights: Floats) -> Floats:
    """Σ w w′ (s − s′)² over all pairs of values, for every row; both have shape (…, values)."""
    return 2 * (weights.sum(-1) * (weights * scores**2).sum(-1) - (weights * scores).sum(-1) ** 2)


def _squares_within_cases(scores: Floats, counts: Floats) -> Floats:
    """Squared differences of pairs of readers of one case, over their number less one, of all cases and without each.

    `scores` has shape (1 + cases, values), since ranks change with the case that is left out.
    """
    readers = counts.sum(0)
    form = np.diag((counts * readers / (readers - 1)).sum(1)) - (counts / (readers - 1)) @ counts.T
    everything = 2 * ((scores @ form) * scores).sum(1)
    own = _squares(scores[1:], counts.T) / (readers - 1)
    return everything - np.concatenate([[0.0], own])


def _without_each(values: Floats | Bools) -> Floats:
    """Sums over cases, the last axis: over all of them first, then without each one."""
    values = values.astype(float)
    whole = values.sum(-1, keepdims=True)
    return np.concatenate([whole, whole - values], axis=-1)


def _beyond_chance(agreed: Floats, by_chance: Floats) -> Interval:
    """(agreed − by chance) / (1 − by chance), from values of all cases and without each."""
    if 1 - by_chance[0] < NOTHING:
        raise Undefined(ALL_ALIKE)
    room = np.where(1 - by_chance < NOTHING, np.nan, 1 - by_chance)
    return _with_limits((agreed - by_chance) / room)


def _with_limits(values: Floats) -> Interval:
    """The figure of all cases, which comes first, with limits by what it is without each case."""
    estimate, without = float(values[0]), values[1:]
    if len(without) < 3 or not np.isfinite(without).all():
        return Interval(estimate, None, None)
    se = sqrt((len(without) - 1) / len(without) * float(((without - without.mean()) ** 2).sum()))
    if se < NOTHING:
        return Interval(estimate, None, None)
    reach = float(norm.ppf(0.975)) * se
    return Interval(estimate, max(-1.0, estimate - reach), min(1.0, estimate + reach))
