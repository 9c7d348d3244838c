"""What the reading room's page talks to. Nothing here tells truth, case, name, date or whether a film is a repeat."""

from __future__ import annotations

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

from readerstudy.reading import services
from readerstudy.reading.access import reader_behind
from readerstudy.reading.models import Answer
from readerstudy.reading.serializers import AnswerTaken, GivenAnswer, NextSlot, Refusal
from readerstudy.reading.worklist import place, upcoming
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
    return Response(_next_slot(reader_behind(request)))


@extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 409: Refusal})
@api_view(["GET"])
@content_negotiation_class(OneForm)
def film(request: Request, code: str) -> HttpResponse:
    """side × side little-endian 16-bit greys, of the slot to read now or of the one after it; 404 for all else.

    409 where the film on disk is not the one that was frozen.
    """
    for open_slot in upcoming(reader_behind(request)):
        if open_slot.code == code:
            try:
                payload = services.send_film(slot=open_slot)
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
    slot = get_object_or_404(Slot.objects.for_reader(reader).select_related("sitting__reader"), code=code)
    try:
        stored = services.record_answer(slot=slot, **_given(request))
    except services.AlreadyAnswered as refusal:
        return _refused(409, refusal, stored=_answer_json(refusal.answer), next=_next_slot(reader))
    except services.NotOpen as refusal:
        return _refused(409, refusal, stored=None, next=_next_slot(reader))
    except ValidationError as refusal:
        return _refused(400, refusal)
    return Response({"stored": _answer_json(stored), "next": _next_slot(reader)})


def _given(request: Request) -> dict[str, int]:
    try:
        given = GivenAnswer(data=request.data)
        sound = given.is_valid()
    # Brackets without end exhaust the parser's stack.
    except (ParseError, RecursionError):
        sound = False
    if not sound:
        raise ValidationError(_("An answer is a JSON object with two whole numbers: rating and milliseconds."))
    return given.validated_data


def _next_slot(reader: Reader) -> dict[str, Any]:
    here = place(reader)
    if here is None:
        return {"done": True}
    return {
        "code": here.slot.code,
        "ahead": here.ahead.code if here.ahead else None,
        "number": here.count.answered + 1,
        "total": here.count.total,
        "practice": here.practice,
        "side": reader.study.side,
        "levels": reader.study.levels,
    }


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {"code": answer.slot.code, "rating": answer.rating}


def _refused(status: int, refusal: ValidationError, **fields: Any) -> Response:
    return Response({"error": " ".join(refusal.messages)} | fields, status=status)
