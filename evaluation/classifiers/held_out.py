"""What a classifier is worth on patients whom it never saw: the area under the ROC curve of each finding."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evaluation.classifiers.films import LabelledFilms, as_values
from evaluation.classifiers.network import Classifier
from evaluation.images.patients import numbered
from evaluation.readers.auc import delong
from evaluation.readers.intervals import wilson

Floats = npt.NDArray[np.float64]

FILMS_AT_ONCE = 64
DRAWS = 2000
CONFIDENCE = 0.95
WEIGHTS_AT_ONCE = 2_000_000


@torch.no_grad()
def scores(classifier: Classifier, films: LabelledFilms) -> Floats:
    """Calibrated logits of shape (n, findings), in the order of the classifier's findings."""
    parts = [np.empty((0, len(classifier.findings)))]
    for first in range(0, len(films), FILMS_AT_ONCE):
        rows = np.arange(first, min(first + FILMS_AT_ONCE, len(films)))
        shown = as_values(torch.from_numpy(films.carried(rows)).to(classifier.device))
        parts.append(classifier.logits(shown.contiguous(memory_format=torch.channels_last)).double().cpu().numpy())
    return np.concatenate(parts)


def auc_table(scores: Floats, films: LabelledFilms, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Any]:
    """The AUC of every finding with DeLong's interval and one by drawing patients anew, and their mean.

    `scores` has one column for each of `films.findings`. DeLong's interval takes films for independent; the bootstrap
    draws whole patients. What is not defined is None, with a `reason`. Raises ValueError without films.
    """
    if not len(films):
        raise ValueError("There are no films to measure on.")
    drawn = areas_of_drawn_patients(scores, films, draws=draws, seed=seed)
    of_findings: dict[str, Any] = {}
    for column, finding in enumerate(films.findings):
        known = ~np.isnan(films.labels[:, column])
        shown, values = films.labels[known, column] == 1, scores[known, column]
        of_findings[finding] = _of_finding(values, shown, drawn[:, column])
    defined = [column for column, row in enumerate(of_findings.values()) if row["auc"] is not None]
    return {
        "films": len(films),
        "patients": len(set(films.patients)),
        "findings": of_findings,
        "macro": _macro([row["auc"] for row in of_findings.values() if row["auc"] is not None], drawn[:, defined]),
        "confidence": CONFIDENCE,
        "draws": draws,
        "seed": seed,
    }


def areas_of_drawn_patients(scores: Floats, films: LabelledFilms, *, draws: int = DRAWS, seed: int = 0) -> Floats:
    """The AUC of every finding in each of `draws` sets of patients drawn with replacement: shape (draws, findings).

    NaN where a draw has no film with the finding, or none without it. The same films and seed draw the same patients,
    whatever the scores: differences between two classifiers are paired.
    """
    patient_of = numbered(len(films), films.patients)
    count = patient_of.max() + 1
    random = np.random.default_rng(seed)
    areas = np.full((draws, len(films.findings)), np.nan)
    at_once = max(1, WEIGHTS_AT_ONCE // len(films))
    for first in range(0, draws, at_once):
        some = min(at_once, draws - first)
        times = random.multinomial(count, np.full(count, 1 / count), size=some)[:, patient_of].astype(float)
        for column in range(len(films.findings)):
            known = ~np.isnan(films.labels[:, column])
            shown = films.labels[known, column] == 1
            areas[first : first + some, column] = weighted_areas(scores[known, column], shown, times[:, known])
    return areas


def weighted_areas(scores: Floats, shown: npt.NDArray[np.bool_], times: Floats) -> Floats:
    """The AUC when each film counts `times` (draws, n) as often; ties count one half, NaN where one kind is missing."""
    if not len(scores):
        return np.full(len(times), np.nan)
    order = np.argsort(scores, kind="stable")
    begins = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    times, shown = times[:, order], shown[order]
    positive, negative = (np.add.reduceat(times * which, begins, axis=1) for which in (shown, ~shown))
    won = (positive * (np.cumsum(negative, axis=1) - negative / 2)).sum(1)
    pairs = positive.sum(1) * negative.sum(1)
    return np.divide(won, pairs, out=np.full(len(times), np.nan), where=pairs > 0)


def measured(classifier: Classifier, films: LabelledFilms, said: Floats | None = None) -> dict[str, Any]:
    """`auc_table` of a classifier, and its sensitivity and specificity at its own thresholds.

    `said` are its `scores` of these films where they are there already. Raises ValueError without films.
    """
    said = scores(classifier, films) if said is None else said
    films = films.about(classifier.findings)
    table = auc_table(said, films)
    shown = said >= np.array(classifier.about.threshold)
    for column, row in enumerate(table["findings"].values()):
        labels = films.labels[:, column]
        row["sensitivity"] = _share(shown[labels == 1, column])
        row["specificity"] = _share(~shown[labels == 0, column])
    return table


def _share(right: npt.NDArray[np.bool_]) -> dict[str, Any] | None:
    """A share of right answers with Wilson's interval, which takes films for independent."""
    if not len(right):
        return None
    found = wilson(int(right.sum()), len(right), CONFIDENCE)
    return {"right": int(right.sum()), "of": len(right), "interval": [found.low, found.high]}


def _of_finding(scores: Floats, shown: npt.NDArray[np.bool_], drawn: Floats) -> dict[str, Any]:
    """`scores` and `shown` (n,) of the films of which it is known."""
    counts = {"n": len(shown), "positives": int(shown.sum())}
    nothing = {"auc": None, "delong": None, "bootstrap": None}
    if not len(shown):
        return counts | nothing | {"reason": "no film of which it is known"}
    if shown.all() or not shown.any():
        return counts | nothing | {"reason": f"no film {'without' if shown.all() else 'with'} it"}
    area = delong(scores, shown, CONFIDENCE)
    row: dict[str, Any] = counts | {
        "auc": area.estimate,
        "delong": None if area.low is None else [area.low, area.high],
        "bootstrap": _interval(drawn),
    }
    if row["delong"] is None or row["bootstrap"] is None:
        row["reason"] = "too few films or patients for an interval, or scores that do not overlap"
    return row


def _macro(areas: list[float], drawn: Floats) -> dict[str, Any]:
    """The mean over findings that have an AUC; its interval over the draws in which all of them have one."""
    if not areas:
        return {"findings": 0, "auc": None, "bootstrap": None, "reason": "no finding has an AUC"}
    return {"findings": len(areas), "auc": float(np.mean(areas)), "bootstrap": _interval(drawn.mean(1))}


def _interval(drawn: Floats) -> list[float] | None:
    """The percentile interval of draws that are defined; None where they are less than half of all."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < max(2, len(drawn) / 2):
        return None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return [float(low), float(high)]
