"""What readers said and did beside the question: columns of the answers, a table of remarks, lines of the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import Answer, DisplayCheck, FilmReport, OverallRemark, Profile, Remark
from readerstudy.results.study_input import study_input
from readerstudy.results.table import long_table, unanswered
from readerstudy.studies import services
from readerstudy.studies.models import Reader, Slot, Study
from tests.studies.films import ACTOR, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]

ASKED = {"cues": "film", "regions_asked": True, "findings_asked": True, "remarks_asked": True}
REGION = {"x": 0.25, "y": 0.5, "radius": 0.1}


def read(folder: Path, readers: int = 1, **plan: Any) -> Study:
    """A study whose films persons have rated 5, taking four seconds."""
    study = services.freeze_study(study=two_arms(folder, films=3, **plan), actor=ACTOR)
    for _ in range(readers):
        reader, _token = services.invite_reader(study=study, actor=ACTOR)
        for slot in Slot.objects.for_reader(reader).exclude(kind="purpose_blind"):
            Answer.objects.create(
                slot=slot, rating=5, milliseconds=4000, active_milliseconds=2500, window_uses=3, zoom_uses=1
            )
    return study


def unblinded(study: Study) -> Study:
    services.close_study(study=study, actor=ACTOR)
    return services.unblind_study(study=study, reason="All have read.", actor=ACTOR)


def slots(study: Study, number: int = 1) -> list[Slot]:
    reader = study.readers.get(pseudonym=f"R{number:02d}")
    return list(Slot.objects.for_reader(reader).in_order().select_related("case"))


def exported(study: Study, path: Path) -> list[dict[str, str]]:
    call_command("export_remarks", study.name, str(path))
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def declare(reader: Reader, **fields: Any) -> None:
    seen = {"dark_patch_seen": True, "bright_patch_seen": True}
    screen = {"width": 1920, "height": 1080, "pixel_ratio": 1, "small": False}
    DisplayCheck.objects.create(reader=reader, **({"display": "diagnostic", "room": "dark"} | seen | screen | fields))


def test_answers_carry_time_at_work_uses_and_revisions(tmp_path: Path) -> None:
    study = read(tmp_path)
    amended = slots(study)[0]
    Answer.objects.create(slot=amended, revision=2, rating=1, milliseconds=900, active_milliseconds=900)
    rows = long_table(unblinded(study))
    assert [row.extra["revisions"] for row in rows] == ["2", *["1"] * 5]
    assert rows[0].extra == {
        "active_seconds": "0.9", "window_uses": "0", "zoom_uses": "0", "pan_uses": "0", "revisions": "2",
    }  # fmt: skip
    assert rows[1].extra["active_seconds"] == "2.5"
    assert (rows[1].extra["window_uses"], rows[1].extra["zoom_uses"]) == ("3", "1")


def test_answers_carry_profile_and_display_where_they_are_asked(tmp_path: Path) -> None:
    study = read(tmp_path, readers=2, profile_asked=True, display_asked=True)
    first, second = study.readers.order_by("pk")
    Profile.objects.create(reader=first, position="chest", years=12, subspecialty="lungs")
    rows = long_table(unblinded(study))
    of_first = next(row for row in rows if row.reader == first.pseudonym)
    assert (of_first.extra["reader_position"], of_first.extra["reader_years"]) == ("chest", "12")
    assert "lungs" not in of_first.extra.values()
    assert "reader_exposure" not in of_first.extra
    of_second = next(row for row in rows if row.reader == second.pseudonym)
    assert {of_second.extra[name] for name in ("reader_position", "reader_years", "small_screen")} == {""}


def test_the_display_is_the_one_declared_last_before_the_answer(tmp_path: Path) -> None:
    study = services.freeze_study(study=two_arms(tmp_path, films=1, display_asked=True), actor=ACTOR)
    reader, _token = services.invite_reader(study=study, actor=ACTOR)
    first, second = slots(study)
    declare(reader)
    Answer.objects.create(slot=first, rating=5, milliseconds=10)
    declare(reader, display="laptop", room="bright", width=800, small=True)
    Answer.objects.create(slot=second, rating=5, milliseconds=10)
    shown = [
        (row.extra["display"], row.extra["room"], row.extra["small_screen"]) for row in long_table(unblinded(study))
    ]
    assert shown == [("diagnostic", "dark", "no"), ("laptop", "bright", "yes")]


def test_remarks_are_exported_by_reader_and_film(tmp_path: Path) -> None:
    study = read(tmp_path, readers=2, **ASKED)
    said = slots(study, 2)[1]
    Remark.objects.create(
        slot=said, cues=["noise", "ribs"], findings={"Mass": 2}, regions=[REGION], text="Odd, no?", milliseconds=1500
    )
    OverallRemark.objects.create(reader=said.sitting.reader, moment="end", cues=["bone"], text="All smooth")
    with pytest.raises(CommandError, match="only after closing and unblinding"):
        exported(study, tmp_path / "remarks.csv")
    unblinded(study)
    film, overall = exported(study, tmp_path / "remarks.csv")
    assert film == {
        "reader": "R02", "moment": "film", "case": said.case.code, "case_on_the_right": "", "sitting": "1",
        "position": "2", "kind": "main", "cues": "noise|ribs", "findings": '{"Mass": 2}',
        "regions": json.dumps([REGION]), "text": "Odd, no?", "seconds": "1.5",
    }  # fmt: skip
    assert (overall["reader"], overall["moment"], overall["cues"], overall["text"]) == (
        "R02",
        "end",
        "bone",
        "All smooth",
    )
    assert AuditRow.objects.get(action="remarks exported").detail == {"rows": 2}
    (row,) = [row for row in long_table(Study.objects.get()) if row.extra["cues"]]
    assert (row.reader, row.case, row.extra["cues"]) == ("R02", said.case.code, "noise|ribs")


def test_remarks_of_withdrawn_readers_and_films_are_left_out(tmp_path: Path) -> None:
    study = read(tmp_path, readers=2, **ASKED)
    for number in (1, 2):
        for slot in slots(study, number):
            Remark.objects.create(slot=slot, text="x", milliseconds=1)
        OverallRemark.objects.create(reader=slot.sitting.reader, moment="end", text="y")
    services.withdraw_reader(reader=study.readers.get(pseudonym="R01"), reason="Asked to.", actor=ACTOR)
    services.withdraw_film(case=slots(study)[0].case, reason="A name is burnt in.", actor=ACTOR)
    unblinded(study)
    rows = exported(study, tmp_path / "remarks.csv")
    assert {row["reader"] for row in rows} == {"R02"}
    assert len(rows) == 5 + 1


@pytest.mark.parametrize("answered", [True, False])
def test_reported_films_are_deviations_and_their_answers_are_left_out(tmp_path: Path, answered: bool) -> None:
    study = read(tmp_path, readers=2)
    film = slots(study)[2].case
    for slot in Slot.objects.filter(case=film):
        if not answered:
            slot = Slot.objects.create(sitting=slot.sitting, position=99, case=film, kind="repeat")
        FilmReport.objects.create(slot=slot, kind="shows_name")
    given = study_input(unblinded(study))
    (deviation,) = given.deviations
    assert (deviation.kind, deviation.about) == ("film reported", film.code)
    assert deviation.reason == "2 readings: shows a name or a date."
    assert deviation.readings_left_out == (2 if answered else 0)
    assert len(given.readings) == 12 - deviation.readings_left_out
    assert unanswered(study) == 0


def test_the_purpose_blind_phase_and_what_struck_readers_are_told(tmp_path: Path) -> None:
    blind = {"purpose_blind_films": 2, "ethics_reference": "EK 12/2026", "sittings": 2, "cues": "end"}
    study = read(tmp_path, readers=2, **blind)
    first = slots(study)[0]
    assert first.kind == "purpose_blind"
    Remark.objects.create(slot=first, findings={"No Finding": 3}, milliseconds=1)
    for reader, text in zip(study.readers.order_by("pk"), ("Rather clean.", ""), strict=True):
        OverallRemark.objects.create(reader=reader, moment="before_reveal", text=text)
    given = study_input(unblinded(study))
    assert [(row.reader, row.text) for row in given.noticed] == [("R01", "Rather clean."), ("R02", "")]
    plan = given.plan
    assert (plan.purpose_blind_films, plan.ethics_reference, plan.debriefing_version) == (2, "EK 12/2026", "en-1")
    assert (plan.sittings, plan.asked_beside) == (2, ["cues, once after the last film"])
    assert {row.kind for row in given.readings} == {"main"}
    # Of four films in the phase one was read.
    assert given.deviations[-1].reason == "3 films of the readers' lists were not read."


def test_readers_who_stay_are_described_without_what_could_name_them(tmp_path: Path) -> None:
    study = read(tmp_path, readers=3, profile_asked=True, display_asked=True)
    first, second, third = study.readers.order_by("pk")
    Profile.objects.create(reader=first, position="chest", years=12, subspecialty="lungs", exposure="some")
    declare(first, bright_patch_seen=False, small=True)
    declare(first, bright_patch_seen=False, small=True)
    services.withdraw_reader(reader=third, reason="Asked to.", actor=ACTOR)
    people = study_input(unblinded(study)).people
    assert [person.reader for person in people] == [first.pseudonym, second.pseudonym]
    assert (people[0].position, people[0].years, people[0].exposure) == ("radiologist, mainly chest", 12, "a few times")
    assert people[0].displays == [
        "diagnostic display, room: dark, as for reading, 1920 × 1080 pixels, smaller than the design asks, "
        "95 % patch not seen"
    ]
    assert (people[1].position, people[1].years, people[1].displays) == ("", None, [])
