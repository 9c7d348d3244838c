"""The figures of a study of pairs, in which readers choose the synthetic film of two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from evaluation.answer import answer_of_pairs
from evaluation.comparison import of_choices
from evaluation.readers.controls import lacking
from evaluation.readers.pairs import (
    PairReading,
    controls_of_pairs,
    later_choices_as_repeats,
    main_choices,
    repeated_choices,
    summarise_pairs,
)
from evaluation.study import StudyInput

Json = dict[str, Any]

LATER_SITTINGS = "Pairs that a reader saw in several sittings count in the first; the others are repeats."


def figures_of_pairs(study: StudyInput, doubts: Sequence[str]) -> Json:
    """All that the choices of a study say; `doubts` is what a claim of equivalence lacks beside the control.

    Raises ValueError where nobody chose in a main pair.
    """
    plan = study.plan
    controls = controls_of_pairs(study.choices)
    unmet = (*lacking(controls), *doubts)

    def summary(rows: Sequence[PairReading]) -> Json:
        return summarise_pairs(rows, plan.margin, plan.alpha, unmet)

    choices = summary(study.choices)
    arms = {arm.name: over for arm in study.arms if (over := _of_arm(study, arm.name, summary))}
    by_arm = arms | {control["arm"]: control["overall"] for control in controls}
    return {
        "answer": answer_of_pairs(choices),
        "choices": choices,
        "choices_by_arm": arms,
        "controls": controls,
        "repeats": repeated_choices(study.choices),
        "first_answers": summary(study.first_choices)["overall"] if study.first_choices else None,
        "matching": study.matching,
        "cue_counts": None,
        "by_arm": {arm.name: of_choices(by_arm.get(arm.name)) for arm in study.arms if arm.role != "real"},
        "warnings": [*_later_sittings(study), *_not_read(study), *choices["warnings"]],
    }


def _of_arm(study: StudyInput, arm: str, summary: Callable[[Sequence[PairReading]], Json]) -> Json | None:
    """The figures over readers of one generator arm; None where nobody read it."""
    own = [reading for reading in main_choices(study.choices) if reading.arm == arm]
    return summary(own)["overall"] if own else None


def _later_sittings(study: StudyInput) -> list[str]:
    main = sum(reading.kind == "main" for reading in study.choices)
    kept = sum(reading.kind == "main" for reading in later_choices_as_repeats(study.choices))
    return [LATER_SITTINGS] if kept < main else []


def _not_read(study: StudyInput) -> list[str]:
    """A sentence for every reader who did not choose in all main pairs of the generator arms."""
    generators = {arm.name for arm in study.arms if arm.role == "generator"}
    shown = sum(film.arm in generators for film in study.films)
    read = Counter(reading.reader for reading in main_choices(study.choices))
    return [
        f"Reader {reader} chose in {count} of {shown} main pairs; the others are left out of this reader's figures."
        for reader, count in read.items()
        if count < shown
    ]
