"""Films in: collections, radiographs, their findings."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gan.findings import FINDINGS, NO_FINDING


class Truth(models.TextChoices):
    REAL = "real", _("real")
    SYNTHETIC = "synthetic", _("synthetic")


class Split(models.TextChoices):
    """Which side of the patient-level split a film is on."""

    UNKNOWN = "", _("not split")
    TRAIN = "train", _("training")
    TEST = "test", _("held out")


class Collection(models.Model):
    """A set of radiographs with one origin, licence and truth."""

    name = models.SlugField(_("name"), max_length=100, unique=True)
    truth = models.CharField(_("truth"), max_length=10, choices=Truth)
    origin = models.CharField(
        _("origin"), max_length=100, help_text=_("Patient ids are the same patient only within one origin.")
    )
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        constraints = [
            models.CheckConstraint(condition=Q(truth__in=Truth.values), name="collection_truth_is_known"),
        ]

    def __str__(self) -> str:
        return self.name


class RadiographQuerySet(models.QuerySet["Radiograph"]):
    def in_split(self, split: str) -> RadiographQuerySet:
        """Films on one side of the split; an empty `split` means all of them."""
        return self.filter(split=split) if split else self


class Radiograph(models.Model):
    """One film: canonical pixels (a 16-bit grey PNG below `settings.FILMS`) plus what is known of it."""

    class Sex(models.TextChoices):
        UNKNOWN = "", _("not known")
        FEMALE = "F", _("female")
        MALE = "M", _("male")
        OTHER = "O", _("other")

    collection = models.ForeignKey(Collection, models.PROTECT, related_name="radiographs", verbose_name=_("collection"))
    source_path = models.CharField(_("path in its source"), max_length=500)
    film = models.CharField(_("file below the films folder"), max_length=200, unique=True)
    film_hash = models.CharField(_("hash of the canonical pixels"), max_length=64, db_index=True)
    side = models.PositiveIntegerField(_("side of the canonical matrix, in pixels"))
    native_rows = models.PositiveIntegerField(_("rows as published"))
    native_columns = models.PositiveIntegerField(_("columns as published"))
    levels = models.PositiveIntegerField(_("grey levels that the source can hold"))
    patient = models.CharField(_("patient's pseudonym"), max_length=64, blank=True, db_index=True)
    phantom_seed = models.BigIntegerField(_("seed of the phantom"), null=True, blank=True)
    age = models.PositiveSmallIntegerField(_("age in years"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex, blank=True)
    view = models.CharField(_("view"), max_length=10, blank=True)
    split = models.CharField(_("split"), max_length=5, choices=Split, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = RadiographQuerySet.as_manager()

    class Meta:
        verbose_name = _("radiograph")
        verbose_name_plural = _("radiographs")
        constraints = [
            models.UniqueConstraint(fields=["collection", "source_path"], name="one_film_per_source_path"),
            models.UniqueConstraint(fields=["collection", "film_hash"], name="no_exact_duplicate_in_a_collection"),
            models.CheckConstraint(condition=Q(split__in=Split.values), name="split_is_known"),
            models.CheckConstraint(condition=Q(side__gte=1, side__lte=1024), name="canonical_side_at_most_1024"),
            models.CheckConstraint(condition=Q(levels__gte=2, levels__lte=65536), name="levels_fit_16_bits"),
        ]

    def __str__(self) -> str:
        return self.source_path

    @property
    def path(self) -> Path:
        """Where the canonical pixels lie."""
        return settings.FILMS / self.film


class RadiographFinding(models.Model):
    """One label of one film. A film without any has unknown findings; “No Finding” is a label of its own."""

    radiograph = models.ForeignKey(Radiograph, models.CASCADE, related_name="findings", verbose_name=_("radiograph"))
    finding = models.CharField(_("finding"), max_length=20, choices=[(name, name) for name in (*FINDINGS, NO_FINDING)])

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = [
            models.UniqueConstraint(fields=["radiograph", "finding"], name="a_finding_once_per_film"),
            models.CheckConstraint(condition=Q(finding__in=(*FINDINGS, NO_FINDING)), name="finding_is_known"),
        ]

    def __str__(self) -> str:
        return self.finding
