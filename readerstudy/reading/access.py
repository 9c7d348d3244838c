"""Who is reading: the personal link opens a session, and the session finds the reader. Strangers get 404."""

from __future__ import annotations

from typing import Any, cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from readerstudy.studies.models import Reader
from readerstudy.studies.services import link_hash

# The session holds the hash of the link and not the reader's id: a link that is reissued or erased ends its sessions.
SESSION_KEY = "reader_link"


def open_session(request: HttpRequest, token: str) -> None:
    """Let the holder of a personal link in. The session gets a new key, so that one planted before is worthless."""
    link = link_hash(token)
    get_object_or_404(Reader, identity__link_hash=link)
    request.session.cycle_key()
    request.session[SESSION_KEY] = link


def reader_of(request: HttpRequest) -> Reader:
    """The reader of this session, with the study."""
    link = request.session.get(SESSION_KEY)
    if link is None:
        raise Http404
    return get_object_or_404(Reader.objects.select_related("study"), identity__link_hash=link)


class ReaderSession(SessionAuthentication):
    """Authenticates a request of the reading room's page: `request.user` is the reader. Guards against other sites."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        reader = reader_of(request._request)
        self.enforce_csrf(request)
        return reader, None


def reader_behind(request: Request) -> Reader:
    """The reader that `ReaderSession` found."""
    return cast(Reader, request.user)


class ReaderSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's schema describes it."""

    target_class = ReaderSession
    name = "readerSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
