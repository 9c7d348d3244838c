"""A study for a browser to read: films of noise, large enough to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan.pixels import FULL_SCALE
from readerstudy.studies.models import Reader, Slot, Study
from readerstudy.studies.rendering import film_of, frozen_payload
from readerstudy.studies.services import add_arm, freeze_study
from tests.studies.films import ACTOR, add_film, make_collection, make_study

SIDE = 128


def open_study(folder: Path, films: int = 3, side: int = SIDE, **plan: Any) -> Study:
    """A frozen study with a real and a synthetic arm of `films` each, and two films for practice."""
    study = make_study(**({"practice_films": 2, "override_reason": "Noise has no patient."} | plan))
    for name, role, truth in (("real", "real", "real"), ("synthetic", "generator", "synthetic")):
        collection = make_collection(name, truth)
        for number in range(films + 1 + plan.get("purpose_blind_films", 0)):
            add_film(collection, number, side=side, levels=256)
        add_arm(study=study, actor=ACTOR, name=name, role=role, collection=collection, films=films)
    return freeze_study(study=study, actor=ACTOR)


def greys_of(slot: Slot) -> Any:
    """A slot's film as the server renders it for a screen of 8 bits: shape (side, side), 0 … 255."""
    study = slot.case.study
    return film_of(frozen_payload(slot.case), study.side).astype(float) * 255 / FULL_SCALE


def slots_of(reader: Reader) -> list[Slot]:
    return list(Slot.objects.for_reader(reader).in_order().select_related("case__study"))
