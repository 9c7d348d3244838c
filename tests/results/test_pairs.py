"""A study of pairs from its answers to its report: choices are joined to truth, exported, analysed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from evaluation.readers.pair_table import read_pairs
from readerstudy.reading.models import Answer
from readerstudy.results.services import analyse_study, simulate_readers
from readerstudy.results.study_input import study_input
from readerstudy.results.table import long_table, table_of_choices, unanswered
from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Slot, Study
from tests.studies.films import ACTOR
from tests.studies.test_pairs import pairs_study

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Ten main pairs, two of them with a degraded film, one practice pair; read by two in two sittings."""
    study = services.freeze_study(study=pairs_study(tmp_path, practice_films=2, repeats=1, sittings=2), actor=ACTOR)
    simulate_readers(study=study, readers=2, d_prime=1.0, seed=0, actor=ACTOR)
    return study


def unblinded(study: Study) -> Study:
    services.close_study(study=study, actor=ACTOR)
    return services.unblind_study(study=study, reason="All have read.", actor=ACTOR)


def test_no_choice_meets_its_truth_before_unblinding(study: Study) -> None:
    with pytest.raises(ValidationError, match="only after closing and unblinding"):
        table_of_choices(study)


def test_a_choice_is_correct_where_it_names_the_side_of_the_synthetic_film(study: Study) -> None:
    rows = table_of_choices(unblinded(study))
    study.refresh_from_db()
    assert long_table(study) == []
    assert len(rows) == 2 * (1 + 11 + 11)
    truths = {truth.case_id: truth for truth in CaseTruth.objects.select_related("arm")}
    answers = Answer.objects.select_related("slot__sitting__reader").order_by(
        "slot__sitting__reader_id", "slot__sitting__number", "slot__position"
    )
    for row, answer in zip(rows, answers, strict=True):
        left, right = truths[answer.slot.case_id], truths[answer.slot.other_case_id]
        synthetic = left if left.arm.role != "real" else right
        assert (row.side == "left") == (synthetic is left)
        assert row.correct == (
            truths[answer.slot.case_id if row.chosen == "left" else answer.slot.other_case_id] is synthetic
        )
        assert (row.chosen, row.kind, row.pair) == (answer.chosen, answer.slot.kind, str(synthetic.pair))
        assert (row.arm, row.role) == (synthetic.arm.name, synthetic.arm.role)
        assert row.seconds == answer.milliseconds / 1000
        assert row.finding in ("Mass", "No Finding")


def test_the_export_can_be_read_by_the_statistics(study: Study, tmp_path: Path) -> None:
    unblinded(study)
    path = tmp_path / "choices.csv"
    call_command("export_answers", "chest", str(path))
    with path.open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file))[:5] == ["reader", "pair", "chosen", "correct", "side"]
    study.refresh_from_db()
    assert read_pairs(path) == table_of_choices(study)
    with pytest.raises(CommandError, match="not choices between two films; write a CSV file"):
        call_command("export_answers", "chest", str(tmp_path / "choices.imrmc"))


def test_a_withdrawn_film_takes_its_pair_with_it(study: Study) -> None:
    truth = CaseTruth.objects.filter(case__kind="main", arm__role="real").select_related("case")[0]
    pair = str(truth.pair)
    services.withdraw_film(case=truth.case, reason="A name is burnt in.", actor=ACTOR)
    given = study_input(unblinded(study))
    assert pair not in {row.pair for row in given.choices}
    codes = set(CaseTruth.objects.filter(pair=truth.pair).values_list("case__code", flat=True))
    assert len(codes) == 2
    assert not codes & {film.case for film in given.films}
    looks = Slot.objects.filter(case__code__in=codes).count()
    assert [(row.about, row.readings_left_out) for row in given.deviations] == [(truth.case.code, looks)]
    assert unanswered(study) == 0


def test_the_report_is_of_pairs_and_has_no_file_of_imrmc(study: Study, client: Client) -> None:
    analysis = analyse_study(study=unblinded(study), actor=ACTOR)
    figures = json.loads((analysis.folder / "report.json").read_text())
    assert figures["choices"]["n"] == {"readers": 2, "pairs": 8, "readings": 16}
    assert figures["plan"]["question"] == "pairs"
    assert figures["matching"] == {"pairs": 10, "matched": 10, "not_known": 0}
    (control,) = figures["controls"]
    assert control["arm"] == "control-degraded"
    # A repeat in each sitting, and ten pairs seen again in the second.
    assert {row["n"] for row in figures["repeats"].values()} == {12}
    page = client.get(analysis.get_absolute_url())
    assert "Mean proportion correct" in page.content.decode()
    assert client.get(f"/results/{analysis.code}/answers.csv").status_code == 200
    assert client.get(f"/results/{analysis.code}/answers.imrmc").status_code == 404


def test_an_amended_choice_counts_and_the_first_one_is_kept_beside(study: Study) -> None:
    slot = Slot.objects.filter(kind="main", sitting__number=1)[0]
    first = slot.answers.get()
    Answer.objects.create(slot=slot, revision=2, chosen="left" if first.chosen == "right" else "right", milliseconds=9)
    given = study_input(unblinded(study))
    assert given.amended == 1
    assert [a != b for a, b in zip(given.choices, given.first_choices, strict=True)].count(True) == 1
