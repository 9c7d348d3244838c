"""Classifiers of findings, labelled archives of films that were steered to a finding, and what reviewers said."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from readerstudy.archive.models import Collection, Radiograph
from readerstudy.synthesis.models import Generator


class Classifier(models.Model):
    """One classifier of findings: weights that say, in the JSON beside them, on whose films they were trained."""

    name = models.SlugField(_("name"), max_length=100, unique=True)
    path = models.CharField(_("weights file"), max_length=500)
    sha256 = models.CharField(_("SHA-256 of the weights"), max_length=64, unique=True)
    network = models.CharField(_("network"), max_length=40)
    side = models.PositiveIntegerField(_("side of the films that it takes, in pixels"))
    findings = models.JSONField(_("findings"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("classifier")
        verbose_name_plural = _("classifiers")
        constraints = [
            models.CheckConstraint(condition=Q(side__gte=16, side__lte=1024), name="classifier_side_in_range"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def file(self) -> Path:
        """The weights: below `settings.HOME`, with which they move, or where `path` says in full."""
        return settings.HOME / self.path


class LabelledArchive(models.Model):
    """Synthetic films of wanted findings, steered there by latent class optimisation; the films are one collection.

    Generator, classifiers, `settings` and `seed` fix what the archive holds, however often its building is interrupted.
    """

    collection = models.OneToOneField(
        Collection, models.PROTECT, related_name="labelled_archive", verbose_name=_("collection")
    )
    generator = models.ForeignKey(
        Generator, models.PROTECT, related_name="labelled_archives", verbose_name=_("generator")
    )
    settings = models.JSONField(_("settings of the steering"))
    seed = models.BigIntegerField(_("seed"), validators=[MinValueValidator(0)])
    code_version = models.CharField(_("version of the program"), max_length=100)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("labelled archive")
        verbose_name_plural = _("labelled archives")
        constraints = [models.CheckConstraint(condition=Q(seed__gte=0), name="archive_seed_is_not_negative")]

    def __str__(self) -> str:
        return self.collection.name


class Part(models.TextChoices):
    """What a classifier does for an archive. One that had a hand in a film never judges it."""

    STEERS = "steers", _("steers")
    ACCEPTS = "accepts", _("accepts")
    JUDGES = "judges", _("judges")


class ArchiveClassifier(models.Model):
    """Which classifier had which part in an archive: any number steer, one accepts, at most one judges."""

    archive = models.ForeignKey(LabelledArchive, models.CASCADE, related_name="parts", verbose_name=_("archive"))
    classifier = models.ForeignKey(Classifier, models.PROTECT, related_name="parts", verbose_name=_("classifier"))
    part = models.CharField(_("part"), max_length=7, choices=Part)

    class Meta:
        verbose_name = _("classifier of an archive")
        verbose_name_plural = _("classifiers of archives")
        constraints = [
            models.UniqueConstraint(fields=["archive", "classifier"], name="a_classifier_has_one_part_in_an_archive"),
            models.UniqueConstraint(
                fields=["archive"], condition=Q(part=Part.ACCEPTS), name="one_classifier_accepts_in_an_archive"
            ),
            models.UniqueConstraint(
                fields=["archive"], condition=Q(part=Part.JUDGES), name="one_classifier_judges_an_archive"
            ),
            models.CheckConstraint(condition=Q(part__in=Part.values), name="part_of_a_classifier_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.classifier} {self.get_part_display()} {self.archive}"


class Goal(models.Model):
    """So many films of an archive that show all findings of `present` and none of `absent` (joined by |)."""

    archive = models.ForeignKey(LabelledArchive, models.CASCADE, related_name="goals", verbose_name=_("archive"))
    position = models.PositiveSmallIntegerField(_("position"))
    present = models.CharField(_("findings to show"), max_length=300)
    absent = models.CharField(_("findings not to show"), max_length=300, blank=True)
    films_wanted = models.PositiveIntegerField(_("films wanted"))
    attempts_allowed = models.PositiveIntegerField(_("attempts allowed"))

    class Meta:
        verbose_name = _("goal of an archive")
        verbose_name_plural = _("goals of archives")
        ordering = ["archive", "position"]
        constraints = [
            models.UniqueConstraint(fields=["archive", "position"], name="a_position_once_per_archive"),
            models.UniqueConstraint(fields=["archive", "present", "absent"], name="a_goal_once_per_archive"),
            models.CheckConstraint(condition=~Q(present=""), name="a_goal_shows_something"),
            models.CheckConstraint(
                condition=Q(films_wanted__gte=1, attempts_allowed__gte=F("films_wanted")), name="a_goal_can_be_reached"
            ),
        ]

    def __str__(self) -> str:
        return " ".join([self.present.replace("|", " + "), *(f"− {name}" for name in self.absent.split("|") if name)])


class Block(models.Model):
    """Attempts that were optimised together, in the order of their seeds: what an interrupted building goes on after.

    `surplus` were accepted, but their goal had all its films already. `forward_equivalents` is what the block cost:
    one for each film that went forward through a network, two for each that came back.
    """

    goal = models.ForeignKey(Goal, models.CASCADE, related_name="blocks", verbose_name=_("goal"))
    number = models.PositiveIntegerField(_("number"))
    attempts = models.PositiveIntegerField(_("attempts"))
    accepted = models.PositiveIntegerField(_("films accepted"))
    rejected = models.PositiveIntegerField(_("films rejected"))
    surplus = models.PositiveIntegerField(_("films left over"), default=0)
    forward_equivalents = models.PositiveBigIntegerField(_("cost in forward equivalents"))

    class Meta:
        verbose_name = _("block of attempts")
        verbose_name_plural = _("blocks of attempts")
        ordering = ["goal", "number"]
        constraints = [
            models.UniqueConstraint(fields=["goal", "number"], name="a_block_once_per_goal"),
            models.CheckConstraint(
                condition=Q(attempts=F("accepted") + F("rejected") + F("surplus")), name="every_attempt_is_counted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.goal_id}:{self.number}"


class SteeredFilm(models.Model):
    """One accepted film: where its latent began and ended, and what each classifier said of the finding wanted.

    Scores are calibrated logits by finding; `distance` is the angle in radians between the first latent and the last.
    `latent` holds little-endian single-precision floats.
    """

    radiograph = models.OneToOneField(Radiograph, models.PROTECT, related_name="steered", verbose_name=_("radiograph"))
    goal = models.ForeignKey(Goal, models.PROTECT, related_name="films", verbose_name=_("goal"))
    seed = models.BigIntegerField(_("seed of the first latent"))
    latent = models.BinaryField(_("latent"))
    steps = models.PositiveIntegerField(_("steps"))
    distance = models.FloatField(_("distance moved"))
    steering_scores = models.JSONField(_("scores of the steering classifiers"))
    accepting_scores = models.JSONField(_("scores of the accepting classifier"))
    judging_scores = models.JSONField(_("scores of the judging classifier"), null=True, blank=True)

    class Meta:
        verbose_name = _("steered film")
        verbose_name_plural = _("steered films")
        ordering = ["goal", "seed"]
        constraints = [models.UniqueConstraint(fields=["goal", "seed"], name="a_seed_once_per_goal")]

    def __str__(self) -> str:
        return f"{self.goal_id}:{self.seed}"


class FilmReview(models.Model):
    """What one reviewer said of one steered film. Only ever added to: a reviewer's last row on a film counts.

    A row that takes the verdict back leaves the film as if the reviewer had said nothing.
    """

    class Verdict(models.TextChoices):
        PLAUSIBLE = "plausible", _("plausible")
        IMPLAUSIBLE = "implausible", _("implausible")
        ARTEFACT = "artefact", _("artefact")
        TAKEN_BACK = "taken back", _("taken back")

    film = models.ForeignKey(SteeredFilm, models.PROTECT, related_name="reviews", verbose_name=_("film"))
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="film_reviews", verbose_name=_("reviewer")
    )
    verdict = models.CharField(_("verdict"), max_length=11, choices=Verdict)
    tubes = models.BooleanField(
        _("a tube is seen"),
        null=True,
        blank=True,
        help_text=_("Asked for a pneumothorax: classifiers take the drain for the finding."),
    )
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        verbose_name = _("review of a film")
        verbose_name_plural = _("reviews of films")
        ordering = ["film", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["plausible", "implausible", "artefact", "taken back"]), name="verdict_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.film_id}: {self.get_verdict_display()}"
