"""Coming in: consent, profile and display check, each stored with its audit row."""

from __future__ import annotations

import hashlib
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from readerstudy.audit.models import record
from readerstudy.reading.models import Consent, DisplayCheck, Profile
from readerstudy.reading.worklist import may_read
from readerstudy.studies.models import Reader, Study


class ScreenTooSmall(ValidationError):
    """The screen is below what the design asks, and the design refuses such screens."""


class GivenProfile(TypedDict, total=False):
    position: str
    years: int
    subspecialty: str
    exposure: str


class GivenDisplay(TypedDict):
    """`width` and `height` in pixels of the screen, `pixel_ratio` of these per pixel of the page."""

    display: str
    room: str
    dark_patch_seen: bool
    bright_patch_seen: bool
    width: int
    height: int
    pixel_ratio: float


def consent_text(study: Study) -> str:
    """What a reader agrees to before the first film; a purpose-blind phase has a text of its own."""
    return study.purpose_blind_consent if study.purpose_blind_films else study.consent_text


def give_consent(*, reader: Reader) -> Consent:
    """Store that a reader agreed to the text before the first film, once. Who does not agree leaves nothing."""
    study = reader.study
    text_hash = hashlib.sha256(consent_text(study).encode()).hexdigest()
    with transaction.atomic():
        _refuse_unless_open(reader)
        consent, is_new = Consent.objects.get_or_create(
            reader=reader,
            stage=Consent.Stage.ENTRY,
            defaults={"given": True, "version": study.consent_version, "text_hash": text_hash},
        )
        if is_new:
            _record(reader, "consent given", version=consent.version, text_hash=text_hash)
    return consent


def record_profile(*, reader: Reader, **given: Unpack[GivenProfile]) -> Profile:
    """Store the few facts that a reader gives, once; a second time what is stored stands.

    Raises ValidationError where a value is none that can be given.
    """
    profile = Profile(reader=reader, **given)
    profile.clean_fields(exclude=["reader"])
    with transaction.atomic():
        _refuse_unless_open(reader)
        stored, is_new = Profile.objects.get_or_create(reader=reader, defaults=dict(given))
        if is_new:
            _record(reader, "profile given")
    return stored


def record_display(*, reader: Reader, **given: Unpack[GivenDisplay]) -> DisplayCheck:
    """Store what a reader declares of the display and the room.

    A screen is small or not as the browser lays pages out on it: a telephone's is, however dense. Raises ScreenTooSmall
    where the design refuses it, and ValidationError where a value is none that can be given.
    """
    check = DisplayCheck(reader=reader, **given)
    check.small = is_small(reader.study, **_of_the_page(check))
    check.full_clean(exclude=["reader"])
    with transaction.atomic():
        _refuse_unless_open(reader)
        refused = check.small and reader.study.small_screen == Study.SmallScreen.REFUSE
        if not refused:
            check.save(force_insert=True)
        _record(reader, "display refused" if refused else "display checked", **_of_the_page(check))
    if refused:
        raise ScreenTooSmall(
            _(
                "This screen has %(width)d × %(height)d pixels, and this study needs %(least_width)d × "
                "%(least_height)d. Open your personal link on a larger screen, or turn this one."
            )
            % {
                "least_width": reader.study.smallest_width,
                "least_height": reader.study.smallest_height,
                **_of_the_page(check),
            }
        )
    return check


def is_small(study: Study, *, width: int, height: int) -> bool:
    """Whether a screen of so many pixels, as pages count them, is smaller than the design asks."""
    return width < study.smallest_width or height < study.smallest_height


def _of_the_page(check: DisplayCheck) -> dict[str, int]:
    return {"width": round(check.width / check.pixel_ratio), "height": round(check.height / check.pixel_ratio)}


def _refuse_unless_open(reader: Reader) -> None:
    if not may_read(reader):
        raise ValidationError(_("This study takes nothing more from you."))


def _record(reader: Reader, action: str, **detail: Any) -> None:
    record(actor=reader.pseudonym, action=action, subject=f"study:{reader.study} reader:{reader.pseudonym}", **detail)
