"""The long table of answers: one row per slot that was answered, with its truth. Only of unblinded studies."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readerstudy.archive.models import RadiographFinding
from readerstudy.reading.models import Answer
from readerstudy.studies.models import Deviation, Slot, Study

COLUMNS = (
    "reader",
    "case",
    "truth",
    "rating",
    "arm",
    "role",
    "sitting",
    "kind",
    "position",
    "seconds",
    "finding",
)
Row = dict[str, str | int | float]


@dataclass(frozen=True)
class Exclusions:
    """What an analysis leaves out."""

    readers: int
    films: int
    answers: int
    """Answers of withdrawn readers or to withdrawn films."""
    unanswered: int
    """Slots of the remaining readers and films without an answer."""


def require_unblinded(study: Study) -> None:
    """Raise ValidationError unless truth may be joined to answers."""
    if study.state != Study.State.UNBLINDED:
        raise ValidationError(
            _("Study “%(study)s” is %(state)s; truth is joined to answers only after closing and unblinding it.")
            % {"study": study, "state": study.get_state_display()}
        )


def long_table(study: Study) -> list[Row]:
    """One row per answered slot with the keys `COLUMNS`, by reader, sitting and position.

    The last answer of a slot counts. Withdrawn readers and films are left out. `finding` joins labels by |.
    Raises ValidationError before unblinding.
    """
    require_unblinded(study)
    findings = _findings(study)
    return [
        {
            "reader": answer.slot.sitting.reader.pseudonym,
            "case": answer.slot.case.code,
            "truth": answer.slot.case.truth.radiograph.collection.truth,
            "rating": answer.rating,
            "arm": answer.slot.case.truth.arm.name,
            "role": answer.slot.case.truth.arm.role,
            "sitting": answer.slot.sitting.number,
            "kind": answer.slot.kind,
            "position": answer.slot.position,
            "seconds": answer.milliseconds / 1000,
            "finding": "|".join(findings[answer.slot.case.truth.radiograph_id]),
        }
        for answer in _last_answers(study)
    ]


def exclusions(study: Study) -> Exclusions:
    """Count what the analysis of a study leaves out."""
    withdrawn = Deviation.objects.filter(study=study)
    slots = Slot.objects.filter(sitting__reader__study=study)
    kept = slots.exclude(sitting__reader__in=withdrawn.filter(reader__isnull=False).values("reader")).exclude(
        case__in=withdrawn.filter(case__isnull=False).values("case")
    )
    return Exclusions(
        readers=withdrawn.filter(kind=Deviation.Kind.READER_WITHDRAWN).count(),
        films=withdrawn.filter(kind=Deviation.Kind.FILM_WITHDRAWN).count(),
        answers=slots.exclude(answers=None).count() - kept.exclude(answers=None).count(),
        unanswered=kept.filter(answers=None).count(),
    )


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV in UTF-8, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)


def _last_answers(study: Study) -> list[Answer]:
    withdrawn = Deviation.objects.filter(study=study)
    answers = (
        Answer.objects.filter(slot__sitting__reader__study=study)
        .exclude(slot__sitting__reader__in=withdrawn.filter(reader__isnull=False).values("reader"))
        .exclude(slot__case__in=withdrawn.filter(case__isnull=False).values("case"))
        .select_related("slot__sitting__reader", "slot__case__truth__arm", "slot__case__truth__radiograph__collection")
        .order_by("slot__sitting__reader_id", "slot__sitting__number", "slot__position", "revision")
    )
    # A later revision of the same slot takes the place of an earlier one.
    return list({answer.slot_id: answer for answer in answers}.values())


def _findings(study: Study) -> dict[int, list[str]]:
    rows = RadiographFinding.objects.filter(radiograph__in=study.cases.values("truth__radiograph")).order_by("finding")
    findings = defaultdict(list)
    for radiograph, finding in rows.values_list("radiograph", "finding"):
        findings[radiograph].append(finding)
    return findings
