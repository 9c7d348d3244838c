"""The researcher's pages: a design can be written and frozen here, and truth is nowhere before unblinding."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from readerstudy.admin_texts import short_date
from readerstudy.audit.models import AuditRow
from readerstudy.jobs.models import Job
from readerstudy.reading.models import Answer
from readerstudy.studies import freezing, services
from readerstudy.studies.models import (
    Arm,
    Case,
    CaseTruth,
    Deviation,
    Reader,
    ReaderIdentity,
    Slot,
    Study,
)
from readerstudy.studies.texts import INSTRUCTION, TEXTS_VERSION
from readerstudy.synthesis.models import Batch
from tests.studies.films import (
    ACTOR,
    make_generator,
    make_study,
    real_collection,
    synthetic_collection,
    two_arms,
)

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return services.freeze_study(study=two_arms(tmp_path, films=4, practice_films=2), actor=ACTOR)


@pytest.fixture
def staff(client: Client) -> Client:
    """A staff account that may see everything in these apps and do nothing."""
    user = User.objects.create_user("observer", password="x", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=["studies", "audit"], codename__startswith="view_")
    )
    client.force_login(user)
    return client


def plan_form(**changes: Any) -> dict[str, Any]:
    """What the browser sends of a form in which nothing but the names was written. A box without a tick is not sent."""
    begun = {field.name: field.get_default() for field in Study._meta.fields if field.editable}
    return (
        {name: value for name, value in begun.items() if value is not None and value is not False}
        | {
            "name": "chest",
            "title": "Chest films",
            "seed": 3,
            "primary_end_point": "auc",
            "margin": 0.1,
            "margin_reason": "As agreed.",
            "alpha": 0.05,
            "decision_cut": 4,
            "instruction_text": "Say what you see.",
            "instruction_version": "1",
            "arms-TOTAL_FORMS": 0,
            "arms-INITIAL_FORMS": 0,
        }
        | changes
    )


def arm_form(number: int, **fields: Any) -> dict[str, Any]:
    return {f"arms-{number}-{key}": value for key, value in ({"selection": "random"} | fields).items()}


def step(client: Client, row: Any, name: str, /, **answers: str) -> str:
    """Do one step and give the page that follows."""
    url = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/step/{name}/"
    assert client.get(url).status_code == 200
    return client.post(url, answers, follow=True).content.decode()


# Jobs are queued on commit and done by a worker, so this test needs real transactions.
@pytest.mark.django_db(transaction=True)
def test_a_design_is_written_frozen_and_ended_in_the_admin(admin_client: Client, tmp_path: Path) -> None:
    real, synthetic = real_collection(), synthetic_collection(make_generator(tmp_path / "generator"))
    arms = arm_form(0, name="real", role="real", collection=real.pk, films=5) | arm_form(
        1, name="synthetic", role="generator", collection=synthetic.pk, films=5
    )
    response = admin_client.post("/admin/studies/study/add/", plan_form(**arms, **{"arms-TOTAL_FORMS": 2}))
    assert response.status_code == 302
    study = Study.objects.get()
    assert study.arms.count() == 2
    assert "Freezing has begun" in step(admin_client, study, "freeze")
    assert Job.objects.get().actor == "admin"
    call_command("run_jobs", once=True)
    study.refresh_from_db()
    assert study.state == "frozen"
    page = step(admin_client, study, "invite", name="A. Reader", email="a@example.org")
    link = re.search(r"http://testserver/read/([\w-]+)/", page)
    assert link
    assert ReaderIdentity.objects.get().link_hash == services.link_hash(link[1])
    assert "has this e-mail address already" in step(admin_client, study, "invite", email="a@example.org")
    step(admin_client, study, "deviation", reason="The lamp was on.")
    step(admin_client, study, "close")
    assert "This field is required" in step(admin_client, study, "unblind", reason="")
    step(admin_client, study, "unblind", reason="All have read.")
    study.refresh_from_db()
    assert (study.state, study.unblinding_reason) == ("unblinded", "All have read.")
    actions = AuditRow.objects.filter(actor="admin").values_list("action", flat=True)
    assert {"study designed", "arm designed", "study frozen", "reader enrolled", "study unblinded"} <= set(actions)


def test_a_new_study_begins_with_a_seed_the_usual_instruction_and_room_for_an_arm(admin_client: Client) -> None:
    forms = [admin_client.get("/admin/studies/study/add/").context for _ in range(2)]
    seeds = {context["adminform"].form["seed"].value() for context in forms}
    assert len(seeds) == 2
    form = forms[0]["adminform"].form
    assert (form["instruction_text"].value(), form["instruction_version"].value()) == (INSTRUCTION, TEXTS_VERSION)
    arms = [formset.formset.total_form_count() for formset in forms[0]["inline_admin_formsets"]]
    assert arms == [1]


def test_an_arm_without_a_split_takes_all_films(admin_client: Client, study: Study) -> None:
    page = admin_client.get("/admin/studies/study/add/").content.decode()
    assert (
        page.count('<option value="" selected>all films</option>') == 4
    )  # Two fields, twice: an arm and the template of one.
    page = admin_client.get(f"/admin/studies/study/{study.pk}/change/").content.decode()
    assert "all films" in page
    assert "not split" not in page


def test_a_design_that_cannot_be_frozen_is_refused_on_the_form(admin_client: Client) -> None:
    assert "has no arm with the role “real”" in step(admin_client, make_study(), "freeze")
    assert not Job.objects.exists()


def test_the_page_of_a_study_tells_of_the_job_on_it(admin_client: Client, tmp_path: Path) -> None:
    study = two_arms(tmp_path)
    address = f"/admin/studies/study/{study.pk}/change/"
    assert "Freeze chest" not in admin_client.get(address).content.decode()
    page = step(admin_client, study, "freeze")
    job = Job.objects.get()
    link = f'<a href="/admin/jobs/job/{job.pk}/change/">'
    assert f"Freezing has begun; {link}watch it</a>" in page
    assert f"{link}Freeze chest</a>: waiting" in page
    Job.objects.update(state="failed", message="The disk is full.", finished_at="2026-01-01T00:00Z")
    page = " ".join(admin_client.get(address).content.decode().split())
    assert f"{link}Freeze chest</a>: failed – The disk is full." in page
    services.freeze_study(study=study, actor=ACTOR)
    assert link not in admin_client.get(address).content.decode()


def test_a_wrong_design_is_told_in_the_form(admin_client: Client) -> None:
    arms = arm_form(0, name="real", role="generator", collection=real_collection().pk, films=5)
    form = plan_form(margin=0.7, **arms, **{"arms-TOTAL_FORMS": 1})
    page = admin_client.post("/admin/studies/study/add/", form).content.decode()
    assert "less than or equal to 0.499" in page
    assert "but the films of collection “real” are real" in page
    assert not Study.objects.exists()


def test_an_arm_can_leave_a_design(admin_client: Client, tmp_path: Path) -> None:
    study = two_arms(tmp_path)
    first, second = study.arms.order_by("pk")
    arms = {}
    for number, arm in enumerate((first, second)):
        arms |= arm_form(
            number, id=arm.pk, study=study.pk, name=arm.name, role=arm.role, collection=arm.collection_id, films=7
        )
    arms |= {"arms-TOTAL_FORMS": 2, "arms-INITIAL_FORMS": 2, "arms-1-DELETE": "on"}
    admin_client.post(f"/admin/studies/study/{study.pk}/change/", plan_form(title="New title", **arms))
    study.refresh_from_db()
    assert study.title == "New title"
    assert list(study.arms.values_list("name", "films")) == [("real", 7)]


def test_a_frozen_design_has_nothing_to_fill_in(admin_client: Client, study: Study) -> None:
    page = admin_client.get(f"/admin/studies/study/{study.pk}/change/").content.decode()
    assert study.manifest_hash in page
    assert 'name="margin"' not in page
    assert 'name="_save"' not in page
    assert 'name="arms-0-films"' not in page
    admin_client.post(f"/admin/studies/study/{study.pk}/change/", plan_form(margin=0.2))
    study.refresh_from_db()
    assert study.margin == 0.1
    assert admin_client.post(f"/admin/studies/study/{study.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", ["freeze", "invite", "close", "unblind", "deviation"])
def test_each_step_needs_its_permission(staff: Client, name: str) -> None:
    study = make_study()
    url = f"/admin/studies/study/{study.pk}/step/{name}/"
    assert staff.get(url).status_code == 403
    assert staff.post(url, {"reason": "x"}).status_code == 403
    assert f"/step/{name}/" not in staff.get(f"/admin/studies/study/{study.pk}/change/").content.decode()


def test_films_and_readers_are_withdrawn_and_identities_erased(admin_client: Client, study: Study) -> None:
    reader, _token = services.invite_reader(study=study, actor=ACTOR, name="A. Reader")
    step(admin_client, study.cases.all()[0], "withdraw", reason="A name is burnt in.")
    assert "New link of reader R01" in step(admin_client, reader, "reissue")
    step(admin_client, reader, "withdraw", reason="Took back the consent.")
    step(admin_client, reader, "erase")
    assert list(Deviation.objects.order_by("pk").values_list("kind", flat=True)) == [
        "film_withdrawn",
        "reader_withdrawn",
    ]
    assert not ReaderIdentity.objects.exists()


def test_a_link_is_withdrawn_and_its_dates_are_shown_but_never_the_link(admin_client: Client, study: Study) -> None:
    reader, token = services.invite_reader(study=study, actor=ACTOR)
    assert "The link is withdrawn." in step(admin_client, reader, "withdraw-link")
    assert "Reader R01 has no link to withdraw" in step(admin_client, reader, "withdraw-link")
    identity = ReaderIdentity.objects.get()
    pages = [
        admin_client.get("/admin/studies/readeridentity/").content.decode(),
        admin_client.get(f"/admin/studies/readeridentity/{identity.pk}/change/").content.decode(),
    ]
    for page in pages:
        for moment in (identity.link_expires_at, identity.link_withdrawn_at):
            assert short_date(moment) in page
        assert identity.link_hash not in page
        assert token not in page
    services.close_study(study=study, actor=ACTOR)
    assert "New link of reader R01" in step(admin_client, reader, "reissue")


def pages_of(client: Client, study: Study) -> str:
    """Everything that the admin shows of a study: lists and single pages."""
    pages = []
    for model in (Study, Reader, ReaderIdentity, Case, CaseTruth, Deviation, AuditRow):
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        pages.append(client.get(base).content.decode())
        for row in model._default_manager.all():
            pages.append(client.get(f"{base}{row.pk}/change/", follow=True).content.decode())
    pages.append(client.get("/admin/studies/manifest/").content.decode())
    pages.append(client.get(f"/admin/studies/manifest/{study.pk}/change/", follow=True).content.decode())
    return "".join(pages)


def test_no_page_of_the_admin_tells_the_truth_before_unblinding(admin_client: Client, study: Study) -> None:
    services.invite_reader(study=study, actor=ACTOR)
    films = CaseTruth.objects.values_list("radiograph__film_hash", "radiograph__source_path")
    truths = [value for row in films for value in row]

    def told() -> bool:
        shown = pages_of(admin_client, study)
        return any(truth in shown for truth in truths)

    assert not told()
    services.close_study(study=study, actor=ACTOR)
    assert not told()
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    assert told()


def test_truth_needs_its_own_permission_even_after_unblinding(client: Client, study: Study) -> None:
    services.close_study(study=study, actor=ACTOR)
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    user = User.objects.create_user("observer", password="x", is_staff=True)
    seen = ["view_study", "view_case", "view_manifest"]
    user.user_permissions.set(Permission.objects.filter(codename__in=seen))
    client.force_login(user)
    for table in ("casetruth", "manifest"):
        assert client.get(f"/admin/studies/{table}/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_casetruth"))
    for table in ("casetruth", "manifest"):
        assert client.get(f"/admin/studies/{table}/").status_code == 200


def test_rows_are_called_by_names(admin_client: Client, study: Study) -> None:
    reader, _token = services.invite_reader(study=study, actor=ACTOR)
    deviation = services.record_deviation(study=study, reason="The lamp was on.", actor=ACTOR)
    services.close_study(study=study, actor=ACTOR)
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    for address, name in (
        (f"studies/readeridentity/{reader.pk}", "identity of R01"),
        (f"studies/deviation/{deviation.pk}", "chest: other"),
        (f"studies/manifest/{study.pk}", "manifest of chest"),
        (f"synthesis/batch/{Batch.objects.get().pk}", "30 films by generator from seed 0"),
    ):
        assert f"<h2>{name}</h2>" in admin_client.get(f"/admin/{address}/change/").content.decode()


def test_the_list_of_studies_says_shortly_since_when_each_is_in_its_state(admin_client: Client, study: Study) -> None:
    assert study.frozen_at is not None
    assert f">{study.frozen_at:%-d %b %Y, %H:%M}<" in admin_client.get("/admin/studies/study/").content.decode()


@pytest.mark.parametrize(("simulated", "shown"), [(False, "a person"), (True, "simulated")])
def test_the_page_of_a_reader_says_who_reads(admin_client: Client, study: Study, simulated: bool, shown: str) -> None:
    if simulated:
        reader = services.enrol_simulated_reader(study=study, actor=ACTOR)
    else:
        reader, _token = services.invite_reader(study=study, actor=ACTOR)
    for page in ("", f"{reader.pk}/change/"):
        assert f">{shown}<" in admin_client.get(f"/admin/studies/reader/{page}").content.decode()


def test_the_readers_page_shows_progress_in_a_constant_number_of_queries(admin_client: Client, study: Study) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page = admin_client.get("/admin/studies/reader/").content.decode()
        assert "2/10" in page
        assert "casetruth" not in str([query["sql"] for query in captured])
        return len(captured)

    first, _token = services.invite_reader(study=study, actor=ACTOR)
    for slot in Slot.objects.for_reader(first).in_order()[:2]:
        Answer.objects.create(slot=slot, rating=1, milliseconds=900)
    Answer.objects.create(slot=slot, revision=2, rating=2, milliseconds=900)
    few = queries()
    for _ in range(20):
        services.invite_reader(study=study, actor=ACTOR)
    assert queries() == few


@pytest.mark.parametrize("model", [Study, Case, Arm, AuditRow, Deviation, CaseTruth])
def test_nothing_is_deleted_in_bulk(admin_client: Client, study: Study, model: Any) -> None:
    services.record_deviation(study=study, reason="The lamp was on.", actor=ACTOR)
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    admin_client.post(
        base, {"action": "delete_selected", "_selected_action": [model.objects.all()[0].pk], "post": "yes"}
    )
    assert model.objects.exists()


def test_a_design_is_copied_under_a_new_name(admin_client: Client, tmp_path: Path) -> None:
    study = two_arms(tmp_path, films=5, repeats=1, cues="film", consent_text="Agree?", consent_version="4")
    services.freeze_study(study=study, actor=ACTOR)
    assert "The design of" in step(admin_client, study, "copy", name="again")
    copied = Study.objects.get(name="again")
    assert (copied.state, copied.manifest_hash, copied.frozen_at) == ("design", "", None)
    ours, theirs = (freezing.design_of(one) for one in (copied, Study.objects.get(name="chest")))
    assert ours["arms"] == theirs["arms"]
    assert ours["plan"] | {"name": "chest"} == theirs["plan"]
    assert "already exists" in step(admin_client, study, "copy", name="again")
