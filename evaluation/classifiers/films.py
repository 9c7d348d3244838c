"""Films with what is known of their findings: what classifiers are trained, calibrated and measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evaluation.images.extractors.interface import Progress, batches, in_threads
from gan.findings import FINDINGS, NO_FINDING
from gan.folder import LABELS, film_paths, read_canonical, read_labels
from gan.pixels import FULL_SCALE, Film, film_hash, resample
from gan.provenance import patient_hash

FINDINGS_APART = "|"
Greys = npt.NDArray[np.uint16]
Labels = npt.NDArray[np.float32]
Rows = Sequence[int] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]


class Picked:
    """Some films of an array, in an order of their own, that are copied only when they are asked for."""

    def __init__(self, films: Greys, rows: npt.NDArray[np.integer]) -> None:
        self._films, self._rows = films, rows

    def picked(self, rows: npt.NDArray[np.integer]) -> Picked:
        return Picked(self._films, self._rows[rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: npt.NDArray[np.integer]) -> Greys:
        return self._films[self._rows[rows]]


@dataclass(frozen=True)
class LabelledFilms:
    """Films of one side with the findings of each, its patient and the hash of its canonical pixels.

    `greys` has shape (n, side, side): canonical greys, resampled once, mapped from a file or not. `labels` has shape
    (n, findings): 1 where the finding is there, 0 where it is not, NaN where that is not known. A film of no known
    patient is named by its hash, so it is a patient of its own.
    """

    greys: Greys | Picked
    names: list[str]
    labels: Labels
    patients: tuple[str, ...]
    hashes: tuple[str, ...]
    findings: tuple[str, ...]
    side: int

    def __len__(self) -> int:
        return len(self.names)

    def chosen(self, rows: Rows) -> LabelledFilms:
        """The films of some rows, given by number or by a truth value for each, in their order."""
        which = np.arange(len(self))[np.asarray(rows, dtype=None if len(rows) else np.int64)]
        return replace(
            self,
            greys=self.greys.picked(which) if isinstance(self.greys, Picked) else Picked(self.greys, which),
            names=[self.names[row] for row in which],
            labels=self.labels[which],
            patients=tuple(self.patients[row] for row in which),
            hashes=tuple(self.hashes[row] for row in which),
        )

    def of_patients(self, patients: Set[str]) -> LabelledFilms:
        """The films of some patients."""
        return self.chosen(np.array([patient in patients for patient in self.patients], dtype=bool))

    def about(self, findings: Sequence[str]) -> LabelledFilms:
        """The same films with the columns of these findings. Raises ValueError for one that there is no column of."""
        missing = [name for name in findings if name not in self.findings]
        if missing:
            raise ValueError(f"Nothing is known of {', '.join(missing)} in these films.")
        columns = [self.findings.index(name) for name in findings]
        return replace(self, labels=self.labels[:, columns], findings=tuple(findings))

    @staticmethod
    def joined(parts: Sequence[LabelledFilms]) -> LabelledFilms:
        """All films of several sets. Raises ValueError where sides or findings differ."""
        first = parts[0]
        if any((part.side, part.findings) != (first.side, first.findings) for part in parts):
            raise ValueError("Films of different sides or with different columns of findings cannot be joined.")
        return LabelledFilms(
            np.concatenate([part.greys[np.arange(len(part))] for part in parts]),
            [name for part in parts for name in part.names],
            np.concatenate([part.labels for part in parts]),
            tuple(patient for part in parts for patient in part.patients),
            tuple(hashed for part in parts for hashed in part.hashes),
            first.findings,
            first.side,
        )

    def tensor(self, rows: Rows) -> Tensor:
        """Some films as the networks take them: shape (n, 1, side, side), values −1 … 1."""
        return as_values(torch.from_numpy(self.carried(rows)))

    def carried(self, rows: Rows) -> npt.NDArray[np.int16]:
        """The bits of some films in the one 16-bit type that every device can compute with; for `as_values`."""
        return np.ascontiguousarray(self.greys[np.asarray(rows)]).view(np.int16)


def as_values(carried: Tensor) -> Tensor:
    """Greys that `LabelledFilms.carried` gave, on any device, as shape (n, 1, side, side) and values −1 … 1."""
    greys = carried.to(torch.int32) & FULL_SCALE
    return (greys.to(torch.float32) * (2 / FULL_SCALE) - 1)[:, None]


def films_of_folder(
    folder: Path,
    findings: Sequence[str],
    side: int,
    *,
    key: bytes | None = None,
    origin: str = "",
    progress: Progress | None = None,
) -> LabelledFilms:
    """All films below a folder, with what its labels.csv knows of them.

    The table's columns: `file`, `labels` (joined by |; none means that nothing is known of the film), and where there
    are such `patient_id`, `phantom_seed` and `unknown` (findings, joined by |, of which nothing is known in this
    film). With `key` patients are named by their pseudonyms within `origin`, else as the table names them. Raises
    ValueError that names the film or row at fault.
    """
    paths = film_paths(folder)
    names = [path.relative_to(folder).as_posix() for path in paths]
    labels, known = known_of_folder(folder, names, findings, key=key, origin=origin)
    greys, hashes = read_films(paths, side, progress)
    patients = [patient or hashed for patient, hashed in zip(known, hashes, strict=True)]
    return LabelledFilms(greys, names, labels, tuple(patients), hashes, tuple(findings), side)


def known_of_folder(
    folder: Path, names: Sequence[str], findings: Sequence[str], *, key: bytes | None = None, origin: str = ""
) -> tuple[Labels, list[str]]:
    """What the labels.csv of a folder knows of its films, by name: labels (n, findings) as above, and patients.

    A patient is empty where not known. Raises ValueError that names the row at fault.
    """
    rows = read_labels(folder / LABELS)
    known = [_Row(rows.get(name, {}), f"{name} in {folder / LABELS}") for name in names]
    labels = np.array([row.labels(findings) for row in known], dtype=np.float32).reshape(len(names), len(findings))
    return labels, [row.patient(key, origin) for row in known]


def read_films(
    paths: Sequence[Path],
    side: int,
    progress: Progress | None = None,
    read: Callable[[Path], Film] = read_canonical,
) -> tuple[Greys, tuple[str, ...]]:
    """Files as films of one side, of shape (n, side, side), and the hash of each before it was resampled.

    The films are mapped from a file without a name, which goes as they do, so that more of them than memory holds can
    be trained on. Raises ValueError naming the file, as `read` does.
    """
    hashes: list[str] = []
    with TemporaryFile() as file:
        for batch in in_threads(lambda some: [_at_side(read(path), side) for path in some], batches(paths)):
            for film, hashed in batch:
                file.write(film.astype("<u2").tobytes())
                hashes.append(hashed)
            if progress:
                progress(len(hashes), len(paths))
        file.flush()
        greys = np.memmap(file, "<u2", "r", shape=(len(paths), side, side))
    return greys, tuple(hashes)


def labels_of(said: Iterable[str], findings: Sequence[str], unknown: Iterable[str] = ()) -> list[float]:
    """1, 0 or NaN for each of `findings`: what the labels of a film say, of which none means that nothing is known.

    Raises ValueError for a word that is no finding, and for “No Finding” beside one.
    """
    shown, masked = set(said), set(unknown)
    strange = (shown | masked) - {*FINDINGS, NO_FINDING}
    if strange:
        raise ValueError(f"{', '.join(sorted(strange))}: no finding; there are {', '.join(FINDINGS)}, {NO_FINDING}.")
    if NO_FINDING in shown and len(shown) > 1:
        raise ValueError(f"“{NO_FINDING}” stands beside {', '.join(sorted(shown - {NO_FINDING}))}.")
    if not shown:
        return [np.nan] * len(findings)
    return [np.nan if finding in masked else float(finding in shown) for finding in findings]


class _Row:
    """One film's row of labels.csv."""

    def __init__(self, row: dict[str, str], which: str) -> None:
        self._row, self._which = row, which

    def labels(self, findings: Sequence[str]) -> list[float]:
        try:
            return labels_of(self._words("labels"), findings, self._words("unknown"))
        except ValueError as error:
            raise ValueError(f"The labels of {self._which} cannot be used: {error}") from error

    def patient(self, key: bytes | None, origin: str) -> str:
        """The patient's name; empty where not known."""
        seed, patient = self._row.get("phantom_seed") or "", (self._row.get("patient_id") or "").strip()
        if seed:
            return phantom_name(seed)
        if not patient:
            return ""
        return patient_hash(key, origin, patient) if key else patient.lstrip("0") or "0"

    def _words(self, column: str) -> list[str]:
        return [word.strip() for word in (self._row.get(column) or "").split(FINDINGS_APART) if word.strip()]


def phantom_name(seed: int | str) -> str:
    """The name of the patient that a phantom is."""
    return f"phantom_{seed}"


def _at_side(film: Film, side: int) -> tuple[Film, str]:
    return np.rint(resample(film, side)).astype(np.uint16), film_hash(film)
