"""Training and drawing as jobs."""

from typing import Any

from django.utils.translation import gettext as _
from django_tasks import task

from gan.config import preset
from gan.stopping import TrainingStopped
from readerstudy.archive.models import Collection
from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress
from readerstudy.synthesis.models import Generator, TrainingRun
from readerstudy.synthesis.services import generate_radiographs, require_resumable, train_gan


@task()
def train(job_id: int) -> None:
    jobs.run(job_id, _train)


@task()
def resume(job_id: int) -> None:
    jobs.run(job_id, _resume)


@task()
def draw(job_id: int) -> None:
    jobs.run(job_id, _draw)


def _train(job: Job, progress: Progress) -> str:
    asked = job.arguments
    return _until_stopped(
        job,
        progress,
        name=asked["name"],
        collection=Collection.objects.get(pk=asked["collection"]),
        split=asked["split"],
        config=preset(asked["preset"], resolution=asked["resolution"], kimg=asked["kimg"], seed=asked["seed"]),
        # A job that is taken up again after a crash finds its own run; another's is refused there.
        resume=TrainingRun.objects.filter(name=asked["name"]).exists(),
    )


def _resume(job: Job, progress: Progress) -> str:
    run = TrainingRun.objects.select_related("collection").get(pk=job.arguments["run"])
    config = require_resumable(run)
    return _until_stopped(
        job, progress, name=run.name, collection=run.collection, split=run.split, config=config, resume=True
    )


def _until_stopped(job: Job, progress: Progress, **training: Any) -> str:
    try:
        generator = train_gan(actor=job.actor, progress=progress, **training)
    except TrainingStopped as stopped:
        # From the run's page; to the job that is the same as being cancelled.
        raise jobs.Cancelled from stopped
    return _("Generator %(generator)s is trained and registered.") % {"generator": generator}


def _draw(job: Job, progress: Progress) -> str:
    asked = job.arguments
    batch = generate_radiographs(
        generator=Generator.objects.get(pk=asked["generator"]),
        collection=asked["collection"],
        count=asked["count"],
        first_seed=asked["first_seed"],
        truncation=asked["truncation"],
        actor=job.actor,
        progress=progress,
    )
    return _("%(count)d films are in collection %(collection)s.") % {
        "count": batch.count,
        "collection": batch.collection,
    }
