"""The archive's pages for researchers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from readerstudy.archive import services
from readerstudy.archive.models import Radiograph
from readerstudy.jobs.models import Job
from tests.archive.files import bring_in, grey8, stored, write_picture, write_table

pytestmark = [pytest.mark.database, pytest.mark.django_db]

FILMS = "/admin/archive/radiograph/"
COLLECTIONS = "/admin/archive/collection/"


@pytest.fixture(autouse=True)
def _films(tmp_path: Path) -> None:
    for number in range(3):
        write_picture(tmp_path / f"source/{number}.png", grey8(number))
    write_table(tmp_path / "source/labels.csv", "file,labels", "0.png,Mass|Nodule", "1.png,No Finding")
    bring_in(tmp_path / "source")


def test_films_are_listed_filtered_and_found(admin_client: Client) -> None:
    page = admin_client.get(FILMS).content.decode()
    assert "Mass, Nodule" in page
    masses = admin_client.get(FILMS, {"findings__finding": "Mass"}).content.decode()
    assert "0.png" in masses
    assert "1.png" not in masses
    assert "2.png" in admin_client.get(FILMS, {"q": "2.png"}).content.decode()
    assert ">3<" in admin_client.get("/admin/archive/collection/").content.decode()


def test_a_list_asks_no_more_of_the_database_when_there_are_more_films(admin_client: Client, tmp_path: Path) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            admin_client.get(FILMS)
        return len(asked)

    few = queries()
    for number in range(3, 9):
        write_picture(tmp_path / f"source/{number}.png", grey8(number))
    bring_in(tmp_path / "source")
    assert queries() == few


def test_the_page_of_a_film_shows_it(admin_client: Client) -> None:
    film = stored("0.png")
    address = f"{FILMS}{film.pk}/picture.png"
    assert address in admin_client.get(f"{FILMS}{film.pk}/change/").content.decode()
    reply = admin_client.get(address)
    with Image.open(io.BytesIO(reply.content)) as picture:
        assert (picture.mode, picture.size) == ("L", (128, 128))
    assert admin_client.get(f"{FILMS}999999/picture.png").status_code == 404


def test_a_picture_needs_the_permission_to_see_films(client: Client) -> None:
    film = Radiograph.objects.first()
    address = f"{FILMS}{film.pk}/picture.png"
    assert client.get(address).status_code == 302
    staff = User.objects.create_user("staff", password="x", is_staff=True)
    client.force_login(staff)
    assert client.get(address).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_radiograph"))
    assert client.get(address).status_code == 200


def test_nothing_can_be_written_here(admin_client: Client) -> None:
    film = stored("0.png")
    assert admin_client.get(f"{FILMS}add/").status_code == 403
    assert admin_client.post(f"{FILMS}{film.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{FILMS}{film.pk}/change/", {"split": "test"}).status_code == 403


def test_films_are_imported_from_the_list_of_collections(admin_client: Client, tmp_path: Path) -> None:
    assert "Import films" in admin_client.get(COLLECTIONS).content.decode()
    address = f"{COLLECTIONS}step/import/"
    assert "Folder on the server" in admin_client.get(address).content.decode()
    write_picture(tmp_path / "more/new.png", grey8(7))
    asked = {"path": str(tmp_path / "more"), "collection": "films", "truth": "real", "form": "folder"}
    assert "is not a folder on the server" in admin_client.post(address, asked | {"path": "/nowhere"}).content.decode()
    assert "has the truth" in admin_client.post(address, asked | {"truth": "synthetic"}).content.decode()
    assert not Job.objects.exists()
    reply = admin_client.post(address, asked, follow=True)
    assert reply.redirect_chain == [(COLLECTIONS, 302)]
    assert f'wait among the jobs; <a href="/admin/jobs/job/{Job.objects.get().pk}/change/">' in reply.content.decode()
    assert Job.objects.get().arguments == asked | {"origin": "", "licence": ""}


@pytest.mark.django_db(transaction=True)
def test_phantoms_are_drawn_from_the_list_of_collections(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PROCESSES", 1)
    address = f"{COLLECTIONS}step/phantoms/"
    asked = {"collection": "phantoms", "count": 2, "seed": 3, "side": 32}
    assert "has the origin" in admin_client.post(address, asked | {"collection": "films"}).content.decode()
    admin_client.post(address, asked)
    call_command("run_jobs", once=True)
    assert Job.objects.get().state == Job.State.DONE
    assert Radiograph.objects.filter(collection__name="phantoms").count() == 2


def test_films_are_brought_in_by_those_who_may_add_them(client: Client) -> None:
    staff = User.objects.create_user("staff", password="x", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_collection"))
    client.force_login(staff)
    assert "Import films" not in client.get(COLLECTIONS).content.decode()
    assert client.get(f"{COLLECTIONS}step/import/").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="add_radiograph"))
    assert "Import films" in client.get(COLLECTIONS).content.decode()
