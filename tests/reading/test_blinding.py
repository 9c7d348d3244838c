"""What a browser can see of a study of 60 films tells no film's truth, and the comparison that says so can see."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from readerstudy.reading.models import Answer
from readerstudy.studies.models import Slot, Study
from tests.reading.room import Browser, open_study
from tests.reading.seen import Reply, differences

pytestmark = [pytest.mark.database, pytest.mark.django_db]
FILMS = 30
Leak = Callable[[bool, HttpRequest, HttpResponse], HttpResponse]


def truths() -> dict[str, bool]:
    """Whether the film of a slot is synthetic, by the slot's code."""
    rows = Slot.objects.values_list("code", "case__truth__arm__role")
    return {code: role == "generator" for code, role in rows}


def reply_of(kind: str, response: HttpResponse) -> Reply:
    body = "" if kind == "film" else response.content.decode()
    path = response.wsgi_request.get_full_path()  # type: ignore[attr-defined]
    return Reply(kind, path, response.status_code, dict(response.items()), len(response.content), body)


def walked(study: Study) -> tuple[list[Reply], list[Reply]]:
    """Everything that comes to one reader over the whole study, of real and of synthetic films."""
    browser, films = Browser(study), study.cases.count()
    truth = truths()
    replies: dict[bool, list[Reply]] = {False: [], True: []}
    for number in range(films):
        slot = browser.client.get("/read/slot/")
        code = slot.json()["code"]
        film = browser.film(code)
        answer = browser.answer(code, rating=1 + number % 6, milliseconds=1234)
        of_slot = [reply_of("slot", slot), reply_of("film", film), _without_rating(reply_of("answer", answer))]
        replies[truth[code]] += of_slot
    assert browser.slot() == {"done": True}
    assert Answer.objects.count() == films
    return replies[False], replies[True]


def _without_rating(reply: Reply) -> Reply:
    """A rating has one digit and is the reader's own."""
    body = reply.body
    at = body.index('"rating":') + len('"rating":')
    return Reply(reply.kind, reply.address, reply.status, reply.headers, reply.length, f"{body[:at]}0{body[at + 1 :]}")


def test_real_and_synthetic_differ_in_no_address_header_or_length(tmp_path: Path) -> None:
    real, synthetic = walked(open_study(tmp_path, films=FILMS))
    assert len(real) == len(synthetic) == 3 * FILMS
    assert {reply.status for reply in [*real, *synthetic]} == {200}
    assert differences(real, synthetic) == []


def test_the_reading_room_never_asks_the_database_for_truth(tmp_path: Path) -> None:
    study = open_study(tmp_path, films=2, practice_films=2, repeats=1)
    browser = Browser(study)
    with CaptureQueriesContext(connection) as captured:
        while not browser.slot().get("done"):
            for page in ("/read/", "/read/room/"):
                assert browser.client.get(page).status_code == 200
            browser.read()
        browser.client.get("/read/")
    asked = [query["sql"] for query in captured]
    assert len(asked) > 100
    forbidden = ("studies_casetruth", "studies_manifest", "studies_arm", "archive_", "synthesis_")
    assert [sql for sql in asked if any(table in sql for table in forbidden)] == []


# What the comparison must see

LEAK: Leak | None = None


def leaking(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that lets LEAK spoil each reply about a film, knowing the truth."""

    def spoil(request: HttpRequest) -> HttpResponse:
        truth = {code: synthetic for code, synthetic in truths().items() if code in request.path}
        response = get_response(request)
        if not truth:
            truth = {code: synthetic for code, synthetic in truths().items() if code.encode() in response.content[:40]}
        for synthetic in truth.values():
            assert LEAK
            response = LEAK(synthetic, request, response)
        return response

    return spoil


def of_films(leak: Callable[[bool, HttpResponse], None]) -> Leak:
    def spoil(synthetic: bool, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if "/film/" in request.path:
            leak(synthetic, response)
        return response

    return spoil


def dated(synthetic: bool, response: HttpResponse) -> None:
    response["Last-Modified"] = f"Mon, 02 Jan {2026 if synthetic else 2017} 00:00:00 GMT"


def dated_alike(synthetic: bool, response: HttpResponse) -> None:
    response["Last-Modified"] = "Mon, 02 Jan 2017 00:00:00 GMT"


def longer(synthetic: bool, response: HttpResponse) -> None:
    response.content += b"\0" * synthetic


def compressed(synthetic: bool, response: HttpResponse) -> None:
    response.content = gzip.compress(response.content[: 900 if synthetic else None])
    response["Content-Encoding"] = "gzip"


def of_another_type(synthetic: bool, response: HttpResponse) -> None:
    response["Content-Type"] = "image/png" if synthetic else "image/jpeg"


def tagged(synthetic: bool, response: HttpResponse) -> None:
    response["ETag"] = f'"{hash(response.content)}"'


def named_header(synthetic: bool, response: HttpResponse) -> None:
    if synthetic:
        response["X-Cache"] = "hit"


def sent_as_partial(synthetic: bool, response: HttpResponse) -> None:
    response.status_code = 206 if synthetic else 200


def told_in_the_slot(synthetic: bool, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if "/slot/" in request.path and synthetic:
        response.content = response.content.replace(b"}", b" }")
    return response


def told_after_the_answer(synthetic: bool, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if "/answer/" in request.path:
        response["X-Arm"] = "generator" if synthetic else "real"
    return response


@pytest.mark.parametrize(
    "leak",
    [
        *(
            pytest.param(of_films(leak), id=leak.__name__)
            for leak in (
                dated,
                dated_alike,
                longer,
                compressed,
                of_another_type,
                tagged,
                named_header,
                sent_as_partial,
            )
        ),
        told_in_the_slot,
        told_after_the_answer,
    ],
)
def test_the_comparison_sees_a_leak(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, leak: Leak
) -> None:
    monkeypatch.setattr(f"{__name__}.LEAK", leak)
    settings.MIDDLEWARE = [f"{__name__}.leaking", *settings.MIDDLEWARE]
    assert differences(*walked(open_study(tmp_path, films=4))) != []
