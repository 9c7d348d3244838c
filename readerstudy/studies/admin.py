from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.admin_steps import Reason, Step, StepsAdmin
from readerstudy.admin_texts import link, short_date
from readerstudy.jobs.admin import link_to_job
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import enqueue
from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.studies import services, tasks, texts
from readerstudy.studies.drawing import draw_films
from readerstudy.studies.freezing import PLAN
from readerstudy.studies.links import personal_link
from readerstudy.studies.models import (
    Arm,
    Case,
    CaseTruth,
    Deviation,
    Manifest,
    Reader,
    ReaderIdentity,
    Study,
)
from readerstudy.studies.numbering import numbered_slots

State = Study.State
BEFORE_UNBLINDING = frozenset({State.FROZEN.value, State.CLOSED.value})
AFTER_FREEZING = BEFORE_UNBLINDING | {State.UNBLINDED.value}


class Invitation(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)


class NewName(forms.Form):
    name = forms.SlugField(label=_("Name of the new study"), max_length=100)


def actor(request: HttpRequest) -> str:
    return request.user.get_username()


def freeze(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    # What the design does not allow is told now, not by a job that fails later; only the rendering takes its time.
    draw_films(study)
    title = gettext("Freeze %(study)s") % {"study": study}
    job = enqueue(tasks.freeze, title=title, actor=actor(request), study=study.pk)
    return format_html(gettext("Freezing has begun; {}."), link_to_job(job, gettext("watch it")))


def close(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    services.close_study(study=study, actor=actor(request))
    return gettext("The study is closed.")


def unblind(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    services.unblind_study(study=study, reason=answers["reason"], actor=actor(request))
    return gettext("The study is unblinded.")


def invite(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    reader, token = services.invite_reader(
        study=study, actor=actor(request), name=answers["name"], email=answers["email"]
    )
    return gettext("Link of reader %(reader)s, shown only now: %(link)s") % {
        "reader": reader.pseudonym,
        "link": personal_link(request.build_absolute_uri("/"), token),
    }


def copy(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    begun = services.copy_study(study=study, name=answers["name"], actor=actor(request))
    return format_html(
        gettext("The design of {} is begun."), link(reverse("admin:studies_study_change", args=[begun.pk]), begun.name)
    )


def deviate(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    services.record_deviation(study=study, reason=answers["reason"], actor=actor(request))
    return gettext("The deviation is recorded.")


def reissue(request: HttpRequest, reader: Reader, answers: dict[str, Any]) -> str:
    token = services.reissue_link(reader=reader, actor=actor(request))
    return gettext("New link of reader %(reader)s, shown only now: %(link)s") % {
        "reader": reader.pseudonym,
        "link": personal_link(request.build_absolute_uri("/"), token),
    }


def withdraw_link(request: HttpRequest, reader: Reader, answers: dict[str, Any]) -> str:
    services.withdraw_link(reader=reader, actor=actor(request))
    return gettext("The link is withdrawn.")


def withdraw_reader(request: HttpRequest, reader: Reader, answers: dict[str, Any]) -> str:
    services.withdraw_reader(reader=reader, reason=answers["reason"], actor=actor(request))
    return gettext("The reader is withdrawn.")


def erase(request: HttpRequest, reader: Reader, answers: dict[str, Any]) -> str:
    services.erase_identity(reader=reader, actor=actor(request))
    return gettext("Name, e-mail and link are erased.")


def withdraw_film(request: HttpRequest, case: Case, answers: dict[str, Any]) -> str:
    services.withdraw_film(case=case, reason=answers["reason"], actor=actor(request))
    return gettext("The film is withdrawn.")


class ArmInline(admin.StackedInline):
    """Arms, which can be changed while the study is in design."""

    model = Arm
    fk_name = "study"

    def get_extra(self, request: HttpRequest, obj: Study | None = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def has_add_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return in_design(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return in_design(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return in_design(obj) and super().has_delete_permission(request, obj)


def in_design(study: Study | None) -> bool:
    return study is None or study.state == State.DESIGN


def job_to_tell_of(study: Study) -> Job | None:
    """The latest job on the study, where it is not at its end, or failed and the study has not gone on since."""
    job = Job.objects.filter(arguments__study=study.pk).first()
    if job is None or job.state in (Job.State.WAITING, Job.State.RUNNING):
        return job
    gone_on_at = study.unblinded_at or study.closed_at or study.frozen_at
    failed = job.state == Job.State.FAILED and (gone_on_at is None or gone_on_at < job.created_at)
    return job if failed else None


@admin.register(Study)
class StudyAdmin(StepsAdmin):
    list_display = ["name", "title", "state", "readers_enrolled", "since"]
    change_form_template = "admin/studies/study_form.html"
    list_filter = ["state"]
    search_fields = ["name", "title"]
    inlines = [ArmInline]
    fieldsets = [
        (None, {"fields": ["name", "title", "state", "seed"]}),
        (
            _("Analysis plan"),
            {"fields": ["primary_end_point", "margin", "margin_reason", "alpha", "decision_cut"]},
        ),
        (
            _("The question"),
            {
                "fields": [
                    "question",
                    "instruction_text",
                    "instruction_version",
                    "ratio_told",
                    "practice_films",
                    "practice_feedback",
                    "amend_seconds",
                ]
            },
        ),
        (
            _("After each rating"),
            {
                "fields": ["cues", "regions_asked", "findings_asked", "remarks_asked"],
                "description": _("Asked only once the rating is locked, because cues teach."),
                "classes": ["collapse"],
            },
        ),
        (
            _("Repeats, pauses and sittings"),
            {"fields": ["repeats", "repeat_lag", "block_films", "sittings", "washout_days"], "classes": ["collapse"]},
        ),
        (
            _("Coming in"),
            {
                "fields": [
                    "consent_text",
                    "consent_version",
                    "profile_asked",
                    "display_asked",
                    "smallest_width",
                    "smallest_height",
                    "small_screen",
                    "link_days",
                    "link_use",
                ],
                "classes": ["collapse"],
            },
        ),
        (
            _("Purpose-blind phase"),
            {
                "fields": [
                    "purpose_blind_films",
                    "purpose_blind_title",
                    "purpose_blind_instruction",
                    "purpose_blind_consent",
                    "ethics_reference",
                ],
                "description": _("A first phase in which readers name findings and do not know what the study asks."),
                "classes": ["collapse"],
            },
        ),
        (
            _("Debriefing"),
            {"fields": ["debriefing_text", "debriefing_version", "results_shown"], "classes": ["collapse"]},
        ),
        (
            _("Freezing"),
            {"fields": ["override_reason", "side", "levels", "manifest_hash", "frozen_at"]},
        ),
        (_("End"), {"fields": ["closed_at", "unblinded_at", "unblinding_reason"]}),
    ]
    actions = None
    steps: tuple[Step, ...] = (
        Step(
            "freeze",
            _("Freeze"),
            _("Freezing draws the films and fixes the design for good."),
            "studies.freeze_study",
            freeze,
            states=frozenset({State.DESIGN.value}),
        ),
        Step(
            "invite",
            _("Invite a reader"),
            _("The personal link is shown once. Whoever has it reads as this reader. Name and e-mail may stay empty."),
            "studies.add_reader",
            invite,
            Invitation,
            frozenset({State.FROZEN.value}),
        ),
        Step(
            "close",
            _("Close the study"),
            _("Closing ends the reading: no answer is taken any more. It cannot be undone."),
            "studies.close_study",
            close,
            states=frozenset({State.FROZEN.value}),
        ),
        Step(
            "unblind",
            _("Unblind"),
            _("Unblinding shows which film came from where. It is logged and cannot be undone."),
            "studies.unblind_study",
            unblind,
            Reason,
            frozenset({State.CLOSED.value}),
        ),
        Step(
            "copy",
            _("Copy the design"),
            _("A new study begins with the same plan and arms; a frozen design cannot change, but its copy can."),
            "studies.add_study",
            copy,
            NewName,
        ),
        Step(
            "deviation",
            _("Record a deviation"),
            _("What went otherwise than planned is printed in the report and cannot be removed."),
            "studies.add_deviation",
            deviate,
            Reason,
            AFTER_FREEZING,
        ),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new study begins as one of the command line does, and with a seed that nobody chose."""
        begun = {
            "seed": secrets.randbelow(2**32),
            "instruction_text": texts.INSTRUCTION,
            "instruction_version": texts.TEXTS_VERSION,
        }
        return begun | super().get_changeform_initial_data(request)

    def state_of(self, row: Study) -> str:
        return row.state

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        return super().get_queryset(request).annotate(number_of_readers=Count("readers"))

    @admin.display(description=_("readers"), ordering="number_of_readers")
    def readers_enrolled(self, study: Any) -> int:
        return study.number_of_readers

    @admin.display(description=_("since"))
    def since(self, study: Study) -> str | None:
        """Since when the study is in its state; its page has all the dates."""
        return short_date(study.unblinded_at or study.closed_at or study.frozen_at or study.created_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> list[str]:
        written_by_services = [field.name for field in Study._meta.fields if not field.editable]
        return written_by_services if in_design(obj) else [*written_by_services, *PLAN]

    def has_delete_permission(self, request: HttpRequest, obj: Study | None = None) -> bool:
        return False

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """A frozen design has nothing to save."""
        study: Study | None = kwargs.get("obj")
        if study and request.user.has_perm("jobs.view_job"):
            context["job"] = job_to_tell_of(study)
        if not in_design(study):
            context |= dict.fromkeys(("show_save", "show_save_and_continue", "show_save_and_add_another"), False)
        return super().render_change_form(request, context, *args, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A design that was frozen since the page was opened is refused with the service's sentence."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Study, form: ModelForm, change: bool) -> None:
        if in_design(obj):
            services.save_study(study=obj, actor=actor(request))

    def save_formset(self, request: HttpRequest, form: ModelForm, formset: BaseInlineFormSet, change: bool) -> None:
        arms = formset.save(commit=False)
        for arm in formset.deleted_objects:
            services.remove_arm(arm=arm, actor=actor(request))
        for arm in arms:
            services.save_arm(arm=arm, actor=actor(request))


class StudyPartAdmin(StepsAdmin):
    """What may be done to a part of a study depends on the study."""

    def state_of(self, row: Reader | Case) -> str:
        return row.study.state


@admin.register(Reader)
class ReaderAdmin(StudyPartAdmin, ReadOnlyAdmin):
    """Readers and how far they are. Nothing here speaks of truth."""

    list_display = ["pseudonym", "study", "who_reads", "progress", "last_answer", "is_withdrawn"]
    fields = ["pseudonym", "study", "who_reads", "enrolled_at", "progress", "last_answer", "is_withdrawn", "films"]
    list_filter = ["study", "simulated"]
    search_fields = ["pseudonym", "study__name"]
    list_select_related = ["study"]
    readonly_fields = ["who_reads", "progress", "last_answer", "is_withdrawn", "films"]
    steps = (
        Step(
            "reissue",
            _("Reissue the link"),
            _("The reader gets a new personal link, shown once; the old one dies."),
            "studies.change_reader",
            reissue,
            states=AFTER_FREEZING,
        ),
        Step(
            "withdraw-link",
            _("Withdraw the link"),
            _("The personal link and the sessions that it opened end. The reader stays and can get a new link."),
            "studies.change_reader",
            withdraw_link,
            states=AFTER_FREEZING,
        ),
        Step(
            "withdraw",
            _("Withdraw the reader"),
            _("The reader's answers are kept and left out of analyses. It cannot be undone."),
            "studies.add_deviation",
            withdraw_reader,
            Reason,
            AFTER_FREEZING,
        ),
        Step(
            "erase",
            _("Erase the identity"),
            _("Name, e-mail and link are forgotten; answers stay under the pseudonym. It cannot be undone."),
            "studies.delete_readeridentity",
            erase,
            states=AFTER_FREEZING,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reader]:
        withdrawn = Deviation.objects.filter(reader=OuterRef("pk"), kind=Deviation.Kind.READER_WITHDRAWN)
        # In a purpose-blind phase a remark is the answer; elsewhere it follows one.
        answered = Q(sittings__slots__answers__isnull=False) | Q(sittings__slots__remark__isnull=False)
        return (
            super()
            .get_queryset(request)
            .annotate(
                slots=Count("sittings__slots", distinct=True),
                answered=Count("sittings__slots", filter=answered, distinct=True),
                last=Max("sittings__slots__answers__answered_at"),
                withdrawn=Exists(withdrawn),
            )
        )

    @admin.display(description=_("who reads"), ordering="simulated")
    def who_reads(self, reader: Reader) -> str:
        return gettext("simulated") if reader.simulated else gettext("a person")

    @admin.display(description=_("answered"), ordering="answered")
    def progress(self, reader: Any) -> str:
        return f"{reader.answered}/{reader.slots}"

    @admin.display(description=_("last answer"), ordering="last")
    def last_answer(self, reader: Any) -> str | None:
        return short_date(reader.last)

    @admin.display(description=_("withdrawn"), boolean=True)
    def is_withdrawn(self, reader: Any) -> bool:
        return reader.withdrawn

    @admin.display(description=_("films"))
    def films(self, reader: Reader) -> str:
        """Where a researcher finds the case that a reader speaks of. No rating: it would tell before its time."""
        return render_to_string("admin/studies/reader_films.html", {"rows": numbered_slots(reader)})


@admin.register(ReaderIdentity)
class ReaderIdentityAdmin(ReadOnlyAdmin):
    """Who the readers are, for accounts with this permission."""

    list_display = ["reader_pseudonym", "study", "name", "email", "valid_until", "first_opened", "withdrawn_at"]
    list_filter = ["reader__study"]
    list_select_related = ["reader__study"]
    search_fields = ["name", "email", "reader__pseudonym"]
    # Of the link when it ends and was opened, never the link or its hash.
    fields = ["reader_pseudonym", "study", "name", "email", "valid_until", "first_opened", "withdrawn_at"]

    @admin.display(description=_("reader"), ordering="reader__pseudonym")
    def reader_pseudonym(self, identity: ReaderIdentity) -> str:
        return identity.reader.pseudonym

    @admin.display(description=_("study"), ordering="reader__study")
    def study(self, identity: ReaderIdentity) -> Study:
        return identity.reader.study

    @admin.display(description=_("link valid until"), ordering="link_expires_at")
    def valid_until(self, identity: ReaderIdentity) -> str | None:
        return short_date(identity.link_expires_at)

    @admin.display(description=_("link first opened"), ordering="link_opened_at")
    def first_opened(self, identity: ReaderIdentity) -> str | None:
        return short_date(identity.link_opened_at)

    @admin.display(description=_("link withdrawn"), ordering="link_withdrawn_at")
    def withdrawn_at(self, identity: ReaderIdentity) -> str | None:
        return short_date(identity.link_withdrawn_at)


@admin.register(Case)
class CaseAdmin(StudyPartAdmin, ReadOnlyAdmin):
    """Cases as readers know them: a code. The hash of the payload is not shown: whoever has the films could find it."""

    list_display = ["code", "study", "kind", "is_withdrawn"]
    fields = ["code", "study", "kind", "is_withdrawn"]
    readonly_fields = ["is_withdrawn"]
    list_filter = ["study", "kind"]
    list_select_related = ["study"]
    search_fields = ["code"]
    steps = (
        Step(
            "withdraw",
            _("Withdraw the film"),
            _("The film leaves unread slots; its answers are kept and left out of analyses. It cannot be undone."),
            "studies.add_deviation",
            withdraw_film,
            Reason,
            BEFORE_UNBLINDING,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        withdrawn = Deviation.objects.filter(case=OuterRef("pk"), kind=Deviation.Kind.FILM_WITHDRAWN)
        return super().get_queryset(request).annotate(withdrawn=Exists(withdrawn)).order_by("code")

    @admin.display(description=_("withdrawn"), boolean=True)
    def is_withdrawn(self, case: Any) -> bool:
        return case.withdrawn


class TruthAdmin(ReadOnlyAdmin):
    """Truth of unblinded studies, for accounts that may see it. Of other studies there is nothing here."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(study__state=State.UNBLINDED)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("studies.view_casetruth")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("studies.view_casetruth")


@admin.register(CaseTruth)
class CaseTruthAdmin(TruthAdmin):
    list_display = ["case", "study", "arm", "radiograph"]
    list_filter = ["study"]
    list_select_related = ["case", "study", "arm", "radiograph"]
    search_fields = ["case__code"]


@admin.register(Manifest)
class ManifestAdmin(TruthAdmin):
    list_display = ["study"]
    list_select_related = ["study"]


@admin.register(Deviation)
class DeviationAdmin(ReadOnlyAdmin):
    list_display = ["at", "study", "kind", "case", "reader", "reason"]
    list_filter = ["study", "kind"]
    list_select_related = ["study", "case", "reader"]
    search_fields = ["reason"]
