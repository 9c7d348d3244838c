"""Reader × case bootstrap of the AUC averaged over readers: an interval that leans on no formula for the variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.readers.ratings import Floats, Ratings

MIN_READERS = 6


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The AUC with the variance of its bootstrap draws and their percentile interval.

    `draws` counts those that gave an AUC: where readings are missing, a draw can be without a single pair of films.
    """

    estimate: float
    variance: float
    low: float
    high: float
    draws: int
    seed: int


def reader_case(ratings: Ratings, *, draws: int = 2000, seed: int = 0, confidence: float = 0.95) -> Bootstrap:
    """Draw readers, synthetic and real cases of one modality anew, each with replacement and independently.

    A reader weighs by the pairs of films that he or she read, as in the one-shot analysis, to whose V-statistic the
    variance tends. Below six readers the draws say too little of readers in general: ValueError. Source of the
    three-way scheme: Beiden, Wagner and Campbell, Acad Radiol 2000.
    """
    readers = len(ratings.readers)
    if readers < MIN_READERS:
        raise ValueError(f"A bootstrap over readers needs {MIN_READERS} of them or more; there are {readers}.")
    random = np.random.default_rng(seed)
    times = [
        _drawn(random, count, draws)
        for count in (readers, int(ratings.synthetic.sum()), int((~ratings.synthetic).sum()))
    ]
    areas = _areas(ratings, *times)
    areas = areas[~np.isnan(areas)]
    if len(areas) < 2:
        raise ValueError("No bootstrap draw has a pair of a real and a synthetic film that a reader rated.")
    once = [np.ones((1, drawn.shape[1])) for drawn in times]
    low, high = np.quantile(areas, [(1 - confidence) / 2, (1 + confidence) / 2])
    estimate = float(_areas(ratings, *once)[0])
    return Bootstrap(estimate, float(areas.var(ddof=1)), float(low), float(high), len(areas), seed)


def _drawn(random: np.random.Generator, count: int, draws: int) -> Floats:
    """How often each of `count` is drawn when as many are drawn with replacement: shape (draws, count)."""
    return random.multinomial(count, np.full(count, 1 / count), size=draws).astype(float)


def _areas(ratings: Ratings, readers: Floats, synthetic: Floats, real: Floats) -> Floats:
    """The AUC over readers when each reader and case counts as often as it says; NaN where nothing is left to count."""
    won, pairs = np.zeros(len(readers)), np.zeros(len(readers))
    for reader, values in zip(readers.T, ratings.values[0], strict=True):
        levels = np.unique(values[~np.isnan(values)])
        of_synthetic, of_real = (
            times @ (values[of, None] == levels).astype(float)
            for times, of in ((synthetic, ratings.synthetic), (real, ~ratings.synthetic))
        )
        beaten = np.cumsum(of_real, axis=1) - of_real / 2
        won += reader * (of_synthetic * beaten).sum(1)
        pairs += reader * of_synthetic.sum(1) * of_real.sum(1)
    return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)
