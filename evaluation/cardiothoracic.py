"""The cardiothoracic ratio of a frontal chest film, measured by geometry alone: nothing in it is learnt from films.

It asks of a film that was to show an enlarged heart whether its heart is large, without any classifier. It was made for
the greys of phantoms and of generators trained on them, and has not been checked on films of patients.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, gaussian_filter1d, label
from skimage.filters import threshold_otsu
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from gan.pixels import FULL_SCALE, Film, resample

Grey = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

# Phantoms with Cardiomegaly have a true ratio of at least 0.56, the others of 0.485 at most. At this measured ratio
# sensitivity and specificity were alike (0.97 each) on 1,000 phantoms, the seeds from 1,004,000 on; on 2,000 others,
# from 1,008,000 on, they were 0.99 and 0.98, the AUC 0.99 and the correlation 0.89. With an effusion 97 % cannot be
# measured, without one 2 %.
CUT_OFF = 0.467
SIDE = 128  # films are measured at this side, whatever their own
BLUR = 1.2  # pixels: finer than any border, coarser than noise and most vessels
DEEP = 0.5  # the core of a lung is at least this share as deep a basin of grey as the deepest parts of the film
SMALLEST_CORE = 0.005  # of the film; stomach gas and trachea are smaller
TOWARDS_DENSE = 0.3  # how far beyond the parting of dark and bright the lungs reach: to lung over which ribs lie
LOWER_PART = 0.4  # of the lungs' height, in which the heart's borders run upright
UNEVEN_BASES = 0.18  # of the lungs' height: the domes of most healthy phantoms differ by less
OUTSIDE, RIGHT, LEFT = 1, 2, 3


def cardiothoracic_ratio(film: Film) -> float | None:
    """Greatest width of the heart over greatest inner width of the chest on a film in canonical form.

    Both widths run from side to side across the film, so that the midline, from which a reader adds two distances,
    cancels out. It lies lower than a phantom's true ratio, by 0.03 on average, since the steepest edge lies inside the
    heart's round border. None where there is nothing to measure: where no lung, or only one, stands out dark in either
    half of the film, and where one lung ends so much higher than the other that fluid or consolidation hides the
    border of the heart and the costophrenic angle.
    """
    grey = gaussian_filter(resample(film, SIDE) / FULL_SCALE, BLUR)
    lungs = _lungs(grey)
    if lungs is None:
        return None
    # Both lungs are looked at as if they were left ones: outwards is to the right.
    right, left = lungs[:, ::-1] == RIGHT, lungs == LEFT
    bases = [int(np.flatnonzero(lung.any(axis=1))[-1]) for lung in (right, left)]
    top, base = int(np.flatnonzero((lungs > OUTSIDE).any(axis=1))[0]), max(bases)
    if base - min(bases) > UNEVEN_BASES * (base - top):
        return None
    lower = slice(int(base - LOWER_PART * (base - top)), base)
    chest_right, chest_left = _chest_wall(right), _chest_wall(left)
    heart = _heart_border(grey[lower, ::-1], chest_right.max()) + _heart_border(grey[lower], chest_left.max())
    return float(heart / (chest_right + chest_left).max())


def shows_cardiomegaly(film: Film) -> bool | None:
    """Whether the measured ratio reaches `CUT_OFF`; None where it cannot be measured."""
    ratio = cardiothoracic_ratio(film)
    return None if ratio is None else ratio >= CUT_OFF


def _lungs(grey: Grey) -> npt.NDArray[np.int32] | None:
    """OUTSIDE, RIGHT, LEFT or 0 for every pixel; None where a half of the film shows no lung."""
    cores = _cores(grey)
    if not {RIGHT, LEFT} <= set(np.unique(cores)):
        return None
    rows, columns = np.nonzero(cores)
    around = grey[rows.min() : rows.max() + SIDE // 8, columns.min() : columns.max() + 1]
    parting = threshold_otsu(around)  # type: ignore[no-untyped-call]
    limit = parting + TOWARDS_DENSE * (np.median(around[around > parting]) - parting)
    cores[:, [0, -1]] = cores[-1] = OUTSIDE
    # Where the wall of the chest is no denser than the limit, the ridge of its grey parts the lung from what is beyond.
    lungs: npt.NDArray[np.int32] = watershed(grey, cores, mask=grey < limit)  # type: ignore[no-untyped-call]
    return lungs if {RIGHT, LEFT} <= set(np.unique(lungs)) else None


def _cores(grey: Grey) -> npt.NDArray[np.int32]:
    """RIGHT and LEFT on the largest dark basin of either half of the film, if it is large enough, else 0.

    A basin is what would hold water poured on the film, grey being height, that runs off at its sides and lower edge;
    not at the upper edge, which may cut the lungs off.
    """
    rim = np.full_like(grey, grey.max())
    rim[:, [0, -1]], rim[-1] = grey[:, [0, -1]], grey[-1]
    depth = reconstruction(rim, grey, method="erosion") - grey  # type: ignore[no-untyped-call]
    basins, _ = label(depth > DEEP * np.percentile(depth, 97))
    cores = np.zeros(grey.shape, dtype=np.int32)
    areas = np.bincount(basins.ravel())
    for basin in np.argsort(areas[1:]) + 1:
        if areas[basin] >= SMALLEST_CORE * grey.size:
            half = RIGHT if np.nonzero(basins == basin)[1].mean() < SIDE / 2 else LEFT
            cores[cores == half] = 0
            cores[basins == basin] = half
    return cores


def _chest_wall(lung: Mask) -> npt.NDArray[np.float64]:
    """For every row how far from the middle of the film a lung reaches outwards, in pixels; -SIDE where none is."""
    return np.where(lung.any(axis=1), SIDE / 2 - np.argmax(lung[:, ::-1], axis=1), -SIDE)


def _heart_border(lower: Grey, wall: float) -> float:
    """How far from the middle of the film the heart reaches outwards, in pixels: at its widest its border is upright,
    so most of its edge lies in one column, while the edge of the diaphragm is spread over all."""
    falling = np.clip(-np.gradient(lower, axis=1), 0, None).sum(axis=0)
    outwards = gaussian_filter1d(falling, 1.0)[SIDE // 2 : SIDE // 2 + max(int(wall), 1)]
    return float(np.argmax(outwards)) + 0.5
