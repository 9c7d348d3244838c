"""Analyses of unblinded studies."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from evaluation.report import REPORT
from readerstudy.studies.models import Study, opaque_code


class Analysis(models.Model):
    """One report of one unblinded study. Whoever has its code can read it: a reviewer needs no account.

    The database refuses the row while the study is not unblinded.
    """

    study = models.ForeignKey(Study, models.PROTECT, related_name="analyses", verbose_name=_("study"))
    code = models.CharField(_("code"), max_length=22, unique=True, default=opaque_code)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("analysis")
        verbose_name_plural = _("analyses")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.study}, {localtime(self.created_at):%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        """The address of the page."""
        return reverse("results:report", args=[self.code])

    @property
    def folder(self) -> Path:
        """Holds report.html, report.json, answers.csv and answers.imrmc."""
        return settings.REPORTS / self.code

    @property
    def report(self) -> Path:
        """The page, readable without the server."""
        return self.folder / REPORT
