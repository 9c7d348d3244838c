"""Everything that comes into a real browser over a study of 60 films, compared between real and synthetic."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect
from pytest_django.live_server_helper import LiveServer

from readerstudy.studies.models import Slot
from readerstudy.studies.services import invite_reader
from tests.browser.films import open_study
from tests.browser.screen import enter, film_is_shown, rate
from tests.reading.seen import Reply, differences
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.browser]

FILMS = 30
SIDE = 32
OF_A_SLOT = re.compile(r"/read/(film|answer)/([\w-]{22})/")
RATING = re.compile(r'"rating":\d')


def test_a_browser_sees_no_difference_over_sixty_films(
    page: Page, transactional_db: None, live_server: LiveServer, tmp_path: Path
) -> None:
    study = open_study(tmp_path, films=FILMS, side=SIDE, practice_films=0, block_films=0)
    _, token = invite_reader(study=study, actor=ACTOR)
    came: list[Response] = []
    page.on("response", lambda response: came.append(response))
    replies: list[tuple[str, Reply]] = []
    elsewhere: Counter[str] = Counter()
    enter(page, f"{live_server.url}/read/{token}/")
    for number in range(1, 2 * FILMS + 1):
        film_is_shown(page, f"Film {number} of {2 * FILMS}")
        # Now, because the bodies are gone with the page.
        take(came, replies, elsewhere)
        rate(page, 1 + number % 6)
    expect(page.get_by_text("Thank you for reading.")).to_be_visible()

    # All else is the same for every film: it was asked for once, before the first or after the last.
    pages = {f"/read/{token}/", "/read/", "/read/room/", "/read/slot/"}
    static = {path for path in elsewhere if path.startswith("/static/")}
    assert set(elsewhere) == pages | static
    assert max(elsewhere.values()) <= 2
    roles = dict(Slot.objects.values_list("code", "case__truth__arm__role"))
    real = [reply for code, reply in replies if roles[code] == "real"]
    synthetic = [reply for code, reply in replies if roles[code] == "generator"]
    kinds = Counter(reply.kind for reply in [*real, *synthetic])
    # The last answer leads to the thanks, whichever film it is about.
    assert kinds == {"film": 2 * FILMS, "answer": 2 * FILMS - 1}
    assert {reply.length for reply in [*real, *synthetic] if reply.kind == "film"} == {2 * SIDE * SIDE}
    assert differences(real, synthetic) == []


def take(came: list[Response], replies: list[tuple[str, Reply]], elsewhere: Counter[str]) -> None:
    """Sort what came into what is about one slot and what is not."""
    while came:
        response = came.pop()
        path = urlsplit(response.url).path
        match = OF_A_SLOT.fullmatch(path)
        if match is None:
            elsewhere[path] += 1
            continue
        kind, code = match.groups()
        headers = response.all_headers()
        # A rating is the reader's own.
        body = "" if kind == "film" else RATING.sub('"rating":0', response.text())
        reply = Reply(kind, path, response.status, headers, int(headers["content-length"]), body)
        replies.append((code, reply))
