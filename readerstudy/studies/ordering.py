"""The order in which one reader sees the films of a study. It is drawn once, at enrolment, and then stored."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from random import Random
from typing import TypeVar

from readerstudy.studies.models import Slot

Film = TypeVar("Film", bound=Hashable)


def lag(main_films: int, least: int) -> int:
    """How many films lie between a film and its repeat: `least`, or a third of the films where these are few."""
    return min(least, main_films // 3)


def most_repeats(main_films: int, least: int) -> int:
    """How many films can be repeated with that lag."""
    return main_films - lag(main_films, least)


def draw_order(
    practice: Sequence[Film], main: Sequence[Film], repeats: int, least: int, random: Random
) -> list[tuple[Slot.Kind, Film]]:
    """Practice films first, then every main film once in random order, `repeats` of them a second time.

    At least `least` films lie between a film and its repeat (see `lag`). In a study of pairs a film stands for two.
    Raises ValueError where more films are to be repeated than the lag allows.
    """
    most = most_repeats(len(main), least)
    if repeats > most:
        raise ValueError(f"At most {most} of {len(main)} films can be repeated, not {repeats}.")
    practice_order = random.sample(list(practice), len(practice))
    main_order = random.sample(list(main), len(main))
    order = [(Slot.Kind.MAIN, film) for film in main_order]
    for film in random.sample(main_order[:most], repeats):
        # A later insertion never brings a film and its repeat closer together, so the lag holds to the end.
        earliest = order.index((Slot.Kind.MAIN, film)) + lag(len(main), least) + 1
        order.insert(random.randint(earliest, len(order)), (Slot.Kind.REPEAT, film))
    return [(Slot.Kind.PRACTICE, film) for film in practice_order] + order
