"""Analyses of unblinded studies."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
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


class BlindingCheck(models.Model):
    """What a reader's browser could tell of a study beside the picture, when somebody measured it."""

    class Outcome(models.TextChoices):
        PASSED = "passed", _("nothing tells truth")
        OPEN = "open", _("nothing was found, by too few films to exclude it")
        LEAK = "leak", _("something tells truth")

    study = models.ForeignKey(Study, models.PROTECT, related_name="blinding_checks", verbose_name=_("study"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    figures = models.JSONField(_("figures"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("check of blinding")
        verbose_name_plural = _("checks of blinding")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=["passed", "open", "leak"]), name="outcome_is_known")
        ]

    def __str__(self) -> str:
        return f"{self.study}, {localtime(self.created_at):%Y-%m-%d %H:%M}: {self.get_outcome_display()}"
