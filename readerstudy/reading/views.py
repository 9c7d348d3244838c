"""The pages that a radiologist sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from readerstudy.reading.access import open_session, reader_of
from readerstudy.reading.models import Rating
from readerstudy.reading.worklist import PRACTICE_FILMS, STUDY_FILMS, count, has_withdrawn, place
from readerstudy.studies.models import Study

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
View = Callable[..., HttpResponse]


def reading_page(view: View) -> View:
    """A page that runs our own script only and is never kept, so that going back asks the server again."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response

    return guarded


@require_safe
@reading_page
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """The personal link. It leads on at once, so that the token does not stay in the address bar."""
    open_session(request, token)
    response = redirect("reading:start")
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@reading_page
def start(request: HttpRequest) -> HttpResponse:
    """What the study asks, how far the reader is, and at the end the thanks."""
    reader = reader_of(request)
    if place(reader) is None:
        ended = {"withdrawn": has_withdrawn(reader), "closed": reader.study.state != Study.State.FROZEN}
        return render(request, "reading/end.html", {"study": reader.study, **ended})
    counts = {"practice": count(reader, PRACTICE_FILMS), "films": count(reader, STUDY_FILMS)}
    return render(request, "reading/start.html", {"study": reader.study, "scale": Rating, **counts})


@require_safe
@reading_page
def room(request: HttpRequest) -> HttpResponse:
    """The viewer. The page is the same for every film; its script asks for slots and films."""
    reader = reader_of(request)
    if place(reader) is None:
        return redirect("reading:start")
    return render(request, "reading/room.html", {"study": reader.study, "scale": Rating, "said": _said()})


def _said() -> dict[str, str]:
    """What the viewer's script says. Braces are filled by the script."""
    return {
        "film": _("Film {number} of {total}"),
        "practice": _("Practice film {number} of {total}"),
        "counts": _("Practice is over. From here on films count."),
        "loading": _("The film is on its way."),
        "ready": _("{film} is shown."),
        "selected": _("“{rating}” is chosen. Enter confirms it."),
        "unrated": _("Choose a rating from 1 to 6 first."),
        "sending": _("Your rating is being stored."),
        "waiting": _("The server cannot be reached. What you rated is kept here and sent again."),
        "ended": _("Your session has ended. Open your personal link again; what you rated is kept."),
        "failed": _("The viewer has stopped ({error}). Load this page again; what you rated is kept."),
        "view": _("Window {window}, level {level}, zoom {zoom}\u00a0%"),
        "turned": _("flipped or rotated"),
        "inverted": _("inverted"),
    }
