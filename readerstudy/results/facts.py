"""What is known of an answer beside the answer: time and tools used, the reader's profile, the display."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from evaluation.readers.rows import as_text
from readerstudy.reading.models import Answer, DisplayCheck, Profile
from readerstudy.studies.models import Study


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
