"""Whose film a row of features is, so that films of one patient stay together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def numbered(rows: int, patients: Sequence[str] | None = None) -> np.ndarray:
    """A number for each row, the same for films of one patient; an empty name is a patient of its own."""
    names = [f"patient {name}" if name else f"row {row}" for row, name in enumerate(patients or [""] * rows)]
    return np.unique(names, return_inverse=True)[1]


def shuffled(patient_of: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """All rows in a random order in which the films of a patient follow each other."""
    rank = random.permutation(patient_of.max() + 1)[patient_of]
    rows = random.permutation(len(patient_of))
    return rows[np.argsort(rank[rows], kind="stable")]
