"""Analyses of unblinded studies."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from readerstudy.studies.models import Study, opaque_code


class Analysis(models.Model):
    """One report of one unblinded study. Whoever has its code can read it: a reviewer needs no account."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="analyses", verbose_name=_("study"))
    code = models.CharField(_("code"), max_length=22, unique=True, default=opaque_code)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("analysis")
        verbose_name_plural = _("analyses")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.study_id}:{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def folder(self) -> Path:
        """Holds report.html, report.json and answers.csv."""
        return settings.REPORTS / self.code
