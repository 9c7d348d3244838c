"""What the analysis of a study is given: rows of the database and payloads as plain values of `evaluation`."""

from __future__ import annotations

import platform
from typing import Any, Literal, cast

import django
import numpy as np
import scipy
import torch
from django.utils.translation import gettext as _

from evaluation.readers.reading import Role
from evaluation.study import Arm, Blinding, CaseFilm, Generator, Plan, Remark, StudyInput
from readerstudy import __version__
from readerstudy.archive.models import Split
from readerstudy.reading.models import Cue, OverallRemark
from readerstudy.results.deviations import deviations_of, moment
from readerstudy.results.facts import people_of
from readerstudy.results.remarks import overall_remarks
from readerstudy.results.table import amended_answers, long_table, require_unblinded, table_of_choices
from readerstudy.results.training_films import training_of
from readerstudy.studies import models
from readerstudy.studies.rendering import film_of, frozen_payload


def study_input(study: models.Study) -> StudyInput:
    """Everything that the report of an unblinded study says.

    Raises ValidationError before unblinding, and where a payload is not the one that was frozen.
    """
    require_unblinded(study)
    manifest = study.manifest.content
    amended = amended_answers(study)
    return StudyInput(
        plan=_plan(study, manifest),
        arms=[_arm(arm) for arm in manifest["arms"]],
        readings=long_table(study),
        first_readings=long_table(study, first=True) if amended else [],
        choices=table_of_choices(study),
        first_choices=table_of_choices(study, first=True) if amended else [],
        amended=amended,
        matching=manifest.get("pairs"),
        films=_films(study),
        training=training_of(study, manifest),
        deviations=deviations_of(study),
        cues={cue.value: str(cue.label) for cue in Cue},
        people=people_of(study),
        noticed=_noticed(study),
        blinding=_blinding(study),
        environment=_environment(manifest),
        simulated=study.readers.filter(simulated=True).exists(),
    )


def _blinding(study: models.Study) -> Blinding | None:
    """What the last check of the blinding said; None where there was none."""
    last = study.blinding_checks.first()
    return cast(Blinding, last.outcome) if last else None


def _plan(study: models.Study, manifest: dict[str, Any]) -> Plan:
    assert study.side
    assert study.levels
    return Plan(
        name=study.name,
        title=study.title,
        primary_end_point=cast(Literal["auc", "deception_rate"], study.primary_end_point),
        margin=study.margin,
        margin_reason=study.margin_reason,
        alpha=study.alpha,
        decision_cut=study.decision_cut,
        instruction_text=study.instruction_text,
        instruction_version=study.instruction_version,
        ratio_told=study.ratio_told,
        question=cast(Literal["rating", "confidence", "pairs"], study.question),
        practice_films=study.practice_films,
        practice_feedback=study.practice_feedback,
        repeats=study.repeats,
        repeat_lag=study.repeat_lag,
        block_films=study.block_films,
        sittings=study.sittings,
        washout_days=study.washout_days,
        amend_seconds=study.amend_seconds,
        asked_beside=_asked_beside(study),
        consent_version=study.consent_version if study.consent_text else "",
        purpose_blind_films=study.purpose_blind_films,
        ethics_reference=study.ethics_reference,
        debriefing_version=study.debriefing_version,
        seed=study.seed,
        side=study.side,
        levels=study.levels,
        manifest_hash=study.manifest_hash,
        frozen_at=moment(study.frozen_at),
        closed_at=moment(study.closed_at),
        unblinded_at=moment(study.unblinded_at),
        unblinding_reason=study.unblinding_reason,
        not_known=manifest["not_known"],
        override_reason=study.override_reason,
    )


def _asked_beside(study: models.Study) -> list[str]:
    asked = {
        _("cues, after each film"): study.cues == models.Study.Cues.PER_FILM,
        _("cues, once after the last film"): study.cues == models.Study.Cues.AT_END,
        _("regions on the film, after each rating"): study.regions_asked,
        _("findings with certainty, after each rating"): study.findings_asked,
        _("a remark in words, after each rating"): study.remarks_asked,
    }
    return [what for what, is_asked in asked.items() if is_asked]


def _noticed(study: models.Study) -> list[Remark]:
    before = OverallRemark.Moment.BEFORE_REVEAL
    return [Remark(row.reader.pseudonym, row.text) for row in overall_remarks(study) if row.moment == before]


def _arm(arm: dict[str, Any]) -> Arm:
    return Arm(
        name=arm["name"],
        role=cast(Role, arm["role"]),
        films=arm["films"],
        source=_source(arm),
        selection=_selection(arm),
        finding_shares=arm["finding_shares"],
        finding_targets={finding: share["target"] for finding, share in arm["finding_mix"].items()},
        generators=[_generator(generator, arm["truncations"]) for generator in arm["generators"]],
    )


def _source(arm: dict[str, Any]) -> str:
    split = Split(arm["split"]).label if arm["split"] else ""
    parts = [
        _("collection %(name)s") % {"name": arm["collection"]},
        _("origin %(origin)s") % {"origin": arm["origin"]},
        _("licence %(licence)s") % {"licence": arm["licence"]} if arm["licence"] else "",
        _("split: %(split)s") % {"split": split} if split else "",
    ]
    return ", ".join(part for part in parts if part)


def _selection(arm: dict[str, Any]) -> str:
    rule = models.Arm.Selection(arm["selection"]).label
    parts = [f"{rule}: {arm['selection_detail']}" if arm["selection_detail"] else str(rule)]
    if arm["mix_of"]:
        parts.append(_("to the finding mix of %(collection)s") % {"collection": arm["mix_of"]})
    parts.append(_("from %(candidates)d films") % {"candidates": arm["candidates"]})
    return ", ".join(parts)


def _generator(generator: dict[str, Any], truncations: list[float]) -> Generator:
    truncation = ", ".join(f"{value:g}" for value in truncations)
    return Generator(
        name=generator["name"],
        sha256=generator["sha256"],
        detail=_("%(side)d × %(side)d pixels, trained on %(images)d images, truncation %(truncation)s")
        % {"side": generator["resolution"], "images": generator["images_shown"], "truncation": truncation},
    )


def _films(study: models.Study) -> list[CaseFilm]:
    """Main films that were not withdrawn, nor one that was shown beside them, as readers saw them."""
    assert study.side
    main = models.CaseTruth.objects.filter(study=study, case__kind=models.Case.Kind.MAIN)
    out = main.filter(case__deviations__kind=models.Deviation.Kind.FILM_WITHDRAWN)
    pairs = out.filter(pair__isnull=False).values("pair")
    kept = main.exclude(pk__in=out.values("pk")).exclude(pair__in=pairs)
    return [
        CaseFilm(truth.case.code, truth.arm.name, film_of(frozen_payload(truth.case), study.side), truth.patient)
        for truth in kept.select_related("case__study", "arm").order_by("arm_id", "case__code")
    ]


def _environment(manifest: dict[str, Any]) -> dict[str, str]:
    """Versions at freezing, from the manifest, and now."""
    frozen = {f"{name} ({_('at freezing')})": version for name, version in manifest["versions"].items()}
    now = {
        "readerstudy": __version__,
        "python": platform.python_version(),
        "django": django.get_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
    }
    return now | frozen
