"""What the reading room's page talks to. Nothing here tells truth, case, name, date or whether a film is a repeat.

The one exception is a practice film of a design that gives feedback.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, content_negotiation_class
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from readerstudy.reading import services
from readerstudy.reading.access import has_come_in, reader_behind
from readerstudy.reading.models import Answer
from readerstudy.reading.serializers import (
    AnswerTaken,
    GivenAnswer,
    GivenRemark,
    GivenReport,
    NextSlot,
    Refusal,
    Taken,
)
from readerstudy.reading.worklist import Place, amendable, place, remarks_open_on, upcoming
from readerstudy.studies.models import Reader, Slot


class OneForm(BaseContentNegotiation):
    """Whatever form is asked for, there is one: the framework knows of JSON alone and would refuse to send bytes."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


@extend_schema(responses=NextSlot)
@never_cache
@api_view(["GET"])
def slot(request: Request) -> Response:
    """The slot to read now, or {"done": true}."""
    return Response(_next_slot(reader_behind(request)) if has_come_in(request) else {"done": True})


@extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 409: Refusal})
@api_view(["GET"])
@content_negotiation_class(OneForm)
def film(request: Request, code: str, right: bool = False) -> HttpResponse:
    """side × side little-endian 16-bit greys of the slot's film, or of two films of the one on the right.

    Sent of the slot to read now, of the one after it, and of one that is still being spoken of; 404 for all else. 409
    where the film on disk is not the one that was frozen.
    """
    for slot in _slots_in_sight(reader_behind(request)):
        if slot.code == code and right < len(slot.cases):
            try:
                payload = services.send_film(slot=slot, case=slot.cases[right])
            except services.FilmDamaged as refusal:
                return _refused(409, refusal)
            headers = {"Cache-Control": "no-store, no-transform"}
            return HttpResponse(payload, content_type="application/octet-stream", headers=headers)
    raise Http404


@extend_schema(request=GivenAnswer, responses={200: AnswerTaken, 400: Refusal, 409: Refusal})
@never_cache
@api_view(["POST"])
def answer(request: Request, code: str) -> Response:
    """Take what the reader said for a slot. The same request again gets the same reply."""
    reader = reader_behind(request)
    slot = _slot_of(reader, code)
    try:
        given = _given(
            request, GivenAnswer, _("An answer is a JSON object with whole numbers: rating and milliseconds.")
        )
        stored = services.record_answer(slot=slot, **given)
    except services.AlreadyAnswered as refusal:
        return _refused(409, refusal, stored=_answer_json(refusal.answer), next=_next_slot(reader))
    except services.NotOpen as refusal:
        return _refused(409, refusal, stored=None, next=_next_slot(reader))
    except ValidationError as refusal:
        return _refused(400, refusal)
    feedback = services.feedback_on(stored.slot)
    return Response(
        {"stored": _answer_json(stored), **({"feedback": feedback} if feedback else {}), "next": _next_slot(reader)}
    )


@extend_schema(request=GivenRemark, responses={200: Taken, 400: Refusal, 409: Refusal})
@never_cache
@api_view(["POST"])
def remark(request: Request, code: str) -> Response:
    """Take what the reader said of a film beside the question. The same request again gets the same reply."""
    return _take(
        request,
        code,
        GivenRemark,
        _("A remark is a JSON object with cues, findings, regions, text."),
        services.record_remark,
    )


@extend_schema(request=GivenReport, responses={200: Taken, 400: Refusal, 409: Refusal})
@never_cache
@api_view(["POST"])
def report(request: Request, code: str) -> Response:
    """Take that the reader cannot judge a film, and go on without it."""
    return _take(request, code, GivenReport, _("A report is a JSON object with its kind."), services.report_film)


def _take(
    request: Request, code: str, form: type[Serializer], what_it_is: str, service: Callable[..., object]
) -> Response:
    reader = reader_behind(request)
    slot = _slot_of(reader, code)
    try:
        service(slot=slot, **_given(request, form, what_it_is))
    except (services.NotOpen, services.AlreadyRemarked) as refusal:
        return _refused(409, refusal, next=_next_slot(reader))
    except ValidationError as refusal:
        return _refused(400, refusal)
    return Response({"next": _next_slot(reader)})


def _given(request: Request, form: type[Serializer], what_it_is: str) -> dict[str, Any]:
    try:
        given = form(data=request.data)
        sound = given.is_valid()
    # Brackets without end exhaust the parser's stack.
    except (ParseError, RecursionError):
        sound = False
    if not sound:
        raise ValidationError(what_it_is)
    return given.validated_data


def _slot_of(reader: Reader, code: str) -> Slot:
    slot = get_object_or_404(Slot.objects.for_reader(reader).select_related("sitting"), code=code)
    slot.sitting.reader = reader
    return slot


def _slots_in_sight(reader: Reader) -> Iterator[Slot]:
    """The slots whose films the reader may see now."""
    yield from upcoming(reader)
    spoken_of = remarks_open_on(reader)
    if spoken_of:
        yield spoken_of
    last = amendable(reader)
    if last:
        yield last.slot


def _next_slot(reader: Reader) -> dict[str, Any]:
    here = place(reader)
    return slot_json(here, _amendable_json(reader)) if here else {"done": True}


def slot_json(here: Place, amendable: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the page is told of the slot to read now: see `NextSlot`."""
    study = here.slot.sitting.reader.study
    return {
        "code": here.slot.code,
        "ahead": here.ahead.code if here.ahead else None,
        "number": here.number,
        "total": here.progress.total,
        "minutes_left": here.progress.minutes_left,
        "practice": here.practice,
        "asks": here.asks,
        "pause": here.after_block,
        "amendable": amendable,
        "side": study.side,
        "levels": study.levels,
    }


def _amendable_json(reader: Reader) -> dict[str, Any] | None:
    last = amendable(reader)
    if last is None:
        return None
    return {"code": last.slot.code, "revision": last.revisions + 1, "seconds": math.ceil(last.left.total_seconds())}


def _answer_json(answer: Answer) -> dict[str, Any]:
    said = {"rating": answer.rating} if answer.rating else {"chosen": answer.chosen}
    return {"code": answer.slot.code, **said, "revision": answer.revision}


def _refused(status: int, refusal: ValidationError, **fields: Any) -> Response:
    return Response({"error": " ".join(refusal.messages)} | fields, status=status)
