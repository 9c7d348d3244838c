"""The figures of each reader as plain values. What is not defined is null, and `undefined` says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

import numpy as np
from scipy import stats

from evaluation.readers import auc, binormal, rates
from evaluation.readers.options import Options
from evaluation.readers.plain import Json, proportion
from evaluation.readers.ratings import Bools, Floats
from evaluation.readers.reading import Reading

TESTS = ("fisher", "binomial")


def figures_by_reader(readings: Sequence[Reading], options: Options) -> dict[str, Json]:
    """Figures of every reader by name; `p_holm` of a test is adjusted over the readers who have it."""
    by_reader: dict[str, list[Reading]] = {}
    for reading in readings:
        by_reader.setdefault(reading.reader, []).append(reading)
    figures = {name: reader_figures(own, options) for name, own in by_reader.items()}
    for name in TESTS:
        tests = [of_reader["tests"][name] for of_reader in figures.values() if of_reader["tests"][name]]
        for test, p in zip(tests, holm([test["p"] for test in tests]), strict=True):
            test["p_holm"] = p
    return figures


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for there being several (Holm, Scand J Stat 1979).

    statsmodels has the same, but collects garbage at each call, which takes longer than everything else here.
    """
    order = np.argsort(p_values)
    stepped = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return adjusted.tolist()


def reader_figures(readings: Sequence[Reading], options: Options) -> Json:
    """Counts, rates, d′, criterion, AUC by both methods, tests and time of one reader."""
    ratings = np.array([reading.rating for reading in readings], dtype=float)
    synthetic = np.array([reading.truth == "synthetic" for reading in readings], dtype=bool)
    seconds = [reading.seconds for reading in readings if reading.seconds is not None]
    undefined: list[str] = []
    return {
        "n": len(readings),
        "real": int((~synthetic).sum()),
        "synthetic": int(synthetic.sum()),
        "median_seconds": median(seconds) if seconds else None,
        **_decisions(ratings, synthetic, options, undefined),
        **_curve(ratings, synthetic, undefined),
        "undefined": undefined,
    }


def _decisions(ratings: Floats, synthetic: Bools, options: Options, undefined: list[str]) -> Json:
    names = ("accuracy", "deception_rate", "false_alarm_rate", "d_prime", "criterion")
    figures: Json = dict.fromkeys(names) | {"tests": dict.fromkeys(TESTS)}
    cut = options.decision_cut
    if cut is None:
        undefined.append(
            f"The scale {options.scale[0]:g} to {options.scale[1]:g} has a midpoint, so ratings are no decisions; "
            "give a cut."
        )
        return figures
    counts = rates.counts_of(ratings, synthetic, cut)
    if counts.real + counts.synthetic:
        figures["accuracy"] = proportion(counts.right, counts.real + counts.synthetic)
    if counts.synthetic:
        figures["deception_rate"] = proportion(counts.synthetic - counts.hits, counts.synthetic)
    if counts.real:
        figures["false_alarm_rate"] = proportion(counts.false_alarms, counts.real)
    if counts.real and counts.synthetic:
        figures["d_prime"] = asdict(rates.sensitivity(counts))
        figures["criterion"] = asdict(rates.criterion(counts))
        figures["tests"] = _tests(counts)
    return figures


def _tests(counts: rates.Counts) -> Json:
    """Fisher's exact test of the decision by truth; where half the films are real, the binomial test of the accuracy.

    At another share of real films a bias alone moves the accuracy away from 0.5, so there the latter is null.
    """
    table = [
        [counts.hits, counts.synthetic - counts.hits],
        [counts.false_alarms, counts.real - counts.false_alarms],
    ]
    halves = counts.real == counts.synthetic
    return {
        "fisher": {"p": float(stats.fisher_exact(table).pvalue)},
        "binomial": {"p": float(stats.binomtest(counts.right, 2 * counts.real).pvalue)} if halves else None,
    }


def _curve(ratings: Floats, synthetic: Bools, undefined: list[str]) -> Json:
    """The empirical AUC and the points of its curve, and the binormal curve."""
    figures: Json = dict.fromkeys(("auc", "roc", "binormal"))
    if synthetic.all() or not synthetic.any():
        undefined.append("The reader rated cases of one truth state only, so there is no AUC, d′ or criterion.")
        return figures
    area = auc.delong(ratings, synthetic)
    if area.se is None:
        undefined.append("The AUC has no interval: its DeLong variance is zero or cannot be estimated.")
    if len(np.unique(ratings)) == 1:
        undefined.append("The reader gave every case the same rating, so the AUC of 0.5 says nothing.")
    false_alarms, hits = auc.roc_points(ratings, synthetic)
    try:
        figures["binormal"] = asdict(binormal.fit(ratings, synthetic))
    except binormal.NoFit as reason:
        undefined.append(str(reason))
    return figures | {
        "auc": asdict(area),
        "roc": {"false_alarm_rate": false_alarms.tolist(), "hit_rate": hits.tolist()},
    }
