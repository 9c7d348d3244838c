"""The numbers under which a reader sees films, as in “Film 12 of 40”. Nothing here knows truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from readerstudy.studies.models import Case, Deviation, Reader, Slot


@dataclass(frozen=True)
class NumberedSlot:
    """A slot of a reader's list. `number` is None where the film was withdrawn unread: it counts no more."""

    slot: Slot
    number: int | None
    answered: bool
    withdrawn: bool

    @property
    def practice(self) -> bool:
        return self.slot.kind == Slot.Kind.PRACTICE


def numbered_slots(reader: Reader) -> list[NumberedSlot]:
    """A reader's slots in order, by one query. Films for practice are counted apart from those of the study."""
    slots = Slot.objects.for_reader(reader).in_order().select_related("case")
    answered = Slot.objects.filter(pk=OuterRef("pk"), answers__isnull=False)
    withdrawn = Deviation.objects.filter(case=OuterRef("case"), kind=Deviation.Kind.FILM_WITHDRAWN)
    counts: Counter[bool] = Counter()
    numbered = []
    for slot in slots.annotate(answered=Exists(answered), withdrawn=Exists(withdrawn)):
        practice = slot.kind == Slot.Kind.PRACTICE
        counted = slot.answered or not slot.withdrawn
        counts[practice] += counted
        numbered.append(NumberedSlot(slot, counts[practice] if counted else None, slot.answered, slot.withdrawn))
    return numbered


def case_seen(reader: Reader, number: int) -> Case:
    """The film that a reader saw under a number, practice apart. Raises ValidationError where there is none."""
    films = {row.number: row for row in numbered_slots(reader) if not row.practice and row.number}
    row = films.get(number)
    if row is None:
        raise ValidationError(
            _("Reader %(reader)s has no film %(number)d; the films are numbered from 1 to %(last)d.")
            % {"reader": reader, "number": number, "last": len(films)}
        )
    # What comes may still be numbered anew, so it cannot be what the reader means.
    if not row.answered and row.slot.shown_at is None:
        raise ValidationError(
            _("Reader %(reader)s has not come to film %(number)d yet.") % {"reader": reader, "number": number}
        )
    return row.slot.case
