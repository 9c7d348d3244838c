"""The Fréchet distance finding by finding, at one n for all of them: a distance grows as its n shrinks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.images.equal_n import at_equal_n, largest_n
from evaluation.readers.ratings import Floats

FEWEST = 10
OVERALL = "overall"


def by_finding(
    real: Floats,
    fake: Floats,
    real_findings: Sequence[Collection[str]],
    fake_findings: Sequence[Collection[str]],
    *,
    seed: int = 0,
    patients: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Floor and distance of the films with each finding, and of all films, at the n that all of them can have.

    `real_findings` and `fake_findings` hold the findings of each row of features of shapes (n, d). A film with several
    findings takes part in each; all films together are the finding `OVERALL`. A finding that allows no floor at an n of
    `FEWEST` is only named, in `left_out`.
    """
    names = {name for films in (*real_findings, *fake_findings) for name in films}
    groups = {OVERALL: (np.arange(len(real)), np.arange(len(fake)))}
    groups |= {name: (_with(name, real_findings), _with(name, fake_findings)) for name in sorted(names)}
    of_patients = {name: list(np.array(patients)[ours]) if patients else None for name, (ours, _) in groups.items()}
    sizes = {
        name: largest_n(len(ours), len(theirs), seed, of_patients[name]) for name, (ours, theirs) in groups.items()
    }
    kept = [name for name in groups if sizes[name] >= FEWEST]
    n = min((sizes[name] for name in kept), default=None)
    figures = {}
    for name in kept:
        result = at_equal_n(real, fake, seed, of_patients[name], n, groups[name])
        if result:
            _, floor, distance = result
            figures[name] = {"floor": asdict(floor), "frechet": asdict(distance)}
    return {"n": n, "findings": figures, "left_out": [name for name in groups if name not in kept]}


def _with(name: str, films: Sequence[Collection[str]]) -> np.ndarray:
    return np.array([row for row, findings in enumerate(films) if name in findings], dtype=int)
