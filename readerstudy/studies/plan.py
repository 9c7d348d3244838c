"""A study's design as a person writes it down: a TOML file, or the options of a command."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from readerstudy.archive.services import find_collection
from readerstudy.studies import texts
from readerstudy.studies.models import Study
from readerstudy.studies.services import ArmPlan, StudyPlan, add_arm, create_study


def read_plan(path: Path) -> dict[str, Any]:
    """Read a plan: the fields of a study, and a table `[[arms]]` for each arm. Raises ValidationError."""
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ValidationError(
            _("The plan %(path)s is not TOML: %(reason)s.") % {"path": path, "reason": error}
        ) from error


def read_text(path: Path) -> str:
    """The text of a file in UTF-8. Raises ValidationError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValidationError(
            _("The file %(path)s cannot be read: %(reason)s.") % {"path": path, "reason": error}
        ) from error


def build_study(plan: Mapping[str, Any], *, actor: str) -> Study:
    """Create the study of a plan with all its arms, or nothing. Raises ValidationError for what the plan gets wrong."""
    question = str(plan.get("question", Study.Question.RATING))
    instruction = texts.INSTRUCTIONS.get(question, texts.INSTRUCTION)
    fields = {"instruction_text": instruction, "instruction_version": texts.TEXTS_VERSION} | dict(plan)
    arms = fields.pop("arms", [])
    if not (isinstance(arms, list) and all(isinstance(arm, Mapping) for arm in arms)):
        raise ValidationError(_("The arms of a plan are tables; write [[arms]] above the fields of each."))
    _refuse_unknown(fields, StudyPlan.__annotations__, _("The plan"))
    _refuse_not_finite(fields)
    with transaction.atomic():
        study = create_study(actor=actor, **fields)
        for arm in arms:
            _refuse_unknown(arm, ArmPlan.__annotations__, _("An arm of the plan"))
            add_arm(study=study, actor=actor, **_with_collections(arm))
    return study


def _with_collections(arm: Mapping[str, Any]) -> Any:
    named = {key: find_collection(arm[key]) for key in ("collection", "mix_of") if arm.get(key)}
    return dict(arm) | named


def _refuse_not_finite(fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValidationError(
                _("%(field)s must be a finite number, not %(value)s.") % {"field": name, "value": value}
            )


def _refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValidationError(
            _("%(where)s has fields that a study does not know: %(unknown)s; it knows %(known)s.")
            % {"where": where, "unknown": ", ".join(unknown), "known": ", ".join(known)}
        )
