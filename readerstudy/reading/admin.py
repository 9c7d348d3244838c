from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.reading.models import FilmReport
from readerstudy.reading.running import reader_rows
from readerstudy.studies.models import Study


@admin.register(FilmReport)
class FilmReportAdmin(ReadOnlyAdmin):
    """Films that readers could not judge, and the way to the case, where one can be withdrawn."""

    list_display = ["made_at", "study", "reader", "kind", "film"]
    list_filter = ["slot__sitting__reader__study", "kind"]
    list_select_related = ["slot__sitting__reader__study", "slot__case", "slot__other_case"]
    fields = ["study", "reader", "kind", "film", "made_at"]
    ordering = ["-made_at"]

    @admin.display(description=_("study"))
    def study(self, report: FilmReport) -> str:
        return str(report.slot.sitting.reader.study)

    @admin.display(description=_("reader"))
    def reader(self, report: FilmReport) -> str:
        return report.slot.sitting.reader.pseudonym

    @admin.display(description=_("film"))
    def film(self, report: FilmReport) -> SafeString:
        cases = [(reverse("admin:studies_case_change", args=[case.pk]), case.code) for case in report.slot.cases]
        return format_html_join(", ", '<a href="{}">{}</a>', cases)


@permission_required("studies.view_reader", raise_exception=True)
def readers_of_study(request: HttpRequest, pk: int) -> HttpResponse:
    """How far each reader of a study is, on one page."""
    study = get_object_or_404(Study, pk=pk)
    context = admin.site.each_context(request) | {
        "title": _("Readers of study “%(study)s”") % {"study": study},
        "study": study,
        "rows": reader_rows(study),
        "opts": Study._meta,
    }
    return TemplateResponse(request, "admin/reading/readers.html", context)
