"""A frozen study to read, and a reader's browser without a screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.test import Client

from readerstudy.studies.models import Reader, Slot, Study
from readerstudy.studies.services import add_arm, freeze_study, invite_reader
from tests.studies.films import ACTOR, make_generator, make_study, real_collection, synthetic_collection


def open_study(folder: Path, films: int = 5, **plan: Any) -> Study:
    """A frozen study with a real and a generator arm of `films` each."""
    study = make_study(**plan)
    pool = films + plan.get("practice_films", 0) + plan.get("purpose_blind_films", 0)
    real = real_collection(films=pool)
    drawn = synthetic_collection(make_generator(folder / "generator"), films=pool)
    add_arm(study=study, actor=ACTOR, name="real", role="real", collection=real, films=films, split="test")
    add_arm(study=study, actor=ACTOR, name="synthetic", role="generator", collection=drawn, films=films)
    return freeze_study(study=study, actor=ACTOR)


ENTRANCE: dict[str, dict[str, Any]] = {
    "consent": {},
    "profile": {"position": "chest", "years": "12", "subspecialty": "", "exposure": "never"},
    "display": {
        "patches": "both",
        "display": "diagnostic",
        "room": "dark",
        "width": 1536,
        "height": 2048,
        "pixel_ratio": 1,
    },
}
"""What a reader says on each page before the first film."""


class Browser:
    """A reader who has opened the personal link."""

    def __init__(self, study: Study, **options: Any) -> None:
        self.reader, self.token = invite_reader(study=study, actor=ACTOR)
        self.client = Client(**options)
        self.client.get(f"/read/{self.token}/")

    def come_in(self) -> None:
        """Pass the pages before the first film."""
        for page, said in ENTRANCE.items():
            self.client.post(f"/read/{page}/", said)

    def slot(self) -> dict[str, Any]:
        return self.client.get("/read/slot/").json()

    def film(self, code: str) -> HttpResponse:
        return self.client.get(f"/read/film/{code}/")

    def answer(self, code: str, rating: Any = 3, milliseconds: Any = 4000) -> HttpResponse:
        body = json.dumps({"rating": rating, "milliseconds": milliseconds})
        return self.client.post(f"/read/answer/{code}/", body, content_type="application/json")

    def read(self, rating: int = 3) -> dict[str, Any]:
        """See the next film and rate it; gives the slot after it."""
        code = self.slot()["code"]
        assert self.film(code).status_code == 200
        reply = self.answer(code, rating)
        assert reply.status_code == 200, reply.content
        return reply.json()["next"]


def slots_of(reader: Reader) -> list[Slot]:
    return list(Slot.objects.for_reader(reader).in_order().select_related("case__study"))
