"""One answer per slot, whatever happens on the line: fifty requests at once, and a server that is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from readerstudy.audit.models import AuditRow
from readerstudy.reading.models import Answer, Rating
from readerstudy.studies.models import Study
from readerstudy.studies.services import invite_reader
from tests.reading.line import Line
from tests.studies.films import ACTOR

# Other threads and processes meet in the database, so everything is committed.
pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

AT_ONCE = 50
ROOT = Path(__file__).resolve().parents[2]


def stored() -> list[tuple]:
    return list(Answer.objects.values_list("slot__code", "revision", "rating", "milliseconds"))


def logged() -> int:
    return AuditRow.objects.filter(action="answered").count()


# A server


@contextmanager
def server(door: socket.socket, home: Path, *options: str) -> Iterator[subprocess.Popen]:
    """gunicorn in processes of its own on this test's database, behind a door that is open before it listens."""
    database = connection.settings_dict["NAME"]
    url = f"sqlite:///{database}"
    if connection.vendor == "postgresql":
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))
    environment = os.environ | {
        "DATABASE_URL": url,
        "READERSTUDY_DEBUG": "1",
        "READERSTUDY_HOME": str(home),
        "READERSTUDY_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
    }
    command = [sys.executable, "-m", "gunicorn", "tests.reading.mortal:application", "--bind", f"fd://{door.fileno()}"]
    command += options
    log = (home / "server.log").open("a")
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, pass_fds=[door.fileno()], start_new_session=True, stderr=log, stdout=log
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """A listening socket that outlives the server: who connects before it is up waits for it."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * AT_ONCE) as door:
        yield door


def address(door: socket.socket) -> str:
    return "http://{}:{}".format(*door.getsockname())


# Fifty at once


def all_at_once(requests: list[Callable[[], Any]]) -> list[Any]:
    """Every request from a thread of its own; none begins before all are ready."""
    ready = Barrier(len(requests))

    def begin(request: Callable[[], Any]) -> Any:
        ready.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(begin, requests))


@pytest.fixture
def line(study: Study, door: socket.socket, home: Path) -> Iterator[Line]:
    """At two processes of 25 threads each, so that requests meet in the database and not in a lock of Python's."""
    _, token = invite_reader(study=study, actor=ACTOR)
    with server(door, home, "--workers", "2", "--threads", "25"):
        yield Line.opened(address(door), token)


@pytest.fixture
def code(line: Line) -> str:
    """A slot whose film has been sent."""
    code = line.slot()["code"]
    assert line.get(f"/read/film/{code}/")[0] == 200
    return code


def test_fifty_requests_with_the_same_answer_store_one_and_all_get_the_same_reply(line: Line, code: str) -> None:
    replies = all_at_once([lambda: line.answer(code, 5, 4321)] * AT_ONCE)
    expected = (200, {"stored": {"code": code, "rating": 5, "revision": 1}, "next": line.slot()})
    assert replies == [expected] * AT_ONCE
    assert stored() == [(code, 1, 5, 4321)]
    assert logged() == 1


def test_fifty_requests_with_different_answers_store_one_and_the_others_are_told_which(line: Line, code: str) -> None:
    bodies = [(1 + number % 6, 1000 + number) for number in range(AT_ONCE)]
    replies = all_at_once([lambda body=body: line.answer(code, *body) for body in bodies])
    [(of_slot, revision, rating, milliseconds)] = stored()
    assert (of_slot, revision) == (code, 1)
    assert (rating, milliseconds) in bodies
    assert logged() == 1
    taken = {"stored": {"code": code, "rating": rating, "revision": 1}, "next": line.slot()}
    refusal = f"This film has been rated already, as “{Rating(rating).label}”; that rating stands."
    for (asked, _), reply in zip(bodies, replies, strict=True):
        assert reply == ((200, taken) if asked == rating else (409, taken | {"error": refusal}))


def test_the_film_that_follows_is_not_skipped_by_any_of_fifty(line: Line, code: str) -> None:
    ahead = line.slot()["ahead"]
    line.get(f"/read/film/{ahead}/")
    both = [lambda: line.answer(code, 3), lambda: line.answer(ahead, 4)] * (AT_ONCE // 2)
    replies = all_at_once(both)
    assert {reply[0] for reply in replies[::2]} == {200}
    # The second slot is refused as long as the first has no answer, and taken once afterwards.
    assert {reply[0] for reply in replies[1::2]} <= {200, 409}
    assert line.answer(ahead, 4)[0] == 200
    assert [(row[0], row[2]) for row in stored()] == [(code, 3), (ahead, 4)]


# Killed


@pytest.mark.parametrize(("moment", "kept"), [("before-commit", []), ("before-reply", [5])])
def test_a_server_killed_over_an_answer_loses_and_doubles_nothing(
    study: Study, door: socket.socket, home: Path, moment: str, kept: list[int]
) -> None:
    _, token = invite_reader(study=study, actor=ACTOR)
    with server(door, home) as process:
        line = Line.opened(address(door), token)
        code = line.slot()["code"]
        line.get(f"/read/film/{code}/")
        with pytest.raises((HTTPException, OSError)):
            line.answer(code, 5, 4321, Die=moment)
        assert process.wait(timeout=60) == -signal.SIGKILL
    assert [row[2] for row in stored()] == kept
    assert logged() == len(kept)
    with server(door, home):
        again = line.answer(code, 5, 4321)
        assert again == (200, {"stored": {"code": code, "rating": 5, "revision": 1}, "next": line.slot()})
        assert line.answer(code, 5, 4321) == again
    assert stored() == [(code, 1, 5, 4321)]
    assert logged() == 1
    assert again[1]["next"]["number"] == 2
