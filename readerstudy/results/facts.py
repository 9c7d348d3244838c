"""What is known beside the answers: time and tools used, the reader's profile, the display."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.utils.translation import gettext as _

from evaluation.readers.rows import as_text
from evaluation.study import Person
from readerstudy.reading.models import Answer, DisplayCheck, Profile
from readerstudy.studies.models import Deviation, Reader, Study


class Facts:
    """Columns that the long table of a study carries; which there are follows from what its design asks."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._profiles = {row.reader_id: row for row in Profile.objects.filter(reader__study=study)}
        self._displays: dict[int, list[DisplayCheck]] = defaultdict(list)
        for check in DisplayCheck.objects.filter(reader__study=study).order_by("at", "pk"):
            self._displays[check.reader_id].append(check)

    def beside(self, revisions: Sequence[Answer], counted: Answer) -> dict[str, str]:
        """Of one slot: all rows of its answer, and the one that counts. What is not known is empty."""
        facts = {
            "active_seconds": as_text(counted.active_milliseconds / 1000),
            "window_uses": str(counted.window_uses),
            "zoom_uses": str(counted.zoom_uses),
            "pan_uses": str(counted.pan_uses),
            "revisions": str(len(revisions)),
        }
        if self._study.cues == Study.Cues.PER_FILM:
            remark = getattr(counted.slot, "remark", None)
            facts["cues"] = "|".join(remark.cues) if remark else ""
        if self._study.profile_asked:
            facts |= self._profile(counted)
        if self._study.display_asked:
            facts |= self._display(counted)
        return facts

    def _profile(self, answer: Answer) -> dict[str, str]:
        profile = self._profiles.get(answer.slot.sitting.reader_id)
        facts = {
            "reader_position": profile.position if profile else "",
            "reader_years": str(profile.years) if profile else "",
        }
        if self._study.purpose_blind_films:
            facts["reader_exposure"] = profile.exposure if profile else ""
        return facts

    def _display(self, answer: Answer) -> dict[str, str]:
        """What was declared last before the answer."""
        checks = [check for check in self._displays[answer.slot.sitting.reader_id] if check.at <= answer.answered_at]
        last = checks[-1] if checks else None
        return {
            "display": last.display if last else "",
            "room": last.room if last else "",
            "small_screen": ("yes" if last.small else "no") if last else "",
        }


def people_of(study: Study) -> list[Person]:
    """The readers who stay in the analysis; none where the design asks nothing of them."""
    if not (study.profile_asked or study.display_asked):
        return []
    withdrawn = Deviation.objects.filter(study=study, kind=Deviation.Kind.READER_WITHDRAWN).values("reader")
    readers = study.readers.filter(simulated=False).exclude(pk__in=withdrawn)
    return [_person(reader) for reader in readers.prefetch_related("display_checks", "profile").order_by("pk")]


def _person(reader: Reader) -> Person:
    checks = sorted(reader.display_checks.all(), key=lambda check: check.pk)
    displays = list(dict.fromkeys(_display(check) for check in checks))
    profile = getattr(reader, "profile", None)
    if profile is None:
        return Person(reader.pseudonym, displays=displays)
    exposure = profile.get_exposure_display() if profile.exposure else ""
    return Person(reader.pseudonym, profile.get_position_display(), profile.years, exposure, displays)


def _display(check: DisplayCheck) -> str:
    """One declaration, with what speaks against reading on this display."""
    parts = [
        check.get_display_display(),
        _("room: %(room)s") % {"room": check.get_room_display()},
        _("%(width)d × %(height)d pixels") % {"width": check.width, "height": check.height},
        _("smaller than the design asks") if check.small else "",
        "" if check.dark_patch_seen else _("5 % patch not seen"),
        "" if check.bright_patch_seen else _("95 % patch not seen"),
    ]
    return ", ".join(str(part) for part in parts if part)
