"""Building archives as jobs. Their arguments are those of `building.build_archive`, by name."""

from django_tasks import task

from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress
from readerstudy.steering.building import build_archive, in_words


@task()
def build(job_id: int) -> None:
    jobs.run(job_id, _build)


def _build(job: Job, progress: Progress) -> str:
    return in_words(build_archive(**job.arguments, actor=job.actor, progress=progress))
