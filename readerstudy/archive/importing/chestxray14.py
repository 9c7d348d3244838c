"""ChestX-ray14 as NIH ships it: Data_Entry_2017*.csv, images in images_001/images/… or flat, two lists of the split.

Labelled archives are exported in the same form, with a column of targets that says that their films are synthetic.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readerstudy.archive.importing.facts import Facts
from readerstudy.archive.importing.found import FoundFilm, Known, Refused, Source
from readerstudy.archive.importing.pictures import is_picture, read_picture
from readerstudy.archive.importing.tables import Row, rows_by, the_table
from readerstudy.archive.importing.walk import files_below, place_in

ORIGIN = "NIH ChestX-ray14"
NEEDED = ("image_index", "finding_labels", "patient_id")
# NIH's columns in the words of the simple table.
COLUMNS = {
    "finding_labels": "labels",
    "patient_id": "patient_id",
    "patient_age": "age",
    "patient_gender": "sex",
    "view_position": "view",
}
SYNTHETIC = "target_labels_(classifier,_unverified)"
LISTS = {"train_val_list.txt": "train_val", "test_list.txt": "test"}


def is_here(folder: Path) -> bool:
    return the_table(folder, needed=NEEDED) is not None


def find(folder: Path) -> Source:
    """Raises ValidationError where there is no table of NIH's."""
    table = the_table(folder, needed=NEEDED)
    if table is None:
        raise ValidationError(
            _("%(folder)s holds no table with the columns Image Index, Finding Labels and Patient ID.")
            % {"folder": folder}
        )
    rows, contradicted = rows_by(table, "image_index")
    is_synthetic = SYNTHETIC in table.columns
    splits = _splits(folder)
    facts = Facts()

    def found(path: Path) -> FoundFilm:
        known, refusal = Known(), ""
        if path.name not in rows:
            refusal = _("%(table)s has no row for it.") % {"table": table.path.name}
        elif path.name in contradicted:
            refusal = _("%(table)s has two different rows for it.") % {"table": table.path.name}
        else:
            try:
                known = facts.known(_simple(rows[path.name], splits.get(path.name, "")))
                known = replace(known, is_synthetic=is_synthetic)
            except Refused as error:
                refusal = str(error)
        return FoundFilm(path, place_in(folder, path), read_picture, known, refusal)

    films = [found(path) for path in files_below(folder) if is_picture(path)]
    missing = len(rows.keys() - {film.path.name for film in films})
    names = {"missing": missing, "table": table.path.name}
    notes = [_("Rows of %(table)s without an image here: %(missing)d.") % names]
    return Source("chestxray14", films, [*(notes if missing else []), *facts.notes()], "" if is_synthetic else ORIGIN)


def _simple(row: Row, split: str) -> Row:
    return {ours: row.get(theirs, "") for theirs, ours in COLUMNS.items()} | {"official_split": split}


def _splits(folder: Path) -> dict[str, str]:
    """The side of each image, by NIH's lists; images in both lists are a mistake that must not go unseen."""
    splits: dict[str, str] = {}
    for name, split in LISTS.items():
        path = folder / name
        for image in path.read_text(encoding="utf-8-sig").split() if path.exists() else ():
            if splits.setdefault(image, split) != split:
                raise ValidationError(
                    _("%(image)s is in %(lists)s; an image is on one side of the split.")
                    % {"image": image, "lists": _(" and in ").join(LISTS)}
                )
    return splits
