"""The Fréchet distance that infinitely many films would give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.images.frechet import between, moments
from evaluation.images.patients import numbered, shuffled
from evaluation.readers.intervals import Interval, t_quantile
from evaluation.readers.ratings import Floats

BLOCKS = 10
DRAWS = 3
# The films are divided by these, so that 1/n rises in equal steps.
SHRINK = (1, 2, 3)


def extrapolated(real: Floats, fake: Floats, seed: int, patients: Sequence[str] | None = None) -> Interval | None:
    """A straight line in 1/n through nested subsets of both sides, at 1/n = 0.

    Both sides shrink together, since either one biases the distance (Chong and Forsyth, CVPR 2020, shrink one): to
    a half and a third of the smaller side, several times. The interval is of the jackknife that leaves a tenth of both
    sides out, patients of the reals together but for those on a border, Student's t; where nothing is apart it is wider
    than it need be. None where a third of the smaller side has fewer films than features: the bias is no straight
    line there.
    """
    size = min(len(real), len(fake))
    if size < SHRINK[-1] * max(real.shape[1], BLOCKS):
        return None
    random = np.random.default_rng(seed)
    sides = [shuffled(numbered(len(real), patients), random)[:size], random.permutation(len(fake))[:size]]
    draws = [[random.permutation(rows) for rows in sides] for _ in range(DRAWS)]
    whole = _intercept(real, fake, draws)
    without = []
    for left_out in zip(*(np.array_split(rows, BLOCKS) for rows in sides), strict=True):
        kept = [[rows[~np.isin(rows, out)] for rows, out in zip(draw, left_out, strict=True)] for draw in draws]
        without.append(_intercept(real, fake, kept))
    se = float(np.sqrt((BLOCKS - 1) / BLOCKS * ((np.array(without) - np.mean(without)) ** 2).sum()))
    reach = t_quantile(0.975, BLOCKS - 1) * se
    return Interval(whole, whole - reach, whole + reach)


def _intercept(real: Floats, fake: Floats, draws: Sequence[Sequence[np.ndarray]]) -> float:
    """`draws` holds the rows of both sides in random orders; their first ones are the nested subsets."""
    size = len(draws[0][0])
    inverse, values = [], []
    for divisor in SHRINK:
        n = round(size / divisor)
        # The whole is the same in every draw.
        subsets = [[rows[:n] for rows in draw] for draw in (draws if divisor > 1 else draws[:1])]
        distances = [between(moments(real, ours), moments(fake, theirs)) for ours, theirs in subsets]
        inverse.append(1 / n)
        values.append(np.mean(distances))
    return float(np.polyfit(inverse, values, 1)[1])
