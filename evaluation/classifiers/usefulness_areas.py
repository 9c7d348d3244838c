"""AUCs of networks that were trained alike but for their seeds, and their differences between two arms.

Networks and held-out patients are both samples of more, as readers and cases are in a reader study, so they are
analysed as one (Obuchowski and Rockette's model, `evaluation.readers.mrmc`), with seeds in the place of readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.stats import norm

from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.held_out import areas_of_drawn_patients
from evaluation.images.patients import numbered
from evaluation.readers import mrmc
from evaluation.readers.auc import placements
from evaluation.readers.ratings import Bools, Floats

FEWEST = 10
"""Held-out patients with a finding, and patients without it, below which nothing is said of it. A choice of ours."""
DRAWS = 2000
CONFIDENCE = 0.95
GUESSING = 0.5

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Areas:
    """AUCs of one network for each seed and, last, of their ensemble: the AUC of the logits averaged over seeds.

    `estimates` has shape (seeds + 1,). `moved` (seeds + 1, patients) says how much each patient moves them, as
    `influences` does; `drawn` (draws, seeds + 1) has them for patients drawn anew.
    """

    estimates: Floats
    moved: Floats
    drawn: Floats

    @property
    def seeds(self) -> int:
        return len(self.estimates) - 1

    @staticmethod
    def mean(parts: Sequence[Areas]) -> Areas:
        """The AUC averaged over several findings."""
        return Areas(
            *(np.mean([getattr(part, name) for part in parts], axis=0) for name in ("estimates", "moved", "drawn"))
        )

    def __sub__(self, other: Areas) -> Areas:
        """What this arm has more than another one with the same seeds, patients and draws."""
        return Areas(self.estimates - other.estimates, self.moved - other.moved, self.drawn - other.drawn)


def undefined_in(held_out: LabelledFilms) -> dict[str, str]:
    """Why nothing can be said of a finding on these films; findings that are not named are fine."""
    reasons = {}
    patients = np.array(held_out.patients)
    for finding, column in zip(held_out.findings, held_out.labels.T, strict=True):
        counts = {word: len(set(patients[column == label])) for word, label in (("with", 1), ("without", 0))}
        few = [f"{count} held-out patients {word} it" for word, count in counts.items() if count < FEWEST]
        if few:
            reasons[finding] = f"{' and '.join(few)}, where {FEWEST} are the fewest"
    return reasons


def areas_by_finding(scores: Floats, held_out: LabelledFilms, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Areas]:
    """The AUCs of every finding that has a score and is not `undefined_in` these films.

    `scores` has shape (seeds, films, findings), NaN for a finding that the networks did not learn. The same films and
    seed draw the same patients, whatever the scores.
    """
    undefined = undefined_in(held_out)
    findings = [
        finding
        for finding, column in zip(held_out.findings, scores.transpose(2, 0, 1), strict=True)
        if finding not in undefined and not np.isnan(column).any()
    ]
    films = held_out.about(findings)
    of_each = scores[:, :, [held_out.findings.index(finding) for finding in findings]]
    of_each = np.concatenate([of_each, of_each.mean(0, keepdims=True)])
    patient_of = numbered(len(films), films.patients)
    drawn = np.stack([areas_of_drawn_patients(one, films, draws=draws, seed=seed) for one in of_each], axis=1)
    areas = {}
    for column, finding in enumerate(findings):
        known = ~np.isnan(films.labels[:, column])
        found = influences(
            of_each[:, known, column], films.labels[known, column] == 1, patient_of[known], patient_of.max() + 1
        )
        areas[finding] = Areas(*found, drawn[:, :, column])
    return areas


def influences(scores: Floats, shown: Bools, patient_of: np.ndarray, patients: int) -> tuple[Floats, Floats]:
    """The AUC of each network, and how much each patient moves it: shapes (networks,) and (networks, patients).

    `scores` has shape (networks, films); `patient_of` has each film's patient, 0 … patients − 1. Inner products of
    influences are covariances. With one film of each patient these are DeLong's (Biometrics 1988) to the digit; with
    several they are Obuchowski's for clustered data (Biometrics 1997), but that her correction of the cross term is the
    geometric mean of the other two. A mean of AUCs is moved by the mean of what moves them. Raises ValueError where
    fewer than two patients have a film with the finding, or fewer than two have one without it.
    """
    of_each = {truth: len(np.unique(patient_of[shown == truth])) for truth in (True, False)}
    if min(of_each.values()) < 2:
        raise ValueError("An AUC has a variance where at least two patients show the finding and two do not.")
    estimates, moved = np.empty(len(scores)), np.zeros((len(scores), patients))
    for network, row in enumerate(scores):
        for truth, places in zip((True, False), placements(row, shown), strict=True):
            estimates[network] = places.mean()
            correction = sqrt(of_each[truth] / (of_each[truth] - 1)) / len(places)
            np.add.at(moved[network], patient_of[shown == truth], correction * (places - places.mean()))
    return estimates, moved


def figures_of(areas: Areas, *, seed: int = 0) -> Json:
    """The AUC of one network of an arm, on average over seeds, and that of the ensemble, as plain values."""
    single = areas.estimates[:-1]
    found: mrmc.ReaderMean | str
    try:
        found = mrmc.reader_mean(single, areas.moved[:-1] @ areas.moved[:-1].T, GUESSING, "both", CONFIDENCE)
    except mrmc.NoVariance as reason:
        found = str(reason)
    return {
        "auc": float(single.mean()),
        **_limits(found, 0.0, 1.0),
        "of_seeds": single.tolist(),
        "sd_of_seeds": float(single.std(ddof=1)) if areas.seeds > 1 else None,
        "bootstrap": _interval(_over_seeds(areas, seed)),
        "ensemble": {"auc": float(areas.estimates[-1])} | _of_ensemble(areas, 0.0, 1.0),
        "reason": found if isinstance(found, str) else None,
    }


def difference_of(arm: Areas, real: Areas, *, seed: int = 0) -> Json:
    """What `arm` has more than `real`: the AUC of one network, on average over seeds, and that of the ensemble.

    `p` is two-sided, for networks and patients both random; with a single seed for patients alone.
    """
    more = arm - real
    estimates = np.stack([arm.estimates[:-1], real.estimates[:-1]])
    moved = np.concatenate([arm.moved[:-1], real.moved[:-1]])
    found: mrmc.Difference | str
    try:
        found = mrmc.compare(estimates, moved @ moved.T, "both", CONFIDENCE).pairs[0, 1]
    except mrmc.NoVariance as reason:
        found = str(reason)
    return {
        "difference": float(more.estimates[:-1].mean()),
        **_limits(found, -1.0, 1.0),
        "p": None if isinstance(found, str) else (found.few_readers or found).p,
        "bootstrap": _interval(_over_seeds(more, seed)),
        "ensemble": {"difference": float(more.estimates[-1])} | _of_ensemble(more, -1.0, 1.0),
        "reason": found if isinstance(found, str) else None,
    }


def _limits(found: mrmc.ReaderMean | mrmc.Difference | str, lowest: float, highest: float) -> Json:
    """Standard error and interval; with two or three seeds those that do not trust them to differ little."""
    if isinstance(found, str):
        return {"se": None, "low": None, "high": None}
    limits = found.few_readers or found
    return {"se": limits.se, "low": max(lowest, limits.low), "high": min(highest, limits.high)}


def _of_ensemble(areas: Areas, lowest: float, highest: float) -> Json:
    """Limits for patients alone: the networks of the ensemble are these and no others."""
    se = float(np.linalg.norm(areas.moved[-1]))
    reach = se * float(norm.ppf(0.5 + CONFIDENCE / 2))
    middle = float(areas.estimates[-1])
    delong = {"low": max(lowest, middle - reach), "high": min(highest, middle + reach)} if se else None
    return {"delong": delong, "bootstrap": _interval(areas.drawn[:, -1])}


def _over_seeds(areas: Areas, seed: int) -> Floats:
    """The mean over seeds that are drawn anew with the patients, the same ones in every arm: shape (draws,)."""
    seeds = areas.seeds
    times = np.random.default_rng([seed, seeds]).multinomial(seeds, np.full(seeds, 1 / seeds), size=len(areas.drawn))
    return (areas.drawn[:, :-1] * times).sum(1) / seeds


def _interval(drawn: Floats) -> Json | None:
    """The percentile interval of the draws that are defined; None where fewer than half of them are."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < max(2, len(drawn) / 2):
        return None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"low": float(low), "high": float(high)}
