"""Figures of merit of every reader: the AUC and the rates, and what each would be without each single case.

What a figure loses with one case is all that the jackknife needs, and has a closed form for every figure here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.readers.auc import placements
from evaluation.readers.ratings import Bools, Floats, Ratings


@dataclass(frozen=True, eq=False)
class Merit:
    """A figure of merit of every modality and reader.

    `estimates` has shape (modalities, readers). `changes` has shape (modalities, readers, cases): the figure
    without the case minus the figure with it, 0 for cases that do not enter. `enters` says which do, in that shape.
    """

    name: str
    estimates: Floats
    changes: Floats
    enters: Bools


def auc(ratings: Ratings) -> Merit:
    """The empirical AUC. Every reader needs real and synthetic cases in every modality."""
    shape = ratings.values.shape
    estimates, changes = np.empty(shape[:2]), np.zeros(shape)
    for cell in np.ndindex(shape[:2]):
        read = ratings.read[cell]
        synthetic = ratings.synthetic[read]
        of_positive, of_negative = placements(ratings.values[cell][read], synthetic)
        estimates[cell] = of_positive.mean()
        change = np.empty(read.sum())
        change[synthetic] = _change_of_mean(of_positive)
        change[~synthetic] = _change_of_mean(of_negative)
        changes[cell][read] = change
    return Merit("AUC", estimates, changes, ratings.read)


def deception_rate(ratings: Ratings, cut: float) -> Merit:
    """P(rated real | synthetic)."""
    return _rate("deception rate", ratings, _rated_real(ratings, cut), ratings.synthetic)


def real_rated_real(ratings: Ratings, cut: float) -> Merit:
    """P(rated real | real), what a deception rate is judged against."""
    return _rate("share of real films rated real", ratings, _rated_real(ratings, cut), ~ratings.synthetic)


def false_alarm_rate(ratings: Ratings, cut: float) -> Merit:
    """P(rated synthetic | real)."""
    return _rate("false alarm rate", ratings, 1 - _rated_real(ratings, cut), ~ratings.synthetic)


def accuracy(ratings: Ratings, cut: float) -> Merit:
    """P(rated as it is), over all cases."""
    return _rate("accuracy", ratings, _right(ratings, cut), np.ones_like(ratings.synthetic))


def balanced_accuracy(ratings: Ratings, cut: float) -> Merit:
    """The mean of P(rated synthetic | synthetic) and P(rated real | real); guessing is 0.5 at any share of real."""
    right = _right(ratings, cut)
    synthetic = _rate("", ratings, right, ratings.synthetic)
    real = _rate("", ratings, right, ~ratings.synthetic)
    return Merit(
        "balanced accuracy",
        (synthetic.estimates + real.estimates) / 2,
        (synthetic.changes + real.changes) / 2,
        ratings.read,
    )


def difference_in_rated_real(ratings: Ratings, cut: float) -> Merit:
    """P(rated real | synthetic) − P(rated real | real); 0 is guessing, whatever a reader's bias towards “real”."""
    synthetic, real = deception_rate(ratings, cut), real_rated_real(ratings, cut)
    return Merit(
        "difference of the shares rated real",
        synthetic.estimates - real.estimates,
        synthetic.changes - real.changes,
        ratings.read,
    )


def _rated_real(ratings: Ratings, cut: float) -> Floats:
    return np.where(ratings.read, ratings.values < cut, np.nan)


def _right(ratings: Ratings, cut: float) -> Floats:
    rated_real = _rated_real(ratings, cut)
    return np.where(ratings.synthetic, 1 - rated_real, rated_real)


def _rate(name: str, ratings: Ratings, values: Floats, among: Bools) -> Merit:
    """The mean of `values` over the cases `among` that the reader read."""
    enters = ratings.read & among
    estimates, changes = np.empty(enters.shape[:2]), np.zeros(enters.shape)
    for cell in np.ndindex(enters.shape[:2]):
        seen = values[cell][enters[cell]]
        if not len(seen):
            raise ValueError(f"The {name} of reader “{ratings.readers[cell[1]]}” has no case to be counted over.")
        estimates[cell] = seen.mean()
        changes[cell][enters[cell]] = _change_of_mean(seen)
    return Merit(name, estimates, changes, enters)


def _change_of_mean(values: Floats) -> Floats:
    """The mean without each value, minus the mean of all. A single value cannot be left out: the change is NaN."""
    if len(values) < 2:
        return np.full(len(values), np.nan)
    return (values.mean() - values) / (len(values) - 1)
