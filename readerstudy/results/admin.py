from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from readerstudy.admin_steps import Step
from readerstudy.jobs.services import enqueue
from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.results import tasks
from readerstudy.results.models import Analysis
from readerstudy.studies.admin import StudyAdmin, actor
from readerstudy.studies.models import Study


def analyse(request: HttpRequest, study: Study, answers: dict[str, Any]) -> str:
    enqueue(tasks.analyse, title=gettext("Analyse %(study)s") % {"study": study}, actor=actor(request), study=study.pk)
    return gettext("The analysis has begun; watch it among the jobs, and find its report among the analyses.")


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
        return format_html('<a href="{}">{}</a>', analysis.get_absolute_url(), gettext("Open the report"))
