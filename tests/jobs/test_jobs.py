"""Long work: queued, watched, cancelled, and taken up again after a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django_tasks import task

from readerstudy.audit.models import AuditRow
from readerstudy.jobs import services
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


def count_to(job: Job, progress: Progress) -> str:
    progress.start(job.arguments["total"], "Counting")
    for _ in range(job.arguments["total"]):
        progress.advance()
    return f"Counted to {job.arguments['total']}."


@task()
def counting(job_id: int) -> None:
    services.run(job_id, count_to)


@task()
def refusing(job_id: int) -> None:
    def work(job: Job, progress: Progress) -> str:
        raise ValidationError("The films are missing.")

    services.run(job_id, work)


@task()
def cancelled_on_the_way(job_id: int) -> None:
    def work(job: Job, progress: Progress) -> str:
        progress.start(2, "Working")
        services.cancel(job=job, actor="researcher")
        progress.advance()
        return "Should have stopped."

    services.run(job_id, work)


@task()
def with_another_worker_beside(job_id: int) -> None:
    def work(job: Job, progress: Progress) -> str:
        return f"{services.requeue_interrupted()} taken for interrupted."

    services.run(job_id, work)


def test_a_job_is_done_by_the_worker_and_says_so() -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=3)
    assert job.state == Job.State.WAITING
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.state, job.message, job.steps_total) == (Job.State.DONE, "Counted to 3.", 3)
    assert [row.action for row in AuditRow.objects.filter(subject=f"job:{job.pk}").order_by("id")] == [
        "job enqueued",
        "job done",
    ]


def test_a_refusal_ends_the_job_with_its_reason() -> None:
    job = services.enqueue(refusing, title="Refuse", actor="researcher")
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.state, job.message) == (Job.State.FAILED, "The films are missing.")


def test_a_running_job_stops_at_its_next_step() -> None:
    job = services.enqueue(cancelled_on_the_way, title="Stop me", actor="researcher")
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


def test_a_waiting_job_is_cancelled_at_once_and_never_runs() -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=3)
    services.cancel(job=job, actor="researcher")
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.state, job.steps_done) == (Job.State.CANCELLED, 0)
    with pytest.raises(ValidationError, match="already ended"):
        services.cancel(job=job, actor="researcher")


def test_a_job_whose_worker_died_is_done_after_a_restart() -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=3)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert job.state == Job.State.DONE


def test_a_job_whose_worker_lives_is_left_to_it(home: Path) -> None:
    job = services.enqueue(with_another_worker_beside, title="Work", actor="researcher")
    call_command("run_jobs", once=True)
    job.refresh_from_db()
    assert (job.state, job.message) == (Job.State.DONE, "0 taken for interrupted.")
    assert not list((home / "jobs").iterdir())


HOLDING = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_a_worker_lets_go_of_its_job_by_dying(home: Path) -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=3)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
    (home / "jobs").mkdir()
    lock = home / "jobs" / f"{job.pk}.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDING, lock], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"held\n"
        assert services.requeue_interrupted() == 0
        worker.kill()
    assert services.requeue_interrupted() == 1


def test_the_admin_shows_progress_and_reloads_while_work_is_under_way(admin_client: Client) -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=4)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, steps_total=4, steps_done=1)
    page = admin_client.get("/admin/jobs/job/")
    assert "1/4 (25 %)" in page.content.decode()
    assert page["Refresh"] == "3"


def test_the_admin_shows_a_job_that_ended_and_offers_nothing_to_save(admin_client: Client) -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=4)
    call_command("run_jobs", once=True)
    for address in ("/admin/jobs/job/", f"/admin/jobs/job/{job.pk}/change/"):
        page = admin_client.get(address)
        assert "4/4 (100 %)" in page.content.decode()
        assert "Counting" not in page.content.decode()
        assert "Refresh" not in page
    assert "_save" not in page.content.decode()


def test_a_message_links_to_what_this_server_serves_and_to_nothing_else(admin_client: Client) -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=4)
    Job.objects.filter(pk=job.pk).update(message="Look at /admin/jobs/job/, not at /srv/films/ or <b>here</b>.")
    page = admin_client.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    expected = '<a href="/admin/jobs/job/">/admin/jobs/job/</a>, not at /srv/films/ or &lt;b&gt;here&lt;/b&gt;.'
    assert expected in page


def test_the_list_says_that_a_job_was_cancelled(admin_client: Client) -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=4)
    chosen = {"action": "cancel_selected", "_selected_action": [job.pk]}
    said = admin_client.post("/admin/jobs/job/", chosen, follow=True).content.decode()
    assert "Count: cancelled" in said
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


@pytest.mark.parametrize("change", [{"state": "done"}, {"steps_done": 2, "steps_total": 1}])
def test_the_database_refuses_a_job_that_contradicts_itself(change: dict) -> None:
    job = services.enqueue(counting, title="Count", actor="researcher", total=3)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**change)
