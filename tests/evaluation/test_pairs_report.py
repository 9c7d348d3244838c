"""The analysis and the report of a study in which readers choose the synthetic film of two."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.analysis import analyse
from evaluation.readers.pair_table import read_pairs
from evaluation.readers.pairs import PairReading
from evaluation.report import write_report
from evaluation.study import CaseFilm, StudyInput
from tests.evaluation.studies import PLAN, arm
from tests.evaluation.test_report import Page

ARMS = (("pggan", "generator", 20), ("blurred", "control-degraded", 6))


def study_of_pairs(
    correct: float = 0.7, arms: Any = ARMS, readers: int = 3, plan: dict[str, Any] | None = None, **fields: Any
) -> StudyInput:
    """Readers choose rightly with the chance `correct`, of degraded films always."""
    random = np.random.default_rng(1)
    total = sum(films for _, _, films in arms)
    names = [("real", "real", total), *arms]
    films = [
        CaseFilm(f"{name}-{number}", name, random.integers(0, 256, (24, 24)).astype(np.uint16) * 257)
        for name, _, count in names
        for number in range(count)
    ]
    choices = []
    for reader in range(1, readers + 1):
        for name, role, count in arms:
            for number in range(count):
                right = role != "generator" or random.random() < correct
                side, other = ("left", "right") if random.random() < 0.5 else ("right", "left")
                chosen: Any = side if right else other
                row = PairReading(f"R{reader}", f"{name}-{number}", chosen, right, side, arm=name, role=role, seconds=7)  # type: ignore[arg-type]
                choices.append(row)
    return StudyInput(
        plan=replace(PLAN, question="pairs", **(plan or {})),
        arms=[arm(name, role, count) for name, role, count in names],
        readings=[],
        films=films,
        choices=choices,
        blinding="passed",
        **fields,
    )


def report(folder: Path, given: StudyInput) -> tuple[Page, dict[str, Any]]:
    path = write_report(analyse(given), given, folder / "report")
    figures = json.loads((path.parent / "report.json").read_text(encoding="utf-8"))
    return Page(path.read_text(encoding="utf-8")), figures


def test_the_answer_is_the_mean_proportion_correct_of_generator_pairs(tmp_path: Path) -> None:
    given = study_of_pairs()
    page, figures = report(tmp_path, given)
    main = [row for row in given.choices if row.role == "generator"]
    mean = sum(row.correct for row in main) / len(main)
    assert figures["choices"]["overall"]["proportion_correct"] == pytest.approx(mean)
    assert figures["choices"]["n"] == {"readers": 3, "pairs": 20, "readings": 60}
    assert f"Mean proportion correct {100 * mean:.1f} % (50 % is guessing; it estimates the AUC)" in page.text
    assert "3 readers, 20 pairs" in page.text
    assert "readers and pairs random" in page.text
    assert "which film of a real and a synthetic one, side by side, is synthetic" in page.text
    assert "margin 40.0 to 60.0" in page.text
    assert "Primary end point: mean proportion correct against 50 %" in page.text
    for word in ("rating", "deception rate", "AUC (95"):
        assert word not in page.text.split("\n  Words\n")[0]


def test_each_reader_has_a_proportion_a_d_prime_and_a_side(tmp_path: Path) -> None:
    page, figures = report(tmp_path, study_of_pairs())
    assert list(figures["choices"]["readers"]) == ["R1", "R2", "R3"]
    for words in ("proportion correct", "d′", "left chosen", "p of side", "median seconds", "7.0"):
        assert words in page.text
    assert sum(image["src"].startswith("data:image/svg+xml;base64,") for image in page.images) == 1


def test_the_degraded_control_makes_a_claim_of_equivalence_possible(tmp_path: Path) -> None:
    guessing: Any = {"correct": 0.5, "readers": 8, "plan": {"margin": 0.2}}
    _, figures = report(tmp_path / "with", study_of_pairs(**guessing))
    (control,) = figures["controls"]
    assert (control["arm"], control["detected"]) == ("blurred", True)
    assert figures["answer"]["headline"].startswith("Equivalent to guessing within ± 0.2")
    page, figures = report(tmp_path / "without", study_of_pairs(arms=ARMS[:1], **guessing))
    assert "there was no degraded control" in figures["answer"]["headline"]
    assert "The study has no degraded control that was read." in page.text


def test_machines_stand_beside_the_proportion_correct(tmp_path: Path) -> None:
    _, figures = report(tmp_path, study_of_pairs())
    rows = {row["arm"]: row for row in figures["comparison"]}
    assert rows["blurred"]["proportion_correct"]["estimate"] == 1
    assert rows["pggan"]["proportion_correct"] == {
        name: figures["choices_by_arm"]["pggan"][key]
        for name, key in (("estimate", "proportion_correct"), ("low", "low"), ("high", "high"))
    }
    assert all(row["frechet"] > 0 for row in rows.values())


def test_repeats_first_choices_and_matching_are_told(tmp_path: Path) -> None:
    given = study_of_pairs(matching={"pairs": 26, "matched": 20, "not_known": 4})
    again = [replace(row, sitting="2") for row in given.choices]
    changed = [replace(row, correct=True, chosen=row.side or "left") for row in given.choices]
    page, figures = report(tmp_path, replace(given, choices=[*given.choices, *again], first_choices=changed))
    assert figures["choices"]["n"]["readings"] == 60
    assert "saw in several sittings count in the first" in page.text
    assert figures["repeats"]["R1"]["agreement"]["estimate"] == 1
    assert figures["first_answers"]["proportion_correct"] == 1
    assert "26, of which 20 are of the same findings, and of 4 the findings of a film are not known" in page.text
    assert "the mean proportion correct is 100.0 %" in page.text


def test_the_answers_beside_the_page_are_those_analysed_and_no_file_of_imrmc_is(tmp_path: Path) -> None:
    given = study_of_pairs()
    page, _ = report(tmp_path, given)
    assert read_pairs(tmp_path / "report" / "answers.csv") == given.choices
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "answers.csv",
        "report.html",
        "report.json",
    ]
    assert "iMRMC" not in "".join(address or "" for address in page.addresses)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(study_of_pairs(readers=1), id="one reader"),
        pytest.param(study_of_pairs(correct=1.0), id="all perfect"),
        pytest.param(study_of_pairs(correct=0.0), id="all wrong"),
        pytest.param(study_of_pairs(arms=[("pggan", "generator", 1)]), id="one pair"),
        pytest.param(study_of_pairs(arms=[*ARMS, ("old", "generator", 5)]), id="two generators"),
    ],
)
def test_odd_studies_have_a_report_without_holes(tmp_path: Path, given: StudyInput) -> None:
    page, figures = report(tmp_path, given)
    assert figures["answer"]["headline"] in page.text
    assert "None" not in page.text.replace("None is recorded", "")


def test_a_reader_who_left_pairs_out_is_named_and_nobody_at_all_is_refused(tmp_path: Path) -> None:
    given = study_of_pairs()
    page, _ = report(tmp_path, replace(given, choices=given.choices[1:]))
    assert "Reader R1 chose in 19 of 20 main pairs" in page.text
    with pytest.raises(ValueError, match="no main choices"):
        analyse(replace(given, choices=[]))
