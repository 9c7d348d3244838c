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
    asked = job.arguments
    return _message(
        services.import_radiographs(
            path=Path(asked["path"]),
            collection=asked["collection"],
            truth=asked["truth"],
            form=asked["form"],
            origin=asked["origin"],
            licence=asked["licence"],
            actor=job.actor,
            progress=progress,
        )
    )


def _draw(job: Job, progress: Progress) -> str:
    asked = job.arguments
    return _message(
        services.draw_phantoms(
            collection=asked["collection"],
            count=asked["count"],
            seed=asked["seed"],
            side=asked["side"],
            findings=asked["findings"],
            actor=job.actor,
            progress=progress,
        )
    )


def _message(summary: ImportSummary) -> str:
    """What the command prints, as the last words of a job."""
    return "\n".join(summary.sentences())
