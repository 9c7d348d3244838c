"""Labelled archives in the admin: building is asked for there, and what was built and reviewed stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from readerstudy.jobs.models import Job
from readerstudy.steering.models import Block, FilmReview, LabelledArchive
from readerstudy.steering.review import add_review
from tests.steering.archives import films_of, make_archive, make_reviewer
from tests.steering.tiny import make_classifier, make_generator

pytestmark = [pytest.mark.database, pytest.mark.django_db]

BUILD = "/admin/steering/labelledarchive/step/build/"
ASKED: dict[str, Any] = {
    "name": "labelled",
    "generator": "chest",
    "classifiers": ["one"],
    "acceptor": "two",
    "judge": "",
    "findings": ["Effusion"],
    "combinations": "Effusion-Cardiomegaly\r\n\r\n Cardiomegaly+Effusion ",
    "per_finding": 3,
    "attempts_per_film": 16,
    "seed": 7,
    "licence": "",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of the networks lie."""
    return tmp_path_factory.mktemp("networks")


@pytest.fixture
def networks(folder: Path) -> None:
    generator = make_generator(folder)
    for name in ("one", "two"):
        make_classifier(folder, name, generator)


@pytest.mark.usefixtures("networks")
def test_building_is_asked_for_as_a_job(admin_client: Client) -> None:
    page = admin_client.post(BUILD, ASKED, follow=True).content.decode()
    assert "Building waits among the jobs" in page
    job = Job.objects.get()
    assert (job.task, job.actor) == ("readerstudy.steering.tasks.build", "admin")
    assert job.arguments == ASKED | {"combinations": ["Effusion-Cardiomegaly", "Cardiomegaly+Effusion"]}


@pytest.mark.usefixtures("networks")
def test_what_cannot_be_built_is_refused_on_the_form(admin_client: Client) -> None:
    page = admin_client.post(BUILD, ASKED | {"combinations": "Effusion+"}).content.decode()
    assert "is no goal; write findings with + and -" in page
    assert not Job.objects.exists()


def test_who_may_only_look_builds_nothing(db: None) -> None:
    curator = User.objects.create_user("curator", is_staff=True)
    curator.user_permissions.add(Permission.objects.get(codename="view_labelledarchive"))
    client = Client()
    client.force_login(curator)
    assert client.post(BUILD, ASKED).status_code == 403
    assert "Build an archive" not in client.get("/admin/steering/labelledarchive/").content.decode()


def cells(client: Client, archive: LabelledArchive) -> list[list[str]]:
    """The rows of the table on an archive's page."""
    page = client.get(f"/admin/steering/labelledarchive/{archive.pk}/change/").content.decode()
    table = page.split("<tbody>", 1)[1].split("</tbody>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("</tr>")[:-1]]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in rows]


def test_the_page_counts_what_was_built_and_reviewed(admin_client: Client, tmp_path: Path) -> None:
    archive = make_archive(tmp_path, {"Effusion": 3, "Pneumothorax": 2, "Hernia": 0})
    Block.objects.create(
        goal=archive.goals.get(present="Effusion"),
        number=0,
        attempts=1200,
        accepted=3,
        rejected=1196,
        surplus=1,
        forward_equivalents=4500,
    )
    reviewer = make_reviewer()
    for film, verdict in zip(films_of(archive, "Effusion"), ("plausible", "artefact"), strict=False):
        add_review(film=film, reviewer=reviewer, verdict=verdict)
    add_review(film=films_of(archive, "Pneumothorax")[0], reviewer=reviewer, verdict="implausible", tubes=True)
    assert cells(admin_client, archive) == [
        ["Effusion", "3 of 3", "1,200", "1,196", "1", "1,500", "2", "1", "0", "1", "–", "look"],
        ["Pneumothorax", "2 of 2", "0", "0", "0", "–", "1", "0", "1", "0", "1 of 1", "look"],
        ["Hernia", "0 of 1", "0", "0", "0", "–", "0", "0", "0", "0", "–", "–"],
    ]


@pytest.mark.usefixtures("networks")
def test_lists_show_archives_classifiers_and_reviews(admin_client: Client, tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    add_review(film=films_of(archive, "Effusion")[0], reviewer=make_reviewer(), verdict="plausible")
    for model, words in (
        ("classifier", "densenet-narrow"),
        ("labelledarchive", "steered"),
        ("filmreview", "plausible"),
    ):
        assert words in admin_client.get(f"/admin/steering/{model}/").content.decode()


def test_reviews_are_looked_at_and_never_changed(admin_client: Client, tmp_path: Path) -> None:
    review = add_review(
        film=films_of(make_archive(tmp_path), "Effusion")[0], reviewer=make_reviewer(), verdict="plausible"
    )
    address = f"/admin/steering/filmreview/{review.pk}/change/"
    assert "implausible" not in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"verdict": "implausible"}).status_code == 403
    assert admin_client.post(f"/admin/steering/filmreview/{review.pk}/delete/", {"post": "yes"}).status_code == 403
    assert FilmReview.objects.get().verdict == "plausible"
