"""Precision and recall (Kynkäänniemi et al., NeurIPS 2019), density and coverage (Naeem et al., ICML 2020).

The ball of a point reaches to its k-th nearest other point of its own set; its rim belongs to it (≤).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.readers.ratings import Floats

ROWS_AT_ONCE = 1024
RULE = "<="


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Shares of 0 … 1; density can exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbours(real: Floats, fake: Floats, k: int = 5) -> Neighbours:
    """Precision, recall, density and coverage of features of shapes (n, d). Each side needs more than `k` rows."""
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(f"With k = {k} each side needs more than {k} films, not {len(real)} and {len(fake)}.")
    real_radii, fake_radii = _radii(real, k), _radii(fake, k)
    covered = np.zeros(len(real), dtype=bool)
    inside, recalled = np.empty(len(fake), dtype=int), np.zeros(len(real), dtype=bool)
    for rows, distances in _distances(fake, real):
        in_real_balls = distances <= real_radii[None, :]
        inside[rows] = in_real_balls.sum(1)
        covered |= in_real_balls.any(0)
        recalled |= (distances <= fake_radii[rows, None]).any(0)
    return Neighbours(
        precision=float((inside > 0).mean()),
        recall=float(recalled.mean()),
        density=float(inside.sum() / (k * len(fake))),
        coverage=float(covered.mean()),
    )


def nearest(rows: Floats, among: Floats) -> tuple[np.ndarray, Floats]:
    """For every row the index of its nearest row of `among` and the distance to it."""
    index, distance = np.empty(len(rows), dtype=int), np.empty(len(rows))
    for part, distances in _distances(rows, among):
        index[part] = distances.argmin(1)
        distance[part] = distances.min(1)
    return index, distance


def nearest_other(rows: Floats) -> Floats:
    """For every row the distance to its nearest other row."""
    return _radii(rows, 1)


def _radii(rows: Floats, k: int) -> Floats:
    radii = np.empty(len(rows))
    for part, distances in _distances(rows, rows):
        here = np.arange(len(distances))
        distances[here, part.start + here] = np.inf
        radii[part] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii


def _distances(first: Floats, second: Floats) -> Iterator[tuple[slice, Floats]]:
    """Euclidean distances by slices of `first`, so that memory stays bounded."""
    squares = (second**2).sum(1)
    for start in range(0, len(first), ROWS_AT_ONCE):
        part = first[start : start + ROWS_AT_ONCE]
        squared = (part**2).sum(1)[:, None] + squares[None, :] - 2 * part @ second.T
        yield slice(start, start + len(part)), np.sqrt(np.maximum(squared, 0))
