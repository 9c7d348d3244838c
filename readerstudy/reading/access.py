"""Who is reading: the personal link opens a session, and the session finds the reader. Strangers get 404."""

from __future__ import annotations

from typing import Any, cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from readerstudy.reading.links import refuse_ended
from readerstudy.reading.stage import entrance_of, with_entrance
from readerstudy.studies.models import Reader, ReaderIdentity
from readerstudy.studies.services import link_hash

# The session holds the hash of the link and not the reader's id: a link that is reissued or erased ends its sessions.
SESSION_KEY = "reader_link"


def open_session(request: HttpRequest, identity: ReaderIdentity) -> None:
    """Let the holder of a personal link in. The session gets a new key, so that one planted before is worthless."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = identity.link_hash


def was_opened_by(request: HttpRequest, token: str) -> bool:
    """Whether this link opened this session."""
    return request.session.get(SESSION_KEY) == link_hash(token)


def reader_of(request: HttpRequest) -> Reader:
    """The reader of this session, with the study and how far the entrance is passed.

    Raises LinkEnded where the link was withdrawn or its time is over, and Http404 where there is no such reader.
    """
    link = request.session.get(SESSION_KEY)
    if link is None:
        raise Http404
    readers = with_entrance(Reader.objects.select_related("study", "identity"))
    reader = get_object_or_404(readers, identity__link_hash=link)
    refuse_ended(reader.identity)
    return reader


class ReaderSession(SessionAuthentication):
    """Authenticates a request of the reading room's page: `request.user` is the reader. Guards against other sites."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        reader = reader_of(request._request)
        self.enforce_csrf(request)
        return reader, None


def has_come_in(request: Request) -> bool:
    """Whether the reader that `ReaderSession` found has passed the entrance, or cannot any more."""
    return entrance_of(request.user, request.session) is None


def reader_behind(request: Request) -> Reader:
    """The reader that `ReaderSession` found. Raises PermissionDenied before the entrance is passed."""
    if not has_come_in(request):
        raise PermissionDenied
    return cast(Reader, request.user)


class ReaderSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's schema describes it."""

    target_class = ReaderSession
    name = "readerSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
