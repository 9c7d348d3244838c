"""Two one-sided tests: is a figure inside a margin, rather than merely not shown to be outside guessing?"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.readers.intervals import t_quantile, t_survival


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Result of two one-sided tests of `estimate` against `centre` ± `margin`.

    `low` and `high` bound the interval of confidence 1 − 2 alpha, `low90` and `high90` that of 90 %. `equivalent` says
    that `p` is below alpha, which is the same as the first interval lying inside the margin.
    """

    centre: float
    margin: float
    alpha: float
    p: float
    low: float
    high: float
    low90: float
    high90: float
    equivalent: bool


def two_one_sided_tests(
    estimate: float, se: float, df: float, *, centre: float, margin: float, alpha: float = 0.05
) -> Equivalence:
    """Schuirmann's two one-sided tests (J Pharmacokinet Biopharm 1987) by Student's t; infinite `df` is the normal.

    Raises ValueError unless margin and standard error are positive and alpha is above 0 and at most 0.5.
    """
    if not (margin > 0 and se > 0 and 0 < alpha <= 0.5):
        raise ValueError("An equivalence test needs a positive margin and error, and an alpha above 0 and up to 0.5.")
    above_low = t_survival((estimate - (centre - margin)) / se, df)
    below_high = t_survival(((centre + margin) - estimate) / se, df)
    p = max(above_low, below_high)
    reach, reach90 = t_quantile(1 - alpha, df) * se, t_quantile(0.95, df) * se
    return Equivalence(
        centre,
        margin,
        alpha,
        p,
        estimate - reach,
        estimate + reach,
        estimate - reach90,
        estimate + reach90,
        p < alpha,
    )
