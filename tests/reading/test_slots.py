"""Which slot comes next."""

from __future__ import annotations

import pytest

from readerstudy.reading.models import Answer
from readerstudy.studies import services
from readerstudy.studies.models import Slot, Study
from tests.reading.room import Browser, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_slots_come_in_the_stored_order(browser: Browser) -> None:
    stored = [slot.code for slot in slots_of(browser.reader)]
    seen = [browser.slot()["code"]]
    while not (after := browser.read()).get("done"):
        seen.append(after["code"])
    assert seen == stored


def test_a_slot_tells_nothing_but_what_the_page_needs(browser: Browser, study: Study) -> None:
    first, second = slots_of(browser.reader)[:2]
    assert browser.slot() == {
        "code": first.code,
        "ahead": second.code,
        "number": 1,
        "total": 2,
        "minutes_left": None,
        "practice": True,
        "asks": "question",
        "pause": False,
        "amendable": None,
        "side": study.side,
        "levels": study.levels,
    }


def test_practice_is_counted_apart_and_repeats_are_not_told(browser: Browser) -> None:
    counts = []
    slot = browser.slot()
    while not slot.get("done"):
        counts.append((slot["practice"], slot["number"], slot["total"]))
        slot = browser.read()
    assert counts == [(True, n, 2) for n in (1, 2)] + [(False, n, 9) for n in range(1, 10)]


def test_the_last_slot_has_none_ahead(browser: Browser) -> None:
    for _ in range(10):
        slot = browser.read()
    assert slot["ahead"] is None


def test_asking_again_changes_nothing(browser: Browser) -> None:
    assert browser.slot() == browser.slot()


def test_a_film_withdrawn_unread_is_passed_over(browser: Browser) -> None:
    slots = slots_of(browser.reader)
    services.withdraw_film(case=slots[0].case, reason="A name is burnt in.", actor=ACTOR)
    slot = browser.slot()
    assert (slot["code"], slot["number"], slot["total"]) == (slots[1].code, 1, 1)


def test_a_film_withdrawn_after_it_was_read_keeps_its_answer_and_loses_its_repeat(browser: Browser) -> None:
    repeat = next(slot for slot in slots_of(browser.reader) if slot.kind == Slot.Kind.REPEAT)
    first = next(slot for slot in slots_of(browser.reader) if slot.case == repeat.case)
    while not Answer.objects.filter(slot=first).exists():
        before = browser.read(rating=4)
    services.withdraw_film(case=repeat.case, reason="A name is burnt in.", actor=ACTOR)
    now = browser.slot()
    assert (now["number"], now["total"]) == (before["number"], before["total"] - 1)
    assert Answer.objects.get(slot=first).rating == 4
    assert browser.answer(first.code, 4).json() == {
        "stored": {"code": first.code, "rating": 4, "revision": 1},
        "next": now,
    }
    while not now.get("done"):
        assert now["code"] != repeat.code
        now = browser.read()
    assert browser.answer(repeat.code).status_code == 409


def test_the_next_slot_takes_few_queries(browser: Browser, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        browser.slot()
