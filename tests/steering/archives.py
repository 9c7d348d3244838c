"""Labelled archives for these tests: rows and films of noise, without a network."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import Permission, User

from readerstudy.archive.models import Collection
from readerstudy.steering.models import Goal, LabelledArchive, SteeredFilm
from tests.studies.films import add_film, make_collection, make_generator


def make_archive(
    folder: Path,
    goals: dict[str, int] | None = None,
    *,
    name: str = "steered",
    side: int = 32,
    collection: Collection | None = None,
) -> LabelledArchive:
    """An archive with so many films for each goal: by default three of Effusion and two of Pneumothorax."""
    archive = LabelledArchive.objects.create(
        collection=collection or make_collection(name, truth="synthetic"),
        generator=make_generator(folder / f"generator-{name}"),
        settings={},
        seed=7,
        code_version="1",
    )
    for position, (present, films) in enumerate((goals or {"Effusion": 3, "Pneumothorax": 2}).items()):
        goal = Goal.objects.create(
            archive=archive, position=position, present=present, films_wanted=films or 1, attempts_allowed=100
        )
        for number in range(films):
            add_steered(goal, number, side)
    return archive


def add_steered(goal: Goal, number: int, side: int = 32) -> SteeredFilm:
    """One film of noise that stands for a steered one."""
    return SteeredFilm.objects.create(
        radiograph=add_film(goal.archive.collection, 1000 * (goal.position + 1) + number, side=side),
        goal=goal,
        seed=number,
        latent=bytes(4),
        steps=10,
        distance=0.5,
        # A score that falls along the order of the films, and that no page may show.
        steering_scores={goal.present: 4.25 - number},
        accepting_scores={goal.present: 3.75 - number},
    )


def films_of(archive: LabelledArchive, present: str) -> list[SteeredFilm]:
    return list(SteeredFilm.objects.filter(goal__archive=archive, goal__present=present).order_by("seed"))


def make_reviewer(name: str = "radiologist") -> User:
    """A staff account that may review films and nothing else."""
    reviewer = User.objects.create_user(name, is_staff=True)
    reviewer.user_permissions.add(Permission.objects.get(codename="add_filmreview"))
    return reviewer
