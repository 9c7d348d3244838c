"""An estimate with its interval, and the intervals of a single proportion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between two limits; a limit that is not defined is None."""

    estimate: float
    low: float | None
    high: float | None


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a proportion (Clopper and Pearson, Biometrika 1934). Raises ValueError without trials."""
    return _of_proportion(successes, trials, confidence, "exact")


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The score interval of a proportion (Wilson, JASA 1927). Raises ValueError without trials."""
    return _of_proportion(successes, trials, confidence, "wilson")


def _of_proportion(successes: int, trials: int, confidence: float, method: str) -> Interval:
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"A proportion of {successes} in {trials} does not exist.")
    limits = stats.binomtest(successes, trials).proportion_ci(confidence_level=confidence, method=method)
    return Interval(successes / trials, float(limits.low), float(limits.high))


def two_sided_p(statistic: float, df: float) -> float:
    """Two-sided p of a t statistic; infinite `df` means the normal distribution."""
    return float(2 * t_survival(abs(statistic), df))


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t, of the normal distribution where `df` is infinite."""
    return float(stats.norm.ppf(probability) if math.isinf(df) else stats.t.ppf(probability, df))


def t_survival(statistic: float, df: float) -> float:
    """P(T > statistic) of Student's t, of the normal distribution where `df` is infinite."""
    return float(stats.norm.sf(statistic) if math.isinf(df) else stats.t.sf(statistic, df))
