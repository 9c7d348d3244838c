from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_slug
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gan.config import preset, preset_names
from gan.snapshot import snapshots
from readerstudy.admin_steps import Step, StepsAdmin
from readerstudy.admin_texts import link
from readerstudy.archive.admin import CollectionAdmin
from readerstudy.archive.models import Collection, Truth
from readerstudy.jobs.admin import link_to_job
from readerstudy.jobs.services import enqueue
from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.synthesis import tasks
from readerstudy.synthesis.models import Batch, Generator, TrainingRun
from readerstudy.synthesis.run_page import State, page_of, saved_weights, state_of
from readerstudy.synthesis.services import (
    register_generator,
    require_resumable,
    require_trainable,
    side_to_train_on,
    stop_training,
)


def _presets() -> list[tuple[str, str]]:
    return [(name, name) for name in preset_names()]


SIDES = [
    ("", _("the training side where the collection is split, else all films")),
    ("train", _("the training side")),
    ("test", _("the held-out side")),
    ("all", _("all films")),
]


class Training(forms.Form):
    name = forms.CharField(label=_("Name of the run and its generator"), max_length=100, validators=[validate_slug])
    resolution = forms.TypedChoiceField(
        label=_("Resolution"), coerce=int, choices=[(2**k, str(2**k)) for k in range(2, 11)], initial=64
    )
    kimg = forms.FloatField(label=_("Real images shown in all, in thousands"), min_value=0.001)
    split = forms.ChoiceField(label=_("Films to train on"), choices=SIDES, required=False)
    seed = forms.IntegerField(label=_("Seed"), initial=0, min_value=0)
    preset = forms.ChoiceField(label=_("Preset"), choices=_presets, initial="small")


class Registering(forms.Form):
    images = forms.IntegerField(label=_("Images shown, where weights are saved"), min_value=0)
    name = forms.CharField(label=_("Name of the generator"), max_length=100, validators=[validate_slug])


class Drawing(forms.Form):
    collection = forms.CharField(label=_("Collection for the films"), max_length=100, validators=[validate_slug])
    count = forms.IntegerField(label=_("Number of films"), min_value=1)
    first_seed = forms.IntegerField(label=_("Seed of the first film"), initial=0, min_value=0)
    truncation = forms.FloatField(label=_("Truncation; 1 cuts nothing"), initial=1.0, min_value=0.001, max_value=1.0)


def train(request: HttpRequest, collection: Collection, answers: dict[str, Any]) -> str:
    answers |= {"split": side_to_train_on(collection, answers["split"])}
    _require_sound(collection, answers)
    job = enqueue(
        tasks.train,
        title=gettext("Train %(name)s") % {"name": answers["name"]},
        actor=request.user.get_username(),
        collection=collection.pk,
        **answers,
    )
    return format_html(gettext("Training waits among the jobs; {}."), link_to_job(job, gettext("watch it there")))


def stop(request: HttpRequest, run: TrainingRun, answers: dict[str, Any]) -> str:
    stop_training(run=run, actor=request.user.get_username())
    return gettext("The training is asked to stop; it saves itself first, which takes some seconds.")


def resume(request: HttpRequest, run: TrainingRun, answers: dict[str, Any]) -> str:
    require_resumable(run)
    job = enqueue(
        tasks.resume,
        title=gettext("Go on with training %(name)s") % {"name": run},
        actor=request.user.get_username(),
        run=run.pk,
    )
    return format_html(gettext("The training waits among the jobs; {}."), link_to_job(job, gettext("watch it there")))


def register(request: HttpRequest, run: TrainingRun, answers: dict[str, Any]) -> str:
    saved = saved_weights(run)
    if answers["images"] not in saved:
        raise ValidationError(
            gettext("No weights are saved after %(images)d images, only after these: %(there)s.")
            % {"images": answers["images"], "there": ", ".join(map(str, sorted(saved))) or gettext("none")}
        )
    actor = request.user.get_username()
    generator = register_generator(name=answers["name"], path=saved[answers["images"]], run=run, actor=actor)
    page = reverse("admin:synthesis_generator_change", args=[generator.pk])
    return format_html(gettext("Generator {} is registered."), link(page, generator.name))


def draw(request: HttpRequest, generator: Generator, answers: dict[str, Any]) -> str:
    job = enqueue(
        tasks.draw,
        title=gettext("Draw %(count)d films by %(generator)s") % {"count": answers["count"], "generator": generator},
        actor=request.user.get_username(),
        generator=generator.pk,
        **answers,
    )
    return format_html(gettext("Drawing waits among the jobs; {}."), link_to_job(job, gettext("watch it there")))


def _require_sound(collection: Collection, answers: dict[str, Any]) -> None:
    """Refuse what the job would refuse, while the person still looks at the form."""
    try:
        config = preset(answers["preset"], resolution=answers["resolution"], kimg=answers["kimg"], seed=answers["seed"])
    except ValueError as error:
        raise ValidationError(str(error)) from error
    require_trainable(name=answers["name"], collection=collection, split=answers["split"], config=config)


# The archive knows nothing of training, so the button comes to the collection's page from here.
admin.site.unregister(Collection)


@admin.register(Collection)
class TrainableCollectionAdmin(CollectionAdmin):
    steps = (
        Step(
            "train",
            _("Train a generator"),
            _("Training takes hours to weeks. It is a job: it can be cancelled, and goes on under the same name."),
            "synthesis.add_trainingrun",
            train,
            Training,
            frozenset({Truth.REAL.value}),
        ),
    )

    def state_of(self, row: Collection) -> str:
        return row.truth


@admin.register(TrainingRun)
class TrainingRunAdmin(StepsAdmin, ReadOnlyAdmin):
    list_display = [
        "name",
        "collection",
        "split",
        "state",
        "images_shown",
        "images_in_all",
        "started_at",
        "finished_at",
    ]
    list_select_related = ["collection"]
    search_fields = ["name"]
    change_form_template = "admin/synthesis/run.html"
    fields = ["name", "collection", "split", "started_at", "finished_at", "config"]
    steps = (
        Step(
            "stop",
            _("Stop"),
            _("The training saves itself and stops, whether a job or a command began it. It can go on later."),
            "synthesis.change_trainingrun",
            stop,
            states=frozenset({State.TRAINING}),
        ),
        Step(
            "resume",
            _("Resume"),
            _("The training goes on as a job, from what it saved last and on the films that it began with."),
            "synthesis.change_trainingrun",
            resume,
            states=frozenset({State.STOPPED}),
        ),
        Step(
            "register",
            _("Register as generator"),
            _("The weights become a generator of their own, which stays when the run no longer keeps them."),
            "synthesis.add_generator",
            register,
            Registering,
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        sheet = self.admin_site.admin_view(self.sheet_view)
        return [path("<int:pk>/sheet/<int:images>/", sheet, name="synthesis_trainingrun_sheet"), *super().get_urls()]

    def sheet_view(self, request: HttpRequest, pk: int, images: int) -> FileResponse:
        """The picture of one snapshot, which lies outside of what the server serves to everybody."""
        run = get_object_or_404(TrainingRun, pk=pk)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        for snapshot in snapshots(run.folder):
            if snapshot.images == images and snapshot.sheet.exists():
                return FileResponse(snapshot.sheet.open("rb"), content_type="image/png")
        raise Http404

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        return super().render_change_form(request, context | page_of(kwargs["obj"]), *args, **kwargs)

    def state_of(self, row: TrainingRun) -> State:
        return state_of(row)

    @admin.display(description=_("state"))
    def state(self, run: TrainingRun) -> str:
        return str(state_of(run).label)

    @admin.display(description=_("images in all"))
    def images_in_all(self, run: TrainingRun) -> int:
        return round(run.config["kimg"] * 1000)


@admin.register(Generator)
class GeneratorAdmin(StepsAdmin, ReadOnlyAdmin):
    list_display = ["name", "run", "resolution", "images_shown", "levels", "created_at"]
    list_select_related = ["run"]
    search_fields = ["name", "sha256"]
    steps = (
        Step(
            "draw",
            _("Draw films"),
            _("Film number n depends on its seed alone. The same request again draws what is missing."),
            "synthesis.add_batch",
            draw,
            Drawing,
        ),
    )


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ["generator", "collection", "first_seed", "count", "truncation", "created_at"]
    list_select_related = ["generator", "collection"]
    list_filter = ["generator"]
