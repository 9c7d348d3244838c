"""Every write of the reading room: a film sent, an answer stored."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from readerstudy.audit.models import record
from readerstudy.reading.models import Answer, Rating
from readerstudy.reading.worklist import may_read, upcoming
from readerstudy.studies.models import Slot, Study
from readerstudy.studies.rendering import frozen_payload

logger = logging.getLogger(__name__)


class NotOpen(ValidationError):
    """The slot takes no answer now."""


class AlreadyAnswered(ValidationError):
    """The slot has an answer with another rating. `answer` is the stored one."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(
            _("This film has been rated already, as “%(rating)s”; that rating stands.")
            % {"rating": answer.get_rating_display()}
        )
        self.answer = answer


class FilmDamaged(ValidationError):
    """The film is not the one that was frozen. Says to the reader what to do; the log and the audit name the case."""


def send_film(*, slot: Slot) -> bytes:
    """The payload of a slot's case; notes when it was first sent, ahead of the slot's turn or in it.

    Raises FilmDamaged where it is missing or is not what was frozen. Every payload is compared, so that none takes
    longer than another.
    """
    try:
        payload = frozen_payload(slot.case)
    except ValidationError as fault:
        reason = " ".join(fault.messages)
        logger.error("Film of slot %s refused. %s", slot, reason)
        _record(slot, "film refused", reason=reason)
        raise FilmDamaged(
            _(
                "This film cannot be shown. Please tell whoever sent you the link, and open the link again later; "
                "what you rated is stored."
            )
        ) from fault
    if slot.shown_at is None:
        with transaction.atomic():
            if Slot.objects.filter(pk=slot.pk, shown_at=None).update(shown_at=timezone.now()):
                _record(slot, "film sent")
    return payload


def record_answer(*, slot: Slot, rating: int, milliseconds: int) -> Answer:
    """Store what a reader said for a slot, once: the same rating again gives the stored answer.

    `milliseconds` runs from the drawn film to the answer. Raises AlreadyAnswered where another rating is stored,
    NotOpen where the slot is not the reader's next one or its film was never sent (a simulated reader needs none),
    and ValidationError where a value is out of range.
    """
    answer = Answer(slot=slot, rating=rating, milliseconds=milliseconds)
    _refuse_values_out_of_range(answer)
    with transaction.atomic():
        slot = _held(slot)
        stored = slot.answers.order_by("revision").last()
        if stored is None:
            _refuse_unless_open(slot)
            answer.save(force_insert=True)
            _record(slot, "answered", rating=rating, milliseconds=milliseconds)
            return answer
    if stored.rating != rating:
        raise AlreadyAnswered(stored)
    return stored


def _refuse_values_out_of_range(answer: Answer) -> None:
    if answer.rating not in Rating.values:
        raise ValidationError(_("A rating is a whole number from 1, definitely real, to 6, definitely synthetic."))
    # The slot is a row read from the database; that it has one answer only is checked under the lock.
    answer.clean_fields(exclude=["slot"])


def _held(slot: Slot) -> Slot:
    """The slot as it is now. Until the transaction ends its study stays as it is and nobody else answers this slot."""
    study = slot.sitting.reader.study_id
    if connection.features.has_select_for_update:
        # FOR SHARE, which Django has no word for: closing waits for answers under way, readers not for one another.
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {Study._meta.db_table} WHERE id = %s FOR SHARE", [study])
    # SQLite's transaction has begun IMMEDIATE: it is the only writer.
    held = Slot.objects.select_for_update(of=("self",), no_key=True)
    return held.select_related("sitting__reader__study").get(pk=slot.pk)


def _refuse_unless_open(slot: Slot) -> None:
    reader = slot.sitting.reader
    if slot not in upcoming(reader)[:1]:
        raise NotOpen(
            _("This film is not the next one to rate.")
            if may_read(reader)
            else _("This study takes no more answers from you.")
        )
    if slot.shown_at is None and not reader.simulated:
        raise NotOpen(_("This film has not been shown yet, so it cannot be rated."))


def _record(slot: Slot, action: str, **detail: int | str) -> None:
    reader = slot.sitting.reader
    record(
        actor=reader.pseudonym,
        action=action,
        subject=f"study:{reader.study} reader:{reader.pseudonym} slot:{slot.code}",
        **detail,
    )
