"""Synthetic films with target labels: an archive of steered films as it is exported, or any folder with a labels.csv.

A target is what a film was steered to, and no finding that anybody saw. Of every other finding nothing is known, but
where the classifier that accepted the film scored it below its own threshold.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.classifiers.films import FINDINGS_APART, LabelledFilms, films_of_folder, read_films
from evaluation.images.extractors.interface import Progress
from gan.findings import FINDINGS
from gan.folder import film_paths

TABLE = "Data_Entry.csv"
IMAGE = "Image Index"
TARGETS = "Target Labels (classifier, unverified)"
ABSENT = "Absent Targets (classifier, unverified)"
BELOW = "Below Threshold (accepting classifier)"


@dataclass(frozen=True)
class SteeredFile:
    """One film of an exported archive.

    `present` and `absent` are what it was steered to; `below` are the findings that the accepting classifier scored
    below its threshold.
    """

    path: Path
    present: frozenset[str]
    absent: frozenset[str]
    below: frozenset[str]

    def labels(self, findings: Sequence[str]) -> list[float]:
        """1 for a target; 0 for what it was steered away from or is below the threshold; else NaN."""
        without = self.absent | self.below
        return [1.0 if finding in self.present else 0.0 if finding in without else np.nan for finding in findings]


def is_archive(folder: Path) -> bool:
    """Whether a folder is an exported archive."""
    return (folder / TABLE).exists()


def steered_files(folder: Path) -> list[SteeredFile]:
    """The films of an exported archive in the order of their paths.

    Raises ValueError where a film and its row do not find each other, or a label is no finding.
    """
    paths = film_paths(folder)
    rows = _rows(folder / TABLE)
    names = Counter(path.name for path in paths)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(
            f"There are several {min(twice)} below {folder}, so a row of {TABLE} does not say which it is."
        )
    apart = names.keys() ^ rows.keys()
    if apart:
        raise ValueError(f"{min(apart)} is either below {folder} or in its {TABLE}, but not in both.")
    return [
        SteeredFile(
            path,
            *(
                _findings(rows[path.name], column, f"{path.name} in {folder / TABLE}")
                for column in (TARGETS, ABSENT, BELOW)
            ),
        )
        for path in paths
    ]


def synthetic_films(
    folder: Path, findings: Sequence[str], side: int, *, progress: Progress | None = None
) -> LabelledFilms:
    """The films of an exported archive by their targets; of another folder as its labels.csv has them.

    Raises ValueError that names the film or row at fault.
    """
    if not is_archive(folder):
        return films_of_folder(folder, findings, side, progress=progress)
    files = steered_files(folder)
    greys, hashes = read_films([file.path for file in files], side, progress)
    labels = np.array([file.labels(findings) for file in files], dtype=np.float32).reshape(len(files), len(findings))
    names = [file.path.relative_to(folder).as_posix() for file in files]
    # Nobody's film, so a patient of its own.
    return LabelledFilms(greys, names, labels, hashes, hashes, tuple(findings), side)


def _rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {IMAGE, TARGETS} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path} has no column “{min(missing)}”, so it is no table of steered films.")
        rows: dict[str, dict[str, str]] = {}
        for row in reader:
            if row[IMAGE] in rows:
                raise ValueError(f"{path} names {row[IMAGE]} again in line {reader.line_num}; leave one row a film.")
            rows[row[IMAGE]] = row
        return rows


def _findings(row: dict[str, str], column: str, which: str) -> frozenset[str]:
    words = frozenset(word.strip() for word in (row.get(column) or "").split(FINDINGS_APART) if word.strip())
    strange = words - set(FINDINGS)
    if strange:
        raise ValueError(f"“{column}” of {which} holds {', '.join(sorted(strange))}, which is no finding.")
    return words
