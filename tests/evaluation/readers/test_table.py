"""The long table: read in every dress that spreadsheets give it, refused by line and column, written and read again."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.readers.imrmc import read_imrmc, write_imrmc
from evaluation.readers.reading import COLUMNS, Reading
from evaluation.readers.rows import TableError
from evaluation.readers.table import read_table, write_table
from tests.evaluation.readings import readings

PLAIN = "reader,case,truth,rating\nR1,c1,real,2\nR1,c2,synthetic,5\n"
EXPECTED = [("R1", "c1", "real", 2.0), ("R1", "c2", "synthetic", 5.0)]


def read(folder: Path, text: str | bytes, **options: Any) -> list[Reading]:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, **options)


def short(rows: list[Reading]) -> list[tuple[str, str, str, float]]:
    return [(row.reader, row.case, row.truth, row.rating) for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        PLAIN + "\n,,,\n\n",
        PLAIN.rstrip("\n"),
        PLAIN.upper().replace("C1", "c1").replace("C2", "c2"),
        PLAIN.replace("real", "0").replace("synthetic", "1"),
        PLAIN.replace("synthetic", "fake"),
        PLAIN.replace("reader,case", "reader_id,case_id"),
        "rating,truth,case,reader\n2,real,c1,R1\n5,synthetic,c2,R1\n",
        'reader,case,truth,rating\n"R1","c1","real","2"\n"R1","c2","synthetic","5.0"\n',
    ],
    ids=["plain", "bom", "crlf", "semicolons", "tabs", "spaces", "empty lines", "no end", "capitals", "digits", "fake",
         "ids", "order", "quotes"],
)  # fmt: skip
def test_a_table_in_any_dress_is_read_alike(tmp_path: Path, text: str) -> None:
    assert short(read(tmp_path, text)) == EXPECTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("reader,case,truth\nR1,c1,real\n", "line 1: the column “rating” is missing; there are reader, case, truth"),
        (PLAIN.replace("rating", "rating,rating").replace("2", "2,2"), "“rating” is there more than once"),
        ("reader,case,truth,rating\n", "there is no reading below the header"),
        (PLAIN + "R1,c3,real\n", "line 4: 3 values under 4 columns"),
        (PLAIN + "R1,c3,maybe,3\n", "line 4, column “truth”: “maybe” is none of real, 0, synthetic, fake, 1"),
        (PLAIN + "R1,c3,real,7\n", "line 4, column “rating”: 7 is off the scale of 1 to 6"),
        (PLAIN + "R1,c3,real,nan\n", "line 4, column “rating”: “nan” is not a number"),
        (PLAIN + "R1,c3,real,\n", "line 4, column “rating”: the value is empty"),
        (PLAIN + ",c3,real,3\n", "line 4, column “reader”: the value is empty"),
        (PLAIN + "R2,c1,synthetic,3\n", "line 4, column “truth”: case “c1” is real in line 2 and synthetic here"),
        (PLAIN + "R1,c1,real,3\n", "line 4, column “case”: reader “R1” has rated this case in line 2 already"),
        ("reader,case,truth,rating,role\nR1,c1,real,2,generator\n", "the role “generator” does not fit a real case"),
        ("reader,case,truth,rating,kind\nR1,c1,real,2,first\n", "“first” is none of main, repeat, practice"),
        (PLAIN.encode() + b"R1,\xff,real,2\n", "is not text in UTF-8"),
    ],
)
def test_a_fault_is_named_by_line_and_column(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(TableError) as fault:
        read(tmp_path, text)
    assert message in str(fault.value)
    assert "table.csv" in str(fault.value)


def test_the_column_of_arms_tells_readings_apart(tmp_path: Path) -> None:
    text = "reader,case,truth,rating,light\nR1,c1,real,2,on\nR1,c1,real,3,off\n"
    with pytest.raises(TableError, match="already"):
        read(tmp_path, text)
    assert [row.extra["light"] for row in read(tmp_path, text, arms="light")] == ["on", "off"]
    with pytest.raises(TableError, match="the column “screen” that --arms names is not there"):
        read(tmp_path, text, arms="screen")


names = st.text("abcXYZ019-_ ,;\"'äé|", min_size=1, max_size=8).map(str.strip).filter(bool)
rows = st.lists(
    st.builds(
        lambda reader, number, synthetic, rating, **others: Reading(
            reader=reader,
            case=f"case {number}",
            truth="synthetic" if synthetic else "real",
            role="generator" if synthetic else "real",
            rating=float(rating),
            **others,
        ),
        names,
        st.integers(0, 10**6),
        st.booleans(),
        st.integers(1, 6),
        arm=names,
        sitting=st.sampled_from(["1", "2"]),
        kind=st.sampled_from(["main", "repeat", "practice"]),
        position=st.none() | st.integers(1, 500),
        seconds=st.none() | st.floats(0, 1e4, allow_nan=False),
        finding=st.sampled_from(["", "Mass", "Effusion|Mass"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row.case,
)


@given(rows)
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, written: list[Reading]) -> None:
    path = tmp_path_factory.mktemp("table") / "answers.csv"
    write_table(path, written)
    with path.open(newline="", encoding="utf-8") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS
    assert read_table(path) == written


def test_what_readings_carry_beside_is_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    rows = [Reading("r", str(n), "real", 2.0, extra={"experience": "12", "marker": "L" * n}) for n in range(3)]
    write_table(path, rows)
    assert path.read_text().splitlines()[0] == ",".join([*COLUMNS, "experience", "marker"])
    assert read_table(path) == rows


# The file of iMRMC


def test_a_file_of_imrmc_is_as_its_manual_says(tmp_path: Path) -> None:
    path = tmp_path / "answers.imrmc"
    write_imrmc(path, readings([[2, 5], [1, 6]], [0, 1], arm="A"))
    assert path.read_text().splitlines() == [
        "Readings of real and synthetic radiographs; signal present means synthetic.",
        "N0: 1",
        "N1: 1",
        "NR: 2",
        "NM: 1",
        "BEGIN DATA:",
        "truth,c0,truth,0",
        "truth,c1,truth,1",
        "R1,c0,A,2",
        "R1,c1,A,5",
        "R2,c0,A,1",
        "R2,c1,A,6",
    ]


@given(st.lists(st.lists(st.integers(1, 6), min_size=4, max_size=4), min_size=1, max_size=4))
def test_readings_come_back_from_a_file_of_imrmc(
    tmp_path_factory: pytest.TempPathFactory, ratings: list[list[float]]
) -> None:
    path = tmp_path_factory.mktemp("imrmc") / "answers.imrmc"
    written = readings(ratings, [0, 1, 1, 0], arm="A")
    write_imrmc(path, written)
    assert sorted(short(read_imrmc(path))) == sorted(short(written))


def test_the_real_arm_stands_in_every_modality_and_controls_in_none(tmp_path: Path) -> None:
    path = tmp_path / "answers.imrmc"
    real = readings([[2, 3]], [0, 0], arm="real")
    first = readings([[5]], [1], arm="A", first_case=2)
    second = readings([[4]], [1], arm="B", first_case=3)
    control = [Reading("R1", "c9", "synthetic", 6, arm="degraded", role="control-degraded")]
    again = [Reading("R1", "c0", "real", 1, arm="real", kind="repeat")]
    write_imrmc(path, [*real, *first, *second, *control, *again])
    assert sorted((row.arm, row.case, row.rating) for row in read_imrmc(path)) == [
        ("A", "c0", 2), ("A", "c1", 3), ("A", "c2", 5), ("B", "c0", 2), ("B", "c1", 3), ("B", "c3", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("R1,c1,A,2\n", "the line “BEGIN DATA:” is missing"),
        ("BEGIN DATA:\ntruth,c1,truth,0\n", "there are no readings"),
        ("BEGIN DATA:\nR1,c1,A,2\n", "line 2, column “caseID”: case “c1” has no truth row"),
        ("BEGIN DATA:\ntruth,c1,truth,2\n", "line 2, column “score”: “2” is none of 0, 1"),
        ("BEGIN DATA:\ntruth,c1,truth,0\nR1,c1,A\n", "line 3: 3 values where there should be 4"),
        ("BEGIN DATA:\ntruth,c1,truth,0\n,c1,A,2\n", "line 3, column “readerID”: the value is empty"),
        ("BEGIN DATA:\ntruth,c1,truth,0\nR1,c1,A,x\n", "line 3, column “score”: “x” is not a number"),
        ("BEGIN DATA:\ntruth,c1,truth,0\nR1,c1,A,9\n", "line 3, column “score”: 9 is off the scale of 1 to 6"),
        (
            "BEGIN DATA:\ntruth,c1,truth,0\nR1,c1,A,2\nR1,c1,A,2\n",
            "column “caseID”: reader “R1” has rated case “c1” in line 3",
        ),
        (
            "BEGIN DATA:\ntruth,c1,truth,0\ntruth,c1,truth,1\n",
            "line 3, column “score”: case “c1” has another",
        ),
    ],
)
def test_a_faulty_file_of_imrmc_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "answers.imrmc"
    path.write_text(text)
    with pytest.raises(TableError) as fault:
        read_imrmc(path, (1, 6))
    assert message in str(fault.value)


def test_ids_that_a_file_of_imrmc_cannot_hold_are_replaced_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "answers.imrmc"
    first, second = readings([[2, 5]], [0, 1], arm="A,B")
    write_imrmc(path, [replace(first, reader="truth", case="c\n1"), replace(second, reader="truth", case="case1")])
    assert [(row.reader, row.case, row.arm) for row in read_imrmc(path)] == [
        ("reader1", "case2", "modality1"),
        ("reader1", "case1", "modality1"),
    ]
    with (tmp_path / "answers.imrmc.ids.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["what", "id", "written"],
            ["reader", "truth", "reader1"],
            ["case", "c\n1", "case2"],
            ["case", "case1", "case1"],
            ["modality", "A,B", "modality1"],
        ]
