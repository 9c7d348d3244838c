"""Precision and recall (Kynkäänniemi et al., NeurIPS 2019), density and coverage (Naeem et al., ICML 2020).

The ball of a point reaches to its k-th nearest other point of its own set; its rim belongs to it (≤).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.images.euclidean import Tile, exact, nearest, tiles
from evaluation.readers.ratings import Bools, Floats

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
    of_real, of_fake = _radii(real, k), _radii(fake, k)
    covered, recalled = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    inside = np.zeros(len(fake), dtype=int)
    for tile in tiles(fake, real):
        in_balls_of_real = _within(tile, fake, real, of_real[None, tile.others])
        inside[tile.rows] += in_balls_of_real.sum(1)
        covered[tile.others] |= in_balls_of_real.any(0)
        recalled[tile.others] |= _within(tile, fake, real, of_fake[tile.rows, None]).any(0)
    return Neighbours(
        precision=float((inside > 0).mean()),
        recall=float(recalled.mean()),
        density=float(inside.sum() / (k * len(fake))),
        coverage=float(covered.mean()),
    )


def _radii(rows: Floats, k: int) -> Floats:
    """Squared distances to the k-th nearest other row."""
    itself = np.arange(len(rows))
    return nearest(rows, rows, k, (itself, itself))[1][:, k - 1]


def _within(tile: Tile, first: Floats, second: Floats, squared_radii: Floats) -> Bools:
    beyond = tile.squared - squared_radii
    inside: Bools = beyond <= 0
    near = np.nonzero(np.abs(beyond) <= tile.margin)
    if len(near[0]):
        squared = exact(first, second, (near[0] + tile.rows.start, near[1] + tile.others.start))
        inside[near] = squared <= np.broadcast_to(squared_radii, inside.shape)[near]
    return inside
