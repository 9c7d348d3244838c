"""A reader's worklist: which slot comes next, what is asked, and how far the reader is. Nothing here knows truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Max
from django.db.models.functions import Coalesce
from django.utils import timezone

from readerstudy.reading.models import Answer, Consent
from readerstudy.studies.models import Reader, Slot, SlotQuerySet, Study
from readerstudy.studies.models.readers import ANSWERED, film_withdrawn, unanswered

# Films of a purpose-blind phase, practice films and the films of the study are counted apart; a repeat counts like any
# other film of the study.
PURPOSE_BLIND_FILMS = [Slot.Kind.PURPOSE_BLIND]
PRACTICE_FILMS = [Slot.Kind.PRACTICE]
STUDY_FILMS = [Slot.Kind.MAIN, Slot.Kind.REPEAT]
TAKEN = Coalesce("answers__milliseconds", "remark__milliseconds")
# A pace is told once it rests on as many films.
FILMS_FOR_PACE = 5


@dataclass(frozen=True)
class Progress:
    """How many films a reader has read, and has to read in all."""

    answered: int
    total: int
    milliseconds: float | None = None
    """The mean time that one took, where any was answered."""

    @property
    def open(self) -> int:
        return self.total - self.answered

    @property
    def minutes_left(self) -> int | None:
        """At the reader's own pace, at least one; None where too few films tell of it."""
        if self.milliseconds is None or self.answered < FILMS_FOR_PACE:
            return None
        return max(1, round(self.open * self.milliseconds / 60_000))


@dataclass(frozen=True)
class Place:
    """Where a reader stands: the slot to read now, the one after it, and the count of the films of its kind."""

    slot: Slot
    ahead: Slot | None
    progress: Progress
    remarks_open: bool = False
    """The slot is answered, its rating locked, and what is asked after it is not."""

    @property
    def practice(self) -> bool:
        return self.slot.kind == Slot.Kind.PRACTICE

    @property
    def number(self) -> int:
        """The film's number among those of its kind."""
        return self.progress.answered + (not self.remarks_open)

    @property
    def asks(self) -> str:
        """What is asked of the film now: the study's question, findings alone, or what follows the rating."""
        if self.remarks_open:
            return "remark"
        return "findings" if self.slot.kind == Slot.Kind.PURPOSE_BLIND else "question"

    @property
    def after_block(self) -> bool:
        """Whether a pause is due before this film."""
        block = self.slot.sitting.reader.study.block_films
        answered = self.progress.answered
        in_study = self.slot.kind in STUDY_FILMS and not self.remarks_open
        return bool(block and in_study and answered and answered % block == 0)


@dataclass(frozen=True)
class Amendable:
    """An answer that can still be amended."""

    slot: Slot
    revisions: int
    """How many rows the answer has so far."""
    left: timedelta


def may_read(reader: Reader) -> bool:
    """Whether the study is open and the reader has not withdrawn."""
    return reader.study.state == Study.State.FROZEN and not reader.withdrawn


def upcoming(reader: Reader) -> list[Slot]:
    """The slot to read now and the one after it; fewer at the end, none where the reader may not read now.

    The one after is of the same sitting, and of the same side of the reveal.
    """
    if not may_read(reader):
        return []
    slots = _of(reader, Slot.objects.for_reader(reader).open().in_order()[:2])
    if not slots or reveal_is_due(reader, slots[0]) or opens_at(reader, slots[0]):
        return []
    return [slot for slot in slots if _together(slot, slots[0])]


def next_open(reader: Reader) -> Slot | None:
    """The slot that comes next, whether or not it may be read now."""
    return next(iter(_of(reader, Slot.objects.for_reader(reader).open().in_order()[:1])), None)


def _of(reader: Reader, slots: SlotQuerySet) -> list[Slot]:
    """The slots, with reader and study at hand and not read anew. Their films are read by whoever shows them."""
    found = list(slots.select_related("sitting"))
    for slot in found:
        slot.sitting.reader = reader
    return found


def _together(slot: Slot, first: Slot) -> bool:
    blind = Slot.Kind.PURPOSE_BLIND
    return slot.sitting_id == first.sitting_id and (slot.kind == blind) == (first.kind == blind)


def reveal_is_due(reader: Reader, following: Slot | None) -> bool:
    """Whether the purpose-blind phase is over and the reader has not yet been told what the study is about."""
    blind = bool(reader.study.purpose_blind_films) and not reader.simulated
    past = following is None or following.kind != Slot.Kind.PURPOSE_BLIND
    return blind and past and not reader.consents.filter(stage=Consent.Stage.REVEAL).exists()


def opens_at(reader: Reader, following: Slot) -> datetime | None:
    """When the washout before a later sitting is over; None where the sitting is open."""
    number = following.sitting.number
    if number == 1 or reader.simulated:
        return None
    last = Slot.objects.for_reader(reader).filter(sitting__number=number - 1).aggregate(at=Max("answers__answered_at"))
    opens = last["at"] + timedelta(days=reader.study.washout_days) if last["at"] else None
    return opens if opens and opens > timezone.now() else None


def remarks_open_on(reader: Reader) -> Slot | None:
    """The answered slot about which something is still asked, or None; of simulated readers nothing more is."""
    if reader.simulated or not reader.study.asks_after_rating or not may_read(reader):
        return None
    answered = Slot.objects.for_reader(reader).filter(answers__revision=1, remark=None, report=None)
    return next(iter(_of(reader, answered.filter(~film_withdrawn()).in_order()[:1])), None)


def amendable(reader: Reader) -> Amendable | None:
    """The last answer, while it can still be amended within the designer's interval; else None."""
    study = reader.study
    if not study.amend_seconds or not may_read(reader):
        return None
    # The check-list that follows the last film teaches.
    if study.cues == Study.Cues.AT_END and next_open(reader) is None:
        return None
    answers = Answer.objects.filter(slot__sitting__reader=reader, slot__report=None, revision=1)
    last = answers.order_by("-answered_at", "-pk").first()
    if last is None:
        return None
    [slot] = _of(reader, Slot.objects.filter(pk=last.slot_id))
    left = last.answered_at + timedelta(seconds=study.amend_seconds) - timezone.now()
    # Feedback has told what the film was.
    if left <= timedelta(0) or (slot.kind == Slot.Kind.PRACTICE and study.practice_feedback):
        return None
    return Amendable(slot, slot.answers.count(), left)


def place(reader: Reader) -> Place | None:
    """Where the reader stands, or None where there is nothing to read now."""
    remarked = remarks_open_on(reader)
    slots = upcoming(reader)
    if remarked:
        return Place(remarked, slots[0] if slots else None, progress(reader, remarked), remarks_open=True)
    if not slots:
        return None
    return Place(slots[0], slots[1] if len(slots) > 1 else None, progress(reader, slots[0]))


def progress(reader: Reader, slot: Slot) -> Progress:
    """How far the reader is among the films that are counted with this slot's."""
    for kinds in (PURPOSE_BLIND_FILMS, PRACTICE_FILMS, STUDY_FILMS):
        if slot.kind in kinds:
            return count(reader, kinds, slot.sitting.number)
    raise ValueError(f"Slots of kind {slot.kind} are not counted.")


def count(reader: Reader, kinds: list[Slot.Kind], sitting: int = 1) -> Progress:
    """Films of these kinds in one sitting.

    One that was withdrawn unread counts no more; one that was read before counts as read. One that the reader reported
    counts no more.
    """
    slots = Slot.objects.for_reader(reader).filter(kind__in=kinds, sitting__number=sitting)
    numbers = slots.aggregate(
        read=Count("pk", filter=ANSWERED), open=Count("pk", filter=unanswered()), pace=Avg(TAKEN, filter=ANSWERED)
    )
    return Progress(numbers["read"], numbers["read"] + numbers["open"], numbers["pace"])
