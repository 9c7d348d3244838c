"""Readers beside machines: does a cheap number go with what readers see?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def beside(readers: Mapping[str, Any], machines: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for every arm of synthetic films: what readers made of it and what machines say of it.

    `readers` maps an arm to its figures over readers (`evaluation.readers.summary.overall`), `machines` to its
    distances from the real films (`evaluation.images.distances.distances`); either may lack an arm.
    """
    return [
        {"arm": arm, **_of_readers(readers.get(arm)), **_of_machines(machines.get(arm))}
        for arm in dict.fromkeys([*readers, *machines])
    ]


def _of_readers(figures: Mapping[str, Any] | None) -> dict[str, Any]:
    area = (figures or {}).get("obuchowski_rockette") or {}
    means = (figures or {}).get("reader_means") or {}
    return {
        "auc": _interval(area),
        "deception_rate": _interval(means.get("deception_rate") or {}),
        "difference_in_rated_real": _interval(means.get("difference_in_rated_real") or {}),
    }


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
