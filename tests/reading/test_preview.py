"""A walk through a study that stores nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from readerstudy.audit.models import AuditRow
from readerstudy.reading import models, preview
from readerstudy.studies.models import Case, Deviation, Reader, Slot, Study
from tests.reading.room import ENTRANCE, open_study

pytestmark = [pytest.mark.database, pytest.mark.django_db]
STORED = (
    models.Answer,
    models.Remark,
    models.OverallRemark,
    models.FilmReport,
    models.Consent,
    models.Profile,
    models.DisplayCheck,
    Reader,
    Slot,
    Deviation,
    AuditRow,
)


def counts() -> list[int]:
    return [model._default_manager.count() for model in STORED]


def post(client: Client, path: str, said: dict[str, Any]) -> Any:
    return client.post(f"/preview/{path}/", json.dumps(said), content_type="application/json").json()


def begin(client: Client, study: Study) -> str:
    return client.get(f"/admin/studies/study/{study.pk}/preview/", follow=True).content.decode()


def test_it_leads_through_every_page_and_stores_nothing(admin_client: Client, tmp_path: Path) -> None:
    study = open_study(
        tmp_path,
        films=3,
        practice_films=2,
        practice_feedback=True,
        purpose_blind_films=2,
        ethics_reference="EC 17/2026",
        consent_text="Films may be synthetic.",
        consent_version="1",
        profile_asked=True,
        display_asked=True,
        cues="end",
        regions_asked=True,
    )
    before = counts()
    page = begin(admin_client, study)
    assert "nothing that you say is stored" in page
    assert study.purpose_blind_consent.split("\n")[0] in page
    assert "synthetic" not in page
    for name, said in ENTRANCE.items():
        page = admin_client.post(f"/preview/{name}/", said, follow=True).content.decode()
    assert "There are 2 films to read." in page
    assert 'data-slot="/preview/slot/"' in admin_client.get("/preview/room/").content.decode()
    for number in (1, 2):
        slot = admin_client.get("/preview/slot/").json()
        assert (slot["asks"], slot["number"], slot["total"]) == ("findings", number, 2)
        film = admin_client.get(f"/preview/film/{slot['code']}/")
        assert len(film.content) == 2 * study.side**2
        last = post(admin_client, f"remark/{slot['code']}", {"findings": {"Mass": 1}, "milliseconds": 1})
    assert last == {"next": {"done": True}}
    assert "strike you" in admin_client.get("/preview/").content.decode()
    page = admin_client.post("/preview/noticed/", {"text": "Ribs."}, follow=True).content.decode()
    assert "generative network" in page
    admin_client.post("/preview/going-on/", {"agree": "1", "exposure": "never"})
    seen = []
    while not (slot := admin_client.get("/preview/slot/").json()).get("done"):
        reply = post(admin_client, f"answer/{slot['code']}", {"rating": 5, "milliseconds": 1})
        assert reply["next"]["asks"] == "remark"
        seen.append((slot["practice"], slot["number"], reply.get("feedback") in ("real", "synthetic")))
        post(admin_client, f"remark/{slot['code']}", {"milliseconds": 1})
    assert seen == [(True, 1, True), (True, 2, True), (False, 1, False), (False, 2, False), (False, 3, False)]
    assert "What did you go by?" in admin_client.get("/preview/").content.decode()
    page = admin_client.post("/preview/cues/", {"cues": ["ribs"]}, follow=True).content.decode()
    assert "You have read every film" in page
    assert counts() == before


def test_a_film_can_be_reported_and_a_wrong_answer_is_refused(admin_client: Client, study: Study) -> None:
    begin(admin_client, study)
    slot = admin_client.get("/preview/slot/").json()
    assert "error" in post(admin_client, f"answer/{slot['ahead']}", {"rating": 5, "milliseconds": 1})
    assert "error" in post(admin_client, f"answer/{slot['code']}", {"rating": "x", "milliseconds": 1})
    reply = post(admin_client, f"report/{slot['code']}", {"kind": "shows_name"})
    assert reply["next"]["code"] == slot["ahead"]
    assert not models.FilmReport.objects.exists()


def test_it_is_for_designers_of_frozen_studies(admin_client: Client, client: Client, study: Study) -> None:
    assert admin_client.get("/preview/").status_code == 404
    client.force_login(User.objects.create_user("assistant", is_staff=True))
    assert client.get(f"/admin/studies/study/{study.pk}/preview/").status_code == 403
    assert Client().get("/preview/slot/").status_code == 302
    Study.objects.filter(pk=study.pk).update(state="closed", closed_at=study.frozen_at)
    assert admin_client.get(f"/admin/studies/study/{study.pk}/preview/").status_code == 404


def test_a_film_that_comes_late_does_not_undo_an_answer(
    admin_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(admin_client, study)
    slot = admin_client.get("/preview/slot/").json()

    def slowly(case: Case) -> bytes:
        post(admin_client, f"answer/{slot['code']}", {"rating": 5, "milliseconds": 1})
        return b""

    monkeypatch.setattr(preview, "frozen_payload", slowly)
    admin_client.get(f"/preview/film/{slot['ahead']}/")
    assert admin_client.get("/preview/slot/").json()["code"] == slot["ahead"]


def test_a_film_that_is_damaged_is_told_and_can_be_reported(admin_client: Client, study: Study) -> None:
    begin(admin_client, study)
    slot = admin_client.get("/preview/slot/").json()
    for payload in study.folder.iterdir():
        payload.write_bytes(b"")
    reply = admin_client.get(f"/preview/film/{slot['code']}/")
    assert reply.status_code == 409
    assert "has changed since freezing" in reply.json()["error"]
    assert post(admin_client, f"report/{slot['code']}", {"kind": "not_displayed"})["next"]["code"] == slot["ahead"]


def test_a_page_that_is_no_form_takes_nothing(admin_client: Client, study: Study) -> None:
    begin(admin_client, study)
    assert admin_client.post("/preview/").status_code == 405


@pytest.mark.parametrize("what", ["answer", "remark", "report"])
def test_what_was_kept_for_another_study_is_not_taken_for_its_own(
    admin_client: Client, study: Study, what: str
) -> None:
    """A page keeps what could not be sent until it is taken or refused, and reading may go on in the same browser."""
    begin(admin_client, study)
    reply = admin_client.post(f"/preview/{what}/{'x' * 22}/", "{}", content_type="application/json")
    assert reply.status_code == 404
    assert "detail" in reply.json()
