"""A walk through a frozen study for whoever designed it: each page, and a few films of each kind.

Nothing is stored but where the walk has come to, in the walker's own session. Nothing here asks for truth, but for that
of practice films where the design tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from random import SystemRandom
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from rest_framework.serializers import Serializer

from readerstudy.reading.api import slot_json
from readerstudy.reading.entrance import consent_text
from readerstudy.reading.forms import CuesForm, DisplayForm, NoticedForm, ProfileForm, RevealForm
from readerstudy.reading.models import Rating
from readerstudy.reading.room_page import room_page
from readerstudy.reading.serializers import GivenAnswer, GivenRemark, GivenReport
from readerstudy.reading.services import feedback_on
from readerstudy.reading.stage import Stage
from readerstudy.reading.views import reading_page
from readerstudy.reading.worklist import Place, Progress
from readerstudy.studies.models import Case, Reader, Sitting, Slot, Study, opaque_code
from readerstudy.studies.rendering import frozen_payload
from readerstudy.studies.services import films_of

SESSION_KEY = "preview"
START = "preview:start"
# How many films of each kind are walked through.
FILMS = {Slot.Kind.PURPOSE_BLIND: 2, Slot.Kind.PRACTICE: 2, Slot.Kind.MAIN: 3}
View = Callable[..., HttpResponse]


class Walk:
    """Where a preview has come to. `state` is plain values, kept in the session."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.study = get_object_or_404(Study, pk=state["study"], state=Study.State.FROZEN)

    @classmethod
    def of(cls, study: Study) -> Walk:
        """A walk at its beginning, through films that are drawn anew."""
        films = films_of(study)
        slots = [
            {"code": opaque_code(), "kind": kind.value, "cases": [case.pk for case in film]}
            for kind, count in FILMS.items()
            for film in SystemRandom().sample(films[kind], min(count, len(films[kind])))
        ]
        return cls({"study": study.pk, "page": 0, "read": 0, "rated": False, "slots": slots})

    @property
    def pages(self) -> list[Stage]:
        """The pages in the order in which a reader meets them."""
        study = self.study
        blind = [Stage.READING, Stage.BEFORE_REVEAL, Stage.REVEAL] if study.purpose_blind_films else []
        return [
            *([Stage.CONSENT] if study.consent_text else []),
            *([Stage.PROFILE] if study.profile_asked else []),
            *([Stage.DISPLAY] if study.display_asked else []),
            *blind,
            Stage.READING,
            *([Stage.AT_END] if study.cues == Study.Cues.AT_END else []),
            Stage.DONE,
        ]

    @property
    def page(self) -> Stage:
        return self.pages[self.state["page"]]

    @property
    def purpose_blind(self) -> bool:
        """Whether a reader would not yet know what the study is about."""
        return Stage.REVEAL in self.pages[self.state["page"] + 1 :] or self.page is Stage.REVEAL

    def turn_page(self) -> None:
        self.state["page"] += 1

    @property
    def place(self) -> Place | None:
        """What is read now, or None where the films of this page are over."""
        left = self._of_this_page(self.state["slots"][self.state["read"] :])
        if not left or self.page is not Stage.READING:
            return None
        kind = left[0]["kind"]
        alike = [slot for slot in self.state["slots"] if slot["kind"] == kind]
        number = alike.index(left[0]) + self.state["rated"]
        ahead = self.slot(left[1]) if left[1:] else None
        return Place(self.slot(left[0]), ahead, Progress(number, len(alike)), remarks_open=self.state["rated"])

    def _of_this_page(self, slots: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [slot for slot in slots if (slot["kind"] == Slot.Kind.PURPOSE_BLIND) == self.purpose_blind]

    def slot(self, plain: dict[str, Any]) -> Slot:
        """A slot that no table has."""
        cases = Case.objects.in_bulk(plain["cases"])
        case, other_case = (*(cases[pk] for pk in plain["cases"]), None)[:2]
        sitting = Sitting(reader=Reader(study=self.study))
        return Slot(sitting=sitting, code=plain["code"], kind=plain["kind"], case=case, other_case=other_case)

    def go_on(self) -> None:
        """The film is done with."""
        self.state["read"] += 1
        self.state["rated"] = False


def walking(view: View) -> View:
    """A page of the walk that is under way in this session; what the view changes of it is kept there."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if SESSION_KEY not in request.session:
            raise Http404
        walk = Walk(dict(request.session[SESSION_KEY]))
        response = view(request, walk, *args, **kwargs)
        # A film that comes late must not bring back what was before the answer.
        if walk.state != request.session[SESSION_KEY]:
            request.session[SESSION_KEY] = walk.state
        return response

    permitted = permission_required("studies.change_study", raise_exception=True)
    return staff_member_required(permitted(reading_page(guarded)))


# Pages


@staff_member_required
@permission_required("studies.change_study", raise_exception=True)
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a walk through a frozen study."""
    study = get_object_or_404(Study, pk=pk, state=Study.State.FROZEN)
    request.session[SESSION_KEY] = Walk.of(study).state
    return redirect(START)


@require_safe
@walking
def start(request: HttpRequest, walk: Walk) -> HttpResponse:
    """The page that the walk has come to. Where the films of a phase are over, the next page follows."""
    if walk.page is Stage.READING and walk.place is None:
        walk.turn_page()
    return step(request, walk, walk.page)


def step(request: HttpRequest, walk: Walk, stage: Stage) -> HttpResponse:
    """A page of the walk; a form that is filled in leads to the next one and is forgotten."""
    form = _form(request, walk)
    if request.method == "POST" and walk.page is stage and (form is None or form.is_valid()):
        walk.turn_page()
        return redirect(START)
    return _page(request, walk, TEMPLATES[walk.page], form=form, **_context(walk))


@walking
def form_page(request: HttpRequest, walk: Walk, stage: Stage) -> HttpResponse:
    """Where the forms of the pages are sent."""
    return step(request, walk, stage) if request.method == "POST" else redirect(START)


@walking
def room(request: HttpRequest, walk: Walk) -> HttpResponse:
    """The viewer."""
    if walk.place is None:
        return redirect(START)
    return _page(request, walk, "reading/room.html", **room_page(walk.study, walk.purpose_blind))


TEMPLATES = {
    Stage.CONSENT: "reading/consent.html",
    Stage.PROFILE: "reading/profile.html",
    Stage.DISPLAY: "reading/display.html",
    Stage.READING: "reading/start.html",
    Stage.BEFORE_REVEAL: "reading/noticed.html",
    Stage.REVEAL: "reading/reveal.html",
    Stage.AT_END: "reading/cues.html",
    Stage.DONE: "reading/end.html",
}


def _form(request: HttpRequest, walk: Walk) -> Form | None:
    said = request.POST or None
    if walk.page is Stage.PROFILE:
        return ProfileForm(said, purpose_blind=walk.purpose_blind)
    if walk.page is Stage.REVEAL and not walk.study.profile_asked:
        return None
    forms: dict[Stage, type[Form]] = {
        Stage.DISPLAY: DisplayForm,
        Stage.BEFORE_REVEAL: NoticedForm,
        Stage.REVEAL: RevealForm,
        Stage.AT_END: CuesForm,
    }
    return forms[walk.page](said) if walk.page in forms else None


def _context(walk: Walk) -> dict[str, Any]:
    if walk.page is not Stage.READING:
        return {"text": consent_text(walk.study)}
    kinds = [slot["kind"] for slot in walk.state["slots"]]
    blind = walk.purpose_blind
    return {
        "purpose_blind": blind,
        "pairs": walk.study.of_pairs and not blind,
        "scale": Rating,
        "films": Progress(0, kinds.count(Slot.Kind.PURPOSE_BLIND if blind else Slot.Kind.MAIN)),
        "practice": Progress(0, 0 if blind else kinds.count(Slot.Kind.PRACTICE)),
    }


def _page(request: HttpRequest, walk: Walk, template: str, **context: Any) -> HttpResponse:
    study = walk.study
    blind = walk.purpose_blind and walk.page is not Stage.REVEAL
    title = study.purpose_blind_title if blind else study.title
    return render(request, template, {"study": study, "title": title, "preview": study} | context)


# What the room's page talks to


@require_safe
@walking
def slot(request: HttpRequest, walk: Walk) -> HttpResponse:
    """The slot to read now."""
    return JsonResponse(_next(walk))


@require_safe
@walking
def film(request: HttpRequest, walk: Walk, code: str, right: bool = False) -> HttpResponse:
    """The pixels of the film to read now or of the one after it; 409 where it is not the one that was frozen."""
    here = walk.place
    for open_slot in (here.slot, here.ahead) if here else ():
        if open_slot and open_slot.code == code and right < len(open_slot.cases):
            try:
                payload = frozen_payload(open_slot.cases[right])
            except ValidationError as fault:
                return JsonResponse({"error": " ".join(fault.messages)}, status=409)
            return HttpResponse(payload, content_type="application/octet-stream")
    raise Http404


@require_POST
@walking
def answer(request: HttpRequest, walk: Walk, code: str) -> HttpResponse:
    """Look whether an answer could be taken, forget it, and go on."""
    here = _open(request, walk, code, GivenAnswer)
    if here is None:
        return _refused(walk, code)
    feedback = feedback_on(here.slot)
    walk.state["rated"] = walk.study.asks_after_rating
    if not walk.study.asks_after_rating:
        walk.go_on()
    return JsonResponse({**({"feedback": feedback} if feedback else {}), "next": _next(walk)})


@require_POST
@walking
def remark(request: HttpRequest, walk: Walk, code: str) -> HttpResponse:
    """Forget a remark, and go on."""
    return _go_on(request, walk, code, GivenRemark)


@require_POST
@walking
def report(request: HttpRequest, walk: Walk, code: str) -> HttpResponse:
    """Forget a report, and go on."""
    return _go_on(request, walk, code, GivenReport)


def _go_on(request: HttpRequest, walk: Walk, code: str, form: type[Serializer]) -> HttpResponse:
    if _open(request, walk, code, form) is None:
        return _refused(walk, code)
    walk.go_on()
    return JsonResponse({"next": _next(walk)})


def _open(request: HttpRequest, walk: Walk, code: str, form: type[Serializer]) -> Place | None:
    """Where the walk stands, if this is the slot to read now and what is said of it has the right form."""
    here = walk.place
    try:
        sound = form(data=json.loads(request.body)).is_valid()
    except ValueError:
        sound = False
    return here if here and here.slot.code == code and sound else None


def _refused(walk: Walk, code: str) -> HttpResponse:
    # The page sends what it kept for lack of a line: here also what somebody said while reading in the same browser.
    if code not in {slot["code"] for slot in walk.state["slots"]}:
        return JsonResponse({"detail": _("This film is not in the preview.")}, status=404)
    return JsonResponse({"error": _("This film is not the next one to rate."), "next": _next(walk)}, status=409)


def _next(walk: Walk) -> dict[str, Any]:
    here = walk.place
    return slot_json(here) if here else {"done": True}
