"""What an import says at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _


@dataclass
class ImportSummary:
    """Every film that was found is counted once: found = imported + duplicates + refused + already present."""

    found: int
    imported: int = 0
    duplicates: int = 0
    already_present: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Why each film did not come in, by its path in the source."""
    doubts: dict[str, str] = field(default_factory=dict)
    """What a person should look at in films that came in."""
    notes: list[str] = field(default_factory=list)
    """What is to be said of the source as a whole."""

    def counts(self) -> dict[str, int]:
        return {
            "found": self.found,
            "imported": self.imported,
            "exact_duplicates": self.duplicates,
            "refused": len(self.refused),
            "already_present": self.already_present,
        }

    def sentences(self) -> Iterator[str]:
        """All that a person is told, the count last."""
        for path, reason in self.refused.items():
            yield _("Refused: %(path)s: %(reason)s") % {"path": path, "reason": reason}
        for path, doubt in self.doubts.items():
            yield _("To be looked at: %(path)s: %(doubt)s") % {"path": path, "doubt": doubt}
        yield from self.notes
        yield (
            _(
                "Found %(found)d = imported %(imported)d + exact duplicates %(exact_duplicates)d + "
                "refused %(refused)d + already present %(already_present)d."
            )
            % self.counts()
        )
