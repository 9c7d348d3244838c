"""Films to train classifiers on: noise that is brighter in one half where a finding is there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.training import ClassifierConfig
from gan.pixels import write_film

FINDINGS = ("Mass", "Nodule")
SIDE = 32


def small_config(**changes: Any) -> ClassifierConfig:
    return ClassifierConfig(**{"network": "densenet-narrow", "side": SIDE, "images": 40, "batch": 8} | changes)


def greys_of(shown: Sequence[float], random: np.random.Generator) -> np.ndarray:
    """Mass lights the left half, Nodule the right one."""
    values = random.normal(20_000, 4_000, (SIDE, SIDE))
    for half, there in zip((np.s_[:, : SIDE // 2], np.s_[:, SIDE // 2 :]), shown, strict=True):
        values[half] += 25_000 * (there == 1)
    return np.clip(values, 0, 65535).astype(np.uint16)


def small_films(count: int, *, seed: int = 0, prefix: str = "patient", films_each: int = 1) -> LabelledFilms:
    """A third of the films with either finding; `films_each` films of each patient."""
    random = np.random.default_rng(seed)
    labels = (random.random((count, 2)) < 1 / 3).astype(np.float32)
    labels[:2] = np.eye(2)
    greys = np.stack([greys_of(row, random) for row in labels])
    return LabelledFilms(
        greys=greys,
        names=[f"{prefix}-{number}.png" for number in range(count)],
        labels=labels,
        patients=tuple(f"{prefix}-{number // films_each}" for number in range(count)),
        hashes=tuple(hashlib.sha256(film.tobytes()).hexdigest() for film in greys),
        findings=FINDINGS,
        side=SIDE,
    )


def write_folder(folder: Path, films: LabelledFilms) -> None:
    """The films as PNG with their labels.csv."""
    folder.mkdir(parents=True)
    rows = ["file,labels,patient_id"]
    for grey, name, labels, patient in zip(films.greys, films.names, films.labels, films.patients, strict=True):
        write_film(folder / name, grey)
        shown = [finding for finding, there in zip(films.findings, labels, strict=True) if there == 1]
        rows.append(f"{name},{'|'.join(shown) or 'No Finding'},{patient}")
    (folder / "labels.csv").write_text("\n".join(rows))
