"""Choices between two films: proportion correct, d′, side bias and the mean over readers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evaluation.readers.pair_table import read_pairs, write_pairs
from evaluation.readers.pairs import (
    PairReading,
    controls_of_pairs,
    repeated_choices,
    sensitivity_of_choices,
    summarise_pairs,
)
from evaluation.readers.rows import TableError


def choices(correct: list[list[int | None]], sides: str | None = None) -> list[PairReading]:
    """One choice per cell of `correct`, readers down and pairs across; `sides` is for instance "LRLR"."""
    rows = []
    for reader, row in enumerate(correct, 1):
        for pair, right in enumerate(row):
            if right is None:
                continue
            side: Any = None if sides is None else {"L": "left", "R": "right"}[sides[pair]]
            other: Any = {"left": "right", "right": "left", None: "right"}[side]
            rows.append(PairReading(f"R{reader}", f"p{pair}", (side or "left") if right else other, bool(right), side))
    return rows


def summary(correct: list[list[int | None]], sides: str | None = None, **options: Any) -> dict[str, Any]:
    figures = summarise_pairs(choices(correct, sides), **options)
    json.dumps(figures, allow_nan=False)
    return figures


@pytest.mark.parametrize(("proportion", "d_prime"), [(0.5, 0.0), (0.76, 0.999), (0.9, 1.812), (0.95, 2.326)])
def test_d_prime_of_a_proportion_is_that_of_the_tables(proportion: float, d_prime: float) -> None:
    # Macmillan and Creelman, Detection Theory, table A5.2; so many pairs that half of one is nothing.
    assert sensitivity_of_choices(round(proportion * 10**6), 10**6).estimate == pytest.approx(d_prime, abs=0.002)


def test_the_error_of_d_prime_is_the_spread_of_its_repetitions() -> None:
    right = np.random.default_rng(1).binomial(150, 0.7, 4000)
    values = [sensitivity_of_choices(int(count), 150).estimate for count in right]
    assert sensitivity_of_choices(105, 150).se == pytest.approx(np.std(values), rel=0.05)


def test_a_perfect_reader_has_a_finite_d_prime() -> None:
    assert sensitivity_of_choices(10, 10).estimate == pytest.approx(np.sqrt(2) * stats.norm.ppf(10.5 / 11))


def test_each_reader_has_a_proportion_with_exact_limits() -> None:
    figures = summary([[1, 0, 1, 1, 0, 1, 1, 1, 0, 1]])["readers"]["R1"]
    right = figures["proportion_correct"]
    assert (right["count"], right["of"], right["estimate"]) == (7, 10, 0.7)
    # Clopper and Pearson's limits of 7 in 10, as printed in any table of them; Wilson's by his equation.
    assert (right["low"], right["high"]) == pytest.approx((0.3475, 0.9333), abs=5e-5)
    assert (right["wilson"]["low"], right["wilson"]["high"]) == pytest.approx((0.3968, 0.8922), abs=5e-5)


def test_a_reader_who_always_says_left_has_a_side_and_no_skill() -> None:
    figures = summary([[1, 0] * 6], "LR" * 6)["readers"]["R1"]
    assert figures["proportion_correct"]["estimate"] == 0.5
    assert figures["side_bias"]["left"]["estimate"] == 1
    # Six right of six on the left, none of six on the right: 2 / C(12, 6).
    assert figures["side_bias"]["p"] == pytest.approx(2 / 924)


def test_a_skilled_reader_of_films_that_are_mostly_left_has_no_side_bias() -> None:
    known = summary([[1] * 12], "L" * 10 + "RR")["readers"]["R1"]["side_bias"]
    assert (known["left"]["count"], known["p"], known["test"]) == (10, 1.0, "Fisher")
    # Without the sides all that can be asked is whether “left” is half of the choices: 2 (1 + 10 + 45) / 1024.
    unknown = summary([[1] * 8 + [0] * 2])["readers"]["R1"]["side_bias"]
    assert (unknown["left"]["count"], unknown["test"]) == (8, "binomial")
    assert unknown["p"] == pytest.approx(112 / 1024)


def test_the_mean_over_readers_lets_readers_and_pairs_vary() -> None:
    # Two readers, four pairs, worked by hand: proportions ¾ and ¼; MSR = 1/8. Deviations from them are
    # (¼ ¼ ¼ −¾) and (¾ −¼ −¼ −¼): the covariance of the means is their product summed over (n − 1) n, −1/4 / 12 < 0.
    figures = summary([[1, 1, 1, 0], [1, 0, 0, 0]])["overall"]
    assert figures["components"]["msr"] == pytest.approx(1 / 8)
    assert figures["components"]["cov2"] == pytest.approx((3 - 1 - 1 + 3) / 16 / 12)
    assert figures["proportion_correct"] == 0.5
    square = (1 / 8 + 2 * (1 / 4) / 12) / 2
    assert figures["se"] == pytest.approx(np.sqrt(square))
    # Hillis: (MSR + r Cov2)² / MSR² for two readers.
    df = (1 / 8 + 2 / 48) ** 2 / (1 / 8) ** 2
    assert figures["df"] == pytest.approx(df)
    assert figures["high"] - 0.5 == pytest.approx(stats.t.ppf(0.975, df) * np.sqrt(square))
    assert figures["p"] == pytest.approx(1.0)


def test_missing_choices_are_left_out_and_a_reader_of_one_pair_has_no_interval() -> None:
    figures = summary([[1, 0, 1, 1], [1, None, 0, 1]])
    assert figures["n"] == {"readers": 2, "pairs": 4, "readings": 7}
    assert figures["overall"]["proportion_correct"] == pytest.approx((3 / 4 + 2 / 3) / 2)
    single = summary([[1, 0, 1, 1], [1, None, None, None]])
    assert single["overall"]["low"] is None
    assert single["warnings"] == [
        "There is no interval for the mean proportion correct. A reader chose in a single pair."
    ]


def test_perfect_readers_leave_no_variance_and_are_told() -> None:
    figures = summary([[1, 1, 1], [1, 1, 1]], margin=0.1)
    assert figures["overall"]["proportion_correct"] == 1
    assert (figures["overall"]["p"], figures["overall"]["equivalence"]) == (None, None)
    assert "not above zero" in figures["warnings"][0]


def test_guessing_is_equivalent_only_with_a_control_and_a_margin_fixed_beforehand() -> None:
    correct = np.random.default_rng(3).integers(0, 2, (8, 300)).tolist()
    bare = summary(correct, margin=0.1)["overall"]["equivalence"]
    assert bare["equivalent"]
    assert bare["statement"].startswith("Within the margin of ± 0.1, but the study did not show")
    assert summary(correct, margin=0.1, unmet=())["overall"]["equivalence"]["statement"].startswith("Equivalent")
    assert summary(correct)["overall"]["equivalence"] is None


def test_repeats_and_practice_do_not_count_and_two_choices_in_one_pair_are_refused() -> None:
    rows = choices([[1, 0, 1]])
    again = [
        PairReading("R1", "p0", "left", False, kind="repeat"),
        PairReading("R1", "x", "left", True, kind="practice"),
    ]
    assert summarise_pairs([*rows, *again]) == summarise_pairs(rows)
    with pytest.raises(ValueError, match="chose in pair “p0” more than once"):
        summarise_pairs([*rows, rows[0]])
    with pytest.raises(ValueError, match="no main choices"):
        summarise_pairs(again)


def test_a_later_sitting_and_a_degraded_control_do_not_count_among_main_choices() -> None:
    rows = choices([[1, 0, 1, 1], [1, 1, 0, 1]])
    again = [replace(row, sitting="2", correct=not row.correct) for row in rows]
    degraded = [replace(row, pair=f"d{row.pair}", role="control-degraded", arm="blurred") for row in rows]
    assert summarise_pairs([*again, *rows, *degraded]) == summarise_pairs(rows)
    with pytest.raises(ValueError, match="no main choices"):
        summarise_pairs(degraded)


def test_a_degraded_control_is_detected_where_the_interval_lies_above_guessing() -> None:
    def control(correct: list[list[int | None]]) -> dict[str, Any]:
        rows = [replace(row, role="control-degraded", arm="blurred") for row in choices(correct)]
        (figures,) = controls_of_pairs([*rows, *choices([[1, 0]])])
        assert (figures["arm"], figures["role"]) == ("blurred", "control-degraded")
        return figures

    assert control([[1] * 10] * 3)["detected"]
    assert control([[1] * 19 + [0]] * 3)["detected"]
    assert not control([[1, 0] * 10] * 3)["detected"]
    assert controls_of_pairs(choices([[1, 0]])) == []


def test_the_same_choice_again_is_counted_over_repeats_and_later_sittings() -> None:
    rows = choices([[1, 0, 1, 1]])
    repeat = [replace(rows[0], kind="repeat"), replace(rows[1], kind="repeat", correct=True)]
    later = [replace(row, sitting="2") for row in rows]
    figures = repeated_choices([*later, *rows, *repeat])["R1"]
    assert (figures["n"], figures["agreement"]["count"], figures["agreement"]["of"]) == (6, 5, 6)
    assert repeated_choices(rows) == {}


def test_a_table_of_choices_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = choices([[1, 0, 1], [0, 1, 1]], "LRL")
    rows += [
        replace(rows[0], sitting="2"),
        replace(rows[1], kind="repeat"),
        replace(rows[1], kind="repeat", sitting="2"),
    ]
    rows.append(replace(rows[2], pair="d", role="control-degraded", arm="blurred", finding="Mass", seconds=4.5))
    write_pairs(tmp_path / "answers.csv", rows)
    assert read_pairs(tmp_path / "answers.csv") == rows


# The table of choices


TABLE = "reader,pair,chosen,correct,side\nR1,p1,left,1,left\nR1,p2,left,0,right\nR2,p1,right,0,left\n"


def read(folder: Path, text: str) -> list[PairReading]:
    path = folder / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return read_pairs(path)


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        "\ufeff" + TABLE.replace(",", " ; ").replace("\n", "\r\n"),
        TABLE.replace(",1,", ",true,").replace(",0,", ",No,").replace("left", "LEFT"),
        TABLE.replace("reader,pair", "reader_id,pair_id"),
    ],
    ids=["plain", "semicolons", "words", "ids"],
)
def test_choices_are_read_in_any_dress(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == [
        PairReading("R1", "p1", "left", True, "left"),
        PairReading("R1", "p2", "left", False, "right"),
        PairReading("R2", "p1", "right", False, "left"),
    ]


def test_choices_of_the_real_film_are_read_where_all_are(tmp_path: Path) -> None:
    turned = TABLE.replace(",1,left", ",0,left").replace(",0,right", ",1,right").replace("right,0,left", "right,1,left")
    assert [row.correct for row in read(tmp_path, turned)] == [False, True, True]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("R2,p2,middle,1,left", "line 5, column “chosen”: “middle” is none of left, right"),
        ("R2,p2,left,maybe,left", "line 5, column “correct”: “maybe” is none of 1, true, yes, 0, false, no"),
        ("R2,p2,left,,left", "line 5, column “correct”: the value is empty"),
        ("R2,p1,left,1,left", "line 5, column “pair”: reader “R2” has chosen in this pair in line 4 already"),
        (
            "R2,p2,left,0,left",
            "line 5, column “correct”: the choice and the side of the synthetic film do not fit",
        ),
    ],
)
def test_a_faulty_table_of_choices_is_refused_by_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(TableError) as fault:
        read(tmp_path, TABLE + row + "\n")
    assert message in str(fault.value)
