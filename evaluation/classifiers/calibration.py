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
FEWEST_FOR_TEMPERATURE = 10
"""Films with the finding, and films without it, below which the temperature stays 1."""
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

    Too few films leave the temperature at 1 or the threshold above all films without the finding; where there is none
    without it, the threshold is 0, a probability of one half. The notes say so.
    """
    known = ~np.isnan(labels)
    logits, shown = logits[known], labels[known] == 1
    notes: list[str] = []
    temperature = 1.0
    if min(shown.sum(), (~shown).sum()) < FEWEST_FOR_TEMPERATURE:
        notes.append(f"temperature left at 1: {shown.sum()} calibration films with and {(~shown).sum()} without")
    else:
        temperature = best_temperature(logits, shown)
        if not 1.01 * COLDEST < temperature < HOTTEST / 1.01:
            notes.append(f"temperature at the end of its range, {temperature:.2f}")
    # In the precision of the network, in which the films are to lie on this side or on that.
    without = logits[~shown] / logits.dtype.type(temperature)
    if len(without) < FEWEST_FOR_THRESHOLD:
        notes.append(f"threshold rough: {len(without)} calibration films without")
    return Calibration(temperature, threshold(without) if len(without) else 0.0, tuple(notes))


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


def threshold(without: Floats, specificity: float = SPECIFICITY) -> float:
    """The logit below which at least `specificity` of films without the finding lie, with as many above as may be.

    Half-way between the last film below and the first one above, or just above the last film where none is left.
    """
    ordered = np.sort(without)
    below = ordered[ceil(specificity * len(ordered) - 1e-9) - 1]
    above = ordered[ordered > below]
    if not len(above):
        return float(np.nextafter(np.float32(below), np.float32(np.inf)))
    return float((below + above[0]) / 2)


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
