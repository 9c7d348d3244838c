"""The validation by drawn studies: what it counts, and when it says that a promise is not kept."""

from __future__ import annotations

from collections import Counter

import pytest

from evaluation.readers.validation import ALIKE, GUESSING, HIGH, LOW, Cell, main


def cells_of(output: str) -> list[list[str]]:
    lines = [line for line in output.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_has_a_row_for_every_design_and_kind_of_readers(capsys: pytest.CaptureFixture) -> None:
    main(["--runs", "4", "--readers", "3", "6", "--films", "20"])
    header, _rule, *rows = cells_of(capsys.readouterr().out)
    assert [row[:3] for row in rows] == [["3", "20", "0"], ["6", "20", "0"], ["3", "20", "0.3"], ["6", "20", "0.3"]]
    assert all(len(row) == len(header) for row in rows)
    assert [row[4] == "–" for row in rows] == [False, True, False, True]


def test_a_t_test_over_readers_forgets_that_they_saw_the_same_films(capsys: pytest.CaptureFixture) -> None:
    main(["--runs", "60", "--readers", "12", "--films", "40"])
    header, _rule, alike, _different = cells_of(capsys.readouterr().out)
    row = dict(zip(header, alike, strict=False))
    assert float(row["covers 0.5"]) >= 90
    assert float(row["t test: covers 0.5"]) < 90


def test_the_same_seed_gives_the_same_table(capsys: pytest.CaptureFixture) -> None:
    tables = []
    for seed in ("1", "1", "2"):
        main(["--runs", "20", "--readers", "4", "--films", "30", "--seed", seed])
        tables.append(cells_of(capsys.readouterr().out))
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.parametrize(
    ("covered", "claimed_low", "claimed_high", "holds"),
    [(1860, 130, 130, True), (1859, 0, 0, False), (2000, 131, 0, False), (2000, 0, 131, False)],
)
def test_a_promise_is_kept_from_93_percent_and_to_six_and_a_half(
    covered: int, claimed_low: int, claimed_high: int, holds: bool
) -> None:
    counts = {
        LOW: Counter({("both", "claimed"): claimed_low}),
        GUESSING: Counter({("both", "covered"): covered}),
        HIGH: Counter({("both", "claimed"): claimed_high}),
    }
    assert Cell(ALIKE, 6, 120, 2000, counts).holds == holds
