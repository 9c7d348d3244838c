"""Degradations of films and of sets of films, each in five rising steps, to ask which of them a distance notices.

Every function is pure: the same film, strength and generator give the same film. A film keeps its side and its 16-bit
carrier; it is not brought into the canonical form again, whose intensity rule would undo part of the change.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from evaluation.readers.ratings import Floats
from gan.pixels import FULL_SCALE, Film

Random = np.random.Generator

# White noise is given for a film of this side: at another matrix its power for each area stays the same.
NOISE_SIDE = 256
# What counts as a burnt-in marker, in shares of the side and of the grey range: see `marker_mask`.
FRAME, STROKE, NARROWEST, WIDEST, HALO = 0.25, 0.03, 0.012, 0.12, 0.006
STANDS_OUT, PEAK = 0.2, 0.35


@dataclass(frozen=True)
class Step:
    """A degradation of films: `steps` are its strengths in `unit`, `meaning` says in words what they do."""

    name: str
    unit: str
    steps: tuple[float, ...]
    meaning: str


@dataclass(frozen=True)
class OfFilms(Step):
    """Changes every film by itself."""

    apply: Callable[[Film, float, Random], Film]


def blurred(film: Film, percent: float, random: Random | None = None) -> Film:
    """Gaussian blur; `percent` of the side is its standard deviation."""
    return _film(ndimage.gaussian_filter(_greys(film), percent / 100 * len(film), mode="nearest"))


def noisy(film: Film, percent: float, random: Random) -> Film:
    """White Gaussian noise; `percent` of the grey range is its standard deviation at a side of 256."""
    deviation = percent / 100 * len(film) / NOISE_SIDE
    return _film(_greys(film) + deviation * random.standard_normal(film.shape))


def shifted(film: Film, percent: float, random: Random) -> Film:
    """Move the film by `percent` of the side in a random direction, by whole pixels; the bare rim mirrors the film."""
    angle = random.uniform(0, 2 * np.pi)
    reach = percent / 100 * len(film)
    down, right = (round(reach * float(along)) for along in (np.sin(angle), np.cos(angle)))
    rim = max(abs(down), abs(right))
    wide = np.pad(film, rim, mode="symmetric")
    return wide[rim - down : rim - down + len(film), rim - right : rim - right + len(film)].copy()


def of_exponent(film: Film, exponent: float, random: Random | None = None) -> Film:
    """Another characteristic curve: greys of 0 … 1 raised to `exponent`."""
    return _film(_greys(film) ** exponent)


def compressed(film: Film, loss: float, random: Random | None = None) -> Film:
    """Through an 8-bit grey JPEG of quality 100 − `loss` and back."""
    buffer = io.BytesIO()
    Image.fromarray(np.rint(_greys(film) * 255).astype(np.uint8)).save(buffer, "JPEG", quality=round(100 - loss))
    return _film(np.asarray(Image.open(buffer), dtype=np.float64) / 255)


def without_markers(film: Film, percent: float, random: Random) -> Film:
    """With a chance of `percent` take the burnt-in markers away; the film itself where none is found."""
    if random.uniform() * 100 >= percent:
        return film
    mask = marker_mask(film)
    return _film(_inpainted(_greys(film), mask)) if mask.any() else film


def marker_mask(film: Film) -> np.ndarray:
    """Where burnt-in letters, arrows and corner markers are thought to be: a heuristic, not a reader.

    A marker is a spot in the outer quarter of the film, free of its edge, whose strokes, up to 3 % of the side wide,
    stand out from what is around them by a fifth of the grey range and somewhere by 0.35 of it, and whose longer side
    is between 1.2 and 12 % of the film's. It misses fainter and larger letters, letters amid the lungs and what touches
    a longer line, and it takes a short piece of wire, an electrode or an edge of bone for a marker where that is as
    bright. Letters are masked with a rim of 0.6 % of the side.
    """
    greys, side = _greys(film), len(film)
    stroke = ndimage.white_tophat(greys, _pixels(STROKE, side))
    spots, count = ndimage.label(stroke >= STANDS_OUT, np.ones((3, 3)))
    mask = np.zeros(film.shape, dtype=bool)
    for index, box in enumerate(ndimage.find_objects(spots, count), start=1):
        if _is_marker(box, side):
            spot = spots[box] == index
            if stroke[box][spot].max() >= PEAK:
                mask[box] |= spot
    return ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=_pixels(HALO, side)) if mask.any() else mask


def _is_marker(box: tuple[slice, ...], side: int) -> bool:
    """Whether a spot with this bounding box has the size and place of a marker."""
    longest = max(part.stop - part.start for part in box)
    free = all(part.start > 0 and part.stop < side for part in box)
    amid = all(FRAME * side <= part.start and part.stop <= (1 - FRAME) * side for part in box)
    return free and not amid and NARROWEST * side <= longest <= WIDEST * side


# What is done to a set of films


def from_elsewhere(rows: int, percent: float, random: Random) -> np.ndarray:
    """Which of `rows` films give way to films of another kind; a weaker share is part of a stronger one."""
    return random.permutation(rows) < round(percent / 100 * rows)


def left_of_modes(modes: Sequence[str], percent: float, random: Random) -> np.ndarray:
    """The rows that are left when whole modes are lost, up to `percent` of the films.

    `modes` names the mode of each film. Modes are lost in a random order; one that would take too many is passed over,
    so at least 100 − `percent` of the films are left.
    """
    names, of_row = np.unique(modes, return_inverse=True)
    films = np.bincount(of_row)
    lost, most = np.zeros(len(names), dtype=bool), percent / 100 * len(modes)
    for mode in random.permutation(len(names)):
        lost[mode] = films[lost].sum() + films[mode] <= most
    return np.flatnonzero(~lost[of_row])


OF_FILMS = (
    OfFilms(
        "blur",
        "σ, % of the side",
        (0.2, 0.4, 0.8, 1.6, 3.2),
        "Gaussian blur. On a film 40 cm wide σ is 0.8, 1.6, 3.2, 6.4 and 12.8 mm; at 256 × 256 the first step is half "
        "a pixel.",
        blurred,
    ),
    OfFilms(
        "noise",
        "SD, % of the grey range",
        (0.5, 1, 2, 4, 8),
        f"White noise, its standard deviation that of a pixel at {NOISE_SIDE} × {NOISE_SIDE}. Twice the noise is what "
        "a quarter of the dose would give.",
        noisy,
    ),
    OfFilms(
        "shift",
        "% of the side",
        (1, 2, 4, 8, 16),
        "The film is moved in a random direction by whole pixels, the bare rim mirrors what is beside it. On a film "
        "40 cm wide the way is 0.4, 0.8, 1.6, 3.2 and 6.4 cm.",
        shifted,
    ),
    OfFilms(
        "contrast",
        "exponent",
        (1.1, 1.25, 1.5, 2, 3),
        "Greys of 0 … 1 raised to the exponent, as a steeper characteristic curve does. A mere stretch would be undone "
        "by the intensity rule of the canonical form.",
        of_exponent,
    ),
    OfFilms(
        "marker removal",
        "% of films",
        (20, 40, 60, 80, 100),
        "Burnt-in letters and corner markers are found by a heuristic and painted over from their rim in so many "
        "films; a film in which none is found stays as it is.",
        without_markers,
    ),
    OfFilms(
        "JPEG",
        "100 − quality",
        (5, 25, 50, 75, 90),
        "Through an 8-bit JPEG of quality 95, 75, 50, 25 and 10. Its blocks are of 8 × 8 pixels, whatever the matrix.",
        compressed,
    ),
)
MIXING = Step(
    "other anatomy",
    "% of films",
    (2, 5, 10, 25, 50),
    "So many films give way to films of another folder.",
)
MODE_DROPPING = Step(
    "mode dropping",
    "% of films",
    (12.5, 25, 37.5, 50, 62.5),
    "Whole modes are lost in a random order, with up to so many of the films; sets of one size are drawn from what is "
    "left.",
)


def _greys(film: Film) -> Floats:
    return film.astype(np.float64) / FULL_SCALE


def _film(greys: Floats) -> Film:
    return np.rint(np.clip(greys, 0, 1) * FULL_SCALE).astype(np.uint16)


def _pixels(share: float, side: int) -> int:
    return max(1, round(share * side))


def _inpainted(greys: Floats, mask: np.ndarray) -> Floats:
    """Masked pixels as smooth as their rim allows: each is the mean of its neighbours (Laplace's equation)."""
    number = np.cumsum(mask).reshape(mask.shape) - 1
    rows, columns = np.nonzero(mask)
    here = np.arange(len(rows))
    known, neighbours = np.zeros(len(rows)), np.zeros(len(rows))
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        y, x = rows + down, columns + right
        inside = (y >= 0) & (y < len(mask)) & (x >= 0) & (x < len(mask))
        y, x, at = y[inside], x[inside], here[inside]
        neighbours[at] += 1
        unknown = mask[y, x]
        known[at[~unknown]] += greys[y[~unknown], x[~unknown]]
        pairs.append((at[unknown], number[y[unknown], x[unknown]]))
    first, second = (np.concatenate(part) for part in zip(*pairs, strict=True))
    laplacian = sparse.diags(neighbours) - sparse.coo_matrix((np.ones(len(first)), (first, second)), (len(rows),) * 2)
    result = greys.copy()
    result[mask] = spsolve(laplacian.tocsc(), known)
    return result
