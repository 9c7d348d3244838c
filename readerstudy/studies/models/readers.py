"""Who reads, in which order, and what happened otherwise than planned."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.studies.models.frozen import Case, opaque_code
from readerstudy.studies.models.study import Study


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

    @cached_property
    def withdrawn(self) -> bool:
        """Whether the reader had withdrawn, or been withdrawn, when this was first asked."""
        return self.deviations.filter(kind=Deviation.Kind.READER_WITHDRAWN).exists()


class ReaderIdentity(models.Model):
    """The one table that knows who a reader is, and can be erased."""

    reader = models.OneToOneField(
        Reader, models.CASCADE, primary_key=True, related_name="identity", verbose_name=_("reader")
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    link_hash = models.CharField(_("hash of the personal link"), max_length=64, unique=True)
    link_expires_at = models.DateTimeField(_("personal link expires at"))
    link_opened_at = models.DateTimeField(_("personal link first opened at"), null=True, blank=True)
    link_withdrawn_at = models.DateTimeField(_("personal link withdrawn at"), null=True, blank=True)

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

    def answered(self) -> SlotQuerySet:
        return self.filter(ANSWERED)

    def open(self) -> SlotQuerySet:
        """Slots that nobody has answered or reported, whose films have not been withdrawn."""
        return self.filter(unanswered())

    def in_order(self) -> SlotQuerySet:
        return self.order_by("sitting__number", "position")


class Slot(models.Model):
    """One position in one sitting. The order is these rows; it is never computed again.

    In a study of pairs `case` is the film on the left and `other_case` the one on the right.
    """

    class Kind(models.TextChoices):
        PURPOSE_BLIND = "purpose_blind", _("purpose-blind phase")
        PRACTICE = "practice", _("practice")
        MAIN = "main", _("main")
        REPEAT = "repeat", _("repeat")

    sitting = models.ForeignKey(Sitting, models.PROTECT, related_name="slots", verbose_name=_("sitting"))
    position = models.PositiveIntegerField(_("position"))
    case = models.ForeignKey(Case, models.PROTECT, related_name="slots", verbose_name=_("case"))
    other_case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("case on the right")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
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
            models.CheckConstraint(
                condition=Q(kind__in=["purpose_blind", "practice", "main", "repeat"]), name="slot_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(other_case=None) | ~Q(other_case=F("case")), name="a_pair_is_of_two_films"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def cases(self) -> list[Case]:
        """The film, or the two films from left to right."""
        return [self.case, self.other_case] if self.other_case else [self.case]


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


# What is said of slots, for filters and for counts by a condition.

# An answer with a rating or a choice; in a purpose-blind phase, where none is asked, what was said of findings.
ANSWERED = Q(answers__revision=1) | Q(kind=Slot.Kind.PURPOSE_BLIND, remark__isnull=False)


def film_withdrawn() -> Exists:
    """A film of the slot has been withdrawn."""
    of_slot = Q(case=OuterRef("case")) | Q(case=OuterRef("other_case"))
    return Exists(Deviation.objects.filter(of_slot, kind=Deviation.Kind.FILM_WITHDRAWN))


def unanswered() -> Q:
    """Nobody has answered or reported the slot, and its films have not been withdrawn."""
    return Q(answers=None, remark=None, report=None) & ~Q(film_withdrawn())
