"""Payloads: every case of a study passes `render`, to one matrix and one grid of grey levels."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from gan.pixels import FULL_SCALE, HIGH_PERCENTILE, LOW_PERCENTILE, Film, quantise, resample
from readerstudy.studies.models import Case
from readerstudy.studies.pixel_features import constant_border

# A degraded film consists of at most this many blocks across, so that an attentive reader cannot miss it at any side.
BLOCKS_ACROSS = 64
SMALLEST_BLOCK = 4

# No film is cut by more than this share of its side at each edge.
WIDEST_MARGIN = 1 / 16
# The darkest part of the range, shown black: a detector's air is of one grey, a generator's varies by a few of 256.
BLACK = 0.03
# Standard deviation of the noise in steps. Normal noise leaves exp(-2 (π · deviation / s)²) of the ripple that a comb
# of step s makes in a histogram: a thousandth here, and less where steps are finer than the common one; the usual
# triangular noise does not promise the latter.
DITHER = 0.6
COARSEST_STEP = FULL_SCALE / 63


@dataclass(frozen=True)
class Form:
    """What all payloads of a study have in common."""

    side: int
    """Pixels along an edge of the square matrix."""
    levels: int
    """Greys of the grid, spread evenly over 0 … 65535."""
    margin: float
    """The share of its side by which every film is cut at each edge: see `common_margin`."""
    step: float
    """What the noise in every film is measured by: see `common_step`."""

    @property
    def noise(self) -> float:
        """Standard deviation of the noise in every film, on the scale of 0 … 65535."""
        return DITHER * self.step


def render(film: Film, form: Form, *, seed: str, degraded: bool = False) -> bytes:
    """One case as its reader gets it: side × side little-endian 16-bit greys of a grid, row by row.

    `film` is a canonical film, which is cut by the common margin and has at least the form's side then. After the last
    resampling the intensity rule is applied once more, so that as many pixels are black and white in a film that was
    resampled as in one that was not, and the darkest greys become black. Then noise fills the gaps that a coarse source
    leaves between its greys; it is drawn by `seed`, so that the payload depends on nothing else. Values are rounded
    once, at the end. A degraded film is averaged over blocks and shown block by block (`block_side`).
    """
    values = _on_the_matrix(film, form.side, form.margin)
    if degraded:
        values = _in_blocks(values, block_side(form.side))
    return quantise(_dithered(values, form.noise, seed), form.levels).astype("<u2").tobytes()


def margin_of(film: Film) -> float:
    """The share of its side that the widest constant border of a film takes, with the line where it meets the picture.

    0 where no edge is constant. (`constant_border`)
    """
    widest = max(constant_border(film))
    return (widest + 1) / len(film) if widest else 0.0


def common_margin(margins: Iterable[float]) -> float:
    """The margin by which all films of a study are cut: the widest of their own, but at most a sixteenth.

    One cut for all, because a film without its border would tell by the borders that others keep.
    """
    return min(max(margins), WIDEST_MARGIN)


def side_inside(side: int, margin: float) -> int:
    """How many pixels of an edge are left inside the margin."""
    return side - 2 * math.ceil(side * margin)


def grey_step(film: Film, side: int, margin: float = 0) -> float:
    """How far apart a film's neighbouring greys lie on the study's matrix, on the scale of 0 … 65535: the median gap.

    One or two greys of 256 where the source had eight bits and is not resampled, next to nothing elsewhere.
    """
    greys = np.unique(_on_the_matrix(film, side, margin))
    return float(np.median(np.diff(greys)))


def common_step(steps: Iterable[float], levels: int) -> float:
    """The step by which all films of a study are dithered: the coarsest of their own steps and that of the grid.

    Films with fewer than 64 greys have no say: noise that fills their gaps would be seen.
    """
    return max([FULL_SCALE / (levels - 1), *(step for step in steps if step <= COARSEST_STEP)])


def block_side(side: int) -> int:
    """Pixels along one block of a degraded film: 4, or more where a film would have more than 64 blocks across."""
    return max(SMALLEST_BLOCK, -(-side // BLOCKS_ACROSS))


def payload_hash(payload: bytes) -> str:
    """SHA-256 of a payload, in hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def fault_of_payload(path: Path, side: int, levels: int) -> str | None:
    """What is wrong with a payload on disk, or None. Its length, or a value off the grid, would tell its arm."""
    payload = path.read_bytes()
    if len(payload) != 2 * side * side:
        return f"{len(payload)} bytes instead of {2 * side * side}"
    values = np.frombuffer(payload, dtype="<u2")
    if not np.array_equal(values, quantise(values, levels)):
        return f"grey values off the grid of {levels} levels"
    return None


def frozen_payload(case: Case) -> bytes:
    """The payload of a case as freezing wrote it. Raises ValidationError where it is missing or has changed since."""
    try:
        payload = case.path.read_bytes()
    except OSError as error:
        raise ValidationError(
            _("The payload of case %(case)s cannot be read (%(reason)s); bring it back from a backup.")
            % {"case": case, "reason": error}
        ) from error
    # Another length has another hash, too.
    if payload_hash(payload) != case.payload_hash:
        raise ValidationError(
            _("The payload of case %(case)s (%(path)s) has changed since freezing; bring it back from a backup.")
            % {"case": case, "path": case.path}
        )
    return payload


def film_of(payload: bytes, side: int) -> Film:
    """A payload as an array of shape (side, side)."""
    return np.frombuffer(payload, dtype="<u2").reshape(side, side).astype(np.uint16)


def _on_the_matrix(film: Film, side: int, margin: float) -> npt.NDArray[np.float64]:
    cut = math.ceil(len(film) * margin)
    values = resample(film[cut : len(film) - cut, cut : len(film) - cut], side).astype(np.float64)
    low, high = np.percentile(values, [LOW_PERCENTILE, HIGH_PERCENTILE])
    if high <= low:
        raise ValueError("The film shows nothing: nearly all of its pixels are of one grey.")
    black = low + BLACK * (high - low)
    return np.clip((values - black) / (high - black), 0, 1) * FULL_SCALE


def _dithered(values: npt.NDArray, deviation: float, seed: str) -> npt.NDArray:
    """Normal noise on top, mirrored at black and at white: cut off there, saturated areas would show by their zeros."""
    random = np.random.default_rng(int(hashlib.sha256(seed.encode()).hexdigest(), 16))
    mirrored = np.abs(values + random.normal(scale=deviation, size=values.shape))
    return FULL_SCALE - np.abs(FULL_SCALE - mirrored)


def _in_blocks(values: npt.NDArray, block: int) -> npt.NDArray:
    """Each block of block × block pixels (the last ones may be smaller) shows its mean."""
    starts = np.arange(0, len(values), block)
    sizes = np.diff(np.append(starts, len(values)))
    sums = np.add.reduceat(np.add.reduceat(values, starts, axis=0), starts, axis=1)
    means = sums / np.outer(sizes, sizes)
    return means.repeat(sizes, axis=0).repeat(sizes, axis=1)
