"""The application under a server that dies on request, for the tests of what a dead server has lost.

A request with the header `Die: before-commit` kills every process of the server after the answer's row is written and
before its transaction is committed; `Die: before-reply` after the application has done all its work and before a byte
of its reply is sent.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from readerstudy.wsgi import application as readerstudy


def application(environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
    when = environ.get("HTTP_DIE")
    if when == "before-commit":
        connection.execute_wrappers.append(die_after_the_row_is_written)
    reply = readerstudy(environ, start_response)
    if when == "before-reply":
        die()
    return reply


def die_after_the_row_is_written(execute: Callable, sql: str, *rest: Any) -> Any:
    result = execute(sql, *rest)
    if sql.startswith('INSERT INTO "reading_answer"'):
        die()
    return result


def die() -> None:
    """No clean-up, no goodbye: SIGKILL to the whole process group."""
    os.killpg(0, signal.SIGKILL)
