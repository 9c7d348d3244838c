"""Euclidean distances between many rows, in bounded memory, and exact where it matters.

x² + y² − 2 x·y is quick, but what is left of it for rows that are the same is noise. So pairs that a comparison hangs
on are computed again from the differences: copies are at distance 0, and what lies on a rim lies on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.images.parts import parts
from evaluation.readers.ratings import Floats

ROWS_AT_ONCE = 2048
PAIRS_AT_ONCE = 4096
# Candidates beyond the k nearest, among which the quick distances may err in the order.
SPARE = 8


@dataclass(frozen=True, eq=False)
class Tile:
    """Quick squared distances of some rows to some others, wrong by no more than `margin`."""

    rows: slice
    others: slice
    squared: Floats
    margin: float


def tiles(first: Floats, second: Floats) -> Iterator[Tile]:
    """All pairs of rows of features of shapes (n₁, d) and (n₂, d), tile by tile, along the second first."""
    d = first.shape[1]
    centre = next(parts(second, at_once=ROWS_AT_ONCE))[1].mean(0)
    for here, ours in parts(first, at_once=ROWS_AT_ONCE):
        ours = ours - centre
        squares = (ours**2).sum(1)
        for there, theirs in parts(second, at_once=ROWS_AT_ONCE):
            theirs = theirs - centre
            other_squares = (theirs**2).sum(1)
            squared = ours @ theirs.T
            squared *= -2
            squared += squares[:, None]
            squared += other_squares
            largest = float(squares.max() + other_squares.max())
            yield Tile(here, there, squared, (d + 8) * float(np.finfo(float).eps) * largest)


def exact(first: Floats, second: Floats, pairs: tuple[np.ndarray, np.ndarray]) -> Floats:
    """Squared distances of pairs of rows, from their differences."""
    ours, theirs = pairs
    squared = np.empty(len(ours))
    for start in range(0, len(ours), PAIRS_AT_ONCE):
        here = slice(start, start + PAIRS_AT_ONCE)
        # Not the rounding of a narrower type: a difference of two such numbers may need more digits than they have.
        differences = np.subtract(first[ours[here]], second[theirs[here]], dtype=np.float64)
        squared[here] = (differences**2).sum(1)
    return squared


def nearest(
    rows: Floats, among: Floats, k: int = 1, apart: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, Floats]:
    """The `k` nearest rows of `among` to every row, nearest first: indices and exact squared distances, (n, k).

    `apart` numbers the rows and those among which is searched; rows of one number are no neighbours of each other.
    Where there are not enough others, distances are infinite.
    """
    kept = min(k + SPARE, len(among))
    index, quick = np.zeros((len(rows), kept), dtype=int), np.full((len(rows), kept), np.inf)
    for tile in tiles(rows, among):
        if apart:
            tile.squared[apart[0][tile.rows, None] == apart[1][tile.others]] = np.inf
        few = min(kept, tile.squared.shape[1])
        best = np.argpartition(tile.squared, few - 1, axis=1)[:, :few]
        distances = np.concatenate([quick[tile.rows], np.take_along_axis(tile.squared, best, 1)], axis=1)
        numbers = np.concatenate([index[tile.rows], best + tile.others.start], axis=1)
        best = np.argpartition(distances, kept - 1, axis=1)[:, :kept]
        quick[tile.rows] = np.take_along_axis(distances, best, 1)
        index[tile.rows] = np.take_along_axis(numbers, best, 1)
    squared = np.full(quick.shape, np.inf)
    there = np.isfinite(quick)
    squared[there] = exact(rows, among, (np.nonzero(there)[0], index[there]))
    order = np.lexsort((index, squared))[:, :k]
    return np.take_along_axis(index, order, 1), np.take_along_axis(squared, order, 1)
