"""All that readings say, as plain values ready for JSON: the figures of `python -m evaluation readers`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from evaluation import wording
from evaluation.readers import agreement, auc, covariance, merit, mrmc, rates
from evaluation.readers.covariance import Covariance
from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.intervals import clopper_pearson, wilson
from evaluation.readers.mrmc import Random
from evaluation.readers.ratings import ONE_MODALITY, Floats, Ratings, ratings_by_modality, ratings_of
from evaluation.readers.reading import Reading

Json = dict[str, Any]
# Why figures have no interval, and the names of those figures: what several share is said once.
Reasons = dict[str, list[str]]

MAIN_ROLES = ("real", "generator")
FEW_READERS = 5


@dataclass(frozen=True)
class Options:
    """How readings are analysed.

    `cut` makes a rating a decision (synthetic when at least this); None takes the middle of `scale`, unless that is a
    rating itself. `arms` names the column whose values are analysed apart and compared. `unmet` names what a claim of
    equivalence lacks (constants of `evaluation.wording`).
    """

    scale: tuple[float, float] = (1, 6)
    cut: float | None = None
    covariance: Covariance = "jackknife"
    random: Random = "both"
    margin: float | None = None
    alpha: float = 0.05
    arms: str | None = None
    unmet: Sequence[str] = (wording.NO_CONTROL, wording.MARGIN_NOT_FIXED)

    @property
    def decision_cut(self) -> float | None:
        return rates.midpoint_of(self.scale) if self.cut is None else self.cut


def summarise(readings: Sequence[Reading], options: Options) -> Json:
    """Figures of every reader, of all readers and of the arms, from readings of kind main and role real or generator.

    Raises ValueError where there is none, or where a reader rated a case twice in one arm.
    """
    main = main_readings(readings)
    if not main:
        raise ValueError("There are no main readings of real or generated films to analyse.")
    warnings: list[str] = []
    modalities = modalities_of(main, options.arms)
    ratings = ratings_by_modality(modalities)
    # Where a case is read in several values of the column, be it by one reader or by two, nothing is pooled.
    crossed = bool(options.arms) and (
        bool((ratings.read.any(1).sum(0)[ratings.synthetic] > 1).any())
        or len({(reading.reader, reading.case) for reading in main}) < len(main)
    )
    whole = None if crossed else ratings_of(main)
    if crossed:
        warnings.append("Cases were read in several arms, so there are figures of each arm but none over all arms.")
    return {
        "n": _counts(main),
        "protocol": _protocol(options),
        "readers": _readers(main, modalities, crossed, options),
        "overall": overall(whole, options, warnings) if whole else None,
        "arms": {
            name: overall(ratings.of_modality(index), options, warnings)
            for index, name in enumerate(modalities)
            if options.arms
        },
        "agreement": _agreement(whole, options) if whole else None,
        **_comparison(ratings, options, warnings),
        "warnings": list(dict.fromkeys(warnings)),
    }


def main_readings(readings: Sequence[Reading]) -> list[Reading]:
    """The readings that overall figures are made of."""
    return [reading for reading in readings if reading.kind == "main" and reading.role in MAIN_ROLES]


def modalities_of(readings: Sequence[Reading], column: str | None) -> dict[str, list[Reading]]:
    """Readings by the values of a column; a value with only real films is the common real arm of all others.

    Raises ValueError where a value has synthetic films and there is no real film to set beside them.
    """
    if not column:
        return {ONE_MODALITY: list(readings)}
    by_value: dict[str, list[Reading]] = {}
    for reading in readings:
        value = str(getattr(reading, column) if hasattr(reading, column) else reading.extra.get(column, ""))
        by_value.setdefault(value, []).append(reading)
    truths = {value: {reading.truth for reading in of_value} for value, of_value in by_value.items()}
    common = [reading for value, of_value in by_value.items() if truths[value] == {"real"} for reading in of_value]
    modalities = {}
    for value, of_value in by_value.items():
        if truths[value] == {"real"}:
            continue
        if truths[value] == {"synthetic"} and not common:
            raise ValueError(f"The arm “{value}” has no real films and there is no common real arm; add one.")
        modalities[value] = of_value if len(truths[value]) == 2 else [*common, *of_value]
    if not modalities:
        raise ValueError(f"The column “{column}” has only real films, so there is nothing to tell apart.")
    return modalities


# One reader


def _readers(
    main: Sequence[Reading], modalities: Mapping[str, Sequence[Reading]], crossed: bool, options: Options
) -> dict[str, Json]:
    figures: dict[str, Json] = {}
    for name in dict.fromkeys(reading.reader for reading in main):
        own = [reading for reading in main if reading.reader == name]
        figures[name] = reader_figures([] if crossed else own, options) | {"n": len(own)}
        if crossed:
            figures[name]["undefined"] = ["The reader read the same cases in several arms; see the figures by arm."]
        if options.arms:
            figures[name]["arms"] = {
                arm: reader_figures([reading for reading in of_arm if reading.reader == name], options)
                for arm, of_arm in modalities.items()
            }
    return figures


def reader_figures(readings: Sequence[Reading], options: Options) -> Json:
    """Rates, d′, criterion and AUC of one reader. What is not defined is null, and `undefined` says why."""
    ratings = np.array([reading.rating for reading in readings], dtype=float)
    synthetic = np.array([reading.truth == "synthetic" for reading in readings], dtype=bool)
    seconds = [reading.seconds for reading in readings if reading.seconds is not None]
    figures: Json = {
        "n": len(readings),
        "real": int((~synthetic).sum()),
        "synthetic": int(synthetic.sum()),
        "median_seconds": median(seconds) if seconds else None,
        "undefined": [],
    }
    figures |= _decisions(ratings, synthetic, options, figures["undefined"])
    figures["auc"], figures["roc"] = _auc(ratings, synthetic, figures["undefined"])
    return figures


def _decisions(ratings: np.ndarray, synthetic: np.ndarray, options: Options, undefined: list[str]) -> Json:
    names = ("accuracy", "deception_rate", "false_alarm_rate", "d_prime", "criterion")
    figures: Json = dict.fromkeys(names)
    cut = options.decision_cut
    if cut is None:
        undefined.append(
            f"The scale {options.scale[0]:g} to {options.scale[1]:g} has a midpoint, so ratings are no decisions; "
            "give a cut."
        )
        return figures
    counts = rates.counts_of(ratings, synthetic, cut)
    if counts.real + counts.synthetic:
        figures["accuracy"] = _proportion(counts.right, counts.real + counts.synthetic)
    if counts.synthetic:
        figures["deception_rate"] = _proportion(counts.synthetic - counts.hits, counts.synthetic)
    if counts.real:
        figures["false_alarm_rate"] = _proportion(counts.false_alarms, counts.real)
    if counts.real and counts.synthetic:
        figures["d_prime"] = asdict(rates.sensitivity(counts))
        figures["criterion"] = asdict(rates.criterion(counts))
    return figures


def _auc(ratings: np.ndarray, synthetic: np.ndarray, undefined: list[str]) -> tuple[Json | None, Json | None]:
    if synthetic.all() or not synthetic.any():
        undefined.append("The reader rated cases of one truth state only, so there is no AUC, d′ or criterion.")
        return None, None
    area = auc.delong(ratings, synthetic)
    if area.se is None:
        undefined.append("The AUC has no interval: its DeLong variance is zero or cannot be estimated.")
    if len(np.unique(ratings)) == 1:
        undefined.append("The reader gave every case the same rating, so the AUC of 0.5 says nothing.")
    false_alarms, hits = auc.roc_points(ratings, synthetic)
    return asdict(area), {"false_alarm_rate": false_alarms.tolist(), "hit_rate": hits.tolist()}


def _proportion(successes: int, trials: int) -> Json:
    score = wilson(successes, trials)
    return asdict(clopper_pearson(successes, trials)) | {
        "count": successes,
        "of": trials,
        "wilson": {"low": score.low, "high": score.high},
    }


# All readers


def overall(ratings: Ratings, options: Options, warnings: list[str]) -> Json:
    """Reader means of one modality with intervals that let readers and cases vary, and the equivalence test.

    Reasons for what is not defined go to `warnings`.
    """
    complete, others = ratings.with_both_truths()
    if others:
        warnings.append(
            f"Left out of the figures over readers, for having read one truth state only: {', '.join(others)}."
        )
    empty = dict.fromkeys(("obuchowski_rockette", "equivalence", "rates", "reader_means"))
    if not complete.readers:
        warnings.append("No reader read both real and synthetic films, so there are no figures over readers.")
        return empty
    _warn_of_few(len(complete.readers), options.random, warnings)
    without: Reasons = {}
    area = _mean_auc(complete, options, without)
    means = _reader_means(complete, options, without)
    warnings += [f"There is no interval for {_listed(names)}. {reason}" for reason, names in without.items()]
    return {
        "obuchowski_rockette": area,
        "equivalence": _equivalence(area, 0.5, options),
        "rates": _rates(complete, options.decision_cut),
        "reader_means": means,
    }


MERITS = {
    "deception_rate": merit.deception_rate,
    "real_rated_real": merit.real_rated_real,
    "false_alarm_rate": merit.false_alarm_rate,
    "accuracy": merit.accuracy,
    "balanced_accuracy": merit.balanced_accuracy,
    "difference_in_rated_real": merit.difference_in_rated_real,
}
# What a reader who guesses reaches, whatever the bias towards “real”. The other rates have no such value, so they are
# tested against nothing.
GUESSING = {"balanced_accuracy": 0.5, "difference_in_rated_real": 0.0}


def _mean_auc(ratings: Ratings, options: Options, without: Reasons) -> Json:
    area = merit.auc(ratings)
    mean = _reader_mean(area, partial(covariance.of_auc, ratings, options.covariance), 0.5, options, without)
    return {"auc": mean["estimate"]} | mean


def _reader_means(ratings: Ratings, options: Options, without: Reasons) -> Json | None:
    cut = options.decision_cut
    if cut is None:
        return None
    means: Json = {}
    for name, figure_of in MERITS.items():
        figure = figure_of(ratings, cut)
        means[name] = _reader_mean(figure, partial(covariance.jackknife, figure), GUESSING.get(name), options, without)
        if name in GUESSING:
            means[name]["equivalence"] = _equivalence(means[name], GUESSING[name], options)
    return means


def _reader_mean(
    figure: merit.Merit,
    covariances: Callable[[], Floats],
    against: float | None,
    options: Options,
    without: Reasons,
) -> Json:
    """One figure's reader mean by Obuchowski and Rockette; no limits, and a reason, where there is no variance."""
    estimates = figure.estimates[0]
    result: Json = {
        "estimate": float(estimates.mean()),
        "sd_between_readers": float(estimates.std(ddof=1)) if len(estimates) > 1 else None,
    }
    try:
        mean = mrmc.reader_mean(estimates, covariances(), against or 0.0, options.random)
    except ValueError as error:
        without.setdefault(str(error), []).append(figure.name)
        return result | dict.fromkeys(("se", "df", "low", "high", "p", "random", "components"))
    return result | asdict(mean) | {"p": None if against is None else mean.p, "df": _finite(mean.df)}


def _listed(names: Sequence[str]) -> str:
    """“the AUC, the accuracy and the deception rate”."""
    *first, last = (f"the {name}" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _equivalence(mean: Json, centre: float, options: Options) -> Json | None:
    if options.margin is None or mean["se"] is None:
        return None
    df = float("inf") if mean["df"] is None else mean["df"]
    test = two_one_sided_tests(
        mean["estimate"], mean["se"], df, centre=centre, margin=options.margin, alpha=options.alpha
    )
    return asdict(test) | {"statement": wording.verdict(test, mean["p"], options.unmet)}


def _rates(ratings: Ratings, cut: float | None) -> Json | None:
    if cut is None:
        return None
    figures: Json = {name: asdict(rate) for name, rate in rates.overall_rates(ratings, cut).items()}
    return figures | {"tied_films": rates.tied_films(ratings, cut)}


def _warn_of_few(readers: int, random: Random, warnings: list[str]) -> None:
    if readers == 1:
        warnings.append("There is one reader, so intervals let films vary but not readers.")
    elif readers < FEW_READERS and random != "cases":
        warnings.append(f"With {readers} readers, what is said of readers in general rests on very few of them.")


def _comparison(ratings: Ratings, options: Options, warnings: list[str]) -> Json:
    nothing: Json = {"comparison": [], "comparison_overall": None}
    if len(ratings.modalities) < 2:
        return nothing
    complete, _ = ratings.with_both_truths()
    if not complete.readers:
        warnings.append("No reader read both truth states in every arm, so arms are not compared.")
        return nothing
    try:
        result = mrmc.compare(
            merit.auc(complete).estimates, covariance.of_auc(complete, options.covariance), options.random
        )
    except ValueError as error:
        warnings.append(f"Arms are not compared. {error}")
        return nothing
    test: Json = {
        "f": result.f,
        "df1": result.df1,
        "df2": _finite(result.df2),
        "p": result.p,
        "random": result.random,
        "components": asdict(result.components),
    }
    pairs = [
        test
        | {
            "arms": [complete.modalities[first], complete.modalities[second]],
            "difference": pair.estimate,
            "se": pair.se,
            "low": pair.low,
            "high": pair.high,
            "f": (pair.estimate / pair.se) ** 2,
            "df1": 1.0,
            "df2": _finite(pair.df),
            "p": pair.p,
        }
        for (first, second), pair in result.pairs.items()
    ]
    return {"comparison": pairs, "comparison_overall": test}


# Agreement


def _agreement(ratings: Ratings, options: Options) -> Json:
    values, cut = ratings.values[0], options.decision_cut
    said = None if cut is None else np.where(np.isnan(values), np.nan, values >= cut)
    undefined: list[str] = []

    def figure(compute: Any, *arguments: Any) -> Any:
        try:
            result = compute(*arguments)
        except agreement.Undefined as reason:
            undefined.append(str(reason))
            return None
        return result if isinstance(result, float) else asdict(result)

    metrics: Sequence[agreement.Metric] = ("nominal", "ordinal", "interval")
    return {
        "fleiss_kappa": None if said is None else figure(agreement.fleiss_kappa, said),
        "gwet_ac1": None if said is None else figure(agreement.gwet_ac1, said),
        "krippendorff_alpha": {metric: figure(agreement.krippendorff_alpha, values, metric) for metric in metrics},
        "kappa_expected_from_accuracy": None
        if said is None
        else figure(agreement.expected_kappa, said, ratings.synthetic),
        "undefined": list(dict.fromkeys(undefined)),
    }


def intra_reader(readings: Sequence[Reading], options: Options) -> dict[str, Json]:
    """By reader: how a repeated film's decisions and ratings agree with the first ones, from rows of kind repeat.

    The first main reading of the case stands against every repeat of it.
    """
    first = {(reading.reader, reading.case): reading.rating for reading in readings if reading.kind == "main"}
    figures: dict[str, Json] = {}
    for name in dict.fromkeys(reading.reader for reading in readings if reading.kind == "repeat"):
        pairs = np.array(
            [
                (first[name, reading.case], reading.rating)
                for reading in readings
                if reading.kind == "repeat" and reading.reader == name and (name, reading.case) in first
            ]
        ).reshape(-1, 2)
        figures[name] = _intra(pairs, options.decision_cut)
    return figures


def _intra(pairs: np.ndarray, cut: float | None) -> Json:
    result: Json = {"n": len(pairs), "agreement": None, "kappa": None, "mean_rating_change": None, "undefined": []}
    if not len(pairs):
        result["undefined"].append("No repeated film was also read as a main film.")
        return result
    result["mean_rating_change"] = float((pairs[:, 1] - pairs[:, 0]).mean())
    if cut is None:
        return result
    said = pairs >= cut
    result["agreement"] = _proportion(int((said[:, 0] == said[:, 1]).sum()), len(said))
    try:
        result["kappa"] = asdict(agreement.cohen_kappa(said[:, 0].astype(float), said[:, 1].astype(float)))
    except agreement.Undefined as reason:
        result["undefined"].append(str(reason))
    return result


# What the figures rest on


def _counts(main: Sequence[Reading]) -> Json:
    truths = {reading.case: reading.truth for reading in main}
    real = sum(truth == "real" for truth in truths.values())
    return {
        "readers": len({reading.reader for reading in main}),
        "cases": len(truths),
        "real": real,
        "synthetic": len(truths) - real,
        "readings": len(main),
    }


def _protocol(options: Options) -> Json:
    return {
        "scale": list(options.scale),
        "cut": options.decision_cut,
        "covariance": options.covariance,
        "random": options.random,
        "alpha": options.alpha,
        "method": "Obuchowski-Rockette, Hillis' degrees of freedom",
    }


def _finite(df: float) -> float | None:
    """Infinite degrees of freedom are null: JSON knows no infinity."""
    return None if np.isinf(df) else df
