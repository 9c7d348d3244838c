"""The AUCs of several arms against each other, as plain values."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from itertools import combinations

from evaluation.readers import covariance, merit, moments, mrmc, one_shot
from evaluation.readers.all_readers import RATES
from evaluation.readers.options import Options
from evaluation.readers.plain import Json, finite, limits
from evaluation.readers.ratings import Ratings

OBUCHOWSKI_ROCKETTE, ONE_SHOT = "Obuchowski-Rockette", "one shot"
FIELDS = ("difference", "se", "low", "high", "f", "df1", "df2", "p", "random", "components", "few_readers", "method")


def comparison(ratings: Ratings, options: Options, warnings: list[str]) -> Json:
    """`comparison` has an entry for every pair of arms, `comparison_overall` the omnibus test of all of them.

    Of the AUCs; under `rates` an entry has the differences of the rates that can be compared.

    By Obuchowski and Rockette from the readers who read both truth states in every arm. Without such readers, as where
    arms have readers of their own, by U-statistics, and then there is no omnibus test.
    """
    nothing: Json = {"comparison": [], "comparison_overall": None}
    if len(ratings.modalities) < 2:
        return nothing
    complete, others = ratings.with_both_truths()
    by_model = _by_model(complete, options, warnings)
    of_rates = _of_rates(complete, options)
    if others and complete.readers:
        warnings.append(
            "Arms are compared by the readers who read both truth states in every arm; the one-shot analysis takes "
            f"{', '.join(others)} too."
        )
    of_all = moments.auc(ratings)
    means = merit.auc(complete).estimates.mean(1) if complete.readers else None
    pairs: list[Json] = []
    for first, second in combinations(range(len(ratings.modalities)), 2):
        shot = _one_shot(of_all, first, second, options)
        pair = _pair(by_model, first, second) if by_model else _from_one_shot(shot)
        if pair["difference"] is None and means is not None:
            # Without a variance there is no interval, but the difference is there.
            pair["difference"] = float(means[first] - means[second])
        arms = [ratings.modalities[first], ratings.modalities[second]]
        rates = {name: _interval(result, first, second) for name, result in of_rates.items()}
        pairs.append({"arms": arms} | pair | {"rates": rates, "one_shot": shot})
    if not by_model and any(pair["method"] == ONE_SHOT for pair in pairs):
        warnings.append("Arms are compared by the one-shot analysis, which needs no reader to have read all of them.")
    return {"comparison": pairs, "comparison_overall": _test(by_model) if by_model else None}


def _by_model(ratings: Ratings, options: Options, warnings: list[str]) -> mrmc.Comparison | None:
    if not ratings.readers:
        warnings.append("No reader read both truth states in every arm.")
        return None
    try:
        return mrmc.compare(
            merit.auc(ratings).estimates, covariance.of_auc(ratings, options.covariance), options.random
        )
    except ValueError as error:
        warnings.append(f"Arms are not compared by Obuchowski and Rockette's model. {error}")
        return None


def _of_rates(ratings: Ratings, options: Options) -> dict[str, mrmc.Comparison]:
    """Every rate that differs between arms; false alarms on common real films, for one, are the same in all of them."""
    cut = options.decision_cut
    if cut is None or not ratings.readers:
        return {}
    found = {}
    for name, (figure_of, _) in RATES.items():
        figure = figure_of(ratings, cut)
        with suppress(ValueError):
            found[name] = mrmc.compare(figure.estimates, covariance.jackknife(figure), options.random)
    return found


def _test(result: mrmc.Comparison) -> Json:
    return {
        "f": result.f,
        "df1": result.df1,
        "df2": finite(result.df2),
        "p": result.p,
        "random": result.random,
        "components": asdict(result.components),
        "method": OBUCHOWSKI_ROCKETTE,
    }


def _pair(result: mrmc.Comparison, first: int, second: int) -> Json:
    pair = _interval(result, first, second)
    return _test(result) | pair | {"f": (pair["difference"] / pair["se"]) ** 2, "df1": 1.0}


def _interval(result: mrmc.Comparison, first: int, second: int) -> Json:
    pair = result.pairs[first, second]
    return {
        "difference": pair.estimate,
        "se": pair.se,
        "low": pair.low,
        "high": pair.high,
        "df2": finite(pair.df),
        "p": pair.p,
        "few_readers": limits(pair.few_readers),
    }


def _one_shot(of: moments.Moments, first: int, second: int, options: Options) -> Json | None:
    try:
        shot = one_shot.difference(of, first, second, random=options.random)
    except ValueError:
        return None
    return asdict(shot) | {"df": finite(shot.df)}


def _from_one_shot(shot: Json | None) -> Json:
    if shot is None:
        return dict.fromkeys(FIELDS)
    return {
        "difference": shot["estimate"],
        "se": shot["variance"] ** 0.5,
        "low": shot["low"],
        "high": shot["high"],
        "f": shot["estimate"] ** 2 / shot["variance"],
        "df1": 1.0,
        "df2": shot["df"],
        "p": shot["p"],
        "random": shot["random"],
        "components": None,
        "few_readers": None,
        "method": ONE_SHOT,
    }
