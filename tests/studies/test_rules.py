"""Rules that the database keeps by itself: each is tried past the services."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from readerstudy.audit.models import AuditRow
from readerstudy.studies import services
from readerstudy.studies.models import (
    Arm,
    Case,
    CaseTruth,
    Deviation,
    Manifest,
    Reader,
    Sitting,
    Slot,
    Study,
)
from tests.studies.films import ACTOR, add_film, make_collection, make_study, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = services.freeze_study(study=two_arms(tmp_path, films=4, practice_films=2, repeats=1), actor=ACTOR)
    services.invite_reader(study=study, actor=ACTOR)
    services.record_deviation(study=study, reason="The lamp was on.", actor=ACTOR)
    return study


@pytest.fixture
def other(tmp_path: Path) -> Study:
    """A second frozen study, of films of its own."""
    study = make_study("other", override_reason="A trial.")
    for name, role, truth in (("real", "real", "real"), ("synthetic", "generator", "synthetic")):
        collection = make_collection(f"other-{name}", truth)
        add_film(collection, 1)
        services.add_arm(study=study, actor=ACTOR, name=name, role=role, collection=collection, films=1)
    study = services.freeze_study(study=study, actor=ACTOR)
    services.invite_reader(study=study, actor=ACTOR)
    return study


def refused(change: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        change()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "renamed"},
        {"title": "x"},
        {"seed": 8},
        {"primary_end_point": "deception_rate"},
        {"margin": 0.2},
        {"margin_reason": "x"},
        {"alpha": 0.1},
        {"decision_cut": 3},
        {"instruction_text": "x"},
        {"instruction_version": "2"},
        {"ratio_told": True},
        {"repeats": 0},
        {"practice_films": 0},
        {"override_reason": "x"},
        {"side": 64},
        {"side": None},
        {"levels": 2},
        {"manifest_hash": "0"},
        {"manifest_hash": ""},
        {"frozen_at": timezone.now()},
        {"frozen_at": None},
    ],
    ids=str,
)
def test_the_plan_of_a_frozen_study_cannot_change(study: Study, change: dict) -> None:
    refused(lambda: Study.objects.filter(pk=study.pk).update(**change))


@pytest.mark.parametrize("model", [Arm, Case, CaseTruth, Manifest])
def test_arms_cases_truth_and_manifest_of_a_frozen_study_cannot_go(study: Study, model: Any) -> None:
    rows: QuerySet = model.objects.all()
    refused(lambda: rows._raw_delete(rows.db))


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Arm, {"films": 99}),
        (Case, {"kind": "practice"}),
        (Case, {"payload_hash": "0"}),
        (CaseTruth, {"patient": ""}),
        (Manifest, {"content": {}}),
    ],
)
def test_arms_cases_truth_and_manifest_of_a_frozen_study_cannot_change(study: Study, model: Any, change: dict) -> None:
    refused(lambda: model.objects.update(**change))


def test_nothing_is_added_to_a_frozen_design(study: Study) -> None:
    arm = study.arms.all()[0]
    refused(lambda: Arm.objects.create(study=study, name="x", role="real", collection=arm.collection, films=1))
    refused(lambda: Case.objects.create(study=study, kind="main"))


def test_a_frozen_study_is_kept(study: Study) -> None:
    rows = Study.objects.filter(pk=study.pk)
    refused(lambda: rows._raw_delete(rows.db))


@pytest.mark.parametrize(
    ("steps", "jump"),
    [
        ([], "unblinded"),
        ([], "design"),
        (["closed"], "frozen"),
        (["closed", "unblinded"], "closed"),
        (["closed", "unblinded"], "design"),
    ],
)
def test_a_state_is_never_jumped_or_gone_back_to(study: Study, steps: list[str], jump: str) -> None:
    if "closed" in steps:
        services.close_study(study=study, actor=ACTOR)
    if "unblinded" in steps:
        services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    now = timezone.now()
    ends: dict[str, Any] = {
        "design": {"frozen_at": None, "closed_at": None, "unblinded_at": None, "manifest_hash": ""},
        "frozen": {"closed_at": None},
        "closed": {"closed_at": now, "unblinded_at": None},
        "unblinded": {"closed_at": now, "unblinded_at": now, "unblinding_reason": "x"},
    }
    refused(lambda: Study.objects.filter(pk=study.pk).update(state=jump, **ends[jump]))


def test_state_and_dates_agree(study: Study) -> None:
    rows = Study.objects.filter(pk=study.pk)
    refused(lambda: rows.update(state="closed"))
    refused(lambda: rows.update(closed_at=timezone.now()))
    services.close_study(study=study, actor=ACTOR)
    refused(lambda: rows.update(closed_at=timezone.now()))
    refused(lambda: rows.update(state="unblinded", unblinded_at=timezone.now()))
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    refused(lambda: rows.update(unblinding_reason="Another reason."))


@pytest.mark.parametrize(
    "change", [{"margin": 0.5}, {"margin": 0}, {"alpha": 0}, {"alpha": 0.6}, {"decision_cut": 1}, {"decision_cut": 7}]
)
def test_a_plan_stays_in_its_ranges(change: dict) -> None:
    study = make_study()
    refused(lambda: Study.objects.filter(pk=study.pk).update(**change))


def test_a_design_keeps_the_rules_of_arms_and_cases(tmp_path: Path) -> None:
    study = two_arms(tmp_path)
    real, synthetic = study.arms.order_by("pk")
    refused(lambda: Arm.objects.filter(pk=real.pk).update(films=0))
    refused(lambda: Arm.objects.filter(pk=real.pk).update(role="judge"))
    refused(lambda: Arm.objects.filter(pk=real.pk).update(selection="hand-picked"))
    refused(lambda: Arm.objects.filter(pk=real.pk).update(name=synthetic.name))
    refused(lambda: Case.objects.create(study=study, kind="spare"))
    one, two = (Case.objects.create(study=study, kind="main") for _ in range(2))
    refused(lambda: Case.objects.filter(pk=two.pk).update(code=one.code))
    first, second = real.collection.radiographs.all()[:2]
    CaseTruth.objects.create(case=one, study=study, arm=real, radiograph=first, patient="p")
    truth = {"case": two, "study": study, "arm": real}
    refused(lambda: CaseTruth.objects.create(**truth, radiograph=second, patient="p"))
    refused(lambda: CaseTruth.objects.create(**truth, radiograph=first, patient="q"))


def test_rows_of_two_studies_never_meet(study: Study, other: Study) -> None:
    sitting, case = Sitting.objects.filter(reader__study=study)[0], other.cases.all()[0]
    refused(lambda: Slot.objects.create(sitting=sitting, position=99, case=case, kind="main"))
    refused(lambda: Deviation.objects.create(study=study, kind="film_withdrawn", case=case, reason="x"))
    reader = other.readers.get()
    refused(lambda: Deviation.objects.create(study=study, kind="reader_withdrawn", reader=reader, reason="x"))
    design = make_study("third")
    stray = Case.objects.create(study=design, kind="main")
    truth = CaseTruth.objects.filter(study=other)[0]
    fields = {"case": stray, "study": design, "radiograph": truth.radiograph}
    refused(lambda: CaseTruth.objects.create(arm=truth.arm, **fields))


@pytest.mark.parametrize("change", [{"position": 99}, {"kind": "repeat"}, {"code": "x"}])
def test_the_order_of_a_reader_is_written_once(study: Study, change: dict) -> None:
    slot = Slot.objects.filter(kind="main")[0]
    refused(lambda: Slot.objects.filter(pk=slot.pk).update(**change))
    refused(lambda: Slot.objects.filter(pk=slot.pk).update(case=study.cases.exclude(pk=slot.case_id)[0]))
    refused(lambda: slot.delete())
    Slot.objects.filter(pk=slot.pk).update(shown_at=timezone.now())


def test_slots_keep_their_rules(study: Study) -> None:
    slot = Slot.objects.filter(kind="main")[0]
    again = {"sitting": slot.sitting, "case": slot.case}
    refused(lambda: Slot.objects.create(**again, position=99, kind="main"))
    refused(lambda: Slot.objects.create(**again, position=slot.position, kind="repeat"))
    refused(lambda: Slot.objects.create(**again, position=99, kind="spare"))
    refused(lambda: Sitting.objects.create(reader=slot.sitting.reader, number=1))
    Slot.objects.create(**again, position=99, kind="repeat")


def test_readers_are_enrolled_in_open_studies_under_pseudonyms_of_their_own(study: Study) -> None:
    refused(lambda: Reader.objects.create(study=study, pseudonym="R01"))
    services.close_study(study=study, actor=ACTOR)
    refused(lambda: Reader.objects.create(study=study, pseudonym="R02"))
    refused(lambda: Reader.objects.create(study=make_study("third"), pseudonym="R01"))


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "film_withdrawn", "reason": "x"},
        {"kind": "reader_withdrawn", "reason": "x"},
        {"kind": "other", "reason": ""},
        {"kind": "invented", "reason": "x"},
    ],
)
def test_a_deviation_names_what_it_is_about(study: Study, row: dict) -> None:
    refused(lambda: Deviation.objects.create(study=study, **row))


def test_films_and_readers_are_withdrawn_once(study: Study) -> None:
    film = {"study": study, "kind": "film_withdrawn", "case": study.cases.all()[0], "reason": "x"}
    reader = {"study": study, "kind": "reader_withdrawn", "reader": study.readers.get(), "reason": "x"}
    for row in (film, reader):
        Deviation.objects.create(**row)
        refused(lambda row=row: Deviation.objects.create(**row))


@pytest.mark.parametrize("model", [Deviation, AuditRow])
def test_deviations_and_the_log_are_only_added_to(study: Study, model: Any) -> None:
    rows = model.objects.all()
    assert rows.exists()
    refused(lambda: rows._raw_delete(rows.db))
    field = "reason" if model is Deviation else "actor"
    refused(lambda: rows.update(**{field: "changed"}))


def test_what_a_study_was_made_of_cannot_be_deleted(study: Study) -> None:
    film = CaseTruth.objects.all()[0].radiograph
    refused(lambda: film.delete())
