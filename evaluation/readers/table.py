"""The long table of readings as a CSV file: read with every fault named by line and column, and written."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar, get_args

from evaluation.readers.reading import COLUMNS, Kind, Reading, Role, Truth

Choice = TypeVar("Choice")

REQUIRED = ("reader", "case", "truth", "rating")
ALIASES = {f"{name}_id": name for name in ("reader", "case", "arm", "sitting")}
TRUTHS: Mapping[str, Truth] = {
    "real": "real",
    "0": "real",
    "synthetic": "synthetic",
    "fake": "synthetic",
    "1": "synthetic",
}
ROLE_OF_TRUTH: Mapping[Truth, Role] = {"real": "real", "synthetic": "generator"}
REAL_ROLES = ("real", "control-real")


class TableError(ValueError):
    """A table that cannot be analysed; the message names file, line, column and reason."""


def read_table(path: Path, scale: tuple[float, float] = (1, 6), arms: str | None = None) -> list[Reading]:
    """Read a long table. `scale` bounds the ratings; `arms` names the column that, beside others, tells readings apart.

    Needs the columns reader, case, truth and rating; the others of `COLUMNS` may be there, unknown ones go to
    `Reading.extra`. Commas, semicolons or tabs, a byte order mark, CRLF and spaces around values are read. Raises
    TableError at the first fault.
    """
    lines = _rows(path)
    header = _header(path, lines)
    if arms and arms not in header:
        raise TableError(f"{path}, line 1: the column “{arms}” that --arms names is not there.")
    readings: list[Reading] = []
    first_seen: dict[tuple[str, ...], int] = {}
    truths: dict[str, tuple[Truth, int]] = {}
    for line, values in lines[1:]:
        if len(values) != len(header):
            raise TableError(f"{path}, line {line}: {len(values)} values under {len(header)} columns.")
        row = _Row(path, line, dict(zip(header, values, strict=True)))
        reading = row.reading(scale)
        truth, line_of_truth = truths.setdefault(reading.case, (reading.truth, line))
        if truth != reading.truth:
            row.fault("truth", f"case “{reading.case}” is {truth} in line {line_of_truth} and {reading.truth} here")
        key = (reading.reader, reading.case, reading.sitting, reading.kind, row.values[arms] if arms else "")
        if key in first_seen:
            row.fault("case", f"reader “{reading.reader}” has rated this case in line {first_seen[key]} already")
        first_seen[key] = line
        readings.append(reading)
    if not readings:
        raise TableError(f"{path}: there is no reading below the header.")
    return readings


def write_table(path: Path, readings: Iterable[Reading]) -> None:
    """Write a long table with the columns of `COLUMNS`, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for reading in readings:
            writer.writerow(_as_text(getattr(reading, name)) for name in COLUMNS)
    partial.replace(path)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that hold anything, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: the file is not text in UTF-8 ({error}).") from error
    if not text.strip():
        raise TableError(f"{path}: the file is empty.")
    first = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = []
    try:
        for values in reader:
            if any(value.strip() for value in values):
                rows.append((reader.line_num, [value.strip() for value in values]))
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: this is not a CSV file ({error}).") from error
    return rows


def _header(path: Path, lines: Sequence[tuple[int, list[str]]]) -> list[str]:
    names = [name.lower() for name in lines[0][1]]
    header = [ALIASES.get(name, name) for name in names]
    for name in REQUIRED:
        if name not in header:
            raise TableError(f"{path}, line 1: the column “{name}” is missing; there are {', '.join(names)}.")
    for name in header:
        if header.count(name) > 1:
            raise TableError(f"{path}, line 1: the column “{name}” is there more than once.")
    return header


class _Row:
    """One line of the table, with a name for the place of a fault."""

    def __init__(self, path: Path, line: int, values: dict[str, str]) -> None:
        self.path, self.line, self.values = path, line, values

    def fault(self, column: str, reason: str) -> NoReturn:
        raise TableError(f"{self.path}, line {self.line}, column “{column}”: {reason}.")

    def reading(self, scale: tuple[float, float]) -> Reading:
        truth = self._one_of("truth", TRUTHS)
        kind = self._one_of("kind", {name: name for name in get_args(Kind)}, default="main")
        role = self._one_of("role", {name: name for name in get_args(Role)}, default=ROLE_OF_TRUTH[truth])
        if (role in REAL_ROLES) != (truth == "real"):
            self.fault("role", f"the role “{role}” does not fit a {truth} case")
        rating = self._number("rating")
        if not scale[0] <= rating <= scale[1]:
            self.fault("rating", f"{rating:g} is off the scale of {scale[0]:g} to {scale[1]:g}")
        return Reading(
            reader=self._text("reader"),
            case=self._text("case"),
            truth=truth,
            rating=rating,
            arm=self.values.get("arm", ""),
            role=role,
            sitting=self.values.get("sitting") or "1",
            kind=kind,
            position=int(self._number("position")) if self.values.get("position") else None,
            seconds=self._number("seconds") if self.values.get("seconds") else None,
            finding=self.values.get("finding", ""),
            extra={name: value for name, value in self.values.items() if name not in COLUMNS},
        )

    def _text(self, column: str) -> str:
        if not self.values[column]:
            self.fault(column, "the value is empty")
        return self.values[column]

    def _one_of(self, column: str, allowed: Mapping[str, Choice], default: Choice | None = None) -> Choice:
        value = self.values.get(column, "").lower()
        if not value and default is not None:
            return default
        if value not in allowed:
            self.fault(column, f"“{value}” is none of {', '.join(allowed)}" if value else "the value is empty")
        return allowed[value]

    def _number(self, column: str) -> float:
        text = self.values[column]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.fault(column, f"“{text}” is not a number" if text else "the value is empty")
        return value
