"""What freezing makes of the films that were drawn: payloads on one matrix and one grid, and the manifest."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django
import numpy as np
import torch
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from gan.pixels import Film, film_hash, read_film
from readerstudy import __version__
from readerstudy.archive.models import Radiograph
from readerstudy.progress import Progress
from readerstudy.studies.drawing import DrawnCase, Selection, Source, profiles_of
from readerstudy.studies.models import Arm, Case, Study
from readerstudy.studies.pixel_check import MeasuredFilm, pixel_report, refuse_what_tells
from readerstudy.studies.pixel_features import pixel_features
from readerstudy.studies.rendering import (
    BLACK,
    BLOCKS_ACROSS,
    Form,
    block_side,
    common_margin,
    common_step,
    fault_of_payload,
    film_of,
    grey_step,
    margin_of,
    payload_hash,
    render,
    side_inside,
)
from readerstudy.studies.selection import finding_shares

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
class Rendered:
    """The payloads of a study, by code of their case, and what they have in common."""

    form: Form
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


def render_cases(selection: Selection, folder: Path, progress: Progress) -> Rendered:
    """Write one payload per case into `folder`, all on one matrix and one grid of grey levels.

    Raises ValidationError where a film is missing or is not the one that the archive knows, and where the edges of the
    films tell their truth.
    """
    films = Radiograph.objects.in_bulk([case.candidate.radiograph for case in selection.cases])
    form = _common_form(selection, list(films.values()))
    hashes = {}
    main_films = []
    progress.start(len(selection.cases), _("Rendering cases"))
    for case in selection.cases:
        film = read_radiograph(films[case.candidate.radiograph])
        seed = f"{case.arm.study.seed}:{case.candidate.film_hash}"
        degraded = case.arm.role == Arm.Role.CONTROL_DEGRADED
        payload = render(film, form, seed=seed, degraded=degraded)
        path = folder / f"{case.code}.bin"
        path.write_bytes(payload)
        fault = fault_of_payload(path, form.side, form.levels)
        if fault:
            raise ValidationError(
                _("A case of arm “%(arm)s” was rendered to %(fault)s; check the space on the disk and freeze again.")
                % {"arm": case.arm.name, "fault": fault}
            )
        hashes[case.code] = payload_hash(payload)
        if case.kind == Case.Kind.MAIN:
            features = pixel_features(film_of(payload, form.side), form.levels, form.noise)
            main_films.append(MeasuredFilm(case.arm, features))
        progress.advance()
    refuse_what_tells(main_films)
    return Rendered(form, hashes, main_films)


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
        "pairs": asdict(selection.matching) if selection.matching else None,
        "side": rendered.form.side,
        "levels": rendered.form.levels,
        "margin": rendered.form.margin,
        "black": BLACK,
        "dither": {
            "rule": "normal noise in every film, seeded by the study and the film, mirrored at black and white",
            "standard_deviation": rendered.form.noise,
        },
        "pixels": pixel_report(rendered.main_films),
        "degradation": {
            "rule": f"mean over square blocks, at most {BLOCKS_ACROSS} across",
            "block_side": block_side(rendered.form.side),
        },
        "cases": [
            {
                "code": case.code,
                "kind": case.kind.value,
                "arm": case.arm.name,
                "pair": case.pair,
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


def _common_form(selection: Selection, films: list[Radiograph]) -> Form:
    """The smallest native matrix inside the common margin, the coarsest grid, and the noise that the films need."""
    margin = common_margin(margin_of(read_radiograph(film)) for film in films)
    generators = [generator for source in selection.sources for generator in source.generators.values()]
    natives = [min(film.side, film.native_rows, film.native_columns) for film in films]
    side = min(side_inside(native, margin) for native in [*natives, *(g.resolution for g in generators)])
    levels = min([*(film.levels for film in films), *(generator.levels for generator in generators)])
    # Resampling leaves no gaps between greys.
    as_they_are = [film for film in films if side_inside(film.side, margin) == side]
    step = common_step([grey_step(read_radiograph(film), side, margin) for film in as_they_are], levels)
    return Form(side, levels, margin, step)


def read_radiograph(radiograph: Radiograph) -> Film:
    """The canonical film. Raises ValidationError where it is missing or is not the one that the archive knows."""
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
    return finding_shares(list(profiles_of(arm.mix_of, arm.mix_split).values()))
