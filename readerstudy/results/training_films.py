"""The films that the generators of a study were trained on, brought into the form that its readers saw films in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evaluation.study import Training
from gan.pixels import Film
from readerstudy.archive.models import Radiograph, Truth
from readerstudy.studies.freezing import read_radiograph
from readerstudy.studies.held_out import training_films
from readerstudy.studies.models import Arm, Study
from readerstudy.studies.rendering import DITHER, Form, film_of, render
from readerstudy.synthesis.models import Generator


def training_of(study: Study, manifest: dict[str, Any]) -> dict[str, Training]:
    """By arm of drawn films what its generators were trained on, as far as the archive has it."""
    form = Form(
        side=manifest["side"],
        levels=manifest["levels"],
        margin=manifest["margin"],
        step=manifest["dither"]["standard_deviation"] / DITHER,
    )
    return {
        arm["name"]: _training(arm["generators"], form, study.seed)
        for arm in manifest["arms"]
        if arm["role"] == Arm.Role.GENERATOR
    }


def _training(generators: Sequence[dict[str, Any]], form: Form, seed: int) -> Training:
    if not generators:
        return Training(missing=_("The films come from no registered generator."))
    hashes: set[str] = set()
    for generator in Generator.objects.filter(sha256__in=[generator["sha256"] for generator in generators]):
        try:
            hashes |= training_films(generator).films
        except ValidationError as error:
            return Training(missing=" ".join(error.messages))
    found: dict[str, Radiograph] = {}
    for radiograph in Radiograph.objects.filter(collection__truth=Truth.REAL).order_by("film_hash", "pk").iterator():
        if radiograph.film_hash in hashes:
            found.setdefault(radiograph.film_hash, radiograph)
    films = _InTheForm(list(found.values()), form, seed)
    missing = len(hashes) - len(found)
    return Training(
        films=films,
        patients=[radiograph.patient for radiograph in found.values()],
        missing=_("%(missing)d of its %(all)d training films are not in the archive.")
        % {"missing": missing, "all": len(hashes)}
        if missing
        else "",
    )


class _InTheForm:
    """Radiographs as films of a study, read and rendered each time one is asked for."""

    def __init__(self, radiographs: Sequence[Radiograph], form: Form, seed: int) -> None:
        self._radiographs, self._form, self._seed = radiographs, form, seed

    def __len__(self) -> int:
        return len(self._radiographs)

    def __iter__(self) -> Iterator[Film]:
        return map(self._rendered, self._radiographs)

    def __getitem__(self, index: int) -> Film:
        return self._rendered(self._radiographs[index])

    def _rendered(self, radiograph: Radiograph) -> Film:
        seed = f"{self._seed}:{radiograph.film_hash}"
        return film_of(render(read_radiograph(radiograph), self._form, seed=seed), self._form.side)
