"""What reviewers say of an archive's films: plausible, implausible or artefact; and what they all said, counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from readerstudy.audit.models import record
from readerstudy.steering.models import FilmReview, Goal, LabelledArchive, SteeredFilm

PERMISSION = "steering.add_filmreview"
# Classifiers of findings take the drain for the finding: it lies in most films of treated ones.
TUBES_ASKED_FOR = "Pneumothorax"
Verdict = FilmReview.Verdict
T = TypeVar("T")


class Said(NamedTuple):
    """What a reviewer's last row on a film says. `tubes` is None where that was not asked."""

    verdict: str
    tubes: bool | None


@dataclass(frozen=True)
class Confirmed:
    """What reviewers said of one goal's films. A film counts for a verdict that more than half of its reviewers gave.

    So a tie counts for none, and `reviewed` may exceed the sum of the three. `tubes_asked` are films for which somebody
    said whether a tube is seen, `tubes_seen` those of them where more than half of those who said so saw one.
    """

    goal: Goal
    films: int
    reviewed: int
    plausible: int
    implausible: int
    artefact: int
    tubes_asked: int
    tubes_seen: int


def name_of(goal: Goal) -> str:
    """What the goal's films were steered to, as people write it."""
    return str(goal).replace("_", " ")


def asks_for_tubes(goal: Goal) -> bool:
    """Whether reviewers of this goal's films say whether a tube is seen."""
    return TUBES_ASKED_FOR in goal.present.split("|")


def add_review(*, film: SteeredFilm, reviewer: User, verdict: str, tubes: bool | None = None) -> FilmReview:
    """Store what a reviewer says of a film, as a new row; the same as was said last adds none.

    `tubes` says whether a tube is seen and belongs to the films of a goal that asks for it (`asks_for_tubes`), unless
    the verdict is taken back. Raises PermissionDenied where this account may not review, and ValidationError where
    something else is said than is asked, or nothing was said that could be taken back.
    """
    if not reviewer.has_perm(PERMISSION):
        raise PermissionDenied
    if verdict not in Verdict:
        raise ValidationError(_("Choose plausible, implausible or artefact."))
    review = FilmReview(film=film, reviewer=reviewer, verdict=verdict, tubes=tubes)
    review.full_clean()
    _refuse_another_question(review)
    with transaction.atomic():
        # Two requests of one reviewer on one film come one after the other.
        SteeredFilm.objects.select_for_update().get(pk=film.pk)
        last = FilmReview.objects.filter(film=film, reviewer=reviewer).order_by("-id").first()
        if last and (last.verdict, last.tubes) == (verdict, tubes):
            return last
        if verdict == Verdict.TAKEN_BACK and last is None:
            raise ValidationError(_("You have said nothing of this film yet, so there is nothing to take back."))
        review.save(force_insert=True)
        record(
            actor=reviewer.get_username(),
            action="film reviewed",
            subject=f"steered film:{film.pk}",
            verdict=verdict,
            tubes=tubes,
        )
    return review


def said_by(reviewer: User, films: Iterable[SteeredFilm]) -> dict[int, Said]:
    """What this reviewer's last rows say, by film (its id); films without a verdict are not in it."""
    return {film: said for (film, _who), said in _last(FilmReview.objects.filter(film__in=films, reviewer=reviewer))}


def reviewed_by(reviewer: User, archive: LabelledArchive) -> Counter[int]:
    """How many films of each goal (its id) this reviewer has given a verdict on."""
    rows = FilmReview.objects.filter(film__goal__archive=archive, reviewer=reviewer).order_by("id")
    last = {film: (goal, verdict) for film, goal, verdict in rows.values_list("film", "film__goal", "verdict")}
    return Counter(goal for goal, verdict in last.values() if verdict != Verdict.TAKEN_BACK)


def confirmed(archive: LabelledArchive) -> list[Confirmed]:
    """What all reviewers said of the archive's films, goal by goal in the archive's order."""
    said: dict[int, list[Said]] = defaultdict(list)
    for (film, _who), row in _last(FilmReview.objects.filter(film__goal__archive=archive)):
        said[film].append(row)
    films: dict[int, list[int]] = defaultdict(list)
    for film, goal in SteeredFilm.objects.filter(goal__archive=archive).values_list("pk", "goal"):
        films[goal].append(film)
    return [_counted(goal, films[goal.pk], said) for goal in archive.goals.order_by("position")]


def _counted(goal: Goal, films: Sequence[int], said: dict[int, list[Said]]) -> Confirmed:
    reviewed = [said[film] for film in films if film in said]
    verdicts = Counter(_majority([row.verdict for row in rows]) for rows in reviewed)
    tubes = [answers for rows in reviewed if (answers := [row.tubes for row in rows if row.tubes is not None])]
    return Confirmed(
        goal=goal,
        films=len(films),
        reviewed=len(reviewed),
        plausible=verdicts[Verdict.PLAUSIBLE],
        implausible=verdicts[Verdict.IMPLAUSIBLE],
        artefact=verdicts[Verdict.ARTEFACT],
        tubes_asked=len(tubes),
        tubes_seen=sum(_majority(answers) is True for answers in tubes),
    )


def _majority(votes: Sequence[T]) -> T | None:
    """What more than half of them say; None where there is no such thing."""
    most, count = Counter(votes).most_common(1)[0]
    return most if 2 * count > len(votes) else None


def _last(reviews: QuerySet[FilmReview]) -> list[tuple[tuple[int, int], Said]]:
    """The last row of each reviewer on each film, without those that take the verdict back."""
    rows = reviews.order_by("id").values_list("film_id", "reviewer_id", "verdict", "tubes")
    last = {(film, reviewer): Said(verdict, tubes) for film, reviewer, verdict, tubes in rows}
    return [(key, said) for key, said in last.items() if said.verdict != Verdict.TAKEN_BACK]


def _refuse_another_question(review: FilmReview) -> None:
    asked = asks_for_tubes(review.film.goal) and review.verdict != Verdict.TAKEN_BACK
    if asked and review.tubes is None:
        raise ValidationError(_("For a pneumothorax say also whether a tube is seen."))
    if not asked and review.tubes is not None:
        raise ValidationError(_("Whether a tube is seen is only asked of films that were steered to a pneumothorax."))
