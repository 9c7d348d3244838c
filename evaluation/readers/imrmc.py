"""The file format of iMRMC: readerID, caseID, modalityID, score; truth as rows of its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from evaluation.readers.reading import Reading, Truth
from evaluation.readers.summary import main_readings
from evaluation.readers.table import ROLE_OF_TRUTH, TableError

BEGIN = "BEGIN DATA:"
TRUTH_READERS = ("truth", "-1")
TRUTH_OF: dict[str, Truth] = {"0": "real", "1": "synthetic"}


def read_imrmc(path: Path, scale: tuple[float, float] | None = None) -> list[Reading]:
    """Read a file of iMRMC; the modality becomes the arm. Raises TableError naming the line of the first fault.

    Signal-present cases (1) are synthetic. Ratings off `scale` are refused where it is given.
    """
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    begin = next((number for number, line in enumerate(lines, 1) if line.strip().upper().startswith(BEGIN)), None)
    if begin is None:
        raise TableError(f"{path}: the line “{BEGIN}” is missing, so this is no file of iMRMC.")
    rows = []
    for number, line in enumerate(lines[begin:], begin + 1):
        if line.strip():
            values = [value.strip() for value in line.split(",")]
            if len(values) != 4:
                raise TableError(f"{path}, line {number}: {len(values)} values where there should be 4.")
            rows.append((number, values))
    truths = _truths(path, rows)
    readings: list[Reading] = []
    first_seen: dict[tuple[str, str, str], int] = {}
    for number, (reader, case, modality, score) in rows:
        if reader.lower() in TRUTH_READERS:
            continue
        if case not in truths:
            raise TableError(f"{path}, line {number}: case “{case}” has no truth row.")
        if (reader, case, modality) in first_seen:
            first = first_seen[reader, case, modality]
            raise TableError(
                f"{path}, line {number}: reader “{reader}” has rated case “{case}” in line {first} already."
            )
        first_seen[reader, case, modality] = number
        rating = _number(path, number, score)
        if scale and not scale[0] <= rating <= scale[1]:
            raise TableError(f"{path}, line {number}: {score} is off the scale of {scale[0]:g} to {scale[1]:g}.")
        truth = truths[case]
        readings.append(Reading(reader, case, truth, rating, arm=modality, role=ROLE_OF_TRUTH[truth]))
    if not readings:
        raise TableError(f"{path}: there are no readings.")
    return readings


def write_imrmc(path: Path, readings: Sequence[Reading]) -> None:
    """Write main readings of real and generator arms as a file of iMRMC, whole or not at all.

    Every arm with synthetic films is a modality, and the real arm's readings stand in each of them. Ids with commas
    cannot be written and raise ValueError.
    """
    modalities = _modalities(main_readings(readings))
    truths = {reading.case: reading.truth for of_arm in modalities.values() for reading in of_arm}
    number_of = Counter(truths.values())
    lines = [
        "Readings of real and synthetic radiographs; signal present means synthetic.",
        f"N0: {number_of['real']}",
        f"N1: {number_of['synthetic']}",
        f"NR: {len({reading.reader for of_arm in modalities.values() for reading in of_arm})}",
        f"NM: {len(modalities)}",
        BEGIN,
        *(f"truth,{_id(case)},truth,{int(truth == 'synthetic')}" for case, truth in truths.items()),
        *(
            f"{_id(reading.reader)},{_id(reading.case)},{_id(arm or '1')},{reading.rating:g}"
            for arm, of_arm in modalities.items()
            for reading in of_arm
        ),
    ]
    partial = path.with_name(path.name + ".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)


def _modalities(main: Sequence[Reading]) -> dict[str, list[Reading]]:
    """Readings by arm; an arm with only real films is part of every other one."""
    by_arm: dict[str, list[Reading]] = {}
    for reading in main:
        by_arm.setdefault(reading.arm, []).append(reading)
    only_real = [arm for arm, of_arm in by_arm.items() if all(reading.truth == "real" for reading in of_arm)]
    if len(only_real) == len(by_arm):
        return by_arm
    common = [reading for arm in only_real for reading in by_arm[arm]]
    return {arm: [*common, *of_arm] for arm, of_arm in by_arm.items() if arm not in only_real}


def _truths(path: Path, rows: Sequence[tuple[int, list[str]]]) -> dict[str, Truth]:
    truths: dict[str, Truth] = {}
    for number, (reader, case, _, score) in rows:
        if reader.lower() not in TRUTH_READERS:
            continue
        if score not in TRUTH_OF:
            raise TableError(f"{path}, line {number}: the truth of case “{case}” is “{score}”, neither 0 nor 1.")
        if truths.setdefault(case, TRUTH_OF[score]) != TRUTH_OF[score]:
            raise TableError(f"{path}, line {number}: case “{case}” has another truth here than before.")
    return truths


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TableError(f"{path}, line {line}: the score “{text}” is not a number.")
    return value


def _id(text: str) -> str:
    if "," in text or "\n" in text:
        raise ValueError(f"The id “{text}” holds a comma or a line break, which a file of iMRMC cannot; rename it.")
    return text
