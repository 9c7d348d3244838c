"""What readers go by: how often each cue was named, for films that are synthetic and for real ones taken for such."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.readers.arms import main_readings
from evaluation.readers.reading import Reading

COLUMN = "cues"
"""The column of the long table that holds the names of the cues of one reading, joined with |."""


def cue_counts(readings: Sequence[Reading], words: Mapping[str, str], cut: float) -> dict[str, Any] | None:
    """By cue: in how many main readings that said “synthetic” it was named; None where no reading tells of cues.

    `hits` are readings of synthetic films, `false_alarms` those of real ones; `of_hits` and `of_false_alarms` say how
    many there are in all. `words` gives the check-list in its order. A reading can name several cues, or none.
    """
    rated_synthetic = [row for row in main_readings(readings) if row.rating >= cut and COLUMN in row.extra]
    if not rated_synthetic:
        return None
    named: dict[str, Counter[str]] = {"real": Counter(), "synthetic": Counter()}
    readings_of = Counter(row.truth for row in rated_synthetic)
    for row in rated_synthetic:
        named[row.truth].update(filter(None, row.extra[COLUMN].split("|")))
    return {
        "of_hits": readings_of["synthetic"],
        "of_false_alarms": readings_of["real"],
        "cues": [
            {"cue": label, "hits": named["synthetic"][name], "false_alarms": named["real"][name]}
            for name, label in words.items()
        ],
    }
