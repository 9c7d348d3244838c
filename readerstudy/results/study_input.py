"""What the analysis of a study is given: rows of the database and payloads as plain values of `evaluation`."""

from __future__ import annotations

import platform
from typing import Any, Literal, cast

import django
import numpy as np
import scipy
import torch
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluation.readers.reading import Role
from evaluation.study import Arm, CaseFilm, Deviation, Generator, Plan, StudyInput
from readerstudy import __version__
from readerstudy.archive.models import Split
from readerstudy.reading.models import Answer
from readerstudy.results.table import long_table, require_unblinded, unanswered
from readerstudy.studies import models
from readerstudy.studies.rendering import film_of, frozen_payload


def study_input(study: models.Study) -> StudyInput:
    """Everything that the report of an unblinded study says.

    Raises ValidationError before unblinding, and where a payload is not the one that was frozen.
    """
    require_unblinded(study)
    manifest = study.manifest.content
    amended = Answer.objects.filter(slot__sitting__reader__study=study, revision__gt=1).exists()
    return StudyInput(
        plan=_plan(study, manifest),
        arms=[_arm(arm) for arm in manifest["arms"]],
        readings=long_table(study),
        first_readings=long_table(study, first=True) if amended else [],
        films=_films(study),
        deviations=_deviations(study),
        environment=_environment(manifest),
        simulated=study.readers.filter(simulated=True).exists(),
    )


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
        repeats=study.repeats,
        practice_films=study.practice_films,
        seed=study.seed,
        side=study.side,
        levels=study.levels,
        manifest_hash=study.manifest_hash,
        frozen_at=_moment(study.frozen_at),
        closed_at=_moment(study.closed_at),
        unblinded_at=_moment(study.unblinded_at),
        unblinding_reason=study.unblinding_reason,
        not_known=manifest["not_known"],
        override_reason=study.override_reason,
    )


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
    """Main films that were not withdrawn, as readers saw them."""
    assert study.side
    kept = models.CaseTruth.objects.filter(study=study, case__kind=models.Case.Kind.MAIN).exclude(
        case__deviations__kind=models.Deviation.Kind.FILM_WITHDRAWN
    )
    return [
        CaseFilm(truth.case.code, truth.arm.name, film_of(frozen_payload(truth.case), study.side), truth.patient)
        for truth in kept.select_related("case__study", "arm").order_by("arm_id", "case__code")
    ]


def _deviations(study: models.Study) -> list[Deviation]:
    """Recorded deviations, and the slots that nobody answered."""
    rows = [_deviation(row) for row in study.deviations.select_related("case", "reader").order_by("pk")]
    missing = unanswered(study)
    if missing:
        reason = ngettext(
            "%(count)d film of the readers' lists was not rated.",
            "%(count)d films of the readers' lists were not rated.",
            missing,
        ) % {"count": missing}
        rows.append(Deviation(kind=_("not read"), reason=reason, at=_moment(study.closed_at)))
    return rows


def _deviation(row: models.Deviation) -> Deviation:
    slots = {
        models.Deviation.Kind.FILM_WITHDRAWN: Q(slot__case=row.case_id),
        models.Deviation.Kind.READER_WITHDRAWN: Q(slot__sitting__reader=row.reader_id),
    }.get(models.Deviation.Kind(row.kind))
    left_out = Answer.objects.filter(slots).values("slot").distinct().count() if slots else 0
    about = row.case.code if row.case else row.reader.pseudonym if row.reader else ""
    return Deviation(
        kind=row.get_kind_display(), reason=row.reason, at=_moment(row.at), about=about, readings_left_out=left_out
    )


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


def _moment(at: Any) -> str:
    return date_format(localtime(at), "j F Y, H:i T") if at else ""
