from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.synthesis.models import Batch, Generator, TrainingRun


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = ["name", "collection", "split", "images_shown", "images_in_all", "started_at", "finished_at"]
    list_select_related = ["collection"]
    search_fields = ["name"]

    @admin.display(description=_("images in all"))
    def images_in_all(self, run: TrainingRun) -> int:
        return round(run.config["kimg"] * 1000)


@admin.register(Generator)
class GeneratorAdmin(ReadOnlyAdmin):
    list_display = ["name", "run", "resolution", "images_shown", "levels", "created_at"]
    list_select_related = ["run"]
    search_fields = ["name", "sha256"]


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ["generator", "collection", "first_seed", "count", "truncation", "created_at"]
    list_select_related = ["generator", "collection"]
    list_filter = ["generator"]
