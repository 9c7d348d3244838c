"""The long table of readings as a CSV file: read with every fault named by line and column, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from evaluation.readers.reading import COLUMNS, Kind, Reading, Role, Truth
from evaluation.readers.rows import Row, TableError, column_name, read_rows, write_rows

REQUIRED = ("reader", "case", "truth", "rating")
TRUTHS: Mapping[str, Truth] = {
    "real": "real",
    "0": "real",
    "synthetic": "synthetic",
    "fake": "synthetic",
    "1": "synthetic",
}
KINDS: Mapping[str, Kind] = {name: name for name in get_args(Kind)}
ROLES: Mapping[str, Role] = {name: name for name in get_args(Role)}
ROLE_OF_TRUTH: Mapping[Truth, Role] = {"real": "real", "synthetic": "generator"}
REAL_ROLES = ("real", "control-real")


def read_table(path: Path, scale: tuple[float, float] = (1, 6), arms: str | None = None) -> list[Reading]:
    """Read a long table. `scale` bounds the ratings; `arms` names the column that, beside others, tells readings apart.

    Needs the columns reader, case, truth and rating; the others of `COLUMNS` may be there, unknown ones go to
    `Reading.extra`. Raises TableError at the first fault.
    """
    rows = read_rows(path, REQUIRED)
    told_apart = column_name(arms) if arms else None
    if told_apart and told_apart not in rows[0].values:
        raise TableError(f"{path}, line 1: the column “{arms}” that --arms names is not there.")
    readings: list[Reading] = []
    first_seen: dict[tuple[str, ...], int] = {}
    truths: dict[str, tuple[Truth, int]] = {}
    for row in rows:
        reading = _reading(row, scale)
        truth, line_of_truth = truths.setdefault(reading.case, (reading.truth, row.line))
        if truth != reading.truth:
            row.fault("truth", f"case “{reading.case}” is {truth} in line {line_of_truth} and {reading.truth} here")
        arm = row.values[told_apart] if told_apart else ""
        key = (reading.reader, reading.case, reading.sitting, reading.kind, arm)
        line = first_seen.setdefault(key, row.line)
        if line != row.line:
            row.fault("case", f"reader “{reading.reader}” has rated this case in line {line} already")
        readings.append(reading)
    return readings


def write_table(path: Path, readings: Sequence[Reading]) -> None:
    """Write a long table with the columns of `COLUMNS` and those that readings carry beside, whole or not at all."""
    carried = list(dict.fromkeys(name for reading in readings for name in reading.extra))
    rows = [
        [getattr(reading, name) for name in COLUMNS] + [reading.extra.get(name) for name in carried]
        for reading in readings
    ]
    write_rows(path, (*COLUMNS, *carried), rows)


def _reading(row: Row, scale: tuple[float, float]) -> Reading:
    truth = row.one_of("truth", TRUTHS)
    role = row.one_of("role", ROLES, default=ROLE_OF_TRUTH[truth])
    if (role in REAL_ROLES) != (truth == "real"):
        row.fault("role", f"the role “{role}” does not fit a {truth} case")
    rating = row.number("rating", scale)
    position = row.number_or_none("position")
    return Reading(
        reader=row.text("reader"),
        case=row.text("case"),
        truth=truth,
        rating=rating,
        arm=row.values.get("arm", ""),
        role=role,
        sitting=row.values.get("sitting") or "1",
        kind=row.one_of("kind", KINDS, default="main"),
        position=None if position is None else int(position),
        seconds=row.number_or_none("seconds"),
        finding=row.values.get("finding", ""),
        extra={name: value for name, value in row.values.items() if name not in COLUMNS},
    )
