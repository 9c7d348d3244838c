"""What freezing works out before anything is written: which films, on which matrix and grid, and the manifest."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import django
import numpy as np
import torch
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from gan.pixels import Film, film_hash, read_film
from readerstudy import __version__
from readerstudy.archive.models import Collection, Radiograph, RadiographFinding
from readerstudy.progress import Progress
from readerstudy.studies import held_out
from readerstudy.studies.models import Arm, Case, Study, opaque_code
from readerstudy.studies.ordering import most_repeats
from readerstudy.studies.pixel_check import MeasuredFilm, pixel_report, refuse_what_tells
from readerstudy.studies.pixel_features import pixel_features
from readerstudy.studies.rendering import (
    BLOCKS_ACROSS,
    DITHER,
    block_side,
    common_step,
    fault_of_payload,
    film_of,
    grey_step,
    payload_hash,
    render,
)
from readerstudy.studies.selection import Candidate, Draw, Profile, TooFewFilms, finding_shares, profile_shares
from readerstudy.synthesis.models import Batch, Generator

MANIFEST_VERSION = 2
PLAN = (
    "name",
    "title",
    "seed",
    "primary_end_point",
    "margin",
    "margin_reason",
    "alpha",
    "decision_cut",
    "instruction_text",
    "instruction_version",
    "ratio_told",
    "question",
    "practice_films",
    "practice_feedback",
    "repeats",
    "repeat_lag",
    "block_films",
    "sittings",
    "washout_days",
    "amend_seconds",
    "cues",
    "regions_asked",
    "findings_asked",
    "remarks_asked",
    "purpose_blind_films",
    "purpose_blind_title",
    "purpose_blind_instruction",
    "purpose_blind_consent",
    "ethics_reference",
    "debriefing_text",
    "debriefing_version",
    "consent_text",
    "consent_version",
    "profile_asked",
    "display_asked",
    "smallest_width",
    "smallest_height",
    "small_screen",
    "link_days",
    "link_use",
    "results_shown",
    "override_reason",
)


@dataclass(frozen=True)
class Source:
    """What one arm draws from."""

    arm: Arm
    candidates: list[Candidate]
    batches: dict[int, Batch] = field(default_factory=dict)
    """The batch of every synthetic film that a registered generator drew, by radiograph."""

    @property
    def generators(self) -> dict[int, Generator]:
        return {batch.generator_id: batch.generator for batch in self.batches.values()}


@dataclass(frozen=True)
class DrawnCase:
    """A film that was drawn into a study, under the code that its case will carry."""

    arm: Arm
    kind: Case.Kind
    candidate: Candidate
    code: str = field(default_factory=opaque_code)
    pair: int | None = None
    """The number that two films share which are shown side by side."""


@dataclass(frozen=True)
class Selection:
    """The films of a study, before they are rendered."""

    sources: list[Source]
    cases: list[DrawnCase]
    gaps: list[str]
    """What is not known of patients and generators; sentences."""


@dataclass(frozen=True)
class Rendered:
    """The payloads of a study, by code of their case, and what they have in common."""

    side: int
    levels: int
    step: float
    """What the noise in every payload is measured by: see `common_step`."""
    payload_hashes: dict[str, str]
    main_films: list[MeasuredFilm]


def design_of(study: Study) -> dict[str, Any]:
    """The plan and the arms as plain values."""
    arms = study.arms.select_related("collection", "mix_of").order_by("pk")
    return {
        "plan": {name: getattr(study, name) for name in PLAN},
        "arms": [
            {
                "name": arm.name,
                "role": arm.role,
                "collection": arm.collection.name,
                "origin": arm.collection.origin,
                "licence": arm.collection.licence,
                "split": arm.split,
                "films": arm.films,
                "selection": arm.selection,
                "selection_detail": arm.selection_detail,
                "mix_of": arm.mix_of.name if arm.mix_of else "",
                "mix_split": arm.mix_split,
            }
            for arm in arms
        ],
    }


def draw_films(study: Study) -> Selection:
    """Draw the films of every arm, of the practice and of a purpose-blind phase by the study's seed; main films first.

    No patient comes twice.

    Raises ValidationError where the design does not allow it.
    """
    sources = [_source(arm) for arm in study.arms.select_related("collection", "mix_of").order_by("pk")]
    _check_roles(study, sources)
    gaps = _check_held_out(study, sources)
    draw = Draw()
    cases = []
    for source in sources:
        random = Random(f"{study.seed}:{source.arm.name}")
        drawn = _draw(source, draw, source.arm.films, random)
        cases += [DrawnCase(source.arm, Case.Kind.MAIN, candidate) for candidate in drawn]
    for kind, films in (
        (Case.Kind.PRACTICE, study.practice_films),
        (Case.Kind.PURPOSE_BLIND, study.purpose_blind_films),
    ):
        for source, count in _in_turn(sources, films):
            random = Random(f"{study.seed}:{source.arm.name}:{kind}")
            drawn = _draw(source, draw, count, random, beside=True)
            cases += [DrawnCase(source.arm, kind, candidate) for candidate in drawn]
    return Selection(sources, cases, gaps)


def render_cases(selection: Selection, folder: Path, progress: Progress) -> Rendered:
    """Write one payload per case into `folder`, all on one matrix and one grid of grey levels.

    Raises ValidationError where a film is missing or is not the one that the archive knows, and where the edges of the
    films tell their truth.
    """
    films = Radiograph.objects.in_bulk([case.candidate.radiograph for case in selection.cases])
    side, levels = _matrix_and_grid(selection, films.values())
    # Resampling leaves no gaps between greys.
    as_they_are = [film for film in films.values() if film.side == side]
    step = common_step([grey_step(_read(film), side) for film in as_they_are], levels)
    hashes = {}
    main_films = []
    progress.start(len(selection.cases), _("Rendering cases"))
    for case in selection.cases:
        film = _read(films[case.candidate.radiograph])
        seed = f"{case.arm.study.seed}:{case.candidate.film_hash}"
        degraded = case.arm.role == Arm.Role.CONTROL_DEGRADED
        payload = render(film, side, levels, step=step, seed=seed, degraded=degraded)
        path = folder / f"{case.code}.bin"
        path.write_bytes(payload)
        fault = fault_of_payload(path, side, levels)
        if fault:
            raise ValidationError(
                _("A case of arm “%(arm)s” was rendered to %(fault)s; check the space on the disk and freeze again.")
                % {"arm": case.arm.name, "fault": fault}
            )
        hashes[case.code] = payload_hash(payload)
        if case.kind == Case.Kind.MAIN:
            features = pixel_features(film_of(payload, side), levels, noise=DITHER * step)
            main_films.append(MeasuredFilm(case.arm, features))
        progress.advance()
    refuse_what_tells(main_films)
    return Rendered(side, levels, step, hashes, main_films)


def manifest_of(study: Study, selection: Selection, rendered: Rendered) -> dict[str, Any]:
    """Everything that freezing fixes, as plain values. It holds truth: see `Manifest`."""
    design = design_of(study)
    by_arm = defaultdict(list)
    for case in selection.cases:
        by_arm[case.arm.name].append(case)
    arms = [
        plain | _what_was_drawn(source, by_arm[source.arm.name])
        for plain, source in zip(design["arms"], selection.sources, strict=True)
    ]
    return {
        "version": MANIFEST_VERSION,
        "plan": design["plan"],
        "arms": arms,
        "not_known": selection.gaps,
        "side": rendered.side,
        "levels": rendered.levels,
        "dither": {
            "rule": "normal noise in every film, seeded by the study and the film, mirrored at black and white",
            "standard_deviation": DITHER * rendered.step,
        },
        "pixels": pixel_report(rendered.main_films),
        "degradation": {
            "rule": f"mean over square blocks, at most {BLOCKS_ACROSS} across",
            "block_side": block_side(rendered.side),
        },
        "cases": [
            {
                "code": case.code,
                "kind": case.kind.value,
                "arm": case.arm.name,
                "film_hash": case.candidate.film_hash,
                "patient": case.candidate.patient,
                "payload_hash": rendered.payload_hashes[case.code],
            }
            for case in sorted(selection.cases, key=lambda case: case.code)
        ],
        "versions": {
            "readerstudy": __version__,
            "python": platform.python_version(),
            "django": django.get_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
    }


def manifest_hash(manifest: dict[str, Any]) -> str:
    """SHA-256 over the manifest as JSON with sorted keys and no spaces, in UTF-8."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _source(arm: Arm) -> Source:
    films = Radiograph.objects.filter(collection=arm.collection).in_split(arm.split)
    profiles = _profiles(arm.collection, arm.split)
    rows = films.values_list("pk", "film_hash", "patient", "phantom_seed")
    candidates = [Candidate(*row, profile=profiles.get(row[0], ())) for row in rows]
    return Source(arm, candidates, {} if arm.is_real else _batches(arm.collection))


def _batches(collection: Collection) -> dict[int, Batch]:
    batches = {batch.pk: batch for batch in collection.batches.select_related("generator")}
    drawn = Radiograph.objects.filter(collection=collection, drawn__batch__in=batches)
    return {radiograph: batches[batch] for radiograph, batch in drawn.values_list("pk", "drawn__batch")}


def _profiles(collection: Collection, split: str) -> dict[int, Profile]:
    films = Radiograph.objects.filter(collection=collection).in_split(split)
    rows = RadiographFinding.objects.filter(radiograph__in=films).order_by("finding")
    profiles: dict[int, list[str]] = defaultdict(list)
    for radiograph, finding in rows.values_list("radiograph", "finding"):
        profiles[radiograph].append(finding)
    return {radiograph: tuple(findings) for radiograph, findings in profiles.items()}


def _check_roles(study: Study, sources: list[Source]) -> None:
    roles = {source.arm.role for source in sources}
    for role in (Arm.Role.REAL, Arm.Role.GENERATOR):
        if role not in roles:
            raise ValidationError(
                _("The study has no arm with the role “%(role)s”; add one before freezing.") % {"role": role.label}
            )
    main = sum(source.arm.films for source in sources)
    shown = main // 2 if study.of_pairs else main
    most = most_repeats(shown, study.repeat_lag)
    if study.repeats > most:
        raise ValidationError(
            _("At most %(most)d of the %(main)d films can be repeated with films between, not %(repeats)d.")
            % {"most": most, "main": shown, "repeats": study.repeats}
        )
    for source in sources:
        _check_truncation(source)


def _check_truncation(source: Source) -> None:
    """Films that were drawn with truncation are not a plain random draw, and the other way round."""
    truncated = Counter(batch.truncation < 1 for batch in source.batches.values())
    if source.arm.selection == Arm.Selection.RANDOM and truncated[True]:
        raise ValidationError(
            _(
                "%(count)d films of arm “%(arm)s” were drawn with truncation; choose the selection rule “truncation” "
                "or another collection."
            )
            % {"count": truncated[True], "arm": source.arm.name}
        )
    if source.arm.selection == Arm.Selection.TRUNCATION and truncated[False]:
        raise ValidationError(
            _(
                "%(count)d films of arm “%(arm)s” were drawn without truncation; choose the selection rule “random” "
                "or another collection."
            )
            % {"count": truncated[False], "arm": source.arm.name}
        )


def _check_held_out(study: Study, sources: list[Source]) -> list[str]:
    """Refuse what a generator has seen; return what is not known, which needs the study's override."""
    generators = {pk: generator for source in sources for pk, generator in source.generators.items()}
    training = [held_out.training_films(generator) for generator in generators.values()]
    real = [source for source in sources if source.arm.is_real]
    for source in real:
        held_out.require_held_out(source.arm, source.candidates, training)
    gaps = held_out.what_is_not_known(
        [(source.arm, source.candidates) for source in real],
        training,
        [(s.arm, len(s.candidates) - len(s.batches)) for s in sources if not s.arm.is_real],
        [source.arm for source in sources if source.arm.selection == Arm.Selection.CLASSIFIER],
    )
    if gaps and not study.override_reason:
        raise ValidationError(
            _("It is not known that the real films were held out. %(gaps)s Give a reason for freezing all the same.")
            % {"gaps": " ".join(gaps)}
        )
    return gaps


def _in_turn(sources: list[Source], films: int) -> list[tuple[Source, int]]:
    """How many films beside the main ones each arm gives: real and synthetic in turn, arms of one kind in turn.

    Controls give none.
    """
    kinds = [[source for source in sources if source.arm.role == role] for role in (Arm.Role.REAL, Arm.Role.GENERATOR)]
    counts: Counter[str] = Counter()
    for number in range(films):
        arms = kinds[number % 2]
        counts[arms[number // 2 % len(arms)].arm.name] += 1
    return [(source, counts[source.arm.name]) for source in sources if counts[source.arm.name]]


def _draw(source: Source, draw: Draw, count: int, random: Random, *, beside: bool = False) -> list[Candidate]:
    arm = source.arm
    try:
        if arm.mix_of is None or beside:
            return draw.plainly(source.candidates, count, random)
        mix = profile_shares(_profiles(arm.mix_of, arm.mix_split).values())
        return draw.to_mix(source.candidates, count, mix, random)
    except TooFewFilms as error:
        raise ValidationError(
            _(
                "Arm “%(arm)s” needs %(count)d films of patients that are not yet in the study, but of the %(films)s "
                "in collection “%(collection)s” only %(available)d are left; ask for fewer or for others."
            )
            % {
                "arm": arm.name,
                "count": count,
                "films": _("films with the split “%(split)s”") % {"split": arm.get_split_display()}
                if arm.split
                else _("films"),
                "collection": arm.collection,
                "available": error.available,
            }
        ) from error


def _matrix_and_grid(selection: Selection, films: Iterable[Radiograph]) -> tuple[int, int]:
    """The smallest native matrix and the coarsest grid of any film or generator of the study."""
    generators = [generator for source in selection.sources for generator in source.generators.values()]
    sides = [min(film.side, film.native_rows, film.native_columns) for film in films]
    side = min([*sides, *(generator.resolution for generator in generators)])
    levels = min([*(film.levels for film in films), *(generator.levels for generator in generators)])
    return side, levels


def _read(radiograph: Radiograph) -> Film:
    try:
        film = read_film(radiograph.path)
    except (OSError, ValueError) as error:
        raise ValidationError(
            _("The film %(film)s cannot be read (%(reason)s); import it again.")
            % {"film": radiograph.path, "reason": error}
        ) from error
    if film_hash(film) != radiograph.film_hash:
        raise ValidationError(
            _("The film %(film)s has changed since it came into the archive; import it again.")
            % {"film": radiograph.path}
        )
    return film


def _what_was_drawn(source: Source, cases: list[DrawnCase]) -> dict[str, Any]:
    main = [case.candidate for case in cases if case.kind == Case.Kind.MAIN]
    drawn = finding_shares([candidate.profile for candidate in main])
    target = _target(source.arm)
    return {
        "candidates": len(source.candidates),
        "candidate_patients": len({candidate.patient for candidate in source.candidates if candidate.patient}),
        "practice_films": sum(case.kind == Case.Kind.PRACTICE for case in cases),
        "purpose_blind_films": sum(case.kind == Case.Kind.PURPOSE_BLIND for case in cases),
        "finding_shares": drawn,
        "finding_mix": {
            finding: {"target": share, "drawn": drawn.get(finding, 0.0)} for finding, share in target.items()
        },
        "generators": [
            {
                "name": generator.name,
                "sha256": generator.sha256,
                "resolution": generator.resolution,
                "images_shown": generator.images_shown,
            }
            for generator in source.generators.values()
        ],
        "truncations": sorted({batch.truncation for batch in source.batches.values()}),
    }


def _target(arm: Arm) -> dict[str, float]:
    if arm.mix_of is None:
        return {}
    return finding_shares(list(_profiles(arm.mix_of, arm.mix_split).values()))
