"""What readers said."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from readerstudy.studies.models import Reader, Slot


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

    class Side(models.TextChoices):
        LEFT = "left", _("the film on the left")
        RIGHT = "right", _("the film on the right")

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="answers", verbose_name=_("slot"))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    rating = models.PositiveSmallIntegerField(_("rating"), choices=Rating, null=True, blank=True)
    chosen = models.CharField(_("chosen as synthetic"), max_length=5, choices=Side, blank=True)
    milliseconds = models.PositiveIntegerField(
        _("milliseconds from the drawn film to the answer, as the browser counted")
    )
    active_milliseconds = models.PositiveIntegerField(
        _("milliseconds of these with the page seen and the hands not idle"), default=0
    )
    window_uses = models.PositiveIntegerField(_("changes of window and level"), default=0)
    zoom_uses = models.PositiveIntegerField(_("changes of zoom"), default=0)
    pan_uses = models.PositiveIntegerField(_("moves of the film"), default=0)
    answered_at = models.DateTimeField(_("answered at"), auto_now_add=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["slot", "revision"], name="one_answer_per_slot_and_revision"),
            models.CheckConstraint(
                name="rating_on_the_scale",
                condition=Q(rating__isnull=False, rating__gte=1, rating__lte=6, chosen="")
                | Q(rating=None, chosen__in=["left", "right"]),
            ),
            models.CheckConstraint(condition=Q(revision__gte=1), name="revisions_begin_at_one"),
            models.CheckConstraint(
                condition=Q(active_milliseconds__lte=F("milliseconds")), name="active_time_within_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}: {self.chosen or self.rating}"


class Cue(models.TextChoices):
    """What readers go by, as they name it themselves."""

    MARKERS = "markers", _("side markers or text garbled")
    RIBS = "ribs", _("ribs: count, course or texture")
    SYMMETRY = "symmetry", _("too symmetric")
    NOISE = "noise", _("uniform grain or noise")
    VESSELS = "vessels", _("vessels and lung markings")
    SHOULDERS = "shoulders", _("clavicles or shoulders")
    DIAPHRAGM = "diaphragm", _("diaphragm and costophrenic angles")
    HEART = "heart", _("heart border")
    DEVICES = "devices", _("lines, tubes and devices")
    BONE = "bone", _("bone too smooth")
    SPINE = "spine", _("spine too straight")
    BORDER = "border", _("border or collimation")
    FINDING = "finding", _("finding implausible")
    OVERALL = "overall", _("overall impression")


class Certainty(models.IntegerChoices):
    """How sure a reader is of a finding; what is not named is taken as not seen."""

    POSSIBLE = 1, _("possible")
    PROBABLE = 2, _("probable")
    DEFINITE = 3, _("definite")


class Remark(models.Model):
    """What a reader said of a film beside the question: after its rating is locked, or in a purpose-blind phase."""

    slot = models.OneToOneField(Slot, models.PROTECT, related_name="remark", verbose_name=_("slot"))
    cues = models.JSONField(_("cues"), default=list, blank=True, help_text=_("names of cues"))
    findings = models.JSONField(_("findings"), default=dict, blank=True, help_text=_("certainty by finding"))
    regions = models.JSONField(
        _("regions"), default=list, blank=True, help_text=_("circles: x, y, radius in shares of the film's side")
    )
    text = models.TextField(_("text"), blank=True, max_length=2000)
    milliseconds = models.PositiveIntegerField(_("milliseconds from the open form to its sending"))
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        verbose_name = _("remark")
        verbose_name_plural = _("remarks")

    def __str__(self) -> str:
        return f"{self.slot_id}"


class OverallRemark(models.Model):
    """What a reader said of all films together."""

    class Moment(models.TextChoices):
        BEFORE_REVEAL = "before_reveal", _("before the reader was told")
        AT_END = "end", _("after the last film")

    reader = models.ForeignKey(Reader, models.PROTECT, related_name="overall_remarks", verbose_name=_("reader"))
    moment = models.CharField(_("moment"), max_length=20, choices=Moment)
    cues = models.JSONField(_("cues"), default=list, blank=True)
    text = models.TextField(_("text"), blank=True, max_length=2000)
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        verbose_name = _("remark on all films")
        verbose_name_plural = _("remarks on all films")
        constraints = [
            models.UniqueConstraint(fields=["reader", "moment"], name="one_overall_remark_per_moment"),
            models.CheckConstraint(condition=Q(moment__in=["before_reveal", "end"]), name="moment_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.reader}: {self.get_moment_display()}"


class FilmReport(models.Model):
    """A reader could not judge a film; the reader goes on without it."""

    class Kind(models.TextChoices):
        NOT_DISPLAYED = "not_displayed", _("not displayed properly")
        SHOWS_NAME = "shows_name", _("shows a name or a date")

    slot = models.OneToOneField(Slot, models.PROTECT, related_name="report", verbose_name=_("slot"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    class Meta:
        verbose_name = _("reported film")
        verbose_name_plural = _("reported films")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["not_displayed", "shows_name"]), name="report_is_known")
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}: {self.get_kind_display()}"


class Consent(models.Model):
    """That a reader agreed, or at the reveal did not, to a text of a certain wording."""

    class Stage(models.TextChoices):
        ENTRY = "entry", _("before the first film")
        REVEAL = "reveal", _("after the purpose-blind phase")

    reader = models.ForeignKey(Reader, models.PROTECT, related_name="consents", verbose_name=_("reader"))
    stage = models.CharField(_("stage"), max_length=10, choices=Stage)
    given = models.BooleanField(_("given"))
    version = models.CharField(_("version of the text"), max_length=40)
    text_hash = models.CharField(_("hash of the text"), max_length=64)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(fields=["reader", "stage"], name="one_consent_per_stage"),
            models.CheckConstraint(condition=Q(stage__in=["entry", "reveal"]), name="consent_stage_is_known"),
            models.CheckConstraint(
                condition=Q(given=True) | Q(stage="reveal"), name="who_declines_at_entry_leaves_nothing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reader}: {self.get_stage_display()}"


class Profile(models.Model):
    """The few facts by which readers are described in a report."""

    class Position(models.TextChoices):
        CHEST_RADIOLOGIST = "chest", _("radiologist, mainly chest")
        RADIOLOGIST = "radiologist", _("radiologist")
        RESIDENT = "resident", _("resident in radiology")
        OTHER_PHYSICIAN = "physician", _("other physician")
        OTHER = "other", _("other")

    class Exposure(models.TextChoices):
        """How often a reader has seen synthetic films; the very question tells of them."""

        NOT_ASKED = "", _("not asked yet")
        NEVER = "never", _("never, to my knowledge")
        SOME = "some", _("a few times")
        OFTEN = "often", _("often, or I work with them")

    reader = models.OneToOneField(Reader, models.PROTECT, related_name="profile", verbose_name=_("reader"))
    position = models.CharField(_("position"), max_length=20, choices=Position)
    years = models.PositiveSmallIntegerField(
        _("years of reading chest radiographs"), validators=[MaxValueValidator(70)]
    )
    subspecialty = models.CharField(_("subspecialty"), max_length=100, blank=True)
    exposure = models.CharField(_("synthetic films seen before"), max_length=10, choices=Exposure, blank=True)

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")
        constraints = [models.CheckConstraint(condition=Q(years__lte=70), name="years_are_a_working_life")]

    def __str__(self) -> str:
        return f"{self.reader}"


class DisplayCheck(models.Model):
    """What a reader declared of the display and the room, and what the browser says of the screen."""

    class Display(models.TextChoices):
        DIAGNOSTIC = "diagnostic", _("diagnostic display")
        CLINICAL = "clinical", _("clinical or office display")
        LAPTOP = "laptop", _("laptop")
        TABLET = "tablet", _("tablet or phone")

    class Room(models.TextChoices):
        DARK = "dark", _("dark, as for reading")
        DIM = "dim", _("dim")
        BRIGHT = "bright", _("bright")

    reader = models.ForeignKey(Reader, models.PROTECT, related_name="display_checks", verbose_name=_("reader"))
    display = models.CharField(_("display"), max_length=20, choices=Display)
    room = models.CharField(_("room"), max_length=10, choices=Room)
    dark_patch_seen = models.BooleanField(_("the 5 % patch was seen"))
    bright_patch_seen = models.BooleanField(_("the 95 % patch was seen"))
    width = models.PositiveIntegerField(_("pixels of the screen across"))
    height = models.PositiveIntegerField(_("pixels of the screen down"))
    pixel_ratio = models.FloatField(_("pixels of the screen per pixel of the page"))
    small = models.BooleanField(_("smaller than the design asks"))
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("display check")
        verbose_name_plural = _("display checks")
        constraints = [models.CheckConstraint(condition=Q(pixel_ratio__gt=0), name="pixel_ratio_is_positive")]

    def __str__(self) -> str:
        return f"{self.reader}: {self.width} × {self.height}"


class WrongLink(models.Model):
    """An address that opened a link that does not exist, by a keyed hash; old rows are removed."""

    address_hash = models.CharField(_("hash of the address"), max_length=64, db_index=True)
    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("wrong link")
        verbose_name_plural = _("wrong links")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"
