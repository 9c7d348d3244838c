"""Decisions and what follows from counting them: rates, sensitivity d′ and criterion."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import norm

from evaluation.readers.ratings import Bools, Floats, Ratings


@dataclass(frozen=True, slots=True)
class Counts:
    """One reader's decisions: the films of each truth, and how many of them were rated synthetic."""

    synthetic: int
    hits: int
    real: int
    false_alarms: int

    @property
    def right(self) -> int:
        return self.hits + self.real - self.false_alarms


@dataclass(frozen=True, slots=True)
class WithError:
    """An estimate with its standard error."""

    estimate: float
    se: float


@dataclass(frozen=True, slots=True)
class Rates:
    """One rate counted in three ways that are three different numbers.

    `judgement`: over all readings; `reader`: the mean of the readers' rates; `film_majority`: over films, each decided
    by the majority of its readers, a tie counting one half.
    """

    judgement: float
    reader: float
    film_majority: float


def midpoint_of(scale: tuple[float, float]) -> float | None:
    """The middle of the scale, above which a rating says “synthetic”; None where the middle is itself a rating."""
    low, high = scale
    middle = (low + high) / 2
    return None if (middle - low).is_integer() else middle


def counts_of(ratings: Floats, synthetic: np.ndarray, cut: float) -> Counts:
    """Count one reader's decisions. Both arrays have shape (cases,); ratings of at least `cut` say “synthetic”."""
    said = ratings >= cut
    return Counts(
        synthetic=int(synthetic.sum()),
        hits=int((said & synthetic).sum()),
        real=int((~synthetic).sum()),
        false_alarms=int((said & ~synthetic).sum()),
    )


def sensitivity(counts: Counts) -> WithError:
    """d′ = z(hit rate) − z(false alarm rate), with the log-linear correction (Hautus, 1995).

    The standard error is that of Gourevitch and Galanter (Psychometrika 1967) at the corrected rates.
    """
    (hit, variance_of_hit), (alarm, variance_of_alarm) = _corrected(counts)
    return WithError(hit - alarm, sqrt(variance_of_hit + variance_of_alarm))


def criterion(counts: Counts) -> WithError:
    """c = −½ [z(hit rate) + z(false alarm rate)], log-linear correction; above 0 the reader leans towards “real”."""
    (hit, variance_of_hit), (alarm, variance_of_alarm) = _corrected(counts)
    return WithError(-(hit + alarm) / 2, sqrt(variance_of_hit + variance_of_alarm) / 2)


def corrected_z(count: int, of: int) -> tuple[float, float]:
    """z of a rate and its variance, half a case added to either outcome (Hautus, 1995)."""
    rate = (count + 0.5) / (of + 1)
    z = float(norm.ppf(rate))
    return z, rate * (1 - rate) / ((of + 1) * float(norm.pdf(z)) ** 2)


def _corrected(counts: Counts) -> tuple[tuple[float, float], tuple[float, float]]:
    """z and its variance of hit rate and false alarm rate."""
    return corrected_z(counts.hits, counts.synthetic), corrected_z(counts.false_alarms, counts.real)


def overall_rates(ratings: Ratings, cut: float) -> dict[str, Rates | None]:
    """Deception rate, false alarm rate, accuracy and balanced accuracy of one modality, each in three ways.

    Readers without cases of a truth state are left out of the reader means that need it. None where there are no
    readings of that truth state, or for the balanced accuracy no reader of both.
    """
    said = np.where(ratings.read[0], ratings.values[0] >= cut, np.nan)
    synthetic = ratings.synthetic
    by_film = _majority(said)
    right, right_by_film = np.where(synthetic, said, 1 - said), np.where(synthetic, by_film, 1 - by_film)
    caught = _three_ways(said[:, synthetic], by_film[synthetic])
    alarm = _three_ways(said[:, ~synthetic], by_film[~synthetic])
    return {
        "deception_rate": _three_ways(1 - said[:, synthetic], 1 - by_film[synthetic]),
        "false_alarm_rate": alarm,
        "accuracy": _three_ways(right, right_by_film),
        "balanced_accuracy": _balanced(said, synthetic, caught, alarm),
    }


def tied_films(ratings: Ratings, cut: float) -> int:
    """How many films split their readers into halves."""
    said = np.where(ratings.read[0], ratings.values[0] >= cut, np.nan)
    return int((_majority(said) == 0.5).sum())


def _majority(said: Floats) -> Floats:
    """1, ½ or 0 for every film by its readers' votes; NaN where nobody read it."""
    votes = np.nansum(said, axis=0) - np.nansum(1 - said, axis=0)
    return np.where(np.isnan(said).all(axis=0), np.nan, (np.sign(votes) + 1) / 2)


def _three_ways(values: Floats, by_film: Floats) -> Rates | None:
    if np.isnan(values).all():
        return None
    return Rates(float(np.nanmean(values)), float(_means_by_reader(values).mean()), float(np.nanmean(by_film)))


def _balanced(said: Floats, synthetic: Bools, caught: Rates | None, alarm: Rates | None) -> Rates | None:
    """The mean of the shares caught and of real films rated real; by reader from those who read both truth states."""
    read = ~np.isnan(said)
    both = said[read[:, synthetic].any(1) & read[:, ~synthetic].any(1)]
    if caught is None or alarm is None or not len(both):
        return None
    gains = _means_by_reader(both[:, synthetic]) - _means_by_reader(both[:, ~synthetic])
    return Rates(
        (1 + caught.judgement - alarm.judgement) / 2,
        float((1 + gains).mean() / 2),
        (1 + caught.film_majority - alarm.film_majority) / 2,
    )


def _means_by_reader(values: Floats) -> Floats:
    return np.array([np.nanmean(row) for row in values if not np.isnan(row).all()])
