"""Generators, the runs that trained them, and the films they drew."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.archive.models import Collection, Radiograph, Split


class TrainingRun(models.Model):
    """One training of a network on the films of one collection; its checkpoints lie below `settings.RUNS`."""

    name = models.SlugField(_("name"), max_length=100, unique=True)
    collection = models.ForeignKey(
        Collection, models.PROTECT, related_name="training_runs", verbose_name=_("collection")
    )
    split = models.CharField(_("split"), max_length=5, choices=Split, blank=True)
    config = models.JSONField(_("configuration"))
    images_shown = models.PositiveBigIntegerField(_("images shown"), default=0)
    images_per_second = models.FloatField(_("images per second"), null=True, blank=True)
    reported_at = models.DateTimeField(_("last heard of"), null=True, blank=True)
    stop_requested = models.BooleanField(_("asked to stop"), default=False)
    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        return settings.RUNS / self.name


class Reference(models.TextChoices):
    """Which real films those that a run draws are set against."""

    HELD_OUT = "held-out", _("held-out films")
    TRAINING = "training", _("training films")


class RunMeasurement(models.Model):
    """How far the films that a run drew at one moment are from real ones, with the circumstances of that figure.

    `frechet` and `floor` (real against real) are estimates at one `n`, with 95 % limits.
    """

    run = models.ForeignKey(TrainingRun, models.PROTECT, related_name="measurements", verbose_name=_("training run"))
    images_shown = models.PositiveBigIntegerField(_("images shown"))
    resolution = models.PositiveIntegerField(_("resolution"))
    alpha = models.FloatField(_("weight of that resolution"))
    n = models.PositiveIntegerField(_("films a side"))
    frechet = models.FloatField(_("Fréchet distance"))
    frechet_low = models.FloatField(_("its lower limit"))
    frechet_high = models.FloatField(_("its upper limit"))
    floor = models.FloatField(_("real against real"))
    floor_low = models.FloatField(_("lower limit of real against real"))
    floor_high = models.FloatField(_("upper limit of real against real"))
    reference = models.CharField(_("reference"), max_length=10, choices=Reference)
    protocol = models.TextField(_("how it was measured"))
    measured_at = models.DateTimeField(_("measured at"), auto_now_add=True)

    class Meta:
        verbose_name = _("measurement of a run")
        verbose_name_plural = _("measurements of runs")
        ordering = ["run", "images_shown"]
        constraints = [
            models.UniqueConstraint(fields=["run", "images_shown"], name="a_moment_of_a_run_is_measured_once"),
            models.CheckConstraint(condition=Q(n__gte=2), name="a_distance_needs_two_films_a_side"),
            models.CheckConstraint(condition=Q(alpha__gte=0, alpha__lte=1), name="measured_alpha_in_range"),
            models.CheckConstraint(
                condition=Q(reference__in=Reference.values), name="reference_of_a_measurement_is_known"
            ),
            models.CheckConstraint(
                condition=Q(frechet_low__gte=0, frechet_low__lte=F("frechet_high"))
                & Q(floor_low__gte=0, floor_low__lte=F("floor_high")),
                name="limits_of_measurements_are_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run}:{self.images_shown}"


class Generator(models.Model):
    """One checkpoint that can draw."""

    name = models.SlugField(_("name"), max_length=100, unique=True)
    run = models.ForeignKey(
        TrainingRun,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="generators",
        verbose_name=_("training run"),
    )
    path = models.CharField(_("weights file"), max_length=500)
    sha256 = models.CharField(_("SHA-256 of the weights"), max_length=64, unique=True)
    resolution = models.PositiveIntegerField(_("resolution"))
    levels = models.PositiveIntegerField(_("grey levels of its training films"))
    images_shown = models.PositiveBigIntegerField(_("images shown"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("generator")
        verbose_name_plural = _("generators")
        constraints = [
            models.CheckConstraint(
                condition=Q(resolution__gte=4, resolution__lte=1024), name="generator_resolution_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def file(self) -> Path:
        """The weights: below `settings.HOME`, with which they move, or where `path` says in full."""
        return settings.HOME / self.path


class Batch(models.Model):
    """Radiographs drawn from one generator, with what is needed to draw them again."""

    generator = models.ForeignKey(Generator, models.PROTECT, related_name="batches", verbose_name=_("generator"))
    collection = models.ForeignKey(Collection, models.PROTECT, related_name="batches", verbose_name=_("collection"))
    first_seed = models.BigIntegerField(_("first seed"))
    count = models.PositiveIntegerField(_("number of films"))
    truncation = models.FloatField(_("truncation"), default=1.0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        constraints = [
            models.CheckConstraint(condition=Q(truncation__gt=0, truncation__lte=1), name="truncation_in_range"),
            models.CheckConstraint(condition=Q(count__gte=1), name="a_batch_has_films"),
        ]

    def __str__(self) -> str:
        return gettext("%(count)d films by %(generator)s from seed %(seed)d") % {
            "count": self.count,
            "generator": self.generator,
            "seed": self.first_seed,
        }


class DrawnFilm(models.Model):
    """The seed behind one synthetic radiograph."""

    radiograph = models.OneToOneField(Radiograph, models.PROTECT, related_name="drawn", verbose_name=_("radiograph"))
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="films", verbose_name=_("batch"))
    seed = models.BigIntegerField(_("seed"))

    class Meta:
        verbose_name = _("drawn film")
        verbose_name_plural = _("drawn films")
        constraints = [models.UniqueConstraint(fields=["batch", "seed"], name="a_seed_once_per_batch")]

    def __str__(self) -> str:
        return f"{self.batch_id}:{self.seed}"
