"""Coming in by the personal link."""

from __future__ import annotations

import pytest
from django.test import Client

from readerstudy.studies import services
from readerstudy.studies.models import Study
from tests.reading.room import Browser
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]
PAGES = ["/read/", "/read/room/", "/read/slot/"]


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
