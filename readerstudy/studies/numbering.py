"""The numbers under which a reader sees films, as in “Film 12 of 40”. Nothing here knows truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from readerstudy.studies.models import Case, Reader, Slot
from readerstudy.studies.models.readers import ANSWERED, film_withdrawn


@dataclass(frozen=True)
class NumberedSlot:
    """A slot of a reader's list. `number` is None where the film was withdrawn unread: it counts no more."""

    slot: Slot
    number: int | None
    answered: bool
    reported: bool
    withdrawn: bool

    @property
    def practice(self) -> bool:
        return self.slot.kind == Slot.Kind.PRACTICE

    @property
    def seen(self) -> bool:
        """Whether the film has been on the reader's screen, as far as the server knows."""
        return self.answered or self.reported or self.slot.shown_at is not None

    @property
    def name(self) -> str:
        """What the reader sees above the film, and the sitting where it is not the first."""
        if self.number is None:
            return "–"
        pair = self.slot.other_case is not None
        if self.practice:
            name = _("Practice pair %(number)d") if pair else _("Practice film %(number)d")
        else:
            name = _("Pair %(number)d") if pair else _("Film %(number)d")
        sitting = self.slot.sitting.number
        name %= {"number": self.number}
        return name if sitting == 1 else _("%(film)s, sitting %(sitting)d") % {"film": name, "sitting": sitting}


def numbered_slots(reader: Reader) -> list[NumberedSlot]:
    """A reader's slots in order, by one query.

    Films are counted as on the reader's pages: in each sitting those of a purpose-blind phase, of practice and of the
    study apart, and one that was reported unanswered hands its number on to the next.
    """
    this = Slot.objects.filter(pk=OuterRef("pk"))
    slots = Slot.objects.for_reader(reader).in_order().select_related("sitting", "case", "other_case")
    counts: Counter[tuple[int, str]] = Counter()
    numbered = []
    for slot in slots.annotate(
        answered=Exists(this.filter(ANSWERED)),
        reported=Exists(this.filter(report__isnull=False)),
        withdrawn=film_withdrawn(),
    ):
        counted_with = slot.sitting.number, Slot.Kind.MAIN if slot.kind == Slot.Kind.REPEAT else slot.kind
        number = counts[counted_with] + 1
        unread = slot.withdrawn and not slot.answered and not slot.reported
        counts[counted_with] += slot.answered or not (slot.reported or slot.withdrawn)
        numbered.append(NumberedSlot(slot, None if unread else number, slot.answered, slot.reported, slot.withdrawn))
    return numbered


def case_seen(reader: Reader, number: int) -> Case:
    """The film that a reader saw under a number, practice apart; of a pair, the one on the left.

    Raises ValidationError where there is none, and where there was more than one: in another sitting, in a
    purpose-blind phase, or because a film was reported and the next one had its number.
    """
    films = [row for row in numbered_slots(reader) if not row.practice and row.number]
    meant = [row for row in films if row.number == number]
    if not meant:
        raise ValidationError(
            _("Reader %(reader)s has no film %(number)d; the films are numbered from 1 to %(last)d.")
            % {"reader": reader, "number": number, "last": max((row.number or 0 for row in films), default=0)}
        )
    # What comes may still be numbered anew, so it cannot be what the reader means.
    seen = [row for row in meant if row.seen]
    if not seen:
        raise ValidationError(
            _("Reader %(reader)s has not come to film %(number)d yet.") % {"reader": reader, "number": number}
        )
    if len({frozenset(row.slot.cases) for row in seen}) > 1:
        raise ValidationError(
            _("Reader %(reader)s saw more than one film as film %(number)d: %(films)s. Name the one by its code.")
            % {"reader": reader, "number": number, "films": "; ".join(map(_told_apart, seen))}
        )
    return seen[0].slot.case


def _told_apart(row: NumberedSlot) -> str:
    words = (
        _("%(case)s (%(kind)s, sitting %(sitting)d, reported)")
        if row.reported
        else _("%(case)s (%(kind)s, sitting %(sitting)d)")
    )
    return words % {"case": row.slot.case, "kind": row.slot.get_kind_display(), "sitting": row.slot.sitting.number}
