"""Every write of the reading room but coming in: a film sent, an answer, a remark or a report stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gan.findings import FINDINGS, NO_FINDING
from readerstudy.archive.models import Truth
from readerstudy.audit.models import record
from readerstudy.reading.models import Answer, Certainty, Cue, FilmReport, OverallRemark, Rating, Remark
from readerstudy.reading.worklist import amendable, may_read, remarks_open_on, upcoming
from readerstudy.studies.models import Case, Reader, Slot, Study
from readerstudy.studies.rendering import frozen_payload

logger = logging.getLogger(__name__)
MOST_REGIONS = 50


class NotOpen(ValidationError):
    """The slot takes no answer now."""


class AlreadyAnswered(ValidationError):
    """The slot has another answer under this revision. `answer` is the stored one."""

    def __init__(self, answer: Answer) -> None:
        refusal = (
            _("This film has been rated already, as “%(said)s”; that rating stands.")
            if answer.rating
            else _("Of this pair you have chosen %(said)s already; that choice stands.")
        )
        said = answer.get_rating_display() if answer.rating else answer.get_chosen_display()
        super().__init__(refusal % {"said": said})
        self.answer = answer


class AlreadyRemarked(ValidationError):
    """Something else has been said of this slot; that stands."""


class FilmDamaged(ValidationError):
    """The film is not the one that was frozen. Says to the reader what to do; the log and the audit name the case."""


def send_film(*, slot: Slot, case: Case) -> bytes:
    """The payload of a slot's case; notes when it was first sent, ahead of the slot's turn or in it.

    Raises FilmDamaged where it is missing or is not what was frozen. Every payload is compared, so that none takes
    longer than another.
    """
    # The study at hand, not read anew.
    case.study = slot.sitting.reader.study
    try:
        payload = frozen_payload(case)
    except ValidationError as fault:
        reason = " ".join(fault.messages)
        logger.error("Film of slot %s refused. %s", slot, reason)
        _record(slot, "film refused", reason=reason)
        raise FilmDamaged(
            _(
                "This film cannot be shown. Report it as not displayed properly, and go on; what you said of other "
                "films is stored."
            )
        ) from fault
    if slot.shown_at is None:
        with transaction.atomic():
            if Slot.objects.filter(pk=slot.pk, shown_at=None).update(shown_at=timezone.now()):
                _record(slot, "film sent")
    return payload


def record_answer(
    *,
    slot: Slot,
    milliseconds: int,
    rating: int | None = None,
    chosen: str = "",
    revision: int = 1,
    active_milliseconds: int | None = None,
    uses: Mapping[str, int] | None = None,
) -> Answer:
    """Store what a reader said for a slot, once: the same again gives the stored answer.

    It is a rating, or in a study of pairs the side of the film that was chosen as synthetic. `milliseconds` runs from
    the drawn film to the answer, `active_milliseconds` (all of them where it is not known) is what of it the reader was
    at work. A revision above 1 amends the last answer while the design lets it. Raises AlreadyAnswered where something
    else is stored, NotOpen where the slot is not the reader's next one, its film was never sent (a simulated reader
    needs none) or the answer is locked, and ValidationError where a value is out of range.
    """
    answer = Answer(
        slot=slot,
        revision=revision,
        rating=rating,
        chosen=chosen,
        milliseconds=milliseconds,
        active_milliseconds=milliseconds if active_milliseconds is None else active_milliseconds,
        **dict(uses or {}),
    )
    _refuse_values_out_of_range(answer)
    with transaction.atomic():
        slot = _held(slot)
        stored = slot.answers.filter(revision=revision).first()
        if stored is None:
            _refuse_another_question(slot, answer)
            (_refuse_unless_amendable if revision > 1 else _refuse_unless_open)(slot, answer)
            answer.save(force_insert=True)
            _record(slot, "answered" if revision == 1 else "answer amended", **_said(answer))
            return answer
    if (stored.rating, stored.chosen) != (rating, chosen):
        raise AlreadyAnswered(stored)
    return stored


def feedback_on(slot: Slot) -> str | None:
    """What a practice film was, or on which side the synthetic one of two; None where the design does not tell.

    The one place of the reading room that asks for truth, and of practice films only.
    """
    if slot.kind != Slot.Kind.PRACTICE or not slot.sitting.reader.study.practice_feedback:
        return None
    truths = [case.truth.radiograph.collection.truth for case in slot.cases]
    if slot.other_case is None:
        return truths[0]
    return Answer.Side.LEFT if truths[0] == Truth.SYNTHETIC else Answer.Side.RIGHT


def record_remark(
    *,
    slot: Slot,
    milliseconds: int,
    cues: Iterable[str] = (),
    findings: Mapping[str, int] | None = None,
    regions: Iterable[Mapping[str, float]] = (),
    text: str = "",
) -> Remark:
    """Store what a reader said of a film beside the question, once: the same again gives the stored remark.

    `cues` are names of `Cue`, `findings` gives a `Certainty` by finding, `regions` are circles {x, y, radius} in
    shares of the film's side. Raises NotOpen where nothing is asked of the slot now, AlreadyRemarked where something
    else is stored, and ValidationError where a value is none that can be said.
    """
    remark = Remark(
        slot=slot,
        cues=sorted(set(cues)),
        findings=dict(findings or {}),
        regions=[dict(region) for region in regions],
        text=text.strip(),
        milliseconds=milliseconds,
    )
    _refuse_what_cannot_be_said(remark)
    with transaction.atomic():
        slot = _held(slot)
        stored = Remark.objects.filter(slot=slot).first()
        if stored is None:
            _refuse_unless_asked(slot, remark)
            remark.save(force_insert=True)
            _record(slot, "remarked", milliseconds=milliseconds)
            return remark
    said = ("cues", "findings", "regions", "text")
    if any(getattr(stored, name) != getattr(remark, name) for name in said):
        raise AlreadyRemarked(_("You have said something else of this film already; that stands."))
    return stored


def record_overall_remark(*, reader: Reader, moment: str, cues: Iterable[str] = (), text: str = "") -> OverallRemark:
    """Store what a reader says of all films together, once; a second time what is stored stands."""
    remark = OverallRemark(reader=reader, moment=moment, cues=sorted(set(cues)), text=text.strip())
    _refuse_unknown_cues(remark.cues)
    remark.clean_fields(exclude=["reader"])
    with transaction.atomic():
        if not may_read(reader):
            raise NotOpen(_("This study takes no more answers from you."))
        stored, is_new = OverallRemark.objects.get_or_create(
            reader=reader, moment=moment, defaults={"cues": remark.cues, "text": remark.text}
        )
        if is_new:
            record(
                actor=reader.pseudonym,
                action="remarked on all films",
                subject=f"study:{reader.study} reader:{reader.pseudonym}",
                moment=moment,
            )
    return stored


def report_film(*, slot: Slot, kind: str) -> FilmReport:
    """Note that a reader cannot judge a film; the slot takes no answer any more, and the reader goes on.

    A second report of the slot changes nothing. Raises NotOpen where the slot is not the one to read now.
    """
    report = FilmReport(slot=slot, kind=kind)
    report.clean_fields(exclude=["slot"])
    with transaction.atomic():
        slot = _held(slot)
        stored = FilmReport.objects.filter(slot=slot).first()
        if stored:
            return stored
        if remarks_open_on(slot.sitting.reader) != slot:
            _refuse_unless_next(slot)
        report.save(force_insert=True)
        _record(slot, "film reported", kind=kind)
    return report


def _refuse_values_out_of_range(answer: Answer) -> None:
    if answer.rating is None and answer.chosen not in Answer.Side.values:
        raise ValidationError(_("An answer is a rating, or of two films the one on the left or on the right."))
    if answer.rating is not None and (answer.rating not in Rating.values or answer.chosen):
        raise ValidationError(_("A rating is a whole number from 1 to 6."))
    if answer.active_milliseconds > answer.milliseconds:
        raise ValidationError(_("Nobody is at work for longer than the film is shown."))
    # The slot is a row read from the database; that it has one answer only is checked under the lock.
    answer.clean_fields(exclude=["slot"])


def _refuse_another_question(slot: Slot, answer: Answer) -> None:
    if (answer.rating is None) != slot.sitting.reader.study.of_pairs:
        raise ValidationError(
            _("In this study one of two films is chosen.") if answer.rating else _("In this study each film is rated.")
        )


def _refuse_what_cannot_be_said(remark: Remark) -> None:
    _refuse_unknown_cues(remark.cues)
    unknown = set(remark.findings) - {*FINDINGS, NO_FINDING}
    if unknown or not set(remark.findings.values()) <= set(Certainty.values):
        raise ValidationError(_("A finding has a name that the study knows and a certainty from 1 to 3."))
    if NO_FINDING in remark.findings and len(remark.findings) > 1:
        raise ValidationError(_("A film has findings or none, not both."))
    if len(remark.regions) > MOST_REGIONS or not all(_is_circle(region) for region in remark.regions):
        raise ValidationError(_("A region is a circle {x, y, radius} in shares of the film's side."))
    remark.clean_fields(exclude=["slot"])


def _refuse_unknown_cues(cues: Iterable[str]) -> None:
    unknown = sorted(set(cues) - set(Cue.values))
    if unknown:
        raise ValidationError(_("There is no cue “%(cue)s”.") % {"cue": unknown[0]})


def _is_circle(region: Mapping[str, Any]) -> bool:
    return set(region) == {"x", "y", "radius"} and all(
        type(value) in (int, float) and 0 <= value <= 1 for value in region.values()
    )


def _held(slot: Slot) -> Slot:
    """The slot as it is now. Until the transaction ends its study stays as it is and nobody else answers this slot.

    Of study and reader only what can change after freezing is read: the state, and whether the reader withdrew.
    """
    reader = slot.sitting.reader
    # FOR SHARE, which Django has no word for: closing waits for answers under way, readers not for one another. SQLite
    # has none; its transaction has begun IMMEDIATE and is the only writer.
    share = " FOR SHARE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT state FROM {Study._meta.db_table} WHERE id = %s{share}", [reader.study_id])
        [reader.study.state] = cursor.fetchone()
    # It is asked anew where it is needed.
    reader.__dict__.pop("withdrawn", None)
    held = Slot.objects.select_for_update(of=("self",), no_key=True)
    slot.shown_at = held.values_list("shown_at", flat=True).get(pk=slot.pk)
    return slot


def _refuse_unless_open(slot: Slot, answer: Answer) -> None:
    _refuse_unless_next(slot)
    if slot.kind == Slot.Kind.PURPOSE_BLIND:
        raise NotOpen(_("Of this film only findings are asked."))
    if slot.shown_at is None and not slot.sitting.reader.simulated:
        raise NotOpen(_("This film has not been shown yet, so it cannot be rated."))


def _refuse_unless_next(slot: Slot) -> None:
    reader = slot.sitting.reader
    if remarks_open_on(reader) or slot not in upcoming(reader)[:1]:
        raise NotOpen(
            _("This film is not the next one to rate.")
            if may_read(reader)
            else _("This study takes no more answers from you.")
        )


def _refuse_unless_amendable(slot: Slot, answer: Answer) -> None:
    open_answer = amendable(slot.sitting.reader)
    if open_answer is None or open_answer.slot != slot or answer.revision != open_answer.revisions + 1:
        raise NotOpen(_("This answer is locked; it cannot be amended any more."))


def _refuse_unless_asked(slot: Slot, remark: Remark) -> None:
    reader = slot.sitting.reader
    study = reader.study
    if slot.kind == Slot.Kind.PURPOSE_BLIND:
        _refuse_unless_next(slot)
        if slot.shown_at is None:
            raise NotOpen(_("This film has not been shown yet, so nothing can be said of it."))
        if not remark.findings:
            raise ValidationError(_("Choose the findings that you see, or that there is none."))
        asked = {"findings", "text"}
    else:
        if remarks_open_on(reader) != slot:
            raise NotOpen(_("Nothing is asked of this film now."))
        asked = asked_after_rating(study)
    given = {name for name in ("cues", "findings", "regions", "text") if getattr(remark, name)}
    if given - asked:
        raise ValidationError(_("This study does not ask for that."))


def asked_after_rating(study: Study) -> set[str]:
    """Which fields of a remark the design asks for once a rating is locked."""
    asked = {
        "cues": study.cues == Study.Cues.PER_FILM,
        "regions": study.regions_asked,
        "findings": study.findings_asked,
        "text": study.remarks_asked,
    }
    return {name for name, is_asked in asked.items() if is_asked}


def _said(answer: Answer) -> dict[str, int | str]:
    said = {"rating": answer.rating} if answer.rating else {"chosen": answer.chosen}
    return {**said, "milliseconds": answer.milliseconds}


def _record(slot: Slot, action: str, **detail: int | str) -> None:
    reader = slot.sitting.reader
    record(
        actor=reader.pseudonym,
        action=action,
        subject=f"study:{reader.study} reader:{reader.pseudonym} slot:{slot.code}",
        **detail,
    )
