"""Which readings belong together: main ones, sittings, and the arms that are set against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluation.readers.ratings import ONE_MODALITY
from evaluation.readers.reading import Reading
from evaluation.readers.rows import finite_number

MAIN_ROLES = ("real", "generator")
LATER_SITTINGS = "Films that a reader rated in several sittings count in the first; the others are repeats."


def main_readings(readings: Sequence[Reading]) -> list[Reading]:
    """The readings that overall figures are made of."""
    return [reading for reading in readings if reading.kind == "main" and reading.role in MAIN_ROLES]


def value_of(reading: Reading, column: str | None) -> str:
    """What a reading has in a column, known to this package or not; "" without a column."""
    if not column:
        return ONE_MODALITY
    return str(getattr(reading, column) if column in Reading.__slots__ else reading.extra.get(column, ""))


def later_sittings_as_repeats(readings: Sequence[Reading], column: str | None = None) -> list[Reading]:
    """Main readings of a case that the reader rated in an earlier sitting too become repeats.

    Sittings go by their numbers, by their names where these are none. Readings that `column` tells apart stay.
    """
    first: dict[tuple[str, str, str], tuple[float, str]] = {}
    for reading in readings:
        if reading.kind == "main":
            key = reading.reader, reading.case, value_of(reading, column)
            first[key] = min(first.get(key, order_of_sitting(reading.sitting)), order_of_sitting(reading.sitting))
    return [
        replace(reading, kind="repeat")
        if reading.kind == "main"
        and order_of_sitting(reading.sitting) > first[reading.reader, reading.case, value_of(reading, column)]
        else reading
        for reading in readings
    ]


def modalities_of(readings: Sequence[Reading], column: str | None) -> dict[str, list[Reading]]:
    """Readings by the values of a column; a value with only real films is the common real arm of all others.

    Raises ValueError where a value has synthetic films and there is no real film to set beside them.
    """
    modalities = with_common_reals(readings, column)
    if not column:
        return modalities
    for value, of_value in modalities.items():
        truths = {reading.truth for reading in of_value}
        if truths == {"synthetic"}:
            raise ValueError(f"The arm “{value}” has no real films and there is no common real arm; add one.")
        if truths == {"real"}:
            raise ValueError(f"The column “{column}” has only real films, so there is nothing to tell apart.")
    return modalities


def with_common_reals(readings: Sequence[Reading], column: str | None) -> dict[str, list[Reading]]:
    """Readings by the values of a column; those of values with only real films stand in every other value too.

    Where no value has a synthetic film, values stay as they are.
    """
    by_value: dict[str, list[Reading]] = {}
    for reading in readings:
        by_value.setdefault(value_of(reading, column), []).append(reading)
    truths = {value: {reading.truth for reading in of_value} for value, of_value in by_value.items()}
    if all(of_value == {"real"} for of_value in truths.values()):
        return by_value
    common = [reading for value, of_value in by_value.items() if truths[value] == {"real"} for reading in of_value]
    return {value: [*common, *of_value] for value, of_value in by_value.items() if truths[value] != {"real"}}


def order_of_sitting(sitting: str) -> tuple[float, str]:
    """What sittings are sorted by."""
    number = finite_number(sitting)
    return (float("inf") if number is None else number, sitting)
