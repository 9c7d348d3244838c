from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.admin_steps import Step
from readerstudy.admin_texts import link, short_date
from readerstudy.jobs.admin import link_to_job
from readerstudy.jobs.services import enqueue
from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.results import tasks
from readerstudy.results.models import Analysis
from readerstudy.studies.admin import StudyAdmin, actor
from readerstudy.studies.models import Study


def analyse(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    title = gettext("Analyse %(study)s") % {"study": study}
    job = enqueue(tasks.analyse, title=title, actor=actor(request), study=study.pk)
    analyses = reverse("admin:results_analysis_changelist") + f"?study__id__exact={study.pk}"
    return format_html(
        gettext("The analysis has begun; {} and find its report among {}."),
        link_to_job(job, gettext("watch it")),
        link(analyses, gettext("the analyses of the study")),
    )


# The rooms below know nothing of results, so the button comes to the study's page from here.
admin.site.unregister(Study)


@admin.register(Study)
class AnalysedStudyAdmin(StudyAdmin):
    steps = (
        *StudyAdmin.steps,
        Step(
            "analyse",
            _("Analyse"),
            _("An analysis writes a report under an address of its own; whoever has the address can read it."),
            "results.add_analysis",
            analyse,
            states=frozenset({Study.State.UNBLINDED.value}),
        ),
    )

    @admin.display(description=_("reports"))
    def reports(self, study: Study) -> SafeString:
        rows = [(analysis.get_absolute_url(), short_date(analysis.created_at)) for analysis in study.analyses.all()]
        return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a>', rows)

    def get_readonly_fields(self, request: HttpRequest, obj: Study | None = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "reports"]

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        unblinded = obj is not None and obj.state == Study.State.UNBLINDED
        analyses = [(_("Analyses"), {"fields": ["reports"]})]
        seen = unblinded and request.user.has_perm("results.view_analysis")
        return [*super().get_fieldsets(request, obj), *(analyses if seen else [])]


@admin.register(Analysis)
class AnalysisAdmin(ReadOnlyAdmin):
    """Analyses and the way to their reports."""

    list_display = ["created_at", "study", "report"]
    list_filter = ["study"]
    list_select_related = ["study"]
    search_fields = ["study__name"]
    fields = ["study", "created_at", "report"]

    @admin.display(description=_("report"))
    def report(self, analysis: Analysis) -> SafeString:
        return link(analysis.get_absolute_url(), gettext("Open the report"))
