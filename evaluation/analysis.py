"""The analysis of one study: all of its figures as plain values, ready for JSON and for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from evaluation import wording
from evaluation.answer import answer
from evaluation.comparison import beside, of_ratings
from evaluation.cues import cue_counts
from evaluation.images.extractors import Extractor, Texture
from evaluation.of_films import figures_of_films
from evaluation.of_pairs import figures_of_pairs
from evaluation.readers.agreed import intra_reader
from evaluation.readers.all_readers import overall
from evaluation.readers.arms import LATER_SITTINGS, later_sittings_as_repeats, main_readings
from evaluation.readers.controls import CONTROL_ROLES, against_reals, lacking
from evaluation.readers.options import Options
from evaluation.readers.ratings import ratings_of
from evaluation.readers.summary import summarise
from evaluation.study import Arm, StudyInput

Json = dict[str, Any]
Progress = Callable[[int, int], None]


def analyse(study: StudyInput, extractor: Extractor | None = None, progress: Progress | None = None) -> Json:
    """All figures of a study; `extractor` is the weights-free texture where none is given.

    `progress` is called with the films whose features are done and their number (`of_films.films_to_measure`). Raises
    ValueError where no main film of a real or generator arm was read, or where a reader rated a case twice.
    """
    of_pairs = study.plan.question == "pairs"
    readers = (figures_of_pairs if of_pairs else _figures_of_ratings)(study, _doubts_of_blinding(study))
    images = figures_of_films(study, extractor or Texture(), progress)
    warnings = [*readers.pop("warnings"), *images["warnings"]]
    return {
        "plan": asdict(study.plan),
        "arms": [asdict(arm) | {"truth": arm.truth} for arm in study.arms],
        "deviations": [asdict(deviation) for deviation in study.deviations],
        "environment": dict(study.environment),
        "blinding": study.blinding,
        "simulated": study.simulated,
        "amended": study.amended,
        "people": [asdict(person) for person in study.people],
        "noticed": [asdict(remark) for remark in study.noticed],
        "finding_mix": _finding_mix(study.arms),
        "images": images,
        "comparison": beside(readers.pop("by_arm"), images["arms"]),
        **readers,
        "warnings": list(dict.fromkeys(warnings)),
    }


# Readers


def _figures_of_ratings(study: StudyInput, doubts: Sequence[str]) -> Json:
    """All that ratings say; `doubts` is what a claim of equivalence lacks beside the control."""
    plan = study.plan
    rated = study.readings
    study = replace(
        study,
        readings=later_sittings_as_repeats(rated),
        first_readings=later_sittings_as_repeats(study.first_readings),
    )
    options = Options(
        scale=plan.scale,
        cut=plan.decision_cut,
        margin=plan.margin,
        alpha=plan.alpha,
        unmet=(),
    )
    warnings = [LATER_SITTINGS] if len(main_readings(study.readings)) < len(main_readings(rated)) else []
    controls = _controls(study, options)
    options = replace(options, unmet=(*lacking(controls), *doubts))
    readers = summarise(study.readings, options)
    arms = _arms(study, options)
    by_arm = arms | _of_controls(controls)
    return {
        "answer": answer(plan, readers),
        "readers": readers,
        "reader_figures_by_arm": arms,
        "arm_comparison": _arm_comparison(study, options),
        "controls": controls,
        "repeats": intra_reader(study.readings, options),
        "first_answers": _first_answers(study, options),
        "ratings": _ratings(study),
        "cue_counts": cue_counts(study.readings, study.cues, plan.decision_cut),
        "by_arm": {arm.name: of_ratings(by_arm.get(arm.name)) for arm in study.arms if arm.role != "real"},
        "warnings": [*warnings, *_not_read(study), *readers["warnings"]],
    }


def _arms(study: StudyInput, options: Options) -> dict[str, Json]:
    """Figures over readers of every generator arm beside the real films."""
    main = main_readings(study.readings)
    real = [reading for reading in main if reading.truth == "real"]
    figures = {}
    for arm in _with_role(study.arms, "generator"):
        own = [reading for reading in main if reading.arm == arm.name]
        if own and real:
            warnings: list[str] = []
            figures[arm.name] = overall(ratings_of([*real, *own]), options, warnings) | {"warnings": warnings}
    return figures


def _arm_comparison(study: StudyInput, options: Options) -> Json | None:
    """Generator arms against each other; None where there is only one."""
    if len(_with_role(study.arms, "generator")) < 2:
        return None
    figures = summarise(study.readings, replace(options, arms="arm"))
    return {name: figures[name] for name in ("comparison", "comparison_overall", "warnings")}


def _controls(study: StudyInput, options: Options) -> list[Json]:
    """Each control arm against the real films; `detected` says whether readers were shown to tell it from them."""
    return [
        {"arm": arm.name, "role": arm.role, "films": arm.films} | against_reals(study.readings, arm.name, options)
        for arm in study.arms
        if arm.role in CONTROL_ROLES
    ]


def _doubts_of_blinding(study: StudyInput) -> tuple[str, ...]:
    """What a claim of equivalence lacks for want of a passed check. The margin was fixed at freezing."""
    doubts = {None: wording.BLINDING_NOT_CHECKED, "open": wording.BLINDING_OPEN, "leak": wording.BLINDING_FAILED}
    return (doubts[study.blinding],) if study.blinding in doubts else ()


def _of_controls(controls: Sequence[Json]) -> dict[str, Json]:
    return {control["arm"]: {"obuchowski_rockette": control["auc"]} for control in controls}


def _first_answers(study: StudyInput, options: Options) -> Json | None:
    """The primary figure from first answers in place of last ones; None where no answer was amended."""
    if not study.first_readings:
        return None
    figures = overall(ratings_of(main_readings(study.first_readings)), options, [])
    return {"obuchowski_rockette": figures["obuchowski_rockette"], "reader_means": figures["reader_means"]}


def _ratings(study: StudyInput) -> Json:
    """How often each rating was given, by role of the arm; main readings."""
    low, high = study.plan.scale
    counts: dict[str, Counter[float]] = {}
    for reading in study.readings:
        if reading.kind == "main":
            counts.setdefault(reading.role, Counter())[reading.rating] += 1
    return {role: {str(rating): counts[role][rating] for rating in range(low, high + 1)} for role in counts}


def _not_read(study: StudyInput) -> list[str]:
    """A sentence for every reader who did not read all main films of the real and generator arms."""
    roles = {arm.name: arm.role for arm in study.arms}
    shown = {film.case for film in study.films if roles[film.arm] in ("real", "generator")}
    read = Counter(reading.reader for reading in main_readings(study.readings))
    return [
        f"Reader {reader} rated {count} of {len(shown)} main films; the others are left out of this reader's figures."
        for reader, count in read.items()
        if count < len(shown)
    ]


# Films


def _finding_mix(arms: Sequence[Arm]) -> list[Json]:
    """By finding: the share in every arm with known findings, what was asked for, and the widest gap to it."""
    known = [arm for arm in arms if arm.finding_shares]
    findings = sorted({finding for arm in known for finding in (*arm.finding_shares, *arm.finding_targets)})
    mix = []
    for finding in findings:
        shares = {arm.name: arm.finding_shares.get(finding, 0.0) for arm in known}
        targets = {arm.name: arm.finding_targets.get(finding, 0.0) for arm in known if arm.finding_targets}
        gaps = [shares[name] - target for name, target in targets.items()]
        mix.append(
            {
                "finding": finding,
                "shares": shares,
                "targets": targets,
                "largest_gap": max(gaps, key=abs) if gaps else None,
            }
        )
    return mix


def _with_role(arms: Sequence[Arm], role: str) -> list[Arm]:
    return [arm for arm in arms if arm.role == role]
