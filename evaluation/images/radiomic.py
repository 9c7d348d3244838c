"""Radiomic features of a whole film, as the Image Biomarker Standardisation Initiative names them.

48 features of the greys on a grid of 256 × 256:

- 12 first-order features of the greys, and 4 of each of 3 Laplacians of Gaussians (Zwanenburg et al., Radiology 2020);
- 6 features of the grey level co-occurrence matrix (Haralick, Shanmugam and Dinstein, IEEE TSMC 1973) of 32 fixed
  levels at 4 distances, symmetric, each the mean over 4 directions; entropies in natural units.

What has a heavy tail over films is taken as its logarithm, so that one odd film is not all of a distance.
From each feature its mean is taken away and the rest divided by its standard deviation, both over 398 ChestX-ray14
films, so that no unit drowns another in a distance.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_laplace
from scipy.stats import iqr, kurtosis, skew
from skimage.feature import graycomatrix, graycoprops

from evaluation.images.radiomic_scale import MEAN_AND_SPREAD
from evaluation.readers.ratings import Floats
from gan.pixels import FULL_SCALE, Film, resample

VERSION = "1"
SIDE = 256
LEVELS = 32
RULE = f"canonical pixels, bicubic antialiased to {SIDE} × {SIDE}, float; co-occurrence of {LEVELS} levels"
SIGMAS = (1, 2, 4)
DISTANCES = (1, 2, 4, 8)
DIRECTIONS = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
CO_OCCURRENCE = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation", "entropy")


def features(film: Film) -> Floats:
    """The scaled features of one film of any side."""
    values = measured(resample(film, SIDE).astype(np.float64) / FULL_SCALE)
    return np.array([(values[name] - mean) / spread for name, (mean, spread) in MEAN_AND_SPREAD.items()])


def measured(greys: Floats) -> dict[str, float]:
    """The features by name, of greys (side, side) of 0 … 1, in their own units.

    A moment or a correlation of what does not vary counts as 0.
    """
    levels = np.minimum((greys * LEVELS).astype(np.uint8), LEVELS - 1)
    values = _first_order(greys, levels) | _co_occurrence(levels)
    for sigma in SIGMAS:
        values |= _edges(gaussian_laplace(greys, sigma, mode="nearest") * sigma**2, f"laplacian {sigma}")
    return values


def _first_order(greys: Floats, levels: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(greys, [0.1, 0.5, 0.9])
    inner = greys[(greys >= low) & (greys <= high)]
    shares = np.bincount(levels.ravel(), minlength=LEVELS) / levels.size
    some = shares[shares > 0]
    return {
        "mean": greys.mean(),
        "standard deviation": greys.std(),
        "skewness": _moment(skew(greys, axis=None)),
        "excess kurtosis": _moment(kurtosis(greys, axis=None)),
        "10th percentile": low,
        "median": middle,
        "90th percentile": high,
        "interquartile range": iqr(greys),
        "mean absolute deviation": np.abs(greys - greys.mean()).mean(),
        "robust mean absolute deviation": np.abs(inner - inner.mean()).mean(),
        "entropy": -(some * np.log(some)).sum(),
        "log uniformity": np.log((shares**2).sum()),
    }


def _edges(filtered: Floats, name: str) -> dict[str, float]:
    return {
        f"{name}: mean absolute": np.abs(filtered).mean(),
        f"{name}: standard deviation": filtered.std(),
        f"{name}: skewness": _moment(skew(filtered, axis=None)),
        f"{name}: log kurtosis": np.log(_moment(kurtosis(filtered, axis=None, fisher=False)) + 1),
    }


def _co_occurrence(levels: np.ndarray) -> dict[str, float]:
    matrices = graycomatrix(levels, DISTANCES, DIRECTIONS, levels=LEVELS, symmetric=True, normed=True)  # type: ignore[no-untyped-call]
    values = {name: graycoprops(matrices, name).mean(1) for name in CO_OCCURRENCE}  # type: ignore[no-untyped-call]
    values["log ASM"] = np.log(values.pop("ASM"))
    return {
        f"{name} at {distance}": float(value)
        for name, means in values.items()
        for distance, value in zip(DISTANCES, means, strict=True)
    }


def _moment(value: float) -> float:
    return float(np.nan_to_num(value))
