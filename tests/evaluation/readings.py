"""Readings for these tests, from plain tables of ratings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.readers.ratings import Ratings, ratings_of
from evaluation.readers.reading import Reading


def readings(
    ratings: Sequence[Sequence[float | None]], synthetic: Sequence[int], arm: str = "", first_case: int = 0
) -> list[Reading]:
    """One reading per cell of `ratings`, readers down and cases across; None was not read. `synthetic` is 0 or 1."""
    return [
        Reading(
            reader=f"R{reader}",
            case=f"c{case + first_case}",
            truth="synthetic" if synthetic[case] else "real",
            rating=rating,
            arm=arm,
            role="generator" if synthetic[case] else "real",
            seconds=5.0,
        )
        for reader, row in enumerate(ratings, 1)
        for case, rating in enumerate(row)
        if rating is not None
    ]


def table(ratings: Sequence[Sequence[float | None]], synthetic: Sequence[int]) -> Ratings:
    return ratings_of(readings(ratings, synthetic))


def drawn(readers: int, real: int, synthetic: int, d_prime: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ratings 1 … 6 of shape (readers, cases) from equal-variance signal detection, and which cases are synthetic."""
    random = np.random.default_rng(seed)
    truth = np.repeat([0, 1], [real, synthetic])
    look = random.normal(0, 0.4, real + synthetic)
    seen = d_prime * truth + look + random.normal(0, 0.9, (readers, real + synthetic))
    return 1.0 + np.searchsorted([-1.0, -0.4, 0.2, 0.8, 1.4], seen), truth
