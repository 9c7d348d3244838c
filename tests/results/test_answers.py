"""Simulated readers, and the long table of answers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from readerstudy.archive.models import RadiographFinding
from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import Answer
from readerstudy.results.services import simulate_readers
from readerstudy.results.table import long_table, unanswered
from readerstudy.studies import services
from readerstudy.studies.models import CaseTruth, Slot, Study
from tests.studies.films import ACTOR, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return services.freeze_study(study=two_arms(tmp_path, films=6, practice_films=2, repeats=2), actor=ACTOR)


def simulate(study: Study, readers: int = 2, seed: int = 0) -> None:
    simulate_readers(study=study, readers=readers, d_prime=1.0, seed=seed, actor=ACTOR)


def unblinded(study: Study) -> Study:
    services.close_study(study=study, actor=ACTOR)
    return services.unblind_study(study=study, reason="All have read.", actor=ACTOR)


def test_simulated_readers_answer_every_slot_in_its_order_and_are_flagged(study: Study) -> None:
    simulate(study)
    assert list(study.readers.values_list("pseudonym", "simulated")) == [("S01", True), ("S02", True)]
    assert not Slot.objects.filter(answers=None).exists()
    for reader in study.readers.all():
        slots = Answer.objects.filter(slot__sitting__reader=reader).order_by("pk")
        positions = list(slots.values_list("slot__position", flat=True))
        assert positions == list(range(1, 17))
    assert AuditRow.objects.get(action="readers simulated").detail["readers"] == ["S01", "S02"]


def test_simulated_readers_read_only_what_is_open_to_them(study: Study) -> None:
    services.invite_reader(study=study, actor=ACTOR)
    with pytest.raises(ValidationError, match="never share a study"):
        simulate(study)
    services.close_study(study=study, actor=ACTOR)
    with pytest.raises(ValidationError, match="frozen and open"):
        simulate(study)
    with pytest.raises(ValidationError, match="at least 1"):
        simulate(study, readers=0)
    assert not Answer.objects.exists()


@pytest.mark.parametrize("step", ["open", "closed"])
def test_no_answer_meets_its_truth_before_unblinding(study: Study, step: str, tmp_path: Path) -> None:
    simulate(study)
    if step == "closed":
        services.close_study(study=study, actor=ACTOR)
    with pytest.raises(CommandError, match="only after closing and unblinding"):
        call_command("export_answers", "chest", str(tmp_path / "answers.csv"))
    assert not (tmp_path / "answers.csv").exists()


def test_the_export_holds_every_answer_with_its_truth(study: Study, tmp_path: Path) -> None:
    truth = CaseTruth.objects.filter(arm__role="real")[0]
    for finding in ("Mass", "Effusion"):
        RadiographFinding.objects.create(radiograph=truth.radiograph, finding=finding)
    simulate(study)
    unblinded(study)
    path = tmp_path / "answers.csv"
    call_command("export_answers", "chest", str(path))
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == (
        "reader", "case", "truth", "rating", "arm", "role", "sitting", "kind", "position", "seconds", "finding",
        "active_seconds", "window_uses", "zoom_uses", "pan_uses", "revisions",
    )  # fmt: skip
    assert len(rows) == 2 * 16
    stored = {
        (answer.slot.sitting.reader.pseudonym, str(answer.slot.position)): answer
        for answer in Answer.objects.select_related("slot__sitting__reader", "slot__case__truth__arm")
    }
    for row in rows:
        answer = stored[row["reader"], row["position"]]
        assert row["case"] == answer.slot.case.code
        assert row["rating"] == str(answer.rating)
        assert float(row["seconds"]) == answer.milliseconds / 1000
        assert row["kind"] == answer.slot.kind
        assert row["arm"] == answer.slot.case.truth.arm.name
        assert (row["truth"], row["role"]) in {("real", "real"), ("synthetic", "generator")}
        assert row["truth"] == answer.slot.case.truth.radiograph.collection.truth
    (labelled,) = {row["finding"] for row in rows if row["case"] == truth.case.code}
    assert labelled == "Effusion|Mass"


def test_the_last_answer_of_a_slot_counts(study: Study) -> None:
    simulate(study, readers=1)
    slot = Slot.objects.filter(kind="main")[0]
    first = slot.answers.get().rating
    changed = 1 if first == 6 else 6
    Answer.objects.create(slot=slot, revision=2, rating=changed, milliseconds=10)
    (row,) = [row for row in long_table(unblinded(study)) if row.position == slot.position]
    assert row.rating == changed
    (row,) = [row for row in long_table(slot.case.study, first=True) if row.position == slot.position]
    assert row.rating == first


def test_withdrawn_readers_and_films_are_left_out(study: Study) -> None:
    simulate(study, readers=3)
    first = study.readers.all()[0]
    repeated = Slot.objects.filter(kind="repeat", sitting__reader=first)[0].case
    services.withdraw_film(case=repeated, reason="A name is burnt in.", actor=ACTOR)
    services.withdraw_reader(reader=study.readers.all()[1], reason="Took back the consent.", actor=ACTOR)
    study = unblinded(study)
    rows = long_table(study)
    assert {row.reader for row in rows} == {"S01", "S03"}
    assert repeated.code not in {row.case for row in rows}
    assert unanswered(study) == 0


def test_slots_without_an_answer_are_counted(study: Study) -> None:
    services.invite_reader(study=study, actor=ACTOR)
    study = unblinded(study)
    assert long_table(study) == []
    assert unanswered(study) == 16


def test_an_export_that_cannot_be_written_says_so(study: Study, tmp_path: Path) -> None:
    simulate(study, readers=1)
    unblinded(study)
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("export_answers", "chest", str(tmp_path / "nowhere" / "answers.csv"))
