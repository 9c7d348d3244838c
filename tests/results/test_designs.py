"""Simulated readers read every design that can be frozen, to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.readers.imrmc import read_imrmc
from readerstudy.reading.models import Answer
from readerstudy.results.services import analyse_study, simulate_readers
from readerstudy.results.table import long_table
from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Slot
from tests.studies.films import ACTOR, two_arms
from tests.studies.test_pairs import pairs_study

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.mark.parametrize(
    "plan",
    [
        {"question": "confidence"},
        {"sittings": 2, "repeats": 1},
        {"cues": "film", "regions_asked": True, "findings_asked": True, "remarks_asked": True},
        {"cues": "end", "amend_seconds": 30},
        {"purpose_blind_films": 2, "ethics_reference": "EK 12/2026"},
    ],
    ids=["confidence", "sittings", "remarks", "at the end", "purpose-blind"],
)
def test_simulated_readers_rate_all_films(tmp_path: Path, plan: dict[str, Any]) -> None:
    study = services.freeze_study(study=two_arms(tmp_path, films=3, practice_films=2, **plan), actor=ACTOR)
    simulate_readers(study=study, readers=2, d_prime=1.0, seed=0, actor=ACTOR)
    assert not Slot.objects.filter(answers=None).exists()
    assert Answer.objects.filter(rating__gte=1).count() == Slot.objects.count()


def test_simulated_readers_choose_the_synthetic_film_as_often_as_they_can_tell(tmp_path: Path) -> None:
    study = pairs_study(tmp_path, {"real": 10, "generator": 10}, practice_films=2, repeats=2, sittings=2)
    study = services.freeze_study(study=study, actor=ACTOR)
    simulate_readers(study=study, readers=3, d_prime=4.0, seed=0, actor=ACTOR)
    synthetic = set(CaseTruth.objects.filter(arm__role="generator").values_list("case", flat=True))
    answers = Answer.objects.select_related("slot")
    assert len(answers) == Slot.objects.count() == 3 * (1 + 12 + 12)
    correct = [(row.chosen == "left") == (row.slot.case_id in synthetic) for row in answers]
    # Φ(4/√2) is 0.998.
    assert sum(correct) >= 70


def test_of_two_sittings_the_first_counts_in_the_report_and_in_the_file_of_imrmc(tmp_path: Path) -> None:
    study = services.freeze_study(study=two_arms(tmp_path, films=6, sittings=2, repeats=2), actor=ACTOR)
    simulate_readers(study=study, readers=2, d_prime=1.0, seed=0, actor=ACTOR)
    services.close_study(study=study, actor=ACTOR)
    study = services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    analysis = analyse_study(study=study, actor=ACTOR)
    figures = json.loads((analysis.folder / "report.json").read_text())
    assert figures["readers"]["n"]["readings"] == 2 * 12
    # Two repeats in each sitting, and twelve films seen again in the second.
    assert {row["n"] for row in figures["repeats"].values()} == {16}
    scores = read_imrmc(analysis.folder / "answers.imrmc")
    first = [row for row in long_table(study) if row.kind == "main" and row.sitting == "1"]
    assert {(row.reader, row.case, row.rating) for row in scores} == {(r.reader, r.case, r.rating) for r in first}
    assert len(scores) == len(first)
