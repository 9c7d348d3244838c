"""The pages that a radiologist sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from readerstudy.reading.access import open_session, reader_of, was_opened_by
from readerstudy.reading.entrance import ScreenTooSmall, consent_text, give_consent, record_display, record_profile
from readerstudy.reading.forms import CuesForm, DisplayForm, NoticedForm, ProfileForm, RevealForm
from readerstudy.reading.links import LockedOut, Refused, address_of, find_link, open_link, opens_once, refuse_used
from readerstudy.reading.models import OverallRemark, Rating
from readerstudy.reading.phases import answer_reveal
from readerstudy.reading.room_page import room_page
from readerstudy.reading.services import record_overall_remark
from readerstudy.reading.stage import DISPLAY_KEY, Stage, is_purpose_blind, stage_of, title_of
from readerstudy.reading.worklist import (
    PRACTICE_FILMS,
    PURPOSE_BLIND_FILMS,
    STUDY_FILMS,
    Progress,
    count,
    next_open,
    opens_at,
    place,
)
from readerstudy.studies.models import Reader, Slot, Study

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
    begun = was_opened_by(request, token)
    identity = find_link(token=token, address=address_of(request), begun=begun)
    if not begun:
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
        # Practice comes with the question.
        "practice": Progress(0, 0) if blind else count(reader, PRACTICE_FILMS, here.slot.sitting.number),
    }
    # Before the reveal films come one at a time.
    pairs = reader.study.of_pairs and not blind
    return _page(request, "reading/start.html", reader, purpose_blind=blind, pairs=pairs, scale=Rating, **counts)


def _end(request: HttpRequest, reader: Reader) -> HttpResponse:
    stage = stage_of(reader, request.session)
    study = reader.study
    ended = {
        "withdrawn": stage is Stage.WITHDRAWN,
        "closed": stage is Stage.CLOSED,
        # Nobody reads any more, so those whom the reveal did not reach are told as well.
        "told_now": stage is Stage.CLOSED and bool(study.purpose_blind_films),
        "results": stage is Stage.CLOSED and study.state == Study.State.UNBLINDED and study.results_shown,
    }
    return _page(request, "reading/end.html", reader, **ended)


def _before_reveal(request: HttpRequest, reader: Reader) -> HttpResponse:
    form = NoticedForm(request.POST or None)
    if form.is_valid():
        record_overall_remark(reader=reader, moment=OverallRemark.Moment.BEFORE_REVEAL, **form.cleaned_data)
        return redirect("reading:start")
    return _page(request, "reading/noticed.html", reader, form=form)


def _reveal(request: HttpRequest, reader: Reader) -> HttpResponse:
    if "decline" in request.POST:
        answer_reveal(reader=reader, agrees=False)
        return redirect("reading:start")
    # Nothing but its buttons is on the page where no profile is asked.
    form = RevealForm(request.POST or None) if reader.study.profile_asked else None
    if request.method == "POST" and (form is None or form.is_valid()):
        answer_reveal(reader=reader, agrees=True, **(form.cleaned_data if form else {}))
        return redirect("reading:start")
    return _page(request, "reading/reveal.html", reader, form=form, title=reader.study.title)


def _washout(request: HttpRequest, reader: Reader) -> HttpResponse:
    following = next_open(reader)
    opens = opens_at(reader, following) if following else None
    identity = reader.identity
    new_link = opens is not None and (opens_once(identity) or identity.link_expires_at <= opens)
    return _page(request, "reading/washout.html", reader, opens=opens, new_link=new_link)


def _at_end(request: HttpRequest, reader: Reader) -> HttpResponse:
    form = CuesForm(request.POST or None)
    # A list without a tick is an answer too.
    if request.method == "POST" and form.is_valid():
        record_overall_remark(reader=reader, moment=OverallRemark.Moment.AT_END, **form.cleaned_data)
        return redirect("reading:start")
    return _page(request, "reading/cues.html", reader, form=form)


def _page(request: HttpRequest, template: str, reader: Reader, **context: object) -> HttpResponse:
    return render(request, template, {"study": reader.study, "title": title_of(reader)} | context)


PAGES: dict[Stage, Callable[[HttpRequest, Reader], HttpResponse]] = {
    Stage.WITHDRAWN: _end,
    Stage.CLOSED: _end,
    Stage.CONSENT: _consent,
    Stage.PROFILE: _profile,
    Stage.DISPLAY: _display,
    Stage.READING: _begin,
    Stage.BEFORE_REVEAL: _before_reveal,
    Stage.REVEAL: _reveal,
    Stage.WASHOUT: _washout,
    Stage.AT_END: _at_end,
    Stage.DONE: _end,
}


@require_safe
@reading_page
def room(request: HttpRequest) -> HttpResponse:
    """The viewer. The page is the same for every film; its script asks for slots and films."""
    reader = reader_of(request)
    if stage_of(reader, request.session) is not Stage.READING:
        return redirect("reading:start")
    return _page(request, "reading/room.html", reader, **room_page(reader.study, is_purpose_blind(reader)))
