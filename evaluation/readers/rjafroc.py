"""Excel workbooks of RJafroc with the sheets Truth, TP and FP (ROC paradigm), read and written."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from evaluation.readers.arms import later_sittings_as_repeats, main_readings, with_common_reals
from evaluation.readers.ids import numbered, path_of_ids, write_ids
from evaluation.readers.reading import Reading, Truth
from evaluation.readers.rows import Row, TableError, as_text
from evaluation.readers.table import ROLE_OF_TRUTH

TRUTH_COLUMNS = ("CaseID", "LesionID", "Weight", "ReaderID", "ModalityID")
KEY_COLUMNS = ("ReaderID", "ModalityID", "CaseID")
OTHER_PARADIGMS = ("FROC", "LROC", "ROI")
# False positives or non-lesion marks, true positives or lesion marks: RJafroc takes either name, in any case.
SHEETS = {"truth": ("truth",), "fp": ("fp", "nl"), "tp": ("tp", "ll")}
TRUTH_OF: dict[str, Truth] = {"0": "real", "1": "synthetic"}


def read_rjafroc(path: Path, scale: tuple[float, float] | None = None) -> list[Reading]:
    """Read a workbook of one rating a case; the modality becomes the arm. Raises TableError naming sheet and row.

    Cases with a lesion are synthetic. Ratings off `scale` are refused where it is given.
    """
    sheets = _sheets(path)
    truths = _truths(_rows(path, sheets, "truth", TRUTH_COLUMNS[:2]))
    readings: list[Reading] = []
    for sheet, truth in (("fp", "real"), ("tp", "synthetic")):
        first_seen: dict[tuple[str, str, str], int] = {}
        rated = _rating_column(sheets[sheet][0])
        for row in _rows(path, sheets, sheet, (*KEY_COLUMNS, rated)):
            reader, modality, case = row.text("ReaderID"), row.text("ModalityID"), row.text("CaseID")
            if truths.get(case) != truth:
                row.fault("CaseID", f"case “{case}” is no {truth} case of the sheet Truth")
            line = first_seen.setdefault((reader, case, modality), row.line)
            if line != row.line:
                row.fault("CaseID", f"reader “{reader}” has rated case “{case}” in row {line} already")
            rating = row.number(rated, scale)
            readings.append(Reading(reader, case, truths[case], rating, arm=modality, role=ROLE_OF_TRUTH[truths[case]]))
    if not readings:
        raise TableError(f"{path}: there are no readings.")
    return readings


def write_rjafroc(path: Path, readings: Sequence[Reading], arms: str | None = "arm") -> None:
    """Write main readings of real and generator arms as a workbook, whole or not at all.

    Every value of the column `arms` with synthetic films is a modality, and the real arm's readings stand in each of
    them. Readers, cases and modalities get numbers, and `<name>.ids.csv` beside the workbook says which is which.
    Raises ValueError where a reader lacks a case in a modality: RJafroc takes complete designs only.
    """
    modalities = with_common_reals(main_readings(later_sittings_as_repeats(readings, arms)), arms)
    everything = [(reading, arm) for arm, of_arm in modalities.items() for reading in of_arm]
    # RJafroc sorts real cases before synthetic ones; so do the numbers.
    truths = dict(sorted(((row.case, row.truth) for row, _ in everything), key=lambda case: case[1]))
    ids = {
        "reader": numbered((row.reader for row, _ in everything), 0),
        "case": numbered(truths, 1),
        "modality": numbered(modalities, 0),
    }
    ratings = {(row.reader, arm, row.case): row.rating for row, arm in everything}
    workbook = Workbook()
    workbook.remove(workbook.active)
    _write_sheet(workbook, "Truth", (*TRUTH_COLUMNS, "Paradigm"), _truth_rows(truths, ids))
    rows: dict[Truth, list[list[Any]]] = {"real": [], "synthetic": []}
    for reader, arm, case in product(ids["reader"], modalities, truths):
        lesion = [1] if truths[case] == "synthetic" else []
        key = [ids["reader"][reader], ids["modality"][arm], int(ids["case"][case])]
        rows[truths[case]].append([*key, *lesion, _rating(ratings, (reader, arm, case))])
    _write_sheet(workbook, "TP", (*KEY_COLUMNS, "LesionID", "TP_Rating"), rows["synthetic"])
    _write_sheet(workbook, "FP", (*KEY_COLUMNS, "FP_Rating"), rows["real"])
    write_ids(path_of_ids(path), ids)
    partial = path.with_name(path.name + ".partial")
    workbook.save(partial)
    partial.replace(path)


def _sheets(path: Path) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """The three sheets: their own names and their rows."""
    try:
        with warnings.catch_warnings():
            # Excel's own extensions (styles, validations) are of no interest here.
            warnings.simplefilter("ignore", UserWarning)
            workbook = load_workbook(path, read_only=True, data_only=True)
            content = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in workbook.worksheets}
            workbook.close()
    except (BadZipFile, InvalidFileException, KeyError) as error:
        raise TableError(f"{path}: this is no Excel workbook ({error}).") from error
    found = {}
    for sheet, names in SHEETS.items():
        own = next((title for title in content if title.strip().lower() in names), None)
        if own is None:
            raise TableError(f"{path}: the sheet “{names[0].upper()}” is missing; there are {', '.join(content)}.")
        found[sheet] = own, content[own]
    return found


def _rows(
    path: Path, sheets: dict[str, tuple[str, list[tuple[Any, ...]]]], sheet: str, required: Sequence[str]
) -> Iterator[Row]:
    """The rows of a sheet that hold anything, the column of ratings under the sheet's own name."""
    title, lines = sheets[sheet]
    header = [as_text(value).strip() for value in (lines[0] if lines else ())]
    header = [_rating_column(title) if name.lower().endswith("_rating") else name for name in header]
    for name in required:
        if name not in header:
            raise TableError(f"{path}, sheet “{title}”: the column “{name}” is missing; there are {', '.join(header)}.")
    for line, values in enumerate(lines[1:], 2):
        texts = [as_text(value).strip() for value in values]
        if any(texts):
            yield Row(f"{path}, sheet “{title}”, row {line}", line, dict(zip(header, texts, strict=False)))


def _rating_column(title: str) -> str:
    return f"{title}_Rating"


def _truths(rows: Iterable[Row]) -> dict[str, Truth]:
    truths: dict[str, Truth] = {}
    for row in rows:
        case, lesion = row.text("CaseID"), row.text("LesionID")
        if row.values.get("Paradigm", "").upper() in OTHER_PARADIGMS:
            row.fault("Paradigm", f"only ROC can be read, not {row.values['Paradigm']}")
        if lesion not in TRUTH_OF:
            row.fault("LesionID", f"“{lesion}” is neither 0 nor 1, so this is not one rating a case")
        if case in truths:
            row.fault("CaseID", f"case “{case}” is there a second time")
        truths[case] = TRUTH_OF[lesion]
    return truths


def _truth_rows(truths: Mapping[str, Truth], ids: Mapping[str, Mapping[str, str]]) -> list[list[Any]]:
    """The sheet Truth: every case with its lesion, and the paradigm and the design in the first two rows."""
    readers, modalities = (",".join(ids[what].values()) for what in ("reader", "modality"))
    rows: list[list[Any]] = []
    for case, truth in truths.items():
        lesion = int(truth == "synthetic")
        rows.append([int(ids["case"][case]), lesion, lesion, readers, modalities])
    for row, word in zip(rows, ("ROC", "FCTRL"), strict=False):
        row.append(word)
    return rows


def _rating(ratings: Mapping[tuple[str, str, str], float], cell: tuple[str, str, str]) -> float:
    if cell not in ratings:
        reader, arm, case = cell
        of_arm = f" in “{arm}”" if arm else ""
        raise ValueError(
            f"Reader “{reader}” has not rated case “{case}”{of_arm}, and RJafroc takes complete designs only; "
            "leave out what was not read by all."
        )
    return ratings[cell]


def _write_sheet(workbook: Workbook, title: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    sheet = workbook.create_sheet(title)
    sheet.append(header)
    for row in rows:
        sheet.append(row)
