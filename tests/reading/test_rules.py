"""Rules of the reading room that the database keeps by itself: each is tried past the services."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from readerstudy.reading.models import (
    Answer,
    Consent,
    DisplayCheck,
    FilmReport,
    OverallRemark,
    Profile,
    Remark,
)
from readerstudy.studies.models import Reader, Slot
from readerstudy.studies.services import invite_reader
from tests.reading.room import open_study, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]

DISPLAY = {
    "display": "diagnostic",
    "room": "dark",
    "dark_patch_seen": True,
    "bright_patch_seen": True,
    "width": 1536,
    "height": 2048,
    "pixel_ratio": 1.0,
    "small": False,
}
ANSWER = {"rating": 3, "milliseconds": 4000}
CONSENT = {"stage": "entry", "given": True, "version": "1", "text_hash": "0" * 64}


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return invite_reader(study=open_study(tmp_path, films=2), actor=ACTOR)[0]


@pytest.fixture
def slot(reader: Reader) -> Slot:
    return slots_of(reader)[0]


def refused(change: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        change()


@pytest.mark.parametrize(
    ("model", "row", "change"),
    [
        (Answer, ANSWER, {"rating": 4}),
        (Remark, {"milliseconds": 1}, {"text": "x"}),
        (FilmReport, {"kind": "shows_name"}, {"kind": "not_displayed"}),
        (OverallRemark, {"moment": "end"}, {"text": "x"}),
        (Consent, CONSENT, {"version": "2"}),
        (DisplayCheck, DISPLAY, {"small": True}),
    ],
)
def test_what_readers_say_is_only_added_to(
    reader: Reader, slot: Slot, model: Any, row: dict[str, Any], change: dict[str, Any]
) -> None:
    of = {"slot": slot} if model in (Answer, Remark, FilmReport) else {"reader": reader}
    model.objects.create(**of, **row)
    rows = model.objects.all()
    refused(lambda: rows.update(**change))
    refused(lambda: rows._raw_delete(rows.db))


@pytest.mark.parametrize(
    "change",
    [
        {"rating": None},
        {"rating": 0},
        {"rating": 7},
        {"chosen": "left"},
        {"rating": None, "chosen": "both"},
        {"revision": 0},
        {"active_milliseconds": 4001},
        {"milliseconds": -1},
    ],
    ids=str,
)
def test_an_answer_is_a_rating_or_a_choice_in_a_time_that_can_be(slot: Slot, change: dict[str, Any]) -> None:
    refused(lambda: Answer.objects.create(slot=slot, **ANSWER | change))


def test_a_slot_has_one_answer_per_revision_one_remark_and_one_report(slot: Slot) -> None:
    Answer.objects.create(slot=slot, **ANSWER)
    Answer.objects.create(slot=slot, revision=2, **ANSWER)
    refused(lambda: Answer.objects.create(slot=slot, revision=2, **ANSWER))
    Remark.objects.create(slot=slot, milliseconds=1)
    refused(lambda: Remark.objects.create(slot=slot, milliseconds=2))
    FilmReport.objects.create(slot=slot, kind="shows_name")
    refused(lambda: FilmReport.objects.create(slot=slot, kind="not_displayed"))


def test_kinds_moments_and_stages_are_those_that_the_product_knows(reader: Reader, slot: Slot) -> None:
    refused(lambda: FilmReport.objects.create(slot=slot, kind="ugly"))
    refused(lambda: OverallRemark.objects.create(reader=reader, moment="now"))
    refused(lambda: Consent.objects.create(reader=reader, **CONSENT | {"stage": "later"}))


def test_a_reader_speaks_of_all_films_once_per_moment(reader: Reader) -> None:
    OverallRemark.objects.create(reader=reader, moment="before_reveal")
    OverallRemark.objects.create(reader=reader, moment="end")
    refused(lambda: OverallRemark.objects.create(reader=reader, moment="end"))


def test_consent_is_given_once_per_stage_and_declined_at_the_reveal_only(reader: Reader) -> None:
    refused(lambda: Consent.objects.create(reader=reader, **CONSENT | {"given": False}))
    Consent.objects.create(reader=reader, **CONSENT)
    refused(lambda: Consent.objects.create(reader=reader, **CONSENT))
    Consent.objects.create(reader=reader, **CONSENT | {"stage": "reveal", "given": False})


def test_a_reader_has_one_profile_of_a_working_life(reader: Reader) -> None:
    refused(lambda: Profile.objects.create(reader=reader, position="chest", years=71))
    Profile.objects.create(reader=reader, position="chest", years=70)
    refused(lambda: Profile.objects.create(reader=reader, position="other", years=1))


@pytest.mark.parametrize("change", [{"pixel_ratio": 0.0}, {"pixel_ratio": -1.0}, {"width": -1}], ids=str)
def test_a_screen_has_pixels(reader: Reader, change: dict[str, Any]) -> None:
    refused(lambda: DisplayCheck.objects.create(reader=reader, **DISPLAY | change))
