"""The report of an analysis and the files beside it, for whoever has its code. Strangers get 404."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from evaluation.report import ANSWERS, FIGURES, IMRMC, REPORT
from readerstudy.results.models import Analysis

# The page brings its style and its pictures along, and nothing in it runs.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
CONTENT_TYPES = {
    REPORT: "text/html; charset=utf-8",
    FIGURES: "application/json",
    ANSWERS: "text/csv; charset=utf-8",
    IMRMC: "text/plain; charset=utf-8",
}


@require_safe
def report(request: HttpRequest, code: str) -> HttpResponse:
    """The page."""
    response = _file(code, REPORT)
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@require_safe
def beside_report(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """Figures or answers, to keep: report.json, answers.csv, answers.imrmc."""
    if name not in (FIGURES, ANSWERS, IMRMC):
        raise Http404
    response = _file(code, name)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _file(code: str, name: str) -> HttpResponse:
    """A file of the analysis. It is written with the row and never changes, so it is small enough to read at once."""
    path = get_object_or_404(Analysis, code=code).folder / name
    if not path.exists():
        # Choices between two films have no file of iMRMC.
        raise Http404
    response = HttpResponse(path.read_bytes(), content_type=CONTENT_TYPES[name])
    response["X-Robots-Tag"] = "noindex"
    return response
