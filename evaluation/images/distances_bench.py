"""What the distances cost: each figure from random features, with both routes in one run where there are two."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy import linalg

from evaluation.images.frechet import frechet
from evaluation.images.infinity import extrapolated
from evaluation.images.kernel import kernel_distance
from evaluation.images.neighbours import neighbours
from evaluation.readers.ratings import Floats

Figure = dict[str, Any]

WIDE = 2048
SEEDS = 100


def distance_figures(*, long: bool) -> Iterator[Figure]:
    """What the distances cost; `long` at 10,000 films a side too, and with the coverage of intervals (many minutes)."""
    yield from frechet_speed((1024, 10_000) if long else (1024,))
    yield from all_pairs(10_000 if long else 2000)
    if long:
        yield from coverage_of_nothing()


def frechet_speed(sizes: tuple[int, ...]) -> Iterator[Figure]:
    """Seconds from the arrays of features, by factors and by SciPy's matrix root of the product of covariances."""
    for n in sizes:
        real, fake = _features(n, WIDE, 1), _features(n, WIDE, 2)
        frechet(real[:300], fake[:300])
        ours, seconds = _timed(partial(frechet, real, fake))
        theirs, root_seconds = _timed(partial(by_root, real, fake))
        yield {
            "figure": f"times as fast as sqrtm, Fréchet distance of {n} and {n} films at d = {WIDE}",
            "value": round(root_seconds / seconds, 2),
            "seconds": round(seconds, 3),
            "seconds_of_sqrtm": round(root_seconds, 3),
            "relative_difference": abs(ours - theirs) / theirs,
        }


def by_root(first: Floats, second: Floats) -> float:
    """The definition: covariances, and the matrix root of their product."""
    s1, s2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    apart = ((first.mean(0) - second.mean(0)) ** 2).sum()
    return float(apart + np.trace(s1) + np.trace(s2) - 2 * np.trace(linalg.sqrtm(s1 @ s2)).real)


def all_pairs(n: int) -> Iterator[Figure]:
    """Seconds and memory of the figures that look at all pairs of films."""
    real, fake = _features(n, WIDE, 1), _features(n, WIDE, 2)
    measures: dict[str, Callable[[Floats, Floats], Any]] = {
        "precision, recall, density, coverage": neighbours,
        "kernel distance": kernel_distance,
    }
    for name, measure in measures.items():
        _, seconds = _timed(partial(measure, real, fake))
        yield {
            "figure": f"seconds, {name} of {n} and {n} films at d = {WIDE}",
            "value": round(seconds, 1),
            "features_mib": round((real.nbytes + fake.nbytes) / 2**20),
            "peak_mib_of_the_process_so_far": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
        }


def coverage_of_nothing() -> Iterator[Figure]:
    """How often the interval of the extrapolated distance holds 0 where both sides are of one Gaussian."""
    for n, d in ((150, 4), (300, 16), (400, 64)):
        held = 0
        for seed in range(SEEDS):
            result = extrapolated(_features(n, d, seed), _features(n, d, SEEDS + seed), seed)
            held += result is not None and result.low is not None and result.low <= 0 <= (result.high or 0)
        yield {"figure": f"of {SEEDS} intervals hold 0, n = {n} a side, d = {d}", "value": held}


def _features(n: int, d: int, seed: int) -> Floats:
    """Gaussian features whose variances fall as 1/i, as those of networks do."""
    return np.random.default_rng(seed).normal(size=(n, d)) / np.sqrt(np.arange(1, d + 1))


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = run()
    return result, time.perf_counter() - start
