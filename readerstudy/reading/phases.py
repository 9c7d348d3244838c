"""What stands between the films: the reveal after a purpose-blind phase."""

from __future__ import annotations

import hashlib

from django.db import transaction
from django.utils.translation import gettext as _

from readerstudy.audit.models import record
from readerstudy.reading.models import Consent, OverallRemark, Profile
from readerstudy.reading.services import NotOpen
from readerstudy.reading.worklist import may_read, next_open, reveal_is_due
from readerstudy.studies.models import Reader
from readerstudy.studies.services import withdraw_reader


def answer_reveal(*, reader: Reader, agrees: bool, exposure: str = "") -> Consent:
    """Store whether a reader who has been told what the study is about goes on, once; who does not is withdrawn.

    `exposure` is how often the reader has seen synthetic films, which could not be asked before. The stored consent
    carries version and SHA-256 of the debriefing and of the consent text behind it, in this order. Raises NotOpen where
    no reveal is due, or what the reader noticed has not been asked before.
    """
    study = reader.study
    text_hash = hashlib.sha256((study.debriefing_text + study.consent_text).encode()).hexdigest()
    with transaction.atomic():
        # Of two clicks the second waits here, and finds what the first one stored.
        Reader.objects.select_for_update(no_key=True).get(pk=reader.pk)
        stored = Consent.objects.filter(reader=reader, stage=Consent.Stage.REVEAL).first()
        if stored:
            return stored
        _refuse_unless_due(reader)
        consent = Consent(
            reader=reader,
            stage=Consent.Stage.REVEAL,
            given=agrees,
            version=study.debriefing_version,
            text_hash=text_hash,
        )
        consent.full_clean()
        consent.save(force_insert=True)
        record(
            actor=reader.pseudonym,
            action="consent given" if agrees else "consent declined",
            subject=f"study:{study} reader:{reader.pseudonym}",
            version=consent.version,
            text_hash=text_hash,
        )
        if exposure:
            Profile.objects.filter(reader=reader).update(exposure=exposure)
        if not agrees:
            withdraw_reader(reader=reader, reason=_("The reader withdrew at the debriefing."), actor=reader.pseudonym)
    return consent


def _refuse_unless_due(reader: Reader) -> None:
    noticed = OverallRemark.objects.filter(reader=reader, moment=OverallRemark.Moment.BEFORE_REVEAL)
    if not (may_read(reader) and reveal_is_due(reader, next_open(reader)) and noticed.exists()):
        raise NotOpen(_("Nothing is asked of you here now."))
