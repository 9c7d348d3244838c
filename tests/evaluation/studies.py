"""Whole studies as the analysis is given them: films of noise, readings by signal detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evaluation.readers.reading import Reading
from evaluation.study import Arm, CaseFilm, Deviation, Generator, Plan, StudyInput

PLAN = Plan(
    name="chest",
    title="Films & <b>drawings</b>",
    primary_end_point="auc",
    margin=0.1,
    margin_reason="Smaller differences would not change practice.",
    alpha=0.05,
    decision_cut=4,
    instruction_version="1",
    ratio_told=False,
    seed=7,
    side=24,
    levels=256,
    manifest_hash="0" * 64,
    frozen_at="1 May 2026, 09:00 UTC",
    closed_at="8 May 2026, 09:00 UTC",
    unblinded_at="9 May 2026, 09:00 UTC",
    unblinding_reason="All have read.",
)
TRUTH = {"real": "real", "control-real": "real", "generator": "synthetic", "control-degraded": "synthetic"}
# The middle of the scale is 3.5; a step of the criteria is half a standard deviation.
CRITERIA = [-1.0, -0.5, 0.0, 0.5, 1.0]


def study(
    arms: Sequence[tuple[str, str, int, float]] = (("real", "real", 20, 0.0), ("pggan", "generator", 20, 0.7)),
    readers: int = 3,
    seed: int = 1,
    plan: dict[str, Any] | None = None,
    **fields: Any,
) -> StudyInput:
    """`arms` gives name, role, films and how far the films stand out (d′) of each."""
    random = np.random.default_rng(seed)
    films, readings = [], []
    for name, role, count, d_prime in arms:
        for number in range(count):
            case = f"{name}-{number}"
            pixels = random.integers(0, 256, (24, 24)).astype(np.uint16) * 257
            films.append(CaseFilm(case, name, pixels, f"{name}-patient-{number}" if role == "real" else ""))
            look = random.normal(0, 0.4)
            for reader in range(1, readers + 1):
                seen = d_prime - 0.35 + look + random.normal(0, 0.9)
                rating = 1 + int(np.searchsorted(CRITERIA, seen))
                readings.append(reading(f"R{reader}", case, name, role, rating, number))
    return StudyInput(
        plan=replace(PLAN, **(plan or {})),
        arms=[arm(name, role, count) for name, role, count, _ in arms],
        readings=readings,
        films=films,
        environment={"readerstudy": "0.1.0"},
        **({"blinding": "passed"} | fields),
    )


def arm(name: str, role: Any, films: int) -> Arm:
    generators = [Generator(name, "1" * 64, "64 × 64 pixels")] if TRUTH[role] == "synthetic" else []
    return Arm(name, role, films, "collection x", "plain random draw", generators=generators)


def reading(
    reader: str, case: str, arm: str, role: Any, rating: float, position: int = 1, kind: Any = "main"
) -> Reading:
    return Reading(
        reader,
        case,
        TRUTH[role],
        rating,
        arm=arm,
        role=role,
        kind=kind,
        position=position + 1,
        seconds=6.0,  # type: ignore[arg-type]
    )


def rated(given: StudyInput, rule: Any) -> StudyInput:
    """The same study with `rule(reading)` as every rating."""
    return replace(given, readings=[replace(row, rating=rule(row)) for row in given.readings])


def withdrawn(given: StudyInput, reader: str) -> StudyInput:
    """The study without a reader, as the caller hands it over."""
    left_out = sum(row.reader == reader for row in given.readings)
    deviation = Deviation("reader withdrawn", "Took back the consent.", "2 May 2026", reader, left_out)
    return replace(given, readings=[row for row in given.readings if row.reader != reader], deviations=[deviation])
