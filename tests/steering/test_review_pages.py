"""The pages of a review: who gets in, what stands on them, and what a form stores without a script."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from PIL import Image

from gan.pixels import read_film
from readerstudy.archive.models import Collection
from readerstudy.audit.models import AuditRow
from readerstudy.steering.models import FilmReview, LabelledArchive
from readerstudy.steering.review import add_review
from readerstudy.studies.models import Study
from readerstudy.studies.services import close_study, unblind_study
from tests.reading.room import Browser, open_study
from tests.steering.archives import films_of, make_archive, make_reviewer
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]

JSON = {"headers": {"accept": "application/json"}}


@pytest.fixture
def archive(tmp_path: Path) -> LabelledArchive:
    return make_archive(tmp_path)


@pytest.fixture
def reviewer() -> User:
    return make_reviewer()


@pytest.fixture
def client(reviewer: User) -> Client:
    return signed_in(reviewer)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def addresses(archive: LabelledArchive) -> list[str]:
    film = films_of(archive, "Effusion")[0].pk
    grid = f"/review/{archive.pk}/0/"
    return [
        "/review/",
        grid,
        f"{grid}sheet.png",
        *(f"/review/film/{film}/{end}" for end in ("", "picture.png", "pixels")),
    ]


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# Who gets in


def test_a_stranger_is_led_to_the_sign_in(archive: LabelledArchive) -> None:
    for address in addresses(archive):
        response = Client().get(address)
        assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={address}")


def test_the_personal_link_of_a_reader_opens_none_of_it(archive: LabelledArchive, tmp_path: Path) -> None:
    reader = Browser(open_study(tmp_path))
    reader.come_in()
    assert reader.slot()["code"]
    for address in addresses(archive):
        assert reader.client.get(address)["Location"].startswith("/admin/login/")
    film = films_of(archive, "Effusion")[0]
    assert reader.client.post(f"/review/film/{film.pk}/", {"verdict": "plausible"}, **JSON).status_code == 302
    assert not FilmReview.objects.exists()


def test_an_account_without_the_permission_is_refused(archive: LabelledArchive) -> None:
    client = signed_in(User.objects.create_user("somebody", is_staff=True))
    assert {client.get(address).status_code for address in addresses(archive)} == {403}
    assert client.post(addresses(archive)[3], {"verdict": "plausible"}).status_code == 403


def test_the_permission_alone_does_not_do_without_a_staff_account(archive: LabelledArchive) -> None:
    reviewer = make_reviewer()
    reviewer.is_staff = False
    reviewer.save()
    assert {signed_in(reviewer).get(address).status_code for address in addresses(archive)} == {302}


def test_whoever_may_see_the_archive_sees_its_contact_sheets_and_no_more(archive: LabelledArchive) -> None:
    curator = User.objects.create_user("curator", is_staff=True)
    curator.user_permissions.add(Permission.objects.get(codename="view_labelledarchive"))
    answers = {address: signed_in(curator).get(address).status_code for address in addresses(archive)}
    assert [address for address, status in answers.items() if status == 200] == [f"/review/{archive.pk}/0/sheet.png"]


def test_another_site_cannot_send_a_verdict(archive: LabelledArchive, reviewer: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(reviewer)
    assert client.post(addresses(archive)[3], {"verdict": "plausible"}).status_code == 403


def test_nothing_of_it_is_kept_by_a_browser(client: Client, archive: LabelledArchive) -> None:
    for address in addresses(archive):
        response = client.get(address)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert "default-src 'none'" in response["Content-Security-Policy"]


# What stands on them


def test_the_list_says_how_far_this_reviewer_is(client: Client, reviewer: User, archive: LabelledArchive) -> None:
    first, second, _third = films_of(archive, "Effusion")
    add_review(film=first, reviewer=reviewer, verdict="plausible")
    for film in (first, second):
        add_review(film=film, reviewer=make_reviewer(f"another-{film.pk}"), verdict="artefact")
    said = re.findall(r"(\d) of (\d)\s", text_of(client, "/review/"))
    assert ("1", "3") in said
    assert ("0", "2") in said


def test_films_come_by_their_seeds_and_without_scores(client: Client, archive: LabelledArchive) -> None:
    page = text_of(client, f"/review/{archive.pk}/0/")
    assert "Steered to: Effusion, unverified" in page
    order = [int(pk) for pk in re.findall(r'id="film-(\d+)"', page)]
    assert order == [film.pk for film in films_of(archive, "Effusion")]
    everything = page + text_of(client, f"/review/film/{order[0]}/")
    for score in (4.25, 3.25, 2.25, 3.75, 2.75, 1.75):
        assert str(score) not in everything


def test_a_page_has_twelve_films(client: Client, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, {"Pleural_Thickening": 14})
    first = text_of(client, f"/review/{archive.pk}/0/")
    last = text_of(client, f"/review/{archive.pk}/0/?page=2")
    assert "Steered to: Pleural Thickening, unverified" in first
    assert [len(re.findall("<img ", page)) for page in (first, last)] == [12, 2]
    assert 'alt="Film 13"' in last


def test_tubes_are_asked_where_a_pneumothorax_is_wanted(client: Client, archive: LabelledArchive) -> None:
    assert 'name="tubes"' not in text_of(client, f"/review/{archive.pk}/0/")
    assert text_of(client, f"/review/{archive.pk}/1/").count('name="tubes"') == 2


def test_what_another_reviewer_said_is_not_shown(client: Client, archive: LabelledArchive) -> None:
    film = films_of(archive, "Effusion")[0]
    add_review(film=film, reviewer=make_reviewer("another"), verdict="artefact")
    assert "checked" not in text_of(client, f"/review/{archive.pk}/0/").split("<dialog")[0]
    assert "checked" not in text_of(client, f"/review/film/{film.pk}/").split("<dialog")[0]


def test_films_are_sent_as_they_are(client: Client, archive: LabelledArchive) -> None:
    film = films_of(archive, "Effusion")[0]
    expected = read_film(film.radiograph.path)
    sent = client.get(f"/review/film/{film.pk}/pixels").content
    assert np.array_equal(np.frombuffer(sent, "<u2").reshape(32, 32), expected)
    picture = Image.open(io.BytesIO(client.get(f"/review/film/{film.pk}/picture.png").content))
    assert (picture.mode, picture.size, picture.info) == ("L", (32, 32), {})
    assert np.array_equal(np.asarray(picture), np.rint(expected / 257))


def test_there_is_no_such_archive_goal_or_film(client: Client, archive: LabelledArchive) -> None:
    for address in ("/review/0/0/", f"/review/{archive.pk}/9/", "/review/film/0/", f"/review/{archive.pk}/9/sheet.png"):
        assert client.get(address).status_code == 404


def test_a_contact_sheet_has_at_most_sixty_films(client: Client, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, {"Mass": 61, "Hernia": 0, "Edema": 3})
    sheet = Image.open(io.BytesIO(client.get(f"/review/{archive.pk}/0/sheet.png").content))
    assert sheet.size == (10 * 128, 6 * 128 + 40)
    assert client.get(f"/review/{archive.pk}/1/sheet.png").status_code == 404
    few = Image.open(io.BytesIO(client.get(f"/review/{archive.pk}/2/sheet.png").content))
    assert few.height == 128 + 40


# What a form stores


def test_a_plain_form_stores_and_leads_back_to_its_film(client: Client, reviewer: User, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, {"Effusion": 13})
    film = films_of(archive, "Effusion")[12]
    response = client.post(f"/review/film/{film.pk}/", {"verdict": "implausible"})
    assert response["Location"] == f"/review/{archive.pk}/0/?page=2#film-{film.pk}"
    assert FilmReview.objects.values_list("verdict", "reviewer").get() == ("implausible", reviewer.pk)
    page = text_of(client, response["Location"].split("#")[0])
    assert re.search(r'value="implausible"[^>]*\schecked', page)
    client.post(f"/review/film/{film.pk}/", {"verdict": "implausible", "take_back": "1"})
    assert FilmReview.objects.count() == 2
    assert not re.search(r'value="implausible"[^>]*\schecked', text_of(client, response["Location"].split("#")[0]))


def test_an_unticked_box_says_that_no_tube_is_seen(client: Client, archive: LabelledArchive) -> None:
    first, second = films_of(archive, "Pneumothorax")
    client.post(f"/review/film/{first.pk}/", {"verdict": "plausible"})
    client.post(f"/review/film/{second.pk}/", {"verdict": "plausible", "tubes": "1"})
    assert dict(FilmReview.objects.values_list("film", "tubes")) == {first.pk: False, second.pk: True}


def test_the_enlarged_film_stays_when_it_is_judged(client: Client, archive: LabelledArchive) -> None:
    film = films_of(archive, "Effusion")[0]
    response = client.post(f"/review/film/{film.pk}/", {"verdict": "plausible", "enlarged": "1"})
    assert response["Location"] == f"/review/film/{film.pk}/"


def test_a_form_without_a_verdict_is_answered_in_words(client: Client, archive: LabelledArchive) -> None:
    film = films_of(archive, "Effusion")[0]
    page = client.post(f"/review/film/{film.pk}/", {}, follow=True).content.decode()
    assert "Choose plausible, implausible or artefact." in page
    reply = client.post(f"/review/film/{film.pk}/", {"verdict": "lovely"}, **JSON)
    assert (reply.status_code, reply.json()) == (400, {"error": "Choose plausible, implausible or artefact."})


def test_the_script_is_told_how_many_films_are_reviewed(client: Client, archive: LabelledArchive) -> None:
    for number, film in enumerate(films_of(archive, "Effusion"), 1):
        reply = client.post(f"/review/film/{film.pk}/", {"verdict": "plausible"}, **JSON)
        assert reply.json() == {"reviewed": number}
    assert client.post(f"/review/film/{film.pk}/", {"take_back": "1"}, **JSON).json() == {"reviewed": 2}


# Films that a study shows


@pytest.fixture
def shown(tmp_path: Path) -> tuple[Study, LabelledArchive]:
    """A study that readers read, and the archive that its synthetic films are of."""
    study = open_study(tmp_path)
    collection = Collection.objects.get(name="synthetic")
    return study, make_archive(tmp_path, collection=collection)


def test_who_may_be_a_reader_is_warned_before_any_film(client: Client, shown: tuple[Study, LabelledArchive]) -> None:
    study, archive = shown
    for address in ("/review/", f"/review/{archive.pk}/0/", f"/review/film/{films_of(archive, 'Effusion')[0].pk}/"):
        page = text_of(client, address)
        assert f"“{study.title}”" in page
        assert "is unblinded" in page
        assert "picture.png" not in page
        assert "sheet.png" not in page
        assert "pixels" not in page


def test_who_reads_in_no_study_says_so_and_goes_on(client: Client, shown: tuple[Study, LabelledArchive]) -> None:
    study, archive = shown
    client.post(f"/review/{archive.pk}/begin/")
    page = text_of(client, f"/review/{archive.pk}/0/")
    assert page.count("picture.png") == 3
    # The warning stays.
    assert f"“{study.title}”" in page
    row = AuditRow.objects.get(subject=f"labelled archive:{archive}")
    assert (row.actor, row.action) == ("radiologist", "declared to read in no study with these films")


def test_a_closed_study_is_warned_of_and_an_unblinded_one_is_not(
    client: Client, shown: tuple[Study, LabelledArchive]
) -> None:
    study, archive = shown
    close_study(study=study, actor=ACTOR)
    assert "picture.png" not in text_of(client, f"/review/{archive.pk}/0/")
    unblind_study(study=study, reason="All have read.", actor=ACTOR)
    assert text_of(client, f"/review/{archive.pk}/0/").count("picture.png") == 3


def test_an_archive_that_no_study_shows_needs_no_warning(
    client: Client, archive: LabelledArchive, tmp_path: Path
) -> None:
    open_study(tmp_path)
    page = text_of(client, "/review/")
    assert "is unblinded" not in page
    assert f"/review/{archive.pk}/0/" in page
