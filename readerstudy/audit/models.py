"""The append-only log: who did what, when. People are pseudonyms or staff accounts here, never names."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditRow(models.Model):
    """One act. Rows are only ever added; triggers in the database hold that."""

    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    actor = models.CharField(
        _("actor"), max_length=150, help_text=_("A staff account, a reader's pseudonym, or “command”.")
    )
    action = models.CharField(_("action"), max_length=60)
    subject = models.CharField(
        _("subject"), max_length=200, db_index=True, help_text=_("What it was done to, such as “study:demo”.")
    )
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit row")
        verbose_name_plural = _("audit rows")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.subject}"


def record(*, actor: str, action: str, subject: str, **detail: Any) -> AuditRow:
    """Write one row. Call it inside the transaction of the act itself."""
    return AuditRow.objects.create(actor=actor, action=action, subject=subject, detail=detail)
