"""Two-alternative forced choice: a real and a synthetic film side by side, and the reader says which is synthetic.

The proportion of correct choices estimates the same thing as the area under the ROC curve of ratings (Green and Swets,
Signal Detection Theory and Psychophysics, 1966), but choices and ratings are never pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from statistics import median
from typing import Literal

import numpy as np
from scipy import stats

from evaluation import wording
from evaluation.readers import covariance, merit, mrmc
from evaluation.readers.arms import order_of_sitting
from evaluation.readers.controls import above_guessing
from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.plain import Json, finite, limits, proportion
from evaluation.readers.rates import WithError, corrected_z
from evaluation.readers.ratings import ONE_MODALITY, Ratings
from evaluation.readers.reading import Kind

Side = Literal["left", "right"]
PairRole = Literal["generator", "control-degraded"]

GUESSING = 0.5


@dataclass(frozen=True, slots=True)
class PairReading:
    """Which film of a pair one reader chose. `side` is where the synthetic film was, None where that is not known.

    `seconds` run from the drawn pair to the choice. `finding` joins several labels with |. `arm` and `role` are the
    synthetic film's.
    """

    reader: str
    pair: str
    chosen: Side
    correct: bool
    side: Side | None = None
    kind: Kind = "main"
    finding: str = ""
    seconds: float | None = None
    arm: str = ""
    role: PairRole = "generator"
    sitting: str = "1"


def summarise_pairs(
    readings: Sequence[PairReading],
    margin: float | None = None,
    alpha: float = 0.05,
    unmet: Sequence[str] = (wording.NO_CONTROL, wording.MARGIN_NOT_FIXED),
) -> Json:
    """Figures of every reader and of all readers from choices of kind main and role generator, ready for JSON.

    Pairs that a reader read in several sittings count in the first.
    `margin` (around a proportion correct of 0.5) asks for the equivalence test at `alpha`; `unmet` names what a claim
    of equivalence lacks (constants of `evaluation.wording`). Raises ValueError where there is no main choice, or where
    a reader chose twice in a pair and sitting.
    """
    main = main_choices(readings)
    if not main:
        raise ValueError("There are no main choices to analyse.")
    choices = _choices(main)
    warnings: list[str] = []
    return {
        "n": {"readers": len(choices.readers), "pairs": len(choices.cases), "readings": len(main)},
        "readers": {name: _reader([row for row in main if row.reader == name]) for name in choices.readers},
        "overall": _overall(choices, margin, alpha, unmet, warnings),
        "warnings": warnings,
    }


def main_choices(readings: Sequence[PairReading], role: PairRole = "generator") -> list[PairReading]:
    """The choices that figures over readers are made of: of kind main, in the first sitting in which each was made."""
    rows = later_choices_as_repeats(readings)
    return [reading for reading in rows if reading.kind == "main" and reading.role == role]


def later_choices_as_repeats(readings: Sequence[PairReading]) -> list[PairReading]:
    """Main choices of a pair that the reader saw in an earlier sitting too become repeats."""
    first: dict[tuple[str, str], tuple[float, str]] = {}
    for reading in readings:
        if reading.kind == "main":
            key, order = (reading.reader, reading.pair), order_of_sitting(reading.sitting)
            first[key] = min(first.get(key, order), order)
    return [
        replace(reading, kind="repeat")
        if reading.kind == "main" and order_of_sitting(reading.sitting) > first[reading.reader, reading.pair]
        else reading
        for reading in readings
    ]


def controls_of_pairs(readings: Sequence[PairReading]) -> list[Json]:
    """Every degraded control that was read: the mean proportion correct, and whether it lies above guessing."""
    main = main_choices(readings, "control-degraded")
    controls = []
    for arm in dict.fromkeys(reading.arm for reading in main):
        over = _overall(_choices([reading for reading in main if reading.arm == arm]), None, 0.05, (), [])
        detected = above_guessing({"estimate": over["proportion_correct"], "low": over["low"]})
        controls.append({"arm": arm, "role": "control-degraded", "overall": over, "detected": detected})
    return controls


def repeated_choices(readings: Sequence[PairReading]) -> dict[str, Json]:
    """By reader: how often a pair that was shown again, in one sitting or in a later one, got the same choice."""
    rows = later_choices_as_repeats(readings)
    first = {(reading.reader, reading.pair): reading.correct for reading in rows if reading.kind == "main"}
    same: dict[str, list[bool]] = {}
    for reading in rows:
        key = reading.reader, reading.pair
        if reading.kind == "repeat" and key in first:
            # The same film is chosen where both choices are right, or both are wrong.
            same.setdefault(reading.reader, []).append(reading.correct == first[key])
    return {name: {"n": len(own), "agreement": proportion(sum(own), len(own))} for name, own in same.items()}


def sensitivity_of_choices(correct: int, choices: int) -> WithError:
    """d′ = √2 z(proportion correct), half a choice added to either outcome (Macmillan and Creelman, 2005)."""
    z, variance = corrected_z(correct, choices)
    return WithError(sqrt(2) * z, sqrt(2 * variance))


def _choices(main: Sequence[PairReading]) -> Ratings:
    """Correct choices as ratings of 1, wrong ones of 0. A pair is a case of which “synthetic” is the right answer."""
    readers = {name: index for index, name in enumerate(dict.fromkeys(reading.reader for reading in main))}
    pairs = {name: index for index, name in enumerate(dict.fromkeys(reading.pair for reading in main))}
    values = np.full((1, len(readers), len(pairs)), np.nan)
    for reading in main:
        cell = 0, readers[reading.reader], pairs[reading.pair]
        if not np.isnan(values[cell]):
            raise ValueError(f"Reader “{reading.reader}” chose in pair “{reading.pair}” more than once; keep one.")
        values[cell] = reading.correct
    return Ratings((ONE_MODALITY,), tuple(readers), tuple(pairs), values, np.ones(len(pairs), dtype=bool))


def _reader(own: Sequence[PairReading]) -> Json:
    correct = sum(reading.correct for reading in own)
    seconds = [reading.seconds for reading in own if reading.seconds is not None]
    return {
        "n": len(own),
        "proportion_correct": proportion(correct, len(own)),
        "d_prime": asdict(sensitivity_of_choices(correct, len(own))),
        "side_bias": _side_bias(own),
        "median_seconds": median(seconds) if seconds else None,
    }


def _side_bias(own: Sequence[PairReading]) -> Json:
    """The share of “left” and an exact test of whether the side matters.

    Where it is known on which side each synthetic film was, Fisher's test of being correct by that side, which holds
    for skilled readers and for unequal numbers of sides; else the binomial test of the share against one half, which
    takes it that the synthetic film was as often left as right.
    """
    left = sum(reading.chosen == "left" for reading in own)
    table = [
        [sum(reading.side == side and reading.correct == correct for reading in own) for correct in (True, False)]
        for side in ("left", "right")
    ]
    known = all(reading.side for reading in own)
    p = stats.fisher_exact(table).pvalue if known else stats.binomtest(left, len(own)).pvalue
    return {"left": proportion(left, len(own)), "p": float(p), "test": "Fisher" if known else "binomial"}


def _overall(choices: Ratings, margin: float | None, alpha: float, unmet: Sequence[str], warnings: list[str]) -> Json:
    """The readers' mean proportion correct, readers and pairs random, by Obuchowski and Rockette's model."""
    figure = merit.accuracy(choices, cut=1)
    of_readers = figure.estimates[0]
    result: Json = {
        "proportion_correct": float(of_readers.mean()),
        "sd_between_readers": float(of_readers.std(ddof=1)) if len(of_readers) > 1 else None,
        "equivalence": None,
    }
    try:
        mean = mrmc.reader_mean(of_readers, covariance.jackknife(figure), GUESSING)
    except ValueError as error:
        reason = error if isinstance(error, mrmc.NoVariance) else "A reader chose in a single pair."
        warnings.append(f"There is no interval for the mean proportion correct. {reason}")
        return result | dict.fromkeys(("se", "df", "low", "high", "p", "random", "components", "few_readers"))
    if len(of_readers) == 1:
        warnings.append("There is one reader, so the interval lets pairs vary but not readers.")
    values = asdict(mean)
    del values["estimate"]
    result |= values | {"df": finite(mean.df), "few_readers": limits(mean.few_readers)}
    if margin is not None:
        test = two_one_sided_tests(mean.estimate, mean.se, mean.df, centre=GUESSING, margin=margin, alpha=alpha)
        result["equivalence"] = asdict(test) | {"statement": wording.verdict(test, mean.p, unmet)}
    return result
