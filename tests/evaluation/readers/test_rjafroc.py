"""Workbooks of RJafroc: read by sheet and row, written with a list of ids, refused where the design has gaps."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from evaluation.readers.files import read_readings
from evaluation.readers.rjafroc import read_rjafroc, write_rjafroc
from evaluation.readers.rows import TableError
from tests.evaluation.readings import readings

# The toy file of RJafroc's own documentation in small: case 1 is normal, case 70 has a lesion.
SHEETS: dict[str, list[list[Any]]] = {
    "TRUTH": [
        ["CaseID", "LesionID", "Weight", "ReaderID", "ModalityID", "Paradigm"],
        [1, 0, 0, "0,1", "0", "ROC"],
        [70, 1, 1, "0,1", "0", "FCTRL"],
    ],
    "FP": [["ReaderID", "ModalityID", "CaseID", "FP_Rating"], ["0", "0", 1, 2], ["1", "0", 1, 1]],
    "TP": [["ReaderID", "ModalityID", "CaseID", "LesionID", "TP_Rating"], ["0", "0", 70, 1, 5], [1, 0, 70, 1, 4.5]],
}


def book(folder: Path, **changes: Any) -> Path:
    """The workbook with other sheets or, as (row, column, value), another cell; None takes a sheet away."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in SHEETS.items():
        change = changes.get(title, ())
        if change is None:
            continue
        sheet = workbook.create_sheet(changes.get(f"{title}_title", title))
        for row in rows:
            sheet.append(row)
        if change:
            sheet.cell(*change)
    path = folder / "study.xlsx"
    workbook.save(path)
    return path


def short(path: Path) -> list[tuple[str, str, str, str, float]]:
    return sorted((row.reader, row.arm, row.case, row.truth, row.rating) for row in read_rjafroc(path))


def test_a_workbook_is_read_with_ids_as_text(tmp_path: Path) -> None:
    expected = [
        ("0", "0", "1", "real", 2.0),
        ("0", "0", "70", "synthetic", 5.0),
        ("1", "0", "1", "real", 1.0),
        ("1", "0", "70", "synthetic", 4.5),
    ]
    assert short(book(tmp_path)) == expected
    other_names = book(tmp_path, TRUTH_title="Truth", FP_title="nl", TP_title="LL")
    assert short(other_names) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TP": None}, "the sheet “TP” is missing; there are TRUTH, FP"),
        (
            {"FP": (1, 4, "Rating")},
            "sheet “FP”: the column “FP_Rating” is missing; there are ReaderID, ModalityID",
        ),
        ({"FP": (3, 3, 70)}, "sheet “FP”, row 3, column “CaseID”: case “70” is no real case of the sheet Truth"),
        ({"FP": (3, 1, "0")}, "row 3, column “CaseID”: reader “0” has rated case “1” in row 2 already"),
        ({"FP": (3, 4, "x")}, "row 3, column “FP_Rating”: “x” is not a number"),
        ({"FP": (3, 4, 9)}, "row 3, column “FP_Rating”: 9 is off the scale of 1 to 6"),
        ({"TRUTH": (3, 2, 2)}, "sheet “TRUTH”, row 3, column “LesionID”: “2” is neither 0 nor 1"),
        ({"TRUTH": (3, 1, 1)}, "row 3, column “CaseID”: case “1” is there a second time"),
        ({"TRUTH": (2, 6, "FROC")}, "row 2, column “Paradigm”: only ROC can be read, not FROC"),
    ],
)
def test_a_faulty_workbook_is_refused_by_sheet_and_row(tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(TableError) as fault:
        read_rjafroc(book(tmp_path, **changes), (1, 6))
    assert message in str(fault.value)
    assert "study.xlsx" in str(fault.value)


def test_what_only_looks_like_a_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.xlsx"
    path.write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(TableError, match="this is no Excel workbook"):
        read_readings(path)


def test_a_workbook_is_written_as_rjafroc_wants_it_with_a_list_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "study.xlsx"
    write_rjafroc(path, readings([[6, 2], [5, 1]], [1, 0], arm="new"))
    sheets = load_workbook(path)
    assert {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in sheets} == {
        "Truth": [
            ("CaseID", "LesionID", "Weight", "ReaderID", "ModalityID", "Paradigm"),
            (1, 0, 0, "0,1", "0", "ROC"),
            (2, 1, 1, "0,1", "0", "FCTRL"),
        ],
        "TP": [("ReaderID", "ModalityID", "CaseID", "LesionID", "TP_Rating"), ("0", "0", 2, 1, 6), ("1", "0", 2, 1, 5)],
        "FP": [("ReaderID", "ModalityID", "CaseID", "FP_Rating"), ("0", "0", 1, 2), ("1", "0", 1, 1)],
    }
    with (tmp_path / "study.xlsx.ids.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["what", "id", "written"],
            ["reader", "R1", "0"],
            ["reader", "R2", "1"],
            ["case", "c1", "1"],
            ["case", "c0", "2"],
            ["modality", "new", "0"],
        ]
    assert short(path) == [
        ("0", "0", "1", "real", 2.0),
        ("0", "0", "2", "synthetic", 6.0),
        ("1", "0", "1", "real", 1.0),
        ("1", "0", "2", "synthetic", 5.0),
    ]


def test_a_design_with_gaps_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Reader “R2” has not rated case “c1” in “new”, and RJafroc takes complete"):
        write_rjafroc(tmp_path / "study.xlsx", readings([[6, 2], [5, None]], [1, 0], arm="new"))
    assert not list(tmp_path.iterdir())


def test_the_literatures_workbook_and_tables_hold_the_same_readings(real_films: Path, tmp_path: Path) -> None:
    folder = real_films / "readers"
    workbook, _ = read_readings(folder / "vandyke_rjafroc.xlsx", (1, 5))
    table, _ = read_readings(folder / "vandyke.csv", (1, 5), "treatment")
    assert len(workbook) == 5 * 114 * 2
    # RJafroc counts readers and modalities from 0.
    by_cell = {(int(row.reader) + 1, int(row.arm) + 1, row.case): (row.truth, row.rating) for row in workbook}
    assert by_cell == {
        (int(row.reader), int(row.extra["treatment"]), row.case): (row.truth, row.rating) for row in table
    }
    write_rjafroc(tmp_path / "again.xlsx", workbook)
    again = {(row.reader, row.arm, row.case): row.rating for row in read_rjafroc(tmp_path / "again.xlsx")}
    assert again == {(row.reader, row.arm, row.case): row.rating for row in workbook}
