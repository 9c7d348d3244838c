"""Importing and drawing phantoms as jobs."""

from pathlib import Path

from django_tasks import task

from readerstudy.archive import services
from readerstudy.archive.importing.summary import ImportSummary
from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress


@task()
def import_radiographs(job_id: int) -> None:
    jobs.run(job_id, _import)


@task()
def draw_phantoms(job_id: int) -> None:
    jobs.run(job_id, _draw)


def _import(job: Job, progress: Progress) -> str:
    asked = job.arguments | {"path": Path(job.arguments["path"])}
    return _message(services.import_radiographs(**asked, actor=job.actor, progress=progress))


def _draw(job: Job, progress: Progress) -> str:
    return _message(services.draw_phantoms(**job.arguments, actor=job.actor, progress=progress))


def _message(summary: ImportSummary) -> str:
    """What the command prints, as the last words of a job."""
    return "\n".join(summary.sentences())
