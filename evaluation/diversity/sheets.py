"""Films to look at: beside each steered film the training film and the steered film that come nearest to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluation.diversity.copies import Group, Nearest, nearest_among
from evaluation.diversity.judged import Side
from evaluation.figures import sheet_png
from gan.folder import read_canonical

ROWS, COLUMNS = 12, 3


def write_sheets(
    folder: Path, archive: Side, training: Side, groups: Mapping[str, Group], near: Nearest, space: str
) -> None:
    """Write a PNG for every finding of an archive with the films that come nearest to a training film, nearest first.

    A row has a steered film, its nearest training film (`near`), and the nearest other steered film of the finding in
    `space`. Training films may be patients': the sheets are as confidential as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, group in groups.items():
        among = nearest_among(archive.spaces[space], group.synthetic)
        if among:
            order = group.synthetic[np.argsort(near.distance[group.synthetic], kind="stable")][:ROWS]
            paths = [path for row in order for path in _beside(archive, training, row, near, among[row][0])]
            path = folder / f"{archive.films.folder.name}-{name}.png"
            path.write_bytes(sheet_png([read_canonical(path) for path in paths], columns=COLUMNS))


def _beside(archive: Side, training: Side, row: int, near: Nearest, other: int) -> list[Path]:
    ours, theirs = archive.films, training.films
    return [
        ours.folder / ours.names[row],
        theirs.folder / theirs.names[near.row[row]],
        ours.folder / ours.names[other],
    ]
