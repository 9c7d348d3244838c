"""The features of all films of a folder, computed where the cache does not have them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from torch import distributed

from evaluation.images.extractors.interface import Extractor, Progress, Rows, batches, in_threads, require_finite
from evaluation.images.feature_cache import FeatureCache, Place
from gan.folder import LABELS, film_paths, read_canonical, read_labels
from gan.parallel import Ranks
from gan.pixels import Film, film_hash

FINDINGS_APART = "|"


@dataclass(frozen=True)
class Films:
    """The films of a folder by name, and where their features lie in the cache."""

    folder: Path
    names: list[str]
    places: list[Place]
    cache: FeatureCache

    @property
    def patients(self) -> list[str] | None:
        """The patient of each film as labels.csv has it, empty where not; None where it names none of these films."""
        return self._column("patient_id")

    @property
    def findings(self) -> list[frozenset[str]] | None:
        """The findings of each film as labels.csv has them; None where it has none."""
        labels = self._column("labels")
        if labels is None:
            return None
        return [frozenset(filter(None, label.split(FINDINGS_APART))) for label in labels]

    def write(self, path: Path) -> None:
        """Write the features as an .npy of shape (n, d) in single precision, whole or not at all, a part at a time."""
        write_array(path, len(self.places), self.cache.rows(self.places))

    def mapped(self, folder: Path) -> Rows:
        """The features, of shape (n, d), mapped from a file below `folder` that has no name and goes as they do."""
        with TemporaryFile(dir=folder) as file:
            for part in self.cache.rows(self.places):
                file.write(part.astype("<f4").tobytes())
            file.flush()
            return np.memmap(file, "<f4", "r").reshape(len(self.places), -1)

    def _column(self, name: str) -> list[str] | None:
        rows = read_labels(self.folder / LABELS)
        values = [rows.get(Path(film).as_posix(), {}).get(name) or "" for film in self.names]
        return values if any(values) else None


def measured(
    extractor: Extractor, folder: Path, cache: Path, ranks: Ranks | None = None, progress: Progress | None = None
) -> Films:
    """As `measured_by`, for one extractor."""
    return measured_by([extractor], folder, cache, ranks, progress)[0]


def measured_by(
    extractors: Sequence[Extractor],
    folder: Path,
    cache: Path,
    ranks: Ranks | None = None,
    progress: Progress | None = None,
) -> list[Films]:
    """See to it that the cache has every extractor's features of every film of `folder`, and say where.

    Several processes take a share each and must see one cache. Films are read as they are needed, a few at a time, and
    once for all extractors. Raises ValueError naming the file that cannot be read, the film whose features are not
    finite, the folder without films, or two films that are the same.
    """
    ranks = ranks or Ranks()
    paths = film_paths(folder)
    share = paths[ranks.rank :: ranks.world]
    caches = [FeatureCache(cache, extractor) for extractor in extractors]
    files: list[bytes] = []
    with ExitStack() as written:
        for rows in caches:
            written.enter_context(rows)
        for batch in in_threads(partial(_measure, extractors, caches), batches(share)):
            for one in batch:
                files.append(one.file)
                for rows, features in zip(caches, one.features, strict=True):
                    if features is not None:
                        rows.add(one.file, one.film, features)
            if progress:
                progress(len(files), len(share))
    files = _of_all(files, ranks)
    names = [str(path.relative_to(folder)) for path in paths]
    films = []
    for rows in caches:
        rows.refresh()
        places = [_place(rows, file, path) for file, path in zip(files, paths, strict=True)]
        films.append(Films(folder, names, places, rows))
    _refuse_twins(films[0])
    return films


def write_array(path: Path, count: int, parts: Iterable[Rows]) -> None:
    """Write `count` rows that come in parts as one .npy, whole or not at all.

    Not through a memory map: a disk that fills up under one kills the process without a word.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            for number, part in enumerate(parts):
                if not number:
                    header = {"descr": "<f4", "fortran_order": False, "shape": (count, part.shape[1])}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(part.astype("<f4").tobytes())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Measured:
    """One file, and each extractor's features of it; None where its cache has them under this file already."""

    file: bytes
    film: bytes
    features: list[Rows | None]


def _measure(extractors: Sequence[Extractor], caches: Sequence[FeatureCache], paths: Sequence[Path]) -> list[_Measured]:
    found: list[_Measured] = []
    films: dict[int, Film] = {}
    for index, path in enumerate(paths):
        file = _hash_of_file(path)
        places = [cache.of_file(file) for cache in caches]
        if places[0] and all(places):
            film_is = places[0].film
        else:
            films[index] = read_canonical(path)
            film_is = bytes.fromhex(film_hash(films[index]))
        features = [None if place else cache.of_film(film_is) for place, cache in zip(places, caches, strict=True)]
        found.append(_Measured(file, film_is, features))
    for number, (extractor, cache) in enumerate(zip(extractors, caches, strict=True)):
        new = [
            index for index in films if found[index].features[number] is None and not cache.of_file(found[index].file)
        ]
        if new:
            rows = extractor.rows([films[index] for index in new])
            require_finite(extractor, rows, [paths[index] for index in new])
            for index, row in zip(new, rows, strict=True):
                found[index].features[number] = row
    return found


def _hash_of_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise ValueError(f"The film {path} cannot be read ({error}); mend it or take it away.") from error


def _of_all(files: list[bytes], ranks: Ranks) -> list[bytes]:
    """The hashes of all processes' files in the order of all paths; each waits here for the others."""
    if ranks.world == 1:
        return files
    shares: list[list[bytes]] = [[] for _ in range(ranks.world)]
    distributed.all_gather_object(shares, files)
    whole = [b""] * sum(map(len, shares))
    for rank, share in enumerate(shares):
        whole[rank :: ranks.world] = share
    return whole


def _place(cache: FeatureCache, file: bytes, path: Path) -> Place:
    place = cache.of_file(file)
    if place is None:
        raise ValueError(f"The features of {path} are not in the cache; give a --cache that all processes see.")
    return place


def _refuse_twins(films: Films) -> None:
    seen: dict[bytes, str] = {}
    for name, place in zip(films.names, films.places, strict=True):
        twin = seen.setdefault(place.film, name)
        if twin != name:
            raise ValueError(f"The films {twin} and {name} in {films.folder} are the same; take one away.")
