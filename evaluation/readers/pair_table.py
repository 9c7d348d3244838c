"""Choices between two films as a CSV file, read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

from evaluation.readers.pairs import PairReading, PairRole, Side
from evaluation.readers.rows import read_rows, write_rows
from evaluation.readers.table import KINDS

REQUIRED = ("reader", "pair", "chosen", "correct")
COLUMNS = (*REQUIRED, "side", "kind", "finding", "seconds", "arm", "role", "sitting")
SIDES: Mapping[str, Side] = {"left": "left", "right": "right"}
ROLES: Mapping[str, PairRole] = {name: name for name in get_args(PairRole)}
WORDS: Mapping[str, bool] = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def read_pairs(path: Path) -> list[PairReading]:
    """Read a table of choices: reader, pair, chosen (left or right), correct (1 or 0), and side of the synthetic film.

    The others of `COLUMNS` may be missing, unknown ones are passed over. Where sides are given,
    readers were asked for the synthetic film in every row or for the real one in every row. Raises TableError at the
    first fault.
    """
    readings: list[PairReading] = []
    first_seen: dict[tuple[str, ...], int] = {}
    asked_for: tuple[bool, int] | None = None
    for row in read_rows(path, REQUIRED):
        reading = PairReading(
            reader=row.text("reader"),
            pair=row.text("pair"),
            chosen=row.one_of("chosen", SIDES),
            correct=row.one_of("correct", WORDS),
            side=row.one_of("side", SIDES) if row.values.get("side") else None,
            kind=row.one_of("kind", KINDS, default="main"),
            finding=row.values.get("finding", ""),
            seconds=row.number_or_none("seconds"),
            arm=row.values.get("arm", ""),
            role=row.one_of("role", ROLES, default="generator"),
            sitting=row.values.get("sitting") or "1",
        )
        line = first_seen.setdefault((reading.reader, reading.pair, reading.sitting, reading.kind), row.line)
        if line != row.line:
            row.fault("pair", f"reader “{reading.reader}” has chosen in this pair in line {line} already")
        if reading.side:
            for_synthetic = (reading.chosen == reading.side) == reading.correct
            asked_for = asked_for or (for_synthetic, row.line)
            if for_synthetic != asked_for[0]:
                row.fault(
                    "correct", f"the choice and the side of the synthetic film do not fit it as in line {asked_for[1]}"
                )
        readings.append(reading)
    return readings


def write_pairs(path: Path, readings: Iterable[PairReading]) -> None:
    """Write a table of choices, whole or not at all; `correct` is 1 or 0."""
    rows = [[getattr(reading, name) for name in COLUMNS] for reading in readings]
    write_rows(path, COLUMNS, [[int(value) if isinstance(value, bool) else value for value in row] for row in rows])
