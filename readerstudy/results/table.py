"""The long table of answers: one row per slot that was answered, with its truth. Only of unblinded studies."""

from __future__ import annotations

from collections import defaultdict
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from evaluation.readers.reading import Kind, Reading, Role, Truth
from readerstudy.archive.models import RadiographFinding
from readerstudy.reading.models import Answer
from readerstudy.studies.models import Deviation, Slot, Study


def require_unblinded(study: Study) -> None:
    """Raise ValidationError unless truth may be joined to answers."""
    if study.state != Study.State.UNBLINDED:
        raise ValidationError(
            _("Study “%(study)s” is %(state)s; truth is joined to answers only after closing and unblinding it.")
            % {"study": study, "state": study.get_state_display()}
        )


def long_table(study: Study, *, first: bool = False) -> list[Reading]:
    """One reading per answered slot, by reader, sitting and position; practice and repeats included.

    The last answer of a slot counts, or with `first` the first one, for the sensitivity analysis. Withdrawn readers and
    films are left out. Raises ValidationError before unblinding.
    """
    require_unblinded(study)
    findings = _findings(study)
    return [_reading(answer, findings) for answer in _answers(study, first=first)]


def unanswered(study: Study) -> int:
    """How many slots of the readers and films that stay in the analysis have no answer."""
    return Slot.objects.filter(answers=None, sitting__reader__study=study).exclude(_withdrawn(study)).count()


def _reading(answer: Answer, findings: dict[int, list[str]]) -> Reading:
    slot = answer.slot
    truth = slot.case.truth
    return Reading(
        reader=slot.sitting.reader.pseudonym,
        case=slot.case.code,
        truth=cast(Truth, truth.radiograph.collection.truth),
        rating=answer.rating,
        arm=truth.arm.name,
        role=cast(Role, truth.arm.role),
        sitting=str(slot.sitting.number),
        kind=cast(Kind, slot.kind),
        position=slot.position,
        seconds=answer.milliseconds / 1000,
        finding="|".join(findings[truth.radiograph_id]),
    )


def _answers(study: Study, *, first: bool) -> list[Answer]:
    revision = "-revision" if first else "revision"
    answers = (
        Answer.objects.filter(slot__sitting__reader__study=study)
        .exclude(_withdrawn(study, "slot__"))
        .select_related("slot__sitting__reader", "slot__case__truth__arm", "slot__case__truth__radiograph__collection")
        .order_by("slot__sitting__reader_id", "slot__sitting__number", "slot__position", revision)
    )
    # Of several revisions of one slot the one that comes last here takes the place of the others.
    return list({answer.slot_id: answer for answer in answers}.values())


def _withdrawn(study: Study, slot: str = "") -> Q:
    """Slots of withdrawn readers or films."""
    withdrawn = Deviation.objects.filter(study=study)
    readers = withdrawn.filter(kind=Deviation.Kind.READER_WITHDRAWN).values("reader")
    films = withdrawn.filter(kind=Deviation.Kind.FILM_WITHDRAWN).values("case")
    return Q(**{f"{slot}sitting__reader__in": readers}) | Q(**{f"{slot}case__in": films})


def _findings(study: Study) -> dict[int, list[str]]:
    rows = RadiographFinding.objects.filter(radiograph__in=study.cases.values("truth__radiograph")).order_by("finding")
    findings = defaultdict(list)
    for radiograph, finding in rows.values_list("radiograph", "finding"):
        findings[radiograph].append(finding)
    return findings
