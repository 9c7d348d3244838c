"""The archive as researchers see it. Films come in by jobs that are begun here, and are only looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_slug
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_tasks.base import Task

from gan.pixels import read_film
from readerstudy.admin_steps import Step, StepsAdmin
from readerstudy.archive import tasks
from readerstudy.archive.importing.sources import FORMS
from readerstudy.archive.models import Collection, Radiograph, Truth
from readerstudy.archive.pictures import picture_of
from readerstudy.archive.services import require_for_phantoms, require_the_same
from readerstudy.jobs.admin import link_to_job
from readerstudy.jobs.services import enqueue
from readerstudy.read_only_admin import ReadOnlyAdmin


class Importing(forms.Form):
    path = forms.CharField(label=_("Folder on the server"), max_length=500)
    form = forms.ChoiceField(
        label=_("Format"), choices=[("", _("recognised")), *((form, form) for form in sorted(FORMS))], required=False
    )
    collection = forms.CharField(label=_("Collection for the films"), max_length=100, validators=[validate_slug])
    truth = forms.ChoiceField(label=_("Truth"), choices=Truth)
    origin = forms.CharField(
        label=_("Origin, within which patient ids are unique; unless given, the collection's name"),
        max_length=100,
        required=False,
    )
    licence = forms.CharField(label=_("Licence"), max_length=200, required=False)


class Phantoms(forms.Form):
    collection = forms.CharField(label=_("Collection for the films"), max_length=100, validators=[validate_slug])
    count = forms.IntegerField(label=_("Number of films"), min_value=1)
    seed = forms.IntegerField(label=_("Seed of the first film"), initial=0, min_value=0)
    side = forms.IntegerField(label=_("Pixels along each side"), initial=256, min_value=32, max_value=1024)


def import_films(request: HttpRequest, _row: None, answers: dict[str, Any]) -> str:
    if not Path(answers["path"]).is_dir():
        raise ValidationError(gettext("%(path)s is not a folder on the server.") % {"path": answers["path"]})
    require_the_same(
        answers["collection"], truth=answers["truth"], origin=answers["origin"], licence=answers["licence"]
    )
    return _begin(request, tasks.import_radiographs, gettext("Import %(path)s") % {"path": answers["path"]}, answers)


def draw_phantoms(request: HttpRequest, _row: None, answers: dict[str, Any]) -> str:
    require_for_phantoms(answers["collection"])
    title = gettext("Draw %(count)d phantoms") % {"count": answers["count"]}
    return _begin(request, tasks.draw_phantoms, title, answers)


def _begin(request: HttpRequest, task: Task, title: str, answers: dict[str, Any]) -> str:
    # A title has 200 characters; the whole path stands among the job's arguments.
    job = enqueue(task, title=title[:200], actor=request.user.get_username(), **answers)
    return format_html(gettext("The films wait among the jobs; {}."), link_to_job(job, gettext("watch them there")))


@admin.register(Collection)
class CollectionAdmin(StepsAdmin, ReadOnlyAdmin):
    list_display = ["name", "truth", "films", "origin", "licence", "created_at"]
    list_filter = ["truth"]
    search_fields = ["name", "origin"]
    list_steps = (
        Step(
            "import",
            _("Import films"),
            _("A bad file is named and the rest come in. The same import again takes up what was stopped."),
            "archive.add_radiograph",
            import_films,
            Importing,
        ),
        Step(
            "phantoms",
            _("Draw phantoms"),
            _("Phantoms stand for real films and show no person. The same request again draws what is missing."),
            "archive.add_radiograph",
            draw_phantoms,
            Phantoms,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return super().get_queryset(request).annotate(number_of_films=Count("radiographs"))

    @admin.display(description=_("films"), ordering="number_of_films")
    def films(self, collection: Any) -> int:
        return collection.number_of_films


@admin.register(Radiograph)
class RadiographAdmin(ReadOnlyAdmin):
    """Films, and on the page of each its picture."""

    list_display = ["source_path", "collection", "labels", "view", "age", "sex", "split"]
    list_filter = ["collection", "collection__truth", "split", "findings__finding"]
    list_select_related = ["collection"]
    search_fields = ["source_path", "film_hash__exact", "patient__exact"]
    # One count of the films asked for is enough; another of all of them would be made at every search.
    show_full_result_count = False
    fields = [
        "picture",
        "collection",
        "source_path",
        "labels",
        "view",
        "age",
        "sex",
        "split",
        "patient",
        "phantom_seed",
        "side",
        "native_rows",
        "native_columns",
        "levels",
        "film",
        "film_hash",
        "created_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Radiograph]:
        return super().get_queryset(request).prefetch_related("findings")

    def get_urls(self) -> list[URLPattern]:
        picture = self.admin_site.admin_view(self.picture_view)
        return [path("<int:pk>/picture.png", picture, name="archive_radiograph_picture"), *super().get_urls()]

    def picture_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The film in 256 greys, small enough for a page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        radiograph = get_object_or_404(Radiograph, pk=pk)
        try:
            film = read_film(radiograph.path)
        except FileNotFoundError as error:
            raise Http404 from error
        return HttpResponse(picture_of(film), content_type="image/png", headers={"Cache-Control": "private, no-store"})

    @admin.display(description=_("picture"))
    def picture(self, radiograph: Radiograph) -> SafeString:
        address = reverse("admin:archive_radiograph_picture", args=[radiograph.pk])
        return format_html('<img src="{}" alt="{}">', address, radiograph.source_path)

    @admin.display(description=_("findings"))
    def labels(self, radiograph: Radiograph) -> str:
        return ", ".join(sorted(finding.finding for finding in radiograph.findings.all()))
