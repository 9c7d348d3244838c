"""Payloads: every case of a study passes `render`, to one matrix and one grid of grey levels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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

# Standard deviation of the noise in steps. Normal noise leaves exp(-2 (π · deviation / s)²) of the ripple that a comb
# of step s makes in a histogram: a thousandth here, and less where steps are finer than the common one; the usual
# triangular noise does not promise the latter.
DITHER = 0.6
COARSEST_STEP = FULL_SCALE / 63


def render(film: Film, side: int, levels: int, *, step: float, seed: str, degraded: bool = False) -> bytes:
    """One case as its reader gets it: side × side little-endian 16-bit greys of a grid of `levels`, row by row.

    `film` is a canonical film of at least that side. A constant border is cut off where pixels enough are left
    (`_inside_its_border`). After the last resampling the intensity rule is applied once more,
    so that as many pixels are black and white in a film that was resampled as in one that was not. Then noise fills the
    gaps that a coarse source leaves between its greys: the same for every film of a study, by the `step` that
    `common_step` gives, and drawn by `seed`, so that the payload depends on nothing else. Values are rounded once, at
    the end. A degraded film is averaged over blocks and shown block by block (`block_side`).
    """
    values = _on_the_matrix(film, side)
    if degraded:
        values = _in_blocks(values, block_side(side))
    return quantise(_dithered(values, DITHER * step, seed), levels).astype("<u2").tobytes()


def grey_step(film: Film, side: int) -> float:
    """How far apart a film's neighbouring greys lie on the study's matrix, on the scale of 0 … 65535: the median gap.

    One or two greys of 256 where the source had eight bits and is not resampled, next to nothing elsewhere.
    """
    greys = np.unique(_on_the_matrix(film, side))
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


def _on_the_matrix(film: Film, side: int) -> npt.NDArray[np.float64]:
    values = resample(_inside_its_border(film, side), side).astype(np.float64)
    low, high = np.percentile(values, [LOW_PERCENTILE, HIGH_PERCENTILE])
    if high <= low:
        raise ValueError("The film shows nothing: nearly all of its pixels are of one grey.")
    return np.clip((values - low) / (high - low), 0, 1) * FULL_SCALE


def _inside_its_border(film: Film, side: int) -> Film:
    """The centred square inside the constant lines at a film's edges and the line where they pass into the picture.

    A film that would have fewer than `side` pixels along its edge stays as it is: none is ever enlarged.
    """
    top, bottom, left, right = (lines + 1 if lines else 0 for lines in constant_border(film))
    rows, columns = len(film) - top - bottom, len(film) - left - right
    inside = min(rows, columns)
    if inside < side:
        return film
    top, left = top + (rows - inside) // 2, left + (columns - inside) // 2
    return film[top : top + inside, left : left + inside]


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
