"""The archive as researchers see it. Films come in by services; here they are only looked at."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from PIL import Image

from gan.pixels import read_film, resample
from readerstudy.archive.models import Collection, Radiograph
from readerstudy.read_only_admin import ReadOnlyAdmin

LARGEST_PICTURE = 512


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    list_display = ["name", "truth", "films", "origin", "licence", "created_at"]
    list_filter = ["truth"]
    search_fields = ["name", "origin"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return super().get_queryset(request).annotate(number_of_films=Count("radiographs"))

    @admin.display(description=_("films"), ordering="number_of_films")
    def films(self, collection: Any) -> int:
        return collection.number_of_films


@admin.register(Radiograph)
class RadiographAdmin(ReadOnlyAdmin):
    """Films, and on the page of each its picture."""

    list_display = ["source_path", "collection", "labels", "view", "age", "sex", "split", "side"]
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
        small = resample(film, min(len(film), LARGEST_PICTURE))
        file = io.BytesIO()
        Image.fromarray(np.rint(small / 257).astype(np.uint8)).save(file, format="PNG")
        return HttpResponse(file.getvalue(), content_type="image/png", headers={"Cache-Control": "private, no-store"})

    @admin.display(description=_("picture"))
    def picture(self, radiograph: Radiograph) -> SafeString:
        address = reverse("admin:archive_radiograph_picture", args=[radiograph.pk])
        return format_html('<img src="{}" alt="{}">', address, radiograph.source_path)

    @admin.display(description=_("findings"))
    def labels(self, radiograph: Radiograph) -> str:
        return ", ".join(sorted(finding.finding for finding in radiograph.findings.all()))
