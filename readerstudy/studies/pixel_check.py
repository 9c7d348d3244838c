"""What freezing asks of the rendered films: that nothing at their edges tells the real from the synthetic ones.

Only constant borders and padding are refused: they are no part of the picture. Greys, noise and least significant bits
depend on it and are written down. Degraded films and real controls have no say and are written down apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from scipy.stats import MonteCarloMethod, fisher_exact

from evaluation.readers.auc import delong
from readerstudy.studies.models import Arm
from readerstudy.studies.pixel_features import PixelFeatures

# Each of the two tests errs at most this often, so one sound study in a thousand is refused by chance.
ALPHA = 0.0005
RESAMPLES = 9_999
# Lower ends of the classes that the tests count films in, behind "none".
BORDER_CLASSES = (1, 3, 10)
PADDING_CLASSES = (0.05, 0.1, 0.25)


@dataclass(frozen=True)
class MeasuredFilm:
    """A main film of a study, its arm, and what its payload shows."""

    arm: Arm
    features: PixelFeatures


def refuse_what_tells(films: Sequence[MeasuredFilm]) -> None:
    """Raise ValidationError where constant borders or padding differ between real and synthetic main films."""
    refusals = [
        _refusal(films, lambda film: film.border, BORDER_CLASSES, _("have a constant border")),
        _refusal(films, lambda film: film.padding, PADDING_CLASSES, _("are padded by 5 % or more of their area")),
    ]
    if any(refusals):
        raise ValidationError([refusal for refusal in refusals if refusal])


def pixel_report(films: Sequence[MeasuredFilm]) -> dict[str, Any]:
    """Of every feature its median and range by arm, and the AUC at which it tells main synthetic from real films.

    An AUC of 0.5 tells nothing; below it, synthetic films have the lower values.
    """
    arms = {film.arm.name: film.arm for film in films}
    real, synthetic = _by_truth(films)
    return {
        "refused_below_p": ALPHA,
        "p": {
            "border": _p(films, lambda film: film.border, BORDER_CLASSES),
            "padding": _p(films, lambda film: film.padding, PADDING_CLASSES),
        },
        "auc": {name: _auc(values, _values(synthetic)[name]) for name, values in _values(real).items()},
        "arms": {
            name: {
                "role": arm.role,
                "features": {
                    feature: {"median": float(np.median(values)), "low": min(values), "high": max(values)}
                    for feature, values in _values([film.features for film in films if film.arm == arm]).items()
                },
            }
            for name, arm in arms.items()
        },
    }


def _refusal(
    films: Sequence[MeasuredFilm], feature: Callable[[PixelFeatures], float], classes: Sequence[float], what: str
) -> str | None:
    if _p(films, feature, classes) >= ALPHA:
        return None
    real, synthetic = ([feature(film) >= classes[0] for film in side] for side in _by_truth(films))
    return _(
        "The edges of the films tell their truth: %(real)d of the %(all_real)d real and %(synthetic)d of the "
        "%(all_synthetic)d synthetic main films %(what)s, some of another width than the others. Crop it before the "
        "import, or leave out the films that have it, by one rule for all collections, and freeze again."
    ) % {
        "real": sum(real),
        "all_real": len(real),
        "synthetic": sum(synthetic),
        "all_synthetic": len(synthetic),
        "what": what,
    }


def _p(films: Sequence[MeasuredFilm], feature: Callable[[PixelFeatures], float], classes: Sequence[float]) -> float:
    """Fisher's exact test (Freeman and Halton's, by drawing tables, where there are more than two classes)."""
    counts = [
        np.bincount([int(np.searchsorted(classes, feature(film), side="right")) for film in side], minlength=4)
        for side in _by_truth(films)
    ]
    table = np.array(counts)[:, np.sum(counts, axis=0) > 0]
    if table.shape[1] == 1:
        return 1.0
    if table.shape[1] == 2:
        return float(fisher_exact(table).pvalue)
    method = MonteCarloMethod(n_resamples=RESAMPLES, rng=np.random.default_rng(0))
    return float(fisher_exact(table, method=method).pvalue)


def _by_truth(films: Sequence[MeasuredFilm]) -> tuple[list[PixelFeatures], list[PixelFeatures]]:
    """Films of the real arms and of the generators'; controls belong to neither."""
    real = [film.features for film in films if film.arm.role == Arm.Role.REAL]
    synthetic = [film.features for film in films if film.arm.role == Arm.Role.GENERATOR]
    return real, synthetic


def _values(films: Sequence[PixelFeatures]) -> dict[str, list[float]]:
    rows = [film.as_dict() for film in films]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _auc(real: list[float], synthetic: list[float]) -> dict[str, float | None]:
    area = delong(np.array([*real, *synthetic]), np.repeat([False, True], [len(real), len(synthetic)]))
    return {"estimate": area.estimate, "low": area.low, "high": area.high}
