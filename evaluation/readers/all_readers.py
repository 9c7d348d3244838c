"""The figures over all readers of one modality, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial

from evaluation import wording
from evaluation.readers import bootstrap, covariance, merit, moments, mrmc, one_shot, rates
from evaluation.readers.equivalence import two_one_sided_tests
from evaluation.readers.mrmc import Random
from evaluation.readers.options import Options
from evaluation.readers.plain import Json, finite, limits
from evaluation.readers.ratings import Floats, Ratings

# Why figures have no interval, and the names of those figures: what several share is said once.
Reasons = dict[str, list[str]]

FEW_READERS = 5
# Each rate's values by reader, and its terms for the one-shot analysis.
RATES = {
    "deception_rate": (merit.deception_rate, moments.deception_rate),
    "real_rated_real": (merit.real_rated_real, moments.real_rated_real),
    "false_alarm_rate": (merit.false_alarm_rate, moments.false_alarm_rate),
    "accuracy": (merit.accuracy, moments.accuracy),
    "balanced_accuracy": (merit.balanced_accuracy, moments.balanced_accuracy),
    "difference_in_rated_real": (merit.difference_in_rated_real, moments.difference_in_rated_real),
}
# What a reader who guesses reaches, whatever the bias towards “real”. The other rates have no such value, so they are
# tested against nothing.
GUESSING = {"balanced_accuracy": 0.5, "difference_in_rated_real": 0.0}
FIGURES = ("obuchowski_rockette", "one_shot", "equivalence", "rates", "reader_means")


def overall(ratings: Ratings, options: Options, warnings: list[str]) -> Json:
    """Reader means of one modality with intervals that let readers and cases vary, and the equivalence test.

    Reasons for what is not defined stand under `undefined`, and in `warnings`.
    """
    complete, others = ratings.with_both_truths()
    without: Reasons = {}
    undefined: list[str] = []
    figures: Json = dict.fromkeys(FIGURES) | {"rates": _rates(ratings, options.decision_cut)}
    if complete.readers:
        figures |= _of_areas(complete, ratings, options, without)
        if others:
            warnings.append(f"Left out of the reader means, for having read one truth state only: {', '.join(others)}.")
    else:
        undefined.append("No reader read both real and synthetic films, so there is no AUC.")
    if options.decision_cut is None:
        undefined.append("The scale has a midpoint, so ratings are no decisions and there are no rates; give a cut.")
    counted = complete if complete.readers else ratings
    _warn_of_few(len(counted.readers), options.random, warnings)
    figures["reader_means"] = _reader_means(counted, ratings, options, without)
    if options.draws and complete.readers:
        figures["bootstrap"] = _bootstrap(complete, options, warnings)
    undefined += [f"There is no interval for {listed(names)}. {reason}" for reason, names in without.items()]
    warnings += undefined
    return figures | {"undefined": undefined}


def _of_areas(complete: Ratings, ratings: Ratings, options: Options, without: Reasons) -> Json:
    area = _mean_auc(complete, options, without)
    shot = _one_shot(moments.auc(ratings), 0.5, options, without)
    return {
        "obuchowski_rockette": area,
        "one_shot": {"auc": shot["estimate"]} | shot,
        "equivalence": _equivalence(area, 0.5, options),
    }


def _mean_auc(ratings: Ratings, options: Options, without: Reasons) -> Json:
    area = merit.auc(ratings)
    mean = _reader_mean(area, partial(covariance.of_auc, ratings, options.covariance), 0.5, options, without)
    return {"auc": mean["estimate"]} | mean


def _reader_means(counted: Ratings, ratings: Ratings, options: Options, without: Reasons) -> Json | None:
    """Every rate's reader mean; None for what needs a truth state that a reader did not see."""
    cut = options.decision_cut
    if cut is None:
        return None
    means: Json = dict.fromkeys(RATES)
    for name, (figure_of, moments_of) in RATES.items():
        try:
            figure = figure_of(counted, cut)
        except ValueError:
            continue
        means[name] = _reader_mean(figure, partial(covariance.jackknife, figure), GUESSING.get(name), options, without)
        means[name]["one_shot"] = _one_shot(moments_of(ratings, cut), GUESSING.get(name), options, without)
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
        return result | dict.fromkeys(("se", "df", "low", "high", "p", "random", "components", "few_readers"))
    tested = asdict(mean) | {"df": finite(mean.df), "few_readers": limits(mean.few_readers)}
    if against is None:
        tested["p"] = None
        tested["few_readers"] = tested["few_readers"] and tested["few_readers"] | {"p": None}
    return result | tested


def _one_shot(of: moments.Moments, against: float | None, options: Options, without: Reasons) -> Json:
    """One figure by U-statistics, each reader weighing by what he or she read; a reason where there is no variance."""
    size = float(of.sizes.sum())
    estimate = float(of.totals.sum()) / size if size else None
    try:
        shot = one_shot.reader_mean(of, against, random=options.random)
    except ValueError as error:
        if not any(of.name in names for names in without.values()):
            without.setdefault(str(error), []).append(f"{of.name} in one shot")
        return {"estimate": estimate} | dict.fromkeys(("variance", "statistic", "df", "low", "high", "p", "random"))
    return asdict(shot) | {"df": finite(shot.df)}


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
    figures: Json = {name: rate and asdict(rate) for name, rate in rates.overall_rates(ratings, cut).items()}
    return figures | {"tied_films": rates.tied_films(ratings, cut)}


def _bootstrap(ratings: Ratings, options: Options, warnings: list[str]) -> Json | None:
    try:
        return asdict(bootstrap.reader_case(ratings, draws=options.draws or 0, seed=options.seed))
    except ValueError as error:
        warnings.append(str(error))
        return None


def listed(names: Sequence[str]) -> str:
    """“the AUC, the accuracy and the deception rate”."""
    *first, last = (f"the {name}" for name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _warn_of_few(readers: int, random: Random, warnings: list[str]) -> None:
    if readers == 1:
        warnings.append("There is one reader, so intervals let films vary but not readers.")
    elif readers < FEW_READERS and random != "cases":
        warnings.append(f"With {readers} readers, what is said of readers in general rests on very few of them.")
        if readers <= mrmc.VERY_FEW_READERS and random == "both":
            warnings.append(
                "The 95 % intervals of so few readers, as published, hold the truth in 89 to 94 of 100 studies only; "
                "those under few_readers in at least 94."
            )
