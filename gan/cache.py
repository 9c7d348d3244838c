"""Training films in memory-mapped arrays, one per resolution, so that the training loop never resizes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan.networks import resolutions
from gan.pixels import FULL_SCALE, Film, resample
from gan.provenance import FilmProvenance

INDEX = "films.json"


class FilmCache:
    """Films of one training at every resolution up to the largest, as `uint16` of shape (N, R, R) on disk."""

    def __init__(self, folder: Path) -> None:
        """Open a cache that `build` made. Raises FileNotFoundError where there is none."""
        index = json.loads((folder / INDEX).read_text())
        self.folder = folder
        self.levels: int = index["levels"]
        self.provenance = [FilmProvenance(**row) for row in index["films"]]
        self.patient_key: str | None = index["patient_key"]
        self.resolution: int = index["resolution"]
        self._arrays = {r: np.load(folder / f"{r}.npy", mmap_mode="r") for r in resolutions(self.resolution)}

    def __len__(self) -> int:
        return len(self.provenance)

    def films(self, indices: npt.NDArray, resolution: int) -> Tensor:
        """Films by index as float32 of shape (N, 1, R, R) in -1 … 1."""
        values = self._arrays[resolution][indices].astype(np.float32)
        return torch.from_numpy(values * (2 / FULL_SCALE) - 1)[:, None]


def build(
    films: Iterable[tuple[Film, FilmProvenance]],
    count: int,
    folder: Path,
    *,
    resolution: int,
    levels: int,
    patient_key: str | None = None,
) -> FilmCache:
    """Write `count` canonical films into `folder`, whole or not at all.

    The largest resolution is resampled with antialiasing, each smaller one averages 2 × 2 of the one above. `levels` is
    how many greys the films can hold; `patient_key` names the key under which patients were hashed. Raises ValueError
    for a film smaller than `resolution` or for no films, and OSError where the disk has no room for them.
    """
    if count < 1:
        raise ValueError("There are no films to train on.")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _check_room(folder, count, resolution)
    partial.mkdir(parents=True)
    try:
        provenance = _write_arrays(films, count, partial, resolution)
        rows = [asdict(row) for row in provenance]
        index = {"resolution": resolution, "levels": levels, "patient_key": patient_key, "films": rows}
        (partial / INDEX).write_text(json.dumps(index))
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return FilmCache(folder)


def _check_room(folder: Path, count: int, resolution: int) -> None:
    """A memory-mapped file that outgrows its disk kills the process without a word, so this is asked beforehand."""
    there = next(parent for parent in folder.absolute().parents if parent.exists())
    needed = sum(2 * count * r * r for r in resolutions(resolution))
    free = shutil.disk_usage(there).free
    if needed > free:
        raise OSError(
            f"The cache of {count} films takes {needed / 1e9:.1f} GB, but {there} has {free / 1e9:.1f} GB left."
        )


def _write_arrays(
    films: Iterable[tuple[Film, FilmProvenance]], count: int, folder: Path, resolution: int
) -> list[FilmProvenance]:
    arrays = {
        r: np.lib.format.open_memmap(folder / f"{r}.npy", mode="w+", dtype=np.uint16, shape=(count, r, r))
        for r in resolutions(resolution)
    }
    provenance = []
    for number, (film, row) in enumerate(films):
        if len(film) < resolution:
            raise ValueError(
                f"Film {number + 1} is {len(film)} pixels wide, less than the {resolution} to train at; "
                "choose a smaller resolution."
            )
        values = resample(film, resolution)
        for r in reversed(resolutions(resolution)):
            arrays[r][number] = np.rint(values)
            values = values.reshape(r // 2, 2, r // 2, 2).mean(axis=(1, 3))
        provenance.append(row)
    for array in arrays.values():
        array.flush()
    return provenance
