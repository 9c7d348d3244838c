"""Who is trained on, calibrated on and measured on: always whole patients."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evaluation.classifiers.films import LabelledFilms
from evaluation.classifiers.network import Description
from gan.folder import LABELS, read_labels
from gan.seeds import seed_for

SMALLEST_SHARE, LARGEST_SHARE = 0.01, 0.9
HELD_OUT_SHARE = 0.2
"""Of the patients, to measure on where nobody says who is held out."""
CALIBRATION_SHARE = 0.15
"""Of the patients to train on."""


def in_part(patients: Iterable[str], part: int, parts: int, seed: int = 0) -> frozenset[str]:
    """The patients in one of `parts` parts (1 … parts) of about equal size; raises ValueError for another one.

    Where a patient belongs follows from name and seed alone, whoever else is there.
    """
    if not 1 <= part <= parts:
        raise ValueError(f"There is no part {part} of {parts}; parts are counted from 1.")
    return frozenset(name for name in patients if seed_for(seed, f"part of {name}") % parts == part - 1)


def set_aside(films: LabelledFilms, share: float, seed: int = 0) -> tuple[LabelledFilms, LabelledFilms]:
    """Films of most patients, and those of a `share` of them, at least one; whose follows from name and seed alone.

    Raises ValueError where the share is none, or nobody would be left.
    """
    if not SMALLEST_SHARE <= share <= LARGEST_SHARE:
        raise ValueError(f"A share of patients lies between {SMALLEST_SHARE} and {LARGEST_SHARE}, not at {share}.")
    in_order = sorted(set(films.patients), key=lambda name: seed_for(seed, f"set aside {name}"))
    count = max(1, round(share * len(in_order)))
    if count >= len(in_order):
        raise ValueError(f"Films of {len(in_order)} patients cannot be divided; give films of more of them.")
    aside = frozenset(in_order[:count])
    return films.of_patients(set(in_order) - aside), films.of_patients(aside)


def official(
    folder: Path, films: LabelledFilms, train_val_list: Path, test_list: Path
) -> tuple[LabelledFilms, LabelledFilms]:
    """The films on either side of a published split: two text files with the name of an image on each line.

    An image goes by the column `image_index` of the folder's labels.csv, else by its file's name; one that is on
    neither list is left out. Raises ValueError where an image is on both, a side is empty, or a patient on both sides.
    """
    listed = [frozenset(path.read_text(encoding="utf-8").split()) for path in (train_val_list, test_list)]
    twice = listed[0] & listed[1]
    if twice:
        raise ValueError(f"{train_val_list} and {test_list} both name {min(twice)}.")
    table = read_labels(folder / LABELS)
    images = [table.get(name, {}).get("image_index") or Path(name).name for name in films.names]
    train, test = (films.chosen([row for row, image in enumerate(images) if image in names]) for names in listed)
    for side, path in ((train, train_val_list), (test, test_list)):
        if not len(side):
            raise ValueError(f"None of the films in {folder} is named in {path}.")
    require_apart(train, test)
    return train, test


def require_apart(trained: LabelledFilms, measured: LabelledFilms) -> None:
    """Raises ValueError where a patient, or a film by its pixels, is in both."""
    patients = set(trained.patients) & set(measured.patients)
    hashes = set(trained.hashes) & set(measured.hashes)
    if patients or hashes:
        raise ValueError(
            f"{len(patients)} patients and {len(hashes)} films to measure on are among those to train on, such as "
            f"{min(patients or hashes)}; keep them apart."
        )


def seen(about: Description, films: LabelledFilms) -> list[int]:
    """The rows of films that a classifier was trained or calibrated on, or whose patient it was."""
    patients, hashes = frozenset(about.patients), frozenset(about.films)
    return [
        row
        for row, (patient, hashed) in enumerate(zip(films.patients, films.hashes, strict=True))
        if patient in patients or hashed in hashes
    ]
