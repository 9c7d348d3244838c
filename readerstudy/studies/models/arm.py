"""The sources of a study's films."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from readerstudy.archive.models import Collection, Split, Truth
from readerstudy.studies.models.study import Study


class Arm(models.Model):
    """One source inside a study."""

    class Role(models.TextChoices):
        REAL = "real", _("real")
        GENERATOR = "generator", _("generator")
        CONTROL_DEGRADED = "control-degraded", _("degraded control")
        CONTROL_REAL = "control-real", _("real control")

    class Selection(models.TextChoices):
        """How films come into the arm. Hand-picking is not among them."""

        RANDOM = "random", _("plain random draw")
        TRUNCATION = "truncation", _("random draw with truncation")
        CLASSIFIER = "classifier", _("accepted by a classifier")

    class FromSplit(models.TextChoices):
        """Which films of a collection are meant: the values of `Split`, where none leaves all in."""

        ALL = "", _("all films")
        TRAIN = Split.TRAIN.value, Split.TRAIN.label
        TEST = Split.TEST.value, Split.TEST.label

    study = models.ForeignKey(Study, models.CASCADE, related_name="arms", verbose_name=_("study"))
    name = models.SlugField(_("name"), max_length=60)
    role = models.CharField(
        _("role"),
        max_length=20,
        choices=Role,
        help_text=_(
            "A study needs a real arm and a generator; a claim of equivalence needs a degraded control as well, which "
            "shows that the readers could have told."
        ),
    )
    collection = models.ForeignKey(Collection, models.PROTECT, related_name="arms", verbose_name=_("collection"))
    split = models.CharField(_("only films of this split"), max_length=5, choices=FromSplit, blank=True)
    films = models.PositiveIntegerField(_("number of films"), validators=[MinValueValidator(1)])
    selection = models.CharField(
        _("selection rule"),
        max_length=20,
        choices=Selection,
        default=Selection.RANDOM,
        error_messages={
            "invalid_choice": _(
                "“%(value)s” is refused: films are never hand-picked; choose random, truncation or classifier."
            )
        },
    )
    selection_detail = models.CharField(_("detail of the selection rule"), max_length=300, blank=True)
    mix_of = models.ForeignKey(
        Collection,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("finding mix of"),
        help_text=_("Films are drawn to the finding mix of this collection, as far as they allow."),
    )
    mix_split = models.CharField(_("split of the finding mix"), max_length=5, choices=FromSplit, blank=True)

    class Meta:
        verbose_name = _("arm")
        verbose_name_plural = _("arms")
        constraints = [
            models.UniqueConstraint(fields=["study", "name"], name="arm_names_differ"),
            models.CheckConstraint(condition=Q(films__gte=1), name="an_arm_has_films"),
            models.CheckConstraint(
                condition=Q(role__in=["real", "generator", "control-degraded", "control-real"]),
                name="role_is_known",
            ),
            models.CheckConstraint(
                condition=Q(selection__in=["random", "truncation", "classifier"]), name="no_hand_picked_films"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_real(self) -> bool:
        return self.role in (self.Role.REAL, self.Role.CONTROL_REAL)

    def clean(self) -> None:
        """Refuse a role, a selection rule or a finding mix that does not fit the collection."""
        if self.collection_id and (self.collection.truth == Truth.REAL) != self.is_real:
            raise ValidationError(
                _("Arm “%(arm)s” has the role “%(role)s”, but the films of collection “%(collection)s” are %(truth)s.")
                % {
                    "arm": self.name,
                    "role": self.get_role_display(),
                    "collection": self.collection,
                    "truth": self.collection.get_truth_display(),
                }
            )
        if self.is_real and self.selection != self.Selection.RANDOM:
            raise ValidationError(
                _("Arm “%(arm)s” holds real films, which are always drawn plainly at random.") % {"arm": self.name}
            )
        if self.selection != self.Selection.RANDOM and not self.selection_detail:
            raise ValidationError(
                _("Say in the detail of arm “%(arm)s” by which truncation or classifier its films were selected.")
                % {"arm": self.name}
            )
        if self.mix_split and not self.mix_of_id:
            raise ValidationError(
                _("Arm “%(arm)s” names a split of the finding mix, but no collection to take the mix of.")
                % {"arm": self.name}
            )
