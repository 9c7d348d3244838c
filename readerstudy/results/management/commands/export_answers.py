from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.results.services import export_answers
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study


class Command(StudyCommand):
    help = (
        "Write the answers of an unblinded study with their truth as CSV, one row per answered slot; "
        "or the main readings as a file of iMRMC, where FILE ends in .imrmc."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", type=Path)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        rows = export_answers(study=study, path=options["file"], actor=ACTOR)
        self.stdout.write(_("%(rows)d answers are in %(file)s.") % {"rows": rows, "file": options["file"]})
