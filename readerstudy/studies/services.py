"""Every write to a study: designing, freezing, enrolling, withdrawing, closing, unblinding."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from typing import TypedDict, TypeVar, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from readerstudy.archive.models import Collection
from readerstudy.audit.models import record
from readerstudy.progress import Progress, Silent
from readerstudy.studies import drawing, freezing
from readerstudy.studies.models import (
    Arm,
    Case,
    CaseTruth,
    Deviation,
    Manifest,
    Reader,
    ReaderIdentity,
    Sitting,
    Slot,
    Study,
)
from readerstudy.studies.ordering import draw_order

Row = TypeVar("Row")


class StudyPlan(TypedDict, total=False):
    """The fields of a study that its designer sets."""

    name: str
    title: str
    seed: int
    primary_end_point: str
    margin: float
    margin_reason: str
    alpha: float
    decision_cut: int
    instruction_text: str
    instruction_version: str
    ratio_told: bool
    question: str
    practice_films: int
    practice_feedback: bool
    repeats: int
    repeat_lag: int
    block_films: int
    sittings: int
    washout_days: int
    amend_seconds: int
    cues: str
    regions_asked: bool
    findings_asked: bool
    remarks_asked: bool
    purpose_blind_films: int
    purpose_blind_title: str
    purpose_blind_instruction: str
    purpose_blind_consent: str
    ethics_reference: str
    debriefing_text: str
    debriefing_version: str
    consent_text: str
    consent_version: str
    profile_asked: bool
    display_asked: bool
    smallest_width: int
    smallest_height: int
    small_screen: str
    link_days: int
    link_use: str
    results_shown: bool
    override_reason: str


class ArmPlan(TypedDict, total=False):
    """The fields of an arm that its designer sets."""

    name: str
    role: str
    collection: Collection
    split: str
    films: int
    selection: str
    selection_detail: str
    mix_of: Collection | None
    mix_split: str


# Designing


def create_study(*, actor: str, **plan: Unpack[StudyPlan]) -> Study:
    """Begin the design of a study."""
    return save_study(study=Study(**plan), actor=actor)


def save_study(*, study: Study, actor: str) -> Study:
    """Store the plan of a study that is still in design."""
    study.full_clean()
    with transaction.atomic():
        if study.pk:
            _locked(study, Study.State.DESIGN, _("The design of study “%(study)s” cannot change any more."))
        study.save()
        record(actor=actor, action="study designed", subject=f"study:{study}", **freezing.design_of(study))
    return study


def copy_study(*, study: Study, name: str, actor: str) -> Study:
    """Begin a new design with the plan and the arms of another study, whatever its state; only the name is new."""
    fields = [field for field in Study._meta.fields if field.editable and not field.primary_key]
    with transaction.atomic():
        copy = Study(**{field.name: getattr(study, field.name) for field in fields} | {"name": name})
        save_study(study=copy, actor=actor)
        for arm in study.arms.order_by("pk"):
            arm.pk, arm.study = None, copy
            arm._state.adding = True
            save_arm(arm=arm, actor=actor)
    return copy


def add_arm(*, study: Study, actor: str, **plan: Unpack[ArmPlan]) -> Arm:
    """Add one source of films to a study in design."""
    return save_arm(arm=Arm(study=study, **plan), actor=actor)


def save_arm(*, arm: Arm, actor: str) -> Arm:
    """Store an arm of a study that is still in design."""
    arm.full_clean()
    with transaction.atomic():
        _locked(arm.study, Study.State.DESIGN, _("The design of study “%(study)s” cannot change any more."))
        arm.save()
        record(
            actor=actor,
            action="arm designed",
            subject=f"study:{arm.study}",
            arm=arm.name,
            role=arm.role,
            collection=arm.collection.name,
            films=arm.films,
        )
    return arm


def remove_arm(*, arm: Arm, actor: str) -> None:
    """Take an arm out of a study that is still in design."""
    with transaction.atomic():
        _locked(arm.study, Study.State.DESIGN, _("The design of study “%(study)s” cannot change any more."))
        record(actor=actor, action="arm removed", subject=f"study:{arm.study}", arm=arm.name)
        arm.delete()


def freeze_study(*, study: Study, actor: str, progress: Progress | None = None) -> Study:
    """Draw the films, render them, and fix the design for good. What fails leaves nothing behind.

    Raises ValidationError where the design cannot be frozen. Drawing and rendering hold no lock, so that readers of
    other studies go on; that the design did not change meanwhile is checked before anything is written.
    """
    study = Study.objects.get(pk=study.pk)
    _require_state(study, Study.State.DESIGN, _("Study “%(study)s” is frozen already."))
    study.full_clean()
    design = freezing.design_of(study)
    selection = drawing.draw_films(study)
    settings.STUDIES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{study.name}.", dir=settings.STUDIES) as partial:
        payloads = Path(partial) / "payloads"
        payloads.mkdir()
        rendered = freezing.render_cases(selection, payloads, progress or Silent())
        with transaction.atomic():
            study = _locked(study, Study.State.DESIGN, _("Study “%(study)s” is frozen already."))
            if freezing.design_of(study) != design:
                raise ValidationError(
                    _("The design of study “%(study)s” changed while it was being frozen; freeze it again.")
                    % {"study": study}
                )
            _write_frozen(study, selection, rendered, actor)
            # A study in design has no payloads: what lies there is left from a crash between this line and the commit.
            shutil.rmtree(study.folder, ignore_errors=True)
            payloads.rename(study.folder)
    return study


def _shuffled(rows: list[Row]) -> list[Row]:
    """In an order that no seed brings back."""
    return SystemRandom().sample(rows, len(rows))


def _write_frozen(study: Study, selection: drawing.Selection, rendered: freezing.Rendered, actor: str) -> None:
    manifest = freezing.manifest_of(study, selection, rendered)
    # In random order, and truth in another one, so that the ids of rows say nothing of each other or of their arms.
    drawn = _shuffled(selection.cases)
    cases = Case.objects.bulk_create(
        Case(study=study, code=case.code, kind=case.kind, payload_hash=rendered.payload_hashes[case.code])
        for case in drawn
    )
    CaseTruth.objects.bulk_create(
        CaseTruth(
            case=case,
            study=study,
            arm=origin.arm,
            radiograph_id=origin.candidate.radiograph,
            patient=origin.candidate.patient,
            pair=origin.pair,
        )
        for case, origin in _shuffled(list(zip(cases, drawn, strict=True)))
    )
    Manifest.objects.create(study=study, content=manifest)
    study.state = Study.State.FROZEN
    study.side, study.levels = rendered.form.side, rendered.form.levels
    study.manifest_hash = freezing.manifest_hash(manifest)
    study.frozen_at = timezone.now()
    study.save()
    record(
        actor=actor,
        action="study frozen",
        subject=f"study:{study}",
        cases=len(cases),
        side=study.side,
        levels=study.levels,
        manifest_hash=study.manifest_hash,
        not_known=selection.gaps,
        override_reason=study.override_reason if selection.gaps else "",
    )


# Readers


def invite_reader(*, study: Study, actor: str, name: str = "", email: str = "") -> tuple[Reader, str]:
    """Enrol a person and write all their slots. Returns the reader and the token of the personal link.

    The token is stored nowhere: only its hash is.
    """
    with transaction.atomic():
        study = _open(study)
        _refuse_mixed_company(study, simulated=False)
        if email and ReaderIdentity.objects.filter(reader__study=study, email__iexact=email).exists():
            raise ValidationError(
                _("A reader of study “%(study)s” has this e-mail address already; reissue that reader's link.")
                % {"study": study}
            )
        reader = _enrol(study, simulated=False, actor=actor)
        token = secrets.token_urlsafe(32)
        identity = ReaderIdentity(
            reader=reader, name=name, email=email, link_hash=link_hash(token), link_expires_at=_expiry(study)
        )
        identity.full_clean()
        identity.save()
    return reader, token


def enrol_simulated_reader(*, study: Study, actor: str) -> Reader:
    """Enrol a reader whose ratings the program will draw. Persons and simulated readers never share a study."""
    with transaction.atomic():
        study = _open(study)
        _refuse_mixed_company(study, simulated=True)
        return _enrol(study, simulated=True, actor=actor)


def reissue_link(*, reader: Reader, actor: str) -> str:
    """Give a reader a new personal link; the old one dies, be it lost, used up or withdrawn. Returns the new token."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        replaced = ReaderIdentity.objects.filter(reader=reader).update(
            link_hash=link_hash(token),
            link_expires_at=_expiry(reader.study),
            link_opened_at=None,
            link_withdrawn_at=None,
        )
        if not replaced:
            raise ValidationError(
                _("Reader %(reader)s has no identity any more, so there is no link to reissue; invite the person anew.")
                % {"reader": reader.pseudonym}
            )
        record(actor=actor, action="link reissued", subject=_subject(reader))
    return token


def withdraw_link(*, reader: Reader, actor: str) -> None:
    """Close a personal link and the sessions that it opened; the reader stays in the study and can get a new one."""
    with transaction.atomic():
        links = ReaderIdentity.objects.filter(reader=reader, link_withdrawn_at=None)
        if not links.update(link_withdrawn_at=timezone.now()):
            raise ValidationError(_("Reader %(reader)s has no link to withdraw.") % {"reader": reader.pseudonym})
        record(actor=actor, action="link withdrawn", subject=_subject(reader))


def erase_identity(*, reader: Reader, actor: str) -> None:
    """Forget name, e-mail and link of a reader; answers stay under the pseudonym."""
    with transaction.atomic():
        ReaderIdentity.objects.filter(reader=reader).delete()
        record(actor=actor, action="identity erased", subject=_subject(reader))


def link_hash(token: str) -> str:
    """What is stored of a personal link: SHA-256 of its token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def _expiry(study: Study) -> datetime:
    return timezone.now() + timedelta(days=study.link_days)


def _open(study: Study) -> Study:
    return _locked(study, Study.State.FROZEN, _("Readers are enrolled while study “%(study)s” is frozen and open."))


def _refuse_mixed_company(study: Study, *, simulated: bool) -> None:
    if study.readers.exclude(simulated=simulated).exists():
        raise ValidationError(
            _("Study “%(study)s” has readers of the other kind: persons and simulated readers never share a study.")
            % {"study": study}
        )


def _enrol(study: Study, *, simulated: bool, actor: str) -> Reader:
    number = study.readers.count() + 1
    reader = Reader(study=study, pseudonym=f"{'S' if simulated else 'R'}{number:02d}", simulated=simulated)
    reader.full_clean()
    reader.save()
    slots = [slot for number in range(1, study.sittings + 1) for slot in _slots(reader, number)]
    Slot.objects.bulk_create(slots)
    record(actor=actor, action="reader enrolled", subject=_subject(reader), slots=len(slots), simulated=simulated)
    return reader


def _slots(reader: Reader, number: int) -> list[Slot]:
    """One sitting in order: in the first, purpose-blind films and practice come before the main films and repeats."""
    study = reader.study
    sitting = Sitting.objects.create(reader=reader, number=number)
    # The first sitting's order is that of the days when there was only one.
    random = Random(":".join([str(study.seed), reader.pseudonym, *([str(number)] if number > 1 else [])]))
    films = films_of(study)
    order = draw_order(
        films[Case.Kind.PRACTICE] if number == 1 else [],
        films[Case.Kind.MAIN],
        study.repeats,
        study.repeat_lag,
        random,
    )
    # A program has no purpose to be blind to.
    if number == 1 and not reader.simulated:
        first = films[Case.Kind.PURPOSE_BLIND]
        order = [(Slot.Kind.PURPOSE_BLIND, film) for film in random.sample(first, len(first))] + order
    slots = []
    for position, (kind, film) in enumerate(order, start=1):
        # Of a pair, which film is on the left is drawn anew for each reader and each time.
        case, other_case = (*random.sample(film, len(film)), None)[:2]
        slots.append(Slot(sitting=sitting, position=position, case=case, other_case=other_case, kind=kind))
    return slots


def films_of(study: Study) -> dict[str, list[tuple[Case, ...]]]:
    """By kind what is shown at a time: one case, or in a study of pairs the two of a pair."""
    films: dict[str, list[tuple[Case, ...]]] = {kind: [] for kind in Case.Kind}
    pairs: dict[int, list[Case]] = defaultdict(list)
    numbers = dict(CaseTruth.objects.filter(study=study).values_list("case", "pair"))
    for case in study.cases.order_by("code"):
        pair = numbers[case.pk]
        if pair is None:
            films[case.kind].append((case,))
        else:
            pairs[pair].append(case)
    # Not by the number of the pair, which is given at freezing, but by code, which says nothing.
    for both in sorted(pairs.values(), key=lambda both: both[0].code):
        films[both[0].kind].append(tuple(both))
    return films


# What the design did not foresee


def withdraw_film(*, case: Case, reason: str, actor: str) -> Deviation:
    """Take a film out of unread slots and out of analyses; its answers are kept.

    Refused after unblinding: whoever knows the truth must not choose films.
    """
    with transaction.atomic():
        if _locked(case.study).state == Study.State.UNBLINDED:
            raise ValidationError(_("After unblinding no film is withdrawn any more; record a deviation instead."))
        return _deviate(
            Deviation(study=case.study, kind=Deviation.Kind.FILM_WITHDRAWN, case=case, reason=reason), actor
        )


def withdraw_reader(*, reader: Reader, reason: str, actor: str) -> Deviation:
    """Exclude a reader, at any time; the answers are kept and left out of analyses."""
    with transaction.atomic():
        _locked(reader.study)
        return _deviate(
            Deviation(study=reader.study, kind=Deviation.Kind.READER_WITHDRAWN, reader=reader, reason=reason), actor
        )


def record_deviation(*, study: Study, reason: str, actor: str) -> Deviation:
    """Write down anything else that went otherwise than planned; the report prints it."""
    with transaction.atomic():
        if _locked(study).state == Study.State.DESIGN:
            raise ValidationError(
                _("Study “%(study)s” is still in design: change the plan instead of recording a deviation.")
                % {"study": study}
            )
        return _deviate(Deviation(study=study, kind=Deviation.Kind.OTHER, reason=reason), actor)


def _deviate(deviation: Deviation, actor: str) -> Deviation:
    deviation.full_clean()
    deviation.save()
    about = deviation.case or (deviation.reader and deviation.reader.pseudonym) or ""
    record(
        actor=actor,
        action=f"deviation: {deviation.kind}",
        subject=f"study:{deviation.study}",
        about=str(about),
        reason=deviation.reason,
    )
    return deviation


# The end


def close_study(*, study: Study, actor: str) -> Study:
    """End the reading: no answer is taken any more."""
    with transaction.atomic():
        study = _locked(study, Study.State.FROZEN, _("Only a frozen study can be closed, and “%(study)s” is not."))
        study.state, study.closed_at = Study.State.CLOSED, timezone.now()
        study.save()
        record(actor=actor, action="study closed", subject=f"study:{study}")
    return study


def unblind_study(*, study: Study, reason: str, actor: str) -> Study:
    """The one act after which truth may be joined to answers. It cannot be undone."""
    if not reason.strip():
        raise ValidationError(_("Give the reason for unblinding; the report prints it."))
    with transaction.atomic():
        study = _locked(study, Study.State.CLOSED, _("Only a closed study can be unblinded, and “%(study)s” is not."))
        study.state, study.unblinded_at = Study.State.UNBLINDED, timezone.now()
        study.unblinding_reason = reason
        study.save()
        record(actor=actor, action="study unblinded", subject=f"study:{study}", reason=reason)
    return study


def _locked(study: Study, state: Study.State | None = None, refusal: str = "") -> Study:
    """The study as it is now, which nobody else changes until the transaction ends."""
    fresh = Study.objects.select_for_update().get(pk=study.pk)
    if state is not None:
        _require_state(fresh, state, refusal)
    return fresh


def _require_state(study: Study, state: Study.State, refusal: str) -> None:
    if study.state != state:
        raise ValidationError(refusal % {"study": study})


def _subject(reader: Reader) -> str:
    return f"study:{reader.study} reader:{reader.pseudonym}"
