"""Ids that another program can hold, and the list that says which is which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from evaluation.readers.rows import write_rows


def numbered(ids: Iterable[str], first: int) -> dict[str, str]:
    """Each id by its number, counted from `first` in order of appearance."""
    return {name: str(number) for number, name in enumerate(dict.fromkeys(ids), first)}


def kept_where_possible(ids: Iterable[str], possible: Callable[[str], bool], stem: str) -> dict[str, str]:
    """Each id as it is, or `stem` with a number that is not taken where it is not `possible`."""
    names = list(dict.fromkeys(ids))
    taken, written, number = set(names), {}, 0
    for name in names:
        written[name] = name
        while not possible(written[name]) or (written[name] != name and written[name] in taken):
            number += 1
            written[name] = f"{stem}{number}"
    return written


def write_ids(path: Path, ids: Mapping[str, Mapping[str, str]]) -> None:
    """Write a CSV file with a row for every id: what it is of, the id, and what was written for it."""
    rows = [(what, name, written) for what, of in ids.items() for name, written in of.items()]
    write_rows(path, ("what", "id", "written"), rows)


def path_of_ids(path: Path) -> Path:
    """Where the ids of a written file stand: `answers.xlsx` has `answers.xlsx.ids.csv`."""
    return path.with_name(path.name + ".ids.csv")
