"""Readings from any file that this package reads: a long table, a file of iMRMC, a workbook of RJafroc."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.readers.imrmc import BEGIN, read_imrmc, write_imrmc
from evaluation.readers.pair_table import REQUIRED
from evaluation.readers.reading import Reading
from evaluation.readers.rjafroc import read_rjafroc, write_rjafroc
from evaluation.readers.rows import column_name, header_of
from evaluation.readers.table import read_table, write_table

WORKBOOK = b"PK\x03\x04"
SUFFIXES = (".csv", ".imrmc", ".xlsx")


def read_readings(
    path: Path, scale: tuple[float, float] = (1, 6), arms: str | None = None
) -> tuple[list[Reading], str | None]:
    """The readings, and the column whose values are arms: `arms`, or that of the modalities where a file has several.

    Told apart by content. Raises TableError at the first fault.
    """
    content = path.read_bytes()
    if content.startswith(WORKBOOK):
        readings = read_rjafroc(path, scale)
    elif BEGIN.encode() in content.upper():
        readings = read_imrmc(path, scale)
    else:
        return read_table(path, scale, arms), column_name(arms) if arms else None
    several = len({reading.arm for reading in readings}) > 1
    return readings, arms or ("arm" if several else None)


def are_pairs(path: Path) -> bool:
    """Whether a file is a table of choices between two films."""
    content = path.read_bytes()
    if content.startswith(WORKBOOK) or BEGIN.encode() in content.upper():
        return False
    return set(REQUIRED) <= set(header_of(path))


def write_readings(path: Path, readings: Sequence[Reading], arms: str | None) -> None:
    """Write readings in the form that the file's name ends on: .csv, .imrmc or .xlsx. Raises ValueError for another."""
    if path.suffix.lower() == ".csv":
        write_table(path, readings)
    elif path.suffix.lower() == ".imrmc":
        write_imrmc(path, readings, arms)
    elif path.suffix.lower() == ".xlsx":
        write_rjafroc(path, readings, arms)
    else:
        raise ValueError(f"{path}: only files that end on {', '.join(SUFFIXES)} can be written.")
