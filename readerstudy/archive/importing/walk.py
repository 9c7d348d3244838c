"""The files below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn


def files_below(folder: Path) -> list[Path]:
    """Every file in the order of their paths, but hidden ones (.DS_Store, ._film.png) and those in hidden folders.

    Raises OSError for a folder that cannot be listed: its films must not be missed without a word.
    """
    return sorted(_walk(folder))


def place_in(folder: Path, path: Path) -> str:
    """A file's path below its folder, as the archive keeps it; bytes that are no text are spelt out."""
    return path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(place, name) for name in names if not name.startswith("."))
        # A link to nowhere is a film that is missing; a pipe or a device is none, and to read it could take for ever.
        yield from (path for path in paths if path.is_file() or path.is_symlink())


def _raise(error: OSError) -> NoReturn:
    raise error
