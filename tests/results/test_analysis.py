"""Analysing a study: refused before unblinding, written whole or not at all, read by whoever has the code."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from readerstudy.audit.models import AuditRow
from readerstudy.jobs.models import Job
from readerstudy.results import services as results
from readerstudy.results.models import Analysis
from readerstudy.studies import services
from readerstudy.studies.models import Study
from tests.studies.films import ACTOR, make_study, two_arms

pytestmark = [pytest.mark.database, pytest.mark.django_db]

BESIDE = ["report.json", "answers.csv", "answers.imrmc"]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Read to the end by two simulated readers, and still open."""
    study = services.freeze_study(study=two_arms(tmp_path, films=6, practice_films=2, repeats=2), actor=ACTOR)
    results.simulate_readers(study=study, readers=2, d_prime=1.0, seed=0, actor=ACTOR)
    return study


def unblinded(study: Study) -> Study:
    services.close_study(study=study, actor=ACTOR)
    return services.unblind_study(study=study, reason="All have read.", actor=ACTOR)


def analysed(study: Study) -> Analysis:
    return results.analyse_study(study=unblinded(study), actor=ACTOR)


def nothing_is_written() -> bool:
    return not Analysis.objects.exists() and not list(settings.REPORTS.glob("*"))


@pytest.mark.parametrize("step", ["open", "closed"])
def test_there_is_no_analysis_before_unblinding(study: Study, step: str) -> None:
    if step == "closed":
        services.close_study(study=study, actor=ACTOR)
    with pytest.raises(CommandError, match="only after closing and unblinding"):
        call_command("analyse_study", "chest")
    assert nothing_is_written()


def test_the_database_itself_refuses_an_analysis_before_unblinding(study: Study) -> None:
    def refused() -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Analysis.objects.create(study=study)

    refused()
    services.close_study(study=study, actor=ACTOR)
    refused()
    services.unblind_study(study=study, reason="All have read.", actor=ACTOR)
    Analysis.objects.create(study=study)
    other = make_study("other")
    with pytest.raises(IntegrityError), transaction.atomic():
        Analysis.objects.update(study=other)


def test_the_command_writes_the_report_and_says_where(study: Study, capsys: pytest.CaptureFixture) -> None:
    unblinded(study)
    capsys.readouterr()
    call_command("analyse_study", "chest", "--base-url", "https://readers.example.org")
    analysis = Analysis.objects.get()
    assert capsys.readouterr().out.splitlines() == [
        f"File: {settings.REPORTS / analysis.code / 'report.html'}",
        f"Report: https://readers.example.org/results/{analysis.code}/",
    ]
    assert sorted(path.name for path in settings.REPORTS.iterdir()) == [analysis.code]
    assert sorted(path.name for path in analysis.folder.iterdir()) == sorted(["report.html", *BESIDE])
    row = AuditRow.objects.get(action="study analysed")
    assert (row.subject, row.detail["extractor"]["name"]) == ("study:chest", "texture")


def test_every_analysis_has_a_code_of_its_own_and_keeps_the_others(study: Study) -> None:
    first = analysed(study)
    before = first.report.read_bytes()
    second = results.analyse_study(study=first.study, actor=ACTOR)
    assert len({first.code, second.code}) == 2
    assert first.report.read_bytes() == before


def test_the_page_and_the_files_beside_it_are_served_to_whoever_has_the_code(study: Study, client: Client) -> None:
    analysis = analysed(study)
    page = client.get(f"/results/{analysis.code}/")
    assert page.status_code == 200
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert page["X-Robots-Tag"] == "noindex"
    assert "default-src 'none'" in page["Content-Security-Policy"]
    text = page.content.decode()
    assert "The readers of this study are simulated: no person has read these films." in text
    for name in BESIDE:
        assert f'href="{name}"' in text
        file = client.get(f"/results/{analysis.code}/{name}")
        assert file.status_code == 200
        assert file.content == (analysis.folder / name).read_bytes()
        assert name in file["Content-Disposition"]


def test_the_files_hold_the_same_answers(study: Study) -> None:
    analysis = analysed(study)
    figures = json.loads((analysis.folder / "report.json").read_text())
    assert figures["simulated"] is True
    assert figures["readers"]["n"] == {"readers": 2, "cases": 12, "real": 6, "synthetic": 6, "readings": 24}
    assert set(figures["images"]["arms"]) == {"synthetic"}
    with (analysis.folder / "answers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 16
    main = {(row["reader"], row["case"], row["rating"]) for row in rows if row["kind"] == "main"}
    lines = (analysis.folder / "answers.imrmc").read_text().split("BEGIN DATA:\n")[1].splitlines()
    scores = [line.split(",") for line in lines if not line.startswith("truth,")]
    assert {(reader, case, score) for reader, case, _, score in scores} == main
    assert {modality for _, _, modality, _ in scores} == {"synthetic"}


@pytest.mark.parametrize("path", ["/results/x/", "/results/x/report.json", "/results/"])
def test_a_stranger_gets_404(study: Study, client: Client, path: str) -> None:
    analysed(study)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["report.html", "..%2Freport.json", "payloads", ""])
def test_no_other_file_is_served(study: Study, client: Client, name: str) -> None:
    analysis = analysed(study)
    response = client.get(f"/results/{analysis.code}/{name}")
    assert response.status_code == (404 if name else 200)


def test_a_failure_leaves_nothing_behind(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    unblinded(study)

    def full(*_arguments: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("evaluation.report.write_imrmc", full)
    with pytest.raises(OSError, match="No space"):
        results.analyse_study(study=Study.objects.get(), actor=ACTOR)
    assert nothing_is_written()
    assert not AuditRow.objects.filter(action="study analysed").exists()


def test_a_study_that_nobody_read_is_refused_with_its_reason(tmp_path: Path) -> None:
    study = services.freeze_study(study=two_arms(tmp_path, films=4), actor=ACTOR)
    with pytest.raises(ValidationError, match="“chest” cannot be analysed: There are no main readings"):
        analysed(study)
    assert nothing_is_written()


def test_a_torchscript_extractor_is_taken_by_its_path(study: Study, tmp_path: Path) -> None:
    class Means(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(images, 2).flatten(1)

    path = tmp_path / "means.pt"
    torch.jit.script(Means()).save(str(path))
    unblinded(study)
    call_command("analyse_study", "chest", "--extractor", str(path))
    (analysis,) = Analysis.objects.all()
    extractor = json.loads((analysis.folder / "report.json").read_text())["images"]["extractor"]
    assert (extractor["name"], extractor["dim"], len(extractor["sha256"])) == ("means", 12, 64)
    with pytest.raises(CommandError, match="There is no extractor at nowhere"):
        call_command("analyse_study", "chest", "--extractor", "nowhere.pt")


def test_the_export_can_be_a_file_of_imrmc(study: Study, tmp_path: Path) -> None:
    unblinded(study)
    path = tmp_path / "answers.imrmc"
    call_command("export_answers", "chest", str(path))
    text = path.read_text()
    assert "N0: 6\nN1: 6\nNR: 2\nNM: 1\nBEGIN DATA:\n" in text
    assert text.count("\ntruth,") == 12


# Jobs are queued on commit and done by a worker, so this test needs real transactions.
@pytest.mark.django_db(transaction=True)
def test_the_admin_analyses_an_unblinded_study_as_a_job(study: Study, admin_client: Client) -> None:
    step = f"/admin/studies/study/{study.pk}/step/analyse/"
    page = f"/admin/studies/study/{study.pk}/change/"
    assert step not in admin_client.get(page).content.decode()
    unblinded(study)
    assert step in admin_client.get(page).content.decode()
    assert "The analysis has begun" in admin_client.post(step, follow=True).content.decode()
    call_command("run_jobs", once=True)
    analysis = Analysis.objects.get()
    job = Job.objects.get()
    assert (job.state, job.actor) == ("done", "admin")
    assert f"/results/{analysis.code}/" in job.message
    for address in ("/admin/results/analysis/", f"/admin/results/analysis/{analysis.pk}/change/"):
        assert f'href="/results/{analysis.code}/"' in admin_client.get(address).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_job_on_a_study_that_is_not_unblinded_fails_and_shows_nothing(study: Study, admin_client: Client) -> None:
    admin_client.post(f"/admin/studies/study/{study.pk}/step/analyse/")
    call_command("run_jobs", once=True)
    job = Job.objects.get()
    assert job.state == "failed"
    assert "only after closing and unblinding" in job.message
    assert nothing_is_written()


@pytest.mark.django_db(transaction=True)
def test_ways_lead_from_a_study_to_its_reports(study: Study, admin_client: Client) -> None:
    page = f"/admin/studies/study/{study.pk}/change/"
    assert "field-reports" not in admin_client.get(page).content.decode()
    unblinded(study)
    said = admin_client.post(f"/admin/studies/study/{study.pk}/step/analyse/", follow=True).content.decode()
    job = Job.objects.get()
    assert f'<a href="/admin/jobs/job/{job.pk}/change/">' in said
    assert f'<a href="/admin/results/analysis/?study__id__exact={study.pk}">' in said
    call_command("run_jobs", once=True)
    report = f'<a href="{Analysis.objects.get().get_absolute_url()}">'
    for address in (page, "/admin/jobs/job/", f"/admin/jobs/job/{job.pk}/change/"):
        assert report in admin_client.get(address).content.decode()


def test_analysing_needs_its_permission(study: Study, client: Client) -> None:
    unblinded(study)
    user = User.objects.create_user("observer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_study", "view_analysis"]))
    client.force_login(user)
    assert client.post(f"/admin/studies/study/{study.pk}/step/analyse/").status_code == 403
    assert not Job.objects.exists()


def test_analyses_are_shown_and_never_written_in_the_admin(study: Study, admin_client: Client) -> None:
    analysis = analysed(study)
    base = "/admin/results/analysis/"
    assert "<h2>chest, 2" in admin_client.get(f"{base}{analysis.pk}/change/").content.decode()
    assert admin_client.get(f"{base}add/").status_code == 403
    assert admin_client.post(f"{base}{analysis.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{base}{analysis.pk}/change/", {"code": "x"}).status_code == 403
    assert Analysis.objects.get().code == analysis.code
