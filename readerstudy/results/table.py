"""Answers with their truth: a row per slot that was answered, of ratings or of choices. Only of unblinded studies."""

from __future__ import annotations

from collections import defaultdict
from typing import cast

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from evaluation.readers.pairs import PairReading, PairRole, Side
from evaluation.readers.reading import Kind, Reading, Role, Truth
from readerstudy.archive.models import RadiographFinding
from readerstudy.reading.models import Answer
from readerstudy.results.facts import Facts
from readerstudy.studies.models import Deviation, Slot, Study

SIDES: tuple[Side, Side] = ("left", "right")
TRUTHS = [
    f"slot__{case}__truth__{what}" for case in ("case", "other_case") for what in ("arm", "radiograph__collection")
]


def require_unblinded(study: Study) -> None:
    """Raise ValidationError unless truth may be joined to answers."""
    if study.state != Study.State.UNBLINDED:
        raise ValidationError(
            _("Study “%(study)s” is %(state)s; truth is joined to answers only after closing and unblinding it.")
            % {"study": study, "state": study.get_state_display()}
        )


def long_table(study: Study, *, first: bool = False) -> list[Reading]:
    """One reading per rated slot, by reader, sitting and position; practice and repeats included. Of pairs none.

    The last answer of a slot counts, or with `first` the first one, for the sensitivity analysis. Withdrawn readers and
    films are left out, and what a reader reported instead of judging it. Raises ValidationError before unblinding.
    """
    require_unblinded(study)
    if study.of_pairs:
        return []
    findings, facts = _findings(study), Facts(study)
    return [_reading(rows, rows[0 if first else -1], findings, facts) for rows in _answers(study)]


def table_of_choices(study: Study, *, first: bool = False) -> list[PairReading]:
    """One row per pair that a reader chose in, as `long_table` has them of ratings. Of a rated study none."""
    require_unblinded(study)
    if not study.of_pairs:
        return []
    findings = _findings(study)
    return [_choice(rows[0 if first else -1], findings) for rows in _answers(study)]


def amended_answers(study: Study) -> int:
    """How many of the answers that count were amended."""
    return sum(len(rows) > 1 for rows in _answers(study))


def unanswered(study: Study) -> int:
    """How many slots of the readers and films that stay in the analysis have no answer and no report."""
    return Slot.objects.filter(sitting__reader__study=study).open().exclude(withdrawn(study)).count()


def withdrawn(study: Study, slot: str = "") -> Q:
    """Slots of withdrawn readers or films; `slot` is the way to the slot."""
    deviations = Deviation.objects.filter(study=study)
    readers = deviations.filter(kind=Deviation.Kind.READER_WITHDRAWN).values("reader")
    films = deviations.filter(kind=Deviation.Kind.FILM_WITHDRAWN).values("case")
    shown = Q(**{f"{slot}case__in": films}) | Q(**{f"{slot}other_case__in": films})
    return Q(**{f"{slot}sitting__reader__in": readers}) | shown


def _reading(revisions: list[Answer], counted: Answer, findings: dict[int, list[str]], facts: Facts) -> Reading:
    slot = counted.slot
    truth = slot.case.truth
    assert counted.rating
    return Reading(
        reader=slot.sitting.reader.pseudonym,
        case=slot.case.code,
        truth=cast(Truth, truth.radiograph.collection.truth),
        rating=counted.rating,
        arm=truth.arm.name,
        role=cast(Role, truth.arm.role),
        sitting=str(slot.sitting.number),
        kind=cast(Kind, slot.kind),
        position=slot.position,
        seconds=counted.milliseconds / 1000,
        finding="|".join(findings[truth.radiograph_id]),
        extra=facts.beside(revisions, counted),
    )


def _choice(counted: Answer, findings: dict[int, list[str]]) -> PairReading:
    slot = counted.slot
    truths = [case.truth for case in slot.cases]
    side, synthetic = next((side, truth) for side, truth in zip(SIDES, truths, strict=True) if not truth.arm.is_real)
    return PairReading(
        reader=slot.sitting.reader.pseudonym,
        pair=str(synthetic.pair),
        chosen=cast(Side, counted.chosen),
        correct=counted.chosen == side,
        side=side,
        kind=cast(Kind, slot.kind),
        finding="|".join(findings[synthetic.radiograph_id]),
        seconds=counted.milliseconds / 1000,
        arm=synthetic.arm.name,
        role=cast(PairRole, synthetic.arm.role),
        sitting=str(slot.sitting.number),
    )


def _answers(study: Study) -> list[list[Answer]]:
    """The rows of every answer that counts, the first one first, by reader, sitting and position."""
    answers = (
        Answer.objects.filter(slot__sitting__reader__study=study, slot__report=None)
        .exclude(withdrawn(study, "slot__"))
        .select_related("slot__sitting__reader", "slot__remark", *TRUTHS)
        .order_by("slot__sitting__reader_id", "slot__sitting__number", "slot__position", "revision")
    )
    by_slot: dict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_slot[answer.slot_id].append(answer)
    return list(by_slot.values())


def _findings(study: Study) -> dict[int, list[str]]:
    rows = RadiographFinding.objects.filter(radiograph__in=study.cases.values("truth__radiograph")).order_by("finding")
    findings = defaultdict(list)
    for radiograph, finding in rows.values_list("radiograph", "finding"):
        findings[radiograph].append(finding)
    return findings
