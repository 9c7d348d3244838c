"""Where a reader stands between the personal link and the thanks: each stage has its page."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Exists, OuterRef, QuerySet

from readerstudy.reading.models import Consent, OverallRemark, Profile
from readerstudy.reading.worklist import next_open, remarks_open_on, reveal_is_due, upcoming
from readerstudy.studies.models import Deviation, Reader, Study

# The session holds whose display was checked: two readers may share a browser.
DISPLAY_KEY = "display_of_reader"


class Stage(Enum):
    """What is due, in the order in which a reader meets it."""

    WITHDRAWN = auto()
    CLOSED = auto()
    CONSENT = auto()
    PROFILE = auto()
    DISPLAY = auto()
    READING = auto()
    BEFORE_REVEAL = auto()
    REVEAL = auto()
    WASHOUT = auto()
    AT_END = auto()
    DONE = auto()


def with_entrance(readers: QuerySet[Reader]) -> QuerySet[Reader]:
    """Readers with all that their stages are told by beside the worklist, so that no further query is needed."""
    consents = Consent.objects.filter(reader=OuterRef("pk"))
    withdrawn = Deviation.objects.filter(reader=OuterRef("pk"), kind=Deviation.Kind.READER_WITHDRAWN)
    return readers.annotate(  # type: ignore[no-redef]
        # Takes the place of the property's own query.
        withdrawn=Exists(withdrawn),
        consented=Exists(consents.filter(stage=Consent.Stage.ENTRY, given=True)),
        profiled=Exists(Profile.objects.filter(reader=OuterRef("pk"))),
        told=Exists(consents.filter(stage=Consent.Stage.REVEAL)),
    )


def stage_of(reader: Reader, session: SessionBase) -> Stage:
    """What is due to a reader who came by `with_entrance`."""
    due = _ended(reader) or entrance_of(reader, session)
    if due not in (None, Stage.DISPLAY):
        return due
    inside = _stage_inside(reader)
    # Who has nothing to read today needs no display for it.
    return due if due and inside is Stage.READING else inside


def entrance_of(reader: Any, session: SessionBase) -> Stage | None:
    """What is due before the first film, or None."""
    study = reader.study
    if _ended(reader):
        return None
    if study.consent_text and not reader.consented:
        return Stage.CONSENT
    if study.profile_asked and not reader.profiled:
        return Stage.PROFILE
    if study.display_asked and session.get(DISPLAY_KEY) != reader.pk:
        return Stage.DISPLAY
    return None


def _ended(reader: Any) -> Stage | None:
    if reader.withdrawn:
        return Stage.WITHDRAWN
    return None if reader.study.state == Study.State.FROZEN else Stage.CLOSED


def _stage_inside(reader: Reader) -> Stage:
    """Reading as long as there is something to read now; then what is due between phases, sittings and at the end."""
    if remarks_open_on(reader) or upcoming(reader):
        return Stage.READING
    following = next_open(reader)
    said = set(reader.overall_remarks.values_list("moment", flat=True))
    if reveal_is_due(reader, following):
        return Stage.REVEAL if OverallRemark.Moment.BEFORE_REVEAL in said else Stage.BEFORE_REVEAL
    if following:
        return Stage.WASHOUT
    if reader.study.cues == Study.Cues.AT_END and OverallRemark.Moment.AT_END not in said:
        return Stage.AT_END
    return Stage.DONE


def is_purpose_blind(reader: Any) -> bool:
    """Whether nothing may tell this reader yet what the study is about."""
    return bool(reader.study.purpose_blind_films) and not reader.told


def title_of(reader: Reader) -> str:
    """What the study is called on the reader's pages."""
    return reader.study.purpose_blind_title if is_purpose_blind(reader) else reader.study.title
