"""Agreement between readers and of each reader with himself, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import combinations

import numpy as np

from evaluation.readers import agreement
from evaluation.readers.arms import value_of
from evaluation.readers.intervals import Interval
from evaluation.readers.options import Options
from evaluation.readers.plain import Json, proportion
from evaluation.readers.ratings import Floats, Ratings
from evaluation.readers.reading import Reading

METRICS: Sequence[agreement.Metric] = ("nominal", "ordinal", "interval")


def between_readers(ratings: Ratings | None, options: Options) -> Json:
    """Kappa and AC1 of decisions, alpha of ratings, and the kappa that independent readers with these rates reach.

    `cohen_kappa` has every pair of readers, each beside what is expected of the two. `ratings` of one modality; None
    where cases were read in several, so that there is nothing to agree on.
    """
    undefined: list[str] = []
    figures: Json = dict.fromkeys(("fleiss_kappa", "gwet_ac1", "kappa_expected_from_accuracy"))
    figures |= {"krippendorff_alpha": dict.fromkeys(METRICS), "cohen_kappa": [], "undefined": undefined}
    if ratings is None:
        undefined.append("Cases were read in several arms; see the agreement by arm.")
        return figures
    values, synthetic, cut = ratings.values[0], ratings.synthetic, options.decision_cut
    figures["krippendorff_alpha"] = {
        metric: _figure(undefined, agreement.krippendorff_alpha, values, metric) for metric in METRICS
    }
    if cut is not None:
        said = np.where(np.isnan(values), np.nan, values >= cut)
        figures |= {
            "fleiss_kappa": _figure(undefined, agreement.fleiss_kappa, said),
            "gwet_ac1": _figure(undefined, agreement.gwet_ac1, said),
            "kappa_expected_from_accuracy": _figure(undefined, agreement.expected_kappa, said, synthetic),
            "cohen_kappa": [_pair(ratings, said, pair) for pair in combinations(range(len(said)), 2)],
        }
    else:
        undefined.append("Ratings are no decisions on this scale, so there is no kappa or AC1; give a cut.")
    figures["undefined"] = list(dict.fromkeys(undefined))
    return figures


def _pair(ratings: Ratings, said: Floats, pair: tuple[int, int]) -> Json:
    first, second = said[pair[0]], said[pair[1]]
    shared = ~(np.isnan(first) | np.isnan(second))
    both = said[list(pair)][:, shared]
    undefined: list[str] = []
    kappa = _figure(undefined, agreement.cohen_kappa, *both) or dict.fromkeys(("estimate", "low", "high"))
    expected = _figure(undefined, agreement.expected_kappa, both, ratings.synthetic[shared])
    names = [ratings.readers[reader] for reader in pair]
    return {"readers": names, "n": int(shared.sum()), **kappa, "expected": expected, "undefined": undefined}


def _figure(undefined: list[str], compute: Callable[..., Interval], *arguments: object) -> Json | None:
    try:
        return asdict(compute(*arguments))
    except agreement.Undefined as reason:
        undefined.append(str(reason))
        return None


def intra_reader(readings: Sequence[Reading], options: Options) -> dict[str, Json]:
    """By reader: how a repeated film's decisions and ratings agree with the first ones, from rows of kind repeat.

    The main reading of the case, in the same arm where the column of arms is named, stands against every repeat of it.
    """
    first: dict[tuple[str, str, str], float] = {}
    for reading in readings:
        if reading.kind == "main":
            first.setdefault(_key(reading, options), reading.rating)
    pairs: dict[str, list[tuple[float, float]]] = {}
    for reading in readings:
        if reading.kind == "repeat":
            own = pairs.setdefault(reading.reader, [])
            if _key(reading, options) in first:
                own.append((first[_key(reading, options)], reading.rating))
    return {name: _intra(np.array(own).reshape(-1, 2), options.decision_cut) for name, own in pairs.items()}


def _key(reading: Reading, options: Options) -> tuple[str, str, str]:
    return reading.reader, reading.case, value_of(reading, options.arms)


def _intra(pairs: Floats, cut: float | None) -> Json:
    undefined: list[str] = []
    result: Json = dict.fromkeys(("agreement", "kappa", "alpha", "mean_rating_change"))
    result = {"n": len(pairs)} | result | {"undefined": undefined}
    if not len(pairs):
        undefined.append("No repeated film was also read as a main film.")
        return result
    result["mean_rating_change"] = float((pairs[:, 1] - pairs[:, 0]).mean())
    result["alpha"] = _figure(undefined, agreement.krippendorff_alpha, pairs.T, "ordinal")
    if cut is not None:
        said = (pairs >= cut).astype(float)
        result["agreement"] = proportion(int((said[:, 0] == said[:, 1]).sum()), len(said))
        result["kappa"] = _figure(undefined, agreement.cohen_kappa, said[:, 0], said[:, 1])
    return result
