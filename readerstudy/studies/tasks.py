"""Freezing as a job."""

from django.utils.translation import gettext as _
from django_tasks import task

from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress
from readerstudy.studies.models import Study
from readerstudy.studies.services import freeze_study


@task()
def freeze(job_id: int) -> None:
    jobs.run(job_id, _freeze)


def _freeze(job: Job, progress: Progress) -> str:
    study = Study.objects.get(pk=job.arguments["study"])
    freeze_study(study=study, actor=job.actor, progress=progress)
    return _("Study %(study)s is frozen.") % {"study": study}
