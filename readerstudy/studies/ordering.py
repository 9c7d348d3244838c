"""The order in which one reader sees the films of a study. It is drawn once, at enrolment, and then stored."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from readerstudy.studies.models import Case, Slot

LARGEST_LAG = 10


def lag(main_films: int) -> int:
    """How many films lie at least between a film and its repeat: ten, or a third of the films where these are few."""
    return min(LARGEST_LAG, main_films // 3)


def most_repeats(main_films: int) -> int:
    """How many films can be repeated with that lag."""
    return main_films - lag(main_films)


def draw_order(
    practice: Sequence[Case], main: Sequence[Case], repeats: int, random: Random
) -> list[tuple[Slot.Kind, Case]]:
    """Practice films first, then every main film once in random order, `repeats` of them a second time.

    Raises ValueError where more films are to be repeated than the lag allows.
    """
    if repeats > most_repeats(len(main)):
        raise ValueError(f"At most {most_repeats(len(main))} of {len(main)} films can be repeated, not {repeats}.")
    practice_order = random.sample(list(practice), len(practice))
    main_order = random.sample(list(main), len(main))
    order = [(Slot.Kind.MAIN, case) for case in main_order]
    for case in random.sample(main_order[: most_repeats(len(main))], repeats):
        # A later insertion never brings a film and its repeat closer together, so the lag holds to the end.
        earliest = order.index((Slot.Kind.MAIN, case)) + lag(len(main)) + 1
        order.insert(random.randint(earliest, len(order)), (Slot.Kind.REPEAT, case))
    return [(Slot.Kind.PRACTICE, case) for case in practice_order] + order
