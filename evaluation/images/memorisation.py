"""Were training films copied? How near synthetic films come to them, and how near fresh real films come.

No figure tells memorising from a generator that has shrunk to few films; so the nearest pairs are listed to be looked
at. Distances are Euclidean, between features or between `pixel_rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from evaluation.images.euclidean import nearest
from evaluation.images.patients import numbered
from evaluation.readers.intervals import wilson
from evaluation.readers.ratings import Floats
from gan.pixels import Film, resample

PAIRS = 20
NEAR = 0.1
PIXEL_SIDE = 64
PIXEL_RULE = f"bicubic antialiased to {PIXEL_SIDE} × {PIXEL_SIDE}, each film to mean 0 and mean square 1"


def nearest_real(
    real: Floats,
    fake: Floats,
    *,
    held_out: Floats | None = None,
    patients: Sequence[str] | None = None,
    held_out_patients: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Distances to the nearest training film of synthetic films, beside those of real films.

    `real` (n, d) are the films of the training. The real films beside are `held_out`, or without them the training
    films themselves, each with the nearest other; never a film of the same patient. A synthetic film is near where it
    is nearer than nine in ten real films are, so that about 0.1 of fresh real films are near. It is authentic where it
    is farther from its nearest training film than that is from its nearest other one (Alaa et al., ICML 2022,
    `authenticity` is their share). `pairs` lists the nearest pairs by the numbers of their rows, nearest first.
    Needs two real films of two patients; raises ValueError otherwise.
    """
    patient_of = numbered(len(real), patients)
    among_reals = _distances(nearest(real, real, 1, (patient_of, patient_of))[1])
    if held_out is None:
        of_real = among_reals
    else:
        both = numbered(len(real) + len(held_out), _of_both(real, held_out, patients, held_out_patients))
        of_real = _distances(nearest(held_out, real, 1, (both[len(real) :], both[: len(real)]))[1])
    if not (np.isfinite(of_real).all() and np.isfinite(among_reals).all()):
        raise ValueError("Real films that are all of one patient do not tell how near two patients' films are.")
    index, squared = nearest(fake, real)
    index, of_fake = index[:, 0], _distances(squared)
    near = float(np.quantile(of_real, NEAR))
    share = wilson(int((of_fake < near).sum()), len(of_fake))
    order = np.argsort(of_fake, kind="stable")[:PAIRS]
    return {
        "baseline": "training films among themselves" if held_out is None else "held-out films",
        "median_of_synthetic": float(np.median(of_fake)),
        "median_of_real": float(np.median(of_real)),
        "near_distance": near,
        "share_of_near_synthetic": share.estimate,
        "share_of_near_synthetic_interval": {"low": share.low, "high": share.high},
        "share_of_near_real": float((of_real < near).mean()),
        "authenticity": float((of_fake > among_reals[index]).mean()),
        "pairs": [{"synthetic": int(row), "real": int(index[row]), "distance": float(of_fake[row])} for row in order],
    }


def pixel_rows(films: Iterable[Film]) -> Floats:
    """Films as rows in which what brightness and contrast alone change is left out; single precision.

    Half the mean square of the difference of two rows is 1 − r with the correlation r of their pixels. A film of one
    grey is a row of zeros.
    """
    rows = []
    for film in films:
        greys = resample(film, PIXEL_SIDE).astype(np.float64).ravel()
        greys -= greys.mean()
        spread = greys.std()
        rows.append((greys / spread if spread > 0 else greys).astype(np.float32))
    return np.stack(rows)


def _distances(squared: Floats) -> Floats:
    return np.sqrt(squared[:, 0])


def _of_both(
    real: Floats, held_out: Floats, patients: Sequence[str] | None, held_out_patients: Sequence[str] | None
) -> list[str]:
    return [*(patients or [""] * len(real)), *(held_out_patients or [""] * len(held_out))]
