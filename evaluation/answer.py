"""The study's answer to its primary end point: one careful sentence, and the figures that it rests on."""

from __future__ import annotations

from typing import Any

from evaluation.study import Plan
from evaluation.wording import number, p_value, percent

Json = dict[str, Any]

RANDOM = {
    "both": "readers and films random",
    "readers": "readers random, films fixed",
    "cases": "films random, readers fixed",
}


NO_INTERVAL = "There is no interval, so nothing is said beyond these readers and films."


def answer(plan: Plan, readers: Json) -> dict[str, str]:
    """`headline` in words and `figures` in numbers, from the figures of `evaluation.readers.summary.summarise`."""
    over = readers["overall"]
    if plan.primary_end_point == "auc":
        return _of_auc(over, readers)
    return _of_deception_rate(over, readers)


def _of_auc(over: Json, readers: Json) -> dict[str, str]:
    figure = over["obuchowski_rockette"]
    if figure is None:
        return _none(readers)
    name = f"Reader-averaged AUC {number(figure['estimate'])} (0.5 is guessing)"
    if over["equivalence"] is None:
        return _without_interval(name, readers)
    told = figure["estimate"] > 0.5
    return {
        "headline": over["equivalence"]["statement"] + _direction(figure, over["equivalence"], told),
        "figures": f"{name}: {_intervals(figure, over['equivalence'], 3, 1)}; {_size(readers)}.",
    }


def _of_deception_rate(over: Json, readers: Json) -> dict[str, str]:
    """Judged against the share of real films rated real, never against one half."""
    means = over["reader_means"]
    figure = means and means["difference_in_rated_real"]
    if not figure:
        return _none(readers)
    name = (
        f"Of synthetic films {percent(means['deception_rate']['estimate'])} were rated real, of real films "
        f"{percent(means['real_rated_real']['estimate'])}; difference {_points(figure['estimate'])} (0 is guessing)"
    )
    if figure["equivalence"] is None:
        return _without_interval(name, readers)
    told = figure["estimate"] < 0
    return {
        "headline": figure["equivalence"]["statement"] + _direction(figure, figure["equivalence"], told),
        "figures": f"{name}: {_intervals(figure, figure['equivalence'], 1, 100)}; {_size(readers)}.",
    }


def answer_of_pairs(choices: Json) -> dict[str, str]:
    """The answer of a study of pairs, from the figures of `evaluation.readers.pairs.summarise_pairs`."""
    over, n = choices["overall"], choices["n"]
    name = f"Mean proportion correct {percent(over['proportion_correct'])} (50 % is guessing; it estimates the AUC)"
    size = f"{n['readers']} reader{'' if n['readers'] == 1 else 's'}, {n['pairs']} pairs"
    test = over["equivalence"]
    if test is None:
        return {"headline": NO_INTERVAL, "figures": f"{name}; {size}."}
    told = over["proportion_correct"] > 0.5
    return {
        "headline": test["statement"] + _direction(over, test, told),
        "figures": f"{name}: {_intervals(over, test, 1, 100).replace('films', 'pairs')}; {size}.",
    }


def _none(readers: Json) -> dict[str, str]:
    return {"headline": "The study gives no answer.", "figures": " ".join(readers["warnings"])}


def _without_interval(name: str, readers: Json) -> dict[str, str]:
    return {
        "headline": NO_INTERVAL,
        "figures": f"{name}; {_size(readers)}.",
    }


def _direction(figure: Json, test: Json, told: bool) -> str:
    """Which way a difference goes that is shown."""
    if figure["p"] >= test["alpha"]:
        return ""
    if told:
        return " Readers told synthetic films from real ones better than by guessing."
    return " Readers took synthetic films for real more often than the real ones themselves."


def _intervals(figure: Json, test: Json, digits: int, times: float) -> str:
    """Both intervals, the p value and the margin, in the unit of the figure times `times`."""

    def span(low: float, high: float) -> str:
        return f"{number(times * low, digits)} to {number(times * high, digits)}"

    p = p_value(figure["p"])
    return (
        f"95 % interval {span(figure['low'], figure['high'])}, p {p if p.startswith('<') else f'= {p}'}, "
        f"{RANDOM[figure['random']]}; {100 * (1 - 2 * test['alpha']):g} % interval {span(test['low'], test['high'])} "
        f"for the equivalence test, margin {span(test['centre'] - test['margin'], test['centre'] + test['margin'])}"
    )


def _points(share: float) -> str:
    return f"{number(100 * share, 1)} percentage points"


def _size(readers: Json) -> str:
    n = readers["n"]
    return f"{n['readers']} reader{'' if n['readers'] == 1 else 's'}, {n['cases']} films, {n['real']} of them real"
