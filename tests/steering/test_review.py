"""What reviewers say of an archive's films: who may say it, what is stored, and how it is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction

from readerstudy.audit.models import AuditRow
from readerstudy.steering.models import FilmReview, LabelledArchive
from readerstudy.steering.review import Confirmed, add_review, confirmed, reviewed_by, said_by
from tests.steering.archives import films_of, make_archive, make_reviewer

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def archive(tmp_path: Path) -> LabelledArchive:
    return make_archive(tmp_path)


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


def counts(row: Confirmed) -> tuple[int, ...]:
    return (row.films, row.reviewed, row.plausible, row.implausible, row.artefact, row.tubes_asked, row.tubes_seen)


# What is stored


def test_a_verdict_is_a_row_and_a_line_in_the_log(archive: LabelledArchive, reviewer: User) -> None:
    film = films_of(archive, "Effusion")[0]
    add_review(film=film, reviewer=reviewer, verdict="plausible")
    assert FilmReview.objects.values_list("film", "reviewer", "verdict", "tubes").get() == (
        film.pk,
        reviewer.pk,
        "plausible",
        None,
    )
    assert AuditRow.objects.values_list("actor", "subject").get() == ("radiologist", f"steered film:{film.pk}")


def test_another_verdict_is_another_row_and_the_last_one_counts(archive: LabelledArchive, reviewer: User) -> None:
    film = films_of(archive, "Effusion")[0]
    add_review(film=film, reviewer=reviewer, verdict="plausible")
    add_review(film=film, reviewer=reviewer, verdict="artefact")
    assert FilmReview.objects.count() == 2
    assert said_by(reviewer, [film]) == {film.pk: ("artefact", None)}


def test_the_same_verdict_again_adds_no_row(archive: LabelledArchive, reviewer: User) -> None:
    film = films_of(archive, "Effusion")[0]
    first = add_review(film=film, reviewer=reviewer, verdict="plausible")
    assert add_review(film=film, reviewer=reviewer, verdict="plausible") == first
    assert FilmReview.objects.count() == 1


def test_what_was_taken_back_is_as_if_never_said(archive: LabelledArchive, reviewer: User) -> None:
    film = films_of(archive, "Effusion")[0]
    add_review(film=film, reviewer=reviewer, verdict="plausible")
    add_review(film=film, reviewer=reviewer, verdict="taken back")
    assert FilmReview.objects.count() == 2
    assert said_by(reviewer, [film]) == {}
    assert counts(confirmed(archive)[0])[:3] == (3, 0, 0)


def test_nothing_can_be_taken_back_that_was_not_said(archive: LabelledArchive, reviewer: User) -> None:
    with pytest.raises(ValidationError, match="nothing to take back"):
        add_review(film=films_of(archive, "Effusion")[0], reviewer=reviewer, verdict="taken back")


def test_tubes_are_asked_for_a_pneumothorax_and_nowhere_else(archive: LabelledArchive, reviewer: User) -> None:
    with pytest.raises(ValidationError, match="whether a tube is seen"):
        add_review(film=films_of(archive, "Pneumothorax")[0], reviewer=reviewer, verdict="plausible")
    with pytest.raises(ValidationError, match="only asked"):
        add_review(film=films_of(archive, "Effusion")[0], reviewer=reviewer, verdict="plausible", tubes=False)
    assert not FilmReview.objects.exists()


def test_a_combination_with_pneumothorax_asks_for_tubes_too(tmp_path: Path, reviewer: User) -> None:
    archive = make_archive(tmp_path, {"Effusion|Pneumothorax": 1})
    film = films_of(archive, "Effusion|Pneumothorax")[0]
    assert add_review(film=film, reviewer=reviewer, verdict="plausible", tubes=True).tubes


def test_a_verdict_that_is_none_is_refused(archive: LabelledArchive, reviewer: User) -> None:
    with pytest.raises(ValidationError):
        add_review(film=films_of(archive, "Effusion")[0], reviewer=reviewer, verdict="lovely")


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_only_adds_reviews(archive: LabelledArchive, reviewer: User, change: str) -> None:
    add_review(film=films_of(archive, "Effusion")[0], reviewer=reviewer, verdict="plausible")
    changes = {
        "update": lambda: FilmReview.objects.update(verdict="artefact"),
        "delete": lambda: FilmReview.objects.all().delete(),
    }
    with pytest.raises(DatabaseError), transaction.atomic():
        changes[change]()


def test_who_lacks_the_permission_reviews_nothing(archive: LabelledArchive) -> None:
    with pytest.raises(PermissionDenied):
        add_review(
            film=films_of(archive, "Effusion")[0],
            reviewer=User.objects.create_user("somebody", is_staff=True),
            verdict="plausible",
        )


# How it is counted


def test_a_film_counts_for_what_more_than_half_of_its_reviewers_said(archive: LabelledArchive) -> None:
    one, two, three = (make_reviewer(name) for name in ("one", "two", "three"))
    first, second, third = films_of(archive, "Effusion")
    for film, verdicts in (
        (first, ("plausible", "plausible", "artefact")),
        (second, ("plausible", "implausible", "artefact")),
        (third, ("implausible",)),
    ):
        for reviewer, verdict in zip((one, two, three), verdicts, strict=False):
            add_review(film=film, reviewer=reviewer, verdict=verdict)
    # Of the second film three reviewers said three things.
    assert counts(confirmed(archive)[0]) == (3, 3, 1, 1, 0, 0, 0)


def test_a_tie_confirms_nothing_until_one_changes_their_mind(archive: LabelledArchive) -> None:
    one, two = make_reviewer("one"), make_reviewer("two")
    film = films_of(archive, "Effusion")[0]
    add_review(film=film, reviewer=one, verdict="plausible")
    add_review(film=film, reviewer=two, verdict="implausible")
    assert counts(confirmed(archive)[0]) == (3, 1, 0, 0, 0, 0, 0)
    add_review(film=film, reviewer=two, verdict="plausible")
    assert counts(confirmed(archive)[0]) == (3, 1, 1, 0, 0, 0, 0)


def test_tubes_are_counted_by_the_majority_too(archive: LabelledArchive) -> None:
    one, two = make_reviewer("one"), make_reviewer("two")
    first, second = films_of(archive, "Pneumothorax")
    add_review(film=first, reviewer=one, verdict="plausible", tubes=True)
    add_review(film=first, reviewer=two, verdict="plausible", tubes=True)
    add_review(film=second, reviewer=one, verdict="implausible", tubes=True)
    add_review(film=second, reviewer=two, verdict="implausible", tubes=False)
    assert counts(confirmed(archive)[1]) == (2, 2, 1, 1, 0, 2, 1)


def test_goals_come_in_their_order_and_an_empty_one_too(tmp_path: Path) -> None:
    archive = make_archive(tmp_path, {"Mass": 0, "Edema": 1})
    assert [(row.goal.present, row.films) for row in confirmed(archive)] == [("Mass", 0), ("Edema", 1)]


def test_a_reviewer_is_told_of_their_own_verdicts_only(archive: LabelledArchive, reviewer: User) -> None:
    film = films_of(archive, "Effusion")[0]
    add_review(film=film, reviewer=make_reviewer("another"), verdict="artefact")
    assert said_by(reviewer, [film]) == {}
    assert not reviewed_by(reviewer, archive)
    add_review(film=film, reviewer=reviewer, verdict="plausible")
    assert reviewed_by(reviewer, archive) == {film.goal_id: 1}
