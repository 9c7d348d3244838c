"""What one reader did, for that reader alone: after unblinding, where the design lets readers see it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from evaluation.readers.arms import later_sittings_as_repeats, main_readings
from evaluation.readers.one_reader import reader_figures
from evaluation.readers.options import Options
from evaluation.readers.pairs import main_choices, summarise_pairs
from readerstudy.reading.access import reader_of
from readerstudy.reading.views import reading_page
from readerstudy.results.table import long_table, table_of_choices
from readerstudy.studies.models import Reader, Study


@require_safe
@reading_page
def own_results(request: HttpRequest) -> HttpResponse:
    """The reader's own figures and the debriefing. 404 before unblinding and where the design does not show them."""
    reader = reader_of(request)
    if not may_see(reader):
        raise Http404
    study = reader.study
    figures = _of_pairs(reader) if study.of_pairs else _of_films(reader)
    context = {"study": study, "title": study.title, "figures": figures, "back": reverse("reading:start")}
    return render(request, "results/own.html", context)


def may_see(reader: Reader) -> bool:
    """Whether a reader may see the own results now."""
    return reader.study.state == Study.State.UNBLINDED and reader.study.results_shown and not reader.withdrawn


def _of_films(reader: Reader) -> dict[str, Any] | None:
    rows = main_readings(later_sittings_as_repeats(long_table(reader.study)))
    own = [row for row in rows if row.reader == reader.pseudonym]
    return reader_figures(own, Options(cut=reader.study.decision_cut)) if own else None


def _of_pairs(reader: Reader) -> dict[str, Any] | None:
    rows = main_choices(table_of_choices(reader.study))
    own = [row for row in rows if row.reader == reader.pseudonym]
    return summarise_pairs(own)["readers"][reader.pseudonym] if own else None
