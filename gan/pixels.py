"""The one canonical pixel form: every radiograph, real or synthetic, passes through here and nowhere else.

A canonical film is a square `uint16` array, bright where dense (MONOCHROME2), spanning 0 … 65535. Sixteen bits are the
carrier, not a promise of depth.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn.functional import interpolate

from gan.whole_file import whole_file

Film = npt.NDArray[np.uint16]

LARGEST_SIDE = 1024
FULL_SCALE = 65535
# The intensity rule: these percentiles of the square crop go to black and white.
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5
LUMINANCE = np.array([0.299, 0.587, 0.114])


def canonical(values: npt.NDArray, *, inverted: bool = False, outside: npt.NDArray[np.bool_] | None = None) -> Film:
    """Bring a film's values, after the modality rescale, into the canonical form.

    `values` has shape (H, W) in any unit; `inverted` says that bright means thin (MONOCHROME1); `outside` marks padding
    that is no part of the film: it has no say in the intensity rule and turns black. The result has the side
    min(H, W, 1024). A film in canonical form stays as it is, to the last grey. Raises ValueError where the film is not
    two-dimensional, not finite or all of one grey.
    """
    if values.ndim != 2 or min(values.shape) < 1:
        raise ValueError(f"A film has rows and columns, but this one has the shape {values.shape}.")
    square = _centre_square(np.asarray(values, dtype=np.float64))
    if not np.isfinite(square).all():
        raise ValueError("The film holds values that are not finite numbers.")
    padding = None if outside is None else _centre_square(outside)
    if padding is not None and padding.all():
        raise ValueError("The film shows nothing: all of it is padding.")
    levels = _levels(square)
    if levels is not None and padding is None and not inverted and _is_stretched(levels):
        return levels
    inside = square if levels is None else levels
    low, high = _limits(inside if padding is None else inside[~padding])
    if high <= low:
        raise ValueError("The film shows nothing: nearly all of its pixels are of one grey.")

    def stretched(values: npt.NDArray) -> npt.NDArray:
        between = (np.clip(values, low, high) - low) / (high - low)
        return 1 - between if inverted else between

    # Where there are few greys each is stretched once: the same values, several times as quick.
    greys = stretched(square) if levels is None else stretched(np.arange(int(levels.max()) + 1, dtype=np.float64))
    if len(square) <= LARGEST_SIDE:
        greys = np.rint(greys * FULL_SCALE).astype(np.uint16)
    film = greys if levels is None else greys[levels]
    if padding is not None:
        film[padding] = 0
    if len(square) <= LARGEST_SIDE:
        return film
    return np.rint(_resized(film, LARGEST_SIDE) * FULL_SCALE).astype(np.uint16)


def resample(film: Film, side: int) -> npt.NDArray[np.float32]:
    """Resample to `side` × `side`, antialiased bicubic, clipped to 0 … 65535 and not yet rounded."""
    values = film.astype(np.float64) / FULL_SCALE
    if side != len(film):
        values = _resized(values, side)
    return (values * FULL_SCALE).astype(np.float32)


def quantise(values: npt.NDArray, levels: int) -> Film:
    """Round values of 0 … 65535 to the nearest of `levels` greys spread evenly over that range."""
    if not 2 <= levels <= FULL_SCALE + 1:
        raise ValueError(f"A grid has 2 to 65536 levels, not {levels}.")
    steps = np.rint(np.asarray(values, dtype=np.float64) * (levels - 1) / FULL_SCALE)
    return np.rint(steps * FULL_SCALE / (levels - 1)).astype(np.uint16)


def film_hash(film: Film) -> str:
    """SHA-256 over the side (little-endian 32 bits) and the pixels (little-endian 16 bits), in hexadecimal."""
    side = np.array([len(film)], dtype="<u4").tobytes()
    return hashlib.sha256(side + np.ascontiguousarray(film, dtype="<u2").tobytes()).hexdigest()


def read_values(path: Path) -> npt.NDArray[np.float64]:
    """Read the grey values of a PNG or JPEG of 8 or 16 bits; colour becomes luminance, transparency is dropped.

    Raises OSError or ValueError where the file is not such an image.
    """
    with Image.open(path) as image:
        if image.mode in ("L", "I", "I;16", "I;16B", "F"):
            return np.asarray(image, dtype=np.float64)
        if image.mode == "LA":
            return np.asarray(image, dtype=np.float64)[..., 0]
        return np.asarray(image.convert("RGB"), dtype=np.float64) @ LUMINANCE


def grey_levels(path: Path) -> int:
    """How many greys a PNG or JPEG can hold: 65536 where it has 16 bits, else 256."""
    with Image.open(path) as image:
        return FULL_SCALE + 1 if image.mode in ("I", "I;16", "I;16B", "F") else 256


def read_film(path: Path) -> Film:
    """Read a film that `write_film` wrote, as it is."""
    with Image.open(path) as image:
        return np.asarray(image, dtype=np.uint16)


def write_film(path: Path, film: Film) -> None:
    """Write a 16-bit grey PNG without metadata, whole or not at all."""
    _write_png(path, film)


def write_grey8(path: Path, film: Film) -> None:
    """Write an 8-bit grey PNG without metadata, whole or not at all: the film on a grid of 256 levels."""
    _write_png(path, (quantise(film, 256) // 257).astype(np.uint8))


def _write_png(path: Path, values: npt.NDArray) -> None:
    with whole_file(path) as file:
        Image.fromarray(values).save(file, format="PNG", compress_level=1)


def _levels(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint16] | None:
    """Values that are all whole numbers of 0 … 65535, as such; None where any is not."""
    if values.min() < 0 or values.max() > FULL_SCALE:
        return None
    whole = values.astype(np.uint16)
    return whole if np.array_equal(whole, values) else None


def _is_stretched(levels: Film) -> bool:
    """Whether the intensity rule was applied already: black and white reach the ranks between which it interpolates.

    To interpolate there once more could move a film's greys by some steps, for nothing.
    """
    if len(levels) > LARGEST_SIDE:
        return False
    rank = (levels.size - 1) // 200
    ends = np.partition(levels.ravel(), (rank, levels.size - 1 - rank))
    return bool(ends[rank] == 0 and ends[levels.size - 1 - rank] == FULL_SCALE)


def _limits(values: npt.NDArray) -> tuple[float, float]:
    """The percentiles of the intensity rule, as `np.percentile` gives them; counted where values are 16-bit."""
    percentiles = [LOW_PERCENTILE, HIGH_PERCENTILE]
    if values.dtype != np.uint16:
        low, high = np.percentile(values, percentiles)
        return low, high
    at_most = np.cumsum(np.bincount(values.ravel()))
    position = np.divide(percentiles, 100) * (values.size - 1)
    below = np.floor(position)
    first, second = (
        np.searchsorted(at_most, np.minimum(rank, values.size - 1), side="right") for rank in (below, below + 1)
    )
    share = position - below
    # In the two forms that NumPy has for either half of the way, so that not a bit differs.
    low, high = np.where(share < 0.5, first + (second - first) * share, second - (second - first) * (1 - share))
    return low, high


def _centre_square(values: npt.NDArray) -> npt.NDArray:
    rows, columns = values.shape
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    return values[top : top + side, left : left + side]


def _resized(values: npt.NDArray, side: int) -> npt.NDArray:
    """Bicubic with antialiasing on floating-point values of 0 … 1, clipped back to that range."""
    tensor = torch.from_numpy(values)[None, None]
    resized = interpolate(tensor, size=(side, side), mode="bicubic", antialias=True, align_corners=False)
    return resized[0, 0].clamp(0, 1).numpy()
