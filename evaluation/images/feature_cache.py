"""Features that were computed once, on disk: found again by what a file or a film holds, for one extractor and rule.

A cache is a folder for each extractor with segments in it. A segment is one array of rows (the SHA-256 of the file, the
hash of the film, its features in single precision), written whole or not at all under a name of its own and never
changed, so that any number of processes may read and write at once; what is interrupted loses the last segment.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from evaluation.images.extractors.interface import Extractor, Rows
from gan.pixels import HIGH_PERCENTILE, LARGEST_SIDE, LOW_PERCENTILE

SEGMENT = 1024
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where the features of a film lie, and the film's hash."""

    segment: Path
    row: int
    film: bytes


class FeatureCache:
    """The rows of one extractor below `folder`. Rows that are added are on disk once the `with` block ends."""

    def __init__(self, folder: Path, extractor: Extractor) -> None:
        """Raises ValueError where a segment cannot be read."""
        identity = json.dumps(_identity(extractor), sort_keys=True)
        key = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._folder = folder / f"{re.sub(r'[^0-9A-Za-z-]', '_', extractor.name)}-{key}"
        self._by_file: dict[bytes, Place] = {}
        self._by_film: dict[bytes, Place] = {}
        self._segments: dict[Path, np.ndarray] = {}
        self._added: list[tuple[bytes, bytes, Rows]] = []
        self.refresh()

    def __enter__(self) -> FeatureCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def refresh(self) -> None:
        """Take up what other processes have written since."""
        for path in sorted(set(self._folder.glob("*.npy")) - set(self._segments)):
            segment = self._segments[path] = _open(path)
            for row, (file, film) in enumerate(zip(segment["file"].tolist(), segment["film"].tolist(), strict=True)):
                place = Place(path, row, film)
                self._by_file.setdefault(file, place)
                self._by_film.setdefault(film, place)

    def of_file(self, file: bytes) -> Place | None:
        """The place of the film in a file with this SHA-256."""
        return self._by_file.get(file)

    def of_film(self, film: bytes) -> Rows | None:
        """The features of a film with this hash, of shape (dimension,), whatever file it came from."""
        place = self._by_film.get(film)
        return None if place is None else self._row(place)

    def add(self, file: bytes, film: bytes, features: Rows) -> None:
        """Keep one row. It can be found after the `with` block and `refresh`."""
        self._added.append((file, film, features))
        if len(self._added) == SEGMENT:
            self._write()

    def rows(self, places: Sequence[Place]) -> Iterator[Rows]:
        """The features at these places, in their order, some hundred rows at a time."""
        for start in range(0, len(places), SEGMENT):
            yield np.stack([self._row(place) for place in places[start : start + SEGMENT]])

    def _row(self, place: Place) -> Rows:
        return self._segments[place.segment]["features"][place.row]

    def _write(self) -> None:
        if not self._added:
            return
        row = [("file", f"V{HASH_BYTES}"), ("film", f"V{HASH_BYTES}"), ("features", "<f4", self._added[0][2].shape)]
        segment = np.array(self._added, dtype=row)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid.uuid4().hex}.npy"
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                np.save(file, segment)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        self._added = []


def _identity(extractor: Extractor) -> dict[str, object]:
    """All that a row depends on but the film: the extractor, and how a file becomes a film."""
    return {
        "name": extractor.name,
        "version": extractor.version,
        "sha256": extractor.sha256,
        "rule": extractor.rule,
        "canonical": [LARGEST_SIDE, LOW_PERCENTILE, HIGH_PERCENTILE],
    }


def _open(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(f"The cache file {path} is damaged ({error}); delete it.") from error
