"""Do the films of one set resemble each other more than real films do? Multi-scale SSIM within a set.

A generator whose modes collapsed draws films that are alike (Odena, Olah and Shlens, ICML 2017). Multi-scale SSIM as
Wang, Simoncelli and Bovik (Asilomar 2003): five scales, Gaussian window of 11 pixels with σ = 1.5, only where it fits,
halves by means of 2 × 2; a negative contrast–structure term counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from evaluation.images.patients import numbered
from evaluation.readers.intervals import t_quantile
from evaluation.readers.ratings import Floats
from gan.pixels import FULL_SCALE, Film, resample

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
RADIUS, SIGMA = 5, 1.5
C1, C2 = 0.01**2, 0.03**2
# The least side that leaves room for the window at the fifth scale.
SIDE = (2 * RADIUS + 1) * 2 ** (len(WEIGHTS) - 1)
PAIRS = 500
BLOCKS = 10
FEWEST = 2 * BLOCKS
RULE = f"multi-scale SSIM of pairs of films of one set, bicubic antialiased to {SIDE} × {SIDE}"


@dataclass(frozen=True, slots=True)
class Similarity:
    """Mean over random pairs, with the interval of the jackknife that leaves a tenth of the films out."""

    estimate: float
    low: float
    high: float
    pairs: int


def similarity(
    real: Sequence[Film], fake: Sequence[Film], seed: int = 0, patients: Sequence[str] | None = None
) -> dict[str, Any] | None:
    """The similarity within the synthetic films beside that within as many real films of different `patients`.

    Only the films that are drawn into a pair are asked for, so that both may be read from disk as they are needed.
    None where a side has fewer than `FEWEST` films or the real ones are of fewer patients.
    """
    random = np.random.default_rng(seed)
    n = min(len(real), len(fake))
    if min(n, len(np.unique(numbered(len(real), patients)))) < FEWEST:
        return None
    sides = {"synthetic": (fake, None), "real": (real, patients)}
    within = {}
    for name, (films, whose) in sides.items():
        rows = random.permutation(len(films))[:n]
        patient_of = numbered(len(films), whose)
        pairs = _pairs(n, random)
        pairs = pairs[patient_of[rows[pairs[:, 0]]] != patient_of[rows[pairs[:, 1]]]]
        values = np.array([multi_scale_ssim(_greys(films[rows[a]]), _greys(films[rows[b]])) for a, b in pairs])
        within[name] = asdict(_mean(values, pairs * BLOCKS // n))
    return {"n": n, **within, "rule": RULE}


def multi_scale_ssim(first: Floats, second: Floats) -> float:
    """The multi-scale SSIM of two images of one shape with greys 0 … 1 and sides of `SIDE` or more."""
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast = _ssim(first, second)
        last = scale == len(WEIGHTS) - 1
        result *= max(0.0, float((luminance * contrast if last else contrast).mean())) ** weight
        first, second = _halved(first), _halved(second)
    return result


def _ssim(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """The luminance term and the contrast–structure term at every place of the window."""
    mean1, mean2 = _window(first), _window(second)
    variance1, variance2 = _window(first**2) - mean1**2, _window(second**2) - mean2**2
    covariance = _window(first * second) - mean1 * mean2
    luminance = (2 * mean1 * mean2 + C1) / (mean1**2 + mean2**2 + C1)
    return luminance, (2 * covariance + C2) / (variance1 + variance2 + C2)


def _window(image: Floats) -> Floats:
    return gaussian_filter(image, SIGMA, radius=RADIUS)[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _halved(image: Floats) -> Floats:
    rows, columns = (side // 2 for side in image.shape)
    return image[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))


def _greys(film: Film) -> Floats:
    return resample(film, SIDE).astype(np.float64) / FULL_SCALE


def _pairs(n: int, random: np.random.Generator) -> np.ndarray:
    """Random pairs of different rows, shape (pairs, 2), each pair once."""
    every = n * (n - 1) // 2
    chosen = random.choice(every, min(PAIRS, every), replace=False)
    larger = ((1 + np.sqrt(1 + 8 * chosen)) // 2).astype(int)
    return np.column_stack([larger, chosen - larger * (larger - 1) // 2])


def _mean(values: Floats, blocks: np.ndarray) -> Similarity:
    without = np.array([values[(blocks != block).all(1)].mean() for block in range(BLOCKS)])
    se = np.sqrt((BLOCKS - 1) / BLOCKS * ((without - without.mean()) ** 2).sum())
    reach = t_quantile(0.975, BLOCKS - 1) * float(se)
    mean = float(values.mean())
    return Similarity(mean, mean - reach, mean + reach, len(values))
