"""Sums of products of readings by what the two have in common: what the U-statistics of a reader study are made of.

Every figure here is a mean of terms. The AUC has one for each reader, synthetic and real film (1, ½ for a tie, 0), a
rate one for each reader and film. Nothing is asked of the design: readings may be missing anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    readers running fastest. The terms multiplied in `sums` may lack a constant, which their variance does not know.
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
    synthetic, real = _by_truth(ratings, ratings.values)
    levels = np.unique(synthetic[~np.isnan(synthetic)])
    few = len(levels) ** 2 * len(ratings.cases) < synthetic.shape[1] * real.shape[1]
    return _two_samples("AUC", ratings, *(_won_by_level(synthetic, real, levels) if few else _won(synthetic, real)))


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
    synthetic, real = _by_truth(ratings, _said(ratings, cut))
    return _two_samples("balanced accuracy", ratings, *_added(synthetic / 2, (1 - real) / 2))


def difference_in_rated_real(ratings: Ratings, cut: float) -> Moments:
    """P(rated real | synthetic) − P(rated real | real), which is 1 − 2 × balanced accuracy."""
    right = balanced_accuracy(ratings, cut)
    name = "difference of the shares rated real"
    return replace(right, name=name, totals=right.sizes - 2 * right.totals, sums=4 * right.sums)


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


def _by_truth(ratings: Ratings, values: Floats) -> tuple[Floats, Floats]:
    """Values of synthetic and of real cases, each of shape (modalities × readers, cases)."""
    cells = values.reshape(-1, len(ratings.cases))
    return cells[:, ratings.synthetic], cells[:, ~ratings.synthetic]


def _two_samples(name: str, ratings: Ratings, by_synthetic: Floats, by_real: Floats, same_both: Floats) -> Moments:
    """A mean over pairs of a synthetic and a real case, within modality and reader.

    From the sums of its terms by synthetic and by real case, of shape (cells, cases), and of the products of two
    cells' terms of the same pair, of shape (cells, cells).
    """
    totals = by_real.sum(1)
    sums = [[np.outer(totals, totals), by_real @ by_real.T], [by_synthetic @ by_synthetic.T, same_both]]
    read = [~np.isnan(values) for values in _by_truth(ratings, ratings.values)]
    of_synthetic, of_real = (_pair_counts(of) for of in read)
    counts = of_synthetic[:, None] * of_real[None, :]
    sizes = read[0].sum(1) * read[1].sum(1)
    shape = ratings.values.shape[:2]
    return Moments(name, totals.reshape(shape), sizes.reshape(shape).astype(float), np.array(sums), counts)


def _won(synthetic: Floats, real: Floats) -> tuple[Floats, Floats, Floats]:
    """The sums that `_two_samples` takes, of the terms of AUCs: film by film."""
    cells = len(synthetic)
    by_synthetic, by_real, same_both = np.zeros(synthetic.shape), np.zeros(real.shape), np.zeros((cells, cells))
    step = max(1, CHUNK // max(1, real.size))
    for start in range(0, synthetic.shape[1], step):
        chunk = slice(start, start + step)
        terms = np.nan_to_num(np.heaviside(synthetic[:, chunk, None] - real[:, None, :], 0.5))
        by_synthetic[:, chunk] = terms.sum(2)
        by_real += terms.sum(1)
        flat = terms.reshape(cells, -1)
        same_both += flat @ flat.T
    return by_synthetic, by_real, same_both


def _won_by_level(synthetic: Floats, real: Floats, levels: Floats) -> tuple[Floats, Floats, Floats]:
    """The same by the ratings that synthetic films were given, which is quicker where these are few."""
    cells = len(synthetic)
    has = (synthetic[:, None, :] == levels[:, None]).astype(float)
    beats = np.nan_to_num(np.heaviside(levels[:, None] - real[:, None, :], 0.5))
    by_synthetic = (has * beats.sum(2)[..., None]).sum(1)
    by_real = (beats * has.sum(2)[..., None]).sum(1)
    flat_has, flat_beats = (array.reshape(cells * len(levels), -1) for array in (has, beats))
    products = (flat_has @ flat_has.T) * (flat_beats @ flat_beats.T)
    return by_synthetic, by_real, products.reshape(cells, len(levels), cells, len(levels)).sum((1, 3))


def _added(synthetic: Floats, real: Floats) -> tuple[Floats, Floats, Floats]:
    """The sums that `_two_samples` takes, of terms that add up a synthetic and a real case's value."""
    read_synthetic, read_real = (~np.isnan(values) * 1.0 for values in (synthetic, real))
    synthetic, real = np.nan_to_num(synthetic), np.nan_to_num(real)
    both_synthetic, both_real = read_synthetic @ read_synthetic.T, read_real @ read_real.T
    crossed = (synthetic @ read_synthetic.T) * (read_real @ real.T)
    return (
        synthetic * read_real.sum(1)[:, None] + read_synthetic * real.sum(1)[:, None],
        real * read_synthetic.sum(1)[:, None] + read_real * synthetic.sum(1)[:, None],
        (synthetic @ synthetic.T) * both_real + (real @ real.T) * both_synthetic + crossed + crossed.T,
    )


def _pair_counts(read: Bools) -> Floats:
    """Pairs of cases that two cells read, all and only those of one case with itself: shape (2, cells, cells)."""
    entered = read.astype(float)
    sizes = entered.sum(1)
    return np.stack([np.outer(sizes, sizes), entered @ entered.T])
