"""How often a finding is there, from how often a classifier says so: corrected for what the classifier gets wrong.

Rogan and Gladen (Am J Epidemiol 1978): a classifier of sensitivity Se and specificity Sp calls the part
A = p Se + (1 − p)(1 − Sp) of the films positive, so the share is p = (A + Sp − 1) / (Se + Sp − 1). The interval holds
all p with which the three measured shares agree (Fieller, J R Stat Soc B 1954), their errors taken as Lang and
Reiczigel (Prev Vet Med 2014) do. Theirs is the first approximation of that interval; for a sensitivity below one half,
for which it was not meant, it promises too much (`python -m evaluation.diversity.validation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import sqrt
from typing import Any

from evaluation.diversity.shares import Z90, Z95, Moments, Share
from evaluation.readers.intervals import two_sided_p

SHIFTS = (0.05, 0.10)
ASSUMPTION = (
    "Corrected shares assume that the classifier is right as often on synthetic films as on held-out real ones "
    "(its sensitivity and specificity carry over). No figure here can check that; the ranges say what follows where "
    "they differ by 5 or 10 points."
)
NOT_IDENTIFIED = (
    "Not identified: the sensitivity and specificity on held-out films add up to 1 within their error, so the "
    "classifier's word says nothing of the share."
)
CONTRADICTED = (
    "No share of 0 … 1 agrees with the measured shares: on plain draws the sensitivity or specificity must be another "
    "than on held-out films."
)

NOTHING: dict[str, Any] = dict.fromkeys(("corrected", "difference", "p", "within", "range", "explained_by"))


@dataclass(frozen=True, slots=True)
class Test:
    """What is known of the classifier: its shares of right answers on films with and without the finding."""

    sensitivity: Share
    specificity: Share


def rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float:
    """The share corrected for the test's error; below 0 or above 1 where the three do not agree.

    Raises ValueError where sensitivity and specificity add up to no more than 1.
    """
    if sensitivity + specificity <= 1:
        raise ValueError(f"A test of sensitivity {sensitivity} and specificity {specificity} says nothing of a share.")
    return (apparent + specificity - 1) / (sensitivity + specificity - 1)


def agreeing_shares(
    apparent: Moments, sensitivity: Moments, specificity: Moments, z: float = Z95
) -> tuple[float, float] | None:
    """The lowest and highest p, not confined to 0 … 1, with |A − p Se − (1 − p)(1 − Sp)| within z standard errors.

    None where Se + Sp − 1 is not above 0 by more than its own z standard errors: then there is no such interval.
    """
    youden = sensitivity.value + specificity.value - 1
    above = apparent.value + specificity.value - 1
    # a p² − 2 b p + c ≤ 0
    a = youden**2 - z**2 * (sensitivity.variance + specificity.variance)
    b = youden * above - z**2 * specificity.variance
    c = above**2 - z**2 * (apparent.variance + specificity.variance)
    if youden <= 0 or a <= 0:
        return None
    reach = sqrt(max(0.0, b**2 - a * c))
    return (b - reach) / a, (b + reach) / a


def compared_with_source(apparent: Share, test: Test, source: Share) -> dict[str, Any]:
    """The corrected share of synthetic films, its difference from the source's, and how far both lean on the test.

    `p` is of the hypothesis that the synthetic films have the source's share; `within` is the least margin that the
    difference's interval of 90 % keeps to (two one-sided tests). What cannot be had is None, and `undefined` says why.
    """
    drawn, right, spared = apparent.adjusted(Z95**2 / 2), test.sensitivity.adjusted(1), test.specificity.adjusted(1)
    limits = agreeing_shares(drawn, right, spared)
    if limits is None:
        return NOTHING | {"undefined": NOT_IDENTIFIED}
    explained_by = _explanations(apparent.estimate, test, source.estimate)
    if limits[1] < 0 or limits[0] > 1:
        return NOTHING | {"explained_by": explained_by, "undefined": CONTRADICTED}
    raw = rogan_gladen(apparent.estimate, test.sensitivity.estimate, test.specificity.estimate)
    share = _confined(raw)
    low, high = _difference(drawn, right, spared, source, Z95)
    low90, high90 = _difference(drawn, right, spared, source, Z90)
    return {
        "corrected": {
            "estimate": share,
            "low": min(share, _confined(limits[0])),
            "high": max(share, _confined(limits[1])),
            "before_clipping": raw,
            "clipped": share != raw,
        },
        "difference": {"estimate": share - source.estimate, "low": low, "high": high},
        "p": _p_of_source(drawn, right, spared, source),
        "within": max(abs(low90), abs(high90)),
        "range": {f"{100 * shift:.0f} points": shifted(apparent.estimate, test, shift) for shift in SHIFTS},
        "explained_by": explained_by,
        "undefined": None,
    }


def shifted(apparent: float, test: Test, shift: float) -> dict[str, float] | None:
    """The lowest and highest corrected share when both sensitivity and specificity are wrong by up to `shift`.

    Clipped to 0 … 1. None where some such pair adds up to no more than 1.
    """
    pairs = [
        (_confined(test.sensitivity.estimate + of_right), _confined(test.specificity.estimate + of_spared))
        for of_right, of_spared in product((-shift, shift), repeat=2)
    ]
    if any(sum(pair) <= 1 for pair in pairs):
        return None
    # In each of the two the share goes one way only, so its extremes lie in the corners.
    shares = [_confined(rogan_gladen(apparent, *pair)) for pair in pairs]
    return {"low": min(shares), "high": max(shares)}


def _difference(drawn: Moments, right: Moments, spared: Moments, source: Share, z: float) -> tuple[float, float]:
    """Limits of the difference: those of a share, once the source's error is one more of the share called positive."""
    own = source.adjusted(z**2 / 2)
    youden = right.value + spared.value - 1
    both = agreeing_shares(Moments(drawn.value, drawn.variance + youden**2 * own.variance), right, spared, z)
    assert both is not None, "The share itself is identified, and the error of the test is the same."
    interval = source.interval(z)
    assert interval.low is not None
    assert interval.high is not None
    low, high = both[0] - source.estimate, both[1] - source.estimate
    return max(low, -interval.high), min(high, 1 - interval.low)


def _p_of_source(drawn: Moments, right: Moments, spared: Moments, source: Share) -> float:
    share = source.estimate
    expected = share * right.value + (1 - share) * (1 - spared.value)
    variance = (
        drawn.variance
        + share**2 * right.variance
        + (1 - share) ** 2 * spared.variance
        + (right.value + spared.value - 1) ** 2 * source.adjusted(Z95**2 / 2).variance
    )
    return two_sided_p((drawn.value - expected) / sqrt(variance), float("inf"))


def _explanations(apparent: float, test: Test, source: float) -> dict[str, float | None]:
    """Which sensitivity, or which specificity, on synthetic films would make the source's share call so many positive.

    None where there is none of 0 … 1.
    """
    right, spared = test.sensitivity.estimate, test.specificity.estimate
    return {
        "sensitivity": _possible(apparent - (1 - source) * (1 - spared), source),
        "specificity": _possible(1 - source - apparent + source * right, 1 - source),
    }


def _possible(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 and 0 <= part <= whole else None


def _confined(share: float) -> float:
    return min(1.0, max(0.0, share))
