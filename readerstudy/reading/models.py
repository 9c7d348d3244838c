"""What readers said."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from readerstudy.studies.models import Slot


class Rating(models.IntegerChoices):
    """Six anchors, no midpoint; rises towards synthetic."""

    DEFINITELY_REAL = 1, _("Definitely real")
    PROBABLY_REAL = 2, _("Probably real")
    POSSIBLY_REAL = 3, _("Possibly real")
    POSSIBLY_SYNTHETIC = 4, _("Possibly synthetic")
    PROBABLY_SYNTHETIC = 5, _("Probably synthetic")
    DEFINITELY_SYNTHETIC = 6, _("Definitely synthetic")


class Answer(models.Model):
    """What a reader said for one slot; written once, never changed: an amendment is a row of its own."""

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="answers", verbose_name=_("slot"))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    rating = models.PositiveSmallIntegerField(_("rating"), choices=Rating)
    milliseconds = models.PositiveIntegerField(
        _("milliseconds from the drawn film to the answer, as the browser counted")
    )
    answered_at = models.DateTimeField(_("answered at"), auto_now_add=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["slot", "revision"], name="one_answer_per_slot_and_revision"),
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=6), name="rating_on_the_scale"),
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}: {self.rating}"
