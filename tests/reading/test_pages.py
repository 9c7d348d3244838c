"""The pages around the films: instruction, viewer, end."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from readerstudy.studies import services
from readerstudy.studies.models import Study
from tests.reading.room import Browser
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def text(browser: Browser, page: str = "/read/") -> str:
    return " ".join(browser.client.get(page, follow=True).content.decode().split())


def test_the_start_tells_what_is_asked_and_how_much(browser: Browser) -> None:
    page = text(browser)
    assert "Say whether each film is real." in page
    assert "There are 9 films to read." in page
    assert "Before them come 2 films for practice" in page
    assert "Begin" in page
    for words in ("Definitely real", "Probably real", "Possibly real", "Possibly synthetic", "Definitely synthetic"):
        assert words in page


def test_the_start_shows_progress_when_a_reader_comes_back(browser: Browser) -> None:
    for _ in range(3):
        browser.read()
    page = text(browser)
    assert "You have read 1 of 9 films." in page
    assert "Continue" in page
    assert "practice" not in page


def test_the_start_counts_what_is_left_of_the_practice(browser: Browser) -> None:
    browser.read()
    page = text(browser)
    assert "Welcome back. There are 9 films to read. Before them comes 1 film for practice" in page
    browser.read()
    page = text(browser)
    assert "Welcome back. There are 9 films to read. You can stop" in page
    assert "Continue" in page


def test_the_front_page_says_what_this_is_and_where_to_go(client: Client) -> None:
    page = " ".join(client.get("/").content.decode().split())
    assert "On this server radiologists read chest radiographs for research" in page
    assert "Open the personal link that you were sent." in page
    assert '<a href="/admin/">Sign in</a>' in page


def test_it_thanks_at_the_end_and_the_viewer_leads_there(browser: Browser) -> None:
    for _ in range(11):
        after = browser.read()
    assert after == {"done": True}
    assert browser.slot() == {"done": True}
    for page in ("/read/", "/read/room/"):
        assert "You have read every film.</p> <p>Thank you for reading." in text(browser, page)


def test_a_closed_study_says_so(browser: Browser, study: Study) -> None:
    services.close_study(study=study, actor=ACTOR)
    assert "This study is closed." in text(browser, "/read/room/")
    assert browser.slot() == {"done": True}


def test_a_withdrawn_reader_is_told_so(browser: Browser) -> None:
    services.withdraw_reader(reader=browser.reader, reason="Took back the consent.", actor=ACTOR)
    assert "You have been withdrawn from this study" in text(browser, "/read/room/")
    assert browser.slot() == {"done": True}


@pytest.mark.parametrize("page", ["/read/", "/read/room/"])
def test_pages_run_our_own_script_only_and_are_not_kept(browser: Browser, page: str) -> None:
    reply = browser.client.get(page)
    policy = dict(part.strip().split(" ", 1) for part in reply["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert "no-store" in reply["Cache-Control"]
    assert "http://" not in reply.content.decode()
    assert "https://" not in reply.content.decode()


def test_the_viewer_is_the_same_page_for_every_film(browser: Browser) -> None:
    def page() -> str:
        reply = browser.client.get("/read/room/")
        return reply.content.decode().replace(str(reply.context["csrf_token"]), "")

    before = page()
    browser.read()
    assert page() == before


def test_the_schema_of_the_api_is_for_staff(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 403
    client.force_login(User.objects.create_user("researcher", is_staff=True))
    reply = client.get("/api/schema/")
    assert reply.status_code == 200
    assert "/read/answer/{code}/" in reply.content.decode()
