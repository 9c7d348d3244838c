"""Folders of films: every PNG and JPEG below, brought into the canonical form."""

from __future__ import annotations

from pathlib import Path

from gan.pixels import Film, canonical, film_hash, read_values

SUFFIXES = (".png", ".jpg", ".jpeg")


def read_folder(folder: Path) -> dict[str, Film]:
    """Films by path below `folder`, in the order of their paths.

    Raises ValueError naming the file that cannot be read, the folder without films, or two films that are the same.
    """
    films: dict[str, Film] = {}
    seen: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        name = str(path.relative_to(folder))
        try:
            film = canonical(read_values(path))
        except (OSError, ValueError) as error:
            raise ValueError(f"The film {path} cannot be read ({error}); mend it or take it away.") from error
        twin = seen.setdefault(film_hash(film), name)
        if twin != name:
            raise ValueError(f"The films {twin} and {name} in {folder} are the same; take one away.")
        films[name] = film
    if not films:
        raise ValueError(f"There are no PNG or JPEG films below {folder}.")
    return films
