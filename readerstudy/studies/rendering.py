"""Payloads: every case of a study passes `render`, to one matrix and one grid of grey levels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from gan.pixels import Film, quantise, resample
from readerstudy.studies.models import Case

# A degraded film consists of at most this many blocks across, so that an attentive reader cannot miss it at any side.
BLOCKS_ACROSS = 64
SMALLEST_BLOCK = 4


def render(film: Film, side: int, levels: int, *, degraded: bool = False) -> bytes:
    """One case as its reader gets it: side × side little-endian 16-bit greys of a grid of `levels`, row by row.

    `film` is a canonical film of at least that side. Values are rounded once, after the last resampling. A degraded
    film is averaged over blocks and shown block by block (`block_side`).
    """
    values = resample(film, side)
    if degraded:
        values = _in_blocks(values, block_side(side))
    return quantise(values, levels).astype("<u2").tobytes()


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


def _in_blocks(values: npt.NDArray, block: int) -> npt.NDArray:
    """Each block of block × block pixels (the last ones may be smaller) shows its mean."""
    starts = np.arange(0, len(values), block)
    sizes = np.diff(np.append(starts, len(values)))
    sums = np.add.reduceat(np.add.reduceat(values.astype(np.float64), starts, axis=0), starts, axis=1)
    means = sums / np.outer(sizes, sizes)
    return means.repeat(sizes, axis=0).repeat(sizes, axis=1)
