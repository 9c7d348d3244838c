"""What tables and headers write about a film, brought to the archive's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from django.utils.translation import gettext as _

from gan.findings import FINDINGS, NO_FINDING
from readerstudy.archive.importing.found import Known, Refused
from readerstudy.archive.models import Split

# Older tables carry ages such as 414: a slip of whoever typed it, not an age.
OLDEST = 120
AGE = re.compile(r"(\d+)(?:\.0+)?\s*([DWMY]?)", re.IGNORECASE)
SPLITS = {"train_val": Split.TRAIN, "train": Split.TRAIN, "val": Split.TRAIN, "test": Split.TEST}
FRONTAL = {"AP": "AP", "PA": "PA", "FRONTAL": ""}


class Facts:
    """Reads the facts of one source and remembers what it could not read, to be said once for all films."""

    def __init__(self) -> None:
        self._unread: dict[str, Counter[str]] = {}

    def known(self, row: Mapping[str, str]) -> Known:
        """What a row says, by the columns of the simple table. Raises Refused for a contradiction or a wrong view."""
        return Known(
            patient_id=row.get("patient_id", "").strip(),
            age=self._age(row.get("age", "")),
            sex=self._sex(row.get("sex", "")),
            view=frontal_view(row.get("view", "")),
            split=self._split(row.get("official_split", "")),
            findings=self._findings(row.get("labels", "")),
            phantom_seed=self._seed(row.get("phantom_seed", "")),
        )

    def notes(self) -> list[str]:
        """One sentence for each kind of value that could not be read."""
        return [
            _("%(what)s left open because the value is not known here: %(values)s.")
            % {"what": what, "values": ", ".join(f"“{value}” ({count})" for value, count in values.most_common(10))}
            for what, values in self._unread.items()
        ]

    def _age(self, text: str) -> int | None:
        if not text.strip():
            return None
        match = AGE.fullmatch(text.strip())
        if match:
            years = int(match[1]) if match[2].upper() in ("", "Y") else 0
            # 011M is eleven months, 030M two years and a half.
            if match[2].upper() == "M":
                years = int(match[1]) // 12
            if years <= OLDEST:
                return years
        self._leave_open(_("Age"), text)
        return None

    def _sex(self, text: str) -> str:
        letter = text.strip()[:1].upper()
        if letter in ("", "F", "M", "O"):
            return letter
        self._leave_open(_("Sex"), text)
        return ""

    def _split(self, text: str) -> str:
        if not text.strip():
            return ""
        split = SPLITS.get(text.strip().lower())
        if split is None:
            self._leave_open(_("Split"), text)
        return split or ""

    def _findings(self, text: str) -> tuple[str, ...]:
        findings = []
        for label in filter(None, (label.strip() for label in text.split("|"))):
            if label in (*FINDINGS, NO_FINDING):
                findings.append(label)
            else:
                self._leave_open(_("Label"), label)
        if NO_FINDING in findings and len(set(findings)) > 1:
            raise Refused(_("Its labels contradict each other: %(labels)s.") % {"labels": text})
        return tuple(dict.fromkeys(findings))

    def _seed(self, text: str) -> int | None:
        if not text.strip():
            return None
        if text.strip().isdecimal():
            return int(text)
        self._leave_open(_("Phantom seed"), text)
        return None

    def _leave_open(self, what: str, value: str) -> None:
        self._unread.setdefault(what, Counter())[value.strip()] += 1


def frontal_view(text: str) -> str:
    """AP, PA or, where the view is not given, nothing; “AP Supine” is AP. Raises Refused for any other view."""
    words = text.strip().upper().split()
    if not words:
        return ""
    if words[0] not in FRONTAL:
        raise Refused(_("Its view is “%(view)s”, not frontal (AP or PA).") % {"view": text.strip()})
    return FRONTAL[words[0]]
