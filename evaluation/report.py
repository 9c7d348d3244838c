"""The report of a study: one self-contained page, and beside it the same figures as JSON and the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from pathlib import Path
from random import Random
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evaluation import figures
from evaluation.answer import RANDOM
from evaluation.plain_json import write_json
from evaluation.readers import binormal
from evaluation.readers.imrmc import write_imrmc
from evaluation.readers.pair_table import write_pairs
from evaluation.readers.table import write_table
from evaluation.study import CaseFilm, StudyInput
from evaluation.wording import number, p_value, percent

REPORT, FIGURES, ANSWERS, IMRMC = "report.html", "report.json", "answers.csv", "answers.imrmc"
FILMS_ON_A_SHEET = 24

ROLES = {
    "real": "real",
    "generator": "generator",
    "control-degraded": "degraded control",
    "control-real": "real control",
}
BLINDING = {
    None: "not checked",
    "passed": "checked; nothing but the picture tells real films from synthetic ones",
    "open": "checked with too few films to exclude that something beside the picture tells them apart",
    "leak": "checked; something beside the picture tells real films from synthetic ones",
}
PAIRS = "pairs"
QUESTIONS = {
    "rating": "a six-point rating of each film",
    "confidence": "real or synthetic, then how sure, which together are a six-point rating of each film",
    PAIRS: "which film of a real and a synthetic one, side by side, is synthetic",
}
END_POINT_OF_PAIRS = "mean proportion correct against 50 %"
END_POINTS = {
    "auc": "reader-averaged AUC against 0.5",
    "deception_rate": "deception rate against real films rated real",
}


def write_report(analysis: Mapping[str, Any], study: StudyInput, folder: Path) -> Path:
    """Write report.html, report.json, answers.csv and, of ratings, answers.imrmc into `folder`; return the page's path.

    `analysis` is the result of `evaluation.analysis.analyse` on `study`. Each file is written whole or not at all, the
    page last.
    """
    page = render(analysis, study)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FIGURES, analysis)
    if analysis["plan"]["question"] == PAIRS:
        write_pairs(folder / ANSWERS, study.choices)
    else:
        write_table(folder / ANSWERS, study.readings)
        write_imrmc(folder / IMRMC, study.readings)
    path = folder / REPORT
    partial = path.with_name(path.name + ".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)
    return path


def render(analysis: Mapping[str, Any], study: StudyInput) -> str:
    """The page as text."""
    plan = analysis["plan"]
    of_pairs = plan["question"] == PAIRS
    return (
        _environment()
        .get_template("pairs.html" if of_pairs else "report.html")
        .render(
            analysis,
            of_pairs=of_pairs,
            roles=ROLES,
            questions=QUESTIONS,
            end_point=END_POINT_OF_PAIRS if of_pairs else END_POINTS[plan["primary_end_point"]],
            random_words=RANDOM,
            blinding_words=BLINDING,
            of_what_is_not_shown=binormal.REASONS,
            files={"figures": FIGURES, "answers": ANSWERS, "imrmc": "" if of_pairs else IMRMC},
            sheets=_sheets(analysis["arms"], study.films, plan["seed"]),
            copies=_nearest_training(analysis["images"]["arms"], study),
            **(_figures_of_pairs if of_pairs else _figures_of_ratings)(analysis),
        )
    )


def _figures_of_ratings(analysis: Mapping[str, Any]) -> dict[str, str | None]:
    readers = analysis["readers"]
    mean, margin = readers["overall"]["obuchowski_rockette"], analysis["plan"]["margin"]
    return {
        "roc_figure": figures.roc(readers["readers"]),
        "areas_figure": figures.areas(readers["readers"], mean, margin),
        "ratings_figure": figures.ratings(analysis["ratings"]),
    }


def _figures_of_pairs(analysis: Mapping[str, Any]) -> dict[str, str | None]:
    choices = analysis["choices"]
    mean = _of_choices(choices["overall"])
    return {"proportions_figure": figures.proportions(choices["readers"], mean, analysis["plan"]["margin"])}


def _sheets(arms: Sequence[Mapping[str, Any]], films: Sequence[CaseFilm], seed: int) -> list[dict[str, Any]]:
    """A contact sheet of every arm, drawn at random by the study's seed and not picked."""
    sheets = []
    for arm in arms:
        own = sorted((film for film in films if film.arm == arm["name"]), key=lambda film: film.case)
        if own:
            shown = Random(f"{seed}:{arm['name']}:report").sample(own, min(FILMS_ON_A_SHEET, len(own)))
            sheets.append(
                {
                    "arm": arm,
                    "shown": len(shown),
                    "of": len(own),
                    "columns": min(figures.COLUMNS, len(shown)),
                    "image": figures.contact_sheet([film.pixels for film in shown]),
                }
            )
    return sheets


def _nearest_training(arms: Mapping[str, Any], study: StudyInput) -> list[dict[str, Any]]:
    """Of every arm with training films the drawn films that come nearest to one, above their nearest."""
    sheets = []
    for name, of_arm in arms.items():
        in_pixels = (of_arm["memorisation"] or {}).get("in_pixels")
        if in_pixels:
            pairs = in_pixels["pairs"][: figures.COLUMNS]
            drawn = [film.pixels for film in study.films if film.arm == name]
            training = study.training[name].films
            shown = [drawn[pair["synthetic"]] for pair in pairs] + [training[pair["real"]] for pair in pairs]
            sheets.append(
                {"arm": name, "columns": len(pairs), "image": figures.contact_sheet(shown, columns=len(pairs))}
            )
    return sheets


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evaluation"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "p": p_value,
        "share_with_limits": _share_with_limits,
        "of_choices": _of_choices,
        "with_limits": _with_limits,
        "with_error": _with_error,
        "significant": _significant,
    }
    return environment


def _share_with_limits(figure: Mapping[str, Any] | None, signed: bool = False) -> str:
    """“52.0 % (42.1 – 61.9)”; the limits of a share are cut at 0 and 100 %."""
    if figure is None or figure["estimate"] is None:
        return "–"
    low, high = (figure["low"], figure["high"]) if signed else _cut(figure)
    if low is not None and high is not None:
        low, high = 100 * low, 100 * high
    return _limited(percent(figure["estimate"]), low, high, 1)


def _of_choices(over: Mapping[str, Any]) -> dict[str, Any]:
    """The mean proportion correct as a figure with limits."""
    return {"estimate": over["proportion_correct"], "low": over["low"], "high": over["high"]}


def _with_limits(figure: Mapping[str, Any] | None, digits: int = 3, bounded: bool = False) -> str:
    """“0.531 (0.472 – 0.590)”; the limits of a bounded figure are cut at 0 and 1."""
    if figure is None or figure["estimate"] is None:
        return "–"
    low, high = _cut(figure) if bounded else (figure["low"], figure["high"])
    return _limited(number(figure["estimate"], digits), low, high, digits)


def _limited(estimate: str, low: float | None, high: float | None, digits: int) -> str:
    """An estimate and its limits, in an element of their own so that they can go below it."""
    if low is None or high is None:
        return estimate
    limits = f"({number(low, digits)} – {number(high, digits)})"
    return Markup('{} <span class="limits">{}</span>').format(estimate, limits)


def _with_error(figure: Mapping[str, Any] | None, digits: int = 2) -> str:
    return "–" if figure is None else f"{number(figure['estimate'], digits)} ± {number(figure['se'], digits)}"


def _significant(value: float | None) -> str:
    """Three significant digits, never as a power of ten."""
    if not value:
        return "–" if value is None else "0"
    return number(value, max(0, 2 - floor(log10(abs(value)))))


def _cut(figure: Mapping[str, Any]) -> tuple[float | None, float | None]:
    if figure["low"] is None:
        return None, None
    return max(0.0, figure["low"]), min(1.0, figure["high"])
