"""Every page of the admin, found by following its links: which of them bring a case and its truth together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from readerstudy.jobs.models import Job
from readerstudy.reading.services import record_answer
from readerstudy.studies import services
from readerstudy.studies.models import Case, CaseTruth, Manifest, Slot, Study
from tests.studies.films import ACTOR, make_generator, make_study, real_collection, synthetic_collection
from tests.studies.test_admin import step

# Freezing goes through the queue, so this needs real transactions.
pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

LINK = re.compile(r'href="(/admin/[^"?#]*)')
OF_TRUTH = re.compile(r"/admin/studies/(?:casetruth|manifest)/\d+/")


@pytest.fixture
def study(admin_client: Client, tmp_path: Path) -> Study:
    """A study that was frozen by a job, is being read, has lost a film, and whose pages name its arms unmistakably."""
    study = make_study(practice_films=2, repeats=1)
    drawn = synthetic_collection(make_generator(tmp_path / "generator"), "films-of-beta", films=6)
    for name, role, collection in (
        ("arm-alpha", "real", real_collection("films-of-alpha", films=6)),
        ("arm-beta", "generator", drawn),
    ):
        services.add_arm(study=study, actor=ACTOR, name=name, role=role, collection=collection, films=4)
    step(admin_client, study, "freeze")
    call_command("run_jobs", once=True)
    assert Job.objects.get().state == "done"
    reader, _ = services.invite_reader(study=study, actor=ACTOR, name="A. Reader")
    for slot in Slot.objects.for_reader(reader).in_order()[:3]:
        Slot.objects.filter(pk=slot.pk).update(shown_at="2026-01-01T00:00Z")
        record_answer(slot=slot, rating=2, milliseconds=900)
    services.withdraw_film(case=Case.objects.filter(kind="main")[0], reason="A name is burnt in.", actor=ACTOR)
    return Study.objects.get()


def pages(client: Client) -> dict[str, str]:
    """All pages that links of the admin lead to, and the pages to delete or see the history of each row."""
    found: dict[str, str] = {}
    open_addresses = ["/admin/"]
    while open_addresses:
        address = open_addresses.pop()
        if address in found or "/logout/" in address or "/jsi18n/" in address:
            continue
        reply = client.get(address, follow=True)
        found[address] = reply.content.decode() if reply.status_code == 200 else ""
        open_addresses += LINK.findall(found[address])
        if address.endswith("/change/"):
            open_addresses += [address.removesuffix("change/") + page for page in ("history/", "delete/")]
    return found


def tells(found: dict[str, str]) -> set[str]:
    """Addresses of pages that show a case or a slot together with where any film came from."""
    codes = [*Case.objects.values_list("code", flat=True), *Slot.objects.values_list("code", flat=True)]
    origins = ["arm-alpha", "arm-beta", "films-of-alpha", "films-of-beta"]
    origins += CaseTruth.objects.values_list("radiograph__film_hash", flat=True)
    return {
        address
        for address, page in found.items()
        if any(code in page for code in codes) and any(origin in page for origin in origins)
    }


def links_to_truth(found: dict[str, str]) -> set[str]:
    return {link for page in found.values() for link in OF_TRUTH.findall(page)}


def test_no_page_brings_a_case_and_its_origin_together_before_unblinding(admin_client: Client, study: Study) -> None:
    for state in ("frozen", "closed"):
        if state == "closed":
            services.close_study(study=study, actor=ACTOR)
        found = pages(admin_client)
        case = Case.objects.all()[0]
        # The crawl has been everywhere: lists, single rows, steps, histories.
        for expected in (
            "/admin/studies/casetruth/",
            "/admin/studies/manifest/",
            "/admin/audit/auditrow/",
            "/admin/jobs/job/",
            f"/admin/studies/case/{case.pk}/change/",
            f"/admin/studies/case/{case.pk}/history/",
            f"/admin/studies/case/{case.pk}/step/withdraw/",
            f"/admin/studies/study/{study.pk}/history/",
            f"/admin/studies/study/{study.pk}/step/{'close' if state == 'frozen' else 'unblind'}/",
        ):
            assert found[expected]
        assert tells(found) == set()
        assert links_to_truth(found) == set()
        for table in (CaseTruth, Manifest):
            for row in table.objects.all():
                page = admin_client.get(f"/admin/studies/{table._meta.model_name}/{row.pk}/change/", follow=True)
                assert page.redirect_chain == [("/admin/", 302)]


def test_after_unblinding_the_pages_of_truth_show_it_and_no_others(admin_client: Client, study: Study) -> None:
    services.close_study(study=study, actor=ACTOR)
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    found = pages(admin_client)
    telling = tells(found)
    assert f"/admin/studies/manifest/{study.pk}/change/" in telling
    assert "/admin/studies/casetruth/" in telling
    assert all(re.match(r"/admin/studies/(casetruth|manifest)/", address) for address in telling)


def test_who_may_see_all_but_truth_never_sees_it(client: Client, study: Study) -> None:
    services.close_study(study=study, actor=ACTOR)
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    user = User.objects.create_user("observer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename__endswith="_casetruth"))
    client.force_login(user)
    found = pages(client)
    assert found["/admin/studies/case/"]
    assert tells(found) == set()
    assert links_to_truth(found) == set()
    assert "/admin/studies/casetruth/" not in found
    for row in CaseTruth.objects.all():
        assert client.get(f"/admin/studies/casetruth/{row.pk}/change/").status_code == 403
    for page in ("", f"{study.pk}/change/", f"{study.pk}/history/"):
        assert client.get(f"/admin/studies/manifest/{page}").status_code == 403
