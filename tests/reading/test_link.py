"""Coming in by the personal link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import WrongLink
from readerstudy.studies import services
from readerstudy.studies.models import ReaderIdentity, Study
from tests.reading.room import Browser, open_study
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PAGES = ["/read/", "/read/room/", "/read/slot/"]
NOBODYS = f"/read/{'x' * 43}/"
WHAT_TO_DO = "Ask whoever sent it to you for a new one. What you have said so far is kept."


@pytest.fixture
def once(tmp_path: Path) -> Study:
    """A study whose links open once."""
    return open_study(tmp_path, films=1, link_use="once")


def audited(action: str) -> list[dict[str, Any]]:
    return list(AuditRow.objects.filter(action=action).order_by("pk").values_list("detail", flat=True))


def test_it_leads_on_to_an_address_without_the_token(study: Study) -> None:
    _, token = services.invite_reader(study=study, actor=ACTOR)
    reply = Client().get(f"/read/{token}/")
    assert (reply.status_code, reply["Location"]) == (302, "/read/")
    assert reply["Referrer-Policy"] == "no-referrer"
    assert "no-store" in reply["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
def test_strangers_get_404(study: Study, page: str) -> None:
    assert Client().get(page).status_code == 404


def test_it_rejects_a_token_that_nobody_was_given(study: Study) -> None:
    client = Client()
    assert client.get(f"/read/{'x' * 43}/").status_code == 404
    assert client.get("/read/").status_code == 404


def test_the_hash_of_a_link_is_no_link(browser: Browser) -> None:
    assert Client().get(f"/read/{browser.reader.identity.link_hash}/").status_code == 404


def test_a_session_planted_before_is_worthless(study: Study) -> None:
    _reader, token = services.invite_reader(study=study, actor=ACTOR)
    client = Client()
    client.get(f"/read/{token}/")
    planted = client.session.session_key
    client.get(f"/read/{token}/")
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert client.session.session_key != planted
    assert thief.get("/read/").status_code == 404


def test_coming_back_by_the_link_continues_where_the_reader_left(browser: Browser) -> None:
    after = browser.read()
    again = Client()
    again.get(f"/read/{browser.token}/")
    assert again.get("/read/slot/").json() == after


def test_a_reissued_link_ends_the_sessions_of_the_old_one(browser: Browser) -> None:
    token = services.reissue_link(reader=browser.reader, actor=ACTOR)
    assert browser.client.get("/read/").status_code == 404
    assert Client().get(f"/read/{browser.token}/").status_code == 404
    assert Client().get(f"/read/{token}/").status_code == 302


def test_an_erased_identity_ends_the_session(browser: Browser, study: Study) -> None:
    services.erase_identity(reader=browser.reader, actor=ACTOR)
    for page in PAGES:
        assert browser.client.get(page).status_code == 404


def test_readers_without_a_link_are_not_found_by_a_session_without_one(study: Study) -> None:
    reader, _ = services.invite_reader(study=study, actor=ACTOR)
    services.erase_identity(reader=reader, actor=ACTOR)
    assert Client().get("/read/slot/").status_code == 404


# A link that has ended


def withdraw(browser: Browser) -> None:
    services.withdraw_link(reader=browser.reader, actor=ACTOR)


def expire(browser: Browser) -> None:
    ReaderIdentity.objects.update(link_expires_at=timezone.now())


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (withdraw, "Your personal link has been withdrawn."),
        (expire, "Your personal link was valid for a time that is over."),
    ],
)
def test_a_link_that_has_ended_says_what_to_do_and_ends_its_sessions(
    browser: Browser, end: Callable[[Browser], None], why: str
) -> None:
    code = browser.slot()["code"]
    end(browser)
    for client, page in [
        (Client(), f"/read/{browser.token}/"),
        (browser.client, "/read/"),
        (browser.client, "/read/room/"),
    ]:
        reply = client.get(page)
        assert reply.status_code == 410
        assert f"{why} {WHAT_TO_DO}" in reply.content.decode()
        assert "no-store" in reply["Cache-Control"]
    for page in ("/read/slot/", f"/read/film/{code}/"):
        reply = browser.client.get(page)
        assert (reply.status_code, list(reply.json())) == (410, ["detail"])
    assert browser.answer(code).status_code == 410
    [refusal] = audited("link refused")
    assert (refusal["withdrawn"], refusal["expired"]) == (end is withdraw, end is expire)
    token = services.reissue_link(reader=browser.reader, actor=ACTOR)
    assert Client().get(f"/read/{token}/").status_code == 302


def test_a_link_is_valid_for_the_days_of_the_design(tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=1, link_days=3))
    left = ReaderIdentity.objects.get().link_expires_at - timezone.now()
    assert timedelta(days=3) - timedelta(minutes=1) < left <= timedelta(days=3)
    assert browser.client.get("/read/").status_code == 200


def test_a_link_is_withdrawn_once(browser: Browser) -> None:
    withdraw(browser)
    with pytest.raises(ValidationError, match="Reader R01 has no link to withdraw"):
        withdraw(browser)


def test_opening_is_written_down(browser: Browser) -> None:
    opened = ReaderIdentity.objects.get().link_opened_at
    assert opened
    Client().get(f"/read/{browser.token}/")
    assert audited("link opened") == [{"first": True}, {"first": False}]
    assert ReaderIdentity.objects.get().link_opened_at == opened
    row = AuditRow.objects.filter(action="link opened")[0]
    assert (row.actor, row.subject) == ("R01", "study:chest reader:R01")


# A link that opens once


def test_a_link_that_opens_once_is_not_used_up_by_a_program_that_looks_through_mail(once: Study) -> None:
    _, token = services.invite_reader(study=once, actor=ACTOR)
    for ask in (Client().get, Client().head, Client().get):
        reply = ask(f"/read/{token}/")
        assert reply.status_code == 200
    assert "Open it here" in reply.content.decode()
    assert ReaderIdentity.objects.get().link_opened_at is None
    client = Client()
    assert client.post(f"/read/{token}/")["Location"] == "/read/"
    assert client.get("/read/").status_code == 200


def test_a_link_that_opens_once_goes_on_where_it_was_opened_and_nowhere_else(once: Study) -> None:
    _, token = services.invite_reader(study=once, actor=ACTOR)
    first, second = Client(), Client()
    first.post(f"/read/{token}/")
    for ask in (second.get, second.post):
        reply = ask(f"/read/{token}/")
        assert reply.status_code == 410
        assert "in the browser that opened it you can go on" in reply.content.decode()
    assert second.get("/read/").status_code == 404
    for ask in (first.get, first.post):
        assert ask(f"/read/{token}/").status_code == 302
        assert first.get("/read/").status_code == 200
    assert [row["opened"] for row in audited("link refused")] == [True, True]
    assert audited("link opened") == [{"first": True}]


def test_of_two_who_open_such_a_link_at_the_same_moment_one_comes_in(
    once: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, token = services.invite_reader(study=once, actor=ACTOR)

    def opened_meanwhile(identity: ReaderIdentity) -> None:
        ReaderIdentity.objects.filter(reader=reader).update(link_opened_at=timezone.now())

    monkeypatch.setattr("readerstudy.reading.views.refuse_used", opened_meanwhile)
    slower = Client()
    assert slower.post(f"/read/{token}/").status_code == 410
    assert slower.get("/read/").status_code == 404


def test_the_click_needs_the_form_of_this_server(once: Study) -> None:
    _, token = services.invite_reader(study=once, actor=ACTOR)
    assert Client(enforce_csrf_checks=True).post(f"/read/{token}/").status_code == 403
    assert ReaderIdentity.objects.get().link_opened_at is None


# Wrong links


def try_wrong_links(number: int = 10) -> None:
    for _ in range(number):
        assert Client().get(NOBODYS).status_code == 404


def shift_back(**by: float) -> None:
    """Let time pass: the rows are that much older."""
    for row in WrongLink.objects.all():
        WrongLink.objects.filter(pk=row.pk).update(at=row.at - timedelta(**by))


def test_after_ten_wrong_links_none_from_there_is_opened_for_a_while(browser: Browser) -> None:
    try_wrong_links()
    for page in (NOBODYS, f"/read/{browser.token}/"):
        reply = Client().get(page)
        assert reply.status_code == 429
        assert "Try yours again in 15 minutes." in reply.content.decode()
        assert 890 < int(reply["Retry-After"]) <= 900
    assert Client(REMOTE_ADDR="192.0.2.7").get(f"/read/{browser.token}/").status_code == 302
    # Who has begun in this browser goes on, by the link too.
    assert browser.client.get("/read/slot/").status_code == 200
    assert browser.client.get(f"/read/{browser.token}/").status_code == 302
    shift_back(minutes=14, seconds=55)
    assert Client().get(f"/read/{browser.token}/").status_code == 429
    shift_back(seconds=5)
    assert Client().get(f"/read/{browser.token}/").status_code == 302
    assert len(audited("wrong link")) == 10


def test_wrong_links_that_lie_far_apart_lock_nobody_out(browser: Browser) -> None:
    try_wrong_links(5)
    shift_back(minutes=14)
    try_wrong_links(4)
    shift_back(minutes=2)
    try_wrong_links(1)
    assert Client().get(f"/read/{browser.token}/").status_code == 302


def test_of_an_address_a_keyed_hash_is_kept_and_not_for_long(browser: Browser) -> None:
    try_wrong_links(2)
    hashes = set(WrongLink.objects.values_list("address_hash", flat=True))
    assert len(hashes) == 1
    assert "127.0.0.1" not in str([*hashes, *AuditRow.objects.values_list("actor", "subject", "detail")])
    shift_back(minutes=31)
    try_wrong_links(1)
    assert WrongLink.objects.count() == 1


def test_behind_a_server_in_front_its_word_for_the_address_counts(browser: Browser, settings: Settings) -> None:
    link = f"/read/{browser.token}/"
    # Anybody can write this header; nobody in front means that nobody vouches for it.
    for number in range(10):
        Client().get(NOBODYS, headers={"X-Forwarded-For": f"192.0.2.{number}"})
    assert Client().get(link).status_code == 429
    settings.PROXY = True
    for number in range(10):
        Client().get(NOBODYS, headers={"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.7"})
    assert Client().get(link, headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 429
    assert Client().get(link, headers={"X-Forwarded-For": "203.0.113.1, 192.0.2.8"}).status_code == 302


def test_finding_a_reader_takes_one_query_however_much_the_entrance_asks(browser: Browser) -> None:
    with CaptureQueriesContext(connection) as captured:
        browser.slot()
    for table in ("studies_readeridentity", "reading_consent", "reading_profile"):
        assert len([query for query in captured if table in query["sql"]]) == 1
