"""Variance components of a pilot study, to plan a larger one with.

Taken are the variances and never the effect: a pilot study is too small to say what AUC to expect, and planning with
the AUC that it happened to have makes studies too small as a rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from evaluation.readers import covariance, merit, mrmc
from evaluation.readers.intervals import Interval
from evaluation.readers.ratings import ONE_MODALITY, Bools, Floats, Ratings
from evaluation.readers.roe_metz import RoeMetz, Variances

MOST_READER_SD, MOST_CORRELATION = 4.0, 0.999


@dataclass(frozen=True, slots=True)
class Pilot:
    """The variances of a pilot study's AUCs (`Variances` says which) with their uncertainty, and what they rest on."""

    readers: int
    real: int
    synthetic: int
    reader: Interval
    error: Interval
    covariance: Interval

    def at(self, films: int, reader: float | None = None) -> Variances:
        """What to expect of so many films with the pilot's share of real ones; `reader` replaces the reader variance.

        What comes through the films falls with their number.
        """
        scale = (self.real + self.synthetic) / films
        return Variances(
            self.reader.estimate if reader is None else reader,
            self.error.estimate * scale,
            max(self.covariance.estimate, 0.0) * scale,
        )

    def model(self, area: float) -> RoeMetz:
        """Readers to draw with this mean AUC, as different as the pilot's and agreeing as much on films.

        How they use the scale is that of `RoeMetz`; the size of the error follows from it and is not the pilot's.
        """

        def variances(reader_sd: float, correlation: float) -> Variances:
            model = RoeMetz(reader_sd=reader_sd, case_correlation=correlation).with_area(area)
            return model.variances(self.real, self.synthetic)

        reader_sd = _crossing(lambda sd: variances(sd, 0.0).reader - self.reader.estimate, MOST_READER_SD)
        share = self.covariance.estimate / self.error.estimate

        def excess(correlation: float) -> float:
            found = variances(reader_sd, correlation)
            return found.covariance / found.error - share

        return RoeMetz(reader_sd=reader_sd, case_correlation=_crossing(excess, MOST_CORRELATION)).with_area(area)


def pilot_of(ratings: Ratings, confidence: float = 0.95) -> Pilot:
    """The variance components of one modality, from the films that every reader of both truth states has read.

    Covariances are the unbiased ones, since what is planned is what to expect. The mean square between readers is taken
    as a multiple of χ² on readers − 1 degrees of freedom, which gives the interval of the reader variance, cut at 0;
    the other two intervals are normal, with the jackknife over films as error. Raises ValueError with fewer than two
    such readers, or with fewer than three such films of a truth state.
    """
    complete, _ = ratings.with_both_truths()
    films = complete.read[0].all(0)
    values, synthetic = complete.values[0][:, films], complete.synthetic[films]
    readers, real = len(values), int((~synthetic).sum())
    if readers < 2 or min(real, len(synthetic) - real) < 3:
        raise ValueError(
            "A pilot study needs two readers or more who all read three real and three synthetic films or more."
        )
    whole = _variances(values, synthetic)
    without = [_variances(np.delete(values, film, 1), np.delete(synthetic, film)) for film in range(len(synthetic))]
    error = _jackknifed(whole.error, [one.error for one in without], confidence)
    shared = _jackknifed(whole.covariance, [one.covariance for one in without], confidence)
    through_films = whole.error - whole.covariance
    square = whole.reader + through_films
    low, high = (
        float(square * (readers - 1) / chi2.isf(tail, readers - 1))
        for tail in ((1 - confidence) / 2, (1 + confidence) / 2)
    )
    reader = Interval(*(max(0.0, between - through_films) for between in (square, low, high)))
    return Pilot(readers, real, len(synthetic) - real, reader, error, shared)


def _variances(values: Floats, synthetic: Bools) -> Variances:
    """The estimates as they come, below 0 or not; `values` has shape (readers, films)."""
    readers, films = (tuple(str(number) for number in range(count)) for count in values.shape)
    ratings = Ratings((ONE_MODALITY,), readers, films, values[None], synthetic)
    found = mrmc.components_of(merit.auc(ratings).estimates, covariance.of_auc(ratings, "unbiased"))
    shared = found.cov2 or 0.0
    return Variances((found.msr or 0.0) - found.variance + shared, found.variance, shared)


def _jackknifed(estimate: float, without: Sequence[float], confidence: float) -> Interval:
    """A normal interval with the jackknife's error, from the estimates without each film."""
    reach = float(norm.ppf(0.5 + confidence / 2)) * math.sqrt((len(without) - 1) * float(np.var(without)))
    return Interval(estimate, estimate - reach, estimate + reach)


def _crossing(excess: Callable[[float], float], most: float) -> float:
    """Where a rising function of 0 … `most` passes 0, or the end that is nearest to it."""
    if excess(0.0) >= 0:
        return 0.0
    return float(brentq(excess, 0.0, most)) if excess(most) > 0 else most
