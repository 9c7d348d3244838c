from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study
from readerstudy.studies.services import close_study


class Command(StudyCommand):
    help = "End the reading of a study: no answer is taken any more."

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        close_study(study=study, actor=ACTOR)
        self.stdout.write(_("Study %(study)s is closed.") % {"study": study})
