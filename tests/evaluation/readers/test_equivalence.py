"""Two one-sided tests against their definition: one-sided t tests, and the interval inside the margin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from evaluation.readers.equivalence import two_one_sided_tests

SAMPLE = np.array([0.47, 0.52, 0.55, 0.49, 0.51, 0.58, 0.46])


def test_p_is_the_larger_of_two_one_sided_t_tests() -> None:
    """SciPy's one-sample tests of 0.4 from below and of 0.6 from above."""
    se = float(SAMPLE.std(ddof=1) / math.sqrt(len(SAMPLE)))
    test = two_one_sided_tests(float(SAMPLE.mean()), se, len(SAMPLE) - 1, centre=0.5, margin=0.1)
    above = stats.ttest_1samp(SAMPLE, 0.4, alternative="greater").pvalue
    below = stats.ttest_1samp(SAMPLE, 0.6, alternative="less").pvalue
    assert test.p == pytest.approx(max(above, below), abs=1e-12)
    assert test.equivalent


def test_limits_are_those_of_the_90_per_cent_interval() -> None:
    se = float(SAMPLE.std(ddof=1) / math.sqrt(len(SAMPLE)))
    test = two_one_sided_tests(float(SAMPLE.mean()), se, len(SAMPLE) - 1, centre=0.5, margin=0.1)
    interval = stats.ttest_1samp(SAMPLE, 0.5).confidence_interval(0.9)
    assert (test.low90, test.high90) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert (test.low, test.high) == (test.low90, test.high90)


def test_another_alpha_has_another_interval_beside_that_of_90_per_cent() -> None:
    test = two_one_sided_tests(0.5, 0.04, math.inf, centre=0.5, margin=0.1, alpha=0.01)
    assert (test.low, test.high) == pytest.approx((0.5 - 2.3263478740 * 0.04, 0.5 + 2.3263478740 * 0.04))
    assert (test.low90, test.high90) == pytest.approx((0.5 - 1.6448536270 * 0.04, 0.5 + 1.6448536270 * 0.04))


@pytest.mark.parametrize(
    ("estimate", "se", "df", "p"),
    [
        # With infinite degrees of freedom: 1 − Φ(2.5), 1 − Φ(1), 1 − Φ(0), Φ(1).
        (0.5, 0.04, math.inf, 0.0062096653),
        (0.56, 0.04, math.inf, 0.1586552539),
        (0.6, 0.04, math.inf, 0.5),
        (0.36, 0.04, math.inf, 0.8413447461),
        # Student's t with one degree of freedom is Cauchy's distribution: ½ − arctan(1) / π.
        (0.5, 0.1, 1.0, 0.25),
        # With two: ½ − t / (2 √(2 + t²)), t = 2.
        (0.5, 0.05, 2.0, 0.0917517095),
    ],
)
def test_p_by_closed_forms(estimate: float, se: float, df: float, p: float) -> None:
    test = two_one_sided_tests(estimate, se, df, centre=0.5, margin=0.1)
    assert test.p == pytest.approx(p, abs=1e-9)
    assert test.equivalent == (p < 0.05)


@pytest.mark.parametrize("estimate", [0.43, 0.4342, 0.4343, 0.5, 0.5657, 0.5658, 0.6])
def test_equivalent_is_the_90_per_cent_interval_inside_the_margin(estimate: float) -> None:
    # 0.1 − 1.6448536 · 0.04 is 0.03420586; farther from the centre the interval crosses a bound.
    test = two_one_sided_tests(estimate, 0.04, math.inf, centre=0.5, margin=0.1)
    assert test.equivalent == (test.low90 > 0.4 and test.high90 < 0.6) == (abs(estimate - 0.5) < 0.03420586)


@pytest.mark.parametrize(("margin", "se", "alpha"), [(0, 0.04, 0.05), (0.1, 0, 0.05), (0.1, 0.04, 0), (0.1, 0.04, 0.6)])
def test_what_makes_no_test_is_refused(margin: float, se: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="positive margin"):
        two_one_sided_tests(0.5, se, 10, centre=0.5, margin=margin, alpha=alpha)
