"""What went otherwise than planned, as the report of an unblinded study lists it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluation.study import Deviation
from readerstudy.reading.models import Answer, FilmReport
from readerstudy.results.table import unanswered
from readerstudy.studies import models


def deviations_of(study: models.Study) -> list[Deviation]:
    """Recorded deviations, films that readers reported, and the slots that nobody answered."""
    rows = [_recorded(row) for row in study.deviations.select_related("case", "reader").order_by("pk")]
    rows += _reported(study)
    missing = unanswered(study)
    if missing:
        reason = ngettext(
            "%(count)d film of the readers' lists was not read.",
            "%(count)d films of the readers' lists were not read.",
            missing,
        ) % {"count": missing}
        rows.append(Deviation(kind=_("not read"), reason=reason, at=moment(study.closed_at)))
    return rows


def moment(at: datetime | None) -> str:
    """A point in time as the report prints it; empty where there is none."""
    return date_format(localtime(at), "j F Y, H:i T") if at else ""


def _recorded(row: models.Deviation) -> Deviation:
    slots = {
        models.Deviation.Kind.FILM_WITHDRAWN: Q(slot__case=row.case_id) | Q(slot__other_case=row.case_id),
        models.Deviation.Kind.READER_WITHDRAWN: Q(slot__sitting__reader=row.reader_id),
    }.get(models.Deviation.Kind(row.kind))
    about = row.case.code if row.case else row.reader.pseudonym if row.reader else ""
    return Deviation(
        kind=row.get_kind_display(),
        reason=row.reason,
        at=moment(row.at),
        about=about,
        readings_left_out=_readings(slots) if slots else 0,
    )


def _reported(study: models.Study) -> list[Deviation]:
    """One row for each film, or two side by side, and each kind of report."""
    reports = FilmReport.objects.filter(slot__sitting__reader__study=study)
    by_film: dict[tuple[str, str], list[FilmReport]] = defaultdict(list)
    for report in reports.select_related("slot__case", "slot__other_case").order_by("made_at", "pk"):
        shown = sorted(case.code for case in report.slot.cases)
        by_film[", ".join(shown), report.kind].append(report)
    return [
        Deviation(
            kind=_("film reported"),
            reason=ngettext("%(readings)d reading: %(what)s.", "%(readings)d readings: %(what)s.", len(of_film))
            % {"readings": len(of_film), "what": of_film[0].get_kind_display()},
            at=moment(of_film[0].made_at),
            about=film,
            readings_left_out=_readings(Q(slot__report__in=of_film)),
        )
        for (film, _kind), of_film in by_film.items()
    ]


def _readings(slots: Q) -> int:
    return Answer.objects.filter(slots).values("slot").distinct().count()
