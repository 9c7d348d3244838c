"""What the pixels of a film show beside the picture: borders, padding, greys, noise, least significant bits."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gan.pixels import FULL_SCALE, Film

# Lines and areas that vary by less than this look constant on a display of 256 greys.
ONE_GREY = FULL_SCALE / 255
# Noise that a rendered film carries makes constant areas vary by its deviation, and by chance somewhat more.
NOISE_OF_A_CONSTANT = 1.5
# Robust deviation of a normal distribution from the median of absolute values.
MEDIAN_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class PixelFeatures:
    """One film. Greys are levels of the study's grid, shares lie in 0 … 1."""

    border: int
    """Lines at the four edges, together, that are constant from end to end."""
    padding: float
    """The share of the film that the largest constant area at its edge takes."""
    distinct_levels: int
    minimum: int
    maximum: int
    noise: float
    """Robust deviation of the finest diagonal detail, in levels."""
    odd_levels: float
    """The share of pixels whose least significant bit is set."""
    bit_changes: float
    """The share of horizontal neighbours whose least significant bits differ."""

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def pixel_features(film: Film, levels: int, noise: float = 0) -> PixelFeatures:
    """The features of a film on a grid of `levels` that carries normal noise of that deviation (of 0 … 65535)."""
    tolerance = max(ONE_GREY, NOISE_OF_A_CONSTANT * noise)
    steps = np.rint(film.astype(np.float64) * (levels - 1) / FULL_SCALE).astype(np.int64)
    bits = steps & 1
    detail = (steps[1:, 1:] - steps[1:, :-1] - steps[:-1, 1:] + steps[:-1, :-1]) / 2
    return PixelFeatures(
        border=sum(constant_border(film, tolerance)),
        padding=_padding(film.astype(np.float64), tolerance),
        distinct_levels=len(np.unique(steps)),
        minimum=int(steps.min()),
        maximum=int(steps.max()),
        noise=float(MEDIAN_TO_DEVIATION * np.median(np.abs(detail))),
        odd_levels=float(bits.mean()),
        bit_changes=float((bits[:, 1:] != bits[:, :-1]).mean()),
    )


def constant_border(film: Film, tolerance: float = ONE_GREY) -> tuple[int, int, int, int]:
    """How many lines at the top, bottom, left and right are constant: their standard deviation is within `tolerance`.

    A line counts as far as it lies inside the lines that were found before, so that borders may meet in a corner.
    """
    top, left = 0, 0
    bottom, right = film.shape
    while bottom - top > 1 and right - left > 1:
        inside = film[top:bottom, left:right].astype(np.float64)
        edges = [line.std() <= tolerance for line in (inside[0], inside[-1], inside[:, 0], inside[:, -1])]
        if not any(edges):
            break
        top, bottom, left, right = top + edges[0], bottom - edges[1], left + edges[2], right - edges[3]
    rows, columns = film.shape
    return int(top), int(rows - bottom), int(left), int(columns - right)


def _padding(values: npt.NDArray[np.float64], tolerance: float) -> float:
    means = ndimage.uniform_filter(values, 3)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(values**2, 3) - means**2, 0))
    # Padding has one grey: the commonest at the edge, in bins of twice the tolerance.
    bins = (_edge_of(means) / (2 * tolerance)).astype(int)
    grey = (np.bincount(bins).argmax() + 0.5) * 2 * tolerance
    areas, _count = ndimage.label((spread <= tolerance) & (np.abs(means - grey) <= 2 * tolerance))
    sizes = np.bincount(areas.ravel())
    at_the_edge = np.setdiff1d(_edge_of(areas), [0])
    return float(sizes[at_the_edge].max(initial=0) / values.size)


def _edge_of(values: npt.NDArray) -> npt.NDArray:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
