"""How likely is a study of so many readers and films to show what it is for, and how many does it take?

The formula is that of Hillis, Obuchowski and Berbaum (Acad Radiol 2011;18:129–142) for Obuchowski and Rockette's model,
with one modality as in Hillis (Stat Med 2014;33:330–360): the variances at the planned numbers give the expected error
and degrees of freedom. Equivalence takes the exact power of two one-sided t tests (Phillips, J Pharmacokinet Biopharm
1990;18:137–144). Drawn studies check the formula, which knows variances only on average.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import integrate, special, stats

from evaluation.readers import covariance, merit, mrmc
from evaluation.readers.all_readers import FEW_READERS
from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.intervals import Interval, t_quantile, wilson
from evaluation.readers.mrmc import NoVariance, Random, ReaderMean
from evaluation.readers.ratings import Ratings
from evaluation.readers.roe_metz import RoeMetz, Variances

GUESSING = 0.5
# Numbers of films among which a sample size is sought.
FILMS = range(20, 5001, 10)

VariancesAt = Callable[[int], Variances]
"""The variances of readers' AUCs with so many films."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a study is to show of the reader mean of the AUC, and the value of it that is taken to be true.

    A difference from 0.5 has a two-sided test at `alpha`, equivalence within 0.5 ± `margin` two one-sided tests at
    `alpha` each. Raises ValueError for a goal that no study can have.
    """

    shows: Literal["equivalence", "difference"]
    area: float = GUESSING
    margin: float = 0.1
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.area < 1 and 0 < self.margin < 0.5 and 0 < self.alpha <= 0.5):
            raise ValueError("A plan needs an AUC between 0 and 1, a margin below 0.5 and an alpha up to 0.5.")
        if self.shows == "difference" and self.area == GUESSING:
            raise ValueError("Where the true AUC is 0.5 there is no difference to show; assume another one.")
        inside = GUESSING - self.margin < self.area < GUESSING + self.margin
        if self.shows == "equivalence" and not inside:
            raise ValueError(f"An AUC of {self.area:g} is not inside 0.5 ± {self.margin:g}, so it is not equivalent.")

    def shown_by(self, mean: ReaderMean) -> bool:
        """Whether the analysis of a study shows it."""
        if self.shows == "difference":
            return mean.p < self.alpha
        test = two_one_sided_tests(
            mean.estimate, mean.se, mean.df, centre=GUESSING, margin=self.margin, alpha=self.alpha
        )
        return test.equivalent

    def power(self, se: float, df: float) -> float:
        """The probability that a study shows it whose mean AUC has this standard error, estimated on `df`."""
        effect = self.area - GUESSING
        if self.shows == "difference":
            return _power_of_difference(effect / se, df, self.alpha)
        return _power_of_equivalence(effect, self.margin, se, df, self.alpha)


def _power_of_difference(effect: float, df: float, alpha: float) -> float:
    """Of the two-sided t test, by the noncentral t distribution; `effect` in standard errors."""
    reach = t_quantile(1 - alpha / 2, df)
    if math.isinf(df):
        return float(stats.norm.sf(reach - effect) + stats.norm.cdf(-reach - effect))
    return float(stats.nct.sf(reach, df, effect) + stats.nct.cdf(-reach, df, effect))


def _power_of_equivalence(effect: float, margin: float, se: float, df: float, alpha: float) -> float:
    """Of two one-sided t tests, as the mean over all standard errors that a study may estimate."""
    reach = t_quantile(1 - alpha, df) * se

    def inside(ratio: float) -> float:
        """The probability of an interval inside the margin where the estimated error is `ratio` times `se`."""
        room = margin - reach * ratio
        return float(special.ndtr((room - effect) / se) - special.ndtr((-room - effect) / se))

    if math.isinf(df):
        return inside(1.0) if reach < margin else 0.0
    # Runs over the share of studies with a smaller error, up to that above which no interval is short enough.
    share = special.gammainc(df / 2, df / 2 * (margin / reach) ** 2)
    power, _ = integrate.quad(lambda u: inside(math.sqrt(2 / df * special.gammaincinv(df / 2, u))), 0, share)
    return float(power)


def random_with(readers: int) -> Random:
    """What a study of so many readers can take as a sample: fewer than five readers speak for themselves only."""
    return "cases" if readers < FEW_READERS else "both"


def expected_error(variances: Variances, readers: int) -> tuple[float, float]:
    """Standard error of the reader mean and its degrees of freedom, infinite where readers are fixed."""
    shared = max(variances.covariance, 0.0)
    if random_with(readers) == "cases":
        return math.sqrt((variances.error + (readers - 1) * shared) / readers), math.inf
    mean_square = variances.reader + variances.error - variances.covariance
    total = mean_square + readers * shared
    return math.sqrt(total / readers), total**2 / (mean_square**2 / (readers - 1))


@dataclass(frozen=True, slots=True)
class Plan:
    """A number of readers and films, what is random in it, the error to expect and the power."""

    readers: int
    films: int
    random: Random
    se: float
    power: float


def plan(goal: Goal, variances_at: VariancesAt, readers: int, films: int) -> Plan:
    """The power of one design."""
    se, df = expected_error(variances_at(films), readers)
    return Plan(readers, films, random_with(readers), se, goal.power(se, df))


def films_needed(goal: Goal, variances_at: VariancesAt, readers: int, power: float) -> Plan | None:
    """The smallest study of so many readers, in tens of films, with at least this power; None where there is none."""
    place = bisect_left(FILMS, power, key=lambda films: plan(goal, variances_at, readers, films).power)
    return plan(goal, variances_at, readers, FILMS[place]) if place < len(FILMS) else None


def split(films: int, share_real: float) -> tuple[int, int]:
    """How many of the films are real and how many synthetic. Raises ValueError where a kind has fewer than two."""
    real = round(films * share_real)
    if min(real, films - real) < 2:
        raise ValueError(f"{films} films with a share of {share_real:g} real ones leave fewer than two of a kind.")
    return real, films - real


def simulated_power(
    model: RoeMetz, goal: Goal, readers: int, real: int, synthetic: int, *, runs: int, seed: int
) -> Interval:
    """The share of drawn studies that show the goal, with its Wilson interval.

    Readers who are fixed all have the mean d′, so that what the study says of them is what the goal says. A study
    without variance shows nothing.
    """
    random = random_with(readers)
    generator = np.random.default_rng([seed, readers, real, synthetic])
    if random == "cases":
        model = replace(model, reader_sd=0.0)
    model = model.with_area(goal.area)
    shown = 0
    for _ in range(runs):
        try:
            shown += goal.shown_by(analyse(model.draw(readers, real, synthetic, generator), random))
        except NoVariance:
            continue
    return wilson(shown, runs)


def analyse(ratings: Ratings, random: Random) -> ReaderMean:
    """The reader mean of the AUC with the covariances that are the default."""
    return mrmc.reader_mean(merit.auc(ratings).estimates[0], covariance.of_auc(ratings, "jackknife"), GUESSING, random)
