"""What an import says at its end."""

from __future__ import annotations

from dataclasses import dataclass, field


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
