from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from readerstudy.commands import ACTOR
from readerstudy.studies.management.study_command import StudyCommand, find_reader
from readerstudy.studies.models import Study
from readerstudy.studies.services import erase_identity, withdraw_reader


class Command(StudyCommand):
    help = "Exclude a reader from analyses. The answers are kept under the pseudonym."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("reader", metavar="READER", help="Pseudonym, such as R01.")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--erase", action="store_true", help="Also forget name, e-mail and link.")

    def act_on(self, study: Study, options: dict[str, Any]) -> None:
        reader = find_reader(study, options["reader"])
        withdraw_reader(reader=reader, reason=options["reason"], actor=ACTOR)
        if options["erase"]:
            erase_identity(reader=reader, actor=ACTOR)
        self.stdout.write(_("Reader %(reader)s is withdrawn.") % {"reader": reader.pseudonym})
