"""A reader's worklist: which slot comes next, and how far the reader is. Nothing here knows truth."""

from __future__ import annotations

from dataclasses import dataclass

from readerstudy.studies.models import Deviation, Reader, Slot, Study

# Practice films and the films of the study are counted apart; a repeat counts like any other film of the study.
PRACTICE_FILMS = [Slot.Kind.PRACTICE]
STUDY_FILMS = [Slot.Kind.MAIN, Slot.Kind.REPEAT]


@dataclass(frozen=True)
class Count:
    """How many films a reader has read, and has to read in all."""

    answered: int
    total: int

    @property
    def open(self) -> int:
        return self.total - self.answered


@dataclass(frozen=True)
class Place:
    """Where a reader stands: the slot to read now, the one after it, and the count of the films of its kind."""

    slot: Slot
    ahead: Slot | None
    count: Count

    @property
    def practice(self) -> bool:
        return self.slot.kind == Slot.Kind.PRACTICE


def may_read(reader: Reader) -> bool:
    """Whether the study is open and the reader has not withdrawn."""
    return reader.study.state == Study.State.FROZEN and not has_withdrawn(reader)


def has_withdrawn(reader: Reader) -> bool:
    return reader.deviations.filter(kind=Deviation.Kind.READER_WITHDRAWN).exists()


def upcoming(reader: Reader) -> list[Slot]:
    """The slot to read now and the one after it; fewer at the end, none where the reader may not read."""
    if not may_read(reader):
        return []
    return list(
        Slot.objects.for_reader(reader).open().in_order().select_related("case__study", "sitting__reader__study")[:2]
    )


def place(reader: Reader) -> Place | None:
    """Where the reader stands, or None where there is nothing left to read."""
    slots = upcoming(reader)
    if not slots:
        return None
    kinds = STUDY_FILMS if slots[0].kind in STUDY_FILMS else PRACTICE_FILMS
    return Place(slot=slots[0], ahead=slots[1] if len(slots) > 1 else None, count=count(reader, kinds))


def count(reader: Reader, kinds: list[Slot.Kind]) -> Count:
    """Films of these kinds. One that was withdrawn unread counts no more; one that was read before counts as read."""
    slots = Slot.objects.for_reader(reader).filter(kind__in=kinds)
    answered = slots.filter(answers__revision=1).count()
    return Count(answered=answered, total=answered + slots.open().count())
