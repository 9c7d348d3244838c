"""`python -m evaluation.diversity.validation`: do the intervals hold what they promise? Coverage by simulation.

Plain draws, films with the finding and films without it are drawn anew; held-out films come in patients who share what
the classifier makes of them. Beside the interval of `compared_with_source` stands that of Lang and Reiczigel (Prev Vet
Med 2014) with the same effective numbers, which is taken over the simulations in which either is given.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import sqrt

import numpy as np

from evaluation.diversity.prevalence import Test, agreeing_shares, compared_with_source
from evaluation.diversity.shares import Z95, Moments, Share, share_of
from evaluation.readers.ratings import Bools

RUNS = 2000
PLAIN, SOURCE = 400, 4000
SHARES, TESTS = (0.02, 0.1, 0.3), ((0.15, 0.95), (0.3, 0.95), (0.5, 0.95), (0.8, 0.95), (0.95, 0.97))
HELD_OUT = ((20, 300), (100, 1000))
# A patient's films, and how much alike the classifier's word on them is (intraclass correlation).
FILMS_OF_A_PATIENT, ALIKE = 2, 0.5
HEADER = f"{'share':>6} {'Se':>5} {'Sp':>5} {'with':>5} {'none':>5} {'given':>6} {'ours':>6} {'diff':>6} {'L-R':>6}"


@dataclass(frozen=True)
class Setting:
    """A true share, a true test, and the held-out patients with the finding and without it."""

    share: float
    sensitivity: float
    specificity: float
    with_it: int
    without: int


@dataclass(frozen=True)
class Coverage:
    """How often an interval was given, and how often it then held the truth: ours, the difference's, theirs."""

    given: float
    share: float
    difference: float
    lang_reiczigel: float


def lang_reiczigel(
    apparent: Moments, sensitivity: Moments, specificity: Moments, z: float = Z95
) -> tuple[float, float]:
    """Their limits (equations 16 and 17), not confined to 0 … 1, from shares with the added successes and failures."""
    youden = sensitivity.value + specificity.value - 1
    share = (apparent.value + specificity.value - 1) / youden
    centre = share + 2 * z**2 * (share * sensitivity.variance - (1 - share) * specificity.variance)
    variance = (
        apparent.variance + share**2 * sensitivity.variance + (1 - share) ** 2 * specificity.variance
    ) / youden**2
    return centre - z * sqrt(variance), centre + z * sqrt(variance)


def coverage(setting: Setting, runs: int = RUNS, seed: int = 0) -> Coverage:
    """Simulate one setting; the source has the same share, so that the true difference is 0."""
    random = np.random.default_rng(seed)
    called = setting.share * setting.sensitivity + (1 - setting.share) * (1 - setting.specificity)
    held = []
    for _ in range(runs):
        apparent = share_of(random.random(PLAIN) < called)
        source = share_of(random.random(SOURCE) < setting.share)
        test = Test(
            _right(random, setting.sensitivity, setting.with_it), _right(random, setting.specificity, setting.without)
        )
        moments = apparent.adjusted(Z95**2 / 2), test.sensitivity.adjusted(1), test.specificity.adjusted(1)
        limits = agreeing_shares(*moments)
        if limits is None:
            continue
        figures = compared_with_source(apparent, test, source)
        difference = figures["difference"] or {"low": np.nan, "high": np.nan}
        theirs = lang_reiczigel(*moments)
        held.append(
            [
                limits[0] <= setting.share <= limits[1],
                difference["low"] <= 0 <= difference["high"],
                theirs[0] <= setting.share <= theirs[1],
            ]
        )
    return Coverage(len(held) / runs, *np.mean(held, axis=0).tolist())


def _right(random: np.random.Generator, rate: float, patients: int) -> Share:
    """On how many films of so many patients the classifier is right: a beta-binomial number of each."""
    alpha, beta = rate * (1 / ALIKE - 1), (1 - rate) * (1 / ALIKE - 1)
    of_patient = random.beta(alpha, beta, patients)
    right: Bools = (random.random((FILMS_OF_A_PATIENT, patients)) < of_patient).ravel()
    return share_of(right, [str(patient) for patient in np.tile(np.arange(patients), FILMS_OF_A_PATIENT)])


def main() -> None:
    """Print the coverage of every setting, one a line."""
    sys.stdout.write(HEADER + "\n")
    for with_it, without in HELD_OUT:
        for sensitivity, specificity in TESTS:
            for share in SHARES:
                held = coverage(Setting(share, sensitivity, specificity, with_it, without))
                sys.stdout.write(
                    f"{share:6.2f} {sensitivity:5.2f} {specificity:5.2f} {with_it:5} {without:5} {held.given:6.3f} "
                    f"{held.share:6.3f} {held.difference:6.3f} {held.lang_reiczigel:6.3f}\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
