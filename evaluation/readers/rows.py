"""Rows of a CSV file with a header, and the naming of what is wrong with one."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

Choice = TypeVar("Choice")

ALIASES = {f"{name}_id": name for name in ("reader", "case", "arm", "sitting", "pair")}


class TableError(ValueError):
    """A table that cannot be analysed; the message names file, line, column and reason."""


class Row:
    """One line of a table. `place` names it in a message, `values` has a text for every column."""

    def __init__(self, place: str, line: int, values: dict[str, str]) -> None:
        self.place, self.line, self.values = place, line, values

    def fault(self, column: str, reason: str) -> NoReturn:
        """Refuse the row."""
        raise TableError(f"{self.place}, column “{column}”: {reason}.")

    def text(self, column: str) -> str:
        """A value that must not be empty."""
        if not self.values[column]:
            self.fault(column, "the value is empty")
        return self.values[column]

    def one_of(self, column: str, allowed: Mapping[str, Choice], default: Choice | None = None) -> Choice:
        """What a word means; capitals do not matter. `default` stands for an empty value or a missing column."""
        value = self.values.get(column, "").lower()
        if not value and default is not None:
            return default
        if value not in allowed:
            self.fault(column, f"“{value}” is none of {', '.join(allowed)}" if value else "the value is empty")
        return allowed[value]

    def number(self, column: str, scale: tuple[float, float] | None = None) -> float:
        """A finite number, on `scale` where it is given."""
        text = self.values[column]
        value = finite_number(text)
        if value is None:
            self.fault(column, f"“{text}” is not a number" if text else "the value is empty")
        if scale and not scale[0] <= value <= scale[1]:
            self.fault(column, f"{value:g} is off the scale of {scale[0]:g} to {scale[1]:g}")
        return value

    def number_or_none(self, column: str) -> float | None:
        """A finite number, None where the value is empty or the column missing."""
        return self.number(column) if self.values.get(column) else None


def read_rows(path: Path, required: Sequence[str]) -> list[Row]:
    """All lines below the header that hold anything. Raises TableError at the first fault.

    Commas, semicolons or tabs, a byte order mark, CRLF and spaces around values are read, names of columns in any case
    and with `_id`.
    """
    lines = _lines(path)
    header = _header(path, lines[0][1], required)
    rows = []
    for line, values in lines[1:]:
        if len(values) != len(header):
            raise TableError(f"{path}, line {line}: {len(values)} values under {len(header)} columns.")
        named = {name: value for name, value in zip(header, values, strict=True) if name}
        rows.append(Row(f"{path}, line {line}", line, named))
    if not rows:
        raise TableError(f"{path}: there is no reading below the header.")
    return rows


def header_of(path: Path) -> list[str]:
    """The names of the columns of a CSV file."""
    return [column_name(name) for name in _lines(path)[0][1]]


def column_name(name: str) -> str:
    """A column's name as this package writes it."""
    name = name.strip().lower()
    return ALIASES.get(name, name)


def read_text(path: Path) -> str:
    """The text of a file, or TableError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: the file is not text in UTF-8 ({error}).") from error
    if not text.strip():
        raise TableError(f"{path}: the file is empty.")
    return text


def finite_number(text: str) -> float | None:
    """The number that a text says, None where it says none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def as_text(value: object) -> str:
    """A value as a file holds it: whole numbers without a point, nothing for None."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV file, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([as_text(value) for value in row] for row in rows)
    partial.replace(path)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that hold anything, with their numbers."""
    text = read_text(path)
    first = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    lines = []
    try:
        for values in reader:
            if any(value.strip() for value in values):
                lines.append((reader.line_num, [value.strip() for value in values]))
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: this is not a CSV file ({error}).") from error
    return lines


def _header(path: Path, names: Sequence[str], required: Sequence[str]) -> list[str]:
    header = [column_name(name) for name in names]
    for name in required:
        if name not in header:
            there = ", ".join(name for name in header if name)
            raise TableError(f"{path}, line 1: the column “{name}” is missing; there are {there}.")
    for name in filter(None, header):
        if header.count(name) > 1:
            raise TableError(f"{path}, line 1: the column “{name}” is there more than once.")
    return header
