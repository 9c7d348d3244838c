"""What the reading room's page talks to. Nothing here tells truth, case, name, date or whether a film is a repeat."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from readerstudy.reading import services
from readerstudy.reading.access import reader_of
from readerstudy.reading.models import Answer
from readerstudy.reading.worklist import place, upcoming
from readerstudy.studies.models import Reader, Slot


@never_cache
@require_safe
def slot(request: HttpRequest) -> JsonResponse:
    """The slot to read now, or {"done": true}."""
    return JsonResponse(_next_slot(reader_of(request)))


@require_safe
def film(request: HttpRequest, code: str) -> HttpResponse:
    """side × side little-endian 16-bit greys, of the slot to read now or of the one after it; 404 for all else."""
    for open_slot in upcoming(reader_of(request)):
        if open_slot.code == code:
            payload = services.send_film(slot=open_slot)
            headers = {"Cache-Control": "no-store, no-transform"}
            return HttpResponse(payload, content_type="application/octet-stream", headers=headers)
    raise Http404


@never_cache
@require_POST
def answer(request: HttpRequest, code: str) -> JsonResponse:
    """Take {"rating": 1 … 6, "milliseconds": n}. The same request again gets the same reply."""
    reader = reader_of(request)
    slot = get_object_or_404(Slot.objects.for_reader(reader).select_related("sitting__reader"), code=code)
    try:
        rating, milliseconds = _read_answer(request.body)
        stored = services.record_answer(slot=slot, rating=rating, milliseconds=milliseconds)
    except services.AlreadyAnswered as refusal:
        return _refused(409, refusal, stored=_answer_json(refusal.answer), next=_next_slot(reader))
    except services.NotOpen as refusal:
        return _refused(409, refusal, stored=None, next=_next_slot(reader))
    except ValidationError as refusal:
        return _refused(400, refusal)
    return JsonResponse({"stored": _answer_json(stored), "next": _next_slot(reader)})


def _read_answer(body: bytes) -> tuple[int, int]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict):
        rating, milliseconds = fields.get("rating"), fields.get("milliseconds")
        # bool is an int to Python, but true is no rating.
        if type(rating) is int and type(milliseconds) is int:
            return rating, milliseconds
    raise ValidationError(_("An answer is a JSON object with two whole numbers: rating and milliseconds."))


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


def _refused(status: int, refusal: ValidationError, **fields: Any) -> JsonResponse:
    return JsonResponse({"error": " ".join(refusal.messages)} | fields, status=status)
