"""Control arms against the real films: could readers have seen a difference, and what does chance look like?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluation import wording
from evaluation.readers.all_readers import overall
from evaluation.readers.options import Options
from evaluation.readers.plain import Json
from evaluation.readers.ratings import ratings_of
from evaluation.readers.reading import Reading

CONTROL_ROLES = ("control-degraded", "control-real")


def controls_of(readings: Sequence[Reading], options: Options) -> list[Json]:
    """Every control arm that was read, against the real films; see `against_reals`."""
    arms = dict.fromkeys((row.arm, row.role) for row in readings if row.kind == "main" and row.role in CONTROL_ROLES)
    return [{"arm": arm, "role": role} | against_reals(readings, arm, options) for arm, role in arms]


def against_reals(readings: Sequence[Reading], arm: str, options: Options) -> Json:
    """The AUC of a control arm over readers, from main readings, and whether it lies above guessing.

    A second set of real films is set against the first as if it were synthetic: this is what chance looks like.
    """
    main = [reading for reading in readings if reading.kind == "main"]
    real = [reading for reading in main if reading.role == "real"]
    own = [
        replace(reading, truth="synthetic") for reading in main if reading.arm == arm and reading.role in CONTROL_ROLES
    ]
    if not own or not real:
        return {"auc": None, "detected": False}
    warnings: list[str] = []
    figures = overall(ratings_of([*real, *own]), replace(options, margin=None, draws=None), warnings)
    area = figures["obuchowski_rockette"]
    return {"auc": area, "detected": above_guessing(area), "warnings": warnings}


def lacking(controls: Sequence[Json]) -> tuple[str, ...]:
    """What a claim of equivalence lacks for want of a degraded control that readers detected."""
    degraded = [control for control in controls if control["role"] == "control-degraded"]
    if not degraded:
        return (wording.NO_CONTROL,)
    return () if all(control["detected"] for control in degraded) else (wording.CONTROL_NOT_DETECTED,)


def above_guessing(area: Json | None) -> bool:
    """The interval lies above 0.5; where all readers are perfect there is no interval and no doubt."""
    if area is None:
        return False
    return area["estimate"] == 1.0 if area["low"] is None else area["low"] > 0.5
