"""Classifiers, labelled archives and their reviews as researchers see them. Archives are built by jobs begun here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import validate_slug
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from gan.findings import FINDINGS
from readerstudy.admin_steps import Step, StepsAdmin
from readerstudy.admin_texts import short_date
from readerstudy.jobs.admin import link_to_job
from readerstudy.jobs.services import enqueue
from readerstudy.read_only_admin import ReadOnlyAdmin
from readerstudy.steering import tasks
from readerstudy.steering.building import reached
from readerstudy.steering.models import Classifier, FilmReview, LabelledArchive
from readerstudy.steering.planning import ATTEMPTS_PER_FILM, PER_FINDING, plan_archive
from readerstudy.steering.review import asks_for_tubes, confirmed, name_of
from readerstudy.synthesis.models import Generator

Choices = list[tuple[str, str]]


def _generators() -> Choices:
    return [(name, name) for name in Generator.objects.order_by("name").values_list("name", flat=True)]


def _classifiers() -> Choices:
    return [(name, name) for name in Classifier.objects.order_by("name").values_list("name", flat=True)]


def _classifiers_or_none() -> Choices:
    return [("", gettext("none")), *_classifiers()]


class Building(forms.Form):
    """The arguments of `build_archive`, by their names."""

    name = forms.CharField(
        label=_("Name of the archive and its collection"), max_length=100, validators=[validate_slug]
    )
    generator = forms.ChoiceField(label=_("Generator"), choices=_generators)
    classifiers = forms.MultipleChoiceField(
        label=_("Classifiers that steer; several are averaged"), choices=_classifiers
    )
    acceptor = forms.ChoiceField(
        label=_("Classifier that alone accepts, trained on none of their patients"), choices=_classifiers
    )
    judge = forms.ChoiceField(
        label=_("Classifier that scores accepted films, trained on yet other patients"),
        choices=_classifiers_or_none,
        required=False,
    )
    findings = forms.MultipleChoiceField(
        label=_("Findings; without any, and without combinations, all that the classifiers know"),
        choices=[(name, name.replace("_", " ")) for name in FINDINGS],
        required=False,
    )
    combinations = forms.CharField(
        label=_("Combinations, one a line, such as Cardiomegaly+Effusion, or Effusion-Cardiomegaly without the second"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
    )
    per_finding = forms.IntegerField(label=_("Films for each of them"), initial=PER_FINDING, min_value=1)
    attempts_per_film = forms.IntegerField(
        label=_("Attempts for each film, after which a finding is left"), initial=ATTEMPTS_PER_FILM, min_value=1
    )
    seed = forms.IntegerField(label=_("Seed"), initial=0, min_value=0)
    licence = forms.CharField(label=_("Licence"), max_length=200, required=False)

    def clean_combinations(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["combinations"].splitlines() if line.strip()]


def build(request: HttpRequest, _row: None, answers: dict[str, Any]) -> str:
    # Refuse what the job would refuse, while the person still looks at the form.
    plan_archive(**answers)
    job = enqueue(
        tasks.build,
        title=gettext("Build archive %(name)s") % {"name": answers["name"]},
        actor=request.user.get_username(),
        **answers,
    )
    return format_html(gettext("Building waits among the jobs; {}."), link_to_job(job, gettext("watch it there")))


@admin.register(Classifier)
class ClassifierAdmin(ReadOnlyAdmin):
    list_display = ["name", "network", "side", "known", "created"]
    search_fields = ["name", "sha256"]

    @admin.display(description=_("findings"))
    def known(self, classifier: Classifier) -> str:
        return ", ".join(name.replace("_", " ") for name in classifier.findings)

    @admin.display(description=_("created"), ordering="id")
    def created(self, classifier: Classifier) -> str | None:
        return short_date(classifier.created_at)


@admin.register(LabelledArchive)
class LabelledArchiveAdmin(StepsAdmin, ReadOnlyAdmin):
    list_display = ["collection", "generator", "targets", "films", "created", "finished"]
    list_select_related = ["collection", "generator"]
    search_fields = ["collection__name"]
    change_form_template = "admin/steering/archive.html"
    fields = ["collection", "generator", "classifiers", "seed", "settings", "code_version", "created_at", "finished_at"]
    list_steps = (
        Step(
            "build",
            _("Build an archive"),
            _(
                "Building takes hours to days. It is a job: it can be cancelled, and the same request again goes on, "
                "to the same archive."
            ),
            "steering.add_labelledarchive",
            build,
            Building,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[LabelledArchive]:
        counts = {"goals_in_all": Count("goals", distinct=True), "films_in_all": Count("goals__films", distinct=True)}
        return super().get_queryset(request).annotate(**counts)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        archive = kwargs["obj"]
        rows = [
            {
                "name": name_of(built.goal),
                "goal": built.goal,
                "built": built,
                "said": said,
                "asks_for_tubes": asks_for_tubes(built.goal),
            }
            for built, said in zip(reached(archive), confirmed(archive), strict=True)
        ]
        return super().render_change_form(request, context | {"rows": rows}, *args, **kwargs)

    @admin.display(description=_("targets"), ordering="goals_in_all")
    def targets(self, archive: Any) -> int:
        return archive.goals_in_all

    @admin.display(description=_("films"), ordering="films_in_all")
    def films(self, archive: Any) -> int:
        return archive.films_in_all

    @admin.display(description=_("created"), ordering="id")
    def created(self, archive: LabelledArchive) -> str | None:
        return short_date(archive.created_at)

    @admin.display(description=_("finished"), ordering="finished_at")
    def finished(self, archive: LabelledArchive) -> str | None:
        return short_date(archive.finished_at)

    @admin.display(description=_("classifiers"))
    def classifiers(self, archive: LabelledArchive) -> str:
        parts = archive.parts.select_related("classifier").order_by("-part", "classifier__name")
        return ", ".join(f"{row.classifier} ({row.get_part_display()})" for row in parts)


@admin.register(FilmReview)
class FilmReviewAdmin(ReadOnlyAdmin):
    list_display = ["radiograph", "goal", "verdict", "tubes", "reviewer", "made_at"]
    list_filter = ["verdict", "tubes", "film__goal__archive__collection"]
    list_select_related = ["film__radiograph", "film__goal", "reviewer"]

    @admin.display(description=_("film"))
    def radiograph(self, review: FilmReview) -> str:
        return str(review.film.radiograph)

    @admin.display(description=_("steered to"))
    def goal(self, review: FilmReview) -> str:
        return name_of(review.film.goal)
