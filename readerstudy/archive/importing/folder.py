"""A folder tree of PNG or JPEG, with or without a table that says in the column `file` which film each row is about."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from readerstudy.archive.importing.facts import Facts
from readerstudy.archive.importing.found import FoundFilm, Known, Refused, Source
from readerstudy.archive.importing.pictures import is_picture, read_picture
from readerstudy.archive.importing.tables import Table, rows_by, tables_in, the_table
from readerstudy.archive.importing.walk import files_below, place_in

COLUMNS = ("file", "labels", "patient_id", "age", "sex", "view", "official_split", "phantom_seed")


def is_here(folder: Path) -> bool:
    return any(is_picture(path) for path in files_below(folder))


def find(folder: Path) -> Source:
    table = the_table(folder, needed=["file"])
    rows, contradicted = rows_by(table, "file") if table else ({}, set())
    rows = {_as_posix(name): row for name, row in rows.items()}
    contradicted = {_as_posix(name) for name in contradicted}
    facts = Facts()

    def found(path: Path) -> FoundFilm:
        place = place_in(folder, path)
        known, refusal = Known(), ""
        if place in contradicted:
            refusal = _("The table has two different rows for it.")
        elif place in rows:
            try:
                known = facts.known(rows[place])
            except Refused as error:
                refusal = str(error)
        return FoundFilm(path, place, read_picture, known, refusal)

    films = [found(path) for path in files_below(folder) if is_picture(path)]
    notes = _about_tables(folder, table)
    if table:
        notes += _about_rows(rows.keys(), {film.source_path for film in films}, table.path.name)
    return Source("folder", films, notes + facts.notes())


def _as_posix(name: str) -> str:
    r"""A path as written by a table of another system: .\images\1.png is images/1.png."""
    return PurePosixPath(name.replace("\\", "/")).as_posix()


def _about_tables(folder: Path, table: Table | None) -> list[str]:
    others = [path.name for path in tables_in(folder) if table is None or path != table.path]
    notes = [_("%(name)s has no column “file” and was not read.") % {"name": name} for name in others]
    ignored = [column for column in table.columns if column and column not in COLUMNS] if table else []
    if table and ignored:
        notes.append(
            _("Columns of %(table)s that were ignored: %(columns)s.")
            % {"table": table.path.name, "columns": ", ".join(ignored)}
        )
    return notes


def _about_rows(named: Set[str], there: Set[str], table: str) -> list[str]:
    notes = []
    missing = sorted(named - there)
    if missing:
        examples = ", ".join(missing[:5])
        notes.append(
            _("Rows of %(table)s about films that are not there: %(missing)d, such as %(examples)s.")
            % {"missing": len(missing), "table": table, "examples": examples}
        )
    unnamed = len(there - named)
    if unnamed:
        notes.append(
            _("Films without a row in %(table)s, of which nothing is known: %(unnamed)d.")
            % {"unnamed": unnamed, "table": table}
        )
    return notes
