"""The file format of iMRMC: readerID, caseID, modalityID, score; truth as rows of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evaluation.readers.arms import later_sittings_as_repeats, main_readings, with_common_reals
from evaluation.readers.ids import kept_where_possible, path_of_ids, write_ids
from evaluation.readers.reading import Reading, Truth
from evaluation.readers.rows import Row, TableError, as_text, read_text
from evaluation.readers.table import ROLE_OF_TRUTH

BEGIN = "BEGIN DATA:"
COLUMNS = ("readerID", "caseID", "modalityID", "score")
TRUTH_READERS = ("truth", "-1")
TRUTH_OF: dict[str, Truth] = {"0": "real", "1": "synthetic"}


def read_imrmc(path: Path, scale: tuple[float, float] | None = None) -> list[Reading]:
    """Read a file of iMRMC; the modality becomes the arm. Raises TableError naming line and column of the first fault.

    Signal-present cases (1) are synthetic. Ratings off `scale` are refused where it is given.
    """
    rows = _rows(path)
    truths = _truths(rows)
    readings: list[Reading] = []
    first_seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        if _tells_truth(row):
            continue
        reader, case, modality = (row.text(column) for column in COLUMNS[:3])
        if case not in truths:
            row.fault("caseID", f"case “{case}” has no truth row")
        line = first_seen.setdefault((reader, case, modality), row.line)
        if line != row.line:
            row.fault("caseID", f"reader “{reader}” has rated case “{case}” in line {line} already")
        rating = row.number("score", scale)
        readings.append(Reading(reader, case, truths[case], rating, arm=modality, role=ROLE_OF_TRUTH[truths[case]]))
    if not readings:
        raise TableError(f"{path}: there are no readings.")
    return readings


def write_imrmc(path: Path, readings: Sequence[Reading], arms: str | None = "arm") -> None:
    """Write main readings of real and generator arms as a file of iMRMC, whole or not at all.

    Every value of the column `arms` with synthetic films is a modality, and the real arm's readings stand in each of
    them. An id that such a file cannot hold is replaced, and `<name>.ids.csv` beside the file then says which is which.
    """
    modalities = with_common_reals(main_readings(later_sittings_as_repeats(readings, arms)), arms)
    written = [(reading, arm or "1") for arm, of_arm in modalities.items() for reading in of_arm]
    truths = {reading.case: reading.truth for reading, _ in written}
    ids = {
        "reader": kept_where_possible((reading.reader for reading, _ in written), _can_be_a_reader, "reader"),
        "case": kept_where_possible(truths, _can_be_held, "case"),
        "modality": kept_where_possible((arm for _, arm in written), _can_be_held, "modality"),
    }
    number_of = Counter(truths.values())
    lines = [
        "Readings of real and synthetic radiographs; signal present means synthetic.",
        f"N0: {number_of['real']}",
        f"N1: {number_of['synthetic']}",
        f"NR: {len(ids['reader'])}",
        f"NM: {len(ids['modality'])}",
        BEGIN,
        *(f"truth,{ids['case'][case]},truth,{int(truth == 'synthetic')}" for case, truth in truths.items()),
        *(
            ",".join([ids["reader"][row.reader], ids["case"][row.case], ids["modality"][arm], as_text(row.rating)])
            for row, arm in written
        ),
    ]
    if any(name != held for of in ids.values() for name, held in of.items()):
        write_ids(path_of_ids(path), ids)
    partial = path.with_name(path.name + ".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)


def _rows(path: Path) -> list[Row]:
    lines = read_text(path).splitlines()
    begin = next((number for number, line in enumerate(lines, 1) if line.strip().upper().startswith(BEGIN)), None)
    if begin is None:
        raise TableError(f"{path}: the line “{BEGIN}” is missing, so this is no file of iMRMC.")
    rows = []
    for number, line in enumerate(lines[begin:], begin + 1):
        if line.strip():
            values = [value.strip() for value in line.split(",")]
            if len(values) != len(COLUMNS):
                raise TableError(f"{path}, line {number}: {len(values)} values where there should be {len(COLUMNS)}.")
            rows.append(Row(f"{path}, line {number}", number, dict(zip(COLUMNS, values, strict=True))))
    return rows


def _tells_truth(row: Row) -> bool:
    return row.values["readerID"].lower() in TRUTH_READERS


def _truths(rows: Sequence[Row]) -> dict[str, Truth]:
    truths: dict[str, Truth] = {}
    for row in filter(_tells_truth, rows):
        case = row.text("caseID")
        truth = row.one_of("score", TRUTH_OF)
        if truths.setdefault(case, truth) != truth:
            row.fault("score", f"case “{case}” has another truth here than before")
    return truths


def _can_be_held(text: str) -> bool:
    return "," not in text and len(text.splitlines()) == 1 and text == text.strip()


def _can_be_a_reader(text: str) -> bool:
    return _can_be_held(text) and text.lower() not in TRUTH_READERS
