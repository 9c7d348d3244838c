from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study
from readerstudy.studies.services import unblind_study


class Command(StudyCommand):
    help = "Allow truth to be joined to the answers of a closed study. It is logged and cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        unblind_study(study=study, reason=options["reason"], actor=ACTOR)
        self.stdout.write(_("Study %(study)s is unblinded.") % {"study": study})
