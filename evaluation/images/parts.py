"""Features a few rows at a time, in double precision, so that they may be mapped from a file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evaluation.readers.ratings import Floats

ROWS_AT_ONCE = 4096


def parts(
    features: Floats, rows: np.ndarray | None = None, at_once: int = ROWS_AT_ONCE
) -> Iterator[tuple[slice, Floats]]:
    """Slices of features of shape (n, d), or of some of their `rows`, and what is in them."""
    n = len(features) if rows is None else len(rows)
    for start in range(0, n, at_once):
        here = slice(start, min(start + at_once, n))
        yield here, np.asarray(features[here] if rows is None else features[rows[here]], dtype=np.float64)
