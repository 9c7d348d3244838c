"""The design of a study: its plan, fixed at freezing, and its state."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from readerstudy.studies import texts

# A washout or a link of ten years is a slip of the pen, and far longer ones lie beyond the calendar.
MOST_DAYS = 3650


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

    class Question(models.TextChoices):
        """What is asked of a film."""

        RATING = "rating", _("six-point rating")
        CONFIDENCE = "confidence", _("real or synthetic, then how sure")
        PAIRS = "pairs", _("which of two films is synthetic")

    class Cues(models.TextChoices):
        """When the check-list of cues is asked for. It teaches, so it never comes before a rating is locked."""

        NEVER = "", _("not asked")
        PER_FILM = "film", _("after each film")
        AT_END = "end", _("once, after the last film")

    class SmallScreen(models.TextChoices):
        FLAG = "flag", _("may read, and is flagged")
        REFUSE = "refuse", _("is refused")

    class LinkUse(models.TextChoices):
        ANY = "any", _("as often as the reader likes")
        ONCE = "once", _("once; each return needs a new link")

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
    question = models.CharField(_("question"), max_length=20, choices=Question, default=Question.RATING)
    practice_films = models.PositiveIntegerField(
        _("practice films per reader"),
        default=0,
        help_text=_("Shown first and left out of the analysis: 6 to 10 are usual. In a study of pairs, films count."),
    )
    practice_feedback = models.BooleanField(
        _("practice films are followed by the truth"),
        default=False,
        help_text=_("Feedback teaches: in one study it raised the accuracy from 61 to 80 %."),
    )
    repeats = models.PositiveIntegerField(
        _("repeated films per reader"),
        default=0,
        help_text=_("Films shown twice, which tell how steadily a reader rates: 10 to 20 % of the films are usual."),
    )
    repeat_lag = models.PositiveIntegerField(
        _("films between a film and its repeat, at least"),
        default=10,
        help_text=_("Where a study has few films, a third of them."),
    )
    block_films = models.PositiveIntegerField(
        _("films before a pause"), default=50, help_text=_("At most 50 to 60 are usual; 0 makes no pauses.")
    )
    sittings = models.PositiveSmallIntegerField(
        _("sittings"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text=_("In each a reader reads all films of the study, in a new order."),
    )
    washout_days = models.PositiveIntegerField(
        _("days between sittings, at least"),
        default=28,
        validators=[MaxValueValidator(MOST_DAYS)],
        help_text=_("At least four weeks are usual."),
    )
    amend_seconds = models.PositiveIntegerField(
        _("seconds in which the last answer can be amended"),
        default=0,
        help_text=_("0 locks each answer at once. An amendment is stored beside the first answer."),
    )

    cues = models.CharField(_("check-list of cues"), max_length=10, choices=Cues, default=Cues.NEVER, blank=True)
    regions_asked = models.BooleanField(_("regions are marked on the film after the rating"), default=False)
    findings_asked = models.BooleanField(_("findings with certainty are asked after the rating"), default=False)
    remarks_asked = models.BooleanField(_("a remark in words is asked after the rating"), default=False)

    purpose_blind_films = models.PositiveIntegerField(
        _("films of a purpose-blind phase"),
        default=0,
        help_text=_(
            "Read first, for findings only, by readers who are not told that films may be synthetic; then they are."
        ),
    )
    purpose_blind_title = models.CharField(
        _("title in the purpose-blind phase"), max_length=200, default=texts.purpose_blind_title, blank=True
    )
    purpose_blind_instruction = models.TextField(
        _("instruction of the purpose-blind phase"), default=texts.purpose_blind_instruction, blank=True
    )
    purpose_blind_consent = models.TextField(
        _("consent text of the purpose-blind phase"), default=texts.purpose_blind_consent, blank=True
    )
    ethics_reference = models.CharField(
        _("reference of the ethics committee"),
        max_length=200,
        blank=True,
        help_text=_("A study with a purpose-blind phase cannot be frozen without."),
    )
    debriefing_text = models.TextField(
        _("debriefing"),
        default=texts.debriefing,
        blank=True,
        help_text=_("Shown after a purpose-blind phase, and beside a reader's own results."),
    )
    debriefing_version = models.CharField(
        _("version of the debriefing"), max_length=40, default=texts.TEXTS_VERSION, blank=True
    )

    consent_text = models.TextField(
        _("consent text"),
        default=texts.consent,
        blank=True,
        help_text=_("Empty where consent is taken elsewhere."),
    )
    consent_version = models.CharField(
        _("version of the consent text"), max_length=40, default=texts.TEXTS_VERSION, blank=True
    )
    profile_asked = models.BooleanField(_("readers are asked for experience and subspecialty"), default=True)
    display_asked = models.BooleanField(_("readers check and declare their display"), default=True)
    smallest_width = models.PositiveIntegerField(_("smallest screen: pixels across"), default=1024)
    smallest_height = models.PositiveIntegerField(_("smallest screen: pixels down"), default=600)
    small_screen = models.CharField(_("a smaller screen"), max_length=10, choices=SmallScreen, default=SmallScreen.FLAG)
    link_days = models.PositiveIntegerField(
        _("days for which a personal link is valid"),
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)],
    )
    link_use = models.CharField(_("a personal link opens"), max_length=10, choices=LinkUse, default=LinkUse.ANY)
    results_shown = models.BooleanField(_("after unblinding, readers see their own results"), default=False)
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
                condition=Q(question__in=["rating", "confidence", "pairs"]), name="question_is_known"
            ),
            models.CheckConstraint(condition=Q(cues__in=["", "film", "end"]), name="cues_are_known"),
            models.CheckConstraint(condition=Q(small_screen__in=["flag", "refuse"]), name="small_screen_is_known"),
            models.CheckConstraint(condition=Q(link_use__in=["any", "once"]), name="link_use_is_known"),
            models.CheckConstraint(condition=Q(sittings__gte=1, sittings__lte=9), name="sittings_in_range"),
            models.CheckConstraint(condition=Q(link_days__gte=1), name="a_link_is_valid_for_a_day"),
            models.CheckConstraint(
                name="nothing_is_amended_after_cues",
                condition=Q(amend_seconds=0)
                | (~Q(cues="film") & Q(regions_asked=False, findings_asked=False, remarks_asked=False)),
                violation_error_message=_(
                    "What is asked after a rating teaches, so the rating is locked before; let answers be amended, or "
                    "ask more after each film, but not both."
                ),
            ),
            models.CheckConstraint(
                name="regions_and_findings_are_of_one_film",
                condition=~Q(question="pairs") | Q(regions_asked=False, findings_asked=False),
                violation_error_message=_("Regions and findings are asked of single films, not of pairs."),
            ),
            models.CheckConstraint(
                name="purpose_blind_needs_ethics",
                condition=Q(state="design") | Q(purpose_blind_films=0) | Q(ethics_reference__gt=""),
            ),
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
    def of_pairs(self) -> bool:
        """Whether two films are shown at a time."""
        return self.question == self.Question.PAIRS

    @property
    def asks_after_rating(self) -> bool:
        """Whether more is asked of each film once its rating is locked."""
        return bool(self.cues == self.Cues.PER_FILM or self.regions_asked or self.findings_asked or self.remarks_asked)

    def clean(self) -> None:
        """Refuse what does not go together, and texts that are missing where they will be shown."""
        if self.instruction_text in set(texts.INSTRUCTIONS.values()) - {texts.INSTRUCTIONS.get(self.question)}:
            message = _("This instruction is for another question; tell readers what this study asks, for instance: %s")
            raise ValidationError({"instruction_text": message % texts.INSTRUCTIONS.get(self.question, "")})
        if self.small_screen == self.SmallScreen.REFUSE and not self.display_asked:
            raise ValidationError(
                {"small_screen": _("A small screen can be refused only where readers check their display.")}
            )
        needed = {
            "consent_version": bool(self.consent_text),
            "debriefing_text": bool(self.purpose_blind_films) or self.results_shown,
            "debriefing_version": bool(self.purpose_blind_films) or self.results_shown,
            "purpose_blind_title": bool(self.purpose_blind_films),
            "purpose_blind_instruction": bool(self.purpose_blind_films),
            "purpose_blind_consent": bool(self.purpose_blind_films and self.consent_text),
        }
        missing = [name for name, is_needed in needed.items() if is_needed and not getattr(self, name)]
        if missing:
            raise ValidationError({name: _("The design of this study needs this text.") for name in missing})

    @property
    def folder(self) -> Path:
        """Where freezing puts the payloads of the cases."""
        return settings.STUDIES / self.name
