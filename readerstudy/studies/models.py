"""The design of a study, and what freezing makes of it.

Truth has a table of its own (`CaseTruth`): nothing that a reader's browser talks to joins it.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.archive.models import Collection, Radiograph, Split, Truth


def opaque_code() -> str:
    """128 random bits as 22 letters: says nothing of what it stands for, and cannot be guessed."""
    return secrets.token_urlsafe(16)


class Study(models.Model):
    """One reader study: its plan, fixed at freezing, and its state."""

    class State(models.TextChoices):
        DESIGN = "design", _("in design")
        FROZEN = "frozen", _("frozen, open to readers")
        CLOSED = "closed", _("closed")
        UNBLINDED = "unblinded", _("unblinded")

    class EndPoint(models.TextChoices):
        AUC = "auc", _("reader-averaged AUC")
        DECEPTION_RATE = "deception_rate", _("deception rate")

    name = models.SlugField(_("name"), max_length=100, unique=True)
    title = models.CharField(_("title that readers see"), max_length=200)
    seed = models.PositiveBigIntegerField(_("seed"), help_text=_("Draws the films and every reader's order."))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DESIGN, editable=False)

    primary_end_point = models.CharField(_("primary end point"), max_length=20, choices=EndPoint, default=EndPoint.AUC)
    margin = models.FloatField(
        _("equivalence margin"), default=0.1, validators=[MinValueValidator(0.001), MaxValueValidator(0.499)]
    )
    margin_reason = models.TextField(_("reason for the margin"))
    alpha = models.FloatField(_("alpha"), default=0.05, validators=[MinValueValidator(0.0001), MaxValueValidator(0.5)])
    decision_cut = models.PositiveSmallIntegerField(
        _("decision cut"),
        default=4,
        validators=[MinValueValidator(2), MaxValueValidator(6)],
        help_text=_("A film is rated synthetic when the rating is at least this."),
    )
    instruction_text = models.TextField(_("instruction text"))
    instruction_version = models.CharField(_("version of the instruction"), max_length=40)
    ratio_told = models.BooleanField(_("readers are told the share of synthetic films"), default=False)
    repeats = models.PositiveIntegerField(
        _("repeated films per reader"),
        default=0,
        help_text=_("Films shown twice, which tell how steadily a reader rates: 10 to 20 % of the films are usual."),
    )
    practice_films = models.PositiveIntegerField(
        _("practice films per reader"),
        default=0,
        help_text=_("Shown first and left out of the analysis: 6 to 10 are usual."),
    )
    override_reason = models.TextField(
        _("reason for freezing without known patients"),
        blank=True,
        help_text=_("Needed where films or a generator's training films have no known patient; the report prints it."),
    )

    side = models.PositiveIntegerField(_("side of the study's matrix"), null=True, blank=True, editable=False)
    levels = models.PositiveIntegerField(_("levels of the study's grid"), null=True, blank=True, editable=False)
    manifest_hash = models.CharField(_("hash of the manifest"), max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    frozen_at = models.DateTimeField(_("frozen at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)
    unblinded_at = models.DateTimeField(_("unblinded at"), null=True, blank=True, editable=False)
    unblinding_reason = models.TextField(_("reason for unblinding"), blank=True, editable=False)

    class Meta:
        verbose_name = _("study")
        verbose_name_plural = _("studies")
        permissions = [
            ("freeze_study", _("Can freeze a study")),
            ("close_study", _("Can close a study")),
            ("unblind_study", _("Can unblind a study")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(margin__gt=0, margin__lt=0.5), name="margin_in_range"),
            models.CheckConstraint(condition=Q(alpha__gt=0, alpha__lte=0.5), name="alpha_in_range"),
            models.CheckConstraint(condition=Q(decision_cut__gte=2, decision_cut__lte=6), name="cut_on_the_scale"),
            models.CheckConstraint(
                name="state_and_dates_agree",
                condition=Q(state="design", frozen_at=None, closed_at=None, unblinded_at=None, manifest_hash="")
                | Q(
                    state="frozen",
                    frozen_at__isnull=False,
                    closed_at=None,
                    unblinded_at=None,
                    manifest_hash__gt="",
                )
                # A comparison with NULL is neither true nor false and would pass, so each date is asked for by itself.
                | Q(
                    state="closed",
                    frozen_at__isnull=False,
                    closed_at__isnull=False,
                    closed_at__gte=F("frozen_at"),
                    unblinded_at=None,
                )
                | Q(
                    state="unblinded",
                    frozen_at__isnull=False,
                    closed_at__isnull=False,
                    unblinded_at__isnull=False,
                    closed_at__gte=F("frozen_at"),
                    unblinded_at__gte=F("closed_at"),
                    unblinding_reason__gt="",
                ),
            ),
            models.CheckConstraint(
                name="frozen_study_has_matrix_and_grid",
                condition=Q(state="design") | Q(side__isnull=False, levels__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """Where freezing puts the payloads of the cases."""
        return settings.STUDIES / self.name


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

    study = models.ForeignKey(Study, models.PROTECT, related_name="cases", verbose_name=_("study"))
    code = models.CharField(_("code"), max_length=22, unique=True, default=opaque_code)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    payload_hash = models.CharField(_("hash of the payload"), max_length=64)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [models.CheckConstraint(condition=Q(kind__in=["main", "practice"]), name="case_kind_is_known")]

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


class Reader(models.Model):
    """A person enrolled in a study, known by a pseudonym."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="readers", verbose_name=_("study"))
    pseudonym = models.CharField(_("pseudonym"), max_length=20)
    simulated = models.BooleanField(
        _("simulated"), default=False, help_text=_("No person: ratings were drawn by the program.")
    )
    enrolled_at = models.DateTimeField(_("enrolled at"), auto_now_add=True)

    class Meta:
        verbose_name = _("reader")
        verbose_name_plural = _("readers")
        constraints = [models.UniqueConstraint(fields=["study", "pseudonym"], name="pseudonyms_differ")]

    def __str__(self) -> str:
        return self.pseudonym


class ReaderIdentity(models.Model):
    """The one table that knows who a reader is, and can be erased."""

    reader = models.OneToOneField(
        Reader, models.CASCADE, primary_key=True, related_name="identity", verbose_name=_("reader")
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    link_hash = models.CharField(_("hash of the personal link"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("identity of a reader")
        verbose_name_plural = _("identities of readers")

    def __str__(self) -> str:
        return gettext("identity of %(reader)s") % {"reader": self.reader}


class Sitting(models.Model):
    """One time that a reader sits down to read."""

    reader = models.ForeignKey(Reader, models.PROTECT, related_name="sittings", verbose_name=_("reader"))
    number = models.PositiveSmallIntegerField(_("number"), default=1)

    class Meta:
        verbose_name = _("sitting")
        verbose_name_plural = _("sittings")
        constraints = [models.UniqueConstraint(fields=["reader", "number"], name="sittings_are_numbered")]

    def __str__(self) -> str:
        return gettext("sitting %(number)d of %(reader)s") % {"number": self.number, "reader": self.reader}


class SlotQuerySet(models.QuerySet["Slot"]):
    def for_reader(self, reader: Reader) -> SlotQuerySet:
        return self.filter(sitting__reader=reader)

    def open(self) -> SlotQuerySet:
        """Slots without an answer whose film has not been withdrawn."""
        return self.filter(answers=None).exclude(case__deviations__kind=Deviation.Kind.FILM_WITHDRAWN)

    def in_order(self) -> SlotQuerySet:
        return self.order_by("sitting__number", "position")


class Slot(models.Model):
    """One position in one sitting. The order is these rows; it is never computed again."""

    class Kind(models.TextChoices):
        PRACTICE = "practice", _("practice")
        MAIN = "main", _("main")
        REPEAT = "repeat", _("repeat")

    sitting = models.ForeignKey(Sitting, models.PROTECT, related_name="slots", verbose_name=_("sitting"))
    position = models.PositiveIntegerField(_("position"))
    case = models.ForeignKey(Case, models.PROTECT, related_name="slots", verbose_name=_("case"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    code = models.CharField(_("code"), max_length=22, unique=True, default=opaque_code)
    shown_at = models.DateTimeField(_("film first sent at"), null=True, blank=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        constraints = [
            models.UniqueConstraint(fields=["sitting", "position"], name="one_slot_per_position"),
            models.UniqueConstraint(
                fields=["sitting", "case"],
                condition=~Q(kind="repeat"),
                name="a_case_once_per_sitting_but_for_repeats",
            ),
            models.CheckConstraint(condition=Q(kind__in=["practice", "main", "repeat"]), name="slot_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.code


class Deviation(models.Model):
    """What happened after freezing that the design did not foresee; only added to, and printed by the report."""

    class Kind(models.TextChoices):
        FILM_WITHDRAWN = "film_withdrawn", _("film withdrawn")
        READER_WITHDRAWN = "reader_withdrawn", _("reader withdrawn")
        OTHER = "other", _("other")

    study = models.ForeignKey(Study, models.PROTECT, related_name="deviations", verbose_name=_("study"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="deviations", verbose_name=_("case")
    )
    reader = models.ForeignKey(
        Reader, models.PROTECT, null=True, blank=True, related_name="deviations", verbose_name=_("reader")
    )
    reason = models.TextField(_("reason"))
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("deviation")
        verbose_name_plural = _("deviations")
        constraints = [
            models.CheckConstraint(
                name="a_deviation_names_what_it_is_about",
                condition=Q(kind="film_withdrawn", case__isnull=False, reader=None)
                | Q(kind="reader_withdrawn", case=None, reader__isnull=False)
                | Q(kind="other", case=None, reader=None),
            ),
            models.CheckConstraint(condition=Q(reason__gt=""), name="a_deviation_has_a_reason"),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(kind="film_withdrawn"),
                name="a_film_is_withdrawn_once",
                violation_error_message=_("This film has been withdrawn already."),
            ),
            models.UniqueConstraint(
                fields=["reader"],
                condition=Q(kind="reader_withdrawn"),
                name="a_reader_withdraws_once",
                violation_error_message=_("This reader has been withdrawn already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study}: {self.get_kind_display()}"
