from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.results.services import export_remarks
from readerstudy.studies.management.study_command import StudyCommand
from readerstudy.studies.models import Study


class Command(StudyCommand):
    help = (
        "Write what the readers of an unblinded study said beside their answers as CSV: cues, findings, regions and "
        "words, one row per remark."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE", type=Path)

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        rows = export_remarks(study=study, path=options["file"], actor=ACTOR)
        self.stdout.write(_("%(rows)d remarks are in %(file)s.") % {"rows": rows, "file": options["file"]})
