"""Sums of products of readings by what the two have in common: what the U-statistics of a reader study are made of.

Every figure here is a mean of terms. The AUC has one for each reader, synthetic and real film (1, ½ for a tie, 0), a
rate one for each reader and film. Nothing is asked of the design: readings may be missing anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.readers.ratings import Bools, Floats, Ratings

# Elements of the largest array that is built at a time.
CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over all pairs of terms of a figure.

    `totals` and `sizes` are the sum and the number of the terms of every modality and reader, of that shape. `sums`
    (of products of two terms) and `counts` (of pairs of terms) have one leading axis of length 2 for each kind of
    case, 0 for all pairs and 1 for those that share the case; then the first and the second term's modality × reader,
    readers running fastest.
    """

    name: str
    totals: Floats
    sizes: Floats
    sums: Floats
    counts: Floats


def exactly(at_least: Floats, factors: int) -> Floats:
    """From pairs that share at least some factors (the leading axes) to pairs that share these and no other."""
    exact = at_least.copy()
    for factor in range(factors):
        view = np.moveaxis(exact, factor, 0)
        view[0] -= view[1]
    return exact


def auc(ratings: Ratings) -> Moments:
    """The empirical AUC: is the synthetic film rated above the real one? Ties count one half."""
    return _two_samples("AUC", ratings, ratings.values, _above)


def deception_rate(ratings: Ratings, cut: float) -> Moments:
    """P(rated real | synthetic)."""
    return _one_sample("deception rate", ratings, 1 - _said(ratings, cut), ratings.synthetic)


def real_rated_real(ratings: Ratings, cut: float) -> Moments:
    """P(rated real | real), what a deception rate is judged against."""
    return _one_sample("share of real films rated real", ratings, 1 - _said(ratings, cut), ~ratings.synthetic)


def false_alarm_rate(ratings: Ratings, cut: float) -> Moments:
    """P(rated synthetic | real)."""
    return _one_sample("false alarm rate", ratings, _said(ratings, cut), ~ratings.synthetic)


def accuracy(ratings: Ratings, cut: float) -> Moments:
    """P(rated as it is), over all cases."""
    said = _said(ratings, cut)
    right = np.where(ratings.synthetic, said, 1 - said)
    return _one_sample("accuracy", ratings, right, np.ones_like(ratings.synthetic))


def balanced_accuracy(ratings: Ratings, cut: float) -> Moments:
    """The mean of P(rated synthetic | synthetic) and P(rated real | real), which is the AUC of the decisions."""
    return _two_samples("balanced accuracy", ratings, _said(ratings, cut), _above)


def difference_in_rated_real(ratings: Ratings, cut: float) -> Moments:
    """P(rated real | synthetic) − P(rated real | real)."""
    return _two_samples("difference of the shares rated real", ratings, _said(ratings, cut), np.negative)


def _above(gaps: Floats) -> Floats:
    return np.heaviside(gaps, 0.5)


def _said(ratings: Ratings, cut: float) -> Floats:
    return np.where(ratings.read, ratings.values >= cut, np.nan)


def _one_sample(name: str, ratings: Ratings, values: Floats, among: Bools) -> Moments:
    """The mean of `values` of shape (modalities, readers, cases) over the cases `among` that were read."""
    enters = (ratings.read & among).astype(float)
    terms = np.where(enters > 0, values, 0.0)
    totals, sizes = terms.sum(2), enters.sum(2)
    cells, entered = terms.reshape(-1, terms.shape[2]), enters.reshape(-1, terms.shape[2])
    sums = np.stack([np.outer(totals, totals), cells @ cells.T])
    counts = np.stack([np.outer(sizes, sizes), entered @ entered.T])
    return Moments(name, totals, sizes, sums, counts)


def _two_samples(name: str, ratings: Ratings, values: Floats, kernel: Callable[[Floats], Floats]) -> Moments:
    """The mean of `kernel` over all gaps, a synthetic case's value less a real one's, within modality and reader."""
    cells = values.reshape(-1, len(ratings.cases))
    synthetic, real = cells[:, ratings.synthetic], cells[:, ~ratings.synthetic]
    by_real = np.zeros(real.shape)
    by_synthetic = np.zeros(synthetic.shape)
    same_both = np.zeros((len(cells), len(cells)))
    step = max(1, CHUNK // max(1, real.size))
    for start in range(0, synthetic.shape[1], step):
        chunk = slice(start, start + step)
        terms = kernel(synthetic[:, chunk, None] - real[:, None, :])
        np.nan_to_num(terms, copy=False)
        by_synthetic[:, chunk] = terms.sum(2)
        by_real += terms.sum(1)
        flat = terms.reshape(len(cells), -1)
        same_both += flat @ flat.T
    totals = by_real.sum(1)
    sums = [[np.outer(totals, totals), by_real @ by_real.T], [by_synthetic @ by_synthetic.T, same_both]]
    read = ~np.isnan(cells)
    of_synthetic, of_real = (_pair_counts(read[:, of]) for of in (ratings.synthetic, ~ratings.synthetic))
    counts = of_synthetic[:, None] * of_real[None, :]
    shape = values.shape[:2]
    sizes = read[:, ratings.synthetic].sum(1) * read[:, ~ratings.synthetic].sum(1)
    return Moments(name, totals.reshape(shape), sizes.reshape(shape).astype(float), np.array(sums), counts)


def _pair_counts(read: Bools) -> Floats:
    """Pairs of cases that two cells read, all and only those of one case with itself: shape (2, cells, cells)."""
    entered = read.astype(float)
    sizes = entered.sum(1)
    return np.stack([np.outer(sizes, sizes), entered @ entered.T])
