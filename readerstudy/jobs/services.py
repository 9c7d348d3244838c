"""Starting, running and stopping jobs. An app's `tasks.py` hands its service to `run`, and nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django_tasks.base import Task

from readerstudy.audit.models import record
from readerstudy.jobs.locks import if_nobody_works_on, working_on
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0


class Cancelled(Exception):
    """Raised inside the work at its next step after somebody asked to stop it."""


class JobProgress:
    """Writes progress into the job's row, at most once a second, and notices there that it should stop."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done = 0
        self._reported_at = 0.0

    def start(self, total: int, label: str) -> None:
        self._done = 0
        Job.objects.filter(pk=self._job.pk).update(steps_done=0, steps_total=total, label=label)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if time.monotonic() - self._reported_at < SECONDS_BETWEEN_REPORTS:
            return
        self._reported_at = time.monotonic()
        Job.objects.filter(pk=self._job.pk).update(steps_done=self._done)
        if Job.objects.filter(pk=self._job.pk, cancel_requested=True).exists():
            raise Cancelled


def enqueue(task: Task, *, title: str, actor: str, **arguments: Any) -> Job:
    """Put work in the queue. `task` takes the job's id; it finds `arguments`, which must be JSON, in the row."""
    job = Job(title=title, task=task.module_path, arguments=arguments, actor=actor)
    job.full_clean()
    with transaction.atomic():
        job.save()
        record(actor=actor, action="job enqueued", subject=f"job:{job.pk}", title=title, arguments=arguments)
        transaction.on_commit(lambda: task.enqueue(job.pk))
    return job


def cancel(*, job: Job, actor: str) -> None:
    """Ask a job to stop at its next step; one that has not begun ends at once."""
    with transaction.atomic():
        asked = Job.objects.unfinished().filter(pk=job.pk).update(cancel_requested=True)
        if not asked:
            raise ValidationError(_("This job has already ended, so there is nothing to cancel."))
        Job.objects.filter(pk=job.pk, state=Job.State.WAITING).update(
            state=Job.State.CANCELLED, finished_at=timezone.now()
        )
        record(actor=actor, action="job cancelled", subject=f"job:{job.pk}")


def run(job_id: int, work: Callable[[Job, Progress], str]) -> None:
    """Do the work of one job. `work` returns the sentence that the job ends with."""
    if not Job.objects.filter(pk=job_id, state=Job.State.WAITING).exists():
        return
    with working_on(job_id):
        begun = Job.objects.filter(pk=job_id, state=Job.State.WAITING).update(
            state=Job.State.RUNNING, started_at=timezone.now()
        )
        if begun:
            _work(Job.objects.get(pk=job_id), work)


def _work(job: Job, work: Callable[[Job, Progress], str]) -> None:
    try:
        message = work(job, JobProgress(job))
    except Cancelled:
        _finish(job, Job.State.CANCELLED, _("Cancelled before its end."))
    except ValidationError as error:
        _finish(job, Job.State.FAILED, " ".join(error.messages))
    except Exception as error:
        logger.exception("Job %s failed.", job.pk)
        _finish(job, Job.State.FAILED, f"{type(error).__name__}: {error}")
    else:
        # Reports are a second apart, so the last steps may not have been written.
        Job.objects.filter(pk=job.pk).update(steps_done=F("steps_total"))
        _finish(job, Job.State.DONE, message)


def requeue_interrupted() -> int:
    """Queue again what a worker that died was running; what a living one runs is left to it. Returns how many."""
    return sum(_requeue(job) for job in Job.objects.filter(state=Job.State.RUNNING))


def _requeue(job: Job) -> bool:
    with if_nobody_works_on(job.pk) as interrupted:
        # It may have ended between the look at its row and the lock.
        again = interrupted and bool(
            Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(
                state=Job.State.WAITING, started_at=None, steps_done=0
            )
        )
    if again:
        import_string(job.task).enqueue(job.pk)
    return again


def _finish(job: Job, state: Job.State, message: str) -> None:
    if state == Job.State.FAILED:
        logger.warning("Job %s, “%s”, has failed: %s", job.pk, job.title, message)
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=state, message=message, finished_at=timezone.now())
        record(actor=job.actor, action=f"job {state.value}", subject=f"job:{job.pk}", message=message)
