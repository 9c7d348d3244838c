"""An answer is stored once, whatever is asked again."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import Answer
from readerstudy.reading.services import AlreadyAnswered, NotOpen, record_answer
from readerstudy.studies import services
from readerstudy.studies.models import Slot, Study
from tests.reading.room import Browser, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def code(browser: Browser) -> str:
    """A slot whose film has been sent."""
    code = browser.slot()["code"]
    browser.film(code)
    return code


def stored() -> list[tuple]:
    return list(Answer.objects.values_list("slot__code", "revision", "rating", "milliseconds"))


def test_it_stores_the_answer_and_gives_the_next_slot(browser: Browser, code: str) -> None:
    reply = browser.answer(code, 5, 4321)
    assert reply.status_code == 200
    assert reply.json() == {"stored": {"code": code, "rating": 5, "revision": 1}, "next": browser.slot()}
    assert stored() == [(code, 1, 5, 4321)]
    assert reply.json()["next"]["code"] == slots_of(browser.reader)[1].code


def test_the_audit_log_has_it_too(browser: Browser, code: str) -> None:
    browser.answer(code, 5, 4321)
    row = AuditRow.objects.get(action="answered")
    assert (row.actor, row.subject) == ("R01", f"study:chest reader:R01 slot:{code}")
    assert row.detail == {"rating": 5, "milliseconds": 4321}


def test_the_same_answer_again_gets_the_same_reply(browser: Browser, code: str) -> None:
    first = browser.answer(code, 5, 4321)
    second = browser.answer(code, 5, 9999)
    assert (second.status_code, second.json()) == (200, first.json())
    assert stored() == [(code, 1, 5, 4321)]
    assert AuditRow.objects.filter(action="answered").count() == 1


def test_another_rating_is_refused_with_the_stored_one(browser: Browser, code: str) -> None:
    browser.answer(code, 5)
    reply = browser.answer(code, 2)
    assert reply.status_code == 409
    assert reply.json() == {
        "error": "This film has been rated already, as “Probably synthetic”; that rating stands.",
        "stored": {"code": code, "rating": 5, "revision": 1},
        "next": browser.slot(),
    }
    assert [row[2] for row in stored()] == [5]


@pytest.mark.parametrize("rating", [0, 7, -1, 10**30])
def test_it_rejects_a_rating_outside_the_scale(browser: Browser, code: str, rating: int) -> None:
    reply = browser.answer(code, rating)
    assert reply.status_code == 400
    assert reply.json()["error"] == "A rating is a whole number from 1 to 6."
    assert stored() == []


@pytest.mark.parametrize("rating", [True, "3", 3.0, None, [3], {}])
def test_it_rejects_what_is_no_whole_number(browser: Browser, code: str, rating: object) -> None:
    assert browser.answer(code, rating).status_code == 400
    assert stored() == []


@pytest.mark.parametrize("milliseconds", [-1, 10**30, 1.5, None, "4"])
def test_it_rejects_a_time_that_is_none(browser: Browser, code: str, milliseconds: object) -> None:
    assert browser.answer(code, 3, milliseconds).status_code == 400
    assert stored() == []


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000])
def test_it_rejects_a_body_that_is_no_answer(browser: Browser, code: str, body: bytes) -> None:
    reply = browser.client.post(f"/read/answer/{code}/", body, content_type="application/json")
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("An answer is a JSON object")


def test_a_film_that_was_never_sent_cannot_be_rated(browser: Browser) -> None:
    reply = browser.answer(browser.slot()["code"])
    assert reply.status_code == 409
    assert reply.json()["error"] == "This film has not been shown yet, so it cannot be rated."
    assert stored() == []


def test_only_the_next_film_can_be_rated(browser: Browser, code: str) -> None:
    ahead = slots_of(browser.reader)[1].code
    browser.film(ahead)
    reply = browser.answer(ahead)
    assert reply.status_code == 409
    assert reply.json() == {
        "error": "This film is not the next one to rate.",
        "stored": None,
        "next": browser.slot(),
    }
    assert stored() == []


def test_it_rejects_strangers_and_other_readers(browser: Browser, code: str, study: Study) -> None:
    path, body = f"/read/answer/{code}/", {"rating": 3, "milliseconds": 1}
    assert Client().post(path, body, content_type="application/json").status_code == 404
    assert Browser(study).answer(code).status_code == 404
    assert browser.answer("x" * 22).status_code == 404
    assert stored() == []


def test_it_rejects_a_post_from_another_site(study: Study) -> None:
    browser = Browser(study, enforce_csrf_checks=True)
    code = browser.slot()["code"]
    browser.film(code)
    assert browser.answer(code).status_code == 403
    token = browser.client.get("/read/room/").context["csrf_token"]
    reply = browser.client.post(
        f"/read/answer/{code}/",
        {"rating": 3, "milliseconds": 1},
        content_type="application/json",
        headers={"X-CSRFToken": str(token)},
    )
    assert reply.status_code == 200


def test_a_closed_study_takes_no_answer_but_still_confirms_a_stored_one(browser: Browser, study: Study) -> None:
    first = browser.slot()["code"]
    browser.film(first)
    ahead = browser.answer(first, 4).json()["next"]["code"]
    browser.film(ahead)
    services.close_study(study=study, actor=ACTOR)
    refused = browser.answer(ahead, 4)
    assert refused.status_code == 409
    assert refused.json() == {
        "error": "This study takes no more answers from you.",
        "stored": None,
        "next": {"done": True},
    }
    assert browser.answer(first, 4).json() == {
        "stored": {"code": first, "rating": 4, "revision": 1},
        "next": {"done": True},
    }
    assert len(stored()) == 1


def test_a_withdrawn_reader_answers_no_more(browser: Browser, code: str) -> None:
    services.withdraw_reader(reader=browser.reader, reason="Took back the consent.", actor=ACTOR)
    assert browser.answer(code).status_code == 409
    assert stored() == []


def test_a_film_withdrawn_under_the_readers_eyes_is_left_out(browser: Browser, code: str) -> None:
    services.withdraw_film(case=Slot.objects.get(code=code).case, reason="A name is burnt in.", actor=ACTOR)
    reply = browser.answer(code)
    assert reply.status_code == 409
    assert reply.json()["next"]["code"] == slots_of(browser.reader)[1].code
    assert stored() == []


@pytest.mark.parametrize("change", [{"rating": 2}, {"milliseconds": 1}])
def test_a_stored_answer_cannot_change_or_go(browser: Browser, change: dict) -> None:
    browser.read()
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Answer.objects.all()._raw_delete("default")


def test_the_database_holds_the_scale_and_one_answer_per_slot(browser: Browser) -> None:
    browser.read()
    slots = slots_of(browser.reader)
    for again in ({"slot": slots[0], "rating": 3}, {"slot": slots[1], "rating": 7}, {"slot": slots[1], "rating": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Answer.objects.create(milliseconds=1, **again)


def test_a_simulated_reader_answers_by_the_same_service_in_order(study: Study) -> None:
    reader = services.enrol_simulated_reader(study=study, actor=ACTOR)
    slots = slots_of(reader)
    with pytest.raises(NotOpen, match="not the next one"):
        record_answer(slot=slots[1], rating=3, milliseconds=0)
    for slot in slots:
        record_answer(slot=slot, rating=3, milliseconds=0)
    assert Answer.objects.count() == len(slots)
    with pytest.raises(AlreadyAnswered) as refusal:
        record_answer(slot=slots[0], rating=4, milliseconds=0)
    assert refusal.value.answer.rating == 3
    with pytest.raises(ValidationError, match="from 1 to 6"):
        record_answer(slot=slots[0], rating=9, milliseconds=0)


def test_an_answer_takes_few_queries(browser: Browser, code: str, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        browser.answer(code)
