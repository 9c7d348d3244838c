"""What machines say of the films of a study: how far every arm is from the real films, and what may be copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from evaluation.images.distances import distances, protocol
from evaluation.images.extractors import Extractor, describe
from evaluation.images.memorisation import PIXEL_RULE, nearest_real, pixel_rows
from evaluation.images.similarity import similarity
from evaluation.readers.ratings import Floats
from evaluation.study import CaseFilm, Films, StudyInput, Training
from gan.pixels import Film

Json = dict[str, Any]
Progress = Callable[[int, int], None]

FEWEST_FILMS = 2
TOO_FEW_REAL = "There are fewer than two real films, so no distance is computed."
TOO_FEW = "Arm {arm} has fewer than two films, so no distance is computed."


def figures_of_films(study: StudyInput, extractor: Extractor, progress: Progress | None = None) -> Json:
    """Distances of every other arm from the real films; for drawn films, how near they come to the training films.

    `progress` is called with the films whose features are done and their number (`films_to_measure`).
    """
    real = [film for arm in study.arms if arm.role == "real" for film in _films_of(study, arm.name)]
    others = {arm.name: _films_of(study, arm.name) for arm in study.arms if arm.role != "real"}
    result: Json = {"extractor": None, "arms": {}, "warnings": []}
    if len(real) < FEWEST_FILMS:
        result["warnings"].append(TOO_FEW_REAL)
        return result
    sets: list[Films] = [_pixels(films) for films in (real, *others.values())]
    of_real, *rows = _features(extractor, [*sets, *(training.films for training in study.training.values())], progress)
    of_training = dict(zip(study.training, rows[len(others) :], strict=True))
    result["extractor"] = describe(extractor, of_real.shape[1])
    patients = _patients(real)
    compared = {arm.name: "of the real control" if arm.role == "control-real" else arm.truth for arm in study.arms}
    for (name, films), features in zip(others.items(), rows, strict=False):
        if len(films) < FEWEST_FILMS:
            result["warnings"].append(TOO_FEW.format(arm=name))
            continue
        figures = distances(of_real, features, seed=study.plan.seed, patients=patients)
        result["arms"][name] = figures | {
            "protocol": protocol(figures, result["extractor"], compared[name]),
            "memorisation": _memorisation(study.training[name], of_training[name], films, features, real, of_real)
            if name in study.training
            else None,
            "similarity": similarity(_pixels(real), _pixels(films), study.plan.seed, patients),
        }
    return result


def films_to_measure(study: StudyInput) -> int:
    """How many films have features to be computed, those of the training included."""
    return len(study.films) + sum(len(training.films) for training in study.training.values())


def _memorisation(
    training: Training,
    of_training: Floats,
    drawn: Sequence[CaseFilm],
    of_drawn: Floats,
    real: Sequence[CaseFilm],
    of_real: Floats,
) -> Json:
    """How near drawn films come to the training films, beside the real films of the study, which were held out."""
    about = {"n_training": len(training.films), "missing": training.missing}
    if len(training.films) < FEWEST_FILMS:
        return about | {"in_features": None, "in_pixels": None}
    held_out_patients = [film.patient for film in real]

    def near(trained: Floats, ours: Floats, held_out: Floats) -> Json:
        return nearest_real(
            trained, ours, held_out=held_out, patients=training.patients, held_out_patients=held_out_patients
        )

    pixels = pixel_rows(training.films), pixel_rows(_pixels(drawn)), pixel_rows(_pixels(real))
    return about | {
        "in_features": near(of_training, of_drawn, of_real),
        "in_pixels": near(*pixels) | {"rule": PIXEL_RULE},
    }


def _features(extractor: Extractor, sets: Sequence[Films], progress: Progress | None) -> list[Floats]:
    """Features of each set of films; none of an empty one."""
    sizes = [len(films) for films in sets]

    def report(done: int, _of: int) -> None:
        if progress:
            progress(done, sum(sizes))

    rows = extractor.features(chain.from_iterable(sets), report)
    return np.split(rows, np.cumsum(sizes)[:-1])


def _films_of(study: StudyInput, arm: str) -> list[CaseFilm]:
    return [film for film in study.films if film.arm == arm]


def _pixels(films: Sequence[CaseFilm]) -> list[Film]:
    return [film.pixels for film in films]


def _patients(films: Sequence[CaseFilm]) -> list[str] | None:
    patients = [film.patient for film in films]
    return patients if any(patients) else None
