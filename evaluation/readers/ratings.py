"""Readings as one array: modality × reader × case, with the truth of every case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.readers.reading import Reading

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A modality is one way of showing or making films; without several, all readings are of this one.
ONE_MODALITY = ""


@dataclass(frozen=True, eq=False)
class Ratings:
    """`values` has shape (modalities, readers, cases), NaN where a reader did not read; `synthetic` has shape (cases,).

    A case that belongs to one modality only is NaN in the others, so a common real arm is simply read in all of them.
    """

    modalities: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    values: Floats
    synthetic: Bools

    @property
    def read(self) -> Bools:
        """Which cells were read, of the shape of `values`."""
        return ~np.isnan(self.values)

    def with_both_truths(self) -> tuple[Ratings, tuple[str, ...]]:
        """Only the readers who read real and synthetic cases in every modality, and the names of the others."""
        real = (self.read & ~self.synthetic).any(axis=2)
        synthetic = (self.read & self.synthetic).any(axis=2)
        kept: Bools = np.all(real & synthetic, axis=0)
        others = tuple(name for name, keep in zip(self.readers, kept, strict=True) if not keep)
        names = tuple(name for name, keep in zip(self.readers, kept, strict=True) if keep)
        return Ratings(self.modalities, names, self.cases, self.values[:, kept], self.synthetic), others

    def of_modality(self, index: int) -> Ratings:
        """One modality by itself, with the cases that anybody read in it."""
        cases = self.read[index].any(axis=0)
        names = tuple(name for name, keep in zip(self.cases, cases, strict=True) if keep)
        values = self.values[index : index + 1, :, cases]
        return Ratings((self.modalities[index],), self.readers, names, values, self.synthetic[cases])


def ratings_of(readings: Sequence[Reading]) -> Ratings:
    """All readings as one modality."""
    return ratings_by_modality({ONE_MODALITY: readings})


def ratings_by_modality(modalities: Mapping[str, Sequence[Reading]]) -> Ratings:
    """Readings by modality as one array; readers and cases in the order of their first appearance.

    Raises ValueError where a reader rated a case twice in one modality, or where a case has two truths.
    """
    everything = [reading for readings in modalities.values() for reading in readings]
    readers = {name: index for index, name in enumerate(dict.fromkeys(reading.reader for reading in everything))}
    truths: dict[str, bool] = {}
    for reading in everything:
        if truths.setdefault(reading.case, reading.truth == "synthetic") != (reading.truth == "synthetic"):
            raise ValueError(f"Case “{reading.case}” is real in one row and synthetic in another; mend its truth.")
    cases = {name: index for index, name in enumerate(truths)}
    values = np.full((len(modalities), len(readers), len(cases)), np.nan)
    for modality, readings in enumerate(modalities.values()):
        for reading in readings:
            cell = modality, readers[reading.reader], cases[reading.case]
            if not np.isnan(values[cell]):
                raise ValueError(
                    f"Reader “{reading.reader}” rated case “{reading.case}” more than once in one analysis; "
                    "keep one of them, or name the column that tells them apart with --arms."
                )
            values[cell] = reading.rating
    synthetic = np.array(list(truths.values()), dtype=bool)
    return Ratings(tuple(modalities), tuple(readers), tuple(cases), values, synthetic)
