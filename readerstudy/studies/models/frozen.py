"""What freezing makes of a design.

Truth has a table of its own (`CaseTruth`): nothing that a reader's browser talks to joins it.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.archive.models import Radiograph
from readerstudy.studies.models.arm import Arm
from readerstudy.studies.models.study import Study


def opaque_code() -> str:
    """128 random bits as 22 letters: says nothing of what it stands for, and cannot be guessed.

    It never begins with a dash, which a command line would take for an option.
    """
    while (code := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return code


class Manifest(models.Model):
    """What freezing fixed, case by case. It holds truth, so it is a table of its own and shares truth's permission."""

    study = models.OneToOneField(
        Study, models.PROTECT, primary_key=True, related_name="manifest", verbose_name=_("study")
    )
    content = models.JSONField(_("content"))

    class Meta:
        verbose_name = _("manifest")
        verbose_name_plural = _("manifests")

    def __str__(self) -> str:
        return gettext("manifest of %(study)s") % {"study": self.study}


class Case(models.Model):
    """A radiograph in a study, as the reading room knows it: a code and a payload, no truth."""

    class Kind(models.TextChoices):
        MAIN = "main", _("main")
        PRACTICE = "practice", _("practice")
        PURPOSE_BLIND = "purpose_blind", _("purpose-blind phase")

    study = models.ForeignKey(Study, models.PROTECT, related_name="cases", verbose_name=_("study"))
    code = models.CharField(_("code"), max_length=22, unique=True, default=opaque_code)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    payload_hash = models.CharField(_("hash of the payload"), max_length=64)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["main", "practice", "purpose_blind"]), name="case_kind_is_known"
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def path(self) -> Path:
        """The payload: side × side little-endian 16-bit grey levels, row by row, nothing else."""
        return self.study.folder / f"{self.code}.bin"


class CaseTruth(models.Model):
    """Where a case came from. Has its own permission; joined to answers only after unblinding."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="truth", verbose_name=_("case"))
    study = models.ForeignKey(Study, models.PROTECT, related_name="+", verbose_name=_("study"))
    arm = models.ForeignKey(Arm, models.PROTECT, related_name="cases", verbose_name=_("arm"))
    radiograph = models.ForeignKey(Radiograph, models.PROTECT, related_name="+", verbose_name=_("radiograph"))
    patient = models.CharField(_("patient's pseudonym"), max_length=64, blank=True)
    pair = models.PositiveIntegerField(
        _("pair"),
        null=True,
        blank=True,
        help_text=_("In a study of pairs, a real and a synthetic case share a number."),
    )

    class Meta:
        verbose_name = _("truth of a case")
        verbose_name_plural = _("truths of cases")
        constraints = [
            models.UniqueConstraint(fields=["study", "radiograph"], name="a_film_is_one_case"),
            models.UniqueConstraint(
                fields=["study", "patient"], condition=~Q(patient=""), name="a_patient_is_one_case"
            ),
        ]

    def __str__(self) -> str:
        # Names no case: the admin prints this beside a radiograph that it refuses to delete.
        return str(_("truth of a case"))
