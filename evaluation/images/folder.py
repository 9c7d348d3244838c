"""Folders of films: every PNG and JPEG below, brought into the canonical form."""

from __future__ import annotations

from pathlib import Path

from gan.folder import film_paths, read_canonical
from gan.pixels import Film, film_hash


def read_folder(folder: Path) -> dict[str, Film]:
    """Films by path below `folder`, in the order of their paths.

    Raises ValueError naming the file that cannot be read, the folder without films, or two films that are the same.
    """
    films: dict[str, Film] = {}
    seen: dict[str, str] = {}
    for path in film_paths(folder):
        name = str(path.relative_to(folder))
        film = read_canonical(path)
        twin = seen.setdefault(film_hash(film), name)
        if twin != name:
            raise ValueError(f"The films {twin} and {name} in {folder} are the same; take one away.")
        films[name] = film
    return films
