"""Plain folders of films: what `python -m gan` reads and writes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from gan.pixels import Film, canonical, film_hash, grey_levels, read_values
from gan.provenance import FilmProvenance, patient_hash

LABELS = "labels.csv"
SUFFIXES = (".png", ".jpg", ".jpeg")


def film_paths(folder: Path) -> list[Path]:
    """Every PNG and JPEG below `folder`, in the order of their paths. Raises ValueError where there is none."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"There are no PNG or JPEG films below {folder}.")
    return paths


def read_canonical(path: Path) -> Film:
    """Read one file into the canonical form. Raises ValueError that names it."""
    try:
        return canonical(read_values(path))
    except (OSError, ValueError) as error:
        raise ValueError(f"The film {path} cannot be read ({error}); mend it or take it away.") from error


def coarsest_levels(paths: list[Path]) -> int:
    """The grey levels that the coarsest of the files can hold."""
    return min(grey_levels(path) for path in paths)


class FolderFilms:
    """The films of a folder with what is known of them, one after the other.

    A file labels.csv in the folder may say whose each film is (columns `file`, `patient_id` and `phantom_seed`).
    Patients are named in checkpoints by a keyed hash, so they need `key` and the `origin` within which ids are unique.
    """

    def __init__(self, folder: Path, *, key: bytes | None = None, origin: str = "") -> None:
        self.paths = film_paths(folder)
        self._folder, self._key, self._origin = folder, key, origin
        self._rows = read_labels(folder / LABELS)

    def __iter__(self) -> Iterator[tuple[Film, FilmProvenance]]:
        for path in self.paths:
            film = read_canonical(path)
            yield film, self._provenance(path, film)

    def _provenance(self, path: Path, film: Film) -> FilmProvenance:
        row = self._rows.get(path.relative_to(self._folder).as_posix(), {})
        patient, seed = row.get("patient_id", ""), row.get("phantom_seed", "")
        if seed and not seed.isdecimal():
            raise ValueError(f"The phantom_seed of {path} in {LABELS} is no whole number: {seed!r}.")
        return FilmProvenance(
            film_hash(film),
            patient_hash=patient_hash(self._key, self._origin, patient) if self._key and patient else None,
            phantom_seed=int(seed) if seed else None,
        )


def read_labels(path: Path) -> dict[str, dict[str, str]]:
    """Rows of a table of films by the name in their column `file`; none where there is no such file."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "file" not in (reader.fieldnames or ()):
            raise ValueError(f"{path} has no column “file”, so nothing in it can be told to belong to a film.")
        rows: dict[str, dict[str, str]] = {}
        for row in reader:
            if row["file"] in rows:
                raise ValueError(
                    f"{path} names {row['file']} again in line {reader.line_num}; leave one row for each film."
                )
            rows[row["file"]] = row
        return rows
