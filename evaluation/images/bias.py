"""How the Fréchet distance and its floor fall as n grows: the bias that any one figure carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from evaluation.images.equal_n import at_equal_n, largest_n
from evaluation.readers.ratings import Floats

SIZES = (50, 70, 100, 140, 190, 270, 380, 530, 750, 1000, 1400, 2000, 2700, 3700, 5000)


def bias(
    real: Floats, fake: Floats, sizes: Sequence[int], *, seed: int = 0, patients: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Floor and distance at each n of `sizes` that the sets of shapes (n, d) allow, the smallest first."""
    most = largest_n(len(real), len(fake), seed, patients)
    for n in sorted(set(sizes)):
        result = at_equal_n(real, fake, seed, patients, n) if n <= most else None
        if result:
            yield {"n": result[0], "floor": asdict(result[1]), "frechet": asdict(result[2])}
