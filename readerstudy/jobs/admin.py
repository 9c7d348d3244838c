from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from readerstudy.jobs.models import Job
from readerstudy.jobs.services import cancel


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):
    list_display = ["title", "state", "progress", "label", "message", "actor", "created_at", "finished_at"]
    list_filter = ["state"]
    actions = ["cancel_selected"]

    @admin.display(description=_("progress"))
    def progress(self, job: Job) -> str:
        if not job.steps_total:
            return "–"
        return f"{job.steps_done}/{job.steps_total} ({100 * job.steps_done // job.steps_total} %)"

    @admin.action(description=_("Cancel the selected jobs"), permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            try:
                cancel(job=job, actor=request.user.get_username())
            except ValidationError as error:
                self.message_user(request, f"{job}: {' '.join(error.messages)}", messages.WARNING)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict | None = None
    ) -> TemplateResponse | HttpResponse:
        """The list loads itself again while anything is under way, so that a person can watch."""
        response = super().changelist_view(request, extra_context)
        if Job.objects.unfinished().exists() and request.method == "GET":
            response["Refresh"] = "3"
        return response

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:
        return [field.name for field in Job._meta.fields]
