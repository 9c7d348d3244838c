"""Pixels of a slot: who gets them, and in what form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from readerstudy.audit.models import AuditRow
from readerstudy.studies import services
from readerstudy.studies.models import Study
from tests.reading.room import Browser, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_it_sends_the_frozen_payload(browser: Browser, study: Study) -> None:
    slot = slots_of(browser.reader)[0]
    reply = browser.film(slot.code)
    assert reply.content == slot.case.path.read_bytes()
    assert len(reply.content) == study.side**2 * 2
    assert np.frombuffer(reply.content, "<u2").max() > 255
    assert reply["Content-Type"] == "application/octet-stream"
    assert "no-store" in reply["Cache-Control"]
    for header in ("ETag", "Last-Modified", "Content-Encoding", "Content-Disposition"):
        assert not reply.has_header(header)


@pytest.mark.parametrize("accept", ["application/octet-stream", "text/html", "*/*", ""])
def test_pixels_have_one_form_whatever_is_asked_for(browser: Browser, accept: str) -> None:
    code = browser.slot()["code"]
    reply = browser.client.get(f"/read/film/{code}/", headers={"Accept": accept})
    assert (reply.status_code, reply["Content-Type"]) == (200, "application/octet-stream")
    refusal = browser.client.get("/read/film/none/", headers={"Accept": accept})
    assert (refusal.status_code, refusal["Content-Type"]) == (404, "application/json")


def test_pixels_are_never_compressed_nor_confirmed_unchanged(browser: Browser) -> None:
    code = browser.slot()["code"]
    asked = {"HTTP_ACCEPT_ENCODING": "gzip, br", "HTTP_IF_MODIFIED_SINCE": "Fri, 31 Dec 2100 23:59:59 GMT"}
    reply = browser.client.get(f"/read/film/{code}/", **asked)
    assert reply.status_code == 200
    assert not reply.has_header("Content-Encoding")


def test_only_the_current_film_and_the_one_ahead_are_sent(browser: Browser) -> None:
    codes = [slot.code for slot in slots_of(browser.reader)]
    assert [browser.film(code).status_code for code in codes[:4]] == [200, 200, 404, 404]
    browser.answer(codes[0])
    assert [browser.film(code).status_code for code in codes[:4]] == [404, 200, 200, 404]


def test_it_rejects_strangers_other_readers_and_unknown_codes(browser: Browser, study: Study) -> None:
    code = browser.slot()["code"]
    assert Client().get(f"/read/film/{code}/").status_code == 404
    assert Browser(study).film(code).status_code == 404
    assert browser.film("x" * 22).status_code == 404
    assert browser.film(slots_of(browser.reader)[0].case.code).status_code == 404


def test_no_film_is_sent_after_the_study_is_closed_or_the_reader_withdrawn(browser: Browser, study: Study) -> None:
    other = Browser(study)
    services.withdraw_reader(reader=other.reader, reason="Took back the consent.", actor=ACTOR)
    assert other.film(slots_of(other.reader)[0].code).status_code == 404
    services.close_study(study=study, actor=ACTOR)
    assert browser.film(slots_of(browser.reader)[0].code).status_code == 404


def test_a_withdrawn_film_is_not_sent(browser: Browser) -> None:
    slot = slots_of(browser.reader)[0]
    services.withdraw_film(case=slot.case, reason="A name is burnt in.", actor=ACTOR)
    assert browser.film(slot.code).status_code == 404


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        lambda path: path.write_bytes(path.read_bytes()[:-2]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0\0"),
        lambda path: path.unlink(),
    ],
    ids=["another grey", "shorter", "longer", "missing"],
)
def test_a_film_that_is_not_as_it_was_frozen_is_refused(
    browser: Browser, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    slot = slots_of(browser.reader)[0]
    damage(slot.case.path)
    reply = browser.film(slot.code)
    assert reply.status_code == 409
    assert reply.json()["error"].startswith("This film cannot be shown. Report it")
    # To the reader a case has no name. The researcher is told it.
    assert slot.case.code not in reply.content.decode()
    row = AuditRow.objects.get(action="film refused")
    assert (row.actor, row.subject) == ("R01", f"study:chest reader:R01 slot:{slot.code}")
    assert f"The payload of case {slot.case.code} " in row.detail["reason"]
    assert row.detail["reason"] in caplog.text
    assert slots_of(browser.reader)[0].shown_at is None
    assert browser.answer(slot.code).status_code == 409
    services.withdraw_film(case=slot.case, reason="The file is damaged.", actor=ACTOR)
    browser.read()


def test_when_a_film_was_first_sent_is_noted_once(browser: Browser) -> None:
    code = browser.slot()["code"]
    browser.film(code)
    first = slots_of(browser.reader)[0].shown_at
    browser.film(code)
    assert first is not None
    assert slots_of(browser.reader)[0].shown_at == first
    row = AuditRow.objects.get(action="film sent")
    assert (row.actor, row.subject) == ("R01", f"study:chest reader:R01 slot:{code}")
