"""What a researcher sees of a running study."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from readerstudy.reading.models import FilmReport
from readerstudy.studies import services
from readerstudy.studies.models import Study
from tests.reading.room import Browser, open_study, slots_of
from tests.studies.films import ACTOR

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def page(client: Client, study: Study) -> str:
    response = client.get(f"/admin/studies/study/{study.pk}/readers/")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_it_says_how_far_each_reader_is_and_when_one_was_last_seen(
    admin_client: Client, study: Study, browser: Browser
) -> None:
    for _ in range(3):
        browser.read()
    other = Browser(study)
    today = date_format(timezone.localdate(), "j M Y")
    until = date_format(timezone.localdate() + timedelta(days=90), "j M Y")
    seen = page(admin_client, study)
    # Two practice films and one of nine were read; every answer took four seconds.
    assert f"R01 – 2 / 2 1 / 9 4.0 {today} {until}" in seen
    assert f"{other.reader.pseudonym} – 0 / 2 0 / 9 – – {until}" in seen


def test_reports_and_withdrawals_are_noted(admin_client: Client, study: Study, browser: Browser) -> None:
    FilmReport.objects.create(slot=slots_of(browser.reader)[0], kind="shows_name")
    services.withdraw_reader(reader=browser.reader, reason="Moved.", actor=ACTOR)
    assert "withdrawn 1 film reported" in page(admin_client, study)


def test_its_queries_grow_neither_with_readers_nor_with_films(admin_client: Client, study: Study) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(admin_client, study)
        return len(captured)

    Browser(study).read()
    before = queries()
    for _ in range(5):
        Browser(study).read()
    assert queries() == before


def test_it_never_asks_for_truth_or_ratings(admin_client: Client, study: Study, browser: Browser) -> None:
    browser.read()
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, study)
    asked = " ".join(query["sql"] for query in captured)
    assert "reading_answer" in asked
    for forbidden in ("casetruth", "studies_arm", "studies_manifest", '"rating"'):
        assert forbidden not in asked


def test_it_is_for_those_who_may_see_readers(client: Client, study: Study) -> None:
    client.force_login(User.objects.create_user("assistant", is_staff=True))
    assert client.get(f"/admin/studies/study/{study.pk}/readers/").status_code == 403
    assert Client().get(f"/admin/studies/study/{study.pk}/readers/").status_code == 302


def test_a_reported_pair_leads_to_both_of_its_films(admin_client: Client, tmp_path: Path) -> None:
    browser = Browser(open_study(tmp_path, films=1, question="pairs", override_reason="Noise has no findings."))
    [slot] = slots_of(browser.reader)
    FilmReport.objects.create(slot=slot, kind="shows_name")
    listed = admin_client.get("/admin/reading/filmreport/").content.decode()
    for case in slot.cases:
        assert f'<a href="/admin/studies/case/{case.pk}/change/">{case.code}</a>' in listed
