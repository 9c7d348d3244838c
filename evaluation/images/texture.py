"""Pixel and texture features that need no trained weights: the extractor that always works.

64 features of a film, in four groups:

- 16 greys: the means of a 4 × 4 grid of blocks;
- 8 of the histogram: mean, standard deviation, the 5, 25, 50, 75, 95 % quantiles of the grey, and the share of
  pixels at either end of the range;
- 10 of the bands: for each of 5 octaves the logarithm of the standard deviation of the band (the film minus its blurred
  self) and of its mean absolute value, so that their difference tells heavy from light tails;
- 30 of local binary patterns at 3 octaves: the roots of the shares of the 10 rotation-invariant uniform patterns of 8
  neighbours (Ojala, Pietikäinen and Mäenpää, IEEE TPAMI 2002).

From each group a constant is taken away and the rest multiplied by another, so that over 398 ChestX-ray14 films the
group's features have mean 0 and mean variance 1, nearly: no group drowns another in a distance.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from evaluation.readers.ratings import Floats
from gan.pixels import FULL_SCALE, Film, resample

VERSION = "1"
SIDE = 128
DIMENSION = 64
RULE = f"canonical pixels, bicubic antialiased to {SIDE} × {SIDE}, float"

BLOCKS = 4
BANDS = 5
PATTERN_OCTAVES = 3
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Centre and scale of each group.
GREYS, HISTOGRAM, LEVELS_OF_BANDS, PATTERNS = (0.55, 7.0), (0.45, 12.0), (-3.4, 4.5), (0.28, 36.0)
# Band energies below half a step of an 8-bit grid are not told apart.
FAINTEST = 0.5 / 255

# The 8 neighbours of a pixel in order around it.
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def features(film: Film) -> Floats:
    """The 64 features of one film of any side."""
    greys = resample(film, SIDE).astype(np.float64) / FULL_SCALE
    return np.concatenate(
        [
            _scaled(_blocks(greys), *GREYS),
            _scaled(_histogram(greys), *HISTOGRAM),
            _scaled(_bands(greys), *LEVELS_OF_BANDS),
            _scaled(_patterns(greys), *PATTERNS),
        ]
    )


def _scaled(values: Floats, centre: float, scale: float) -> Floats:
    return (values - centre) * scale


def _blocks(greys: Floats) -> Floats:
    width = SIDE // BLOCKS
    return greys.reshape(BLOCKS, width, BLOCKS, width).mean((1, 3)).ravel()


def _histogram(greys: Floats) -> Floats:
    return np.array([greys.mean(), greys.std(), *np.quantile(greys, QUANTILES), np.mean((greys <= 0) | (greys >= 1))])


def _bands(greys: Floats) -> Floats:
    values = []
    for octave in range(BANDS):
        blurred = gaussian_filter(greys, 2.0**octave, mode="nearest")
        band = greys - blurred
        values += [np.log(band.std() + FAINTEST), np.log(np.abs(band).mean() + FAINTEST)]
        greys = blurred
    return np.array(values)


def _patterns(greys: Floats) -> Floats:
    shares = []
    for _ in range(PATTERN_OCTAVES):
        shares.append(_pattern_shares(greys))
        greys = gaussian_filter(greys, 1.0, mode="nearest")[::2, ::2]
    return np.sqrt(np.concatenate(shares))


def _pattern_shares(greys: Floats) -> Floats:
    """Shares of patterns with 0 … 8 brighter neighbours in one run, and of all others."""
    inner = greys[1:-1, 1:-1]
    rows, columns = greys.shape
    brighter = np.stack(
        [greys[1 + down : rows - 1 + down, 1 + right : columns - 1 + right] > inner for down, right in AROUND]
    )
    changes = (brighter != np.roll(brighter, 1, axis=0)).sum(0)
    label = np.where(changes <= 2, brighter.sum(0), 9)
    return np.bincount(label.ravel(), minlength=10) / label.size
