"""Readers beside machines: does a cheap number go with what readers see?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def beside(readers: Mapping[str, Mapping[str, Any]], machines: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for every arm beside the real ones: what readers made of it and what machines say of it.

    `readers` maps each of these arms to what `of_ratings` or `of_choices` takes from its figures, `machines` to its
    distances from the real films (`evaluation.images.distances.distances`), where there are any.
    """
    return [{"arm": arm, **figures, **_of_machines(machines.get(arm))} for arm, figures in readers.items()]


def of_ratings(figures: Mapping[str, Any] | None) -> dict[str, Any]:
    """What stands beside machines, of the figures over readers (`evaluation.readers.all_readers.overall`) if any."""
    figures = figures or {}
    area = figures.get("obuchowski_rockette") or {}
    means = figures.get("reader_means") or {}
    return {
        "auc": _interval(area),
        "deception_rate": _interval(means.get("deception_rate") or {}),
        "difference_in_rated_real": _interval(means.get("difference_in_rated_real") or {}),
    }


def of_choices(figures: Mapping[str, Any] | None) -> dict[str, Any]:
    """What stands beside machines, of the figures over choices (`evaluation.readers.pairs.summarise_pairs`) if any."""
    figures = figures or {}
    return {"proportion_correct": _interval({**figures, "estimate": figures.get("proportion_correct")})}


def _of_machines(figures: Mapping[str, Any] | None) -> dict[str, Any]:
    figures = figures or {}
    floor = figures.get("floor")
    at_floor_n = figures.get("frechet_at_floor_n")
    return {
        "frechet": figures.get("frechet"),
        "frechet_at_floor_n": at_floor_n,
        "floor": floor,
        "times_floor": at_floor_n / floor["estimate"] if floor and floor["estimate"] > 0 else None,
        "kernel": figures.get("kernel"),
        "precision": figures.get("precision"),
        "recall": figures.get("recall"),
    }


def _interval(figure: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: figure.get(name) for name in ("estimate", "low", "high")}
