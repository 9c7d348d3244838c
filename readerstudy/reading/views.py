"""The pages that a radiologist sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from readerstudy.reading.access import open_session, reader_of, was_opened_by
from readerstudy.reading.entrance import ScreenTooSmall, consent_text, give_consent, record_display, record_profile
from readerstudy.reading.forms import DisplayForm, ProfileForm
from readerstudy.reading.links import LockedOut, Refused, address_of, find_link, open_link, opens_once, refuse_used
from readerstudy.reading.models import Rating
from readerstudy.reading.stage import DISPLAY_KEY, Stage, is_purpose_blind, stage_of, title_of
from readerstudy.reading.worklist import PRACTICE_FILMS, PURPOSE_BLIND_FILMS, STUDY_FILMS, count, place
from readerstudy.studies.models import Reader, Slot

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
View = Callable[..., HttpResponse]


def reading_page(view: View) -> View:
    """A page that runs our own script only and is never kept, so that going back asks the server again."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Refused as refusal:
            response = _refused(request, refusal)
        add_never_cache_headers(response)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response

    return guarded


def _refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    response = render(request, "reading/refused.html", {"refusal": refusal}, status=refusal.status_code)
    if isinstance(refusal, LockedOut):
        response["Retry-After"] = str(refusal.wait)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@reading_page
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """The personal link. It leads on at once, so that the token does not stay in the address bar.

    One that opens once asks for a click before: programs that look through mail follow links and click nothing.
    """
    identity = find_link(token=token, address=address_of(request))
    if not was_opened_by(request, identity):
        refuse_used(identity)
        if opens_once(identity) and request.method != "POST":
            return _with_referrer(render(request, "reading/open.html"), "strict-origin")
        open_link(identity)
    open_session(request, identity)
    return _with_referrer(redirect("reading:start"), "no-referrer")


def _with_referrer(response: HttpResponse, policy: str) -> HttpResponse:
    """Tells the browser to keep the token to itself. A form that is sent has to say at least which server it is of."""
    response["Referrer-Policy"] = policy
    return response


@require_safe
@reading_page
def start(request: HttpRequest) -> HttpResponse:
    """What is due to the reader: a form of the entrance, the way to the films, or the thanks."""
    reader = reader_of(request)
    return PAGES[stage_of(reader, request.session)](request, reader)


@require_http_methods(["GET", "HEAD", "POST"])
@reading_page
def step(request: HttpRequest, stage: Stage) -> HttpResponse:
    """A form before the first film. Who is not there is led to what is due."""
    reader = reader_of(request)
    if stage_of(reader, request.session) is not stage:
        return redirect("reading:start")
    return PAGES[stage](request, reader)


def _consent(request: HttpRequest, reader: Reader) -> HttpResponse:
    if "decline" in request.POST:
        return _page(request, "reading/declined.html", reader)
    if request.method == "POST":
        give_consent(reader=reader)
        return redirect("reading:start")
    return _page(request, "reading/consent.html", reader, text=consent_text(reader.study))


def _profile(request: HttpRequest, reader: Reader) -> HttpResponse:
    form = ProfileForm(request.POST or None, purpose_blind=is_purpose_blind(reader))
    if form.is_valid():
        record_profile(reader=reader, **form.cleaned_data)
        return redirect("reading:start")
    return _page(request, "reading/profile.html", reader, form=form)


def _display(request: HttpRequest, reader: Reader) -> HttpResponse:
    form = DisplayForm(request.POST or None)
    if form.is_valid():
        try:
            record_display(reader=reader, **form.cleaned_data)
        except ScreenTooSmall as refusal:
            form.add_error(None, refusal)
        else:
            request.session[DISPLAY_KEY] = reader.pk
            return redirect("reading:start")
    return _page(request, "reading/display.html", reader, form=form)


def _begin(request: HttpRequest, reader: Reader) -> HttpResponse:
    here = place(reader)
    if here is None:
        return redirect("reading:start")
    blind = here.slot.kind == Slot.Kind.PURPOSE_BLIND
    counts = {
        "films": count(reader, PURPOSE_BLIND_FILMS if blind else STUDY_FILMS, here.slot.sitting.number),
        "practice": count(reader, PRACTICE_FILMS, here.slot.sitting.number),
    }
    return _page(request, "reading/start.html", reader, purpose_blind=blind, scale=Rating, **counts)


def _end(request: HttpRequest, reader: Reader) -> HttpResponse:
    stage = stage_of(reader, request.session)
    ended = {"withdrawn": stage is Stage.WITHDRAWN, "closed": stage is Stage.CLOSED}
    return _page(request, "reading/end.html", reader, **ended)


def _page(request: HttpRequest, template: str, reader: Reader, **context: object) -> HttpResponse:
    return render(request, template, {"study": reader.study, "title": title_of(reader), **context})


PAGES: dict[Stage, Callable[[HttpRequest, Reader], HttpResponse]] = {
    Stage.WITHDRAWN: _end,
    Stage.CLOSED: _end,
    Stage.CONSENT: _consent,
    Stage.PROFILE: _profile,
    Stage.DISPLAY: _display,
    Stage.READING: _begin,
    Stage.DONE: _end,
}


@require_safe
@reading_page
def room(request: HttpRequest) -> HttpResponse:
    """The viewer. The page is the same for every film; its script asks for slots and films."""
    reader = reader_of(request)
    if stage_of(reader, request.session) is not Stage.READING:
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
