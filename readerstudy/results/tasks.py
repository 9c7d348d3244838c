"""Analysing as a job."""

from django.utils.translation import gettext as _
from django_tasks import task

from readerstudy.jobs import services as jobs
from readerstudy.jobs.models import Job
from readerstudy.progress import Progress
from readerstudy.results.services import analyse_study
from readerstudy.studies.models import Study


@task()
def analyse(job_id: int) -> None:
    jobs.run(job_id, _analyse)


def _analyse(job: Job, progress: Progress) -> str:
    study = Study.objects.get(pk=job.arguments["study"])
    analysis = analyse_study(study=study, actor=job.actor, progress=progress)
    return _("Study %(study)s is analysed; its report is at %(address)s.") % {
        "study": study,
        "address": analysis.get_absolute_url(),
    }
