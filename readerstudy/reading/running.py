"""How far the readers of a running study are. Nothing here joins truth or a rating."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Avg, Count, Max, QuerySet

from readerstudy.reading.models import Answer, Consent, DisplayCheck, FilmReport, Remark
from readerstudy.reading.worklist import PRACTICE_FILMS, PURPOSE_BLIND_FILMS, STUDY_FILMS
from readerstudy.studies.models import Deviation, Reader, ReaderIdentity, Slot, Study


@dataclass
class Films:
    """Films of one kind: how many were read of how many."""

    read: int = 0
    total: int = 0


@dataclass
class ReaderRow:
    """One line of the page."""

    reader: Reader
    link_expires_at: datetime | None = None
    link_withdrawn: bool = False
    consented_at: datetime | None = None
    small_screen: bool = False
    purpose_blind: Films = field(default_factory=Films)
    practice: Films = field(default_factory=Films)
    films: Films = field(default_factory=Films)
    seconds_per_film: float | None = None
    """Mean over the films of the study."""
    last_seen: datetime | None = None
    """When a film was last sent or answered."""
    reports: int = 0
    withdrawn: bool = False


KINDS = {
    **dict.fromkeys(PURPOSE_BLIND_FILMS, "purpose_blind"),
    **dict.fromkeys(PRACTICE_FILMS, "practice"),
    **dict.fromkeys(STUDY_FILMS, "films"),
}


def reader_rows(study: Study) -> list[ReaderRow]:
    """One row per reader, in order of enrolment, by a number of queries that does not grow with readers or films."""
    rows = {reader.pk: ReaderRow(reader) for reader in study.readers.order_by("pk")}
    _add_slots(rows, study)
    _add_answers(rows, study)
    links = ReaderIdentity.objects.filter(reader__study=study)
    for reader, expires_at, withdrawn_at in links.values_list("reader", "link_expires_at", "link_withdrawn_at"):
        rows[reader].link_expires_at, rows[reader].link_withdrawn = expires_at, withdrawn_at is not None
    entries = Consent.objects.filter(reader__study=study, stage=Consent.Stage.ENTRY)
    for reader, at in entries.values_list("reader", "at"):
        rows[reader].consented_at = at
    for reader in DisplayCheck.objects.filter(reader__study=study, small=True).values_list("reader", flat=True):
        rows[reader].small_screen = True
    for reader, reports in _by_reader(FilmReport.objects.filter(slot__sitting__reader__study=study)).items():
        rows[reader].reports = reports
    withdrawn = study.deviations.filter(kind=Deviation.Kind.READER_WITHDRAWN)
    for reader in withdrawn.values_list("reader", flat=True):
        rows[reader].withdrawn = True
    return list(rows.values())


def _add_slots(rows: dict[int, ReaderRow], study: Study) -> None:
    slots = Slot.objects.filter(sitting__reader__study=study).values_list("sitting__reader", "kind")
    for reader, kind, total, sent in slots.annotate(Count("pk"), Max("shown_at")).order_by():
        getattr(rows[reader], KINDS[kind]).total += total
        _see(rows[reader], sent)


def _add_answers(rows: dict[int, ReaderRow], study: Study) -> None:
    answers = Answer.objects.filter(slot__sitting__reader__study=study, revision=1)
    of_kind = answers.values_list("slot__sitting__reader", "slot__kind").order_by()
    times: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for reader, kind, read, mean, last in of_kind.annotate(Count("pk"), Avg("milliseconds"), Max("answered_at")):
        getattr(rows[reader], KINDS[kind]).read += read
        _see(rows[reader], last)
        if kind in STUDY_FILMS:
            times[reader].append((read, mean))
    for reader, means in times.items():
        number = sum(read for read, _mean in means)
        rows[reader].seconds_per_film = sum(read * mean for read, mean in means) / number / 1000
    remarks = Remark.objects.filter(slot__sitting__reader__study=study, slot__kind__in=PURPOSE_BLIND_FILMS)
    for reader, read in _by_reader(remarks).items():
        rows[reader].purpose_blind.read = read


def _by_reader(rows: QuerySet[Any]) -> dict[int, int]:
    """How many rows about slots each reader has."""
    return dict(rows.values_list("slot__sitting__reader").order_by().annotate(Count("pk")))


def _see(row: ReaderRow, at: datetime | None) -> None:
    if at and (row.last_seen is None or at > row.last_seen):
        row.last_seen = at
