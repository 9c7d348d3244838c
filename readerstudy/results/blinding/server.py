"""The application behind a real socket, inside the transaction of the one who asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections

ADDRESS = "127.0.0.1"


class _Server(ThreadedWSGIServer):
    def _close_connections(self) -> None:
        """The connection is the caller's."""


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        """As behind the server that ends TLS, where the settings ask for it."""
        environ = super().get_environ()
        return environ | {"HTTPS": "on"} if settings.SECURE_SSL_REDIRECT else environ

    def log_message(self, *args: Any) -> None:
        """Thousands of requests are no news."""


@contextmanager
def served() -> Iterator[int]:
    """Serve on a free port, whose number is given; every request uses the caller's connection to the database.

    The caller must wait for each reply before it asks the database or the server for more.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    connection.inc_thread_sharing()
    # Django closes a connection that it finds inside a transaction between requests.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    override = {DEFAULT_DB_ALIAS: connection}
    server = _Server((ADDRESS, 0), _Handler, connections_override=override)
    server.set_app(WSGIHandler())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
        connection.dec_thread_sharing()
