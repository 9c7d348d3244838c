"""CSV files beside the films, in the shapes that spreadsheets and archives leave them in."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

Row = dict[str, str]


@dataclass(frozen=True)
class Table:
    path: Path
    columns: list[str]
    rows: list[Row]


def tables_in(folder: Path) -> dict[Path, list[str]]:
    """The CSV files directly in `folder` (also .csv.gz) with the columns of each.

    Raises ValidationError for one that cannot be read: films must not come in without what it says of them.
    """
    paths = sorted(path for path in folder.iterdir() if path.name.lower().endswith((".csv", ".csv.gz")))
    return {path: _read(path, header_only=True).columns for path in paths if not path.name.startswith(".")}


def the_table(folder: Path, *, needed: Iterable[str]) -> Table | None:
    """The one table in `folder` with these columns, or None. Raises ValidationError where there are several."""
    wanted = set(needed)
    paths = [path for path, columns in tables_in(folder).items() if wanted <= set(columns)]
    if len(paths) > 1:
        raise ValidationError(
            _("%(folder)s holds several tables of films (%(names)s); leave one of them there.")
            % {"folder": folder, "names": ", ".join(path.name for path in paths)}
        )
    return _read(paths[0]) if paths else None


def rows_by(table: Table, column: str) -> tuple[dict[str, Row], set[str]]:
    """Rows by the value in `column`, and the values that stand for two different rows."""
    rows: dict[str, Row] = {}
    contradicted = set()
    for row in table.rows:
        key = row.get(column, "").strip()
        if rows.setdefault(key, row) != row:
            contradicted.add(key)
    return rows, contradicted


def _read(path: Path, *, header_only: bool = False) -> Table:
    """“Image Index” and “Image_Index” are one column, image_index; cells beyond the header are dropped."""
    try:
        with _opened(path) as file:
            first = file.readline()
            # A spreadsheet of another language saves with semicolons.
            delimiter = ";" if first.count(";") > first.count(",") else ","
            columns = [_plain(name) for name in next(csv.reader([first], delimiter=delimiter), [])]
            lines = () if header_only else csv.reader(file, delimiter=delimiter)
            rows = [dict(zip(columns, cells, strict=False)) for cells in lines if any(cells)]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ValidationError(
            _("The table %(path)s cannot be read: %(reason)s.") % {"path": path, "reason": error}
        ) from error
    return Table(path, columns, rows)


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("_", " ").split())


def _opened(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", newline="", encoding="utf-8-sig")
    return path.open(newline="", encoding="utf-8-sig")
