"""Calibration: one temperature and one threshold for each finding, from films of patients set aside for it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, log
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Floats = npt.NDArray[np.floating]

SPECIFICITY = 0.95
FEWEST_TO_TELL = 10
"""Films with the finding below which temperature and threshold learn nothing from them."""
FEWEST_FOR_THRESHOLD = 20
"""Films without the finding below which no film of theirs can lie above a threshold of 95 % specificity."""
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Calibration:
    """Of one finding: what its raw logit is divided by, and the calibrated logit from which on it counts as shown."""

    temperature: float
    threshold: float
    notes: tuple[str, ...] = ()


def calibrated(logits: Floats, labels: Floats) -> Calibration:
    """Calibrate one finding on raw logits (n,) and labels (n,) of 1, 0 or NaN for not known.

    Too few films leave the temperature at 1, and the threshold above at least 95 % of the films without the finding or
    above all of them; where there is none without it, the threshold is 0, a probability of one half. The notes say so.
    """
    known = ~np.isnan(labels)
    logits, shown = logits[known], labels[known] == 1
    notes: list[str] = []
    temperature = 1.0
    if min(shown.sum(), (~shown).sum()) < FEWEST_TO_TELL:
        notes.append(f"temperature left at 1: {shown.sum()} calibration films with and {(~shown).sum()} without")
    else:
        temperature = best_temperature(logits, shown)
        if not 1.01 * COLDEST < temperature < HOTTEST / 1.01:
            notes.append(f"temperature at the end of its range, {temperature:.2f}")
    # In the precision of the network, in which the films are to lie on this side or on that.
    scaled = logits / logits.dtype.type(temperature)
    without = int((~shown).sum())
    if without < FEWEST_FOR_THRESHOLD:
        notes.append(f"threshold rough: {without} calibration films without")
    return Calibration(temperature, threshold(scaled, shown) if without else 0.0, tuple(notes))


def best_temperature(logits: Floats, shown: npt.NDArray[np.bool_]) -> float:
    """The temperature with the smallest negative log-likelihood (Guo et al., ICML 2017).

    Labels are softened as Platt (1999) does it, to (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2): without it, calibration films
    that happen to be told apart without fault would ask for a temperature of zero.
    """
    positives = int(shown.sum())
    negatives = len(shown) - positives
    targets = np.where(shown, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(log_temperature: float) -> float:
        scaled = logits / exp(log_temperature)
        return float((np.logaddexp(0, scaled) - targets * scaled).mean())

    found = minimize_scalar(loss, bounds=(log(COLDEST), log(HOTTEST)), method="bounded", options={"xatol": 1e-6})
    return exp(float(found.x))


def threshold(logits: Floats, shown: npt.NDArray[np.bool_], specificity: float = SPECIFICITY) -> float:
    """Of the logits below which at least `specificity` of films without the finding lie, the one that tells best.

    That is the one of the greatest sum of sensitivity and specificity (Youden, Cancer 1950): a classifier that tells
    films apart without fault is cut between both kinds, not among the films without. Where too few films show the
    finding to say which tells best, the lowest one. Half-way between the films on either side of the cut, or just above
    the last film where none is left; the lowest of cuts that tell alike.
    """
    ordered = np.unique(logits)
    least = np.sort(logits[~shown])[ceil(specificity * (~shown).sum() - 1e-9) - 1]
    cuts = ordered[ordered >= least]
    if shown.sum() < FEWEST_TO_TELL:
        cut = least
    else:
        told = [(logits[shown] > cut).mean() + (logits[~shown] <= cut).mean() for cut in cuts]
        cut = cuts[int(np.argmax(told))]
    above = ordered[ordered > cut]
    if not len(above):
        return float(np.nextafter(np.float32(cut), np.float32(np.inf)))
    return float((cut + above[0]) / 2)


def to_json(findings: tuple[str, ...], calibrations: list[Calibration], labels: Floats) -> dict[str, Any]:
    """How many films of either kind each finding was calibrated on, and the notes."""
    return {
        finding: {
            "with": int((column == 1).sum()),
            "without": int((column == 0).sum()),
            "notes": list(calibration.notes),
        }
        for finding, calibration, column in zip(findings, calibrations, labels.T, strict=True)
    }
