"""Every write of this room: simulated readers, exports, analyses."""

from __future__ import annotations

import math
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from readerstudy.audit.models import record
from readerstudy.progress import Progress, Silent
from readerstudy.reading.services import record_answer
from readerstudy.results.simulation import Films
from readerstudy.results.table import long_table, write_csv
from readerstudy.studies.models import CaseTruth, Reader, Slot, Study
from readerstudy.studies.services import enrol_simulated_reader


def simulate_readers(
    *, study: Study, readers: int, d_prime: float, seed: int, actor: str, progress: Progress | None = None
) -> list[Reader]:
    """Enrol simulated readers and draw all their answers. They are flagged, and the report says so.

    Raises ValidationError where the study is not open, or has readers who are persons.
    """
    if readers < 1 or not math.isfinite(d_prime):
        raise ValidationError(_("Simulated readers need a number of at least 1 and a finite d′."))
    progress = progress or Silent()
    progress.start(readers, _("Simulating readers"))
    with transaction.atomic():
        cases = list(_cases(study))
        films = Films([role for _case, role in cases], d_prime, seed)
        index = {case: number for number, (case, _role) in enumerate(cases)}
        first = study.readers.count() + 1
        enrolled = []
        for number in range(first, first + readers):
            reader = enrol_simulated_reader(study=study, actor=actor)
            slots = list(Slot.objects.for_reader(reader).open().in_order())
            readings = films.read(number, [index[slot.case_id] for slot in slots])
            for slot, rating, milliseconds in zip(slots, readings.ratings, readings.milliseconds, strict=True):
                record_answer(slot=slot, rating=int(rating), milliseconds=int(milliseconds))
            enrolled.append(reader)
            progress.advance()
        record(
            actor=actor,
            action="readers simulated",
            subject=f"study:{study}",
            readers=[reader.pseudonym for reader in enrolled],
            d_prime=d_prime,
            seed=seed,
        )
    return enrolled


def export_answers(*, study: Study, path: Path, actor: str) -> int:
    """Write the long table of an unblinded study as CSV. Returns the number of rows."""
    rows = long_table(study)
    try:
        write_csv(rows, path)
    except OSError as error:
        raise ValidationError(
            _("The file %(path)s cannot be written: %(reason)s.") % {"path": path, "reason": error.strerror}
        ) from error
    record(actor=actor, action="answers exported", subject=f"study:{study}", rows=len(rows))
    return len(rows)


def _cases(study: Study) -> QuerySet[CaseTruth, tuple[int, str]]:
    """Cases with their roles, in an order that the next freezing of the same films would give again."""
    truths = CaseTruth.objects.filter(study=study).order_by("radiograph__film_hash")
    return truths.values_list("case_id", "arm__role")
