from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.admin_texts import link, short_date, with_links
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import cancel


def link_to_job(job: Job, text: str | Promise) -> SafeString:
    return link(reverse("admin:jobs_job_change", args=[job.pk]), text)


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    list_display = ["title", "state", "progress", "end", "created"]
    list_filter = ["state"]
    actions = ["cancel_selected"]
    fields = [
        "title",
        "state",
        "progress",
        "end",
        "actor",
        "task",
        "arguments",
        "cancel_requested",
        "created_at",
        "started_at",
        "finished_at",
    ]
    readonly_fields = ["progress", "end"]

    @admin.display(description=_("progress"))
    def progress(self, job: Job) -> str:
        """How far it is. What it was doing is of interest only while it is at it."""
        if not job.steps_total:
            return "–"
        share = f"{job.steps_done}/{job.steps_total} ({100 * job.steps_done // job.steps_total} %)"
        return f"{job.label} {share}" if job.state == Job.State.RUNNING else share

    @admin.display(description=_("message"))
    def end(self, job: Job) -> SafeString:
        return with_links(job.message)

    @admin.display(description=_("created"), ordering="id")
    def created(self, job: Job) -> str | None:
        return short_date(job.created_at)

    @admin.action(description=_("Cancel the selected jobs"), permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            try:
                cancel(job=job, actor=request.user.get_username())
            except ValidationError as error:
                self.message_user(request, f"{job}: {' '.join(error.messages)}", messages.WARNING)
            else:
                said = gettext("%(job)s: cancelled, or stopping at its next step.") % {"job": job}
                self.message_user(request, said, messages.SUCCESS)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list loads itself again while anything is under way, so that a person can watch."""
        response = super().changelist_view(request, extra_context)
        return _reloading(response, request) if Job.objects.unfinished().exists() else response

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """So does the page of a job that is under way."""
        response = super().change_view(request, object_id, *args, **kwargs)
        return _reloading(response, request) if Job.objects.unfinished().filter(pk=object_id).exists() else response

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Jobs can be cancelled from their list; on the page of one there is nothing to save."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False


def _reloading(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        response["Refresh"] = "3"
    return response
